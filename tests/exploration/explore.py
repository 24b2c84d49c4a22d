"""Every history of a scenario with up to a number of faults, by depth-first search over the real code.

A scenario is a prepared world and a list of steps, each at most one invocation. Each step runs without a fault and
with each fault at each of its external calls, from a saved world. Histories that reach the same world at the same
step with the same number of faults left have the same future, so that future is walked once and counted for all.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.exploration.callers import HOUR, Ended, check, hand_over, telling_nonces_apart
from tests.exploration.ending import finish
from tests.exploration.explored_world import SavedWorld, World
from tests.exploration.faulty import KINDS, Kind, Plan

Step = Callable[[World, Plan], Ended]
MOST_REPORTS = 20


@dataclass(frozen=True)
class Scenario:
    """A prepared world and what happens in it.

    Attributes:
        name: what it is about.
        prepare: makes the world at the moment of the first step.
        steps: what happens; ``event`` is whatever the platform does next.
        faults: how many faults a history may have in the long run.
        people: how many faults of people are in the prepared world.
    """

    name: str
    prepare: Callable[[], World]
    steps: tuple[Step, ...]
    faults: int = 3
    people: int = 0


@dataclass
class Figures:
    """What was done, added up.

    Attributes:
        histories: distinct histories, by what happened at which call.
        with_faults: those with at least one fault.
        faults: faults in all histories together.
        people: faults of people in all histories together.
        invocations: runs of the real code.
        calls: external calls of those runs, after each of which the invariants were checked.
        ends: ends of histories that were run until quiet, cleared and rotated again.
        states: in which state those came to rest.
        violations: one line each, at most ``MOST_REPORTS``.
        violated: histories with a violation.
    """

    histories: int = 0
    faults: int = 0
    people: int = 0
    invocations: int = 0
    calls: int = 0
    ends: int = 0
    seconds: float = 0.0
    violated: int = 0
    states: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Figures") -> None:
        """Add another scenario's figures."""
        self.histories += other.histories
        self.faults += other.faults
        self.people += other.people
        self.invocations += other.invocations
        self.calls += other.calls
        self.ends += other.ends
        self.seconds += other.seconds
        self.violated += other.violated
        self.states.update(other.states)
        self.violations += other.violations


def event(world: World, plan: Plan) -> Ended:
    """Whatever the platform does next: hand over a message, or the check."""
    while True:
        world.arrive()
        if (message := world.queue.receive()) is not None:
            return hand_over(world, message, plan)
        moments = [world.next_check, *(one.at for one in world.transit)]
        visible = world.queue.next_visible_at()
        if visible is not None:
            moments.append(visible)
        moment = min(moments)
        world.clock.time = max(world.clock.time, moment)
        if moment == world.next_check:
            return schedule(world, plan)


def schedule(world: World, plan: Plan) -> Ended:
    """The next check of the schedule."""
    world.clock.time = max(world.clock.time, world.next_check)
    while world.next_check <= world.clock.time:
        world.next_check += HOUR
    return check(world, world.app, plan)


@dataclass(slots=True)
class _Below:
    """The histories below a point: how many, and how many faults, and faults of people, they have together."""

    histories: int = 0
    faults: int = 0
    people: int = 0


class Explorer:
    """Walks one scenario."""

    def __init__(self, scenario: Scenario, faults: int, *, stop_at_first: bool = False) -> None:
        self.figures = Figures()
        self._scenario, self._faults, self._stop = scenario, faults, stop_at_first
        self._world = scenario.prepare()
        self._known: dict[tuple[SavedWorld, int, int], _Below] = {}
        self._ended: dict[SavedWorld, tuple[str, ...]] = {}

    def run(self) -> Figures:
        """Walk everything."""
        start = time.perf_counter()
        with telling_nonces_apart(lambda: self._world):
            below = self._walk(self._world.save(), 0, self._faults, ())
        self.figures.histories, self.figures.faults = below.histories, below.faults
        self.figures.people = below.people + self._scenario.people * below.histories
        self.figures.seconds = time.perf_counter() - start
        return self.figures

    def _walk(self, saved: SavedWorld, index: int, budget: int, path: tuple[str, ...]) -> _Below:
        if self._stop and self.figures.violations:
            return _Below()
        if index == len(self._scenario.steps):
            self._finish(saved, path)
            return _Below(1, 0)
        key = (saved, index, budget)
        below = self._known.get(key)
        if below is None:
            below = self._known[key] = self._expand(saved, index, budget, {}, path)
        return below

    def _expand(
        self, saved: SavedWorld, index: int, budget: int, plan: dict[int, Kind], path: tuple[str, ...]
    ) -> _Below:
        world = self._world
        world.restore(saved)
        ended = self._scenario.steps[index](world, plan)
        self.figures.invocations += 1
        self.figures.calls += len(ended.ops)
        if ended.void:
            return _Below()
        if world.violations:
            self._report(world.violations, path)
            return _Below(1, 0)
        found = self._walk(world.save(), index + 1, budget, path)
        below = _Below(found.histories, found.faults, found.people + ended.people * found.histories)
        if budget == 0 or (self._stop and self.figures.violations):
            return below
        ops = ended.ops
        for number in range(max(plan, default=0) + 1, len(ops) + 1):
            for kind in KINDS[ops[number - 1]]:
                step = f"step {index + 1}, call {number} ({ops[number - 1]}): {kind}"
                found = self._expand(saved, index, budget - 1, {**plan, number: kind}, (*path, step))
                below.histories += found.histories
                below.faults += found.faults + found.histories
                below.people += found.people
        return below

    def _finish(self, saved: SavedWorld, path: tuple[str, ...]) -> None:
        violations = self._ended.get(saved)
        if violations is None:
            world = self._world
            world.restore(saved)
            state = finish(world, world.app)
            self.figures.ends += 1
            self.figures.states[state.value if state is not None else "(checks raise)"] += 1
            violations = self._ended[saved] = tuple(world.violations)
            if violations:
                self._report(list(violations), path)
        elif violations:
            self.figures.violated += 1

    def _report(self, violations: list[str], path: tuple[str, ...]) -> None:
        self.figures.violated += 1
        if len(self.figures.violations) < MOST_REPORTS:
            history = "; ".join(path) or "no fault"
            self.figures.violations.append(f"[{self._scenario.name}] {' | '.join(violations)} <- {history}")
