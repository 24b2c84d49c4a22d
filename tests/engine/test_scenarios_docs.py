"""The table of the fault scenarios in the documentation is the one that the code expects."""

from tests.engine.fault_scenarios.suite import DOCS, docs_with_table


def test_the_table_in_the_documentation_is_current() -> None:
    text = DOCS.read_text()
    assert docs_with_table(text) == text
