"""An Amazon that differs from its documentation, and what people do in AWS, each with every fault of a machine."""

import pytest

from tests.exploration.explore import Explorer, Scenario
from tests.exploration.faults_in_aws import faults_in_aws
from tests.exploration.odd_messages import odd_messages


@pytest.mark.rule(id="P-1")
@pytest.mark.rule(id="P-2")
@pytest.mark.rule(id="P-3")
@pytest.mark.rule(id="P-4")
@pytest.mark.rule(id="P-5")
@pytest.mark.parametrize("scenario", (*faults_in_aws(), *odd_messages()), ids=lambda scenario: scenario.name)
def test_no_single_fault_breaks_an_invariant(scenario: Scenario) -> None:
    figures = Explorer(scenario, min(scenario.faults, 1)).run()
    assert figures.violations == []
    assert figures.faults >= scenario.faults > 0 or scenario.faults == figures.faults == 0
