"""By when the secret in use has to be replaced, and what overdue tells of it."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.deaths import days_left, replace_by, unanswered_requests
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Answer, Metric, RotateAnswer
from spapi_rotation_lambda.use_cases.request import request
from tests.fakes.world import World, amazons
from tests.unit.conftest import MakeWorld
from tests.unit.test_operator_events import operate
from tests.unit.test_state import received, requested, unseeded

pytestmark = pytest.mark.rule(id="CHK-6")

WEEK = timedelta(days=7)


def by(world: World) -> datetime | None:
    return replace_by(Snapshot(world.store, world.application), world.clock.now())


def overdue_at(world: World) -> tuple[datetime, float, dict[str, Any]]:
    """Let an hour pass and check: when the request was made, what was counted, and what was logged."""
    at = world.clock.now()
    requested(world)
    world.clock.advance(hours=1)
    assert world.check() == "OVERDUE"
    (value,) = [found for metric, found in world.recorder.metrics if metric is Metric.OVERDUE]
    (fields,) = [found for event, found in world.recorder.lines if event == "delivery_overdue"]
    return at, value, fields


def test_at_rest_it_is_the_expiry(world: World) -> None:
    assert by(world) == world.amazon.newest.expires_at


def test_after_a_request_that_nothing_answers_it_is_a_week_later(world: World) -> None:
    at, value, fields = overdue_at(world)
    assert value == pytest.approx(7 - 1 / 24)
    assert fields == {"requested_at": at, "replace_by": at + WEEK}
    assert operate(world, "status")["status"]["replace_by"] == f"{at + WEEK:%Y-%m-%dT%H:%M:%S}.000Z"


def test_an_expiry_that_comes_sooner_counts(world: World) -> None:
    world.clock.advance(days=176)  # the secret is 177 days old
    _, value, fields = overdue_at(world)
    assert value == pytest.approx(3 - 1 / 24)
    assert fields["replace_by"] == world.amazon.newest.expires_at


def test_when_the_week_is_over_and_the_secret_lives_it_is_the_expiry(world: World) -> None:
    requested(world)
    world.clock.advance(days=7, seconds=-1)
    assert by(world) == world.clock.now() + timedelta(seconds=1)
    world.clock.advance(seconds=1)
    assert by(world) == world.amazon.newest.expires_at


def test_a_repeated_request_does_not_move_the_day(world: World) -> None:
    at, *_ = overdue_at(world)
    world.clock.advance(days=3)
    again = world.clock.now()
    requested(world)  # forced
    assert unanswered_requests(Snapshot(world.store, world.application)) == [at, again]
    assert by(world) == at + WEEK
    world.clock.advance(days=4)
    assert by(world) == again + WEEK  # the first one's week is over, and the secret lives


def test_a_request_long_ago_that_was_answered_does_not_count(world: World) -> None:
    request(world.ports, world.application, Trigger.CLI)
    world.drain()
    world.clock.advance(days=60)
    at, value, _ = overdue_at(world)
    assert value == pytest.approx(7 - 1 / 24)
    assert by(world) == at + WEEK


def test_a_forced_request_after_an_answered_one_counts_from_itself(world: World) -> None:
    request(world.ports, world.application, Trigger.CLI)
    world.drain()
    world.clock.advance(days=2)
    world.amazon.answers.append((RotateAnswer(Answer.UNKNOWN, 500), False))
    request(world.ports, world.application, Trigger.CLI, mode=Mode.FORCED)
    assert by(world) == world.clock.now() + WEEK


def test_what_came_with_the_pending_secret_counts(world: World) -> None:
    received(world)
    assert by(world) == world.clock.now() + WEEK


def test_of_a_secret_whose_dates_nobody_knows_it_is_the_last_possible_day(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed(dated=False)
    assert by(world) == world.clock.now() + timedelta(days=180)
    world.clock.advance(days=100)
    at, value, _ = overdue_at(world)
    assert value == pytest.approx(7 - 1 / 24)
    assert by(world) == at + WEEK


def test_without_a_secret_there_is_no_day(world: World) -> None:
    unseeded(world)
    assert by(world) is None
    assert operate(world, "status")["status"]["replace_by"] is None


def test_an_unknown_end_is_the_whole_life_of_a_secret(world: World) -> None:
    now = world.clock.now()
    assert days_left(None, now) == 180
    assert days_left(now - timedelta(hours=12), now) == -0.5


def test_the_day_outlives_a_secret_that_is_rejected(world: World) -> None:
    """A rejected secret announced the end of the one in use."""
    newer = world.amazon.rotate_by_hand(message=False)
    data = amazons(world.application.client_id, newer)
    world.store.put(world.secret_id, "rejected", json.dumps(data), {Label.REJECTED})
    assert by(world) == newer.issued_at + WEEK
