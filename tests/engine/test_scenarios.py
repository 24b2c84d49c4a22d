"""Every fault scenario on the real engine, with what was observed beside what is expected: all of them run here.

One run takes about two minutes; ``python -m tests.engine.fault_scenarios`` is the same run, with a table for a person
to read.
"""

import pytest

from sandbox.timeline import Timeline
from spapi_rotation_lambda.domain.state import State
from tests.engine.fault_scenarios.catalog import SCENARIOS, Scenario, Stage
from tests.engine.fault_scenarios.suite import Report, run_all

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

KILLED = ["killed-storing", "killed-pending", "killed-current", "killed-request-record", "killed-post"]
DEMANDED = [*KILLED, "killed-up", "500-after", "lost", "duplicates", "reordered", "late"]
"""What must go wrong at each run: kills between the steps, of ``pulumi up`` too; Amazon's answer, and its messages."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return run_all(tmp_path_factory.mktemp("scenarios") / "box", Timeline())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_it_ends_as_expected(report: Report, scenario: Scenario) -> None:
    (result,) = (each for each in report.results if each.scenario is scenario)
    assert result.trouble == ""
    assert result.seen is not None
    assert result.seen.rows() == scenario.expected.rows()
    assert result.seen == scenario.expected


def test_no_secret_or_token_is_in_any_text_of_the_run(report: Report) -> None:
    assert report.control, "The search finds nothing even where a secret is."
    assert report.texts > 100
    assert report.findings == ()


def test_all_have_run(report: Report) -> None:
    assert [result.scenario.name for result in report.results] == [scenario.name for scenario in SCENARIOS]
    assert {*DEMANDED} <= {scenario.name for scenario in SCENARIOS}
    assert {scenario.stage for scenario in SCENARIOS} == {*Stage}
    assert report.good


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_an_end_that_is_not_current_has_an_alarm(scenario: Scenario) -> None:
    assert scenario.expected.state == State.CURRENT or scenario.expected.alarms
    for state, alarm in ((State.OVERDUE, "overdue"), (State.REFUSED, "refused"), (State.STUCK, "stuck")):
        if any(state in fact for fact in scenario.expected.facts) or scenario.expected.state == state:
            assert alarm in scenario.expected.alarms
