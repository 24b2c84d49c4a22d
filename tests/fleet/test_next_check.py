"""Skipping checks changes nothing: the same applications, with every check run and with those alone that can matter."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.exploration.callers import Ended
from tests.exploration.explored_world import World
from tests.fleet.life import AS_PLANNED, NOTHING_FAILS, Rates
from tests.fleet.next_check import when_it_matters
from tests.fleet.shared_component import SharedComponent

SEED, YEARS = 3, 0.25
HARD = Rates(calls=0.02, messages=0.1, people=8.0, outages=12.0, deploys=3.0, poison=3.0)
"""So much that a few applications meet everything in a few months."""


def outcome(component: SharedComponent) -> list[Any]:
    """All that is stored, known at Amazon, remembered, and found, at the end."""
    figures = component.run()
    worlds = [member.world for member in component.members.values()]
    return [
        [(world.secrets.save()[0], world.app.amazon.save(), world.app.memory, world.transit) for world in worlds],
        component.world.queue.save(),
        (figures.posts, figures.rotations, figures.waits, figures.open, figures.messages),
        (figures.dark, figures.violations),
    ]


def one(rates: Rates, *, every_hour: bool, applications: int = 4) -> SharedComponent:
    return SharedComponent(0, applications, SEED, rates, YEARS, every_hour=every_hour)


POISONED = Rates(calls=0.0, messages=0.0, people=0.0, outages=0.0, deploys=0.0, poison=60.0)
"""A message that nobody can read is in the queue on most days."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "rates",
    [AS_PLANNED, HARD, NOTHING_FAILS, POISONED],
    ids=["as planned", "hard", "nothing fails", "the queue is seldom empty"],
)
def test_the_outcome_is_that_of_every_hour(rates: Rates) -> None:
    walked, skipping = one(rates, every_hour=True), one(rates, every_hour=False)
    assert outcome(skipping) == outcome(walked)
    assert walked.figures.skipped == 0
    assert walked.figures.checks == skipping.figures.checks + skipping.figures.skipped
    assert walked.figures.checks > 4 * skipping.figures.checks
    assert skipping.figures.rotations >= 3


@pytest.mark.slow
def test_the_calls_of_skipped_checks_are_those_that_they_would_have_made() -> None:
    """But for a few: for days after a request the check of the day reads its record as well."""
    rates = Rates(calls=0.0, messages=0.1, people=4.0, outages=0.0, deploys=3.0, poison=0.0)
    walked, skipping = one(rates, every_hour=True), one(rates, every_hour=False)
    walked.run()
    skipping.run()
    assert skipping.figures.calls == pytest.approx(walked.figures.calls, rel=0.005)


@pytest.mark.slow
def test_skipping_too_much_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(world: World, ended: Ended) -> datetime:
        return when_it_matters(world, ended) + timedelta(hours=2)

    walked = outcome(one(AS_PLANNED, every_hour=True))
    monkeypatch.setattr("tests.fleet.shared_component.when_it_matters", late)
    assert outcome(one(AS_PLANNED, every_hour=False)) != walked
