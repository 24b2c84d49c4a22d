"""What must be true of the queue before a rotation: REQ-8 to REQ-10."""

import json
from datetime import timedelta

import pytest

from spapi_rotation_lambda.domain import sender_policy
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import (
    AlreadyRequested,
    QueueNotReady,
    TooSoon,
    UnreadMessages,
)
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Scope
from spapi_rotation_lambda.use_cases.request import request
from tests.fakes.interposer import interposed
from tests.fakes.world import QUEUE_ARN, World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import ask
from tests.unit.support import raises


def test_a_missing_queue_is_said_before_anything_is_written(world: World) -> None:
    world.queue.exists = False
    with raises(world, QueueNotReady):
        ask(world, mode=Mode.FORCED)
    assert set(world.labels()) == {Label.CURRENT}


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize("policy", [None, "not json", "[]", '{"Statement": []}'])
def test_a_queue_policy_without_amazon_is_refused_with_the_missing_statement(world: World, policy: str | None) -> None:
    world.queue.policy = policy
    with raises(world, QueueNotReady) as caught:
        ask(world, mode=Mode.FORCED)
    assert json.dumps(sender_policy.queue_statement(QUEUE_ARN), sort_keys=True) in str(caught.value)
    assert world.amazon.posts == 0


@pytest.mark.rule(id="REQ-8")
def test_a_key_policy_without_amazon_is_refused_with_the_missing_statement(world: World) -> None:
    world.queue.key_policy = '{"Statement": []}'
    with raises(world, QueueNotReady) as caught:
        ask(world, mode=Mode.FORCED)
    assert json.dumps(sender_policy.key_statement(), sort_keys=True) in str(caught.value)
    assert set(world.labels()) == {Label.CURRENT}


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize("key", ["alias/aws/sqs", "arn:aws:kms:us-east-1:123456789012:alias/aws/sqs"])
def test_sqs_own_key_is_refused_since_it_serves_no_sender_elsewhere(world: World, key: str) -> None:
    world.queue.key_arn, world.queue.key_policy = key, None
    with raises(world, QueueNotReady, match="serves no other AWS account"):
        ask(world, mode=Mode.FORCED)
    assert set(world.labels()) == {Label.CURRENT}
    assert world.amazon.posts == 0


@pytest.mark.rule(id="REQ-8")
def test_an_unreadable_key_policy_is_only_a_warning(world: World) -> None:
    world.queue.key_policy = None
    assert ask(world).certain
    assert "key_policy_unreadable" in [event for event, _ in world.recorder.lines]


PERIMETER: dict[str, object] = {
    "Sid": "Perimeter",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "*",
    "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-canary"}},
}


def deny(world: World, place: str, statement: dict[str, object]) -> None:
    if place == "queue":
        world.queue.policy = json.dumps({"Statement": [sender_policy.queue_statement(QUEUE_ARN), statement]})
    else:
        world.queue.key_policy = json.dumps({"Statement": [sender_policy.key_statement(), statement]})


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize("place", ["queue", "key"])
@pytest.mark.parametrize("trigger", [Trigger.CLI, Trigger.SCHEDULE, Trigger.PULUMI_UP])
def test_a_denial_is_named_and_no_more_of_the_policy_is_told(world: World, place: str, trigger: Trigger) -> None:
    world.clock.advance(days=60)
    deny(world, place, PERIMETER)
    with raises(world, QueueNotReady, match=f"policy of the {place} denies it, in the statement Perimeter") as caught:
        ask(world, trigger)
    assert "o-canary" not in str(caught.value)
    assert (world.amazon.posts, set(world.labels())) == (0, {Label.CURRENT})


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize("place", ["queue", "key"])
def test_force_passes_a_denial_by_a_condition_but_no_other(world: World, place: str) -> None:
    deny(world, place, {key: PERIMETER[key] for key in PERIMETER if key != "Condition"})
    with raises(world, QueueNotReady, match="Perimeter"):
        ask(world, mode=Mode.FORCED)
    assert world.amazon.posts == 0
    deny(world, place, PERIMETER)
    assert ask(world, mode=Mode.FORCED).certain
    assert {"policy_of": place, "statements": "Perimeter"} in [fields for _, fields in world.recorder.lines]


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize("place", ["queue", "key"])
def test_what_may_deny_it_is_only_a_warning(world: World, place: str) -> None:
    deny(world, place, PERIMETER | {"Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}})
    assert ask(world).certain
    assert ("sender_may_be_denied", {"policy_of": place, "statements": "Perimeter"}) in world.recorder.lines


def fill(world: World, place: str) -> None:
    if place == "visible":
        world.queue.visible.append("message")
    elif place == "in flight":
        world.queue.in_flight += 1
    else:
        world.queue.dead.append("message")


@pytest.mark.rule(id="REQ-9")
@pytest.mark.parametrize("place", ["visible", "in flight", "dead"])
@pytest.mark.parametrize(("trigger", "seconds"), [(Trigger.SCHEDULE, 9), (Trigger.CLI, 90)])
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
    assert ask(world, mode=Mode.FORCED).certain


@pytest.mark.rule(id="REQ-9")
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


@pytest.mark.rule(id="REQ-9")
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


@pytest.mark.rule(id="REQ-10")
def test_a_secret_that_arrives_while_the_queue_is_looked_at_is_seen_by_the_rules(world: World) -> None:
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

    request(interposed(world.ports, before=deliver), world.application, Trigger.CLI, mode=Mode.FORCED)
    assert used[-1] == (Sensitive(world.amazon.ever[1].text), Scope.ROTATION)


@pytest.mark.rule(id="REQ-10")
def test_a_secret_that_never_stands_still_is_left_to_others(world: World) -> None:
    def edit(name: str) -> None:
        if name == "inspect":
            world.clock.advance(seconds=1)
            world.seed(edited=format_time(world.clock.now()))

    ports = interposed(world.ports, after=edit)
    with raises(world, AlreadyRequested):
        request(ports, world.application, Trigger.CLI)
    assert world.amazon.posts == 0
