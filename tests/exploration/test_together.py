"""Every meeting of two with one switch, random histories, and an outage of a day."""

from collections.abc import Callable

import pytest

from tests.exploration import outage, random_histories, standard_queue
from tests.exploration import scenarios as scenarios_module
from tests.exploration.explored_world import World
from tests.exploration.meetings import meetings
from tests.exploration.workers import Meeting, Meetings

RANDOM_HISTORIES, RULES = 250, 50


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


OUTAGES = {"rotated": scenarios_module.rotated, "accepted late": scenarios_module.slow_amazon(scenarios_module.rotated)}


@pytest.mark.rule(id="REC-12")
@pytest.mark.parametrize("prepare", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_of_23_hours_at_any_moment_of_a_rotation_needs_no_person(prepare: Callable[[], World]) -> None:
    calls = outage.calls_of_a_rotation(prepare)
    assert calls > 20
    assert [line for number in range(1, calls + 1) for line in outage.violations(prepare, number)] == []


def test_with_ten_deliveries_such_an_outage_leaves_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard_queue, "MAX_RECEIVES", 10)
    calls = outage.calls_of_a_rotation(scenarios_module.rotated)
    found = [line for number in range(1, calls + 1) for line in outage.violations(scenarios_module.rotated, number)]
    assert any("a dead letter" in line for line in found)
