"""The states that a person sees, and which of two goes before the other."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.errors import RequestRefused
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.state import State, derive
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Answer, RotateAnswer
from spapi_rotation_lambda.use_cases.request import request
from tests.fakes.world import CLIENT_ID, World, sealed

Step = Callable[[World], None]


def state(world: World) -> State:
    return derive(Snapshot(world.store, world.application), world.clock.now(), world.ports.policy.delivery_deadline)


def put(world: World, label: Label, text: str, **dates: Any) -> None:
    data = {"client_id": CLIENT_ID, "client_secret": text, **{name: format_time(at) for name, at in dates.items()}}
    world.store.put(world.secret_id, text, json.dumps(sealed(data)), {label})


def unseeded(world: World) -> None:
    world.write({"region": "eu"})


def undated(world: World) -> None:
    world.seed(dated=False)
    world.seed(dated=False, again=1)


def requested(world: World) -> None:
    world.amazon.answers.append((RotateAnswer(Answer.UNKNOWN, 500), False))
    request(world.ports, world.application, Trigger.CLI, mode=Mode.FORCED)


def overdue(world: World) -> None:
    requested(world)
    world.clock.advance(hours=1)


def refused(world: World) -> None:
    world.amazon.answers.append((RotateAnswer(Answer.REFUSED, 400), False))
    with pytest.raises(RequestRefused):
        request(world.ports, world.application, Trigger.CLI, mode=Mode.FORCED)


def received(world: World) -> None:
    now = world.clock.now()
    put(
        world,
        Label.PENDING,
        "canary-p",
        client_secret_issued_at=now - timedelta(hours=1),
        previous_client_secret_expires_at=now + timedelta(days=7),
    )


def stuck(world: World) -> None:
    now = world.clock.now()
    dates = {
        "client_secret_issued_at": now - timedelta(hours=1),
        "previous_client_secret_expires_at": now + timedelta(hours=24),
    }
    put(world, Label.PENDING, "canary-p", **dates)


def rejected(world: World) -> None:
    put(world, Label.REJECTED, "canary-r", client_secret_issued_at=world.clock.now() - timedelta(hours=2))


def expired(world: World) -> None:
    world.clock.advance(days=180)


def nothing(world: World) -> None:
    pass


@pytest.mark.rule(id="STA-1")
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((nothing,), State.CURRENT),
        ((undated,), State.UNDATED),
        ((refused,), State.REFUSED),
        ((undated, refused), State.REFUSED),
        ((rejected,), State.REJECTED),
        ((rejected, refused), State.REJECTED),
        ((rejected, undated), State.REJECTED),
        ((requested,), State.REQUESTED),
        ((overdue,), State.OVERDUE),
        ((overdue, refused), State.OVERDUE),
        ((rejected, overdue), State.OVERDUE),
        ((overdue, received), State.RECEIVED),
        ((rejected, received), State.RECEIVED),
        ((overdue, stuck), State.STUCK),
        ((expired,), State.EXPIRED),
        ((expired, stuck), State.EXPIRED),
        ((expired, overdue), State.EXPIRED),
        ((overdue, received, rejected, unseeded), State.UNSEEDED),
    ],
    ids=lambda value: "+".join(step.__name__ for step in value) if isinstance(value, tuple) else str(value),
)
def test_the_first_state_that_applies(world: World, steps: tuple[Step, ...], expected: State) -> None:
    for step in steps:
        step(world)
    assert state(world) is expected


@pytest.mark.rule(id="STA-1")
def test_the_docs_states_are_all_there_in_the_order_that_decides() -> None:
    assert [one.value for one in State] == [
        *("UNSEEDED", "EXPIRED", "STUCK", "RECEIVED", "OVERDUE"),
        *("REQUESTED", "REJECTED", "DENIED", "REFUSED", "UNDATED", "CURRENT"),
    ]


def test_a_rejected_secret_that_is_older_than_the_current_one_is_history(world: World) -> None:
    rejected(world)
    world.amazon.rotate_by_hand(message=False)
    world.seed()
    assert state(world) is State.CURRENT


def test_a_rejected_secret_without_a_date_is_history_once_a_newer_one_was_issued(world: World) -> None:
    world.seed(dated=False)
    world.store.move(world.secret_id, Label.REJECTED, to=world.labels()[Label.CURRENT], away_from=None)
    world.clock.advance(days=1)
    world.amazon.rotate_by_hand(message=False)
    world.seed()
    assert state(world) is State.CURRENT


def test_a_current_version_that_is_rejected_is_a_rollback_that_did_not_end(world: World) -> None:
    world.store.move(world.secret_id, Label.REJECTED, to=world.labels()[Label.CURRENT], away_from=None)
    assert state(world) is State.REJECTED


def test_a_refusal_is_over_when_a_secret_arrives_all_the_same(world: World) -> None:
    refused(world)
    world.amazon.rotate_by_hand()
    world.drain()
    assert state(world) is State.CURRENT


@pytest.mark.parametrize(("hours", "expected"), [(24.1, State.RECEIVED), (24, State.STUCK), (0, State.STUCK)])
def test_stuck_begins_24_hours_before_the_old_secret_dies(world: World, hours: float, expected: State) -> None:
    put(
        world,
        Label.PENDING,
        "canary-p",
        client_secret_issued_at=world.clock.now() - timedelta(hours=1),
        previous_client_secret_expires_at=world.clock.now() + timedelta(hours=hours),
    )
    assert state(world) is expected


@pytest.mark.parametrize(
    ("before", "expected"), [(timedelta(milliseconds=1), State.CURRENT), (timedelta(0), State.EXPIRED)]
)
def test_a_secret_is_expired_from_the_moment_of_its_expiry_on(world: World, before: timedelta, expected: State) -> None:
    world.clock.time = world.amazon.newest.expires_at - before
    assert state(world) is expected


@pytest.mark.rule(id="SET-10")
def test_a_pending_secret_of_unknown_order_is_not_stuck(world: World) -> None:
    put(world, Label.PENDING, "canary-p", previous_client_secret_expires_at=world.clock.now() + timedelta(hours=1))
    assert state(world) is State.RECEIVED


def test_an_undated_pending_and_current_are_received(world: World) -> None:
    undated(world)
    put(world, Label.PENDING, "canary-p")
    assert state(world) is State.RECEIVED


def test_a_current_secret_without_dates_is_current_when_another_version_tells_them(world: World) -> None:
    world.seed(dated=False)
    assert state(world) is State.CURRENT


@pytest.mark.rule(id="CHK-5")
def test_the_delivery_deadline_can_be_shortened(world: World) -> None:
    requested(world)
    world.clock.advance(minutes=1)
    snapshot = Snapshot(world.store, world.application)
    assert derive(snapshot, world.clock.now(), timedelta(seconds=61)) is State.REQUESTED
    assert derive(snapshot, world.clock.now(), timedelta(seconds=60)) is State.OVERDUE
