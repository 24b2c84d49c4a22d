"""Whoever waits at a terminal sees what for; nobody else does."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from spapi_rotation_cli import main, progress
from tests.cli.on_terminal import OnTerminal

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")

WAITING = re.compile(r"\r([^\r\n]+): (?:\d+ of \d+, )?\d+ s")

EVERY_SUBCOMMAND = {
    "status": ("Reading the status",),
    "doctor": ("doctor, waiting for the function", "Looking at everything"),
    "history": ("history, waiting for the function",),
    "consumers": ("Reading the status", "Reading CloudTrail's record, lookups"),
    "report --html report.html": ("Reading the status", "Reading the history"),
    "register": ("registration, waiting for the function",),
    "check shop": ("shop: check, waiting for the function",),
    "rotate shop --yes --timeout 1": ("shop: request, waiting for the function",),
    "promote shop --yes": ("shop: promote, waiting for the function",),
    "reject shop --yes": ("shop: reject, waiting for the function",),
    "rollback shop --yes": ("shop: rollback, waiting for the function",),
    "dead-letters": ("dead letters, waiting for the function",),
    "redrive --yes": ("redrive, waiting for the function",),
    "discard message-0 --yes": ("discard, waiting for the function",),
}


def typed(folder: Path, words: str, **environment: str) -> str:
    on = OnTerminal(folder, *words.split(), WORLD="busy", SLOW="1", **environment)
    on.end()
    return on.shown


@pytest.mark.parametrize(
    ("words", "expected"), EVERY_SUBCOMMAND.items(), ids=[words.split()[0] for words in EVERY_SUBCOMMAND]
)
def test_every_subcommand_tells_what_it_waits_for(tmp_path: Path, words: str, expected: tuple[str, ...]) -> None:
    found = dict.fromkeys(WAITING.findall(typed(tmp_path, words)))
    assert set(expected) <= set(found), found


def test_seed_too(tmp_path: Path) -> None:
    on = OnTerminal(tmp_path, "seed", "shop", SLOW="1")
    on.until("not shown")
    assert "shop: status, waiting for the function" in WAITING.findall(on.shown)
    on.process.terminate()
    on.end()


def test_every_subcommand_is_here() -> None:
    group: Any = typer.main.get_command(main.app)
    assert {*(words.split()[0] for words in EVERY_SUBCOMMAND), "seed"} == set(group.commands)


def test_of_many_it_tells_how_much_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENT_SECONDS", -1)
    waiting = progress.Waiting("Reading the status", 200)
    assert [waiting.over(each) for each in range(3)] == [0, 1, 2]
    assert waiting.line() == "Reading the status: 3 of 200, 0 s"


@pytest.mark.parametrize("words", ["check nobody", "rotate shop --force --yes --timeout 2"])
def test_the_line_goes_before_anything_else_is_written(tmp_path: Path, words: str) -> None:
    """What is left on the screen once every carriage return has been obeyed."""
    for line in typed(tmp_path, words).replace("\r\n", "\n").split("\n"):
        left = ""
        for piece in line.split("\r"):
            left = piece + left[len(piece) :]
        assert re.search(r"waiting for|watching|\d s$", left) is None


@pytest.mark.parametrize(("words", "environment"), [("check shop --json", {}), ("check shop", {"TERM": "dumb"})])
def test_json_and_a_terminal_that_takes_no_line_back_show_none(
    tmp_path: Path, words: str, environment: dict[str, str]
) -> None:
    assert WAITING.findall(typed(tmp_path, words, **environment)) == []


def test_the_wait_before_a_message_can_be_discarded_is_told(tmp_path: Path) -> None:
    on = OnTerminal(tmp_path, "discard", "message-0", "--force", WORLD="busy", SLOW="1")
    on.until("Type discard")
    on.enter("discard")
    on.end()
    assert "Waiting until the message can be seen again" in WAITING.findall(on.shown)


def test_watching_a_rotation_is_told(tmp_path: Path) -> None:
    on = OnTerminal(tmp_path, "rotate", "shop", "--force", "--yes", "--timeout", "2", WORLD="busy", SLOW="1")
    on.end()
    assert "shop: watching until the new secret is in use" in WAITING.findall(on.shown), on.shown
