"""Every operator action, killed before and after each of its external calls and then repeated, ends as if nothing had
happened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.times import format_time
from tests.fakes.interposer import Crash, Watcher, interposed
from tests.fakes.world import World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import answer_before
from tests.unit.test_operator_events import operate, status

pytestmark = pytest.mark.no_cover

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Action:
    """An event of the operator interface, and a world where it has something to do.

    Attributes:
        already: the errors with which a repetition says that it is done.
    """

    action: str
    prepare: Callable[[World], dict[str, Any]]
    already: tuple[str, ...] = ("NothingToDo",)


def _seeded(world: World) -> None:
    world.seed()
    world.clock.advance(days=60)


def _pending(world: World) -> dict[str, Any]:
    """Received an hour ago, accepted by now."""
    _seeded(world)
    world.amazon.usable_after = timedelta(minutes=30)
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(hours=1)
    return {}


def _rejected(world: World) -> dict[str, Any]:
    _pending(world)
    look_and_act(world, "reject")
    return {}


def _in_use(world: World) -> dict[str, Any]:
    _pending(world)
    look_and_act(world, "check")
    world.clock.advance(hours=1)
    return {}


def _due(world: World) -> dict[str, Any]:
    """Again: a request that dies before its POST is repeated where the queue has answered one before."""
    _seeded(world)
    answer_before(world)
    return {}


def _unseeded(world: World) -> dict[str, Any]:
    return _newest(world)


def _silent(world: World) -> dict[str, Any]:
    """A secret is rejected; a person made another one at Amazon, and its message never came."""
    _rejected(world)
    world.amazon.rotate_by_hand(message=False)
    world.clock.advance(hours=1)
    return _newest(world)


def _newest(world: World) -> dict[str, Any]:
    newest = world.amazon.newest
    return {
        "client_secret": newest.text,
        "issued_at": format_time(newest.issued_at),
        "expires_at": format_time(newest.expires_at),
    }


def _dead(world: World) -> dict[str, Any]:
    """Two dead letters: a new secret, and one that is nobody's."""
    _seeded(world)
    new = world.amazon.rotate_by_hand(message=False)
    world.queue.dead += [world.amazon.message(new, world.amazon.ever[-2].expires_at), "nothing of Amazon's"]
    world.clock.advance(hours=1)
    return {}


def _discarded(world: World) -> dict[str, Any]:
    _dead(world)
    return {"message_id": "message-1"}


class Dying:
    """Dies at the n-th of the moments right before and right after a call."""

    def __init__(self, place: int) -> None:
        self._left = place

    def __call__(self, _call: str) -> None:
        if self._left == 0:
            raise Crash
        self._left -= 1


ACTIONS = {
    "check of a pending secret": Action("check", _pending),
    "check when a rotation is due": Action("check", _due),
    "request": Action("request", _due, already=("TooSoon",)),
    "promote the pending": Action("promote", _pending),
    "promote the rejected": Action("promote", _rejected),
    "reject": Action("reject", _pending),
    "rollback": Action("rollback", _in_use),
    "seed an empty secret": Action("seed", _unseeded),
    "seed beside a rejected one": Action("seed", _silent),
    "redrive": Action("redrive", _dead),
    "discard": Action("discard", _discarded),
}


def look_and_act(
    world: World, action: str, more: dict[str, Any] | None = None, *, watch: Watcher | None = None
) -> dict[str, Any]:
    """Look first, then act on what was seen, as the command does."""
    ports = world.ports
    if watch is not None:
        ports = interposed(ports, before=watch, after=watch)
    return operate(world, action, ports=ports, expect=status(world)["seen"], **(more or {}))


def outcome(world: World) -> Outcome:
    """What is left: secrets under labels, in how many versions, dead letters, rotations at Amazon, what was announced.

    A second record of a request is no harm, so records do not count.
    """
    labels = (Label.CURRENT, Label.PENDING, Label.REJECTED)
    versions = world.store.secrets[world.secret_id].versions.values()
    return {
        "secrets": {label: (world.value(label) or {}).get("client_secret") for label in labels},
        "dead": sorted(world.queue.dead),
        "made": len(world.amazon.ever),
        "stored": sum('"client_secret"' in version.text for version in versions),
        "announced": {event.version_id for event in world.recorder.events},
    }


def settle(world: World) -> None:
    """Six days on, with the machine at work: a day after the one repost."""
    world.run(hours=24 * 6)


@pytest.mark.rule(id="P-1")
@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_killed_at_any_call_and_repeated_ends_as_if_never_killed(make_world: MakeWorld, name: str) -> None:
    acted = ACTIONS[name]
    undisturbed = make_world()
    more = acted.prepare(undisturbed)
    start = outcome(undisturbed)
    calls: list[str] = []
    answer = look_and_act(undisturbed, acted.action, more, watch=calls.append)
    assert "error" not in answer, answer
    assert calls
    settle(undisturbed)
    wanted = outcome(undisturbed)
    assert wanted != start

    for place in range(len(calls)):
        world = make_world()
        more = acted.prepare(world)
        with pytest.raises(Crash):
            look_and_act(world, acted.action, more, watch=Dying(place))
        world.clock.advance(minutes=2)
        again = look_and_act(world, acted.action, more)
        if "error" in again:
            assert again["error"]["type"] in acted.already, (calls[place], again["error"])
        settle(world)
        assert outcome(world) == wanted, (place, calls[place])
