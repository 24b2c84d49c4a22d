"""What became of each example, by name, at the end of a run."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROPERTY = "example"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The marks travel with the reports, from pytest-xdist's workers too."""
    for item in items:
        for mark in item.iter_markers(PROPERTY):
            item.user_properties.append((PROPERTY, mark.args))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each folder of examples."""
    told: dict[str, dict[str, bool]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for _, (name, what) in (each for each in report.user_properties if each[0] == PROPERTY):
                ways = told.setdefault(name, {})
                ways[what] = ways.get(what, True) and outcome == "passed"
    if not told:
        return
    terminalreporter.section("examples")
    names = sorted(each.name for each in EXAMPLES.iterdir() if each.is_dir())
    for name in names:
        ways = told.get(name, {})
        said = [what if passed else f"NOT {what}" for what, passed in ways.items()]
        terminalreporter.line(f"{name:22}{', '.join(said) or 'NOT RUN'}")
