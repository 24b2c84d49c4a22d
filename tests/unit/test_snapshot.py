"""What one reading of a secret tells: which dates are believed, when the secret in use dies, what awaits promotion."""

import json
from datetime import timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot, StoredVersion
from spapi_rotation_lambda.domain.times import format_time
from tests.fakes.world import CLIENT_ID, World, amazons, sealed
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import ask
from tests.unit.test_operator_events import operate
from tests.unit.test_state import put, received, unseeded

A_MOMENT = timedelta(milliseconds=1)


def reading(world: World) -> Snapshot:
    return Snapshot(world.store, world.application)


def in_use(snapshot: Snapshot) -> StoredVersion:
    current = snapshot.current
    assert current is not None
    return current


# Which dates are believed.


@pytest.mark.rule(id="SEC-7")
@pytest.mark.parametrize("key", ["client_secret_issued_at", "client_secret_expires_at"])
@pytest.mark.parametrize("after", [-A_MOMENT, timedelta(0), A_MOMENT])
def test_a_typed_date_too_far_after_its_version_is_unknown(make_world: MakeWorld, key: str, after: timedelta) -> None:
    """An hour for the issue, 181 days for the expiry."""
    world = make_world()
    last = timedelta(hours=1) if key == "client_secret_issued_at" else timedelta(days=181)
    typed = world.clock.now() + last + after
    dates: dict[str, Any] = {key: format_time(typed)}
    world.seed(dated=False, **dates)
    snapshot = reading(world)
    told = snapshot.told(in_use(snapshot))
    assert told is not None
    assert [each for each in (told.issued_at, told.expires_at) if each] == ([typed] if after <= timedelta(0) else [])


@pytest.mark.rule(id="SEC-7")
@pytest.mark.parametrize("key", ["client_secret_issued_at", "client_secret_expires_at"])
def test_a_date_that_was_typed_years_ahead_puts_no_rotation_off(make_world: MakeWorld, key: str) -> None:
    world = make_world()
    dates: dict[str, Any] = {key: format_time(world.clock.now() + timedelta(days=3650))}
    world.seed(dated=False, **dates)
    world.clock.advance(days=30)
    assert ask(world, Trigger.SCHEDULE).certain


# When the secret in use dies.


@pytest.mark.rule(id="SEC-9")
@pytest.mark.parametrize("dated", [True, False], ids=["with Amazon's dates", "without"])
def test_a_secret_that_was_put_in_late_dies_by_amazons_date_or_else_180_days_after(
    make_world: MakeWorld, dated: bool
) -> None:
    world = make_world()
    world.clock.advance(days=100)
    world.seed(dated=dated)
    ends = world.amazon.newest.expires_at if dated else world.clock.now() + timedelta(days=180)
    snapshot = reading(world)
    assert snapshot.dies_at(in_use(snapshot)) == ends


@pytest.mark.rule(id="REC-6")
@pytest.mark.parametrize("later", [timedelta(0), A_MOMENT], ids=["contradictory", "newer"])
def test_the_secret_in_use_dies_of_a_newer_rejected_one_and_not_of_a_contradictory_one(
    world: World, later: timedelta
) -> None:
    """What the contradictory one announces is the end of the secret before both."""
    own = world.amazon.newest
    issued, week = own.issued_at + later, own.issued_at + timedelta(days=7)
    put(
        world,
        Label.REJECTED,
        "canary-r",
        client_secret_issued_at=issued,
        client_secret_expires_at=own.expires_at,
        previous_client_secret_expires_at=week,
    )
    snapshot = reading(world)
    assert snapshot.dies_at(in_use(snapshot)) == (week if later else own.expires_at)


def test_what_came_by_a_message_without_any_date_has_no_known_end(make_world: MakeWorld) -> None:
    world = make_world()
    world.write(sealed({"client_id": CLIENT_ID, "client_secret": world.amazon.newest.text}))
    snapshot = reading(world)
    assert snapshot.expires(in_use(snapshot)) is None
    assert snapshot.dies_at(in_use(snapshot)) is None


# Which version tells most of a secret.


@pytest.mark.rule(id="SEC-8")
def test_first_seen_goes_onto_the_dated_copy_although_a_version_without_dates_is_older(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed(dated=False)
    world.clock.advance(hours=1)
    world.store.put(world.secret_id, "dated", json.dumps(amazons(CLIENT_ID, world.amazon.newest)), {Label.RECEIVED})
    world.clock.advance(hours=1)
    world.seed(dated=False, edited="yes")
    snapshot = reading(world)
    assert snapshot.first_copy(in_use(snapshot)).version.id == "dated"
    assert world.check() == "CURRENT"
    assert world.labels()[Label.FIRST_SEEN] == "dated"


# What awaits promotion.


@pytest.mark.parametrize("strange", ["no JSON", "{}"], ids=["malformed", "without credentials"])
def test_while_something_strange_is_pending_nothing_is_requested_before_it_is_settled(
    world: World, strange: str
) -> None:
    world.store.put(world.secret_id, "strange", strange, {Label.PENDING})
    assert reading(world).awaits_promotion
    assert operate(world, "status")["status"]["next"] == {
        "verdict": "declined",
        "detail": "A received secret is pending; it is settled first.",
    }


def test_what_is_pending_beside_an_unseeded_value_awaits_promotion(world: World) -> None:
    received(world)
    unseeded(world)
    assert reading(world).awaits_promotion
