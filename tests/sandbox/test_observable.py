"""The lists of what the sandbox shows and what it cannot name tests that there are."""

import ast

import pytest

from sandbox.paths import CHECKOUT
from tests.sandbox.observable import ADDITIONS, DOCS, UNOBSERVABLE, Unobservable, document

DEMANDED = (
    *("(EMF)", "Queues are measured", "Alarms are judged", "dead-letter queue", "failure destination", "MoveTask"),
    *("three times has no age", "empty version that no list shows", "name that is taken"),
)
"""What must be observable, by words of its entry."""

BY_NAME = ("own rotation", "metric math", "flexible window", "retries", "topic's key", "log group", "plain text")
"""What must be named as unobservable, likewise."""

named = pytest.mark.parametrize("entry", UNOBSERVABLE, ids=lambda entry: entry.what)


def functions_of(file: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse((CHECKOUT / file).read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    "name",
    sorted(
        {name for each in ADDITIONS for name in each.contract}
        | {name for each in UNOBSERVABLE for name in (*each.shown, *each.definition)}
    ),
)
def test_each_named_test_is_one_that_runs(name: str) -> None:
    file, _, function = name.partition("::")
    found = functions_of(file).get(function)
    assert found is not None, f"There is no {name}."
    assert function.startswith("test_")
    assert not [each for each in found.decorator_list if "skip" in ast.unparse(each) or "xfail" in ast.unparse(each)]


def test_each_addition_has_a_contract_with_the_emulator() -> None:
    for each in ADDITIONS:
        assert each.contract
        assert all(name.startswith("tests/sandbox/") for name in each.contract)


@named
def test_each_definition_is_asserted_where_it_is_made(entry: Unobservable) -> None:
    assert entry.definition
    assert all(name.startswith(("tests/component/", "tests/unit/")) for name in entry.definition)
    assert all(name.startswith("tests/sandbox/") for name in entry.shown)


def test_all_that_was_asked_for_is_there() -> None:
    for words in DEMANDED:
        assert [each for each in ADDITIONS if words in each.what], words
    for words in BY_NAME:
        assert [each for each in UNOBSERVABLE if words in each.what], words


def test_every_test_of_a_difference_is_listed() -> None:
    file = "tests/sandbox/test_aws_differences.py"
    listed = {name for each in UNOBSERVABLE for name in each.shown}
    assert {f"{file}::{name}" for name in functions_of(file) if name.startswith("test_")} <= listed


def test_the_documentation_is_current() -> None:
    assert DOCS.read_text() == document()
