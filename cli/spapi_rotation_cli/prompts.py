"""What a person is asked: on stderr, and only where a terminal can answer."""

import getpass
import sys
import warnings
from datetime import datetime

from spapi_rotation_cli import times
from spapi_rotation_cli.client_secret import MAX_LENGTH, ClientSecret, usable
from spapi_rotation_cli.errors import CommandError, UsageProblem

_LINE_ENDS = ("\r\n", "\n")


def interactive() -> bool:
    """Whether a person can answer."""
    return sys.stdin.isatty()


def require_answer(*, yes: bool) -> None:
    """Raise UsageProblem when a confirmation is needed that nobody can give."""
    if not yes and not interactive():
        raise UsageProblem(
            "NotConfirmed",
            "This needs a confirmation, and there is no terminal to ask. Nothing was done.",
            remedy="Add --yes.",
        )


def confirm(question: str, *, yes: bool) -> None:
    """Ask for a yes. Raises CommandError when it does not come."""
    if not yes and _ask(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise _not_confirmed()


def confirm_by_typing(word: str, question: str, *, yes: bool) -> None:
    """Have a word typed in place of a yes. Raises CommandError when it is another one."""
    if not yes and _ask(f"{question} Type {word} to go on: ").strip() != word:
        raise _not_confirmed()


def hidden_secret() -> ClientSecret:
    """Ask for the client secret without echo.

    Raises:
        UsageProblem: it is not usable, or the terminal would show it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            text = getpass.getpass("Client secret (not shown): ", stream=sys.stderr)
        except getpass.GetPassWarning:
            raise UsageProblem(
                "TerminalEchoes", "This terminal cannot hide what you type.", remedy="Use --from-stdin with a pipe."
            ) from None
        except (EOFError, KeyboardInterrupt):
            raise _not_confirmed() from None
    return usable(text)


def secret_from_stdin() -> ClientSecret:
    """Read the client secret from a pipe; one line end after it is taken off, nothing else.

    Raises:
        UsageProblem: it is not usable, or a terminal would show it.
    """
    if interactive():
        raise UsageProblem(
            "TerminalEchoes",
            "Standard input is a terminal, which would show the client secret.",
            remedy="Leave --from-stdin out to be asked without echo, or use a pipe.",
        )
    text = sys.stdin.buffer.read(4 * MAX_LENGTH).decode("utf-8", "replace")
    end = next((end for end in _LINE_ENDS if text.endswith(end)), "")
    return usable(text.removesuffix(end))


def issue_date(latest: datetime) -> str | None:
    """Ask when the client secret was issued, until the answer is a date or empty."""
    while True:
        text = _ask("Issued on (a date such as 2026-12-07, or a time; Enter if unknown): ").strip()
        if not text:
            return None
        try:
            return times.given(text, "This", latest=latest)
        except UsageProblem as problem:
            sys.stderr.write(f"{problem}\n")


def _ask(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        line = ""
    if not line:
        sys.stderr.write("\n")
        raise _not_confirmed()
    return line


def _not_confirmed() -> CommandError:
    return CommandError(
        "NotConfirmed", "Not confirmed. Nothing was done.", remedy="To do it after all, run the command again."
    )
