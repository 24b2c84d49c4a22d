"""The adapters behind messages for strangers, and behind the names in the log."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from spapi_rotation_lambda.adapters.scheduler import EventBridgeSchedules
from spapi_rotation_lambda.adapters.sqs import SqsUnclaimedQueue
from spapi_rotation_lambda.domain.redaction import Sensitive
from tests.unit.support import shown
from tests.unit.test_aws_adapters import Aws, aws, failure

__all__ = ["aws"]  # the fixture

CANARY = "canary-of-a-value"


@pytest.fixture
def unclaimed(aws: Aws) -> SqsUnclaimedQueue:
    return SqsUnclaimedQueue(lambda: aws.client("sqs"), "https://unclaimed")


def test_a_moved_message_keeps_the_time_of_its_first_sending(aws: Aws, unclaimed: SqsUnclaimedQueue) -> None:
    kept = {"FirstSentTimestamp": {"DataType": "Number", "StringValue": "1772366400123"}}
    to = {"QueueUrl": "https://unclaimed", "MessageBody": CANARY}
    answer = {"MessageId": "a", "MD5OfMessageBody": "0"}
    aws.answer("sqs", "send_message", answer, {**to, "MessageAttributes": kept})
    unclaimed.put(Sensitive(CANARY), datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC))
    aws.answer("sqs", "send_message", answer, {**to, "MessageAttributes": {}})
    unclaimed.put(Sensitive(CANARY), None)
    message = {"MessageId": "a", "Body": CANARY, "ReceiptHandle": "h", "Attributes": {"SentTimestamp": "5"}}

    aws.answer(
        "sqs",
        "receive_message",
        {"Messages": [{**message, "MessageAttributes": kept}, {**message, "MessageId": "b"}]},
        {
            "QueueUrl": "https://unclaimed",
            "MaxNumberOfMessages": 2,
            "VisibilityTimeout": 60,
            "WaitTimeSeconds": 1,
            "MessageSystemAttributeNames": ["SentTimestamp"],
            "MessageAttributeNames": ["FirstSentTimestamp"],
        },
    )
    assert [round(found.sent_at.timestamp() * 1000) for found in unclaimed.take(2, 60)] == [1772366400123, 5]


def test_a_message_that_may_not_be_moved_is_a_failure_without_its_body(aws: Aws, unclaimed: SqsUnclaimedQueue) -> None:
    aws.refuse("sqs", "send_message", "AccessDenied")
    assert CANARY not in shown(failure(lambda: unclaimed.put(Sensitive(CANARY), None)))


def scheduled(**event: object) -> dict[str, Any]:
    return {"Target": {"Arn": "arn", "RoleArn": "arn", "Input": json.dumps(event)}}


CLIENT = "amzn1.application-oa2-client.0123456789abcdef"


@pytest.mark.rule(id="REC-16")
def test_an_application_is_named_by_its_schedule_which_is_asked_once(aws: Aws) -> None:
    schedules = EventBridgeSchedules(lambda: aws.client("scheduler"), "group")
    wanted = {"GroupName": "group", "Name": "0123456789abcdef"}
    aws.answer("scheduler", "get_schedule", scheduled(client_id=CLIENT, application="shop"), wanted)
    assert [schedules.name_of(CLIENT) for _ in range(3)] == ["shop"] * 3


@pytest.mark.rule(id="REC-16")
@pytest.mark.parametrize(
    "event", [{}, {"client_id": "another", "application": "shop"}, {"client_id": CLIENT, "application": 5}]
)
def test_a_schedule_of_something_else_names_nobody(aws: Aws, event: dict[str, object]) -> None:
    schedules = EventBridgeSchedules(lambda: aws.client("scheduler"), "group")
    aws.answer("scheduler", "get_schedule", scheduled(**event), {"GroupName": "group", "Name": "0123456789abcdef"})
    assert schedules.name_of(CLIENT) is None


@pytest.mark.rule(id="REC-16")
@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "ThrottlingException"])
def test_a_schedule_that_cannot_be_read_fails_nothing_and_is_asked_again(aws: Aws, code: str) -> None:
    schedules = EventBridgeSchedules(lambda: aws.client("scheduler"), "group")
    aws.refuse("scheduler", "get_schedule", code)
    assert schedules.name_of(CLIENT) is None
    wanted = {"GroupName": "group", "Name": "0123456789abcdef"}
    aws.answer("scheduler", "get_schedule", scheduled(client_id=CLIENT, application="shop"), wanted)
    assert schedules.name_of(CLIENT) == "shop"


@pytest.mark.rule(id="NOT-5")
def test_a_schedule_is_off_when_it_is_disabled_or_gone_and_not_when_it_cannot_be_read(aws: Aws) -> None:
    schedules = EventBridgeSchedules(lambda: aws.client("scheduler"), "group")
    wanted = {"GroupName": "group", "Name": "0123456789abcdef"}
    for state, off in (("ENABLED", False), ("DISABLED", True)):
        aws.answer("scheduler", "get_schedule", {**scheduled(), "State": state}, wanted)
        assert schedules.is_off(CLIENT) is off
    for code, off in (
        ("ResourceNotFoundException", True),
        ("AccessDeniedException", False),
        ("ThrottlingException", False),
    ):
        aws.refuse("scheduler", "get_schedule", code)
        assert schedules.is_off(CLIENT) is off
