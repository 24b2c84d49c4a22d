"""A person at a terminal who types what a page shows, answers what is asked, and reads what comes."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

READY, MORE = "[ready $?] ", "[more] "
_PROMPT = re.compile(r"(?:\(\S+\) )?\[(?:ready (\d+)|more)\] $")
"""With the name of a virtual environment that is activated."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][AB0]|\x1b[=>]")

SECONDS = 600.0
"""How long a line may take."""


_BLOCK = re.compile(r"^( *)```bash\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def typed(page: str) -> list[str]:
    """The lines that a page has typed: those of its blocks of commands, without the blocks' indentation."""
    found = (re.sub(f"^{indent}", "", body, flags=re.MULTILINE) for indent, body in _BLOCK.findall(page))
    return [line for body in found for line in body.splitlines()]


class Unanswered(AssertionError):
    """A line did not end; the text is what it showed."""


class Terminal:
    """One bash at a terminal of its own, in which one line follows the other.

    Args:
        folder: where it starts.
        environment: all that it has.
        answers: what a person types when a question (the end of what is shown) comes.

    Attributes:
        shown: everything that was ever shown.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], answers: Mapping[str, str]) -> None:
        self.answers = dict(answers)
        self.shown = ""
        self._terminal, other = pty.openpty()
        self._bash = subprocess.Popen(
            ["setsid", "--ctty", "bash", "--noprofile", "--norc", "--noediting", "-i"],
            stdin=other,
            stdout=other,
            stderr=other,
            cwd=folder,
            env={**environment, "PS1": READY, "PS2": MORE, "TERM": "dumb", "LC_ALL": "C.UTF-8"},
        )
        os.close(other)
        self._read()
        self.enter("stty cols 160")

    def enter(self, line: str, *, code: int | None = 0) -> str:
        """Type one line; what it showed.

        Args:
            code: how it must end; None for any.
        """
        self._write(line + "\n")
        shown, ended = self._read()
        shown = shown.partition("\n")[2]  # without the line itself
        assert code is None or ended in (None, code), f"{line}\nended with code {ended}.\n{shown}"
        return shown

    def paste(self, block: str, *, code: int = 0) -> str:
        """Type all lines of a block; what they showed. Each command must end so."""
        return "".join(self.enter(line, code=code) for line in block.splitlines())

    def _write(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _read(self) -> tuple[str, int | None]:
        """What is shown until the next prompt, and the exit code before it."""
        shown, answered, ends = "", 0, time.monotonic() + SECONDS
        while True:
            if not select.select([self._terminal], [], [], 1)[0]:
                if time.monotonic() > ends:
                    raise Unanswered(shown)
                continue
            try:
                piece = os.read(self._terminal, 65536).decode(errors="replace")
            except OSError:  # bash is gone
                raise Unanswered(shown) from None
            self.shown += piece
            shown = _ESCAPES.sub("", shown + piece.replace("\r\n", "\n"))
            if prompt := _PROMPT.search(shown):
                return shown[: prompt.start()], None if prompt[1] is None else int(prompt[1])
            for question, answer in self.answers.items():
                if shown[answered:].rstrip("\n").endswith(question):
                    answered = len(shown)
                    self._write(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._terminal)  # hangs bash up
        self._bash.wait(60)
