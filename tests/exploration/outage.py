"""An outage of Secrets Manager, at any moment of a rotation: nobody is needed."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.exploration.callers import HOUR, Before, check, hand_over, telling_nonces_apart
from tests.exploration.explored_world import World
from tests.exploration.faulty import Op
from tests.exploration.invariants import QUIET

LASTS = timedelta(hours=23)
WATCHED_HOURS = 36


class _Calls:
    """Counts the external calls of a rotation; at a chosen one the outage begins."""

    def __init__(self, world: World, begins_at: int) -> None:
        self.number = 0
        self._world, self._begins_at = world, begins_at

    def before(self, _op: Op) -> None:
        self.number += 1
        if self.number == self._begins_at:
            self._world.store_down_until = self._world.clock.time + LASTS


def calls_of_a_rotation(prepare: Callable[[], World]) -> int:
    """How many external calls its first two hours make without an outage: the rotation, from request to promotion."""
    world = prepare()
    calls = _Calls(world, 0)
    with telling_nonces_apart(lambda: world):
        _watch(world, calls.before, hours=2)
    assert world.app.memory.current == world.app.amazon.newest.text
    return calls.number


def violations(prepare: Callable[[], World], begins_at: int) -> list[str]:
    """What is wrong 36 hours after a rotation in which the outage began before this call."""
    world = prepare()
    made = len(world.app.amazon.ever)
    with telling_nonces_apart(lambda: world):
        state = _watch(world, _Calls(world, begins_at).before, hours=WATCHED_HOURS)
    found = [f"[outage before call {begins_at}] {line}" for line in world.violations]
    if world.queue.dead():
        found.append(f"[outage before call {begins_at}] {QUIET}: a dead letter")
    if state != "CURRENT" or world.app.memory.current != world.app.amazon.newest.text:
        found.append(f"[outage before call {begins_at}] {QUIET}: state {state}")
    if len(world.app.amazon.ever) != made + 1:
        found.append(f"[outage before call {begins_at}] {QUIET}: {len(world.app.amazon.ever) - made} secrets were made")
    return found


def _watch(world: World, before: Before, *, hours: int) -> object:
    """Hourly checks, and every delivery at its time; the last check's state, None if that raised."""
    state: object = None
    for _ in range(hours):
        ended = check(world, world.app, before=before)
        state = ended.result["state"] if isinstance(ended.result, dict) else None
        _deliver(world, before, world.clock.time + HOUR)
    return state


def _deliver(world: World, before: Before, until: datetime) -> None:
    while True:
        world.arrive()
        while (message := world.queue.receive()) is not None:
            hand_over(world, message, before=before)
            world.arrive()
        visible = world.queue.next_visible_at()
        moments = [*(one.at for one in world.transit), *([visible] if visible is not None else ())]
        if not moments or min(moments) > until:
            break
        world.clock.time = max(world.clock.time, min(moments))
    world.clock.time = max(world.clock.time, until)
