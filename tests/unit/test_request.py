"""The use case *request*: what is due, the record, the POST.

Its rules are in test_rules, the look at the queue is in test_preflight, the repost in test_check.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.errors import (
    AlreadyRequested,
    Declined,
    NotDue,
    NotSeeded,
    OutsideWindow,
    RequestRefused,
    StoreFailed,
    TokenFault,
    TokenNotIssued,
    TooSoon,
)
from spapi_rotation_lambda.domain.labels import Label, derived_id
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Mode, RequestRecord, Trigger
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.domain.window import Window
from spapi_rotation_lambda.ports import Answer, LabelMoved, Metric, Refusal, RotateAnswer
from spapi_rotation_lambda.use_cases.request import describe, request
from spapi_rotation_lambda.use_cases.request_conditions import Requested
from tests.fakes.interposer import interposed, traced
from tests.fakes.world import QUEUE_ARN, World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import ON_PURPOSE, REFUSED, UNCLEAR, answer_next, ask
from tests.unit.support import raises


def record(world: World) -> RequestRecord:
    version = world.labels()[Label.REQUEST]
    return RequestRecord.parse(Sensitive(world.store.secrets[world.secret_id].versions[version].text))


# 1. Unseeded.


@pytest.mark.rule(id="LAB-4")
@pytest.mark.rule(id="REQ-1")
@pytest.mark.parametrize("value", [None, {}, {"refresh_token": "other"}], ids=["no version", "empty", "other keys"])
@pytest.mark.parametrize("mode", [Mode.ORDINARY, Mode.FORCED])
def test_an_unseeded_secret_gets_no_record(make_world: MakeWorld, value: dict[str, Any] | None, mode: Mode) -> None:
    world = make_world()
    if value is not None:
        world.write(value)
    before = world.labels()
    with raises(world, NotSeeded, match="put-secret-value"):
        ask(world, mode=mode)
    assert (world.labels(), world.amazon.posts) == (before, 0)


# 2. Due.


@pytest.mark.rule(id="REQ-4")
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


@pytest.mark.rule(id="REQ-4")
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


@pytest.mark.rule(id="REQ-4")
def test_an_undated_secret_is_due_30_days_after_adoption_not_after_the_last_edit(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed(dated=False)
    world.check()
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


@pytest.mark.rule(id="REQ-5")
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


# 5. Token.


@pytest.mark.rule(id="REQ-11")
@pytest.mark.parametrize("fault", list(TokenFault))
def test_without_a_token_nothing_is_written(world: World, fault: TokenFault) -> None:
    world.amazon.token_failures.append(TokenNotIssued("refused", remedy="none", code="x", fault=fault))
    before = world.labels()
    with raises(world, TokenNotIssued):
        ask(world)
    assert (world.labels(), world.amazon.posts) == (before, 0)
    assert len(world.store.secrets[world.secret_id].versions) == 1


# 6. RequestRecord.


@pytest.mark.rule(id="REQ-12")
def test_token_then_record_then_post(world: World) -> None:
    ports, calls = traced(world.ports)
    request(ports, world.application, Trigger.CLI)
    changing = [call for call in calls if call not in ("versions", "read", "versions_and_young", "inspect", "take")]
    assert changing == ["token", "write ROTATION_REQUEST", "rotate", "tell"]


def test_a_request_that_dies_before_the_post_leaves_its_record(world: World) -> None:
    class Died(Exception):
        pass

    def die(name: str) -> None:
        if name == "rotate":
            raise Died

    with pytest.raises(Died):
        request(interposed(world.ports, before=die), world.application, Trigger.CLI)
    assert record(world).requested_at == world.clock.now()
    with raises(world, TooSoon):
        ask(world)


@pytest.mark.rule(id="REQ-12")
def test_the_record_body_and_the_chain_of_their_ids(world: World) -> None:
    first = ask(world, Trigger.PULUMI_UP, reference="text")
    arn = world.store.secrets[world.secret_id].arn
    first_id = world.labels()[Label.REQUEST]
    assert first_id == derived_id("request", arn)
    body = json.loads(world.store.secrets[world.secret_id].versions[first_id].text)
    assert len(body.pop("nonce")) == 32
    assert body == {
        "requested_at": format_time(first.requested_at),
        "trigger": "pulumi-up",
        "reference": "text",
        "reposts": 0,
        "refusals": 0,
        "standing_since": None,
        "queue_arn": QUEUE_ARN,
        "answered_through": None,
    }
    world.drain()
    world.clock.advance(days=70)
    ask(world, Trigger.SCHEDULE)
    assert world.labels()[Label.REQUEST] == derived_id("request", first_id)
    assert record(world).standing_since == first.requested_at
    assert record(world).answered_through == QUEUE_ARN
    assert record(world).reference == "text", "the last one, carried along"


@pytest.mark.rule(id="REQ-12")
def test_of_two_requesters_one_writes_the_record_and_posts(world: World) -> None:
    """Same moment, same trigger: only the nonce tells their records apart."""
    others: list[Requested] = []

    def overtake(name: str) -> None:
        if name == "write ROTATION_REQUEST" and not others:
            others.append(ask(world))

    with raises(world, AlreadyRequested):
        request(interposed(world.ports, before=overtake), world.application, Trigger.CLI)
    assert world.amazon.posts == 1
    assert record(world).requested_at == others[0].requested_at


def test_a_record_that_cannot_be_written_ends_the_request(world: World) -> None:
    def fail(name: str) -> None:
        if name.startswith("write"):
            raise StoreFailed("AWS failed.", remedy="none")

    with raises(world, StoreFailed):
        request(interposed(world.ports, before=fail), world.application, Trigger.CLI)
    assert world.amazon.posts == 0


# 7. Classification.


@pytest.mark.rule(id="REQ-13")
def test_a_204_is_certain(world: World) -> None:
    requested = ask(world)
    assert (requested.certain, requested.request_id, requested.earlier) == (True, "request-1", False)
    assert "Amazon confirmed it" in describe(requested)
    assert world.recorder.warned == []
    assert world.recorder.counted(Metric.REQUESTED) == 1
    assert Label.REFUSED not in world.labels()


@pytest.mark.rule(id="REQ-15")
def test_an_unclear_answer_leaves_the_record_standing_and_is_not_repeated(world: World) -> None:
    answer_next(world, UNCLEAR)
    requested = ask(world)
    assert not requested.certain
    assert "unclear" in describe(requested)
    assert world.recorder.warned == ["rotation_request_unclear"]
    assert world.amazon.posts == 1
    assert Label.REFUSED not in world.labels()
    with raises(world, TooSoon):
        ask(world)


@pytest.mark.rule(id="REQ-14")
def test_a_refusal_is_labelled_on_the_record_version(world: World) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused) as caught:
        ask(world)
    assert world.labels()[Label.REFUSED] == world.labels()[Label.REQUEST]
    assert "(400, InvalidInput, request id request-9)" in str(caught.value)
    assert world.recorder.counted(Metric.REFUSED) == 1
    assert world.recorder.counted(Metric.REQUESTED) == 0


def test_the_refusal_moves_on_to_the_next_refused_record(world: World) -> None:
    records = set()
    for refusals in range(3):
        answer_next(world, REFUSED)
        with raises(world, RequestRefused):
            ask(world)
        assert record(world).refusals == refusals
        assert world.labels()[Label.REFUSED] == world.labels()[Label.REQUEST]
        records.add(world.labels()[Label.REQUEST])
    assert len(records) == 3
    ask(world)
    assert world.labels()[Label.REFUSED] != world.labels()[Label.REQUEST]


@pytest.mark.rule(id="REQ-14")
@pytest.mark.parametrize("trouble", [LabelMoved(), StoreFailed("AWS failed.", remedy="none")])
def test_a_refusal_that_cannot_be_labelled_is_told_and_leaves_the_record_standing(
    world: World, trouble: Exception
) -> None:
    answer_next(world, REFUSED)

    def interfere(name: str) -> None:
        if name == "move ROTATION_REFUSED":
            raise trouble

    with raises(world, RequestRefused):
        request(interposed(world.ports, before=interfere), world.application, Trigger.CLI)
    with raises(world, TooSoon):
        ask(world)


def refusal(status: int, cause: Refusal, **more: Any) -> RotateAnswer:
    return RotateAnswer(Answer.REFUSED, status, refusal=cause, **more)


@pytest.mark.rule(id="REQ-14")
@pytest.mark.parametrize(
    ("answer", "cause", "remedy"),
    [
        (refusal(400, Refusal.NOT_ENROLLED), "has no queue registered", "Application Client New Secret"),
        (refusal(400, Refusal.NOT_ENROLLED), "has no queue registered", QUEUE_ARN),
        (
            refusal(400, Refusal.INVALID, message="No such thing."),
            'says: "No such thing."',
            "Amazon's message asks for",
        ),
        (refusal(400, Refusal.INVALID), "does not take the request", "spapi-rotation register"),
        (refusal(400, Refusal.NOT_THE_API), "not come from the API itself", "a filter of Amazon's"),
        (refusal(401, Refusal.EXPIRED), "has expired", "by hand"),
        (refusal(403, Refusal.EXPIRED), "has expired", "by hand"),
        (refusal(401, Refusal.DENIED), "may not make this call", "production application"),
        (refusal(403, Refusal.DENIED), "may not make this call", "production application"),
        (refusal(429, Refusal.THROTTLED), "too many requests", "after 60 seconds"),
        (refusal(429, Refusal.THROTTLED, retry_after_seconds=7), "too many requests", "after 7 seconds"),
        (refusal(0, Refusal.TLS, message="self-signed certificate"), "TLS failed: self-signed", "proxy or firewall"),
        (refusal(0, Refusal.TLS, host="spapi.invalid"), "no connection to spapi.invalid", "spapi_endpoint"),
        (refusal(0, Refusal.UNREACHABLE), "could not be reached", "the network"),
        (refusal(404, Refusal.OTHER), "does not know", "spapi_endpoint"),
    ],
)
def test_each_refusal_names_its_one_cause_and_says_what_to_do(
    world: World, answer: RotateAnswer, cause: str, remedy: str
) -> None:
    answer_next(world, answer)
    with raises(world, RequestRefused) as caught:
        ask(world)
    assert cause in caught.value.args[0]
    assert remedy in caught.value.remedy
    assert ("Application Client New Secret" in str(caught.value)) == (answer.refusal is Refusal.NOT_ENROLLED)
    assert ("has expired" in str(caught.value)) == (answer.refusal is Refusal.EXPIRED)


@pytest.mark.rule(id="REQ-16")
def test_a_forced_request_counts_as_already_reposted_even_through_refusals(world: World) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world, mode=Mode.FORCED)
    assert record(world).reposts == 1
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world)
    assert record(world).reposts == 1
    ask(world)
    assert record(world).reposts == 1, "carried over refused records"
    world.drain()
    world.clock.advance(days=70)
    ask(world, Trigger.SCHEDULE)
    assert record(world).reposts == 0, "a new request after one that stood"


# An interrupted `pulumi up`.


@pytest.mark.rule(id="REQ-2")
def test_the_same_trigger_text_finds_its_own_standing_request(world: World) -> None:
    first = ask(world, Trigger.PULUMI_UP, reference="first")
    again = ask(world, Trigger.PULUMI_UP, reference="first")
    assert (again.earlier, again.requested_at) == (True, first.requested_at)
    assert "not requested again" in describe(again)
    with raises(world, TooSoon):
        ask(world, Trigger.PULUMI_UP, reference="second")
    assert world.amazon.posts == 1


@pytest.mark.rule(id="REQ-2")
def test_the_same_trigger_text_asks_again_after_a_refusal(world: World) -> None:
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world, Trigger.PULUMI_UP, reference="first")
    assert not ask(world, Trigger.PULUMI_UP, reference="first").earlier


@pytest.mark.rule(id="REQ-2")
@pytest.mark.parametrize("later", [Trigger.CLI, Trigger.SCHEDULE])
def test_later_requests_carry_the_text_along_so_that_it_requests_once(world: World, later: Trigger) -> None:
    """A resource that was dropped from the state, and is declared again with its old text, asks for no other secret."""
    ask(world, Trigger.PULUMI_UP, reference="first")
    for _ in range(2):
        world.drain()
        world.clock.advance(days=60)
        ask(world, later)
    assert ask(world, Trigger.PULUMI_UP, reference="first").earlier
    assert world.amazon.posts == 3


@pytest.mark.rule(id="REQ-2")
def test_a_text_is_requested_although_a_later_request_was_refused(world: World) -> None:
    ask(world, Trigger.PULUMI_UP, reference="first")
    world.drain()
    world.clock.advance(days=60)
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world, Trigger.SCHEDULE)
    assert ask(world, Trigger.PULUMI_UP, reference="first").earlier


@pytest.mark.rule(id="REQ-2")
def test_the_text_of_a_refused_request_is_not_carried_along(world: World) -> None:
    """It has requested nothing; what the schedule asks for afterwards is another request."""
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world, Trigger.PULUMI_UP, reference="first")
    world.clock.advance(days=60)
    ask(world, Trigger.SCHEDULE)
    with raises(world, TooSoon):
        ask(world, Trigger.PULUMI_UP, reference="first")


@pytest.mark.rule(id="UP-1")
def test_another_text_requests_again_when_it_may(world: World) -> None:
    ask(world, Trigger.PULUMI_UP, reference="first")
    world.drain()
    world.clock.advance(days=8)
    assert not ask(world, Trigger.PULUMI_UP, reference="second").earlier
    world.drain()
    world.clock.advance(days=8)
    assert not ask(world, Trigger.PULUMI_UP, reference="first").earlier


# A record that a person has taken the label off.


@pytest.mark.rule(id="REQ-18")
def test_a_record_that_lost_its_label_gets_it_back_and_forbids_what_it_forbade(world: World) -> None:
    world.amazon.lose_next = True
    ask(world)
    first = world.labels()[Label.REQUEST]
    world.store.move(world.secret_id, Label.REQUEST, to=None, away_from=first)
    with raises(world, TooSoon):
        ask(world)
    assert world.labels()[Label.REQUEST] == first
    assert world.amazon.posts == 1
    assert [event for event, _ in world.recorder.lines].count("request_record_labelled_again") == 1


@pytest.mark.rule(id="REQ-18")
def test_the_next_request_comes_after_the_record_that_got_its_label_back(world: World) -> None:
    ids = []
    for _ in range(2):
        ask(world)
        ids.append(world.labels()[Label.REQUEST])
        world.drain()
        world.clock.advance(days=8)
    world.store.move(world.secret_id, Label.REQUEST, to=None, away_from=ids[-1])
    ask(world)
    assert world.labels()[Label.REQUEST] == derived_id("request", ids[-1])
    assert world.amazon.posts == 3


@pytest.mark.rule(id="REQ-18")
def test_a_label_moved_back_to_an_older_record_does_not_hide_the_newer_one(world: World) -> None:
    ask(world)
    first = world.labels()[Label.REQUEST]
    world.drain()
    world.clock.advance(days=8)
    world.amazon.lose_next = True
    ask(world)
    second = world.labels()[Label.REQUEST]
    world.store.move(world.secret_id, Label.REQUEST, to=first, away_from=second)
    with raises(world, TooSoon):
        ask(world)
    assert world.labels()[Label.REQUEST] == second
    assert world.amazon.posts == 2


def test_every_declined_request_wrote_nothing_or_a_refused_record(make_world: MakeWorld) -> None:
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
        assert labels.get(Label.REQUEST) == labels.get(Label.REFUSED)


@pytest.mark.rule(id="REQ-10")
def test_a_secret_that_changes_while_it_is_looked_at_is_looked_at_three_times(world: World) -> None:
    edits: list[str] = []

    def edit(call: str) -> None:
        if call == "versions_and_young":
            world.write({**(world.value() or {}), "region": len(edits)})
            edits.append(call)

    with raises(world, AlreadyRequested, match="keeps changing"):
        request(interposed(world.ports, before=edit), world.application, Trigger.CLI)
    assert (len(edits), world.amazon.posts) == (3, 0)
