"""Every scenario: those of machines, those of people, and those of an Amazon that differs from its documentation."""

from tests.exploration import scenarios as machines
from tests.exploration.explore import Scenario
from tests.exploration.faults_in_aws import faults_in_aws
from tests.exploration.misleading_dates import misleading_dates
from tests.exploration.odd_messages import odd_messages
from tests.exploration.peoples_faults import peoples_faults


def scenarios() -> tuple[Scenario, ...]:
    """All of them, under different names."""
    return (*machines.scenarios(), *peoples_faults(), *faults_in_aws(), *misleading_dates(), *odd_messages())
