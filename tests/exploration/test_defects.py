"""The check of the check: every deliberate defect is caught, in the scenarios and meetings that are named for it."""

import pytest

from tests.exploration.defects import DEFECTS, Defect, look_for


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_exploration_catches(defect: Defect) -> None:
    assert look_for(defect).caught
