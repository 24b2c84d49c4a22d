"""The command line: its subcommands, and how a run ends."""

import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any

import typer

from spapi_rotation_cli import acting, consumers, dead_letters, doctoring, looking, rotating, seeding
from spapi_rotation_cli import history as telling
from spapi_rotation_cli import report as reporting
from spapi_rotation_cli.arguments import (
    Calls,
    ClientId,
    ExpiresAt,
    Force,
    ForceDiscard,
    FromStdin,
    Html,
    IssuedAt,
    MessageId,
    Name,
    NameOrAll,
    Since,
    Timeout,
    Version,
    Wait,
    Yes,
)
from spapi_rotation_cli.errors import CommandError, ExitCode, UsageProblem
from spapi_rotation_cli.options import FUNCTION_VARIABLE, Options, with_options
from spapi_rotation_cli.output import Output
from spapi_rotation_cli.session import PROGRAM, Session

HELP = f"""Inspect and control the rotation of Amazon SP-API client secrets.

This command asks the deployed rotation function for everything, so it needs only lambda:InvokeFunction; consumers
also needs cloudtrail:LookupEvents. It finds the function by --function, by {FUNCTION_VARIABLE}, or by the
outputs of a Pulumi stack: --stack, or the project in the current folder.

\b
Exit codes:
  0  done; status: healthy
  1  failure, or not done within --timeout
  2  wrong usage: nothing was done
  3  status: needs attention; doctor: something is wrong; consumers: one has not read the new secret
  4  status: broken, calls to SP-API fail or soon will
130  stopped by Ctrl-C
rotate also exits with 3 or 4 when the rotation needs a person."""

LONGEST_REPEATED = 20
"""Longer words of a wrong command line are not repeated."""

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback(help=HELP)
def _program(version: Version = False) -> None:
    """What may stand before the subcommand."""


@app.command()
@with_options
def status(options: Options, name: NameOrAll = None, client_id: ClientId = None) -> int:
    """Show the state and the next command to type."""
    return looking.status(Session(options), name, client_id)


@app.command()
@with_options
def seed(
    options: Options,
    name: Name = None,
    client_id: ClientId = None,
    from_stdin: FromStdin = False,
    issued_at: IssuedAt = None,
    expires_at: ExpiresAt = None,
    yes: Yes = False,
) -> int:
    """Put a client secret in, once Amazon accepts it. The prompt does not show what you type."""
    return seeding.seed(
        Session(options),
        name,
        client_id,
        from_stdin=from_stdin,
        issued_at=issued_at,
        expires_at=expires_at,
        yes=yes,
    )


@app.command()
@with_options
def rotate(
    options: Options,
    name: Name = None,
    client_id: ClientId = None,
    force: Force = False,
    wait: Wait = True,
    timeout: Timeout = 600,
    yes: Yes = False,
) -> int:
    """Request a new client secret, and wait until it is in use."""
    return rotating.rotate(Session(options), name, client_id, force=force, wait=wait, timeout=timeout, yes=yes)


@app.command()
@with_options
def check(options: Options, name: Name = None, client_id: ClientId = None) -> int:
    """Make a scheduled check now: verify and promote a pending secret, rotate if due."""
    return acting.check(Session(options), name, client_id)


@app.command()
@with_options
def promote(options: Options, name: Name = None, client_id: ClientId = None, yes: Yes = False) -> int:
    """Put the pending secret, or else the rejected one, into use without verification."""
    return acting.promote(Session(options), name, client_id, yes=yes)


@app.command()
@with_options
def reject(options: Options, name: Name = None, client_id: ClientId = None, yes: Yes = False) -> int:
    """Keep the pending secret out of use."""
    return acting.reject(Session(options), name, client_id, yes=yes)


@app.command()
@with_options
def rollback(options: Options, name: Name = None, client_id: ClientId = None, yes: Yes = False) -> int:
    """Go back to the previous secret, while it still works."""
    return acting.rollback(Session(options), name, client_id, yes=yes)


@app.command()
@with_options
def doctor(options: Options, name: NameOrAll = None, client_id: ClientId = None) -> int:
    """Look at everything a rotation needs, and try the secret in use at Amazon. Changes nothing."""
    return doctoring.doctor(Session(options), name, client_id)


@app.command()
@with_options
def history(options: Options, name: NameOrAll = None, client_id: ClientId = None, since: Since = None) -> int:
    """Show who asked, what arrived and what Amazon accepted, by default in the last 30 days."""
    return telling.history(Session(options), name, client_id, since)


@app.command()
@with_options
def report(
    options: Options, html: Html, name: NameOrAll = None, client_id: ClientId = None, since: Since = None
) -> int:
    """Write an HTML page: state, days left, health, and a timeline, by default of the last 180 days."""
    return reporting.report(Session(options), name, client_id, html, since)


@app.command("consumers")
@with_options
def list_consumers(
    options: Options, name: NameOrAll = None, client_id: ClientId = None, since: Since = None, calls: Calls = 400
) -> int:
    """Show who reads each secret, and who has not read the new one. Needs cloudtrail:LookupEvents."""
    return consumers.consumers(Session(options), name, client_id, since, calls)


@app.command()
@with_options
def register(options: Options) -> int:
    """Print the steps that subscribe the queue in Amazon's Developer Console."""
    return looking.register(Session(options))


@app.command("dead-letters")
@with_options
def list_dead_letters(options: Options) -> int:
    """Show the messages that could not be handled, without their bodies."""
    return dead_letters.show(Session(options))


@app.command()
@with_options
def redrive(options: Options, yes: Yes = False) -> int:
    """Retry up to five dead letters, once their cause is removed."""
    return dead_letters.redrive(Session(options), yes=yes)


@app.command()
@with_options
def discard(options: Options, message_id: MessageId, force: ForceDiscard = False, yes: Yes = False) -> int:
    """Delete a dead letter that is not Amazon's, for good."""
    return dead_letters.discard(Session(options), message_id, force=force, yes=yes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code. Writes every error, as text or as JSON."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no "…" must not end the command
    output = Output(as_json="--json" in words, debug="--debug" in words)
    try:
        code = typer.main.get_command(app).main(args=words, prog_name=PROGRAM, standalone_mode=False)
        return code if isinstance(code, int) else ExitCode.OK
    except CommandError as error:
        output.debug(_places(error))
        return _end(output, error)
    except Exception as error:  # noqa: BLE001  (the last resort; its text could hold anything, its place cannot)
        return _end(output, _misused(error, words) or _unexpected(output, error))


def _end(output: Output, error: CommandError) -> int:
    if output.as_json:
        output.document({"error": error.as_json()})
    else:
        output.message(str(error))
    return error.code


def _misused(error: Any, words: Sequence[str]) -> CommandError | None:
    """What the parser says. Its exceptions come from click or from typer's own copy of it, so their shape is asked.

    A long word is not repeated: it may be a client secret that was typed as an argument.
    """
    if getattr(error, "exit_code", None) != ExitCode.USAGE or not hasattr(error, "format_message"):
        return None
    message = str(error.format_message())
    for part in sorted({part for word in words for part in (word, *word.split("="))}, key=len, reverse=True):
        if len(part) > LONGEST_REPEATED:
            message = message.replace(part, "(not repeated)")
    where = getattr(getattr(error, "ctx", None), "command_path", PROGRAM)
    return UsageProblem("Usage", message, remedy=f"See {where} --help")


def _places(error: Exception) -> str:
    """Where it happened; no text of the error and no value."""
    return type(error).__name__ + "\n" + "".join(traceback.format_tb(error.__traceback__)).rstrip()


def _unexpected(output: Output, error: Exception) -> CommandError:
    place = traceback.extract_tb(error.__traceback__)[-1]
    output.debug(_places(error))
    return CommandError(
        "Unexpected",
        f"Unexpected {type(error).__name__} at {place.name}, line {place.lineno}.",
        remedy="Look at the status before you repeat the command. Report it with the output of --debug.",
    )
