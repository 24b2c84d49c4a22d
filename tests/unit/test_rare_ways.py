"""Ways through the use cases that are seldom taken: what is unreadable, unseeded or undated beside a rotation."""

import json
from datetime import timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.adapters.aws_session import BotocoreSession
from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive, mentions
from spapi_rotation_lambda.domain.request_record import Mode
from spapi_rotation_lambda.domain.snapshot import Snapshot, StoredVersion
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Metric, Scope
from spapi_rotation_lambda.use_cases import operator_actions
from spapi_rotation_lambda.use_cases.dead_letters import look
from spapi_rotation_lambda.use_cases.settle import Outcome, settle
from spapi_rotation_lambda.use_cases.unclaimed import claim
from tests.fakes.amazon import Issued
from tests.fakes.interposer import Crash, interposed
from tests.fakes.world import CLIENT_ID, QUEUE_ARN, World, amazons
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import UNCLEAR, answer_next, ask
from tests.unit.support import raises
from tests.unit.test_doctor import application as doctor
from tests.unit.test_doctor import denied
from tests.unit.test_sender_policy import OWN, access, sends
from tests.unit.test_settle import received as received_by_message
from tests.unit.test_state import put, received, unseeded


def snapshot(world: World) -> Snapshot:
    return Snapshot(world.store, world.application)


def in_use(world: World) -> StoredVersion:
    current = snapshot(world).current
    assert current is not None
    return current


def test_the_session_tells_the_region_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert BotocoreSession().region_name == "eu-north-1"


def test_an_empty_text_is_mentioned_by_none() -> None:
    assert not mentions("any text", [Sensitive("")])
    assert mentions("any text", [Sensitive(""), Sensitive("any")])


# A secret in use without credentials.


def test_a_request_stays_unanswered_while_a_person_has_taken_the_credentials_out(world: World) -> None:
    answer_next(world, UNCLEAR)
    ask(world)
    at = world.clock.now()
    world.clock.advance(minutes=5)
    world.write({"region": "eu"})
    assert rules.unanswered_request(snapshot(world)) == at


def test_what_holds_no_credentials_is_as_old_as_its_version_and_never_dies(make_world: MakeWorld) -> None:
    world = make_world()
    world.write({"region": "eu"})
    written = world.clock.now()
    world.clock.advance(days=200)
    assert snapshot(world).first_seen(in_use(world)) == written
    assert snapshot(world).dies_at(in_use(world)) is None
    assert rules.is_stuck(snapshot(world), in_use(world), in_use(world), world.clock.now()) is False


@pytest.mark.parametrize("action", [operator_actions.promote, operator_actions.rollback])
def test_an_action_on_a_secret_without_credentials_says_to_seed_it(world: World, action: Any) -> None:
    received(world)
    unseeded(world)
    before = world.labels()
    with raises(world, operator_actions.NothingToDo, match=r"holds no credentials yet\. .*Seed it first"):
        action(world.ports, world.application)
    assert world.labels() == before


# The order of two secrets where one has no date of Amazon's.


@pytest.mark.rule(id="SET-4")
@pytest.mark.parametrize(
    ("issued_after_request", "order"),
    [(timedelta(minutes=-20), rules.Order.NEWER), (timedelta(minutes=-66), rules.Order.UNKNOWN)],
)
def test_a_message_that_answers_a_request_younger_than_the_value_in_use_is_newer(
    make_world: MakeWorld, issued_after_request: timedelta, order: rules.Order
) -> None:
    """Its own time, by a clock that may be an hour off, would not tell it apart from a secret made before."""
    world = make_world()
    world.seed(dated=False)
    world.clock.advance(minutes=30)
    answer_next(world, UNCLEAR)
    ask(world, mode=Mode.FORCED)
    put(world, Label.PENDING, "canary-p", client_secret_issued_at=world.clock.now() + issued_after_request)
    pending = snapshot(world).pending
    assert pending is not None
    assert rules.order(snapshot(world), pending, in_use(world)) is order


@pytest.mark.rule(id="REC-5")
def test_a_secret_that_is_remembered_as_replaced_is_superseded_whatever_its_time_says(world: World) -> None:
    """Its message comes once more, with the time of its sending."""
    first = world.amazon.newest
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(days=1)
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(days=1)
    late = Issued(first.text, world.clock.now(), first.expires_at + timedelta(days=9), first.usable_from)
    world.amazon.deliver(world.amazon.message(late, world.amazon.newest.expires_at, "late"))
    assert world.drain() == ["superseded"]
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="NOT-1")
@pytest.mark.parametrize(
    ("later", "handled", "posts"), [(timedelta(days=30), "unexplained", 0), (timedelta(hours=12), "acted-on", 1)]
)
def test_a_notice_of_an_end_after_the_one_that_an_owner_typed_is_about_another_secret(
    make_world: MakeWorld, later: timedelta, handled: str, posts: int
) -> None:
    world = make_world()
    typed = world.clock.now() + timedelta(days=60)
    world.seed(dated=False, client_secret_expires_at=format_time(typed))
    world.clock.advance(days=30)
    assert world.hand_over(world.amazon.expiry_notice(typed + later)) == f"notice-{handled}"
    assert world.amazon.posts == posts
    assert world.recorder.counted(Metric.UNSEEN_ROTATION) == 1 - posts


# Settle.


@pytest.mark.rule(id="SET-1")
@pytest.mark.parametrize("made_at", [timedelta(0), timedelta(days=-2)])
def test_a_received_secret_that_is_not_newer_than_a_rejected_one_stays_where_it_is(
    world: World, made_at: timedelta
) -> None:
    put(world, Label.REJECTED, "canary-r", client_secret_issued_at=world.clock.now())
    put(world, Label.RECEIVED, "canary-n", client_secret_issued_at=world.clock.now() + made_at)
    assert settle(world.ports, world.application).outcome is Outcome.NOTHING_PENDING
    assert Label.PENDING not in world.labels()


@pytest.mark.rule(id="SET-1")
@pytest.mark.parametrize("strange", ["no JSON", json.dumps({"client_id": CLIENT_ID, "client_secret": "canary-typed"})])
def test_a_received_version_that_no_message_brought_stays_where_it_is(world: World, strange: str) -> None:
    world.store.put(world.secret_id, "strange", strange, {Label.RECEIVED})
    assert settle(world.ports, world.application).outcome is Outcome.NOTHING_PENDING
    assert world.labels()[Label.RECEIVED] == "strange"
    assert Label.PENDING not in world.labels()


@pytest.mark.rule(id="SET-1")
def test_a_secret_of_unknown_order_is_not_asked_about_in_its_first_two_hours(make_world: MakeWorld) -> None:
    world = make_world()
    new = world.amazon.rotate_by_hand(message=False)
    world.store.put(world.secret_id, "received", json.dumps(amazons(CLIENT_ID, new)), {Label.RECEIVED, "AWSCURRENT"})
    world.clock.advance(minutes=1)
    world.write({"client_id": CLIENT_ID, "client_secret": world.amazon.ever[0].text})
    world.amazon.ever[0].expires_at = world.clock.now()
    asked: list[str] = []
    ports = interposed(world.ports, before=asked.append)
    settle(ports, world.application)
    assert "token" not in asked
    world.clock.advance(hours=3)
    settle(ports, world.application)
    assert "token" in asked
    assert (world.value() or {})["client_secret"] == new.text


@pytest.mark.rule(id="SET-4")
def test_an_undated_value_that_is_put_in_during_the_verification_is_not_replaced_unproven(world: World) -> None:
    received_by_message(world)
    done = list[str]()

    def put_in(call: str) -> None:
        if call == "verification_call" and not done:
            done.append(call)
            world.write({"client_id": CLIENT_ID, "client_secret": "canary-by-hand"})

    settle(interposed(world.ports, before=put_in), world.application)
    assert done
    assert (world.value() or {})["client_secret"] == "canary-by-hand"


@pytest.mark.rule(id="REC-5")
def test_what_is_superseded_already_keeps_its_label_without_a_move(world: World) -> None:
    put(world, Label.PENDING, "canary-old", client_secret_issued_at=world.amazon.newest.issued_at - timedelta(days=1))
    world.store.move(world.secret_id, Label.SUPERSEDED, to="canary-old", away_from=None)
    calls: list[str] = []
    assert settle(interposed(world.ports, before=calls.append), world.application).outcome is Outcome.TAKEN_OFF
    assert world.labels()[Label.SUPERSEDED] == "canary-old"
    assert not [call for call in calls if "SUPERSEDED" in call]


@pytest.mark.rule(id="REC-6")
def test_an_undated_secret_that_is_superseded_when_a_seed_dies_keeps_its_label_without_a_move(world: World) -> None:
    """AWS does not say what becomes of a label that is moved onto the version it is on."""
    world.seed(world.amazon.rotate_by_hand(message=False), dated=False)
    undated = world.labels()[Label.CURRENT]
    operator_actions.rollback(world.ports, world.application)
    newest = Credentials(CLIENT_ID, Sensitive(world.amazon.rotate_by_hand(message=False).text))

    def die(call: str) -> None:
        if call == "move ROTATION_SUPERSEDED":
            raise Crash

    with pytest.raises(Crash):
        operator_actions.seed(interposed(world.ports, after=die), world.application, newest)
    assert world.labels()[Label.REJECTED] == world.labels()[Label.SUPERSEDED] == undated
    calls: list[str] = []
    operator_actions.seed(interposed(world.ports, before=calls.append), world.application, newest)
    assert (Label.REJECTED in world.labels(), world.labels()[Label.SUPERSEDED]) == (False, undated)
    assert not [call for call in calls if "SUPERSEDED" in call]


# What is looked at.


@pytest.mark.rule(id="OPS-3")
def test_a_rollback_leaves_a_pending_secret_to_a_person(world: World) -> None:
    received(world)
    before = world.labels()
    with raises(world, operator_actions.NothingToDo, match=r"a received secret is pending\. .*Reject or promote it"):
        operator_actions.rollback(world.ports, world.application)
    assert world.labels() == before


@pytest.mark.rule(id="OPS-5")
def test_a_dead_letter_of_a_secret_that_cannot_be_read_is_needed_and_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = world.amazon.rotate_by_hand(message=False)
    world.queue.dead.append(world.amazon.message(new, world.amazon.ever[-2].expires_at))
    monkeypatch.setattr(world.store, "versions", denied("secretsmanager:ListSecretVersionIds"))
    (found,) = look(world.ports)
    assert (found.kind, found.needed) == ("new-secret", True)
    assert "secretsmanager:ListSecretVersionIds" in found.problem


@pytest.mark.rule(id="REC-13")
def test_what_cannot_be_read_among_the_unclaimed_hides_nothing_behind_it(world: World) -> None:
    new = world.amazon.rotate_by_hand(message=False)
    world.unclaimed.bodies += ["no message", world.amazon.message(new, world.amazon.ever[-2].expires_at)]
    assert claim(world.ports, world.application) == 1
    assert world.unclaimed.bodies == ["no message"]
    assert (world.value() or {})["client_secret"] == new.text


@pytest.mark.rule(id="CHK-4")
def test_a_secret_whose_pending_one_is_accepted_or_silent_is_told_so_by_the_doctor(world: World) -> None:
    world.amazon.rotate_by_hand(message=False)
    put(world, Label.PENDING, world.amazon.newest.text, client_secret_issued_at=world.clock.now())
    assert doctor(world)["pending"]["verdict"] == "ok"
    world.amazon.lwa_errors = dict.fromkeys(Scope, (500, "server_error"))
    found = doctor(world)["pending"]
    assert found["verdict"] == "unknown"
    assert "server_error" in found["detail"]


@pytest.mark.rule(id="OPS-9")
def test_a_queue_that_cannot_be_looked_at_makes_its_destination_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.amazon.known_queues = [QUEUE_ARN]
    monkeypatch.setattr(world.queue, "inspect", denied("sqs:GetQueueAttributes"))
    found = doctor(world)["destination"]
    assert (found["verdict"], "sqs:GetQueueAttributes" in found["detail"]) == ("unknown", True)


# Policies.


@pytest.mark.rule(id="REQ-8")
def test_an_allowance_for_all_but_some_covers_amazon_unless_it_is_one_of_them() -> None:
    others = {key: value for key, value in OWN.items() if key != "Principal"}
    assert sends(others | {"NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}})
    assert access(others | {"NotPrincipal": {"AWS": OWN["Principal"]["AWS"]}}).missing


@pytest.mark.rule(id="REQ-8")
def test_a_pattern_with_a_variable_of_a_policy_cannot_be_known() -> None:
    denial = OWN | {"Effect": "Deny", "Condition": {"StringLike": {"aws:PrincipalAccount": "${aws:ResourceAccount}*"}}}
    assert access(OWN, denial).unclear == ("AllowAmazonToSend",)


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize(("pattern", "by"), [("TRU?", ()), ("tru?", ("AllowAmazonToSend",))])
def test_a_pattern_of_a_condition_minds_the_case(pattern: str, by: tuple[str, ...]) -> None:
    denial = OWN | {"Effect": "Deny", "Condition": {"StringLike": {"aws:SecureTransport": pattern}}}
    assert access(OWN, denial).denied_by_condition == by


@pytest.mark.rule(id="REQ-8")
def test_a_queue_under_sqss_own_encryption_has_no_key_to_be_looked_at(world: World) -> None:
    world.queue.key_arn = None  # type: ignore[assignment]
    ask(world)
    assert world.amazon.posts == 1
    assert "key_policy_unreadable" not in world.recorder.text()
