"""The whole world on one machine: engine, AWS, Amazon and a stack, started together and ended together."""

import contextlib
import json
import secrets
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.amazon.control import AmazonControl
from sandbox.amazon.delivery import SqsTarget
from sandbox.amazon.process import Amazon
from sandbox.amazon.records import SECRET_LIFE, WorldSettings
from sandbox.aws.emulator import REGION, AwsEmulator
from sandbox.cache import Progress
from sandbox.canaries import Finding, files_below, search
from sandbox.engine import Engine, ensure_engine
from sandbox.provider.install import install
from sandbox.stack import Stack
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time


@dataclass(frozen=True, slots=True)
class App:
    """An application of the sandbox: its name in the stack and its client id."""

    name: str
    client_id: str


def new_app(name: str) -> App:
    """An application with a client id of the right shape."""
    return App(name, f"amzn1.application-oa2-client.{secrets.token_hex(16)}")


def fingerprint(app: App, secret: str, issued: datetime) -> str:
    """As if a message of Amazon had brought the secret."""
    brought = Credentials(app.client_id, Sensitive(secret), issued, issued + SECRET_LIFE)
    return str(brought.sealed().fingerprint)


def seeded(aws: AwsEmulator, amazon: AmazonControl, app: App, secret_arn: str, *, age: timedelta) -> dict[str, str]:
    """Have an Amazon know a secret of the given age, and put it into Secrets Manager as its owner would.

    Returns:
        what was put in.
    """
    issued = datetime.now(UTC) - age
    made = amazon.register(app.client_id, issued_at=issued)
    if made.client_secret is None:
        raise RuntimeError("Amazon's stand-in did not say which secret it made.")
    value = {
        "client_id": app.client_id,
        "client_secret": made.client_secret,
        "client_secret_issued_at": format_time(issued),
        "client_secret_expires_at": format_time(issued + SECRET_LIFE),
        "client_secret_fingerprint": fingerprint(app, made.client_secret, issued),
        "owner_note": "kept as it is",
    }
    aws.client("secretsmanager", region=secret_arn.split(":")[3]).put_secret_value(
        SecretId=secret_arn, ClientRequestToken=str(uuid.uuid4()), SecretString=json.dumps(value)
    )
    return value


class Sandbox:
    """Engine, AWS emulator, Amazon's stand-in and one stack of the project's program.

    A context manager; everything it started has ended when it is left.

    Args:
        folder: for logs, certificates and Pulumi's state; emptied at the start.
        progress: is told about what takes long.
        hour_seconds: how long an hour lasts for the scheduler.
        spapi_endpoint, lwa_endpoint: other servers to use instead of the stand-in's.
    """

    def __init__(
        self,
        folder: Path,
        *,
        progress: Progress,
        hour_seconds: float = 60,
        rate_period_seconds: float = 60,
        spapi_endpoint: str | None = None,
        lwa_endpoint: str | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self._progress = progress
        self._hour_seconds = hour_seconds
        self._rate_period_seconds = rate_period_seconds
        self._endpoints = (spapi_endpoint, lwa_endpoint)
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opening:
            self.engine: Engine = ensure_engine(self._progress)
            self.aws = opening.enter_context(
                AwsEmulator(self.folder / "aws", progress=self._progress, hour_seconds=self._hour_seconds)
            )
            self._amazon = opening.enter_context(
                Amazon(
                    self.folder / "amazon",
                    sqs=SqsTarget(self.aws.endpoint, REGION, str(self.aws.ca_file)),
                    settings=WorldSettings(rate_period_seconds=self._rate_period_seconds),
                )
            )
            plugins = self.folder / "plugins"
            plugins.mkdir(parents=True, exist_ok=True)
            install(plugins, Path(sys.executable))
            self.stack = Stack(
                self.folder / "pulumi", engine=self.engine.bin, plugins=plugins, environment=self.aws.environment()
            )
            self.stack.init()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def amazon(self) -> AmazonControl:
        """What Amazon's stand-in is told by."""
        return self._amazon.control

    @property
    def own_amazon(self) -> Amazon:
        """Amazon's stand-in itself."""
        return self._amazon

    @property
    def spapi_endpoint(self) -> str:
        """The SP-API base URL that the stack uses."""
        return self._endpoints[0] or self._amazon.spapi_endpoint

    @property
    def lwa_endpoint(self) -> str:
        """The LWA token URL that the stack uses."""
        return self._endpoints[1] or self._amazon.lwa_endpoint

    def config(self, apps: list[App], triggers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """A stack configuration for some applications."""
        triggers = triggers or {}
        return {
            "aws:region": REGION,
            "applications": {
                app.name: {"client_id": app.client_id}
                | ({"rotate_on_up": triggers[app.name]} if app.name in triggers else {})
                for app in apps
            },
            "spapi_endpoint": self.spapi_endpoint,
            "lwa_endpoint": self.lwa_endpoint,
            "promote_delay_minutes": 0,
            "wait_seconds": 60,
            "deletion_protection": False,
            **more,
        }

    def seed(self, app: App, secret_arn: str, *, age: timedelta) -> dict[str, str]:
        """Have Amazon know a secret of the given age, and put it into Secrets Manager as its owner would.

        Returns:
            what was put in.
        """
        return seeded(self.aws, self.amazon, app, secret_arn, age=age)

    def value(self, secret_arn: str, label: Label = Label.CURRENT) -> dict[str, Any]:
        """The JSON under a label."""
        answer = self.aws.client("secretsmanager").get_secret_value(SecretId=secret_arn, VersionStage=label.value)
        found = json.loads(answer["SecretString"])
        if not isinstance(found, dict):
            raise TypeError("The secret is not an object.")
        return found

    def labels(self, secret_arn: str) -> dict[str, list[str]]:
        """Version id to labels, in the order in which the versions were made."""
        versions = self.aws.client("secretsmanager").list_secret_version_ids(SecretId=secret_arn)["Versions"]
        ordered = sorted(versions, key=lambda version: version["CreatedDate"])
        return {version["VersionId"]: sorted(version["VersionStages"]) for version in ordered}

    def function_log(self) -> list[str]:
        """Every line of every log group in the emulator, in time's order."""
        logs = self.aws.client("logs")
        events: list[tuple[int, str]] = []
        for page in logs.get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                for found in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                    events += [(event["timestamp"], event["message"]) for event in found["events"]]
        return [message for _, message in sorted(events, key=lambda event: event[0])]

    def evidence(self) -> dict[str, str | bytes]:
        """Every text that a run leaves: logs, Pulumi's state and output, files of the sandbox, operations queue."""
        texts: dict[str, str | bytes] = {"function log": "\n".join(self.function_log())}
        texts["pulumi stack export --show-secrets"] = self.stack.export()
        texts["pulumi stack output"] = json.dumps(self.stack.outputs())
        journal = self.amazon.journal()
        texts["journal of Amazon's stand-in"] = "\n".join(map(repr, journal))
        return texts | dict(files_below(self.folder))

    def search_secrets(self, texts: dict[str, str | bytes]) -> list[Finding]:
        """Search texts for every secret and token that ever existed in this sandbox."""
        canaries = self.amazon.canaries()
        return search([*canaries.secrets, *canaries.tokens], texts)
