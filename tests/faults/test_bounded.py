"""The bounded part of the fault exploration: every single fault, every meeting with one switch, every mutant."""

import pytest

from tests.faults.explore import Explorer, Scenario
from tests.faults.meetings import meetings
from tests.faults.mutants import MUTANTS, Mutant, hunt
from tests.faults.scenarios import scenarios
from tests.faults.workers import Meeting, Meetings

NOT_REACHED = {"the dead-letter queue is not looked at"}
"""Defects that the exploration misses so far; tests/unit/test_preflight.py catches them."""


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_no_single_fault_breaks_an_invariant(scenario: Scenario) -> None:
    figures = Explorer(scenario, 1).run()
    assert figures.violations == []
    assert figures.faults > 0


@pytest.mark.parametrize("meeting", meetings(), ids=lambda meeting: meeting.name)
def test_no_meeting_of_two_workers_breaks_an_invariant(meeting: Meeting) -> None:
    figures = Meetings(meeting, 1).run()
    assert figures.violations == []
    assert figures.histories > 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutant", [one for one in MUTANTS if one.name not in NOT_REACHED], ids=lambda mutant: mutant.name
)
def test_the_exploration_catches(mutant: Mutant) -> None:
    assert hunt(mutant).caught
