"""Fresh processes of functions, and the events that they get."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from spapi_rotation_lambda.settings import HANDLER

_SCRIPT = Path(__file__).with_name("invoked.py")


@dataclass(frozen=True, slots=True)
class Code:
    """Something to invoke.

    Attributes:
        folder: what Lambda would have unpacked.
        handler: its dotted name.
    """

    folder: Path
    handler: str = HANDLER


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one invocation took.

    Attributes:
        seconds: of processor time.
        in_calls: those of them inside the clients of AWS and Amazon; 0 unless observed.
        aws: the operations that were called; empty unless observed.
        amazon: how many calls Amazon had; 0 unless observed.
        answer: what the handler returned.
        modules: what is loaded after it.
        peak_kb: the most memory that the process has had.
    """

    seconds: float
    in_calls: float
    aws: list[str]
    amazon: int
    answer: Any
    modules: list[str]
    peak_kb: int


class Failed(RuntimeError):
    """A process ended early; the message holds the end of its log."""


class Process:
    """A fresh process: a cold start. A context manager.

    Attributes:
        start_seconds: processor time of the start, from the interpreter's being ready to the handler's being imported.
        start_modules: what is loaded then.
    """

    def __init__(
        self, python: Path, code: Code, environment: Mapping[str, str], log: Path, *, observe: bool = False
    ) -> None:
        results, other_end = os.pipe()
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [python, _SCRIPT, code.folder, code.handler, str(other_end), *(("observe",) if observe else ())],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                pass_fds=(other_end,),
                env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
                text=True,
            )
        os.close(other_end)
        self._log = log
        self._results = os.fdopen(results)
        first = self._result()
        self.start_seconds: float = first["seconds"]
        self.start_modules: list[str] = first["modules"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._results.close()
        self._process.wait(30)

    def invoke(self, event: Mapping[str, Any]) -> Invocation:
        """Hand it an event, and wait for the end.

        Raises:
            Failed: the handler raised.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        return Invocation(**self._result())

    def _result(self) -> dict[str, Any]:
        line = self._results.readline()
        if not line:
            raise Failed("\n".join(self._log.read_text().splitlines()[-25:]))
        found: dict[str, Any] = json.loads(line)
        return found
