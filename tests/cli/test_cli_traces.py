"""No subcommand leaves a secret: not on the screen, not in a file, not in the arguments of a program that it starts."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from spapi_rotation_cli.main import app
from tests.cli.on_terminal import ROOT
from tests.cli.watching import WATCH

GROUP: Any = typer.main.get_command(app)

WORDS: dict[str, tuple[str, ...]] = {
    "check": ("shop",),
    "consumers": (),
    "dead-letters": (),
    "discard": ("message-0", "--force", "--yes"),
    "doctor": (),
    "history": (),
    "promote": ("shop", "--yes"),
    "redrive": ("--yes",),
    "register": (),
    "report": ("--html", "page.html"),
    "reject": ("shop", "--yes"),
    "rollback": ("shop", "--yes"),
    "rotate": ("shop", "--force", "--yes", "--no-wait"),
    "seed": ("shop", "--from-stdin", "--yes"),
    "status": (),
}
"""Each subcommand with words that have it do its work."""


CODES = {"status": 3, "doctor": 3, "rollback": 1}
"""The exit codes that are not 0: a pending secret is not passed over by ``rollback``."""


@dataclass(frozen=True)
class Left:
    """What a command left.

    Attributes:
        said: what it printed, and the page that it made.
        secrets: all that Amazon made in its world.
        notes: what it wrote, started and connected to.
    """

    code: int
    said: str
    secrets: list[str]
    notes: list[str]


def run(folder: Path, *words: str, world: str = "busy") -> Left:
    """Run a subcommand as a process of its own, over a world with something to do; watched from inside."""
    file, notes, home = folder / "secrets", folder / "notes", folder / "home"
    home.mkdir()
    (folder / "sitecustomize.py").write_text(WATCH)
    path = (folder, ROOT, *(ROOT / name for name in ("cli", "components", "rotation_lambda")))
    environment = {
        "PATH": os.defpath,
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NOTES": str(notes),
        "WORLD": world,
    }
    # The world is the same each time, so the first run tells which secret a person would type.
    command = [sys.executable, "-m", "tests.cli.pty_program", str(file)]
    newest = ""
    if "--from-stdin" in words:
        subprocess.run([*command, "--version"], env=environment, cwd=home, capture_output=True, check=True)
        newest = file.read_text().splitlines()[-1]
        notes.unlink()
    done = subprocess.run(
        [*command, *words], env=environment, cwd=home, input=newest, capture_output=True, text=True, check=False
    )
    said, noted = done.stdout + done.stderr, notes.read_text().splitlines()
    if "page.html" in words:
        said += (home / "page.html").read_text()
        (home / "page.html").unlink()
        unfinished = f"write {home / '.page.html.'}"
        assert [each for each in noted if each.startswith(unfinished)], noted
        noted = [each for each in noted if not each.startswith(unfinished)]
    assert not list(home.iterdir())
    return Left(done.returncode, said, file.read_text().splitlines(), noted)


def test_every_subcommand_is_tried() -> None:
    assert set(WORDS) == {name for name, command in GROUP.commands.items() if not command.hidden}


@pytest.mark.parametrize("more", [(), ("--json",), ("--debug",)], ids=["plain", "json", "debug"])
@pytest.mark.parametrize("subcommand", WORDS)
def test_a_subcommand_leaves_no_secret(tmp_path: Path, subcommand: str, more: tuple[str, ...]) -> None:
    # A pending secret is decided about before another one is put in.
    left = run(tmp_path, subcommand, *WORDS[subcommand], *more, world="empty" if subcommand == "seed" else "busy")
    assert left.code == CODES.get(subcommand, 0), left.said
    assert left.said
    assert [secret for secret in left.secrets if secret in left.said] == []
    # The control of the watch: the file with the secrets, which the test's own program writes, is noted.
    assert left.notes == [f"write {tmp_path / 'secrets'}"]
    assert len(left.secrets) == (1 if subcommand == "seed" else 3)


def test_a_subcommand_that_showed_a_secret_would_be_caught(tmp_path: Path) -> None:
    left = run(tmp_path, "status", world="telling")
    assert [secret for secret in left.secrets if secret in left.said] == left.secrets[-1:]
