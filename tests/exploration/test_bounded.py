"""The bounded part of the fault exploration: every single fault, every meeting with one switch, random histories,
every deliberate defect."""

import pytest

from tests.exploration import random_histories
from tests.exploration.defects import DEFECTS, Defect, look_for
from tests.exploration.explore import Explorer, Scenario
from tests.exploration.meetings import meetings
from tests.exploration.scenarios import scenarios
from tests.exploration.workers import Meeting, Meetings

RANDOM_HISTORIES, RULES = 250, 50


@pytest.mark.rule(id="P-1")
@pytest.mark.rule(id="P-2")
@pytest.mark.rule(id="P-3")
@pytest.mark.rule(id="P-4")
@pytest.mark.rule(id="P-5")
@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_no_single_fault_breaks_an_invariant(scenario: Scenario) -> None:
    figures = Explorer(scenario, 1).run()
    assert figures.violations == []
    assert figures.faults > 0


@pytest.mark.rule(id="P-1")
@pytest.mark.rule(id="P-2")
@pytest.mark.rule(id="P-3")
@pytest.mark.rule(id="P-4")
@pytest.mark.parametrize("meeting", meetings(), ids=lambda meeting: meeting.name)
def test_no_meeting_of_two_workers_breaks_an_invariant(meeting: Meeting) -> None:
    figures = Meetings(meeting, 1).run()
    assert figures.violations == []
    assert figures.histories > 2


@pytest.mark.rule(id="P-1")
@pytest.mark.rule(id="P-2")
@pytest.mark.rule(id="P-3")
@pytest.mark.rule(id="P-4")
@pytest.mark.rule(id="P-5")
def test_no_random_history_breaks_an_invariant() -> None:
    figures = random_histories.run(RANDOM_HISTORIES, RULES, seed=1)
    assert figures.violation == ""
    assert figures.examples >= RANDOM_HISTORIES
    assert figures.calls > 100 * RANDOM_HISTORIES


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_exploration_catches(defect: Defect) -> None:
    assert look_for(defect).caught
