"""How a command ends: the exit codes, and the one exception that ends it early."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes, as ``spapi-rotation --help`` documents them."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    ATTENTION = 3
    BROKEN = 4
    STOPPED = 130
    """Ctrl-C, as shells write it."""


class CommandError(Exception):
    """What is so, and what a person can do about it. Never holds a secret.

    Attributes:
        kind: a name for programs, the ``type`` of the JSON form.
        message: the state, one or more sentences.
        remedy: what to do, one or more sentences; may hold lines to copy.
        code: the exit code.
    """

    def __init__(self, kind: str, message: str, *, remedy: str, code: ExitCode = ExitCode.FAILURE) -> None:
        super().__init__(message)
        self.kind, self.message, self.remedy, self.code = kind, message, remedy, code

    def __str__(self) -> str:
        return f"{self.message}\nWhat to do: {self.remedy}"

    def as_json(self) -> dict[str, str]:
        """The ``error`` of the JSON form."""
        return {"type": self.kind, "message": self.message, "remedy": self.remedy}


class UsageProblem(CommandError):
    """The command line is not usable as it was typed; nothing was done."""

    def __init__(self, kind: str, message: str, *, remedy: str) -> None:
        super().__init__(kind, message, remedy=remedy, code=ExitCode.USAGE)


class AnsweredError(CommandError):
    """The function answered that it did not do what was asked, and why."""


class NoAnswer(CommandError):
    """The function did not answer this time, and may the next time. What was asked may have been done."""
