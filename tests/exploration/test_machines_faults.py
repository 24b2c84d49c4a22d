"""Every single fault at every external call, in the scenarios of machines."""

import pytest

from tests.exploration.explore import Explorer, Scenario
from tests.exploration.scenarios import scenarios


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
