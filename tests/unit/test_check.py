"""The hourly check, and step 8 of the request: overdue, and the one automatic repost."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from spapi_rotation_lambda.domain import sender_policy
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import (
    MalformedSecret,
    RequestRefused,
    StoreFailed,
    TokenFault,
    TokenNotIssued,
)
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import Answer, CallAnswer, Metric, RotateAnswer, Scope
from spapi_rotation_lambda.use_cases.check import check
from spapi_rotation_lambda.use_cases.request import request
from tests.fakes.clock import SkewedClock
from tests.fakes.interposer import interposed, traced
from tests.fakes.world import CLIENT_ID, World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import answer_before
from tests.unit.support import raises

REFUSED = RotateAnswer(Answer.REFUSED, 400, "InvalidInput")
UNCLEAR = RotateAnswer(Answer.UNKNOWN, 500, "InternalFailure")
CHECK = {"action": "check", "application": "shop", "client_id": CLIENT_ID}


def due(world: World) -> None:
    """Make the seeded secret old enough, and let the daily try of that day be over."""
    world.clock.advance(days=60)


# What a check does.


@pytest.mark.rule(id="CHK-3")
def test_in_state_current_a_check_costs_two_calls(world: World) -> None:
    for _ in range(2):
        world.check()
        ports, calls = traced(world.ports)
        assert world.check_without_daily_try(ports) == "CURRENT"
        assert calls == ["versions", "read"]
        due(world)
        world.check()
        world.drain()
        world.clock.advance(days=8)


@pytest.mark.rule(id="CHK-3")
@pytest.mark.parametrize("minutes", [-59, -1, 0, 59])
def test_it_does_so_whatever_amazons_clock_says_within_an_hour(world: World, minutes: int) -> None:
    world.amazon.clock = SkewedClock(world.clock, timedelta(minutes=minutes))
    due(world)
    world.check()
    assert world.drain() == ["stored"]
    world.clock.advance(days=8)
    ports, calls = traced(world.ports)
    assert world.check_without_daily_try(ports) == "CURRENT"
    assert calls == ["versions", "read"]


@pytest.mark.rule(id="CHK-1")
def test_an_old_secret_is_rotated_and_then_left_alone(world: World) -> None:
    due(world)
    assert world.check() == "REQUESTED"
    assert world.drain() == ["stored"]
    assert set(world.run(hours=24 * 20)) == {"CURRENT"}
    assert world.amazon.posts == 1
    assert len(world.recorder.events) == 1


@pytest.mark.rule(id="P-5")
def test_a_year_of_checks_rotates_every_60_days_and_keeps_few_versions(world: World) -> None:
    states = [state for _ in range(365) for state in world.run(hours=24)]
    assert world.amazon.posts == 6
    assert set(states) == {"CURRENT", "REQUESTED"}
    # One more: the first message does not know yet what it replaces.
    assert len(world.store.secrets[world.secret_id].versions) <= 1 + 2 * 6 + 1
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="CHK-1")
def test_a_check_settles_what_is_pending_and_asks_for_nothing(world: World) -> None:
    due(world)
    world.amazon.usable_after = timedelta(minutes=90)
    world.check()
    assert world.run(hours=2) == ["RECEIVED", "CURRENT"]
    assert world.amazon.posts == 1


def test_the_metrics_of_a_quiet_check(world: World) -> None:
    world.check_without_daily_try()
    assert world.recorder.metrics == [(Metric.CHECK, 1.0), (Metric.DAYS_TO_EXPIRY, 179.0)]
    (line,) = world.recorder.lines
    assert line == ("check", {"state": "CURRENT", "expires_at": world.amazon.newest.expires_at})


@pytest.mark.rule(id="CHK-2")
def test_outcomes_that_are_no_defect_return_normally(make_world: MakeWorld) -> None:
    unseeded = make_world()
    assert unseeded.check() == "UNSEEDED"
    assert unseeded.recorder.counted(Metric.UNSEEDED) == 1

    no_queue = make_world()
    no_queue.seed()
    due(no_queue)
    no_queue.queue.exists = False
    assert no_queue.check() == "CURRENT"
    assert no_queue.recorder.counted(Metric.DECLINED) == 1

    refused = make_world()
    refused.seed()
    due(refused)
    refused.amazon.answers.append((REFUSED, False))
    assert refused.check() == "REFUSED"
    assert refused.recorder.counted(Metric.REFUSED) == 1

    in_flight = make_world()
    in_flight.seed()
    due(in_flight)
    in_flight.amazon.held_back = []
    assert [in_flight.check(), in_flight.check()] == ["REQUESTED", "REQUESTED"]
    assert in_flight.amazon.posts == 1


@pytest.mark.rule(id="CHK-2")
@pytest.mark.parametrize("at", ["versions", "read", "write ROTATION_REQUEST"])
def test_a_defect_raises(world: World, at: str) -> None:
    due(world)

    def fail(name: str) -> None:
        if name == at:
            raise StoreFailed("AWS failed.", remedy="none")

    with raises(world, StoreFailed):
        check(interposed(world.ports, before=fail), world.application)


def test_a_malformed_secret_is_a_defect(world: World) -> None:
    world.write("canary-abcdef-1: not json")
    with raises(world, MalformedSecret):
        world.check()


def test_a_rejected_secret_has_its_metric_in_each_check(world: World) -> None:
    world.amazon.usable_after = timedelta(days=1)
    world.amazon.rotate_by_hand()
    world.drain()
    pending = world.labels()[Label.PENDING]
    world.store.move(world.secret_id, Label.REJECTED, to=pending, away_from=None)
    assert world.run(hours=3) == ["REJECTED"] * 3
    assert world.recorder.counted(Metric.REJECTED) == 3


# Request, step 8: a standing request.


@pytest.mark.rule(id="CHK-5")
def test_a_request_that_nothing_answers_is_overdue_after_an_hour(world: World) -> None:
    due(world)
    world.amazon.lose_next = True
    assert world.check() == "REQUESTED"
    world.clock.advance(minutes=59)
    assert world.check() == "REQUESTED"
    assert world.recorder.counted(Metric.OVERDUE) == 0
    world.clock.advance(minutes=1)
    assert world.check() == "OVERDUE"
    assert world.recorder.counted(Metric.OVERDUE) == 1


@pytest.mark.rule(id="REQ-15")
@pytest.mark.parametrize("minutes", [0, 4.99, -60])
def test_a_secret_issued_up_to_5_minutes_before_the_request_answers_it(world: World, minutes: float) -> None:
    """Whoever asked for it: here a console rotation, and Amazon's clock may be behind ours."""
    due(world)
    world.amazon.answers.append((UNCLEAR, False))
    world.check()
    world.clock.advance(minutes=-minutes)
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(hours=2)
    assert world.check() == "CURRENT"


@pytest.mark.rule(id="REQ-15")
def test_a_secret_issued_longer_before_the_request_does_not_answer_it(world: World) -> None:
    due(world)
    world.amazon.answers.append((UNCLEAR, False))
    world.check()
    world.clock.advance(minutes=-65.1)
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(hours=3)
    assert world.check() == "OVERDUE"


@pytest.mark.rule(id="REQ-16")
def test_the_one_repost_comes_after_5_days_and_then_a_person_is_needed(world: World) -> None:
    answer_before(world)
    world.amazon.answers.extend([(UNCLEAR, False)] * 2)
    world.check()
    states = world.run(hours=24 * 5 - 1)
    assert (world.amazon.posts, states[-1]) == (1, "OVERDUE")
    assert world.run(hours=1) == ["REQUESTED"]
    assert world.amazon.posts == 2
    assert set(world.run(hours=24 * 7)) == {"OVERDUE"}
    assert world.amazon.posts == 2


@pytest.mark.rule(id="REQ-16")
@pytest.mark.parametrize(("days_left", "hours"), [(5.9, 24), (6.1, 120), (0.9, 24)])
def test_the_repost_comes_earlier_if_the_secret_in_use_would_be_dead_by_then(
    world: World, days_left: float, hours: int
) -> None:
    answer_before(world)
    world.clock.advance(days=120 - days_left)
    world.amazon.answers.extend([(UNCLEAR, False)] * 2)
    world.check()
    world.run(hours=hours - 1)
    assert world.amazon.posts == 1
    world.run(hours=1)
    assert world.amazon.posts == 2


@pytest.mark.rule(id="REQ-16")
def test_a_queue_that_has_never_answered_gets_no_repost_but_the_next_request_after_8_days(world: World) -> None:
    """Amazon has nobody to send to, as far as anybody knows: a second secret would be lost like the first."""
    due(world)
    world.amazon.answers.extend([(UNCLEAR, False)] * 3)
    world.check()
    for posts in (1, 2):
        assert set(world.run(hours=24 * 8 - 1)) == {"OVERDUE"}
        assert world.amazon.posts == posts
        world.run(hours=1)
        assert world.amazon.posts == posts + 1


def give_another_queue(world: World) -> None:
    """The component has another queue from now on, to which Amazon can send too."""
    world.queue.arn = "arn:aws:sqs:us-east-1:123456789012:another"
    world.queue.policy = json.dumps({"Statement": [sender_policy.queue_statement(world.queue.arn)]})


@pytest.mark.rule(id="REQ-16")
def test_another_queue_than_the_one_that_has_answered_gets_no_repost(world: World) -> None:
    answer_before(world)
    give_another_queue(world)
    world.amazon.answers.extend([(UNCLEAR, False)] * 2)
    world.check()
    assert world.run(hours=24 * 7)[-1] == "OVERDUE"
    assert world.amazon.posts == 1


@pytest.mark.rule(id="REQ-3")
def test_no_repost_goes_to_a_queue_that_took_the_place_of_the_one_that_answered(world: World) -> None:
    answer_before(world)
    world.amazon.answers.extend([(UNCLEAR, False)] * 2)
    world.check()
    give_another_queue(world)
    assert world.run(hours=24 * 7)[-1] == "OVERDUE"
    assert world.amazon.posts == 1


@pytest.mark.rule(id="REQ-16")
def test_a_queue_that_has_answered_once_is_remembered_over_refusals_and_silence(world: World) -> None:
    answer_before(world)
    world.amazon.answers.extend([(REFUSED, False), (UNCLEAR, False), (UNCLEAR, False)])
    world.check()
    world.run(hours=6)
    assert world.amazon.posts == 2
    assert world.run(hours=24 * 5)[-1] == "REQUESTED"
    assert world.amazon.posts == 3


@pytest.mark.rule(id="REQ-16")
def test_a_refused_request_does_not_make_its_queue_the_one_that_has_answered(world: World) -> None:
    answer_before(world)
    give_another_queue(world)
    world.amazon.answers.extend([(REFUSED, False), (UNCLEAR, False), (UNCLEAR, False)])
    world.check()
    world.run(hours=6)
    assert world.amazon.posts == 2
    assert world.run(hours=24 * 7)[-1] == "OVERDUE"
    assert world.amazon.posts == 2


@pytest.mark.rule(id="REQ-16")
def test_what_somebody_puts_in_after_a_refusal_does_not_make_that_queue_the_one_that_has_answered(world: World) -> None:
    answer_before(world)
    give_another_queue(world)
    world.amazon.answers.extend([(REFUSED, False), (UNCLEAR, False), (UNCLEAR, False)])
    world.check()
    world.clock.advance(hours=1)
    world.seed(world.amazon.rotate_by_hand(message=False))
    world.clock.advance(days=61)
    world.check()
    assert world.amazon.posts == 2
    assert world.run(hours=24 * 7)[-1] == "OVERDUE"
    assert world.amazon.posts == 2


def test_a_repost_that_is_delivered_ends_well(world: World) -> None:
    answer_before(world)
    world.amazon.lose_next = True
    world.check()
    world.run(hours=24 * 5)
    assert world.amazon.posts == 2
    assert set(world.run(hours=24 * 10)) == {"CURRENT"}
    assert world.amazon.posts == 2
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.parametrize("place", ["visible", "in flight", "dead"])
def test_there_is_no_repost_while_a_message_waits(world: World, place: str) -> None:
    """The secret that answers the request may lie there."""
    answer_before(world)
    world.amazon.held_back = []
    world.check()
    (body,) = world.amazon.held_back
    world.clock.advance(hours=121)
    if place == "in flight":
        world.queue.in_flight += 1
    else:
        (world.queue.visible if place == "visible" else world.queue.dead).append(body)
    assert world.check() == "OVERDUE"
    assert world.amazon.posts == 1
    world.queue.visible, world.queue.dead, world.queue.in_flight = [], [], 0
    assert world.hand_over(body) == "stored"
    assert world.check() == "CURRENT"
    assert world.amazon.posts == 1


def test_there_is_no_repost_while_a_secret_is_pending(world: World) -> None:
    """Here one that does not answer the request: it was made before."""
    answer_before(world)
    world.amazon.usable_after = timedelta(days=3)
    world.amazon.rotate_by_hand()
    (body,) = world.queue.visible
    world.queue.visible.clear()
    world.clock.advance(hours=1)
    world.amazon.answers.append((UNCLEAR, False))
    world.check()
    world.hand_over(body)
    assert set(world.run(hours=48)) == {"RECEIVED"}
    world.amazon.call_answer = CallAnswer.THROTTLED
    world.amazon.lwa_errors = {Scope.ROTATION: (503, "temporarily_unavailable")}
    assert set(world.run(hours=24 * 5)) == {"RECEIVED", "STUCK"}
    assert world.amazon.posts == 1


def test_a_secret_that_arrives_late_closes_the_request_before_the_repost(world: World) -> None:
    answer_before(world)
    world.amazon.held_back = []
    world.check()
    world.run(hours=118)
    world.queue.visible.extend(world.amazon.held_back)
    assert set(world.run(hours=24)) == {"CURRENT"}
    assert world.amazon.posts == 1


def test_two_checks_at_once_repost_once(world: World) -> None:
    """The second one has decided before the first one wrote its record, and reads the labels again after that."""
    answer_before(world)
    world.amazon.answers.extend([(UNCLEAR, False)] * 3)
    world.check()
    world.clock.advance(hours=120)
    inner: list[str] = []

    def overtake(name: str) -> None:
        if name == "versions_and_young" and not inner:
            inner.append(world.check())

    assert check(interposed(world.ports, before=overtake), world.application).value == "REQUESTED"
    assert inner == ["REQUESTED"]
    assert world.amazon.posts == 2


def test_a_secret_that_arrives_while_a_repost_is_decided_stops_it(world: World) -> None:
    answer_before(world)
    world.amazon.held_back = []
    world.check()
    world.clock.advance(hours=120)

    def deliver(name: str) -> None:
        if name == "versions_and_young" and world.amazon.held_back:
            world.hand_over(world.amazon.held_back.pop())

    assert check(interposed(world.ports, before=deliver), world.application).value == "CURRENT"
    assert world.amazon.posts == 1


@pytest.mark.rule(id="REQ-16")
def test_a_refused_repost_is_not_repeated_until_the_8_days_are_over(world: World) -> None:
    answer_before(world)
    world.amazon.answers.extend([(UNCLEAR, False), (REFUSED, False)])
    world.check()
    world.run(hours=24 * 8 - 1)
    assert world.amazon.posts == 2
    world.run(hours=2)
    assert world.amazon.posts == 3


def test_after_a_refused_repost_the_request_before_it_is_still_overdue(world: World) -> None:
    answer_before(world)
    world.amazon.answers.extend([(UNCLEAR, False), (REFUSED, False)])
    world.check()
    assert world.run(hours=126)[-1] == "OVERDUE"
    assert world.amazon.posts == 2


@pytest.mark.rule(id="REQ-16")
def test_a_forced_request_is_not_reposted(world: World) -> None:
    answer_before(world)
    world.amazon.answers.append((UNCLEAR, False))
    request(world.ports, world.application, Trigger.CLI, mode=Mode.FORCED)
    world.run(hours=24 * 7)
    assert world.amazon.posts == 1


def test_after_8_days_there_is_no_repost_but_the_next_request_when_it_is_due(world: World) -> None:
    world.amazon.answers.append((UNCLEAR, False))
    request(world.ports, world.application, Trigger.CLI)
    world.queue.dead.append("poison")
    world.clock.advance(days=8)
    world.queue.dead.clear()
    world.run(hours=3)
    assert world.amazon.posts == 1


def test_a_request_that_a_rejected_secret_answers_is_neither_overdue_nor_reposted(world: World) -> None:
    due(world)
    world.amazon.usable_after = timedelta(days=1)
    world.check()
    world.drain()
    world.store.move(world.secret_id, Label.REJECTED, to=world.labels()[Label.PENDING], away_from=None)
    assert set(world.run(hours=48)) <= {"REJECTED", "EXPIRED"}
    assert world.amazon.posts == 1
    assert world.recorder.counted(Metric.OVERDUE) == 0


def test_while_a_secret_is_pending_nothing_is_requested_however_long(world: World) -> None:
    due(world)
    world.amazon.call_answer = CallAnswer.THROTTLED
    world.check()
    world.amazon.lwa_errors = {Scope.ROTATION: (503, "temporarily_unavailable")}
    world.drain()
    assert set(world.run(hours=24 * 12)) == {"RECEIVED", "STUCK"}
    assert world.amazon.posts == 1


def test_a_refused_request_is_tried_again_after_6_hours_and_then_daily(world: World) -> None:
    due(world)
    world.amazon.answers.extend([(REFUSED, False)] * 10)
    posts = []
    world.check()
    for _ in range(24 * 3):
        world.run(hours=1)
        posts.append(world.amazon.posts)
    assert [posts[4], posts[5], posts[28], posts[29], posts[52], posts[53]] == [1, 2, 2, 3, 3, 4]


def test_a_request_that_a_person_made_is_reposted_too(world: World) -> None:
    answer_before(world)
    world.amazon.answers.append((UNCLEAR, False))
    request(world.ports, world.application, Trigger.CLI)
    assert world.run(hours=120)[-1] == "REQUESTED"
    assert world.amazon.posts == 2
    assert world.drain() == ["stored"]


# The daily try.


def tries(world: World, hours: int, every: int = 1) -> int:
    """How many daily tries a row of checks makes."""
    before = sum(event == "current_secret_tried" for event, _ in world.recorder.lines)
    for _ in range(0, hours, every):
        world.clock.advance(hours=every)
        world.check()
    return sum(event == "current_secret_tried" for event, _ in world.recorder.lines) - before


@pytest.mark.rule(id="CHK-4")
@pytest.mark.parametrize("every", [1, 2, 5, 24])
def test_the_current_secret_is_tried_once_a_day(make_world: MakeWorld, every: int) -> None:
    world = make_world(check_interval=timedelta(hours=every))
    world.seed()
    assert tries(world, 24 * 10, every) == 10


def test_the_schedules_time_decides_not_the_lateness_of_the_call(world: World) -> None:
    """Each second check comes an hour late."""
    at = datetime(2026, 5, 1, tzinfo=UTC)
    for hour in range(24):
        world.clock.time = at + timedelta(hours=hour, minutes=61 if hour % 2 else 0)
        dispatch(world.ports, {**CHECK, "scheduled_at": format_time(at + timedelta(hours=hour))})
    assert sum(event == "current_secret_tried" for event, _ in world.recorder.lines) == 1


@pytest.mark.rule(id="CHK-4")
def test_a_fleet_spreads_its_tries_over_the_day(make_world: MakeWorld) -> None:
    world = make_world()
    hours = set()
    for number in range(100):
        client_id = f"amzn1.application-oa2-client.{number:016x}"
        application = Application("shop", client_id, f"prefix/{client_id}")
        world.store.create(application.secret_id)
        world.store.put(application.secret_id, "1", f'{{"client_id": "{client_id}", "client_secret": "x"}}', set())
        for hour in range(24):
            world.recorder.lines.clear()
            check(world.ports, application, datetime(2026, 5, 1, hour, tzinfo=UTC))
            if "current_secret_tried" in [event for event, _ in world.recorder.lines]:
                hours.add(hour)
    assert len(hours) > 8


@pytest.mark.rule(id="CHK-4")
@pytest.mark.parametrize("prepare", ["CURRENT", "UNDATED", "REFUSED", "REQUESTED", "RECEIVED", "REJECTED"])
def test_a_dead_current_secret_is_found_within_a_day_in_every_state(make_world: MakeWorld, prepare: str) -> None:
    world = make_world()
    world.seed(dated=prepare != "UNDATED")
    world.clock.advance(days=1)
    if prepare in ("REFUSED", "REQUESTED"):
        world.amazon.answers.append((REFUSED if prepare == "REFUSED" else UNCLEAR, False))
        try:
            request(world.ports, world.application, Trigger.CLI)
        except RequestRefused:
            assert prepare == "REFUSED"
    if prepare in ("RECEIVED", "REJECTED"):
        world.amazon.usable_after = timedelta(days=9)
        world.amazon.rotate_by_hand()
        world.drain()
    if prepare == "REJECTED":
        world.store.move(world.secret_id, Label.REJECTED, to=world.labels()[Label.PENDING], away_from=None)
        world.check()
    assert world.check_without_daily_try() == prepare
    world.amazon.alive = []
    assert "EXPIRED" in world.run(hours=24)
    assert world.recorder.counted(Metric.EXPIRED) == 1


@pytest.mark.rule(id="CHK-4")
@pytest.mark.parametrize("verification", list(Verification))
@pytest.mark.parametrize("answer", [one for one in CallAnswer if one not in (CallAnswer.EXPIRED, CallAnswer.DENIED)])
def test_a_try_that_says_nothing_about_the_secret_changes_nothing(
    make_world: MakeWorld, verification: Verification, answer: CallAnswer
) -> None:
    world = make_world(verification=verification)
    world.seed()
    world.amazon.call_answer = answer
    assert set(world.run(hours=24)) == {"CURRENT"}
    assert world.recorder.counted(Metric.EXPIRED) == world.recorder.counted(Metric.DENIED) == 0


@pytest.mark.rule(id="CHK-4")
@pytest.mark.parametrize("dated", [True, False])
def test_a_try_that_is_denied_is_no_dead_secret(make_world: MakeWorld, dated: bool) -> None:
    world = make_world()
    world.seed(dated=dated)
    at_rest = "CURRENT" if dated else "UNDATED"
    world.amazon.call_answer = CallAnswer.DENIED
    states = world.run(hours=24)
    assert (states.count("DENIED"), set(states)) == (1, {"DENIED", at_rest})
    assert (world.recorder.counted(Metric.DENIED), world.recorder.counted(Metric.EXPIRED)) == (1, 0)
    world.amazon.call_answer = None
    assert set(world.run(hours=24)) == {at_rest}


@pytest.mark.rule(id="CHK-4")
def test_a_denied_try_is_not_hidden_by_an_old_refusal(world: World) -> None:
    world.amazon.answers.append((REFUSED, False))
    with pytest.raises(RequestRefused):
        request(world.ports, world.application, Trigger.CLI)
    world.amazon.call_answer = CallAnswer.DENIED
    assert set(world.run(hours=24)) == {"REFUSED", "DENIED"}


@pytest.mark.rule(id="CHK-4")
def test_a_denied_try_hides_no_state_that_says_more(world: World) -> None:
    world.amazon.answers.append((UNCLEAR, False))
    request(world.ports, world.application, Trigger.CLI)
    world.amazon.call_answer = CallAnswer.DENIED
    assert set(world.run(hours=24)) == {"OVERDUE"}
    assert world.recorder.counted(Metric.DENIED) == 1


@pytest.mark.rule(id="CHK-4")
@pytest.mark.rule(id="LWA-1")
@pytest.mark.parametrize("verification", list(Verification))
@pytest.mark.parametrize(("fault", "state"), [(TokenFault.SECRET, "EXPIRED"), (TokenFault.SETUP, "CURRENT")])
def test_of_lwas_faults_only_that_of_the_secret_makes_it_expired(
    make_world: MakeWorld, verification: Verification, fault: TokenFault, state: str
) -> None:
    world = make_world(verification=verification)
    world.seed()
    world.amazon.token_failures.append(TokenNotIssued("refused", remedy="none", code="x", fault=fault))
    assert set(world.run(hours=24)) == {"CURRENT", state}
    assert world.recorder.counted(Metric.DENIED) == 0


@pytest.mark.rule(id="CHK-4")
@pytest.mark.rule(id="VER-4")
def test_with_verification_by_lwa_the_try_is_a_token(make_world: MakeWorld) -> None:
    world = make_world(verification=Verification.LWA)
    world.seed()
    world.amazon.call_answer = CallAnswer.DENIED
    assert set(world.run(hours=24)) == {"CURRENT"}
    world.amazon.ever.clear()
    assert "EXPIRED" in world.run(hours=24)


def test_a_secret_past_its_date_is_expired_and_not_tried(world: World) -> None:
    world.queue.exists = False
    world.clock.advance(days=180)
    assert tries(world, 48) == 0
    assert world.check() == "EXPIRED"
    assert world.recorder.counted(Metric.EXPIRED) == 49


def test_days_to_expiry_are_days_and_fall(world: World) -> None:
    world.queue.exists = False
    world.run(hours=48)
    values = [value for metric, value in world.recorder.metrics if metric is Metric.DAYS_TO_EXPIRY]
    assert values[0] == pytest.approx(179 - 1 / 24)
    assert values[-1] == pytest.approx(177)
