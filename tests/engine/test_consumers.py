"""``consumers`` on a deployed stack: of two readers, the one that has not read since the rotation is named."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.session import Sandbox, new_app
from tests.engine.operating import Operator
from tests.sandbox.aws_support import acting_as, allow

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP = new_app("shop")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("consumers") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        box.stack.configure(box.config([SHOP]))
        box.stack.up()
        yield box


class Consumer:
    """A role that may read the secret, and does when it is told to."""

    def __init__(self, box: Sandbox, secret: str, key: str) -> None:
        keys = acting_as(box.aws, allow("secretsmanager:GetSecretValue", secret), allow("kms:Decrypt", key))
        self._secret, self._client = secret, box.aws.client("secretsmanager", credentials=keys)
        arn = box.aws.client("sts", credentials=keys).get_caller_identity()["Arn"]
        self.name = f"role/{arn.split('/')[1]}"

    def read(self) -> str:
        value = json.loads(self._client.get_secret_value(SecretId=self._secret)["SecretString"])
        return str(value["client_secret"])


def test_who_has_not_read_since_the_rotation_is_named(box: Sandbox) -> None:
    operator = Operator(box)
    arn, key = operator.outputs["secret_arns"][SHOP.name], operator.outputs["key_arn"]
    box.seed(SHOP, arn, age=timedelta(days=10))
    box.amazon.subscribe(SHOP.client_id, operator.outputs["queue_url"])
    orders, reports = Consumer(box, arn, key), Consumer(box, arn, key)
    old = orders.read()
    assert reports.read() == old
    denied = json.loads(operator.run("consumers", "--json", code=1))["error"]
    assert denied["type"] == "AccessDenied"
    assert "cloudtrail:LookupEvents" in denied["remedy"]
    policy = {"Version": "2012-10-17", "Statement": [allow("cloudtrail:LookupEvents")]}
    box.aws.client("iam").put_role_policy(RoleName="operator", PolicyName="look-up", PolicyDocument=json.dumps(policy))

    before = readers(operator.run("consumers", "--json"))
    assert {orders.name, reports.name} <= before.keys()
    assert all(each["followed"] is not False for each in before.values())

    operator.run("rotate", SHOP.name, "--yes", "--timeout", "120")
    rotated_at = datetime.now(UTC)
    read_later(orders, old)
    during = readers(operator.run("consumers", "--json", code=3))
    assert (during[orders.name]["followed"], during[reports.name]["followed"]) == (True, False)
    breaks_at = datetime.fromisoformat(during[reports.name]["breaks_at"])
    assert timedelta(days=6, hours=23) < breaks_at - rotated_at < timedelta(days=7)
    # The function has read too, and is no consumer.
    assert [each["kind"] for each in during.values()].count("function") == 1
    shown = operator.run("consumers", SHOP.name, code=3)
    assert "1 of 2 consumers not on the secret in use" in shown
    assert [line for line in shown.splitlines() if line.startswith("  ✗") and reports.name in line]

    read_later(reports, old)
    after = readers(operator.run("consumers", "--json"))
    assert (after[orders.name]["followed"], after[reports.name]["followed"]) == (True, True)
    assert box.search_secrets({"said": "".join(operator.said)}) == []


def readers(answer: str) -> dict[str, Any]:
    (application,) = json.loads(answer)["applications"]
    return {each["principal"]: each for each in application["readers"]}


def read_later(consumer: Consumer, old: str) -> None:
    """Read the new one, in a later second than the rotation: CloudTrail tells whole seconds."""
    time.sleep(2)
    assert consumer.read() != old
