"""Typing a command: the real app, with what it reads and writes, and a search of all of that for canaries."""

import json
import shlex
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from spapi_rotation_cli import main, prompts, rotating, trail
from spapi_rotation_cli.errors import CommandError
from spapi_rotation_cli.output import Output
from tests.cli.fake_aws import FakeAws
from tests.fakes.world import World

FOUND = ("--function", "rotation")
"""How the tests' commands find the function."""

CANARY = "canary-typed-0123456789abcdef"
"""Each client secret that a test types begins with this, or is one that Amazon made in the test's world."""


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    def error(self, kind: str) -> str:
        """The message of the JSON error of this kind, which has a remedy."""
        assert set(self.document) == {"error"}, self.out
        error = self.document["error"]
        assert set(error) == {"type", "message", "remedy"}
        assert error["type"] == kind, error
        assert error["remedy"]
        return f"{error['message']} {error['remedy']}"


@dataclass
class Terminal:
    """A person at a terminal, or a script without one.

    Attributes:
        person: whether somebody is there to be asked.
        meanwhile: what happens in the world while a command waits.
        said: all that commands wrote or raised.
    """

    world: World
    aws: FakeAws
    monkeypatch: pytest.MonkeyPatch
    person: bool = False
    meanwhile: Callable[[], object] = lambda: None
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(prompts, "interactive", lambda: self.person)
        self.monkeypatch.setattr("getpass.getpass", self._hidden)
        self.monkeypatch.setattr(rotating, "time", self)
        self.monkeypatch.setattr(trail, "time", self)
        self.monkeypatch.setattr(main, "_end", self._recording(main._end))

    def type(self, *words: str, answers: str | bytes = "", found: tuple[str, ...] = FOUND) -> Result:
        """Run a command with the words; ``answers`` is what stdin holds."""
        if words and words[0] == "spapi-rotation":
            words = words[1:]
        with CliRunner().isolation(input=answers) as (out, err, *_):
            code = main.main([*words, *found])
            texts = [stream.getvalue().decode() for stream in (out, err)]
        self.said += texts
        return Result(code, *texts)

    # The module ``time``, in the world's own time.

    def monotonic(self) -> float:
        return self.world.clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self.world.clock.time += timedelta(seconds=seconds)
        self.meanwhile()

    # What is private.

    def _hidden(self, prompt: str, stream: Any = None) -> str:
        assert self.person
        stream.write(prompt)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    def _recording(self, end: Callable[[Output, CommandError], int]) -> Callable[[Output, CommandError], int]:
        def recorded(output: Output, error: CommandError) -> int:
            self.said.append("".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)))
            behind = error.__context__
            while behind is not None:  # what is suppressed is not shown, and holds nothing either
                self.said.append(repr(behind) + str(behind) + repr(vars(behind)))
                behind = behind.__context__
            return end(output, error)

        return recorded


def parsed(command: str) -> None:
    """Have the real parser take a command as a person would paste it; raises what it raises."""
    program, *words = shlex.split(command)
    assert program == "spapi-rotation"
    group: Any = typer.main.get_command(main.app)
    subcommand, *rest = words
    group.commands[subcommand].make_context(subcommand, rest)
