"""Messages for strangers: moved away at once, taken back when the application is ours."""

import json
from typing import Any

import pytest

from spapi_rotation_lambda.domain.errors import NotDue, SecretMissing, StoreFailed, TooSoon, UnknownMessage
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import Metric
from spapi_rotation_lambda.use_cases.dead_letters import redrive
from tests.fakes.interposer import Crash, interposed, traced
from tests.fakes.world import CLIENT_ID, World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import ask
from tests.unit.support import assert_silent, raises
from tests.unit.test_operator_events import operate

STRANGER = "amzn1.application-oa2-client.somebodyelses1"
MESSAGE_ID = "2f6f9b9e-0000-4000-8000-000000000001"


def give(world: World, body: str, ports: Any = None) -> Any:
    record = {"eventSource": "aws:sqs", "body": body, "messageId": MESSAGE_ID}
    return dispatch(ports or world.ports, {"Records": [record]})["receipt"]


def new_secret(world: World) -> str:
    new = world.amazon.rotate_by_hand(message=False)
    return world.amazon.message(new, world.amazon.ever[-2].expires_at)


def notice(world: World) -> str:
    return world.amazon.expiry_notice(world.amazon.newest.expires_at)


def foreign(body: str) -> str:
    return body.replace(CLIENT_ID, STRANGER)


@pytest.mark.rule(id="REC-1")
@pytest.mark.rule(id="REC-13")
@pytest.mark.parametrize(("make", "kind"), [(new_secret, "new-secret"), (notice, "expiry-notice")])
def test_a_strangers_message_is_moved_and_acknowledged(world: World, make: Any, kind: str) -> None:
    body = foreign(make(world))
    assert give(world, body) == "unclaimed"
    assert world.unclaimed.bodies == [body]
    assert world.recorder.counted(Metric.UNCLAIMED) == 1
    told = {"message_id": MESSAGE_ID, "client_id": STRANGER, "kind": kind}
    assert ("message_unclaimed", told) in world.recorder.lines
    assert set(world.labels()) == {Label.CURRENT}
    assert_silent(world)


@pytest.mark.rule(id="REC-13")
def test_it_is_moved_before_it_is_acknowledged_and_may_be_there_twice(world: World) -> None:
    body = foreign(new_secret(world))

    def die(name: str) -> None:
        if name == "put":
            raise Crash

    with pytest.raises(Crash):
        give(world, body, interposed(world.ports, after=die))
    assert give(world, body) == "unclaimed"
    assert world.unclaimed.bodies == [body, body]


def test_what_cannot_be_moved_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise StoreFailed("AWS failed sqs:SendMessage: AccessDenied.", remedy="Allow it.")

    monkeypatch.setattr(world.unclaimed, "put", fail)
    with raises(world, StoreFailed):
        give(world, foreign(new_secret(world)))
    assert world.recorder.counted(Metric.UNCLAIMED) == 0


@pytest.mark.rule(id="REC-13")
def test_an_adopted_secret_that_is_gone_is_ours_all_the_same(make_world: MakeWorld) -> None:
    world = make_world(adopted_secrets=json.dumps({CLIENT_ID: {"secret_arn": "arn:gone"}}))
    with raises(world, SecretMissing):
        give(world, new_secret(world))
    assert world.unclaimed.bodies == []


@pytest.mark.rule(id="REC-14")
@pytest.mark.parametrize("body", ["canary-no-json", '{"notificationType": "OTHER", "payload": {}}'])
def test_what_cannot_be_read_is_kept_counted_and_named_by_its_id(world: World, body: str) -> None:
    with raises(world, UnknownMessage):
        give(world, body)
    assert world.unclaimed.bodies == []
    assert world.recorder.counted(Metric.UNKNOWN) == 1
    (fields,) = [fields for event, fields in world.recorder.lines if event == "message_unknown"]
    assert fields["message_id"] == MESSAGE_ID
    assert str(fields["detail"]).startswith("A queue message is not known: ")
    assert_silent(world)


@pytest.mark.parametrize("message_id", [None, 5, "canary-id", MESSAGE_ID + "0"])
def test_an_id_that_is_none_of_sqss_is_not_logged(world: World, message_id: object) -> None:
    with raises(world, UnknownMessage):
        dispatch(world.ports, {"Records": [{"eventSource": "aws:sqs", "body": "x", "messageId": message_id}]})
    (fields,) = [fields for event, fields in world.recorder.lines if event == "message_unknown"]
    assert fields["message_id"] == ""


def test_a_dead_letter_of_a_stranger_is_moved_too(world: World) -> None:
    body = foreign(new_secret(world))
    world.queue.dead.append(body)
    (one,) = redrive(world.ports)
    assert (one.result, one.error) == ("unclaimed", None)
    assert (world.queue.dead, world.unclaimed.bodies) == ([], [body])


# Taken back.


@pytest.mark.rule(id="REC-15")
@pytest.mark.parametrize("others_keys", [{}, {"region": "eu"}], ids=["no value", "a value without credentials"])
def test_an_unseeded_application_takes_its_own_at_its_next_check(
    make_world: MakeWorld, others_keys: dict[str, str]
) -> None:
    world = make_world()
    if others_keys:
        world.write(others_keys)
    ours, others = new_secret(world), foreign(new_secret(world))
    world.unclaimed.bodies = [others, ours, ours]
    assert world.check() == "CURRENT"
    assert world.unclaimed.bodies == [others]
    found = world.value() or {}
    assert (found["client_secret"], found.get("region")) == (world.amazon.ever[1].text, others_keys.get("region"))
    assert "message_claimed" in [event for event, _ in world.recorder.lines]


@pytest.mark.rule(id="REC-15")
def test_a_seeded_one_takes_it_once_a_day_and_when_a_person_has_it_checked(world: World) -> None:
    world.unclaimed.bodies = [new_secret(world)]
    slots = 0
    for _ in range(24):
        world.clock.advance(hours=1)
        before = list(world.unclaimed.bodies)
        world.check()
        slots += before != world.unclaimed.bodies
    assert (slots, world.unclaimed.bodies) == (1, [])
    world.unclaimed.bodies = [new_secret(world)]
    assert operate(world, "check")["after"]["state"] == "CURRENT"
    assert world.unclaimed.bodies == []
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="REC-15")
def test_a_notice_is_taken_too_and_asks_for_a_rotation(world: World) -> None:
    world.unclaimed.bodies = [notice(world)]
    operate(world, "check")
    assert (world.unclaimed.bodies, world.amazon.posts) == ([], 1)


@pytest.mark.rule(id="REQ-9")
def test_a_message_in_flight_is_none_of_such_a_notice(world: World) -> None:
    world.queue.in_flight, world.unclaimed.bodies = 1, [notice(world)]
    operate(world, "check")
    assert (len(world.unclaimed.bodies), world.amazon.posts) == (1, 0)


@pytest.mark.rule(id="REC-15")
def test_what_cannot_be_handled_stays_there_and_fails_no_check(make_world: MakeWorld) -> None:
    world = make_world()
    world.unclaimed.bodies = [new_secret(world)]
    world.amazon.newest.usable_from = world.clock.now().replace(year=2090)
    assert world.check() == "UNSEEDED"
    assert len(world.unclaimed.bodies) == 1
    assert "unclaimed_left_there" in [event for event, _ in world.recorder.lines]


@pytest.mark.rule(id="REQ-17")
@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.PULUMI_UP, Trigger.CLI])
def test_a_request_takes_it_first_and_then_finds_that_it_is_too_soon(world: World, trigger: Trigger) -> None:
    world.clock.advance(days=60)
    world.unclaimed.bodies = [new_secret(world), notice(world)]
    with raises(world, NotDue if trigger is Trigger.SCHEDULE else TooSoon):
        ask(world, trigger)
    assert world.amazon.posts == 0
    assert len(world.unclaimed.bodies) == 1
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="REQ-17")
def test_others_messages_stop_no_request_and_a_forced_one_does_not_look(world: World) -> None:
    world.unclaimed.bodies = [foreign(world.amazon.message(world.amazon.newest, world.clock.now()))] * 50
    assert ask(world, Trigger.CLI).certain
    ports, calls = traced(world.ports)
    world.ports = ports
    ask(world, Trigger.CLI, mode=Mode.FORCED)
    assert "take" not in calls


# Names.


@pytest.mark.rule(id="REC-16")
@pytest.mark.parametrize(("is_there", "name"), [(True, "shop"), (False, CLIENT_ID)])
def test_a_message_is_logged_under_the_name_of_its_application(world: World, is_there: bool, name: str) -> None:
    world.ports.schedules.is_there = is_there  # type: ignore[attr-defined]
    assert give(world, new_secret(world)) == "stored"
    named = {line.fields["application"] for line in world.recorder.log if "application" in line.fields}
    assert named == {name}


def test_a_message_that_is_moved_keeps_the_time_of_its_first_sending(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[Any] = []
    monkeypatch.setattr(world.unclaimed, "put", lambda body, sent_at: put.append((body, sent_at)))
    record: dict[str, Any] = {"eventSource": "aws:sqs", "body": foreign(new_secret(world))}
    for attributes in ({"SentTimestamp": "1772366400123"}, {"SentTimestamp": "9" * 15}, {"SentTimestamp": 5}, None):
        dispatch(world.ports, {"Records": [{**record, "attributes": attributes}]})
    assert [body for body, _ in put] == [Sensitive(record["body"])] * 4
    assert [at.isoformat() if at else None for _, at in put] == ["2026-03-01T12:00:00.123000+00:00", None, None, None]
