"""A published SP-API client that reads Secrets Manager by itself finds each new secret there, by its own names."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.amazon.control_api import SecretView
from sandbox.processes import scrubbed_environment
from sandbox.session import App, Sandbox, new_app
from spapi_rotation_lambda.domain.times import format_time
from tests.engine.operating import Operator

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP, ORDERS = new_app("shop"), new_app("orders")
KEYS = {"client_id": "LWA_APP_ID", "client_secret": "LWA_CLIENT_SECRET"}
"""What python-amazon-sp-api reads. Source: its ``sp_api/base/credential_provider.py``."""

REFRESH_TOKEN = "canary-refresh-token"

CLIENT = """
import json
from sp_api.base.credential_provider import CredentialProvider, FromSecretsCredentialProvider

print(json.dumps(vars(CredentialProvider(credential_providers=[FromSecretsCredentialProvider]).credentials)))
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("secret-keys") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        configure(box)
        box.stack.up()
        yield box


def configure(box: Sandbox, triggers: dict[str, str] | None = None) -> None:
    config = box.config([SHOP, ORDERS], triggers)
    for entry in config["applications"].values():
        entry["secret_keys"] = KEYS
    box.stack.configure(config)


def read_by_client(box: Sandbox, arn: str) -> dict[str, str]:
    """What the client's own provider for AWS finds, in a process of its own."""
    environment = scrubbed_environment(**box.aws.environment(), SP_API_AWS_SECRET_ID=arn)
    done = subprocess.run(
        [sys.executable, "-c", CLIENT], env=environment, capture_output=True, text=True, check=False, cwd=box.folder
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def judged(box: Sandbox, app: App, credentials: dict[str, str]) -> SecretView:
    view = box.amazon.judge(app.client_id, credentials["lwa_client_secret"])
    assert view is not None
    return view


@pytest.mark.rule(id="SEC-4")
def test_the_clients_own_provider_reads_the_seeded_and_then_the_rotated_secret(box: Sandbox) -> None:
    operator = Operator(box)
    arn = str(operator.outputs["secret_arns"][SHOP.name])
    issued = datetime.now(UTC) - timedelta(days=10)
    made = box.amazon.register(SHOP.client_id, issued_at=issued)
    box.amazon.subscribe(SHOP.client_id, operator.outputs["queue_url"])
    words = ("seed", SHOP.name, "--from-stdin", "--issued-at", format_time(issued), "--yes")
    operator.run(*words, stdin=f"{made.client_secret}\n")
    # The client wants one key more, which is its owner's.
    owners = {**box.value(arn), "SP_API_REFRESH_TOKEN": REFRESH_TOKEN}
    box.aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(owners))
    seeded = read_by_client(box, arn)
    assert seeded == {
        "lwa_app_id": SHOP.client_id,
        "lwa_client_secret": made.client_secret,
        "refresh_token": REFRESH_TOKEN,
    }
    operator.run("rotate", SHOP.name, "--yes", "--timeout", "120")
    rotated = read_by_client(box, arn)
    assert rotated["lwa_client_secret"] != seeded["lwa_client_secret"]
    view = judged(box, SHOP, rotated)
    assert (view.newest, view.accepted_by_spapi) == (True, True)
    assert {**rotated, "lwa_client_secret": ""} == {**seeded, "lwa_client_secret": ""}
    assert not {"client_id", "client_secret"} & box.value(arn).keys()


def test_a_rotation_by_up_uses_the_names_too(box: Sandbox) -> None:
    arn = str(box.stack.outputs()["secret_arns"][ORDERS.name])
    made = box.amazon.register(ORDERS.client_id)
    box.amazon.subscribe(ORDERS.client_id, box.stack.outputs()["queue_url"])
    value = {"LWA_APP_ID": ORDERS.client_id, "LWA_CLIENT_SECRET": made.client_secret}
    box.aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(value))
    configure(box, {ORDERS.name: "first"})
    box.stack.up()
    rotated = read_by_client(box, arn)
    assert rotated["lwa_client_secret"] != made.client_secret
    assert judged(box, ORDERS, rotated).newest
