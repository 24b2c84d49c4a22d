"""An operator with nothing but the documented policy: the real command against the deployed function."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.session import Sandbox, new_app
from spapi_rotation_lambda.domain.times import format_time
from tests.cli.test_cli_traces import WORDS
from tests.engine.operating import Operator

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.sample]

SHOP, OTHER = new_app("shop"), new_app("other")


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
    assert "CURRENT" in operator.run("status", "shop", code=3)  # nobody hears the alarms yet
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


def test_every_subcommand_that_only_looks(operator: Operator) -> None:
    found = json.loads(operator.run("doctor", "shop", "--json", code=None))
    assert {each["verdict"] for each in found["applications"][0]["findings"]} == {"ok", "unknown"}
    told = [each["event"] for each in json.loads(operator.run("history", "shop", "--json"))["events"]]
    assert {"rotation_requested", "secret_stored", "secret_accepted", "secret_promoted", "operator_action"} <= set(told)
    [shop] = json.loads(operator.run("status", "shop", "--json", code=None))["applications"]
    assert shop["last_accepted"] is not None


def test_who_reads_is_told_with_one_right_more(operator: Operator) -> None:
    """CloudTrail is the one thing that is not asked of the function."""
    denied = json.loads(operator.run("consumers", "--json", code=1))["error"]
    assert (denied["type"], "cloudtrail:LookupEvents" in denied["remedy"]) == ("AccessDenied", True)


def test_the_page_to_look_at_tells_of_the_application(operator: Operator, tmp_path: Path) -> None:
    operator.run("report", "--html", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text()
    assert "shop" in page
    operator.said.append(page)


def test_the_steps_of_the_registration_name_the_queue(operator: Operator) -> None:
    assert operator.outputs["queue_arn"] in operator.run("register")


def test_the_operator_may_do_nothing_else(operator: Operator) -> None:
    secrets = operator.box.aws.client("secretsmanager", credentials=operator.credentials)
    arn = operator.outputs["secret_arns"]["shop"]
    with pytest.raises(secrets.exceptions.ClientError, match="AccessDenied"):
        secrets.get_secret_value(SecretId=arn)


def test_every_subcommand_was_typed(operator: Operator) -> None:
    """With nothing but the documented policy."""
    assert operator.typed == set(WORDS)


def test_no_secret_was_said_and_the_search_finds_one_where_it_is(operator: Operator) -> None:
    texts: dict[str, str | bytes] = {f"command {number}": text for number, text in enumerate(operator.said)}
    assert operator.box.search_secrets(texts) == []
    log: dict[str, str | bytes] = {"the function's log": "\n".join(operator.box.function_log())}
    assert operator.box.search_secrets(log) == []
    assert "assumed-role/operator/ann" in str(log["the function's log"])
    value = json.dumps(operator.box.value(operator.outputs["secret_arns"]["shop"]))
    assert operator.box.search_secrets({"control": value})
