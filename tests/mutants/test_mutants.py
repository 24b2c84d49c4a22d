"""The command fails when it should, and says why; what it changes is really changed, and what it reads really read."""

import json
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import tests.mutants.__main__ as command
from tests.mutants.__main__ import DOCS, SURVIVORS, main
from tests.mutants.results import BEGIN, END, LEAST_NOTICED, Change, Results, Tried, document, entries, found, named
from tests.mutants.work_folder import LEFT_OUT, MODULES, PACKAGES, ROOT, TESTS, modules, settings, undecorated

SURVIVES = Change("domain/rules.py", "closes", "a < b", "a <= b")
ENTRY = """
[[survivors]]
module = "domain/rules.py"
function = "closes"
reason = "No two of these times are equal."
changes = [["a < b", "a <= b"]]
"""


def noticed(count: int, verdict: str = "killed") -> tuple[Tried, ...]:
    return tuple(Tried(Change("domain/state.py", "derive", "", ""), verdict) for _ in range(count))


def complaints(*tried: Tried, entries: str = "") -> list[str]:
    return [line.partition(" domain")[0] for line in Results(tried, named(entries)).complaints()]


def test_it_is_content_when_all_is_noticed_or_named() -> None:
    assert complaints(*noticed(19), Tried(SURVIVES, "survived"), entries=ENTRY) == []
    assert complaints(*noticed(10), *noticed(9, "timeout"), Tried(SURVIVES, "no tests"), entries=ENTRY) == []


@pytest.mark.parametrize("verdict", ["survived", "no tests", "suspicious", "segfault", "skipped"])
def test_a_survivor_that_is_not_named_is_told(verdict: str) -> None:
    assert complaints(*noticed(99), Tried(SURVIVES, verdict)) == [f"NOT NAMED ({verdict})"]


@pytest.mark.parametrize(
    ("first", "then", "tries"),
    [("segfault", "killed", 2), ("segfault", "segfault", 2), ("survived", "killed", 1), ("killed", "survived", 1)],
)
def test_a_crash_is_tried_again_once(first: str, then: str, tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[bool] = []
    monkeypatch.setattr(command, "try_changes", lambda _, *, again: runs.append(again))
    verdicts = iter((first, then))
    monkeypatch.setattr(command, "results", lambda _: Results(noticed(1, next(verdicts)), {}))
    tried = command.try_all("", 2, again=False)
    assert runs == [False, True][:tries]
    assert tried.tried[0].verdict == (first, then)[tries - 1]


def test_what_is_not_named_is_written_as_entries_that_want_a_reason() -> None:
    odd = Change("domain/état.py", "derive", 'a == "ü\\n"', "a == None")
    results = Results((*noticed(99), Tried(SURVIVES, "survived"), Tried(odd, "no tests")), {})
    assert results.unnamed == (SURVIVES, odd)
    written = entries(results.unnamed)
    with pytest.raises(ValueError, match="without a reason"):
        named(written)
    assert named(written.replace('reason = ""', 'reason = "So."')) == {SURVIVES: "So.", odd: "So."}


def test_a_survivor_in_another_place_or_of_another_change_is_not_the_one_that_is_named() -> None:
    for other in (
        Change("domain/state.py", "closes", "a < b", "a <= b"),
        Change("domain/rules.py", "opens", "a < b", "a <= b"),
        Change("domain/rules.py", "closes", "a < c", "a <= b"),
        Change("domain/rules.py", "closes", "a < b", "a > b"),
    ):
        told = complaints(*noticed(99), Tried(other, "survived"), entries=ENTRY)
        assert told == ["NOT NAMED (survived)", "NAMED, BUT NOTICED OR GONE"]


@pytest.mark.parametrize("verdict", ["killed", "timeout"])
def test_a_named_survivor_that_is_noticed_now_is_told(verdict: str) -> None:
    assert complaints(*noticed(99), Tried(SURVIVES, verdict), entries=ENTRY) == ["NAMED, BUT NOTICED OR GONE"]
    assert complaints(*noticed(99), entries=ENTRY) == ["NAMED, BUT NOTICED OR GONE"]


def test_too_few_are_told_although_all_are_named() -> None:
    assert complaints(*noticed(18), Tried(SURVIVES, "survived"), entries=ENTRY) == [
        "TOO FEW 94.7% noticed; at least 95% must be"
    ]


@pytest.mark.parametrize("verdict", ["not checked", "check was interrupted by user"])
def test_a_run_that_did_not_come_to_its_end_is_told(verdict: str) -> None:
    assert complaints(*noticed(99), *noticed(1, verdict)) == ["UNFINISHED 1 of 100 changes were not tried"]
    assert complaints() == ["UNFINISHED 0 of 0 changes were not tried", "TOO FEW 0.0% noticed; at least 95% must be"]


@pytest.mark.parametrize("entries", [ENTRY + ENTRY, ENTRY.replace("No two of these times are equal.", " ")])
def test_a_survivor_has_one_entry_and_a_reason(entries: str) -> None:
    with pytest.raises(ValueError, match="named twice or without a reason"):
        named(entries)


def test_the_figures_are_put_between_the_markers() -> None:
    results = Results((*noticed(2000), Tried(SURVIVES, "survived")), {})
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert document(page, results, 12.4) == "\n".join(
        (
            "before",
            BEGIN,
            "| module | changes | noticed | survive | noticed of 100 |",
            "|---|---|---|---|---|",
            "| `domain/rules.py` | 1 | 0 | 1 | 0.0 |",
            "| `domain/state.py` | 2,000 | 2,000 | 0 | 100.0 |",
            "| together | 2,001 | 2,000 | 1 | 100.0 |",
            "",
            "The run that wrote this took 12 min on 2 processes.",
            END,
            "after\n",
        )
    )
    assert " min on " not in document(page, results, None)
    with pytest.raises(ValueError, match="no markers"):
        document("nothing", results, 1)


def test_the_figures_on_the_page_add_up() -> None:
    """They are those of the last run that wrote them."""
    inside = DOCS.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line.split("|")[2:5] for line in inside.splitlines() if line.startswith(("| `", "| together"))]
    *modules, together = [[int(cell.replace(",", "")) for cell in row] for row in rows]
    assert [sum(column) for column in zip(*modules, strict=True)] == together
    assert together[0] == together[1] + together[2]
    assert together[1] >= LEAST_NOTICED * together[0]


def test_the_survivors_are_of_modules_that_are_changed() -> None:
    for change in named(SURVIVORS.read_text()):
        assert any(fnmatch(change.module, module) for module in MODULES), change
        source = next(PACKAGES[module].parent for module in PACKAGES if change.module.startswith(f"{module}/"))
        assert f"def {change.function.rpartition('.')[2]}(" in (source / change.module).read_text(), change


def test_the_testers_words_are_read() -> None:
    told = [{"module": "m", "function": "f", "was": "a", "becomes": "b", "verdict": "killed"}]
    assert found(told) == (Tried(Change("m", "f", "a", "b"), "killed"),)


def test_what_is_changed_and_what_is_run_is_there() -> None:
    copies = {name: source.parent for name, source in PACKAGES.items()}
    for module in MODULES:
        assert list(copies[module.partition("/")[0]].glob(module)), module
    for path in (*TESTS, *LEFT_OUT):
        assert (ROOT / path).exists(), path


def test_some_modules_can_be_chosen_and_none_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert modules("rotate_on_up/prog") == ["spapi_rotation/rotate_on_up/progress.py"]
    assert "spapi_rotation_lambda/domain/rules.py" in modules()
    with pytest.raises(SystemExit):
        main(["--only", "nowhere"])
    assert "no module that is changed has nowhere in its path" in capsys.readouterr().err


def test_the_settings_are_toml_with_the_tests_own() -> None:
    own = {"filterwarnings": ["error", r"ignore:fd=\\d+"], "pythonpath": ["elsewhere"], "testpaths": ["tests"]}
    read = tomllib.loads(settings(["a/b.py"], own))["tool"]
    assert read["mutmut"]["only_mutate"] == ["src/a/b.py"]
    assert read["pytest"]["ini_options"] == {"filterwarnings": own["filterwarnings"], "pythonpath": [".", "src"]}


def test_a_property_is_written_as_a_function_and_stays_one() -> None:
    source = (
        "class A:\n    @property\n    def one(self):\n        return 1\n\n"
        "    @classmethod\n    def two(cls):\n        return 2\n"
    )
    written = undecorated(source)
    assert "@property" not in written
    assert "@classmethod" in written
    names: dict[str, type] = {}
    exec(written, names)  # noqa: S102
    assert names["A"]().one == 1
    assert isinstance(vars(names["A"])["one"], property)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


CHANGES = """
import sys


def decide(sure, why):
    if sure:
        print(why)
    raise ValueError
"""


def test_statements_are_left_out_and_conditions_turned_around(tmp_path: Path) -> None:
    """By the tester's own program, in a process of its own: it changes mutmut."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "small.py").write_text(CHANGES)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_small.py").write_text(
        "import pytest, small\n\n"
        "def test_it(capsys):\n    with pytest.raises(ValueError):\n        small.decide(True, 5)\n"
    )
    (tmp_path / "pyproject.toml").write_text('[tool.mutmut]\nsource_paths = ["src"]\n')
    program = [sys.executable, str(Path(__file__).with_name("tester.py"))]
    run = _run([*program, "run", "--max-children", "1"], tmp_path)
    assert run.returncode == 0, run.stdout[-2000:]
    told = json.loads(_run([*program, "found"], tmp_path).stdout)
    assert {(one["module"], one["function"]) for one in told} == {("small.py", "decide")}
    survivors = {(one["was"], one["becomes"]) for one in told if one["verdict"] == "survived"}
    assert survivors == {
        ("if sure:", "if (not sure):"),
        ("print(why)", "pass"),
        ("print(why)", "print(None)"),
    }
    assert [one["verdict"] for one in told].count("killed") == 1
    assert _run([*program, "forget"], tmp_path).returncode == 0
    again = json.loads(_run([*program, "found"], tmp_path).stdout)
    assert [one["verdict"] for one in again] == [
        "killed" if one["verdict"] == "killed" else "not checked" for one in told
    ]
