"""The use case *request*: design section 2, request 1 to 7. (Step 8, the repost, is in test_tick.)"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from rotation_lambda import grants
from rotation_lambda.errors import (
    AlreadyRequested,
    Declined,
    NotDue,
    NotSeeded,
    OutsideWindow,
    QueueNotReady,
    RequestRefused,
    StoreFailed,
    TokenRefused,
    TooSoon,
    UnreadMessages,
)
from rotation_lambda.model import Credentials, Label, Marker, Trigger, derived_id, format_time
from rotation_lambda.ports import Answer, LabelMoved, Metric, RotateAnswer, Scope
from rotation_lambda.redaction import Sensitive
from rotation_lambda.request import Requested, describe, request
from rotation_lambda.window import Window
from tests.model.interposer import interposed, traced
from tests.model.world import CLIENT_ID, QUEUE_ARN, World
from tests.unit.conftest import MakeWorld
from tests.unit.support import raises

ON_PURPOSE = [Trigger.PULUMI_UP, Trigger.CLI, Trigger.SECRETS_MANAGER]
ON_ITS_OWN = [Trigger.SCHEDULE, Trigger.EXPIRY_NOTICE]
REFUSED = RotateAnswer(Answer.REFUSED, 400, "InvalidInput", request_id="request-9")
UNCLEAR = RotateAnswer(Answer.UNKNOWN, 500, "InternalFailure")


def ask(world: World, trigger: Trigger = Trigger.CLI, **more: Any) -> Requested:
    return request(world.ports, world.application, trigger, **more)


def answer_next(world: World, answer: RotateAnswer, *, rotates: bool = False) -> None:
    world.amazon.answers.append((answer, rotates))


def marker(world: World) -> Marker:
    version = world.labels()[Label.MARKER]
    return Marker.parse(Sensitive(world.store.secrets[world.secret_id].versions[version].text))


# 1. Unseeded.


@pytest.mark.parametrize("value", [None, {}, {"refresh_token": "other"}], ids=["no version", "empty", "other keys"])
@pytest.mark.parametrize("force", [False, True])
def test_an_unseeded_secret_gets_no_marker(make_world: MakeWorld, value: dict[str, Any] | None, force: bool) -> None:
    world = make_world()
    if value is not None:
        world.write(value)
    before = world.labels()
    with raises(world, NotSeeded, match="put-secret-value"):
        ask(world, force=force)
    assert (world.labels(), world.amazon.posts) == (before, 0)


# 2. Due.


@pytest.mark.parametrize(("every", "age", "due"), [(60, 59.99, False), (60, 60, True), (8, 7.99, False), (8, 8, True)])
def test_the_schedule_waits_for_the_age(make_world: MakeWorld, every: int, age: float, due: bool) -> None:
    world = make_world(rotate_every=timedelta(days=every))
    world.seed()
    world.clock.advance(days=age)
    if due:
        assert ask(world, Trigger.SCHEDULE).certain
    else:
        with raises(world, NotDue):
            ask(world, Trigger.SCHEDULE)
    assert world.amazon.posts == due


@pytest.mark.parametrize("trigger", [*ON_PURPOSE, Trigger.EXPIRY_NOTICE])
def test_somebody_who_asks_does_not_wait_for_the_age(world: World, trigger: Trigger) -> None:
    assert ask(world, trigger).certain
    assert world.amazon.posts == 1


def test_the_age_follows_from_the_expiry_when_only_that_is_known(make_world: MakeWorld) -> None:
    world = make_world()
    newest = world.amazon.newest
    world.seed(dated=False, client_secret_expires_at=format_time(newest.expires_at))
    world.clock.advance(days=59)
    with raises(world, NotDue):
        ask(world, Trigger.SCHEDULE)
    world.clock.advance(days=1)
    ask(world, Trigger.SCHEDULE)


def test_an_undated_secret_is_due_30_days_after_adoption_not_after_the_last_edit(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed(dated=False)
    world.clock.advance(days=29.9)
    world.seed(dated=False, edited="yes")
    with raises(world, NotDue):
        ask(world, Trigger.SCHEDULE)
    world.clock.advance(days=0.1)
    assert ask(world, Trigger.SCHEDULE).certain


def test_an_owner_who_drops_the_dates_does_not_make_us_forget_them(world: World) -> None:
    world.clock.advance(days=40)
    world.seed(dated=False)
    with raises(world, NotDue, match=format_time(world.amazon.newest.issued_at + timedelta(days=60))):
        ask(world, Trigger.SCHEDULE)


def _closed(world: World) -> dict[str, Any]:
    hour = world.clock.now().hour
    return {"days": ["SUN", "MON"], "start": f"{(hour + 2) % 24:02}:00", "end": f"{(hour + 3) % 24:02}:00"}


@pytest.mark.parametrize("closing", ["paused", "window"])
@pytest.mark.parametrize("trigger", list(Trigger))
def test_a_closed_window_and_a_pause_stop_only_the_machine(
    make_world: MakeWorld, trigger: Trigger, closing: str
) -> None:
    window = Window.parse(_closed(make_world()), "window")
    world = make_world(paused=True) if closing == "paused" else make_world(rotation_window=window)
    world.seed()
    world.clock.advance(days=63)
    if trigger.on_purpose:
        ask(world, trigger)
    else:
        with raises(world, OutsideWindow):
            ask(world, trigger)
    assert world.amazon.posts == trigger.on_purpose


# 3. Guards.


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


def test_the_7_days_are_counted_from_the_marker_when_the_dates_are_gone(world: World) -> None:
    ask(world)
    asked = world.clock.now()
    world.drain()
    for edit in range(2):  # the second one drops the dated version from AWSPREVIOUS
        world.seed(dated=False, edit=edit)
    with raises(world, TooSoon) as caught:
        ask(world)
    # The version that was stored last still says when the secret was issued, so the marker is closed.
    assert caught.value.until == asked + timedelta(days=7)


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
    assert caught.value.until == asked + timedelta(days=7)


def test_the_7_days_are_counted_from_the_marker_when_only_the_issue_is_known(world: World) -> None:
    ask(world)
    asked = world.clock.now()
    world.drain()
    for edit in range(2):
        world.seed(edit=edit)
    with raises(world, TooSoon) as caught:
        ask(world)
    assert caught.value.until == asked + timedelta(days=7)


@pytest.mark.parametrize("label", [Label.CURRENT, Label.PREVIOUS, Label.PENDING, Label.REJECTED])
def test_a_living_older_secret_forbids_a_rotation_whichever_version_tells_of_it(world: World, label: Label) -> None:
    until = world.clock.now() + timedelta(days=3)
    told = {
        "client_id": CLIENT_ID,
        "client_secret": world.amazon.newest.text,
        "previous_client_secret_expires_at": format_time(until),
    }
    if label in (Label.CURRENT, Label.PREVIOUS):
        world.write(told)
        if label is Label.PREVIOUS:
            world.seed()
    else:
        world.store.put(world.secret_id, "told", json.dumps(told), {label})
    assert world.labels()[label]
    for trigger in ON_PURPOSE:
        with raises(world, TooSoon, match=format_time(until)) as caught:
            ask(world, trigger)
        assert caught.value.until == until
    assert world.amazon.posts == 0
    world.clock.advance(days=3)
    ask(world)


def test_until_is_the_last_of_all_dates_that_forbid(world: World) -> None:
    ask(world)
    world.drain()
    far = world.clock.now() + timedelta(days=20)
    told = {"client_id": CLIENT_ID, "client_secret": "told", "previous_client_secret_expires_at": format_time(far)}
    world.store.put(world.secret_id, "told", json.dumps(told), {Label.REJECTED})
    with raises(world, TooSoon) as caught:
        ask(world)
    assert caught.value.until == far


def test_only_force_passes_the_7_days(world: World) -> None:
    ask(world)
    world.drain()
    assert ask(world, force=True).certain
    assert world.amazon.posts == 2


def test_a_request_that_nothing_closes_blocks_for_8_days_at_most(world: World) -> None:
    answer_next(world, UNCLEAR)
    ask(world)
    asked = world.clock.now()
    world.clock.advance(days=7.99)
    with raises(world, TooSoon) as caught:
        ask(world)
    assert caught.value.until == asked + timedelta(days=8)
    world.clock.advance(days=0.01)
    ask(world)


def test_a_refused_request_forbids_nothing_to_a_person(world: World) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world)
    assert ask(world).certain


def test_a_refused_request_does_not_hide_the_one_before_it(world: World) -> None:
    answer_next(world, UNCLEAR)
    ask(world)
    asked = world.clock.now()
    for days in (1, 1):
        world.clock.advance(days=days)
        answer_next(world, REFUSED)
        with raises(world, RequestRefused):
            ask(world, force=True)
    with raises(world, TooSoon) as caught:
        ask(world)
    assert caught.value.until == asked + timedelta(days=8)
    assert world.amazon.posts == 3


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
        assert caught.value.until == refused_at + timedelta(hours=hours)
        world.clock.advance(hours=0.01)
    assert ask(world, trigger).certain


@pytest.mark.parametrize("trigger", ON_PURPOSE)
def test_a_person_can_try_at_once_after_a_refusal(world: World, trigger: Trigger) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world, Trigger.EXPIRY_NOTICE)
    assert ask(world, trigger).certain


def test_a_repost_is_not_made_while_any_secret_is_pending(world: World) -> None:
    """Even one that says nothing of other dates: what it is has to be settled first."""
    answer_next(world, UNCLEAR)
    ask(world)
    world.clock.advance(hours=24)
    told = {"client_id": CLIENT_ID, "client_secret": "told", "client_secret_issued_at": "2026-01-01T00:00:00Z"}
    world.store.put(world.secret_id, "told", json.dumps(told), {Label.PENDING})
    with raises(world, AlreadyRequested):
        ask(world, Trigger.SCHEDULE, repost=True)
    world.store.move(world.secret_id, Label.PENDING, to=None, away_from="told")
    assert ask(world, Trigger.SCHEDULE, repost=True).certain


# 4. Preflight.


def test_a_missing_queue_is_said_before_anything_is_written(world: World) -> None:
    world.queue.exists = False
    with raises(world, QueueNotReady):
        ask(world, force=True)
    assert set(world.labels()) == {Label.CURRENT}


@pytest.mark.parametrize("policy", [None, "not json", "[]", '{"Statement": []}'])
def test_a_queue_policy_without_amazon_is_refused_with_the_missing_statement(world: World, policy: str | None) -> None:
    world.queue.policy = policy
    with raises(world, QueueNotReady) as caught:
        ask(world, force=True)
    (statement,) = caught.value.missing
    assert json.loads(statement) == grants.queue_statement(QUEUE_ARN)
    assert statement in str(caught.value)
    assert world.amazon.posts == 0


def test_a_key_policy_without_amazon_is_refused_with_the_missing_statement(world: World) -> None:
    world.queue.key_policy = '{"Statement": []}'
    with raises(world, QueueNotReady) as caught:
        ask(world, force=True)
    (statement,) = caught.value.missing
    assert json.loads(statement) == grants.key_statement()
    assert set(world.labels()) == {Label.CURRENT}


def test_an_unreadable_key_policy_is_only_a_warning(world: World) -> None:
    world.queue.key_policy = None
    assert ask(world).certain
    assert "key_policy_unreadable" in [event for event, _ in world.recorder.lines]


def fill(world: World, place: str) -> None:
    if place == "visible":
        world.queue.visible.append("message")
    elif place == "in flight":
        world.queue.in_flight += 1
    else:
        world.queue.dead.append("message")


@pytest.mark.parametrize("place", ["visible", "in flight", "dead"])
@pytest.mark.parametrize(("trigger", "seconds"), [(Trigger.SCHEDULE, 9), (Trigger.CLI, 45)])
def test_an_unread_message_is_looked_at_for_a_while_and_then_refused(
    world: World, place: str, trigger: Trigger, seconds: int
) -> None:
    world.clock.advance(days=60)
    started = world.clock.now()
    fill(world, place)
    with raises(world, UnreadMessages):
        ask(world, trigger)
    assert world.clock.now() - started == timedelta(seconds=seconds)
    assert (world.amazon.posts, set(world.labels())) == (0, {Label.CURRENT})


@pytest.mark.parametrize("place", ["visible", "in flight", "dead"])
def test_force_passes_unread_messages(world: World, place: str) -> None:
    fill(world, place)
    assert ask(world, force=True).certain


@pytest.mark.parametrize(("days_left", "passes"), [(30, False), (29.9, True)])
def test_one_poison_message_cannot_stop_a_secret_that_dies_within_30_days(
    make_world: MakeWorld, days_left: float, passes: bool
) -> None:
    world = make_world()
    world.seed()
    world.clock.advance(days=180 - days_left)
    world.queue.dead.append("poison")
    if passes:
        assert ask(world, Trigger.SCHEDULE).certain
    else:
        with raises(world, UnreadMessages):
            ask(world, Trigger.SCHEDULE)


def test_a_message_that_is_read_while_we_look_lets_the_request_go_on(world: World) -> None:
    world.queue.visible.append("message")
    looks: list[str] = []

    def read_at_the_second_look(name: str) -> None:
        if name == "inspect":
            looks.append(name)
            if len(looks) == 2:
                world.queue.visible.clear()

    ports = interposed(world.ports, before=read_at_the_second_look)
    world.clock.advance(days=60)
    assert request(ports, world.application, Trigger.SCHEDULE).certain
    assert len(looks) == 2


def test_the_notice_that_asks_is_not_counted_but_any_other_message_is(world: World) -> None:
    world.queue.in_flight = 1
    with raises(world, UnreadMessages):
        ask(world, Trigger.CLI)
    assert ask(world, Trigger.EXPIRY_NOTICE).certain


@pytest.mark.parametrize("place", ["visible", "in flight", "dead"])
def test_a_message_beside_the_notice_counts(world: World, place: str) -> None:
    world.queue.in_flight = 1
    fill(world, place)
    with raises(world, UnreadMessages):
        ask(world, Trigger.EXPIRY_NOTICE)


def test_a_secret_that_arrives_while_the_queue_is_looked_at_is_seen_by_the_guards(world: World) -> None:
    """It has left the queue, so only the labels tell of it."""
    world.amazon.rotate_by_hand()

    def deliver(name: str) -> None:
        if name == "inspect":
            world.drain()

    with raises(world, TooSoon):
        request(interposed(world.ports, before=deliver), world.application, Trigger.CLI)
    assert world.amazon.posts == 0


def test_a_forced_request_uses_the_secret_that_arrived_while_it_looked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.amazon.rotate_by_hand()
    mint, used = world.amazon.token, []

    def token(credentials: Credentials, scope: Scope) -> Sensitive:
        used.append((credentials.client_secret, scope))
        return mint(credentials, scope)

    monkeypatch.setattr(world.amazon, "token", token)

    def deliver(name: str) -> None:
        if name == "inspect":
            world.drain()

    request(interposed(world.ports, before=deliver), world.application, Trigger.CLI, force=True)
    assert used[-1] == (Sensitive(world.amazon.ever[1].text), Scope.ROTATION)


def test_a_secret_that_never_stands_still_is_left_to_others(world: World) -> None:
    def edit(name: str) -> None:
        if name == "inspect":
            world.clock.advance(seconds=1)
            world.seed(edited=format_time(world.clock.now()))

    ports = interposed(world.ports, after=edit)
    with raises(world, AlreadyRequested):
        request(ports, world.application, Trigger.CLI)
    assert world.amazon.posts == 0


# 5. Token.


@pytest.mark.parametrize("definite", [False, True])
def test_without_a_token_nothing_is_written(world: World, definite: bool) -> None:
    world.amazon.token_failures.append(TokenRefused("refused", remedy="none", code="x", definite=definite))
    before = world.labels()
    with raises(world, TokenRefused):
        ask(world)
    assert (world.labels(), world.amazon.posts) == (before, 0)
    assert len(world.store.secrets[world.secret_id].versions) == 1


# 6. Marker.


def test_token_then_marker_then_post(world: World) -> None:
    ports, calls = traced(world.ports)
    request(ports, world.application, Trigger.CLI)
    changing = [call for call in calls if call not in ("versions", "read", "inspect")]
    assert changing == ["token", "write ROTATION_MARKER", "rotate"]


def test_a_request_that_dies_before_the_post_leaves_its_marker(world: World) -> None:
    class Died(Exception):
        pass

    def die(name: str) -> None:
        if name == "rotate":
            raise Died

    with pytest.raises(Died):
        request(interposed(world.ports, before=die), world.application, Trigger.CLI)
    assert marker(world).requested_at == world.clock.now()
    with raises(world, TooSoon):
        ask(world)


def test_the_markers_body_and_the_chain_of_their_ids(world: World) -> None:
    first = ask(world, Trigger.PULUMI_UP, reference="text")
    arn = world.store.secrets[world.secret_id].arn
    assert first.marker_id == world.labels()[Label.MARKER] == derived_id("marker", arn)
    body = json.loads(world.store.secrets[world.secret_id].versions[first.marker_id].text)
    assert len(body.pop("nonce")) == 32
    assert body == {
        "requested_at": format_time(first.requested_at),
        "trigger": "pulumi-up",
        "reference": "text",
        "reposts": 0,
        "refusals": 0,
        "standing_since": None,
    }
    world.drain()
    world.clock.advance(days=70)
    second = ask(world, Trigger.SCHEDULE)
    assert second.marker_id == derived_id("marker", first.marker_id)
    assert marker(world).standing_since == first.requested_at


def test_of_two_requesters_one_writes_the_marker_and_posts(world: World) -> None:
    """Same moment, same trigger: only the nonce tells their markers apart."""
    others: list[Requested] = []

    def overtake(name: str) -> None:
        if name == "write ROTATION_MARKER" and not others:
            others.append(ask(world))

    with raises(world, AlreadyRequested):
        request(interposed(world.ports, before=overtake), world.application, Trigger.CLI)
    assert world.amazon.posts == 1
    assert marker(world).requested_at == others[0].requested_at


def test_a_marker_that_cannot_be_written_ends_the_request(world: World) -> None:
    def fail(name: str) -> None:
        if name.startswith("write"):
            raise StoreFailed("AWS failed.", remedy="none")

    with raises(world, StoreFailed):
        request(interposed(world.ports, before=fail), world.application, Trigger.CLI)
    assert world.amazon.posts == 0


# 7. Classification.


def test_a_204_is_certain(world: World) -> None:
    requested = ask(world)
    assert (requested.certain, requested.request_id, requested.earlier) == (True, "request-1", False)
    assert "Amazon confirmed it" in describe(requested)
    assert world.recorder.counted(Metric.REQUESTED) == 1
    assert Label.REFUSED not in world.labels()


def test_an_unclear_answer_leaves_the_marker_standing_and_is_not_repeated(world: World) -> None:
    answer_next(world, UNCLEAR)
    requested = ask(world)
    assert not requested.certain
    assert "unclear" in describe(requested)
    assert world.amazon.posts == 1
    assert Label.REFUSED not in world.labels()
    with raises(world, TooSoon):
        ask(world)


def test_a_refusal_is_labelled_on_the_markers_version(world: World) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused) as caught:
        ask(world)
    assert world.labels()[Label.REFUSED] == world.labels()[Label.MARKER]
    assert (caught.value.status, caught.value.code) == (400, "InvalidInput")
    assert "request-9" in str(caught.value)
    assert world.recorder.counted(Metric.REFUSED) == 1
    assert world.recorder.counted(Metric.REQUESTED) == 0


def test_the_refusal_moves_on_to_the_next_refused_marker(world: World) -> None:
    markers = set()
    for refusals in range(3):
        answer_next(world, REFUSED)
        with raises(world, RequestRefused):
            ask(world)
        assert marker(world).refusals == refusals
        assert world.labels()[Label.REFUSED] == world.labels()[Label.MARKER]
        markers.add(world.labels()[Label.MARKER])
    assert len(markers) == 3
    ask(world)
    assert world.labels()[Label.REFUSED] != world.labels()[Label.MARKER]


def test_a_refusal_label_that_somebody_moved_leaves_the_marker_standing(world: World) -> None:
    answer_next(world, REFUSED)

    def interfere(name: str) -> None:
        if name == "move ROTATION_REFUSED":
            raise LabelMoved

    with raises(world, RequestRefused):
        request(interposed(world.ports, before=interfere), world.application, Trigger.CLI)
    with raises(world, TooSoon):
        ask(world)


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (RotateAnswer(Answer.REFUSED, 400), "Application Client New Secret"),
        (RotateAnswer(Answer.REFUSED, 400), QUEUE_ARN),
        (RotateAnswer(Answer.REFUSED, 403, "Unauthorized", secret_expired=True), "has expired"),
        (RotateAnswer(Answer.REFUSED, 403, "Unauthorized"), "production application"),
        (RotateAnswer(Answer.REFUSED, 429, "QuotaExceeded"), "after 60 seconds"),
        (RotateAnswer(Answer.REFUSED, 429, retry_after_seconds=7), "after 7 seconds"),
        (RotateAnswer(Answer.REFUSED, 0, "ConnectError"), "could not be reached"),
    ],
)
def test_each_refusal_says_what_to_do(world: World, answer: RotateAnswer, remedy: str) -> None:
    answer_next(world, answer)
    with raises(world, RequestRefused) as caught:
        ask(world)
    assert remedy in caught.value.remedy
    assert caught.value.retry_after_seconds == answer.retry_after_seconds


def test_a_forced_request_counts_as_already_reposted_even_through_refusals(world: World) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world, force=True)
    assert marker(world).reposts == 1
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world)
    assert marker(world).reposts == 1
    ask(world)
    assert marker(world).reposts == 1, "carried over refused markers"
    world.drain()
    world.clock.advance(days=70)
    ask(world, Trigger.SCHEDULE)
    assert marker(world).reposts == 0, "a new request after one that stood"


# An interrupted `pulumi up`.


def test_the_same_trigger_text_finds_its_own_standing_request(world: World) -> None:
    first = ask(world, Trigger.PULUMI_UP, reference="first")
    again = ask(world, Trigger.PULUMI_UP, reference="first")
    assert (again.earlier, again.marker_id, again.requested_at) == (True, first.marker_id, first.requested_at)
    assert "not requested again" in describe(again)
    with raises(world, TooSoon):
        ask(world, Trigger.PULUMI_UP, reference="second")
    assert world.amazon.posts == 1


def test_the_same_trigger_text_asks_again_after_a_refusal(world: World) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world, Trigger.PULUMI_UP, reference="first")
    assert not ask(world, Trigger.PULUMI_UP, reference="first").earlier


@pytest.mark.parametrize("trigger", [Trigger.CLI, Trigger.SCHEDULE])
def test_the_same_text_of_another_trigger_is_not_the_same_request(world: World, trigger: Trigger) -> None:
    world.clock.advance(days=60)
    ask(world, trigger, reference="first")
    with raises(world, TooSoon):
        ask(world, Trigger.PULUMI_UP, reference="first")


def test_every_declined_request_wrote_nothing_or_a_refused_marker(make_world: MakeWorld) -> None:
    def unseeded(world: World) -> None:
        world.store.create(world.secret_id)

    def refused(world: World) -> None:
        answer_next(world, REFUSED)

    def unread(world: World) -> None:
        world.queue.dead.append("x")

    preparations: list[Callable[[World], None]] = [unseeded, refused, unread]
    for prepare in preparations:
        world = make_world()
        world.seed()
        prepare(world)
        with pytest.raises(Declined):
            ask(world)
        labels = world.labels()
        assert labels.get(Label.MARKER) == labels.get(Label.REFUSED)
