"""The history: who asked, what arrived, what Amazon accepted, from the function's log; only what is known."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.surroundings import LogLine
from spapi_rotation_lambda.use_cases import history
from spapi_rotation_lambda.use_cases.history import ACCEPTANCES, EVENTS, FIELDS
from spapi_rotation_lambda.use_cases.receive import Receipt
from tests.fakes.world import CLIENT_ID, World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import UNCLEAR, answer_next
from tests.unit.test_operator_events import failed, operate

ANN = "arn:aws:sts::123456789012:assumed-role/operator/ann"
OTHER = CLIENT_ID.replace("0", "9")


def events(world: World, **more: Any) -> list[dict[str, Any]]:
    found = operate(world, "history", **more)["events"]
    assert isinstance(found, list)
    return found


def write(world: World, event: str, **fields: object) -> None:
    """A line of the log."""
    world.recorder.log.append(LogLine(world.clock.now(), {"message": event, **fields}))


@pytest.mark.rule(id="OPS-10")
def test_a_rotation_is_told_from_the_request_to_the_use(world: World) -> None:
    operate(world, "request", who=ANN)
    world.clock.advance(minutes=1)
    world.drain()
    found = events(world)
    assert [each["event"] for each in found] == [
        "rotation_requested",
        "operator_action",
        "secret_stored",
        "secret_accepted",
        "secret_promoted",
    ]
    requested, asked, stored, _, promoted = found
    assert (requested["trigger"], requested["status"], requested["application"]) == ("cli", 204, "shop")
    assert (asked["action"], asked["claimed_by"], asked["before"], asked["after"]) == (
        "request",
        ANN,
        "CURRENT",
        "REQUESTED",
    )
    assert stored["notification_id"] == promoted["rotation_id"]
    assert stored["at"] == format_time(world.clock.now())


def test_what_went_wrong_is_told_with_its_code(world: World) -> None:
    answer_next(world, UNCLEAR)
    operate(world, "request")
    operate(world, "reject", who=ANN)
    unclear, _, refused = events(world)
    assert (unclear["event"], unclear["status"]) == ("rotation_request_unclear", 500)
    assert (refused["event"], refused["action"], refused["error"], refused["claimed_by"], refused["client_id"]) == (
        "operator_action_failed",
        "reject",
        "NothingToDo",
        ANN,
        CLIENT_ID,
    )
    assert "nothing is pending" in refused["detail"]


def test_a_client_id_that_is_none_is_not_written(world: World) -> None:
    operate(world, "status", client_id="canary")
    assert "canary" not in world.recorder.text()


@pytest.mark.rule(id="OPS-10")
def test_only_known_events_and_fields_leave_the_log(world: World) -> None:
    write(world, "something_else", client_id=CLIENT_ID, version_id="canary")
    write(world, "secret_promoted", client_id=CLIENT_ID, client_secret="canary", version_id={"inner": "canary"})
    assert events(world) == [
        {"at": format_time(world.clock.now()), "event": "secret_promoted", "client_id": CLIENT_ID},
    ]


def test_of_one_application_and_of_the_component(world: World) -> None:
    write(world, "secret_stored", client_id=OTHER)
    write(world, "operator_action", action="redrive")
    write(world, "secret_promoted", client_id=CLIENT_ID)
    assert [each["event"] for each in events(world)] == ["operator_action", "secret_promoted"]
    whole = events(world, client_id=None)
    assert [each["event"] for each in whole] == ["secret_stored", "operator_action", "secret_promoted"]


def test_a_daily_try_that_went_well_is_no_news(world: World) -> None:
    write(world, "current_secret_tried", client_id=CLIENT_ID, answer="accepted")
    write(world, "current_secret_tried", client_id=CLIENT_ID, answer="denied")
    assert [each["answer"] for each in events(world)] == ["denied"]


def test_it_goes_back_30_days_or_as_far_as_asked(world: World) -> None:
    write(world, "secret_stored", client_id=CLIENT_ID)
    began = world.clock.now()
    world.clock.advance(days=30)
    assert len(events(world)) == 1
    world.clock.advance(seconds=1)
    assert events(world) == []
    assert len(events(world, since=format_time(began))) == 1
    failed(operate(world, "history", since="yesterday"), "BadSettings")


def test_it_comes_in_pages(world: World) -> None:
    world.ports.log().page = 2  # type: ignore[attr-defined]
    for number in range(5):
        write(world, "secret_stored", client_id=CLIENT_ID, notification_id=f"n-{number}")
    seen, cursor = list[str](), None
    for _ in range(3):
        answer = operate(world, "history", cursor=cursor)
        seen += [each["notification_id"] for each in answer["events"]]
        cursor = answer["cursor"]
    assert seen == [f"n-{number}" for number in range(5)]
    assert cursor is None


def test_a_client_id_that_is_none_is_refused(world: World) -> None:
    failed(operate(world, "history", client_id="canary"), "BadSettings")


# When Amazon last accepted a secret.


def accepted(world: World) -> dict[str, str]:
    found = operate(world, "last_accepted", client_id=None)["last_accepted"]
    assert isinstance(found, dict)
    return found


def test_the_daily_try_a_seed_and_a_verification_are_acceptances(make_world: MakeWorld) -> None:
    world = make_world()
    assert accepted(world) == {}
    operate(world, "seed", client_secret=world.amazon.newest.text)
    seeded = format_time(world.clock.now())
    assert accepted(world) == {CLIENT_ID: seeded}
    world.run(hours=30)
    tried = accepted(world)[CLIENT_ID]
    assert tried > seeded
    operate(world, "request")
    world.clock.advance(minutes=1)
    world.drain()
    assert accepted(world)[CLIENT_ID] == format_time(world.clock.now())


def test_a_first_secret_that_came_by_message_is_an_acceptance(make_world: MakeWorld) -> None:
    world = make_world()
    world.amazon.rotate_by_hand()
    world.drain()
    assert accepted(world) == {CLIENT_ID: format_time(world.clock.now())}


def test_a_denied_try_is_none_and_two_days_are_remembered(world: World) -> None:
    write(world, "current_secret_tried", client_id=CLIENT_ID, answer="denied")
    assert accepted(world) == {}
    write(world, "current_secret_tried", client_id=CLIENT_ID, answer="accepted")
    world.clock.advance(days=2)
    assert set(accepted(world)) == {CLIENT_ID}
    world.clock.advance(seconds=1)
    assert accepted(world) == {}


def test_every_page_is_looked_at(world: World) -> None:
    world.ports.log().page = 1  # type: ignore[attr-defined]
    for client_id in (CLIENT_ID, OTHER, CLIENT_ID):
        world.clock.advance(minutes=1)
        write(world, "secret_accepted", client_id=client_id)
    latest = format_time(world.clock.now())
    assert accepted(world) == {CLIENT_ID: latest, OTHER: format_time(world.clock.now() - timedelta(minutes=1))}


# What it is made of.


@pytest.fixture(scope="module")
def sources() -> str:
    """The code of the use cases but the history's own."""
    folder = Path(history.__file__).parent
    return "".join(file.read_text() for file in folder.glob("*.py") if file.name != "history.py")


@pytest.mark.parametrize("event", sorted({*EVENTS, *ACCEPTANCES}))
def test_every_event_is_written_somewhere(event: str, sources: str) -> None:
    """A misspelt one would never be found."""
    receipts = {f"secret_{receipt.value}" for receipt in Receipt}
    assert f'"{event}"' in sources or event in receipts


@pytest.mark.parametrize("field", [each for each in FIELDS if each not in ("application", "client_id")])
def test_every_field_is_written_somewhere(field: str, sources: str) -> None:
    assert f" {field}=" in sources or f"({field}=" in sources
