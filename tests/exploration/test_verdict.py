"""The verdict of a preview, and what `up` then does, over the states that the scenarios reach with a fault or without.

Between the two nothing happens: no message is handed over, and Amazon answers what it would have answered.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from spapi_rotation.rotate_on_up.verdict import UNASKED, Kind, Verdict, verdict
from spapi_rotation_lambda.domain.errors import (
    RequestRefused,
    RotationDeclined,
    RotationError,
    StoreFailed,
    TokenNotIssued,
)
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import Ports, Scope
from tests.exploration.callers import (
    HOUR,
    faulty_ports,
    rotate_in_console,
    telling_nonces_apart,
)
from tests.exploration.ending import advance
from tests.exploration.explore import Explorer, Scenario
from tests.exploration.explored_world import SavedWorld, World
from tests.exploration.faulty import (
    FaultyAmazon,
    Injector,
    Op,
)
from tests.exploration.scenarios import scenarios

TEXTS = ("one", "two", "new")
"""The first two are in some of the scenarios."""

MAY_BE_UNKNOWN = (UNASKED, "messages wait, and may be taken soon.", "lie unclaimed", "has lost its label.")

READING = {Op.VERSIONS, Op.READ, Op.CREATED_AT, Op.DESCRIBED, Op.VERSIONS_AND_YOUNG, Op.INSPECT}


class Reached(Explorer):
    """Walks a scenario and keeps every world between two steps; no history is run to its ending."""

    def __init__(self, scenario: Scenario, faults: int) -> None:
        super().__init__(scenario, faults)
        self._reached: dict[object, SavedWorld] = {}

    def _finish(self, saved: SavedWorld, path: tuple[str, ...]) -> None:
        self._reached[outside(saved)] = saved

    def states(self) -> tuple[World, list[SavedWorld]]:
        """The world, and each state of it that was reached."""
        self.run()
        for saved, _, _ in self._known:
            self._reached[outside(saved)] = saved
        return self._world, list(self._reached.values())


def outside(saved: SavedWorld) -> object:
    """A saved world without what the invariants remember, and without the number of the last nonce."""
    *before, _serial, store_down, amazon_down, unclaimed, strangers, readers, applications = saved
    known = tuple(amazon for amazon, _memory in applications)
    return *before, store_down, amazon_down, unclaimed, strangers, readers, known


def run(world: World, what: Callable[[Ports], Any]) -> tuple[Any, list[Op]]:
    """Run the real code once, without a fault: what it gave or raised, and its external calls."""
    injector = Injector(world.clock, {}, after=lambda _op: None)
    amazon = FaultyAmazon(world.fleet, injector, lambda _token, reached: None, lambda _token: None)
    ports = faulty_ports(world, injector, amazon, deleting=lambda _body: None)
    try:
        return what(ports), injector.ops
    except RotationError as error:
        return error, injector.ops


def told(world: World, text: str) -> Verdict:
    """The verdict, which changes nothing and asks nobody at Amazon."""
    saved = world.save()
    found, calls = run(world, lambda ports: verdict(ports, world.app.application, text))
    assert isinstance(found, Verdict), found
    assert set(calls) <= READING, calls
    assert outside(world.save()) == outside(saved)
    return found


def done(world: World, text: str) -> Verdict:
    """What `up` does, in the words of a verdict. Of what Amazon answers to a request, a verdict knows nothing."""
    event = {"action": "rotate_on_up", "client_id": world.app.application.client_id, "trigger": text}
    ended, calls = run(world, lambda ports: dispatch(ports, event))
    if Op.ROTATE in calls:
        return Verdict(Kind.ROTATES)
    if isinstance(ended, dict):
        return Verdict(Kind.REQUESTED)
    if isinstance(ended, RotationDeclined) and isinstance(ended.declined, TokenNotIssued | RequestRefused):
        return Verdict(Kind.ROTATES)
    return Verdict(Kind.FAILS if isinstance(ended, StoreFailed) else Kind.DECLINED, " ".join(str(ended).split()))


def compare(world: World, text: str) -> str:
    """What was told, and came true; the reason where it is unknown."""
    before, after = told(world, text), done(world, text)
    if before.kind is Kind.UNKNOWN:
        (reason,) = (reason for reason in MAY_BE_UNKNOWN if reason in before.reason)
        return reason
    assert before == after
    return before.kind


def comparisons(scenario: Scenario, faults: int) -> Iterator[str]:
    """Each state that a scenario reaches: without a fault with every text, else with one of them in turn."""
    world, states = Reached(scenario, faults).states()
    with telling_nonces_apart(lambda: world):
        for number, saved in enumerate(states):
            for text in (TEXTS[number % len(TEXTS)],) if faults else TEXTS:
                world.restore(saved)
                yield compare(world, text)


@pytest.mark.rule(id="UP-7")
@pytest.mark.parametrize("faults", [0, 1])
def test_the_verdict_of_a_preview_comes_true(faults: int) -> None:
    seen: Counter[str] = Counter()
    for scenario in scenarios():
        seen.update(comparisons(scenario, faults))
    assert set(seen) >= {Kind.ROTATES, Kind.REQUESTED, Kind.DECLINED, Kind.FAILS}
    unknown = sum(seen[reason] for reason in MAY_BE_UNKNOWN)
    assert unknown < seen.total() / 50, seen


def test_it_is_unknown_where_amazons_word_on_a_received_secret_decides() -> None:
    """The secret in use died of age a day after another was made: until that is in use, it forbids a third one."""
    world = World()
    world.seed(stage="production")
    world.clock.time += timedelta(days=175)
    world.app.amazon.usable_after = timedelta(days=7)
    rotate_in_console(world, world.app)
    advance(world, world.clock.time + HOUR)
    world.clock.time += timedelta(days=6)
    saved = world.save()
    assert compare(world, "new") == UNASKED
    silent = dict.fromkeys(Scope, (503, "server_error"))
    for errors, kind in ((silent, Kind.DECLINED), ({}, Kind.ROTATES)):
        world.restore(saved)
        world.app.amazon.lwa_errors = errors
        assert done(world, "new").kind is kind
