"""What people and their tools do to a secret: typed dates, secrets made by hand, old values written back."""

import json
from datetime import timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.errors import TooManyVersions, UnreadMessages
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import CallAnswer, Metric
from spapi_rotation_lambda.use_cases import operator_actions
from tests.fakes.amazon import Issued, Whose, no_token
from tests.fakes.clock import SkewedClock
from tests.fakes.interposer import traced
from tests.fakes.world import CLIENT_ID, World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import ask
from tests.unit.support import raises


def in_use(world: World) -> str:
    return str((world.value() or {})["client_secret"])


def typed(world: World, issued: Issued, **more: Any) -> None:
    """The owner types a secret in; every date is theirs."""
    world.write({"client_id": CLIENT_ID, "client_secret": issued.text, **more})


@pytest.mark.rule(id="SEC-7")
@pytest.mark.parametrize(
    "expires",
    [timedelta(days=181, hours=-1), timedelta(days=185), timedelta(days=3650), timedelta(days=-1), timedelta(0)],
    ids=["end of the day", "days late", "ten years", "yesterday", "now"],
)
def test_a_typed_expiry_makes_no_newer_secret_vanish(make_world: MakeWorld, expires: timedelta) -> None:
    world = make_world()
    typed(world, world.amazon.newest, client_secret_expires_at=format_time(world.clock.now() + expires))
    world.clock.advance(days=1)
    ask(world)
    world.clock.advance(minutes=1)
    world.drain()
    assert in_use(world) == world.amazon.newest.text
    assert len(world.amazon.ever) == 2


@pytest.mark.rule(id="SEC-9")
@pytest.mark.parametrize("days", [1, 29, -200], ids=["dies tomorrow", "dies in a month", "a year early"])
def test_a_typed_expiry_lets_no_request_pass_an_unread_message_or_many_versions(
    make_world: MakeWorld, days: float
) -> None:
    world = make_world()
    typed(world, world.amazon.newest, client_secret_expires_at=format_time(world.clock.now() + timedelta(days=days)))
    world.clock.advance(days=8)
    world.queue.dead.append("perhaps a newer secret")
    with raises(world, UnreadMessages):
        ask(world)
    world.queue.dead.clear()
    for number in range(60):
        world.store.put(world.secret_id, f"other-{number}", "{}", {"OTHER"})
    with raises(world, TooManyVersions):
        ask(world)
    assert world.amazon.posts == 0


@pytest.mark.rule(id="SEC-9")
def test_180_days_after_it_was_first_seen_a_secret_is_dead_whatever_was_typed(make_world: MakeWorld) -> None:
    world = make_world()
    typed(world, world.amazon.newest, client_secret_expires_at="in winter")
    world.clock.advance(days=150, hours=1)
    world.queue.dead.append("poison")
    assert ask(world).certain


@pytest.mark.rule(id="SEC-9")
@pytest.mark.rule(id="REQ-16")
def test_a_typed_expiry_brings_no_second_request_before_its_time(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed()
    ask(world)
    world.drain()  # a request that was answered through this queue
    world.clock.advance(days=60)
    world.amazon.rotate_by_hand(message=False)
    typed(world, world.amazon.newest, client_secret_expires_at=format_time(world.clock.now()))
    world.clock.advance(days=8)
    world.amazon.lose_next = True
    ask(world)
    posts = world.amazon.posts
    world.run(hours=5 * 24 - 1)
    assert world.amazon.posts == posts
    world.run(hours=2)
    assert world.amazon.posts == posts + 1


@pytest.mark.rule(id="SEC-6")
@pytest.mark.rule(id="SEC-8")
def test_amazons_dates_stay_known_when_a_value_is_put_in_again_before_the_first_check(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.seed()
    world.clock.advance(days=3)
    typed(world, world.amazon.newest, client_secret_expires_at="in winter")
    assert world.check() == "CURRENT"
    world.write({"client_id": CLIENT_ID, "client_secret": world.amazon.newest.text, "stage": "later"})
    assert world.check() == "CURRENT"
    assert "client_secret_fingerprint" in (world.value(Label.FIRST_SEEN) or {})


@pytest.mark.rule(id="SEC-8")
def test_an_edit_at_the_instant_of_the_first_request_does_not_make_the_order_unknown(make_world: MakeWorld) -> None:
    world = make_world()
    typed(world, world.amazon.newest)
    world.clock.advance(hours=25)
    typed(world, world.amazon.newest, stage="edited")
    ask(world)
    world.drain()
    assert in_use(world) == world.amazon.newest.text
    assert world.recorder.counted(Metric.ORDER_UNKNOWN) == 0
    assert len(world.amazon.ever) == 2


@pytest.mark.rule(id="REC-4")
def test_the_late_message_of_a_secret_that_was_put_in_by_hand_and_rolled_back_leaves_it_rejected(world: World) -> None:
    old = world.amazon.newest
    world.check()
    made = world.amazon.rotate_by_hand(message=False)
    typed(world, made)
    operator_actions.rollback(world.ports, world.application)
    world.clock.advance(hours=1)
    assert world.hand_over(world.amazon.message(made, old.expires_at)) == "duplicate"
    world.run(hours=24)
    assert in_use(world) == old.text
    rejected = world.value(Label.REJECTED) or {}
    assert rejected["client_secret"] == made.text
    assert "client_secret_fingerprint" in rejected


@pytest.mark.rule(id="SET-4")
def test_a_secret_put_in_just_after_a_request_is_not_taken_for_older_where_awss_clock_is_behind(world: World) -> None:
    world.check()
    world.amazon.held_back = []
    world.store.clock = SkewedClock(world.clock, timedelta(minutes=-5))
    ask(world)
    made = world.amazon.rotate_by_hand(message=False)
    typed(world, made)
    world.clock.advance(hours=1)
    world.hand_over(world.amazon.held_back[0])
    assert in_use(world) == made.text
    assert world.recorder.counted(Metric.ORDER_UNKNOWN) == 1


@pytest.mark.rule(id="SET-1")
def test_what_came_into_use_on_amazons_word_alone_comes_back_on_nothing_less(world: World) -> None:
    ask(world)
    world.clock.advance(minutes=1)
    world.drain()
    received = world.amazon.newest
    made = world.amazon.rotate_by_hand(message=False)
    typed(world, made)
    world.amazon.call_answer, world.amazon.call_answer_to = CallAnswer.EXPIRED, Whose.NEWEST
    world.run(hours=5)
    assert in_use(world) == received.text
    world.amazon.call_answer = None
    typed(world, made)
    world.run(hours=5)
    assert in_use(world) == made.text


@pytest.mark.rule(id="SET-12")
def test_one_false_answer_about_a_secret_made_by_hand_brings_no_older_one_back(world: World) -> None:
    ask(world)
    world.clock.advance(minutes=1)
    world.drain()
    made = world.amazon.rotate_by_hand(message=False)
    typed(world, made)
    world.run(hours=3)
    for false in range(3):
        world.amazon.token_failures.append(no_token(401, "invalid_client"))
        assert world.run(hours=1) == ["UNDATED"], false
        assert not world.amazon.token_failures
    assert in_use(world) == made.text
    assert world.recorder.counted(Metric.OVERWRITTEN) == 0


@pytest.mark.rule(id="SET-12")
def test_one_false_answer_does_not_decide_between_two_secrets_of_unknown_order(world: World) -> None:
    world.amazon.held_back = []
    world.amazon.rotate_by_hand()
    made = world.amazon.rotate_by_hand(message=False)
    typed(world, made)
    world.clock.advance(hours=3)
    world.hand_over(world.amazon.held_back[0])
    assert Label.PENDING in world.labels()
    world.amazon.token_failures.append(no_token(401, "invalid_client"))
    assert world.run(hours=1) == ["RECEIVED"]
    assert not world.amazon.token_failures
    assert in_use(world) == made.text


@pytest.mark.rule(id="REC-18")
def test_a_message_dated_ahead_does_not_keep_the_next_one_out(world: World) -> None:
    ahead = world.amazon.rotate_by_hand(message=False)
    body = json.loads(world.amazon.message(ahead, world.clock.now()))
    body["eventTime"] = format_time(world.clock.now() + timedelta(days=30))
    part = body["payload"]["applicationOAuthClientNewSecret"]
    part["newClientSecretExpiryTime"] = format_time(world.clock.now() + timedelta(days=210))
    world.hand_over(json.dumps(body))
    assert in_use(world) == ahead.text
    world.clock.advance(days=8)
    world.amazon.rotate_by_hand()
    world.drain()
    assert in_use(world) == world.amazon.newest.text


@pytest.mark.rule(id="SET-1")
@pytest.mark.parametrize("dated", [True, False], ids=["with its dates", "without dates"])
def test_what_a_tool_writes_back_every_night_is_put_right_every_time(world: World, dated: bool) -> None:
    old = world.value() or {}
    ask(world)
    world.clock.advance(minutes=1)
    world.drain()
    new = world.amazon.newest.text
    world.clock.advance(hours=1)
    kept = old if dated else {key: old[key] for key in ("client_id", "client_secret")}
    for night in range(6):
        world.write({**kept, "deploy": night})
        world.run(hours=1)
        assert in_use(world) == new
        assert (world.value() or {})["deploy"] == night
        world.run(hours=23)
    assert world.recorder.counted(Metric.OVERWRITTEN) == 6
    assert len(world.amazon.ever) == 2


@pytest.mark.rule(id="SEC-8")
def test_after_a_secret_made_by_hand_the_schedule_asks_for_nothing_within_7_days(make_world: MakeWorld) -> None:
    world = make_world(rotate_every=timedelta(days=8))
    typed(world, world.amazon.newest)
    world.run(hours=24)
    world.clock.advance(days=39)
    made = world.amazon.rotate_by_hand(message=False)
    typed(world, made)
    world.run(hours=7 * 24 - 1)
    assert world.amazon.posts == 0
    world.run(hours=24)
    assert world.amazon.posts == 1
    assert in_use(world) == world.amazon.newest.text


@pytest.mark.rule(id="NOT-2")
def test_a_notice_for_the_old_secret_while_the_new_one_is_pending_is_no_alarm(world: World) -> None:
    world.amazon.usable_after = timedelta(hours=1)
    ask(world)
    world.drain()
    assert Label.PENDING in world.labels()
    for secret in world.amazon.ever:
        assert world.hand_over(world.amazon.expiry_notice(secret.expires_at)).startswith("notice-")
    assert world.recorder.counted(Metric.UNSEEN_ROTATION) == 0


@pytest.mark.rule(id="SEC-6")
@pytest.mark.parametrize("keeps", [True, False], ids=["keeps our keys", "drops our keys"])
def test_a_secret_whose_other_keys_are_rewritten_every_night_is_rotated_when_due(world: World, keeps: bool) -> None:
    for night in range(64):
        value = world.value() or {}
        kept = value if keeps else {key: value[key] for key in ("client_id", "client_secret")}
        world.write({**kept, "region": night})
        world.run(hours=24)
    assert world.amazon.posts == 1
    assert in_use(world) == world.amazon.newest.text
    assert (world.value() or {})["region"] == 63


@pytest.mark.rule(id="CHK-3")
@pytest.mark.parametrize("keeps", [True, False], ids=["keeps our keys", "drops our keys"])
def test_a_check_at_rest_costs_three_calls_at_most_once_an_owner_has_edited(world: World, keeps: bool) -> None:
    ask(world)
    world.clock.advance(minutes=1)
    world.drain()
    value = world.value() or {}
    kept = value if keeps else {key: value[key] for key in ("client_id", "client_secret")}
    world.write({**kept, "edited": "yes"})
    world.clock.advance(days=8)
    world.check()
    ports, calls = traced(world.ports)
    world.ports = ports
    world.clock.advance(hours=1)
    world.check()
    assert [call for call in calls if call not in ("token", "verification_call")] in (
        ["versions", "read"],
        ["versions", "read", "read"],
    )


@pytest.mark.rule(id="SEC-8")
def test_a_value_without_dates_dies_at_the_latest_180_days_after_it_was_first_seen(make_world: MakeWorld) -> None:
    world = make_world(paused=True)
    typed(world, world.amazon.newest)
    world.run(hours=1)
    world.clock.advance(days=160)
    world.run(hours=1)
    days = [value for metric, value in world.recorder.metrics if metric is Metric.DAYS_TO_EXPIRY]
    assert 19 < days[-1] < 20
