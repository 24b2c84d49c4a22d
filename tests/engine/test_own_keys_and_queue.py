"""A destination queue that was registered before, and keys of the user's: compared in the preview, then used."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.session import Sandbox, new_app
from spapi_rotation_lambda.domain.sender_policy import key_statement, queue_statement
from tests.engine.operating import Operator

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP = new_app("shop")
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:registered"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
ADMINISTERS = {"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class World:
    """What the user has, and the stack."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.kms, self.sqs = box, box.aws.client("kms"), box.aws.client("sqs")
        self.key, self.queue_key = (self._key() for _ in range(2))
        attributes = {"KmsMasterKeyId": self.queue_key, "VisibilityTimeout": "360", "MessageRetentionPeriod": "1209600"}
        self.url = str(self.sqs.create_queue(QueueName="registered", Attributes=attributes)["QueueUrl"])
        keys = {"secrets": self.key, "queue": self.queue_key}
        self.config = box.config([SHOP], keys=keys, queue={"arn": QUEUE_ARN})
        box.stack.configure(self.config)

    def _key(self) -> str:
        return str(self.kms.create_key(Policy=document(ADMINISTERS))["KeyMetadata"]["Arn"])

    def said(self) -> str:
        """What a preview says, which may fail."""
        text = self.box.stack.run("preview", check=False).text
        # The engine breaks no line; the words of one message stand together.
        return " ".join(text.split())

    def in_use(self) -> str:
        arn = self.box.stack.outputs()["secret_arns"][SHOP.name]
        return str(self.box.value(arn)["client_secret"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("own-queue") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield World(box)


def test_what_is_lacking_is_shown_by_the_preview_and_what_it_shows_mends_it(world: World) -> None:
    needed = json.dumps(queue_statement(QUEUE_ARN), sort_keys=True)
    of_key = json.dumps(key_statement(), sort_keys=True)
    said = world.said()
    assert f"keys.queue: Amazon cannot deliver. Its policy lacks {of_key}" in said
    assert "Traceback" not in said
    world.kms.put_key_policy(
        KeyId=world.queue_key, PolicyName="default", Policy=document(ADMINISTERS, json.loads(of_key))
    )
    assert f"queue.arn: Amazon cannot deliver. Its policy lacks {needed}" in world.said()
    world.sqs.set_queue_attributes(QueueUrl=world.url, Attributes={"Policy": document(json.loads(needed))})
    lines = [line for line in world.box.stack.preview().text.splitlines() if "keys.secrets: the policy" in line]
    shown = {line[line.index("{") : line.rindex("}") + 1] for line in lines}
    statements = [json.loads(text) for text in sorted(shown)]
    assert sorted(each["Sid"] for each in statements) == ["AllowAlarms", "AllowLogGroup"]
    world.kms.put_key_policy(KeyId=world.key, PolicyName="default", Policy=document(ADMINISTERS, *statements))
    assert "keys.secrets" not in world.box.stack.preview().text


def test_a_rotation_goes_its_way_through_what_is_the_users(world: World) -> None:
    world.box.stack.up()
    outputs = world.box.stack.outputs()
    assert (outputs["queue_arn"], outputs["queue_url"]) == (QUEUE_ARN, world.url)
    assert (outputs["key_arn"], outputs["queue_key_arn"]) == (world.key, world.queue_key)
    world.box.seed(SHOP, outputs["secret_arns"][SHOP.name], age=timedelta(days=10))
    world.box.amazon.subscribe(SHOP.client_id, world.url)
    old = world.in_use()
    operator = Operator(world.box)
    operator.run("rotate", SHOP.name, "--yes", "--timeout", "120")
    assert world.in_use() != old
    assert QUEUE_ARN in "".join(operator.run("doctor", SHOP.name, code=None).split())
    # What was read before the first update set the redrive policy is read again by the second.
    world.box.stack.up()
    world.box.stack.refresh(unchanged=True)
    world.box.stack.preview(unchanged=True)


def test_what_is_the_users_stays_when_the_stack_goes(world: World) -> None:
    world.box.stack.configure({**world.config, "deletion_protection": False, "secret_recovery_window_days": 0})
    world.box.stack.up()
    world.box.stack.destroy()
    attributes = world.sqs.get_queue_attributes(QueueUrl=world.url, AttributeNames=["All"])["Attributes"]
    assert "AllowAmazonToSend" in attributes["Policy"]
    assert "RedrivePolicy" not in attributes
    states = {world.kms.describe_key(KeyId=each)["KeyMetadata"]["KeyState"] for each in (world.key, world.queue_key)}
    assert states == {"Enabled"}
