"""mutmut, with other kinds of changes, and with the tests first that have noticed a change of the same function.

A script, to be run in the work folder: as a module it would bring the ``tests`` package of the checkout with it.

mutmut changes expressions. It leaves no statement out, and turns no condition around that is a name or a call; both
are mistakes that people make, and are added here. Sentences are left alone: their wording decides nothing.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import libcst as cst
import pytest
from mutmut.__main__ import cli
from mutmut.mutation import mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.runners.harness import PytestRunner
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import change_cwd, walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key
from mutmut.workers import isolation

NOTICED = Path("noticed").absolute()
"""For each function the tests that have noticed a change of it, one a line."""

MOST_FIRST = 12
OPERATORS: list[Any] = mutators.mutation_operators  # type: ignore[assignment]


def left_out(node: cst.SimpleStatementLine) -> Iterable[cst.SimpleStatementLine]:
    """A call that stands alone, or a raise: not done."""
    only = node.body[0] if len(node.body) == 1 else None
    if isinstance(only, cst.Raise) or (isinstance(only, cst.Expr) and isinstance(only.value, cst.Call)):
        yield node.with_changes(body=[cst.Pass()])


def turned_around(node: cst.CSTNode) -> Iterable[cst.CSTNode]:
    """A condition that is a name, an attribute or a call: the other way round."""
    for part in ("test", "left", "right"):
        condition = getattr(node, part, None)
        if isinstance(condition, (cst.Name, cst.Attribute, cst.Call)):
            negated = cst.UnaryOperation(cst.Not(), condition, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            yield node.with_changes(**{part: negated})


def changed_text(node: cst.BaseString) -> Iterable[cst.BaseString]:
    """As mutmut changes a text, if it is no sentence."""
    return () if _is_sentence(node) else mutators.operator_string(node)


def changed_arguments(node: cst.Call) -> Iterable[cst.Call]:
    """As mutmut leaves out the arguments of a call, one by one, or gives None for each, but for sentences."""
    for changed in mutators.operator_arg_removal(node):
        kept = {id(argument) for argument in changed.args}
        (gone,) = (argument for argument in node.args if id(argument) not in kept)
        if not _is_sentence(gone.value):
            yield changed


def _is_sentence(node: cst.BaseExpression) -> bool:
    """A text with spaces in it, or one that ends as a sentence does; also one that is put together."""
    if isinstance(node, cst.ConcatenatedString):
        return _is_sentence(node.left) or _is_sentence(node.right)
    if isinstance(node, cst.FormattedString):
        return any(isinstance(part, cst.FormattedStringText) and " " in part.value for part in node.parts)
    return isinstance(node, cst.SimpleString) and (" " in node.value or node.value[:-1].endswith("."))


class Runner(PytestRunner):
    """Runs the tests of a mutant."""

    def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
        """First the tests that were quick to notice, then all that cover the function, until one notices."""
        if mutant_name is None:
            return super().run_tests(mutant_name=None, tests=tests)
        noticed = _Noticed(NOTICED / mutant_name.partition("__mutmut_")[0])
        tests = list(tests)
        first = [each for each in noticed.before() if each in tests]
        for some in (first, [each for each in tests if each not in first]):
            if some and (code := self._run(some, noticed)):
                return code
        return 0

    def _run(self, tests: list[str], noticed: "_Noticed") -> int:
        with change_cwd("mutants"):
            return int(self.execute_pytest(self._pytest_args_regular_run(tests), plugins=[noticed]))


class _Noticed:
    """A plugin of pytest that takes down which test has noticed the change."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def before(self) -> list[str]:
        """The tests that have noticed most lately, the last one first."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return list(dict.fromkeys(reversed(lines)))[:MOST_FIRST]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            with self._file.open("a") as lines:
                lines.write(f"{report.nodeid}\n")


@cli.command()
def forget() -> None:
    """Forget what nobody noticed, so that it is tried again: there may be other tests now."""
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        if not data.exit_code_by_key:
            continue
        data.exit_code_by_key = {
            name: code if status_by_exit_code[code] in ("killed", "timeout") else None
            for name, code in data.exit_code_by_key.items()
        }
        data.save()


@cli.command()
def found() -> None:
    """Print all changes with what came of them, as JSON; the changed lines only of those that nobody noticed."""
    told = []
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for name, code in data.exit_code_by_key.items():
            verdict = status_by_exit_code[code]
            was, becomes = ("", "") if verdict == "killed" else _changed_lines(get_diff_for_mutant(name, path=path))
            function, of_class = orig_function_and_class_names_from_key(name)
            place = {"module": str(path.relative_to("src")), "function": ".".join(filter(None, (of_class, function)))}
            told.append({**place, "was": was, "becomes": becomes, "verdict": verdict})
    sys.stdout.write(json.dumps(told))


def _changed_lines(diff: str) -> tuple[str, str]:
    lines = diff.splitlines()[2:]
    was, becomes = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return was, becomes


def main() -> None:
    """mutmut's own command line, with a command more."""
    conditional = (cst.If, cst.CompIf, cst.While, cst.BooleanOperation)
    more = [(cst.SimpleStatementLine, left_out), *((kind, turned_around) for kind in conditional)]
    instead = {mutators.operator_string: changed_text, mutators.operator_arg_removal: changed_arguments}
    OPERATORS[:] = [*((kind, instead.get(each, each)) for kind, each in OPERATORS), *more]
    isolation.PytestRunner = Runner  # type: ignore[attr-defined]
    NOTICED.mkdir(exist_ok=True)
    cli()


if __name__ == "__main__":
    main()
