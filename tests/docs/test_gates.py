"""The gates of `make test`: the commands of the Makefile, on small examples that pass and that fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GATES = {"rotation_lambda": 99, "components": 97, "cli": 97}
MEASURE = "[run]\nbranch = true\nrelative_files = true\nsource = {folder}\n"


def recipe(*arguments: str) -> list[str]:
    """What `make test` would run."""
    # Under `make test` itself make's variables, and those typed with it, would be handed on.
    of_make = ("MAKE", "MFLAGS", "TESTS", "WORKERS")
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(of_make)}
    ran = subprocess.run(
        ["make", "-n", "test", *arguments], cwd=ROOT, env=surroundings, capture_output=True, text=True, check=True
    )
    return [line for line in ran.stdout.splitlines() if "pytest" in line or "coverage" in line]


@pytest.fixture(scope="module")
def gates() -> dict[str, list[str]]:
    """The command of each gate, by the folder that it judges."""
    found = {}
    for line in recipe():
        if match := re.search(r"python -m (coverage report .*--include='(\w+)/\*')$", line):
            found[match[2]] = [sys.executable, "-m", *match[1].replace("'", "").split()]
    assert set(found) == set(GATES)
    return found


def judged(command: list[str], at: Path, folder: str, source: str) -> int:
    """The exit code of a gate that judges this one module, run once."""
    (at / folder).mkdir()
    (at / folder / "small.py").write_text(source)
    (at / "measure.cfg").write_text(MEASURE.format(folder=folder))
    coverage = [sys.executable, "-m", "coverage", "run", "--rcfile=measure.cfg", f"{folder}/small.py"]
    subprocess.run(coverage, cwd=at, capture_output=True, check=True)
    settings = f"--rcfile={ROOT / 'pyproject.toml'}"
    return subprocess.run([*command, settings], cwd=at, capture_output=True, check=False).returncode


def lines(reached: int, missed: int) -> str:
    return "a = 1\n" * reached + "def f():\n" + "    a = 1\n" * missed


@pytest.mark.parametrize("folder", GATES)
def test_a_gate_fails_below_its_goal_and_passes_at_it(gates: dict[str, list[str]], tmp_path: Path, folder: str) -> None:
    missed = 100 - GATES[folder]
    for name, more, code in (("at", 0, 0), ("below", 1, 2)):
        (tmp_path / name).mkdir()
        source = lines(99 - missed - more, missed + more)
        assert judged(gates[folder], tmp_path / name, folder, source) == code


BRANCH = "for each in (1,):\n    if each:{comment}\n        print(each)\n"
LEFT_OUT = "def f():{comment}\n    return 1\n"


@pytest.mark.parametrize(
    ("source", "comment", "code"),
    [
        (BRANCH, "", 2),
        (BRANCH, "  # pragma: no branch", 2),
        (BRANCH, "  # pragma: no branch, because it is never 0", 0),
        (LEFT_OUT, "", 2),
        (LEFT_OUT, "  # pragma: no cover", 2),
        (LEFT_OUT, "  # pragma: no cover, because ", 2),
        (LEFT_OUT, "  # pragma: no cover, because it cannot be called", 0),
    ],
)
def test_branches_count_and_what_is_left_out_has_its_reason(
    gates: dict[str, list[str]], tmp_path: Path, source: str, comment: str, code: int
) -> None:
    assert judged(gates["rotation_lambda"], tmp_path, "rotation_lambda", source.format(comment=comment)) == code


def test_the_gates_judge_the_folders_that_are_traced_and_only_whole_runs() -> None:
    first, *others = recipe()
    assert first.endswith("--cov --cov-report= tests/unit tests/component tests/cli tests/docs/test_runbook.py")
    assert others[0].endswith(
        "--ignore=tests/unit --ignore=tests/component --ignore=tests/cli --ignore=tests/docs/test_runbook.py tests"
    )
    assert "--cov" not in others[0]
    assert len(others) == 1 + len(GATES)
    narrowed = recipe("TESTS=tests/unit")
    assert len(narrowed) == 1
    assert narrowed[0].endswith(" tests/unit")
    assert "--cov" not in narrowed[0]


def test_the_page_names_the_goals(gates: dict[str, list[str]]) -> None:
    goals = {
        folder: int(word[13:]) for folder, gate in gates.items() for word in gate if word.startswith("--fail-under=")
    }
    assert goals == GATES
    function, component, command = goals.values()
    text = " ".join((ROOT / "docs" / "testing.md").read_text().split())
    assert (
        f"{function} % of the function's code, {component} % of the component's, or {command} % of the command's"
        in text
    )
