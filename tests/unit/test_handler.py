"""The handler: which events it knows, what it hands to the use cases, and that nothing else gets through."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from spapi_rotation_lambda import handler as module
from spapi_rotation_lambda.domain.errors import BadSettings, RotationDeclined, TooSoon
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import CallAnswer, Metric
from tests.fakes.world import CLIENT_ID, World
from tests.unit.support import raises

ROOT = Path(__file__).parents[2]
ON_UP = {"action": "rotate_on_up", "client_id": CLIENT_ID, "trigger": "text"}


def record(body: object = "canary-abcdef-1", source: object = "aws:sqs") -> dict[str, object]:
    return {"eventSource": source, "body": body}


NO_TRIGGER: list[object] = [None, 5, "", " ", ["canary-abcdef-1"]]
NO_RECORDS: list[object] = [None, [], {}, "canary-abcdef-1", 5]
NO_RECORD: list[object] = [None, [], "canary-abcdef-1", record(None), record(b"x"), record({})]
NO_CLIENT_ID: list[object] = [None, 5, [], "canary-abcdef-1", "../other", "amzn1.application-oa2-client."]


@pytest.mark.parametrize(
    "event",
    [
        *(None, "canary-abcdef-1", 5, [], {}, {"action": "canary-abcdef-1"}, {"action": None}, {"action": {}}),
        *({"Records": value} for value in NO_RECORDS),
        *({"Records": [value]} for value in NO_RECORD),
        {"Records": [record(source="aws:sns")]},
        {"Records": [record(), record()]},
        *({**ON_UP, "trigger": value} for value in NO_TRIGGER),
        {"action": "rotate_on_up", "client_id": CLIENT_ID},
        *({"action": action, "client_id": value} for action in ("check", "rotate_on_up") for value in NO_CLIENT_ID),
    ],
)
def test_an_event_that_is_not_known_is_refused_and_not_repeated(world: World, event: object) -> None:
    with raises(world, BadSettings):
        dispatch(world.ports, event)
    assert world.recorder.metrics == []


def test_a_batch_of_two_changes_nothing(world: World) -> None:
    for _ in range(2):
        world.clock.advance(minutes=1)
        world.amazon.rotate_by_hand()
    before = world.labels()
    with raises(world, BadSettings, match="batch size"):
        dispatch(world.ports, {"Records": [record(body) for body in world.queue.visible]})
    assert world.labels() == before


def test_a_check_takes_the_schedules_name_and_time(world: World) -> None:
    event = {
        "action": "check",
        "application": "shop",
        "client_id": CLIENT_ID,
        "scheduled_at": format_time(world.clock.now()),
    }
    assert dispatch(world.ports, event) == {"state": "CURRENT"}


@pytest.mark.parametrize("scheduled_at", [None, 5, "<aws.scheduler.scheduled-time>", "canary-abcdef-1"])
def test_a_check_by_hand_needs_no_time(world: World, scheduled_at: object) -> None:
    event = {"action": "check", "client_id": CLIENT_ID, "scheduled_at": scheduled_at}
    assert dispatch(world.ports, event)["state"] == "CURRENT"


@pytest.mark.parametrize("is_there", [True, False])
def test_an_application_without_a_schedule_is_called_by_its_client_id(world: World, is_there: bool) -> None:
    world.ports.schedules.is_there = is_there  # type: ignore[attr-defined]
    world.queue.policy = None
    with raises(world, RotationDeclined, match=f"^{'shop' if is_there else CLIENT_ID}: "):
        dispatch(world.ports, ON_UP)


@pytest.mark.rule(id="UP-6")
def test_a_request_of_up_answers_what_it_did_and_is_made_once(world: World) -> None:
    told = dispatch(world.ports, ON_UP)
    assert told["requested_at"] == format_time(world.clock.now())
    assert "Amazon confirmed it" in told["detail"]
    world.clock.advance(days=8)
    again = dispatch(world.ports, ON_UP)
    assert (again["requested_at"], world.amazon.posts) == (told["requested_at"], 1)
    assert "already requested" in again["detail"]
    assert world.recorder.counted(Metric.DECLINED_ON_UP) == 0
    json.dumps([told, again])


@pytest.mark.rule(id="UP-6")
def test_a_request_of_up_settles_first(world: World) -> None:
    world.amazon.usable_after = timedelta(hours=1)
    world.amazon.rotate_by_hand()
    world.drain()
    assert Label.PENDING in world.labels()
    world.clock.advance(days=8)
    dispatch(world.ports, ON_UP)
    assert Label.PENDING not in world.labels()
    assert world.amazon.posts == 1


@pytest.mark.rule(id="UP-5")
@pytest.mark.rule(id="UP-6")
def test_a_request_of_up_that_is_declined_is_an_error_that_says_why_and_what_unblocks_the_stack(world: World) -> None:
    dispatch(world.ports, ON_UP)
    world.drain()
    with raises(world, RotationDeclined) as caught:
        dispatch(world.ports, ON_UP | {"trigger": "another"})
    assert format_time(world.clock.now() + timedelta(days=7)) in str(caught.value)
    assert str(caught.value).endswith(
        "To go on without a rotation, give rotate_on_up its old text again, or leave it out if it had none."
    )
    assert isinstance(caught.value.declined, TooSoon)
    assert (world.recorder.counted(Metric.DECLINED), world.recorder.counted(Metric.DECLINED_ON_UP)) == (1, 1)
    assert ("rotation_declined", "TooSoon") in [(name, each.get("reason")) for name, each in world.recorder.lines]
    assert world.amazon.posts == 1


def test_a_superseded_message_is_not_settled(world: World) -> None:
    world.amazon.rotate_by_hand()
    world.clock.advance(minutes=1)
    world.amazon.rotate_by_hand()
    older, newer = world.queue.visible
    world.amazon.call_answer = CallAnswer.THROTTLED
    world.hand_over(newer)
    world.amazon.call_answer = None
    assert world.hand_over(older) == "superseded"
    assert Label.PENDING in world.labels()


def test_the_handler_uses_the_ports_of_its_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "function_ports", lambda: world.ports)
    assert module.handler({"action": "check", "client_id": CLIENT_ID}, None) == {"state": "CURRENT"}


def test_the_ports_are_built_once_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SECRET_PREFIX": "prefix",
        "QUEUE_URL": "https://sqs.invalid/queue",
        "DEAD_LETTER_QUEUE_URL": "https://sqs.invalid/dead",
        "UNCLAIMED_QUEUE_URL": "https://sqs.invalid/unclaimed",
        "SCHEDULE_GROUP": "group",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    module.function_ports.cache_clear()
    try:
        ports = module.function_ports()
        assert ports.applications.secret_prefix == "prefix"
        assert module.function_ports() is ports
        assert ports.amazon() is ports.amazon()
        assert ports.clock.now().tzinfo is not None
    finally:
        module.function_ports.cache_clear()


def test_the_function_loads_neither_pulumi_nor_httpx_at_its_start() -> None:
    """httpx only on the paths that call Amazon; Pulumi never."""
    code = (
        "import sys, boto3, spapi_rotation_lambda.handler as handler\n"
        "session = boto3.Session('testing', 'testing', region_name='us-east-1')\n"
        "queues = ('QUEUE_URL', 'DEAD_LETTER_QUEUE_URL', 'UNCLAIMED_QUEUE_URL')\n"
        "needed = {name: 'x' for name in ('SECRET_PREFIX', *queues, 'SCHEDULE_GROUP')}\n"
        "handler.build(session, handler.Settings.from_environment(needed), None)\n"
        "print([name for name in ('httpx', 'pulumi', 'spapi_rotation', 'sandbox') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
