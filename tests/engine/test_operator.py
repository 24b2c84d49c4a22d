"""An operator with nothing but the documented policy: the real command against the deployed function."""

import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.aws.emulator import ACCOUNT
from sandbox.processes import scrubbed_environment
from sandbox.session import Sandbox, new_app
from spapi_rotation_lambda.domain.times import format_time

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.sample]

DOCS = Path(__file__).parents[2] / "docs" / "operator-interface.md"
SHOP, OTHER = new_app("shop"), new_app("other")


class Operator:
    """Somebody with the documented policy and the command.

    Attributes:
        said: everything that the command wrote.
    """

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.outputs = box.stack.outputs()
        self.said: list[str] = []
        self._environment = self._as_operator()

    def _as_operator(self) -> dict[str, str]:
        name = self.outputs["function_name"]
        arn = self.box.aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
        written = next(block for block in re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL))
        policy = json.loads(written)
        policy["Statement"][0]["Resource"] = arn
        iam = self.box.aws.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName="operator", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]["Arn"]
        iam.put_role_policy(RoleName="operator", PolicyName="operate", PolicyDocument=json.dumps(policy))
        given = self.box.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"]
        self.credentials = given
        return scrubbed_environment(
            **self.box.aws.environment()
            | {
                "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
                "AWS_SESSION_TOKEN": given["SessionToken"],
                "SPAPI_ROTATION_FUNCTION": name,
            }
        )

    def run(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """Run the command as a process of its own; returns what it wrote on stdout."""
        program = Path(sys.executable).with_name("spapi-rotation")
        done = subprocess.run(
            [program, *words], input=stdin, capture_output=True, text=True, check=False, env=self._environment
        )
        self.said += [done.stdout, done.stderr]
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder: Path = tmp_path_factory.mktemp("operator") / "box"
    with Sandbox(folder, progress=print, hour_seconds=360, rate_period_seconds=1) as box:
        box.stack.configure(box.config([SHOP, OTHER]))
        box.stack.up()
        yield Operator(box)
        box.stack.destroy()


def test_the_whole_way_from_an_empty_secret_to_a_rotated_one(operator: Operator) -> None:
    box = operator.box
    assert "seed shop" in operator.run("status", code=3)
    issued = datetime.now(UTC) - timedelta(days=10)
    made = box.amazon.register(SHOP.client_id, issued_at=issued, expires_at=issued + timedelta(days=180))
    box.amazon.subscribe(SHOP.client_id, operator.outputs["queue_url"])
    secret = str(made.client_secret)
    words = ("seed", "shop", "--from-stdin", "--issued-at", format_time(issued), "--yes")
    operator.run(*words, stdin=f"{secret}\n")
    arn = operator.outputs["secret_arns"]["shop"]
    assert box.value(arn)["client_secret"] == secret
    operator.run("rotate", "shop", "--yes", "--timeout", "120")
    now = box.value(arn)["client_secret"]
    judged = box.amazon.judge(SHOP.client_id, now)
    assert judged is not None
    assert (now != secret, judged.newest, judged.accepted_by_spapi) == (True, True, True)
    operator.run("status", "shop")
    assert "until" in operator.run("rotate", "shop", "--yes", "--json", code=1)


def test_going_back_and_forth(operator: Operator) -> None:
    before = operator.box.value(operator.outputs["secret_arns"]["shop"])["client_secret"]
    operator.run("rollback", "shop", "--yes")
    assert operator.box.value(operator.outputs["secret_arns"]["shop"])["client_secret"] != before
    assert "promote shop" in operator.run("status", "shop", code=3)
    operator.run("promote", "shop", "--yes")
    assert operator.box.value(operator.outputs["secret_arns"]["shop"])["client_secret"] == before
    operator.run("check", "shop")
    operator.run("reject", "shop", "--yes", code=1)


def test_dead_letters(operator: Operator) -> None:
    url = operator.outputs["dead_letter_queue_url"]
    sent = operator.box.aws.client("sqs").send_message(QueueUrl=url, MessageBody="nothing of Amazon's")
    assert "1 dead letter\n" in operator.run("status", code=3)
    assert sent["MessageId"] in operator.run("dead-letters")
    assert _visible_again(operator, url)
    operator.run("discard", sent["MessageId"], "--yes")
    assert "There was none" in operator.run("redrive", "--yes")


def _visible_again(operator: Operator, url: str) -> bool:
    """A message that was looked at is hidden for some seconds."""
    for _ in range(200):
        counts = operator.box.aws.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        if counts["ApproximateNumberOfMessages"] == "1":
            return True
        time.sleep(0.05)
    return False


def test_what_is_broken_is_named_and_the_command_that_status_prints_repairs_it(operator: Operator) -> None:
    box, arn = operator.box, operator.outputs["secret_arns"]["other"]

    def repaired_by_seeding(state: str, code: int, secret: str) -> None:
        [found] = json.loads(operator.run("status", "other", "--json", code=code))["applications"]
        assert found["status"]["state"] == state
        [command] = found["next"]
        program, *words = shlex.split(command)
        assert (program, words[:2]) == ("spapi-rotation", ["seed", "other"])
        today = datetime.now(UTC).date().isoformat()
        operator.run(*words, "--from-stdin", "--issued-at", today, "--yes", stdin=f"{secret}\n")
        assert "CURRENT" in operator.run("status", "other")

    newest = str(box.amazon.register(OTHER.client_id).client_secret)
    dead = {
        "client_id": OTHER.client_id,
        "client_secret": "canary-dead",
        "client_secret_expires_at": format_time(datetime.now(UTC) - timedelta(days=1)),
        "owner_note": "kept as it is",
    }
    box.aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(dead))
    repaired_by_seeding("EXPIRED", 4, newest)
    assert box.value(arn)["owner_note"] == "kept as it is"
    box.aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="no JSON")
    repaired_by_seeding("MALFORMED", 3, newest)
    assert box.value(arn)["client_secret"] == newest


def test_what_somebody_changed_by_hand_is_named_and_the_named_command_mends_it(operator: Operator) -> None:
    box, aws = operator.box, operator.box.aws
    operator.run("status", "shop")
    url = operator.outputs["queue_url"]
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    shown = operator.run("status", "shop", code=3)
    assert "AllowAmazonToSend" in shown
    assert "pulumi up --refresh restores" in shown
    scheduler = aws.client("scheduler")
    for each in scheduler.list_schedules()["Schedules"]:
        found = scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])
        kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        scheduler.update_schedule(**{key: found[key] for key in kept}, State="DISABLED")
    shown = operator.run("status", "shop", code=3)
    assert "disabled" in shown
    assert "pulumi up --refresh enables it" in shown
    box.stack.run("up", "--yes", "--refresh")
    assert "enabled" in operator.run("status", "shop")


def test_the_steps_of_the_registration_name_the_queue(operator: Operator) -> None:
    assert operator.outputs["queue_arn"] in operator.run("register")


def test_the_operator_may_do_nothing_else(operator: Operator) -> None:
    secrets = operator.box.aws.client("secretsmanager", credentials=operator.credentials)
    arn = operator.outputs["secret_arns"]["shop"]
    with pytest.raises(secrets.exceptions.ClientError, match="AccessDenied"):
        secrets.get_secret_value(SecretId=arn)


def test_no_secret_was_said_and_the_search_finds_one_where_it_is(operator: Operator) -> None:
    texts: dict[str, str | bytes] = {f"command {number}": text for number, text in enumerate(operator.said)}
    assert operator.box.search_secrets(texts) == []
    log: dict[str, str | bytes] = {"the function's log": "\n".join(operator.box.function_log())}
    assert operator.box.search_secrets(log) == []
    assert "assumed-role/operator/ann" in str(log["the function's log"])
    value = json.dumps(operator.box.value(operator.outputs["secret_arns"]["shop"]))
    assert operator.box.search_secrets({"control": value})
