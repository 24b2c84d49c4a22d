"""The examples in Python, but for that with the wheel: each README followed, and a rotation by what it deployed."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws.emulator import ACCOUNT
from sandbox.session import Sandbox
from tests.examples.following import Follower, assumed

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

REFRESH_TOKEN = "the owner's own"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("examples") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield box


def follower(box: Sandbox, folder: Path, name: str, *apps: str, endpoint: str = '"NA"') -> Follower:
    """Somebody in this environment, which has what ``pulumi install`` would install."""
    person = Follower(
        box,
        folder,
        name,
        endpoint=(
            "__main__.py",
            f'"spapi_endpoint": {endpoint}',
            '"spapi_endpoint": "SPAPI", "lwa_endpoint": "LWA"',
        ),
        apps=apps or ("shop",),
        not_typed=("pulumi install",),
    )
    (person.place / ".venv").symlink_to(sys.prefix)
    return person


@pytest.mark.example("python_checkout", "run in the sandbox")
def test_from_a_checkout(box: Sandbox, tmp_path: Path) -> None:
    with follower(box, tmp_path, "python_checkout") as person:
        person.follow(until="spapi-rotation register")
        outputs = person.outputs()
        assert outputs["queue_arn"] in person.follow(after="spapi-rotation register", until="spapi-rotation seed")
        person.register("shop", outputs["queue_arn"])
        person.follow(after="spapi-rotation seed")
        person.terminal.enter("spapi-rotation rotate shop --timeout 120")
        with assumed(box.aws, outputs["reader_role"]) as credentials:
            read = person.in_use(outputs["secret_arn"], credentials)
        assert person.newest("shop", read["client_secret"])
        assert person.shown() == []


@pytest.mark.example("existing_secret", "run in the sandbox")
def test_an_existing_secret(box: Sandbox, tmp_path: Path) -> None:
    with follower(box, tmp_path, "existing_secret", "orders") as person:
        arn, key = owners_secret(box, person)
        person.placeholders |= {"arn:aws:secretsmanager:…": arn, "arn:aws:kms:…": key}
        person.follow(until="spapi-rotation register")
        person.register("orders", person.outputs()["queue_arn"])
        person.follow(after="spapi-rotation register")
        found = person.in_use(arn)
        assert person.newest("orders", found["LWA_CLIENT_SECRET"])
        assert found["LWA_APP_ID"] == person.apps["orders"].client_id
        assert found["SP_API_REFRESH_TOKEN"] == REFRESH_TOKEN
        secrets = box.aws.client("secretsmanager").list_secrets()["SecretList"]
        assert [each["Name"] for each in secrets if person.apps["orders"].client_id in each["Name"]] == []
        assert person.shown() == []


def owners_secret(box: Sandbox, person: Follower) -> tuple[str, str]:
    """A secret under a key of its owner, made before and by nobody's program; the ARNs of both."""
    policy = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    key = box.aws.client("kms").create_key(Policy=document)["KeyMetadata"]["Arn"]
    keys = {
        "LWA_APP_ID": person.apps["orders"].client_id,
        "LWA_CLIENT_SECRET": person.secrets["orders"],
        "SP_API_REFRESH_TOKEN": REFRESH_TOKEN,
    }
    made = box.aws.client("secretsmanager").create_secret(Name="orders", KmsKeyId=key, SecretString=json.dumps(keys))
    return str(made["ARN"]), str(key)


@pytest.mark.example("several_applications", "run in the sandbox")
def test_several_applications(box: Sandbox, tmp_path: Path) -> None:
    apps = {"shop": "NA", "stock": "NA", "prices": "EU"}
    with follower(box, tmp_path, "several_applications", *apps, endpoint="endpoint") as person:
        person.follow(until="spapi-rotation register")
        outputs = person.outputs()
        for app, endpoint in apps.items():
            person.register(app, outputs[f"{endpoint}_queue_arn"])
        person.follow(after="spapi-rotation register", until="pulumi config set --path applications.stock.retired")
        for app in ("shop", "prices"):
            function = outputs[f"{apps[app]}_function_name"]
            person.terminal.enter(f"spapi-rotation rotate {app} --timeout 120 --function {function}")
            assert person.newest(app, person.in_use(outputs[f"{apps[app]}_secret_arns"][app])["client_secret"])
        person.follow(after="pulumi config set --path applications.stock.retired")
        assert person.in_use(outputs["NA_secret_arns"]["stock"])["client_secret"] == person.secrets["stock"]
        assert person.outputs()["NA_secret_arns"].keys() == {"shop"}
        assert person.shown() == []
