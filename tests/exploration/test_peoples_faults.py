"""People's faults, and an Amazon that differs from its documentation, each with every single fault of a machine."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from spapi_rotation_lambda.domain.errors import StoreFailed
from tests.exploration.all_scenarios import scenarios
from tests.exploration.callers import HOUR, check, telling_nonces_apart
from tests.exploration.ending import advance
from tests.exploration.explore import Explorer, Scenario
from tests.exploration.explored_world import App, World
from tests.exploration.misleading_dates import misleading_dates
from tests.exploration.peoples_faults import peoples_faults, tool, undated_and_young
from tests.exploration.scenarios import aged, edit, rotated, slow_amazon, undate


@pytest.mark.rule(id="P-1")
@pytest.mark.rule(id="P-2")
@pytest.mark.rule(id="P-3")
@pytest.mark.rule(id="P-4")
@pytest.mark.rule(id="P-5")
@pytest.mark.parametrize("scenario", (*peoples_faults(), *misleading_dates()), ids=lambda scenario: scenario.name)
def test_no_single_fault_breaks_an_invariant(scenario: Scenario) -> None:
    figures = Explorer(scenario, min(scenario.faults, 1)).run()
    assert figures.violations == []
    assert figures.faults >= scenario.faults > 0 or scenario.faults == figures.faults == 0


def test_every_scenario_has_a_name_of_its_own() -> None:
    names = [scenario.name for scenario in scenarios()]
    assert len(names) == len(set(names))


# Habits: what people do again and again, with hourly checks between.

TEN_MINUTES = timedelta(minutes=10, seconds=7)
"""As a tool that runs every ten minutes, and takes a while: it does not meet its own write of the day before."""


def _live(
    world: World, *, hours: int, every: timedelta, write: Callable[[World, App], None], paused: bool = False
) -> list[str]:
    """Hourly checks, and a write every so often; what is violated, or wrong at a check."""
    world.policy = replace(world.policy, paused=paused)
    with telling_nonces_apart(lambda: world):
        end, next_write = world.clock.time + hours * HOUR, world.clock.time + every
        while world.clock.time < end:
            next_check = world.clock.time + HOUR
            while next_write <= next_check:
                _write(world, next_write, write)
                next_write += every
            advance(world, next_check)
            check(world, world.app)
    return world.violations


def _write(world: World, at: datetime, write: Callable[[World, App], None]) -> None:
    advance(world, at)
    with suppress(StoreFailed):  # AWS keeps no more versions for now: the tool fails, and writes again next time
        write(world, world.app)


@pytest.mark.rule(id="P-2")
@pytest.mark.rule(id="P-5")
@pytest.mark.rule(id="REQ-19")
@pytest.mark.parametrize("prepare", [rotated, slow_amazon(rotated)], ids=["at once", "accepted late"])
@pytest.mark.parametrize("write", [edit, undate], ids=["dated", "undated"])
def test_edits_every_ten_minutes_delay_a_rotation_and_do_not_stop_it(
    prepare: Callable[[], World], write: Callable[[World, App], None]
) -> None:
    world = prepare()
    before = world.app.memory.current
    assert _live(world, hours=11, every=TEN_MINUTES, write=write, paused=True) == []
    assert _live(world, hours=15, every=TEN_MINUTES, write=write) == []
    assert world.secrets.versions_and_young(world.app.secret_id, world.clock.time - timedelta(hours=24))[1] > 90
    assert world.app.amazon.newest.text == before  # the room that is left is for what Amazon sends
    aged(world, timedelta(days=91))  # until the secret in use dies within 30 days
    assert _live(world, hours=11, every=TEN_MINUTES, write=write, paused=True) == []
    assert _live(world, hours=30, every=TEN_MINUTES, write=write) == []
    assert world.app.memory.current == world.app.amazon.newest.text != before
    assert not world.queue.dead()


@pytest.mark.rule(id="REQ-4")
def test_a_secret_that_is_edited_every_night_is_rotated_when_it_is_due() -> None:
    world = undated_and_young()
    before = world.app.memory.current
    assert _live(world, hours=22 * 24, every=timedelta(days=1), write=undate) == []
    assert world.app.memory.current == before
    assert _live(world, hours=24, every=timedelta(days=1), write=undate) == []
    assert world.app.memory.current == world.app.amazon.newest.text != before


@pytest.mark.rule(id="SET-1")
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "undated"])
def test_what_a_tool_overwrites_every_night_is_in_use_each_morning(whole: bool) -> None:
    world = rotated()
    applied = len(world.app.amazon.ever) - 1
    assert _live(world, hours=3, every=timedelta(days=1), write=undate) == []
    newest = world.app.amazon.newest.text
    assert world.app.memory.current == newest
    for _ in range(21):
        assert _live(world, hours=24, every=timedelta(hours=23), write=tool(applied, whole=whole)) == []
        assert world.app.memory.current == newest
    assert world.app.amazon.newest.text == newest
