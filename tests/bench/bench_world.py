"""The world of the measurements: the project's own stack in the sandbox, whose function is run from here."""

import json
import secrets
import time
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import certifi

from sandbox.cache import Progress
from sandbox.session import App, Sandbox, new_app, seeded
from spapi_rotation_lambda.domain.daily_slot import is_daily_slot
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.settings import Env
from tests.bench.tls_front import TlsFront

PATIENCE_SECONDS = 30.0


class BenchWorld:
    """AWS and Amazon over TLS, with everything that the component declares. A context manager.

    Attributes:
        environment: what the deployed function has, and what it takes to reach AWS and Amazon from here.
    """

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._box = Sandbox(folder, progress=progress, rate_period_seconds=0.001)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        box = self._open.enter_context(self._box)
        tls = box.aws.ca_file.parent
        certificate, key = str(tls / "server.crt"), str(tls / "server.key")
        # Two hosts, as Login with Amazon and SP-API are.
        lwa, spapi = (
            self._open.enter_context(TlsFront(box.own_amazon.url, certificate=certificate, key=key)) for _ in range(2)
        )
        box.stack.configure(box.config([new_app("shop")]))
        box.stack.up()
        self._queue_url = str(box.stack.outputs()["queue_url"])
        functions = box.aws.client("lambda")
        (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        self._sqs = box.aws.client("sqs")
        self._secrets = box.aws.client("secretsmanager")
        variables = functions.get_function_configuration(FunctionName=mapping["FunctionArn"])["Environment"][
            "Variables"
        ]
        # As on Lambda, an authority is found among all that the world trusts.
        trusted = box.folder / "authorities.pem"
        trusted.write_text(Path(certifi.where()).read_text() + box.aws.ca_file.read_text())
        self.environment = {
            **box.aws.environment(),
            **dict.fromkeys(("AWS_CA_BUNDLE", "SSL_CERT_FILE"), str(trusted)),
            **variables,
            Env.SPAPI_ENDPOINT: spapi.url,
            Env.LWA_ENDPOINT: box.lwa_endpoint.replace(box.own_amazon.url, lwa.url),
            "AWS_LAMBDA_FUNCTION_NAME": mapping["FunctionArn"].rpartition(":")[2],
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def application(self, age: timedelta) -> App:
        """A further application, in the state in which its first check has left it: its secret is of this age."""
        app = new_app(f"shop-{secrets.token_hex(4)}")
        name = f"{self.environment[Env.SECRET_PREFIX]}/{app.client_id}"
        arn = self._secrets.create_secret(Name=name, ClientRequestToken=str(uuid.uuid4()))["ARN"]
        seeded(self._box.aws, self._box.amazon, app, arn, age=age)
        (version,) = self._secrets.list_secret_version_ids(SecretId=arn)["Versions"]
        self._secrets.update_secret_version_stage(
            SecretId=arn, VersionStage=Label.FIRST_SEEN.value, MoveToVersionId=version["VersionId"]
        )
        self._box.amazon.subscribe(app.client_id, self._queue_url)
        return app

    def check(self, app: App) -> dict[str, Any]:
        """The schedule's event, of a check that is not the one of the day on which more is looked at."""
        now = datetime.now(UTC)
        at = next(
            hour
            for hour in (now - timedelta(hours=hours) for hours in range(3))
            if not is_daily_slot(app.client_id, hour, timedelta(hours=1))
        )
        return {
            "action": "check",
            "application": app.name,
            "client_id": app.client_id,
            "scheduled_at": format_time(at),
        }

    def message(self) -> dict[str, Any]:
        """The event with Amazon's next message, as the mapping would make it; the message leaves the queue.

        Raises:
            TimeoutError: none came.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url, WaitTimeSeconds=1, MessageSystemAttributeNames=["All"]
            )
            for found in answer.get("Messages", ()):
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=found["ReceiptHandle"])
                record = {
                    "messageId": found["MessageId"],
                    "body": found["Body"],
                    "attributes": found["Attributes"],
                    "eventSource": "aws:sqs",
                }
                return {"Records": [record]}
        raise TimeoutError("Amazon sent no message.")

    def in_use(self, app: App) -> bool:
        """Whether the secret in use is the newest that Amazon has made."""
        name = f"{self.environment[Env.SECRET_PREFIX]}/{app.client_id}"
        value = json.loads(self._secrets.get_secret_value(SecretId=name)["SecretString"])
        judged = self._box.amazon.judge(app.client_id, value["client_secret"])
        return judged is not None and judged.newest
