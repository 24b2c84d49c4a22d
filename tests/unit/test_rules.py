"""What forbids a rotation: REQ-6, REQ-7 and the repost."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.errors import (
    AlreadyRequested,
    NotDue,
    RequestRefused,
    TooSoon,
)
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import LabelMoved
from tests.fakes.world import CLIENT_ID, World, sealed
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import ON_ITS_OWN, ON_PURPOSE, REFUSED, UNCLEAR, answer_before, answer_next, ask
from tests.unit.support import raises
from tests.unit.test_state import put


@pytest.mark.rule(id="REQ-6")
@pytest.mark.parametrize("trigger", list(Trigger))
def test_an_answered_request_forbids_another_for_7_days(world: World, trigger: Trigger) -> None:
    ask(world)
    world.drain()
    world.clock.advance(days=6.99)
    with raises(world, TooSoon if trigger is not Trigger.SCHEDULE else NotDue):
        ask(world, trigger)
    world.clock.advance(days=0.01 if trigger is not Trigger.SCHEDULE else 60)
    ask(world, trigger)
    assert world.amazon.posts == 2


def test_the_7_days_are_counted_from_the_record_when_the_dates_are_gone(world: World) -> None:
    ask(world)
    asked = world.clock.now()
    world.drain()
    for edit in range(2):  # the second one drops the dated version from AWSPREVIOUS
        world.seed(dated=False, edit=edit)
    with raises(world, TooSoon) as caught:
        ask(world)
    # The version that was stored last still says when the secret was issued, so the record is closed.
    assert f"until {format_time(asked + timedelta(days=7))}" in caught.value.args[0]


@pytest.mark.rule(id="SEC-6")
def test_the_dates_are_known_while_the_version_that_was_stored_last_is(world: World) -> None:
    ask(world)
    world.drain()
    for edit in range(2):
        world.seed(dated=False, edit=edit)
    world.clock.advance(days=59)
    with raises(world, NotDue, match=format_time(world.amazon.newest.issued_at + timedelta(days=60))):
        ask(world, Trigger.SCHEDULE)


def test_a_request_is_answered_by_a_secret_that_the_owner_overwrote_twice(world: World) -> None:
    ask(world)
    asked = world.clock.now()
    world.drain()
    for edit in range(2):
        world.seed(world.amazon.ever[0], edit=edit)
    with raises(world, TooSoon) as caught:
        ask(world)
    assert f"until {format_time(asked + timedelta(days=7))}" in caught.value.args[0]


def test_the_7_days_are_counted_from_the_record_when_only_the_issue_is_known(world: World) -> None:
    ask(world)
    asked = world.clock.now()
    world.drain()
    for edit in range(2):
        world.seed(edit=edit)
    with raises(world, TooSoon) as caught:
        ask(world)
    assert f"until {format_time(asked + timedelta(days=7))}" in caught.value.args[0]


@pytest.mark.rule(id="REQ-6")
@pytest.mark.parametrize("label", [Label.CURRENT, Label.PREVIOUS, Label.PENDING, Label.REJECTED])
def test_a_living_older_secret_forbids_a_rotation_whichever_version_tells_of_it(world: World, label: Label) -> None:
    until = world.clock.now() + timedelta(days=3)
    told = {
        "client_id": CLIENT_ID,
        "client_secret": world.amazon.newest.text,
        "previous_client_secret_expires_at": format_time(until),
    }
    told = sealed(told)
    if label in (Label.CURRENT, Label.PREVIOUS):
        world.write(told)
        if label is Label.PREVIOUS:
            world.seed()
    else:
        world.store.put(world.secret_id, "told", json.dumps(told), {label})
    assert world.labels()[label]
    for trigger in ON_PURPOSE:
        with raises(world, TooSoon, match=f"until {format_time(until)}"):
            ask(world, trigger)
    assert world.amazon.posts == 0
    world.clock.advance(days=3)
    ask(world)


@pytest.mark.rule(id="REQ-6")
@pytest.mark.parametrize("label", [Label.PREVIOUS, Label.PENDING, Label.REJECTED])
def test_a_newer_secret_than_that_in_use_forbids_a_rotation_for_its_7_days(world: World, label: Label) -> None:
    """Amazon may keep two alive only, and the next one would kill the one in use."""
    world.clock.advance(days=70)
    newest = world.amazon.rotate_by_hand(message=False)
    dates = {"client_secret_expires_at": format_time(newest.expires_at)}
    text = json.dumps(sealed({"client_id": CLIENT_ID, "client_secret": newest.text, **dates}))
    if label is Label.PREVIOUS:
        world.write(text)
        world.seed(world.amazon.ever[0])
    else:
        world.store.put(world.secret_id, "newer", text, {label})
    world.clock.advance(days=6.99)
    with raises(world, TooSoon) as caught:
        ask(world)
    assert f"until {format_time(newest.issued_at + timedelta(days=7))}" in caught.value.args[0]
    world.clock.advance(days=0.02)
    with raises(world, RequestRefused):  # nothing forbids it; the secret in use has died
        ask(world)


@pytest.mark.rule(id="REQ-6")
def test_until_is_the_last_of_all_dates_that_forbid(world: World) -> None:
    ask(world)
    world.drain()
    far = world.clock.now() + timedelta(days=20)
    told = {"client_id": CLIENT_ID, "client_secret": "told", "previous_client_secret_expires_at": format_time(far)}
    world.store.put(world.secret_id, "told", json.dumps(sealed(told)), {Label.REJECTED})
    with raises(world, TooSoon) as caught:
        ask(world)
    assert f"until {format_time(far)}" in caught.value.args[0]


@pytest.mark.rule(id="SEC-7")
def test_a_typed_date_forbids_rotations_for_7_days_at_most(world: World) -> None:
    far = world.clock.now() + timedelta(days=20)
    typed = {"client_id": CLIENT_ID, "client_secret": "typed", "previous_client_secret_expires_at": format_time(far)}
    world.write(typed)
    with raises(world, TooSoon) as caught:
        ask(world)
    assert f"until {format_time(world.clock.now() + timedelta(days=7))}" in caught.value.args[0]


@pytest.mark.rule(id="REQ-6")
def test_a_secret_put_in_by_hand_forbids_the_schedule_for_7_days_however_old_it_is_said_to_be(
    make_world: MakeWorld,
) -> None:
    """By the typed date it is due. Another one may have been made beside it, whose message has not come."""
    world = make_world()
    typed = world.clock.now() - timedelta(days=100)
    world.seed(dated=False, client_secret_issued_at=format_time(typed))
    until = world.clock.now() + timedelta(days=7)
    world.clock.time = until - timedelta(milliseconds=1)
    with raises(world, TooSoon, match=f"until {format_time(until)}"):
        ask(world, Trigger.SCHEDULE)
    world.clock.time = until
    assert ask(world, Trigger.SCHEDULE).certain


@pytest.mark.rule(id="REQ-6")
def test_only_force_passes_the_7_days(world: World) -> None:
    ask(world)
    world.drain()
    assert ask(world, mode=Mode.FORCED).certain
    assert world.amazon.posts == 2


@pytest.mark.rule(id="REQ-6")
def test_a_request_that_nothing_closes_blocks_for_8_days_at_most(world: World) -> None:
    answer_next(world, UNCLEAR)
    ask(world)
    asked = world.clock.now()
    world.clock.advance(days=7.99)
    with raises(world, TooSoon) as caught:
        ask(world)
    assert f"until {format_time(asked + timedelta(days=8))}" in caught.value.args[0]
    world.clock.advance(days=0.01)
    ask(world)


def test_a_refused_request_forbids_nothing_to_a_person(world: World) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world)
    assert ask(world).certain


@pytest.mark.rule(id="REQ-6")
def test_a_refused_request_does_not_hide_the_one_before_it(world: World) -> None:
    answer_next(world, UNCLEAR)
    ask(world)
    asked = world.clock.now()
    for days in (1, 1):
        world.clock.advance(days=days)
        answer_next(world, REFUSED)
        with raises(world, RequestRefused):
            ask(world, mode=Mode.FORCED)
    with raises(world, TooSoon) as caught:
        ask(world)
    assert f"until {format_time(asked + timedelta(days=8))}" in caught.value.args[0]
    assert world.amazon.posts == 3


@pytest.mark.rule(id="REQ-7")
@pytest.mark.parametrize("trigger", ON_ITS_OWN)
def test_after_refusals_the_machine_waits_6_hours_then_24(world: World, trigger: Trigger) -> None:
    world.clock.advance(days=60)
    for hours in (6, 24, 24):
        answer_next(world, REFUSED)
        with raises(world, RequestRefused):
            ask(world, trigger)
        refused_at = world.clock.now()
        world.clock.advance(hours=hours - 0.01)
        with raises(world, TooSoon) as caught:
            ask(world, trigger)
        assert f"until {format_time(refused_at + timedelta(hours=hours))}" in caught.value.args[0]
        world.clock.advance(hours=0.01)
    assert ask(world, trigger).certain


@pytest.mark.rule(id="REQ-7")
@pytest.mark.parametrize("trigger", ON_PURPOSE)
def test_a_person_can_try_at_once_after_a_refusal(world: World, trigger: Trigger) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world, Trigger.EXPIRY_NOTICE)
    assert ask(world, trigger).certain


@pytest.mark.rule(id="REQ-3")
def test_a_repost_is_not_made_while_any_secret_is_pending(world: World) -> None:
    """Even one that says nothing of other dates: what it is has to be settled first."""
    answer_before(world)
    answer_next(world, UNCLEAR)
    ask(world)
    world.clock.advance(days=5)
    told = {"client_id": CLIENT_ID, "client_secret": "told", "client_secret_issued_at": "2026-01-01T00:00:00Z"}
    world.store.put(world.secret_id, "told", json.dumps(told), {Label.PENDING})
    with raises(world, AlreadyRequested):
        ask(world, Trigger.SCHEDULE, mode=Mode.REPOST)
    world.store.move(world.secret_id, Label.PENDING, to=None, away_from="told")
    assert ask(world, Trigger.SCHEDULE, mode=Mode.REPOST).certain


@pytest.mark.rule(id="REQ-4")
@pytest.mark.parametrize(("seen_after", "due_after"), [(22, 30), (23, 30), (24, 31), (300, 307)])
def test_a_secret_of_unknown_dates_is_due_30_days_after_adoption_and_not_within_7_of_its_first_sight(
    make_world: MakeWorld, seen_after: int, due_after: int
) -> None:
    world = make_world()
    adopted = world.clock.now()
    world.clock.advance(days=seen_after)
    for edit in range(2):  # of the owner's other keys, which moves nothing
        world.seed(dated=False, edit=edit)
        due = replace(asked(world, Trigger.SCHEDULE), adopted_at=lambda: adopted)
        assert rules.due_at(due) == adopted + timedelta(days=due_after)
        world.clock.advance(days=1)


# What is decided at the very moment, and where something is not there.


@pytest.mark.rule(id="REQ-15")
def test_a_secret_answers_a_request_from_65_minutes_before_it_on() -> None:
    at = World().clock.now()
    assert rules.closes(at - timedelta(minutes=65), at)
    assert not rules.closes(at - timedelta(minutes=65, microseconds=1), at)
    assert not rules.closes(None, at)


@pytest.mark.rule(id="SET-4")
@pytest.mark.parametrize(
    ("after", "order"),
    [(timedelta(minutes=65), rules.Order.NEWER), (timedelta(minutes=65, milliseconds=-1), rules.Order.UNKNOWN)],
)
def test_what_was_issued_65_minutes_after_an_undated_value_was_first_seen_is_newer(
    make_world: MakeWorld, after: timedelta, order: rules.Order
) -> None:
    world = make_world()
    world.seed(dated=False)
    put(world, Label.PENDING, "canary-p", client_secret_issued_at=world.clock.now() + after)
    read = snapshot(world)
    assert read.pending is not None
    assert read.current is not None
    assert rules.order(read, read.pending, read.current) is order


@pytest.mark.rule(id="REQ-16")
@pytest.mark.parametrize(("left", "wait"), [(timedelta(days=6), 5), (timedelta(days=6, milliseconds=-1), 1)])
def test_the_repost_comes_early_only_if_the_secret_in_use_dies_less_than_a_day_after_its_time(
    world: World, left: timedelta, wait: int
) -> None:
    answer_before(world)
    world.clock.time = world.amazon.newest.expires_at - left
    answer_next(world, UNCLEAR)
    ask(world)
    due_at = rules.repost_at(snapshot(world), world.ports.policy)
    assert due_at == world.clock.now() + timedelta(days=wait)


@pytest.mark.rule(id="REQ-16")
def test_the_repost_is_due_from_5_to_8_days_after_the_request(world: World) -> None:
    answer_before(world)
    answer_next(world, UNCLEAR)
    ask(world)
    at, read, a_moment = world.clock.now(), snapshot(world), timedelta(microseconds=1)
    begin, end = at + timedelta(days=5), at + timedelta(days=8)
    moments = (begin - a_moment, begin, end - a_moment, end)
    due = [rules.repost_is_due(read, moment, world.ports.policy) for moment in moments]
    assert due == [False, True, True, False]


@pytest.mark.rule(id="REQ-15")
def test_nobody_waits_for_an_answer_once_another_secret_was_put_in(world: World) -> None:
    """Not at the moment of the request: what was there then is what the request is to replace."""
    world.amazon.lose_next = True
    ask(world)
    asked = world.clock.now()
    other = world.amazon.rotate_by_hand(message=False)
    world.seed(other, dated=False)
    assert rules.unanswered_request(snapshot(world)) == asked
    world.clock.advance(hours=1)
    another = world.amazon.rotate_by_hand(message=False)
    world.seed(another, dated=False)
    assert rules.unanswered_request(snapshot(world)) is None


@pytest.mark.rule(id="REQ-15")
def test_a_refused_request_does_not_make_an_earlier_one_wait_again(world: World) -> None:
    """Another secret was put in between the two: by the record of the second it would look older than the request."""
    world.amazon.lose_next = True
    ask(world)
    world.clock.advance(days=1)
    world.seed(world.amazon.rotate_by_hand(message=False), dated=False)
    world.clock.advance(days=8)
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world)
    assert rules.last_request(snapshot(world)) == world.clock.now() - timedelta(days=9)
    assert rules.unanswered_request(snapshot(world)) is None


@pytest.mark.rule(id="SET-4")
def test_the_answer_of_a_request_is_newer_although_a_later_one_was_refused() -> None:
    """The secret in use is undated, and the answer comes ten minutes after it was put in."""
    world = World()
    world.seed(dated=False)
    world.clock.advance(minutes=10)
    world.amazon.held_back = []
    ask(world)
    world.clock.advance(minutes=10)
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world, mode=Mode.FORCED)
    assert world.hand_over(world.amazon.held_back[0]) == "stored"
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


def test_a_refusal_that_could_not_be_noted_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_next(world, REFUSED)
    move = world.store.move

    def fail(secret_id: str, label: str, **ids: Any) -> None:
        if label == Label.REFUSED:
            raise LabelMoved
        move(secret_id, label, **ids)

    monkeypatch.setattr(world.store, "move", fail)
    with raises(world, RequestRefused):
        ask(world)
    assert ("refusal_not_labelled", {"record_id": world.labels()[Label.REQUEST]}) in world.recorder.lines


@pytest.mark.rule(id="REQ-7")
def test_a_request_that_was_not_refused_asks_for_no_patience(world: World) -> None:
    ask(world)
    rules.require_patience_after_refusal(asked(world, Trigger.SCHEDULE))


@pytest.mark.rule(id="REQ-4")
def test_an_unseeded_secret_forbids_nothing_and_is_due_after_its_grace() -> None:
    world = World()
    due = asked(world, Trigger.SCHEDULE)
    assert rules.due_at(due) == world.clock.now() + timedelta(days=30)
    assert rules._overlaps_of_newer_secrets(due.snapshot) == []
    assert rules._since_first_seen(due) == []
    rules.require_no_rotation_in_flight(due)


def test_an_empty_secret_neither_dies_nor_makes_another_die() -> None:
    world = World()
    assert not rules.dies_soon(asked(world))
    world.write({"owners": "key"})
    assert not rules.dies_soon(asked(world))
    read = snapshot(world)
    empty = read.current
    assert empty is not None
    assert rules.old_secret_dies_at(read, empty, empty) is None
    assert not rules.is_stuck(read, empty, empty, world.clock.now())


@pytest.mark.parametrize(("days", "soon"), [(150, False), (150.001, True)])
def test_a_secret_dies_soon_from_less_than_30_days_on(days: float, soon: bool) -> None:
    world = World()
    world.seed()
    world.clock.advance(days=days)
    assert rules.dies_soon(asked(world)) is soon


def snapshot(world: World) -> Snapshot:
    return Snapshot(world.store, world.application)


def asked(world: World, trigger: Trigger = Trigger.CLI) -> rules.Asked:
    now, made = world.clock.now(), world.clock.now()
    return rules.Asked(snapshot(world), trigger, Mode.ORDINARY, now, world.ports.policy, lambda: made)
