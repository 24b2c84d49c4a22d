"""What is written where: data to stdout, messages to stderr, plain unless a terminal reads it."""

import json
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from spapi_rotation_cli.progress import ProgressLine, Waiting

INDENT = 17
"""Where the value of a labelled line begins."""


class Output:
    """The two streams of one run.

    Attributes:
        as_json: whether stdout gets JSON documents instead of text.
    """

    def __init__(self, *, as_json: bool, debug: bool) -> None:
        self.as_json = as_json
        self._debug = debug
        self._out, self._err = _console(sys.stdout), _console(sys.stderr)
        self._progress = self._progress_line()

    def document(self, document: Mapping[str, Any]) -> None:
        """Data for a program, on stdout."""
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        sys.stdout.flush()

    def line(self, text: str = "", style: str = "") -> None:
        """A line of data for a person, on stdout. Nothing when the answer is JSON."""
        if not self.as_json:
            self._print(self._out, text, style)

    def labelled(self, label: str, text: str, style: str = "", *, wrap: bool = True, indent: int = INDENT) -> None:
        """Lines of data with their label. On a terminal they are wrapped, and the rest is indented.

        Args:
            wrap: False for what a person is to copy.
            indent: where the text begins.
        """
        start = f"  {label}".ljust(indent)
        for number, piece in enumerate(text.splitlines() or [""]):
            first = start if number == 0 else " " * indent
            self.line("\n".join(_wrapped(self._out, first, piece)) if wrap else first + piece, style)

    def message(self, text: str, style: str = "") -> None:
        """What a person should know meanwhile, on stderr."""
        self._print(self._err, text, style)

    @contextmanager
    def waiting(self, text: str, of: int = 0) -> Iterator[Waiting]:
        """While this lasts, a terminal shows on stderr what is waited for. Not when the answer is JSON.

        Args:
            of: how many things there are to do.
        """
        waiting = Waiting(printable(text), of)
        if self._progress is None:
            yield waiting
            return
        self._progress.begin(waiting)
        try:
            yield waiting
        finally:
            self._progress.end(waiting)

    def debug(self, text: str) -> None:
        """What --debug tells, on stderr. Callers give names, codes and ids, never a payload."""
        if self._debug:
            self._print(self._err, f"debug: {text}", "")

    def _print(self, console: Console, text: str, style: str) -> None:
        if self._progress is not None:
            self._progress.clear()
        console.print(Text(printable(text), style=style))

    def _progress_line(self) -> ProgressLine | None:
        """Where waiting is shown; None where there is no terminal that can take a line back."""
        console = self._err
        if self.as_json or not console.file.isatty() or console.is_dumb_terminal or console.legacy_windows:
            return None

        def write(text: str) -> None:
            console.file.write(text)
            console.file.flush()

        return ProgressLine(write, lambda: console.width)


def printable(text: str) -> str:
    """The text without anything that could steer a terminal."""
    return "".join(one if one.isprintable() or one == "\n" else "?" for one in text)


def _console(stream: TextIO) -> Console:
    plain = bool(os.environ.get("NO_COLOR")) or not stream.isatty()
    return Console(file=stream, color_system=None if plain else "auto", soft_wrap=True)


def _wrapped(console: Console, first: str, text: str) -> list[str]:
    if not console.file.isatty():
        return [first + text]
    width = max(console.width, 2 * len(first))
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [first]
