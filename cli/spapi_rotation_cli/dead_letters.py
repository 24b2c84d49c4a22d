"""The subcommands for messages that the function could not handle: dead-letters, redrive, discard. Never a body."""

import time
from collections.abc import Mapping
from typing import Any

from spapi_rotation_cli import prompts
from spapi_rotation_cli.answers import unexpected
from spapi_rotation_cli.errors import CommandError, ExitCode
from spapi_rotation_cli.session import Session

HIDDEN_SECONDS = 6.0
"""A message that was looked at is hidden for a little less than this."""


def show(session: Session) -> ExitCode:
    """List them. Raises CommandError."""
    answer = session.function.ask("dead_letters").body
    messages = _messages(answer)
    if session.options.json:
        session.output.document({key: answer.get(key) for key in ("visible", "hidden", "messages")})
    session.output.line(
        f"Dead letters: {answer.get('visible')} visible, {answer.get('hidden')} hidden by somebody who looks at them."
    )
    for message in messages:
        _tell(session, message)
    visible = answer.get("visible")
    if isinstance(visible, int) and visible > len(messages):
        session.output.message(f"{len(messages)} of them are shown. Handle or discard these to see the others.")
    if messages:
        session.output.message(f"Next: {session.command('redrive')}")
    return ExitCode.OK


def redrive(session: Session, *, yes: bool) -> ExitCode:
    """Have up to five handled again. Raises CommandError.

    Returns:
        FAILURE if one could not be handled; it stays where it is.
    """
    prompts.require_answer(yes=yes)
    session.output.message(
        "Up to five dead letters are handled as if they had just arrived: a new secret is stored, verified and put "
        "into use. What can be handled is deleted from the dead-letter queue; the rest stays."
    )
    prompts.confirm("Go on?", yes=yes)
    messages = _messages(session.function.act("redrive", None).body)
    if session.options.json:
        session.output.document({"messages": messages})
    stay = sum(bool(message.get("error")) for message in messages)
    left = f" {stay} could not be handled, and stay{'s' if stay == 1 else ''}." if stay else ""
    session.output.line(f"{len(messages) - stay} handled again.{left}" if messages else "There was none.")
    for message in messages:
        _tell(session, message)
    return ExitCode.FAILURE if stay else ExitCode.OK


def discard(session: Session, message_id: str, *, force: bool, yes: bool) -> ExitCode:
    """Delete one. Raises CommandError."""
    prompts.require_answer(yes=yes)
    if not yes:
        found = [each for each in _messages(session.function.ask("dead_letters").body) if _id(each) == message_id]
        if not found:
            raise CommandError(
                "NoSuchMessage",
                "No visible dead letter has this id.",
                remedy=f"Look again in a minute: {session.command('dead-letters')}",
            )
        started = time.monotonic()
        session.output.message(_description(found[0]))
        if force:
            prompts.confirm_by_typing("discard", "A client secret in it would be lost.", yes=yes)
        else:
            prompts.confirm("Go on?", yes=yes)
        with session.output.waiting("Waiting until the message can be seen again"):
            time.sleep(max(0.0, HIDDEN_SECONDS - (time.monotonic() - started)))
    session.function.act("discard", None, message_id=message_id, force=force)
    if session.options.json:
        session.output.document({"message_id": message_id, "result": "discarded"})
    session.output.line(f"Discarded: {message_id}")
    return ExitCode.OK


def _messages(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    messages = answer.get("messages")
    if not isinstance(messages, list) or not all(isinstance(each, Mapping) for each in messages):
        raise unexpected("a list of dead letters")
    return messages


def _id(message: Mapping[str, Any]) -> str:
    return str(message.get("message_id", ""))


def _description(message: Mapping[str, Any]) -> str:
    holds = " It holds a client secret that is stored nowhere else." if message.get("needed") else ""
    return (
        f"Message {_id(message)} of kind {message.get('kind')}, sent at {message.get('sent_at')}, "
        f"is deleted for good.{holds}"
    )


def _tell(session: Session, message: Mapping[str, Any]) -> None:
    session.output.line(_id(message), "bold")
    session.output.labelled("kind", str(message.get("kind")))
    session.output.labelled("client id", str(message.get("client_id") or "unknown"))
    session.output.labelled("sent", f"{message.get('sent_at')}, {message.get('size')} characters")
    if message.get("needed"):
        session.output.labelled("holds", "a client secret that is stored nowhere else")
    if message.get("problem"):
        session.output.labelled("problem", str(message["problem"]))
    if message.get("result"):
        session.output.labelled("result", str(message["result"]))
    error = message.get("error")
    if isinstance(error, Mapping):
        session.output.labelled("stays", f"{error.get('message')} What to do: {error.get('remedy')}")
