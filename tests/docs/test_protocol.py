"""``docs/protocol.md`` is the specification: its rules, its tables and its picture agree with code and tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.tools.pictures import PICTURES, draw
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import Mode
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.use_cases.request_conditions import CONDITIONS

ROOT = Path(__file__).parents[2]
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
DEFINITION = re.compile(r"\*\*([A-Z]{1,3}-\d+)\*\*")
CITATION = re.compile(r"\b(?:SEC|LAB|REQ|REC|NOT|SET|VER|LWA|CHK|OPS|UP|OUT|EVT|STA|P)-\d+\b")
SOURCES = ("components", "rotation_lambda", "sandbox", "tests", "docs/tools")

DEFINED = DEFINITION.findall(PROTOCOL)


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (file for file in (ROOT / folder).rglob("*.py") if ".state" not in file.parts)


def marked(node: ast.AST) -> Iterator[str]:
    """The rules that a test function is marked with."""
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rule":
                [keyword] = decorator.keywords
                assert keyword.arg == "id"
                yield ast.literal_eval(keyword.value)


def marked_rules() -> set[str]:
    return {
        rule
        for file in python_files("tests")
        for node in ast.walk(ast.parse(file.read_text()))
        for rule in marked(node)
    }


def table_rows(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    section = text.partition(f"\n## {heading}\n")[2]
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    first = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return first[2:]


def test_each_rule_is_defined_once() -> None:
    assert len(DEFINED) == len(set(DEFINED))
    assert len(DEFINED) > 60


def test_every_id_that_is_cited_in_code_or_tests_is_defined() -> None:
    cited = {rule: file for file in python_files(*SOURCES) for rule in CITATION.findall(file.read_text())}
    assert {rule: file for rule, file in cited.items() if rule not in DEFINED} == {}
    assert {rule for rule in CITATION.findall(PROTOCOL) if rule not in DEFINED} == set()


def test_every_rule_is_held_by_a_test() -> None:
    assert set(DEFINED) - marked_rules() == set()


def unheld(rows: list[list[str]], held: set[str]) -> list[str]:
    """The values whose row names no rule, or one that no test is marked with."""
    cited = {row[0]: set(CITATION.findall(row[-1])) for row in rows}
    return [value for value, rules in cited.items() if not rules or not rules <= held]


def test_what_is_believed_from_outside_names_rules_that_tests_hold() -> None:
    rows = table_rows(PROTOCOL, "What is believed of what comes from outside")
    assert len(rows) > 20
    assert {len(row) for row in rows} == {5}
    assert unheld(rows, marked_rules()) == []


def test_a_row_without_a_test_that_cites_it_is_refused() -> None:
    held = ["`clientId`", "message", "always", "an acknowledgement", "REC-3, REC-13"]
    nothing, unknown = (
        ["a date", "its owner", "never", "a POST", ""],
        ["a label", "anybody", "now", "a move", "REC-3, REC-5"],
    )
    assert unheld([held, nothing, unknown], {"REC-3", "REC-13"}) == ["a date", "a label"]


def test_the_conditions_of_a_request_are_those_of_the_code() -> None:
    modes = (Mode.ORDINARY, Mode.REPOST, Mode.FORCED)
    written = {
        DEFINITION.findall(row[0])[0]: {mode for mode, cell in zip(modes, row[2:], strict=True) if cell == "yes"}
        for row in table_rows(PROTOCOL, "Request")
    }
    assert list(written.items()) == [(each.rule, set(each.modes)) for each in CONDITIONS]


def test_the_labels_are_those_of_the_code() -> None:
    written = {name for row in table_rows(PROTOCOL, "Labels") for name in re.findall("`([A-Z_]+)`", row[0])}
    assert written == {label.value for label in Label}


def test_the_states_are_those_of_the_code_in_their_order() -> None:
    assert [row[0].strip("`") for row in table_rows(PROTOCOL, "States")] == [state.value for state in State]


def test_the_picture_has_every_state_and_no_other() -> None:
    source = (ROOT / "docs" / "states.dot").read_text()
    named = set(re.findall(r"^    ([A-Z]+)\b", source, re.MULTILINE)) | set(re.findall(r"-> ([A-Z]+)\b", source))
    assert named == {state.value for state in State}


@pytest.mark.parametrize("source", PICTURES, ids=lambda path: path.name)
def test_the_picture_is_drawn_from_its_source(source: Path) -> None:
    assert draw(source) == source.with_suffix(".svg").read_text(), "run: make docs"


def test_the_modules_of_the_walk_exist() -> None:
    walk = PROTOCOL.partition("\n## A walk through the code\n")[2]
    roots = (ROOT / "rotation_lambda" / "spapi_rotation_lambda", ROOT / "components" / "spapi_rotation")
    named = re.findall(r"`([a-z_/]+\.py)`", walk)
    assert len(named) > 20
    assert [name for name in named if not any((root / name).is_file() for root in roots)] == []
