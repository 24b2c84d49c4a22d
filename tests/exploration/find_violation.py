"""Looks for a violation in the code that this process imports. Run by the check of the check, for one defect.

``python -m tests.exploration.find_violation BUDGET NAME ...`` looks in the scenarios and meetings of these names.
Prints the first violation and exits with 1; exits with 0 when there is none.
"""

import sys
from collections.abc import Iterator, Sequence

from tests.exploration.all_scenarios import scenarios
from tests.exploration.explore import Explorer, Scenario
from tests.exploration.meetings import meetings
from tests.exploration.workers import Meeting, Meetings


def violations(budget: int, names: Sequence[str]) -> Iterator[str]:
    """The first violation of each of the named scenarios and meetings that has one.

    Args:
        budget: faults in a history, and switches between two workers.
    """
    everything: list[Scenario | Meeting] = [*scenarios(), *meetings()]
    named = [one for one in everything if one.name in names]
    if not names or len(named) != len(names):
        raise LookupError(f"unknown names among {names}")
    for one in named:
        if isinstance(one, Meeting):
            figures = Meetings(one, budget, stop_at_first=True).run()
        else:
            figures = Explorer(one, min(budget, one.faults), stop_at_first=True).run()
        yield from figures.violations[:1]


def main(arguments: Sequence[str]) -> int:
    """Hunt with growing budgets."""
    most, names = int(arguments[0]), arguments[1:]
    for budget in range(most + 1):
        for line in violations(budget, names):
            sys.stdout.write(f"{line}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
