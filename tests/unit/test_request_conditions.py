"""The conditions of a request as data: their order, the modes in which each is asked for, and where each ends one."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from spapi_rotation_lambda.domain.errors import (
    AlreadyRequested,
    Declined,
    NotDue,
    NotSeeded,
    OutsideWindow,
    QueueNotReady,
    RequestRefused,
    TooManyVersions,
    TooSoon,
    UnreadMessages,
)
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.use_cases.request import request
from spapi_rotation_lambda.use_cases.request_conditions import CONDITIONS, Condition
from tests.fakes.interposer import traced
from tests.fakes.world import World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import REFUSED, UNCLEAR, answer_before, answer_next, ask
from tests.unit.support import raises

O, R, F = Mode.ORDINARY, Mode.REPOST, Mode.FORCED  # noqa: E741

EXPECTED = {
    "REQ-1": {O, R, F},
    "REQ-2": {O, R, F},
    "REQ-3": {R},
    "REQ-4": {O},
    "REQ-5": {O, R},
    "REQ-6": {O, R},
    "REQ-7": {O, R},
    "REQ-8": {O, R, F},
    "REQ-9": {O, R},
    "REQ-17": {O, R},
    "REQ-19": {O, R},
}


def test_the_conditions_their_order_and_their_modes() -> None:
    assert {condition.rule: set(condition.modes) for condition in CONDITIONS} == EXPECTED
    assert [condition.rule for condition in CONDITIONS] == list(EXPECTED)
    assert len({condition.name for condition in CONDITIONS}) == len(CONDITIONS)


def unseeded(make: MakeWorld) -> World:
    return make()


def due(make: MakeWorld, **policy: object) -> World:
    world = make(**policy)
    world.seed()
    world.clock.advance(days=60)
    return world


def unanswered(make: MakeWorld) -> World:
    world = due(make)
    answer_before(world)
    answer_next(world, UNCLEAR)
    ask(world)
    return world


def answered_in_between(make: MakeWorld) -> World:
    world = unanswered(make)
    world.clock.advance(hours=25)
    world.amazon.rotate_by_hand()
    world.drain()
    return world


def young(make: MakeWorld) -> World:
    world = make()
    world.seed()
    return world


def paused(make: MakeWorld) -> World:
    return due(make, paused=True)


def just_refused(make: MakeWorld) -> World:
    world = due(make)
    answer_next(world, REFUSED)
    with raises(world, RequestRefused):
        ask(world)
    return world


def closed_queue(make: MakeWorld) -> World:
    world = due(make)
    world.queue.policy = None
    return world


def unread(make: MakeWorld) -> World:
    world = due(make)
    world.queue.visible.append("a message")
    return world


def many_versions(make: MakeWorld) -> World:
    world = due(make)
    for number in range(60):
        world.store.put(world.secret_id, f"other-{number}", "{}", {"OTHER"})
    return world


Case = tuple[str, Callable[[MakeWorld], World], Mode, type[Declined]]

CASES: list[Case] = [
    ("REQ-1", unseeded, O, NotSeeded),
    ("REQ-3", answered_in_between, R, AlreadyRequested),
    ("REQ-4", young, O, NotDue),
    ("REQ-5", paused, O, OutsideWindow),
    ("REQ-6", unanswered, O, TooSoon),
    ("REQ-7", just_refused, O, TooSoon),
    ("REQ-8", closed_queue, O, QueueNotReady),
    ("REQ-9", unread, O, UnreadMessages),
    ("REQ-19", many_versions, O, TooManyVersions),
]


@pytest.mark.rule(id="REQ-1")
@pytest.mark.rule(id="REQ-3")
@pytest.mark.rule(id="REQ-9")
@pytest.mark.parametrize(("rule", "make", "mode", "error"), CASES, ids=[case[0] for case in CASES])
def test_each_condition_ends_the_request_before_the_next_is_asked_and_before_anything_is_written(
    make_world: MakeWorld,
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    make: Callable[[MakeWorld], World],
    mode: Mode,
    error: type[Declined],
) -> None:
    world = make(make_world)
    asked: list[str] = []

    def noting(condition: Condition) -> Condition:
        def require(attempt: object) -> object:
            asked.append(condition.rule)
            return condition.require(attempt)  # type: ignore[arg-type]

        return Condition(condition.rule, condition.name, require, condition.modes)  # type: ignore[arg-type]

    monkeypatch.setattr("spapi_rotation_lambda.use_cases.request.CONDITIONS", tuple(map(noting, CONDITIONS)))
    ports, calls = traced(world.ports)
    with raises(world, error):
        request(ports, world.application, Trigger.SCHEDULE, mode=mode)
    in_this_mode = [condition.rule for condition in CONDITIONS if mode in condition.modes]
    assert asked == in_this_mode[: in_this_mode.index(rule) + 1]
    assert not [call for call in calls if call.startswith(("write", "move", "token", "rotate"))]


@pytest.mark.rule(id="REQ-19")
def test_a_request_leaves_room_for_what_amazon_sends(make_world: MakeWorld) -> None:
    world = many_versions(make_world)
    with raises(world, TooManyVersions, "60 versions of the secret were written within 24 hours"):
        ask(world)
    world.clock.advance(hours=24)  # none of them is young any more
    assert ask(world).certain
    for number in range(60, 90):
        world.store.put(world.secret_id, f"other-{number}", "{}", {"OTHER"})
    world.drain()  # receipt and promotion are never held back
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="REQ-19")
def test_59_young_versions_leave_room_enough(make_world: MakeWorld) -> None:
    world = many_versions(make_world)
    del world.store.secrets[world.secret_id].versions["other-0"]
    assert ask(world).certain


@pytest.mark.rule(id="REQ-19")
@pytest.mark.parametrize(("days", "posts"), [(150, 0), (150.01, 1)])
def test_a_secret_that_dies_within_30_days_is_rotated_all_the_same(
    make_world: MakeWorld, days: float, posts: int
) -> None:
    world = make_world()
    world.seed()
    world.clock.advance(days=days)
    for number in range(60):
        world.store.put(world.secret_id, f"other-{number}", "{}", {"OTHER"})
    world.check()
    assert world.amazon.posts == posts


@pytest.mark.rule(id="REQ-19")
def test_a_person_may_force_it(make_world: MakeWorld) -> None:
    assert ask(many_versions(make_world), mode=F).certain


@pytest.mark.rule(id="REQ-2")
def test_a_trigger_text_that_has_requested_ends_it_with_that_request(make_world: MakeWorld) -> None:
    world = due(make_world)
    first = ask(world, Trigger.PULUMI_UP, reference="text")
    ports, calls = traced(world.ports)
    again = request(ports, world.application, Trigger.PULUMI_UP, reference="text")
    assert (again.requested_at, again.earlier) == (first.requested_at, True)
    assert "inspect" not in calls


@pytest.mark.rule(id="REQ-6")
def test_the_mode_is_what_a_request_may_pass(make_world: MakeWorld) -> None:
    world = unanswered(make_world)
    world.clock.advance(days=5)
    with raises(world, TooSoon):
        ask(world, mode=O)
    saved = world.clock.now()
    assert ask(world, Trigger.SCHEDULE, mode=R).certain
    world.clock.time = saved + timedelta(hours=1)
    with raises(world, AlreadyRequested):
        ask(world, Trigger.SCHEDULE, mode=R)
    assert ask(world, mode=F).certain
