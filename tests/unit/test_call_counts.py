"""How many calls of AWS and of Amazon an invocation costs: what each call of a port is, and what they add up to."""

from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from spapi_rotation_lambda.bootstrap import build
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.events import RotationEvent, SecretDenied
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import Amazon, Announcer, DeadMessage, Ports, Schedules, SecretStore, UnclaimedQueue
from spapi_rotation_lambda.settings import Settings
from spapi_rotation_lambda.surroundings import Log, Surroundings
from spapi_rotation_lambda.use_cases.request import request
from tests.fakes.aws_calls import AMAZONS_CALLS, AWS_CALLS, amazons_calls, aws_calls, methods
from tests.fakes.interposer import traced
from tests.fakes.world import CLIENT_ID, SCHEDULE_ARN, Recorder, World

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
APPLICATION = Application("shop", CLIENT_ID, f"prefix/{CLIENT_ID}")
ARN = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:prefix/{CLIENT_ID}-AbCdEf"
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/destination"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"

ANSWERS: dict[str, dict[str, Any]] = {
    "ListSecretVersionIds": {"ARN": ARN, "Versions": []},
    "GetSecretValue": {"SecretString": "{}"},
    "DescribeSecret": {"CreatedDate": AT},
    "GetQueueAttributes": {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:1:q", "KmsMasterKeyId": KEY}},
    "GetKeyPolicy": {"Policy": "{}"},
    "PutEvents": {"FailedEntryCount": 0},
    "GetSchedule": {"CreationDate": AT, "State": "ENABLED", "Target": {"Input": "{}"}},
    "ListEventSourceMappings": {"EventSourceMappings": []},
    "FilterLogEvents": {"events": []},
}
"""Of AWS, where it holds nothing; an empty one of every other operation."""


class Counted:
    """The real adapters on clients that answer by themselves, and the operations that these were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.operations: list[str] = []
        session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1")
        answer: Any = self._answer
        session.events.register("before-call", answer)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "rotation")
        monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "INFO")
        monkeypatch.setenv("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/rotation")
        settings = Settings.from_environment(
            {
                "SECRET_PREFIX": "prefix",
                "QUEUE_URL": QUEUE_URL,
                "DEAD_LETTER_QUEUE_URL": QUEUE_URL,
                "UNCLAIMED_QUEUE_URL": QUEUE_URL,
                "SCHEDULE_GROUP": "group",
            }
        )
        self.ports = build(session, settings, Recorder(World().clock))

    def _answer(self, model: Any, **_: object) -> tuple[object, dict[str, Any]]:
        service = {"eventbridge": "events"}.get(model.service_model.service_id.hyphenize(), "")
        name = service or model.service_model.endpoint_prefix
        self.operations.append(f"{name}:{model.name}")
        return SimpleNamespace(status_code=200), ANSWERS.get(model.name, {})


def call_every_port(ports: Ports) -> dict[str, Any]:
    """A call of each method that the table names."""
    store, unclaimed, secret = ports.store, ports.unclaimed, APPLICATION.secret_id
    message = DeadMessage("id", "handle", AT, 1, Sensitive("body"))
    rotated = RotationEvent(APPLICATION, ARN, "version", None, None, None)
    return {
        "versions": lambda: store.versions(secret),
        "read": lambda: store.read(secret, "1" * 36),
        "write": lambda: store.write(secret, "1" * 36, Sensitive("{}"), Label.RECEIVED),
        "move": lambda: store.move(secret, Label.PENDING, to="1" * 36, away_from=None),
        "created_at": lambda: store.created_at(secret),
        "described": lambda: store.described(secret),
        "versions_and_young": lambda: store.versions_and_young(secret, AT),
        "inspect": ports.queue.inspect,
        "take": lambda: unclaimed.take(10, 60),
        "counts": unclaimed.counts,
        "put": lambda: unclaimed.put(Sensitive("body"), None),
        "delete": lambda: unclaimed.delete(message),
        "rotated": lambda: ports.announcer.rotated(rotated),
        "tell": lambda: ports.announcer.tell(SecretDenied(APPLICATION, ARN, None)),
        "made_at": lambda: ports.schedules.made_at(SCHEDULE_ARN),
        "name_of": lambda: ports.schedules.name_of(CLIENT_ID),
        "is_off": lambda: ports.schedules.is_off(CLIENT_ID),
        "queue_readers": ports.surroundings().queue_readers,
        "log_level": ports.surroundings().log_level,
        "read_log": lambda: ports.log().read(("event",), AT, None),
    }


def test_each_call_of_a_port_costs_what_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    every = call_every_port(counted.ports)
    found: dict[str, tuple[str, ...]] = {}
    for method, call in every.items():
        counted.operations.clear()
        call()
        found[method] = tuple(counted.operations)
    assert found == AWS_CALLS


def test_the_table_knows_every_method_that_an_invocation_may_call() -> None:
    ports = (SecretStore, UnclaimedQueue, Announcer, Schedules, Surroundings, Log, Amazon)
    named = {name for port in ports for name in dir(port) if not name.startswith("_")}
    of_people_alone = {"applications", "alarms", "subscribers", "has_alarms"}
    assert (named | {"inspect", "read_log"}) - of_people_alone == set(AWS_CALLS) | AMAZONS_CALLS


# What an invocation adds up to.


def cost(calls: list[str]) -> tuple[int, float]:
    """How many calls of AWS, and how many of Amazon."""
    counted = methods(calls)
    return sum(aws_calls(counted).values()), amazons_calls(counted)


@pytest.fixture
def rotated(world: World) -> World:
    """A secret whose third rotation is due: the first ones know of fewer versions."""
    for _ in range(2):
        world.clock.advance(days=60)
        world.check_without_daily_try()
        world.clock.advance(seconds=5)
        world.drain()
    world.clock.advance(days=60)
    return world


@pytest.mark.rule(id="CHK-3")
def test_a_check_at_rest_costs_two_calls_and_none_of_amazon(rotated: World) -> None:
    rotated.clock.advance(days=-30)
    ports, calls = traced(rotated.ports)
    rotated.check_without_daily_try(ports)
    assert cost(calls) == (2, 0)


def test_a_request_costs_eleven_calls_and_two_of_amazon(rotated: World) -> None:
    """By itself, as of ``pulumi up``: two of them are the first reading."""
    ports, calls = traced(rotated.ports)
    request(ports, rotated.application, Trigger.SCHEDULE)
    assert cost(calls) == (11, 2)


def test_a_check_that_requests_costs_nine_calls_more_than_one_at_rest(rotated: World) -> None:
    """Its reading is used again, and what was written is not read back."""
    ports, calls = traced(rotated.ports)
    rotated.check_without_daily_try(ports)
    assert cost(calls) == (2 + 9, 2)


def test_a_secret_that_is_received_and_settled_costs_eleven_calls_and_two_of_amazon(rotated: World) -> None:
    """A fresh process asks for the application's name besides, once."""
    rotated.check_without_daily_try(rotated.ports)
    rotated.clock.advance(seconds=5)
    body = rotated.queue.visible.pop()
    rotated.queue.in_flight = 1
    ports, calls = traced(rotated.ports)
    assert dispatch(ports, {"Records": [{"eventSource": "aws:sqs", "body": body}]}) == {"receipt": "stored"}
    assert cost(calls) == (11, 2)


def test_costs_add_up() -> None:
    assert aws_calls({"inspect": 2, "read": 3, "token": 1}) == Counter(
        {"secretsmanager:GetSecretValue": 3, "sqs:GetQueueAttributes": 4, "kms:GetKeyPolicy": 2}
    )
    assert amazons_calls({"token": 2, "read": 1}) == 2
