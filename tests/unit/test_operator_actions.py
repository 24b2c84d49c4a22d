"""Operator actions: each does what it says, refuses what does not fit, and leaves a state that rotates again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import NotYetAccepted, StoreFailed
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import OVERLAP, Snapshot
from spapi_rotation_lambda.domain.state import State, derive
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import CallAnswer, Metric, Ports
from spapi_rotation_lambda.use_cases import operator_actions
from spapi_rotation_lambda.use_cases.request import request
from spapi_rotation_lambda.use_cases.status import status
from tests.fakes.interposer import Crash, interposed, traced
from tests.fakes.world import CLIENT_ID, World
from tests.unit.conftest import MakeWorld
from tests.unit.support import raises


def state(world: World) -> State:
    return derive(Snapshot(world.store, world.application), world.clock.now(), world.ports.policy.delivery_deadline)


def in_use(world: World) -> str:
    return str((world.value() or {})["client_secret"])


def pending(world: World) -> str:
    """A received secret that Amazon does not accept yet; returns its text."""
    world.clock.advance(days=60)
    world.amazon.usable_after = timedelta(days=3)
    world.amazon.rotate_by_hand()
    world.drain()
    assert state(world) is State.RECEIVED
    return world.amazon.newest.text


def assert_next_rotation_works(world: World) -> None:
    world.amazon.usable_after = timedelta()
    world.clock.advance(days=61)
    world.run(hours=3)
    assert state(world) is State.CURRENT
    assert in_use(world) == world.amazon.newest.text
    assert Label.PENDING not in world.labels()


def credentials(text: str) -> Credentials:
    return Credentials(CLIENT_ID, Sensitive(text))


@pytest.mark.rule(id="OPS-1")
def test_promote_skips_verification_and_takes_the_label_off(world: World) -> None:
    new = pending(world)
    operator_actions.promote(world.ports, world.application)
    assert in_use(world) == new
    assert Label.PENDING not in world.labels()
    assert len(world.recorder.events) == 1
    assert_next_rotation_works(world)


def test_promote_after_reject_brings_the_rejected_secret_into_use(world: World) -> None:
    new = pending(world)
    operator_actions.reject(world.ports, world.application)
    operator_actions.promote(world.ports, world.application)
    assert in_use(world) == new
    assert Label.REJECTED not in world.labels()
    assert state(world) is State.CURRENT


def test_promote_without_a_candidate_changes_nothing(world: World) -> None:
    before = world.labels()
    with raises(world, operator_actions.NothingToDo):
        operator_actions.promote(world.ports, world.application)
    assert world.labels() == before


def test_promote_keeps_the_owners_keys_of_today(world: World) -> None:
    pending(world)
    world.write({**(world.value() or {}), "refresh_token_arn": "arn"})
    operator_actions.promote(world.ports, world.application)
    assert (world.value() or {})["refresh_token_arn"] == "arn"


def test_a_rejected_secret_is_never_promoted_by_the_machine_nor_by_its_duplicates(world: World) -> None:
    old = in_use(world)
    pending(world)
    operator_actions.reject(world.ports, world.application)
    assert state(world) is State.REJECTED
    world.amazon.usable_after = timedelta()
    body = world.amazon.message(world.amazon.newest, world.amazon.ever[-2].expires_at)
    assert world.hand_over(body) == "duplicate"
    world.run(hours=5)
    assert in_use(world) == old
    assert world.recorder.counted(Metric.REJECTED) >= 5


@pytest.mark.rule(id="OPS-2")
def test_reject_of_what_is_in_use_points_to_rollback(world: World) -> None:
    with raises(world, operator_actions.NothingToDo, match="rollback"):
        operator_actions.reject(world.ports, world.application)


@pytest.mark.rule(id="OPS-2")
def test_reject_labels_before_it_takes_the_label_off(world: World) -> None:
    pending(world)
    ports, calls = traced(world.ports)
    operator_actions.reject(ports, world.application)
    assert calls.index("move REJECTED") < calls.index("remove AWSPENDING")


def test_a_reject_that_dies_half_way_is_finished_by_the_next_check(world: World) -> None:
    old = in_use(world)
    pending(world)
    with pytest.raises(Crash):
        operator_actions.reject(dying_after(world, "move REJECTED"), world.application)
    world.amazon.call_answer = CallAnswer.ACCEPTED
    world.check()
    assert in_use(world) == old
    assert Label.PENDING not in world.labels()
    assert state(world) is State.REJECTED


def rotated(world: World) -> tuple[str, str]:
    """A finished rotation; returns the old and the new secret."""
    old = in_use(world)
    world.clock.advance(days=60)
    world.amazon.rotate_by_hand()
    world.drain()
    assert state(world) is State.CURRENT
    return old, in_use(world)


@pytest.mark.rule(id="OPS-3")
def test_rollback_puts_the_old_secret_back_and_the_machine_leaves_it(world: World) -> None:
    old, new = rotated(world)
    # The previous version must hold the old secret, the current one a key that the previous has not.
    value = world.value() or {}
    world.write({**value, "client_secret": old, "note": "lost"})
    world.write({**value, "client_secret": new, "note": "today"})
    operator_actions.rollback(world.ports, world.application)
    assert in_use(world) == old
    assert (world.value() or {})["note"] == "today"
    assert state(world) is State.REJECTED
    world.run(hours=5)
    assert in_use(world) == old


def test_after_rollback_the_date_says_when_the_old_secret_dies(world: World) -> None:
    rotated(world)
    dies_at = (world.value() or {})["previous_client_secret_expires_at"]
    operator_actions.rollback(world.ports, world.application)
    told = status(world.ports, world.application)
    assert format_time(told.expires_at or world.clock.now()) == dies_at
    assert format_time(world.recorder.events[-1].expires_at or world.clock.now()) == dies_at


def test_after_rollback_from_a_seeded_secret_the_old_one_is_dated_by_its_issue(world: World) -> None:
    world.clock.advance(days=70)
    newest = world.amazon.rotate_by_hand(message=False)
    seeded = replace(credentials(newest.text), expires_at=newest.expires_at)
    operator_actions.seed(world.ports, world.application, seeded)
    operator_actions.rollback(world.ports, world.application)
    assert status(world.ports, world.application).expires_at == newest.issued_at + timedelta(days=7)


@pytest.mark.rule(id="OPS-3")
def test_rollback_after_the_seven_days_is_refused(world: World) -> None:
    _, new = rotated(world)
    world.clock.advance(days=8)
    with raises(world, operator_actions.NothingToDo, match="died"):
        operator_actions.rollback(world.ports, world.application)
    assert in_use(world) == new


def test_rollback_without_another_secret_is_refused(world: World) -> None:
    with raises(world, operator_actions.NothingToDo):
        operator_actions.rollback(world.ports, world.application)


@pytest.mark.rule(id="OPS-3")
def test_rollback_does_not_take_the_label_off_a_newer_secret_that_is_rejected(world: World) -> None:
    rotated(world)
    newest = pending(world)
    operator_actions.reject(world.ports, world.application)
    before = world.labels()
    with raises(world, operator_actions.NothingToDo):
        operator_actions.rollback(world.ports, world.application)
    assert world.labels() == before
    assert (world.value(Label.REJECTED) or {})["client_secret"] == newest


def test_rollback_takes_the_label_off_a_secret_that_is_history(world: World) -> None:
    pending(world)
    operator_actions.reject(world.ports, world.application)
    world.amazon.usable_after = timedelta()
    for _ in range(2):
        world.clock.advance(days=3)
        world.amazon.rotate_by_hand()
        world.drain()
    operator_actions.rollback(world.ports, world.application)
    assert in_use(world) == world.amazon.ever[-2].text
    assert (world.value(Label.REJECTED) or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="OPS-3")
def test_rollback_does_not_go_forward_after_an_owners_stale_write(world: World) -> None:
    old, new = rotated(world)
    world.write({**(world.value(Label.PREVIOUS) or {}), "note": "stale"})
    before = world.labels()
    with raises(world, operator_actions.NothingToDo, match="newer"):
        operator_actions.rollback(world.ports, world.application)
    assert world.labels() == before
    assert in_use(world) == old
    world.run(hours=2)
    assert in_use(world) == new


@pytest.mark.rule(id="OPS-1")
def test_promote_does_not_bring_an_old_rejected_secret_over_a_newer_one(world: World) -> None:
    pending(world)
    operator_actions.reject(world.ports, world.application)
    world.amazon.usable_after = timedelta()
    world.clock.advance(minutes=2)
    newest = world.amazon.rotate_by_hand(message=False)
    world.seed(newest)
    before = world.labels()
    with raises(world, operator_actions.NothingToDo, match="newer"):
        operator_actions.promote(world.ports, world.application)
    assert world.labels() == before


@pytest.mark.rule(id="OPS-1")
def test_a_promotion_by_hand_is_no_proof_of_the_order_against_a_later_seed(world: World) -> None:
    """One made by hand is in use, without dates; a person promotes the older one, and puts the newer one back."""
    world.clock.advance(days=60)
    world.amazon.rotate_by_hand()
    world.amazon.rotate_by_hand(message=False)
    made_by_hand = world.amazon.newest.text
    operator_actions.seed(world.ports, world.application, credentials(made_by_hand))
    world.drain()
    assert state(world) is State.RECEIVED
    operator_actions.promote(world.ports, world.application)
    assert in_use(world) != made_by_hand
    operator_actions.seed(world.ports, world.application, credentials(made_by_hand))
    world.amazon.calls_allowed = False
    world.run(hours=48)
    assert in_use(world) == made_by_hand


def received_but_overwritten(world: World, text: str) -> str:
    """A received secret, over which a person has put another one without dates; returns the id of its version."""
    world.amazon.usable_after = timedelta()
    world.clock.advance(minutes=2)
    world.amazon.rotate_by_hand()
    world.drain()
    received = world.labels()[Label.CURRENT]
    world.write({"client_id": CLIENT_ID, "client_secret": text})
    assert world.labels()[Label.PREVIOUS] == received
    return received


@pytest.mark.rule(id="OPS-11")
def test_promote_keeps_a_received_secret_that_would_lose_its_last_label(world: World) -> None:
    rejected = pending(world)
    operator_actions.reject(world.ports, world.application)
    received = received_but_overwritten(world, "canary-made-by-hand")
    operator_actions.promote(world.ports, world.application)
    assert in_use(world) == rejected
    assert world.labels()[Label.SUPERSEDED] == received


@pytest.mark.rule(id="OPS-11")
def test_seed_keeps_a_received_secret_that_would_lose_its_last_label(world: World) -> None:
    older = world.amazon.newest.text
    world.clock.advance(days=60)
    received = received_but_overwritten(world, "canary-mistyped")
    operator_actions.seed(world.ports, world.application, credentials(older))
    assert in_use(world) == older
    assert world.labels()[Label.SUPERSEDED] == received


@pytest.mark.rule(id="OPS-11")
def test_what_is_older_than_the_one_in_use_is_not_kept(world: World) -> None:
    world.clock.advance(days=60)
    world.amazon.rotate_by_hand()
    world.drain()
    older = world.amazon.ever[-2].text
    operator_actions.seed(world.ports, world.application, credentials(older))
    assert Label.SUPERSEDED not in world.labels()


@pytest.mark.rule(id="OPS-11")
@pytest.mark.parametrize("by_hand", [False, True])
def test_what_comes_into_use_itself_is_not_superseded(world: World, by_hand: bool) -> None:
    """A rollback leaves AWSPREVIOUS on it; a message that comes then gives REJECTED to another version of it."""
    _, new = rotated(world)
    if by_hand:
        world.clock.advance(days=60)
        new = world.amazon.rotate_by_hand().text
        operator_actions.seed(world.ports, world.application, credentials(new))
    operator_actions.rollback(world.ports, world.application)
    world.drain()
    assert (world.value(Label.PREVIOUS) or {})["client_secret"] == new
    assert (world.labels()[Label.PREVIOUS] == world.labels()[Label.REJECTED]) is not by_hand
    operator_actions.promote(world.ports, world.application)
    assert in_use(world) == new
    assert Label.SUPERSEDED not in world.labels()


@pytest.mark.rule(id="OPS-11")
@pytest.mark.parametrize("again", [False, True])
def test_a_second_version_of_the_secret_in_use_takes_the_place_of_no_rejected_one(world: World, again: bool) -> None:
    """The rejected one contradicts it by the same dates, and so is not known to be newer."""
    old, new = rotated(world)
    told = replace(world.amazon.newest, text="canary-told")
    assert world.hand_over(world.amazon.message(told, told.issued_at + OVERLAP, "told")) == "contradictory"
    world.write({**(world.value() or {}), "note": "edited"})
    operator_actions.seed(world.ports, world.application, credentials(new if again else old))
    assert (world.value(Label.SUPERSEDED) or {})["client_secret"] == "canary-told"


def test_promote_undoes_a_rollback(world: World) -> None:
    _, new = rotated(world)
    operator_actions.rollback(world.ports, world.application)
    operator_actions.promote(world.ports, world.application)
    assert in_use(world) == new
    assert state(world) is State.CURRENT
    assert_next_rotation_works(world)


def test_a_rollback_that_dies_half_way_is_seen_and_can_be_repeated(world: World) -> None:
    old, new = rotated(world)
    with pytest.raises(Crash):
        operator_actions.rollback(dying_after(world, "move REJECTED"), world.application)
    assert in_use(world) == new
    world.check()
    assert state(world) is State.REJECTED
    operator_actions.rollback(world.ports, world.application)
    assert in_use(world) == old


@pytest.mark.rule(id="OPS-3")
def test_a_rollback_that_dies_before_it_publishes_is_repeated_over_a_label_that_a_promotion_left(world: World) -> None:
    """AWSPENDING stays on a promoted version until the next check if the promotion's last calls failed."""
    old, _ = rotated(world)
    world.store.move(world.application.secret_id, Label.PENDING, to=world.labels()[Label.CURRENT], away_from=None)
    with pytest.raises(Crash):
        operator_actions.rollback(dying_after(world, f"move {Label.CURRENT}"), world.application)
    assert in_use(world) == old
    published = len(world.recorder.events)
    operator_actions.rollback(world.ports, world.application)
    assert in_use(world) == old
    assert len(world.recorder.events) == published + 1


def test_a_repeated_rollback_changes_nothing_even_after_the_owners_edit(world: World) -> None:
    old, _ = rotated(world)
    operator_actions.rollback(world.ports, world.application)
    world.write({**(world.value() or {}), "note": "edited"})
    world.write({**(world.value(Label.REJECTED) or {}), "note": "stale"})
    world.write({**(world.value(Label.PREVIOUS) or {}), "note": "mended"})
    assert in_use(world) == old
    assert world.labels()[Label.PREVIOUS] != world.labels()[Label.REJECTED]
    operator_actions.rollback(world.ports, world.application)
    assert in_use(world) == old


@pytest.mark.rule(id="OPS-4")
def test_seed_fills_an_empty_secret(make_world: MakeWorld) -> None:
    empty = make_world()
    operator_actions.seed(empty.ports, empty.application, credentials(empty.amazon.newest.text))
    assert in_use(empty) == empty.amazon.newest.text
    assert state(empty) is State.UNDATED


@pytest.mark.rule(id="OPS-4")
def test_seed_refuses_what_amazon_refuses_and_writes_nothing(world: World) -> None:
    before = world.labels()
    with raises(world, NotYetAccepted):
        operator_actions.seed(world.ports, world.application, credentials("canary-wrong"))
    assert world.labels() == before


def test_seed_takes_pending_and_rejected_off_and_keeps_other_keys(world: World) -> None:
    pending(world)
    operator_actions.reject(world.ports, world.application)
    world.amazon.usable_after = timedelta()
    world.write({**(world.value() or {}), "note": "kept"})
    by_hand = world.amazon.rotate_by_hand(message=False)
    operator_actions.seed(world.ports, world.application, credentials(by_hand.text))
    assert in_use(world) == by_hand.text
    assert (world.value() or {})["note"] == "kept"
    assert not {Label.PENDING, Label.REJECTED} & set(world.labels())


@pytest.mark.rule(id="OPS-4")
def test_seed_does_not_lose_a_newer_pending_secret(world: World) -> None:
    pending(world)
    older = world.amazon.ever[0]
    dated = Credentials(CLIENT_ID, Sensitive(older.text), issued_at=older.issued_at)
    with raises(world, operator_actions.NothingToDo, match="is pending"):
        operator_actions.seed(world.ports, world.application, dated)


def test_a_forced_request_passes_the_seven_days(world: World) -> None:
    rotated(world)
    request(world.ports, world.application, Trigger.CLI, mode=Mode.FORCED)
    assert world.amazon.posts == 1


def test_a_label_that_moves_meanwhile_stops_the_action(world: World) -> None:
    pending(world)

    def meddle(call: str) -> None:
        if call == "move AWSCURRENT":
            world.write({**(world.value() or {}), "note": "meddled"})

    with raises(world, StoreFailed, match="changed meanwhile"):
        operator_actions.promote(interposed(world.ports, before=meddle), world.application)
    assert (world.value() or {})["note"] == "meddled"


def dying_after(world: World, fatal: str) -> Ports:
    def die(call: str) -> None:
        if call == fatal:
            raise Crash

    return interposed(world.ports, after=die)
