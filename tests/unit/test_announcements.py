"""Announcements: when each event is published, what it says, and that a failed one stops nothing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.errors import NotPublished, RequestRefused
from spapi_rotation_lambda.domain.events import CATALOG, Event, RotationEvent, detail, schema, source
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Answer, CallAnswer, Metric, Refusal, RotateAnswer, Scope
from spapi_rotation_lambda.use_cases import operator_actions
from spapi_rotation_lambda.use_cases.check import check
from spapi_rotation_lambda.use_cases.request import request
from tests.fakes.interposer import interposed
from tests.fakes.world import CLIENT_ID, World
from tests.unit.conftest import MakeWorld

REFUSED = RotateAnswer(Answer.REFUSED, 400, "InvalidInput", Refusal.NOT_ENROLLED, request_id="id-1")
UNCLEAR = RotateAnswer(Answer.UNKNOWN, 500, "InternalFailure")


def told(world: World, *names: str) -> list[dict[str, Any]]:
    """What the events of these names said so far, or all of them."""
    return [
        detail(event, "c")
        for event in world.recorder.told
        if not names or event.DETAIL_TYPE.removeprefix("SP-API client secret ") in names
    ]


def kinds(world: World) -> list[str]:
    return [event.DETAIL_TYPE.removeprefix("SP-API client secret ") for event in world.recorder.told]


def overdue(world: World) -> None:
    world.clock.advance(days=60)
    world.amazon.lose_next = True
    world.run(hours=3)


def refused(world: World) -> None:
    world.amazon.answers.append((REFUSED, False))
    with pytest.raises(RequestRefused):
        request(world.ports, world.application, Trigger.CLI)


def stuck(world: World) -> None:
    world.clock.advance(days=60)
    world.amazon.call_answer = CallAnswer.THROTTLED
    world.check()
    world.amazon.lwa_errors = {Scope.ROTATION: (503, "temporarily_unavailable")}
    world.amazon.usable_after = timedelta(days=30)
    world.run(hours=24 * 7)


def rejected(world: World) -> None:
    world.amazon.usable_after = timedelta(days=1)
    world.amazon.rotate_by_hand()
    world.drain()
    operator_actions.reject(world.ports, world.application)


def denied(world: World) -> None:
    world.amazon.call_answer = CallAnswer.DENIED
    world.run(hours=24)


def expired(world: World) -> None:
    world.amazon.answers.extend([(REFUSED, False)] * 200)
    world.clock.advance(days=158)
    world.run(hours=24 * 23)


def rotated(world: World) -> None:
    world.clock.advance(days=60)
    world.run(hours=2)


WAYS: dict[str, Callable[[World], None]] = {
    "rotation requested": rotated,
    "received": rotated,
    "rotation refused": refused,
    "delivery overdue": overdue,
    "stuck": stuck,
    "rejected": rejected,
    "denied": denied,
    "expiring": expired,
    "expired": expired,
}


def conforms(value: object, described: dict[str, Any]) -> bool:
    """Whether a value is what a property of the schema describes."""
    types = described["type"] if isinstance(described["type"], list) else [described["type"]]
    if value is None:
        return "null" in types
    python: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "boolean": (bool,),
        "integer": (int,),
        "number": (int, float),
    }
    fits = any(isinstance(value, python[each]) for each in types if each != "null")
    if isinstance(value, bool) and "boolean" not in types:
        return False
    if described.get("format") == "date-time":
        return fits and format_time(datetime.fromisoformat(str(value))) == value
    return fits and ("enum" not in described or value in described["enum"])


# Each event.


@pytest.mark.rule(id="EVT-4")
def test_every_event_is_in_the_catalog_once() -> None:
    assert {f"SP-API client secret {name}" for name in ("rotated", *WAYS)} == {each.DETAIL_TYPE for each in CATALOG}
    assert len(CATALOG) == 10
    assert {each.__name__ for each in CATALOG} == {each.__name__ for each in Event.__subclasses__()}


@pytest.mark.rule(id="EVT-4")
@pytest.mark.parametrize("name", WAYS)
def test_an_event_says_what_its_schema_describes(world: World, name: str) -> None:
    WAYS[name](world)
    kind = next(each for each in CATALOG if each.DETAIL_TYPE.endswith(f"secret {name}"))
    found = told(world, name)
    assert found
    described = schema(kind)
    for each in found:
        assert list(each) == described["required"] == list(described["properties"])
        assert {key for key, value in each.items() if not conforms(value, described["properties"][key])} == set()
        assert each["component"] == "c"
        assert (each["application"], each["client_id"]) == ("shop", CLIENT_ID)
        assert each["secret_arn"] == world.store.secrets[world.secret_id].arn


@pytest.mark.rule(id="EVT-4")
def test_the_rotation_event_says_what_its_schema_describes(world: World) -> None:
    rotated(world)
    described = schema(RotationEvent)["properties"]
    (event,) = world.recorder.events
    said = detail(event, "c")
    assert list(said) == list(described)
    assert {key for key, value in said.items() if not conforms(value, described[key])} == set()


@pytest.mark.rule(id="EVT-4")
def test_the_source_names_the_component() -> None:
    assert source("shop/prod/rotation") == "spapi-rotation/shop/prod/rotation"
    assert source("") == "spapi-rotation"


# When: what happens in a moment.


@pytest.mark.rule(id="EVT-3")
def test_a_rotation_is_told_step_by_step(world: World) -> None:
    rotated(world)
    assert kinds(world) == ["rotation requested", "received"]
    asked, came = told(world)
    assert (asked["trigger"], asked["mode"], asked["confirmed"]) == ("schedule", "ordinary", True)
    assert came["rotation_id"] == world.recorder.events[0].rotation_id
    world.run(hours=48)
    assert kinds(world) == ["rotation requested", "received"]


@pytest.mark.rule(id="EVT-3")
def test_a_duplicate_is_not_told_again(world: World) -> None:
    world.amazon.rotate_by_hand()
    (body,) = world.queue.visible
    world.hand_over(body)
    world.hand_over(body)
    assert kinds(world) == ["received"]


@pytest.mark.rule(id="EVT-3")
def test_an_unclear_answer_is_not_called_confirmed(world: World) -> None:
    world.amazon.answers.append((UNCLEAR, True))
    request(world.ports, world.application, Trigger.CLI, mode=Mode.FORCED)
    (asked,) = told(world)
    assert (asked["trigger"], asked["mode"], asked["confirmed"]) == ("cli", "forced", False)


@pytest.mark.rule(id="EVT-3")
def test_a_refusal_is_told_with_amazons_code(world: World) -> None:
    refused(world)
    (said,) = told(world)
    assert (said["status"], said["code"], said["cause"], said["request_id"]) == (
        400,
        "InvalidInput",
        "not-enrolled",
        "id-1",
    )


@pytest.mark.rule(id="EVT-3")
def test_whoever_rejects_is_told_then_and_the_state_once_a_day(world: World) -> None:
    rejected(world)
    (first,) = told(world, "rejected")
    assert (first["by"], first["version_id"]) == ("person", world.labels()[Label.REJECTED])
    world.run(hours=48)
    assert [each["by"] for each in told(world, "rejected")] == ["person", "earlier", "earlier"]


@pytest.mark.rule(id="EVT-3")
def test_a_rollback_is_told(world: World) -> None:
    rotated(world)
    operator_actions.rollback(world.ports, world.application)
    assert [each["by"] for each in told(world, "rejected")] == ["person"]


@pytest.mark.rule(id="EVT-3")
def test_a_contradictory_secret_is_told(world: World) -> None:
    issued, expires = world.amazon.newest.issued_at, world.amazon.newest.expires_at
    other = replace(world.amazon.rotate_by_hand(), issued_at=issued, expires_at=expires)
    world.hand_over(world.amazon.message(other, other.expires_at))
    (said,) = told(world, "rejected")
    assert (said["by"], said["version_id"]) == ("contradiction", world.labels()[Label.REJECTED])


# When: what lasts.


@pytest.mark.rule(id="EVT-3")
def test_an_overdue_delivery_is_told_when_it_begins_and_then_once_a_day(world: World) -> None:
    world.clock.advance(days=60)
    world.amazon.lose_next = True
    world.check()
    world.run(hours=1)
    assert Counter(kinds(world)) == {"rotation requested": 1, "delivery overdue": 1}
    world.run(hours=72)
    assert Counter(kinds(world))["delivery overdue"] in (4, 5)


@pytest.mark.rule(id="EVT-3")
def test_a_check_that_comes_late_still_tells_when_it_began(world: World) -> None:
    """The schedule's own time counts: between two of them each moment lies in one interval."""
    world.clock.advance(days=60)
    world.amazon.lose_next = True
    at = world.clock.now()
    check(world.ports, world.application, at)
    for hours in (1, 2, 3):
        world.clock.time = at + timedelta(hours=hours, minutes=20)
        check(world.ports, world.application, at + timedelta(hours=hours))
    assert Counter(kinds(world))["delivery overdue"] == 1


@pytest.mark.rule(id="EVT-3")
def test_a_stuck_secret_is_told_when_it_begins(world: World) -> None:
    stuck(world)
    (first, *_) = told(world, "stuck")
    assert first["version_id"] == world.labels()[Label.PENDING]
    assert first["old_secret_dies_at"] is not None
    assert len(told(world, "stuck")) in (1, 2)


@pytest.mark.rule(id="EVT-3")
def test_a_denied_try_is_told_once_a_day(world: World) -> None:
    denied(world)
    assert kinds(world) == ["denied"]
    world.run(hours=48)
    assert kinds(world) == ["denied"] * 3


@pytest.mark.rule(id="EVT-3")
def test_an_end_that_comes_near_is_told_daily_below_the_alarms_days_and_then_the_end(make_world: MakeWorld) -> None:
    world = make_world(expiry_alarm=timedelta(days=3), paused=True)
    world.seed()
    world.clock.advance(days=175)
    world.run(hours=24 * 7)
    expiring, over = told(world, "expiring"), told(world, "expired")
    assert len(expiring) == 3
    assert [each["days_left"] for each in expiring] == sorted((each["days_left"] for each in expiring), reverse=True)
    assert all(0 <= each["days_left"] < 3 for each in expiring)
    assert over[0]["by"] == "date"
    assert len(over) in (2, 3)


@pytest.mark.rule(id="EVT-3")
def test_what_amazon_calls_dead_is_told_daily(world: World) -> None:
    world.amazon.alive = []
    world.run(hours=48)
    assert [each["by"] for each in told(world, "expired")] == ["amazon", "amazon"]


@pytest.mark.rule(id="EVT-3")
def test_at_rest_nothing_is_told(world: World) -> None:
    world.run(hours=72)
    assert kinds(world) == []


# A failed announcement stops nothing.


def deaf(world: World) -> World:
    """The bus takes nothing any more."""

    def fail(name: str) -> None:
        if name in ("tell", "rotated"):
            raise NotPublished("EventBridge did not take the event: ResourceNotFoundException.", remedy="Mend the bus.")

    world.ports = interposed(world.ports, before=fail)
    return world


@pytest.mark.rule(id="EVT-2")
@pytest.mark.parametrize("name", WAYS)
def test_a_failed_announcement_stops_nothing(make_world: MakeWorld, name: str) -> None:
    heard, unheard = make_world(), make_world()
    for world in (heard, unheard):
        world.seed()
        world.clock.advance(days=1)
    deaf(unheard)
    for world in (heard, unheard):
        WAYS[name](world)
    assert unheard.check() == heard.check()
    assert unheard.amazon.posts == heard.amazon.posts
    assert (unheard.value() is None) == (heard.value() is None)
    assert unheard.recorder.told == []
    assert unheard.recorder.counted(Metric.NOT_PUBLISHED) > 0


@pytest.mark.rule(id="EVT-2")
def test_rotations_go_on_while_nobody_can_be_told(world: World) -> None:
    """A bus that was deleted must not cost the secret."""
    deaf(world)
    states = set(world.run(hours=24 * 150))
    assert states <= {"CURRENT", "REQUESTED"}
    assert world.amazon.posts == 2
    assert world.value() is not None
    assert world.amazon.newest.text == world.value()["client_secret"]  # type: ignore[index]
    assert Label.PENDING in world.labels()


@pytest.mark.rule(id="EVT-2")
@pytest.mark.rule(id="SET-9")
def test_the_newest_rotation_is_told_when_the_bus_is_back(world: World) -> None:
    whole = world.ports
    deaf(world)
    world.clock.advance(days=60)
    world.run(hours=5)
    assert world.check() == "CURRENT"
    world.ports = whole
    world.check()
    assert [event.version_id for event in world.recorder.events] == [world.labels()[Label.CURRENT]]
    assert Label.PENDING not in world.labels()


@pytest.mark.rule(id="EVT-1")
def test_what_is_told_does_not_depend_on_what_was_told(make_world: MakeWorld) -> None:
    """Two worlds alike; in one nobody could be told at first. From then on both are told the same."""
    heard, unheard = make_world(), make_world()
    for world in (heard, unheard):
        world.seed()
        world.clock.advance(days=1)
    whole = unheard.ports
    deaf(unheard)
    for world in (heard, unheard):
        overdue(world)
    unheard.ports = whole
    heard.recorder.told.clear()
    for world in (heard, unheard):
        world.run(hours=48)
    assert heard.recorder.told
    assert kinds(heard) == kinds(unheard)
