"""What a state means to a person: how bad it is, and the next command to type."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from spapi_rotation_cli.answers import Application, Status
from spapi_rotation_cli.errors import ExitCode

EXPIRY_IS_NEAR = timedelta(days=21)
"""An expiry nearer than this needs attention: the schedule should have rotated long before."""

Command = tuple[str, ...]
"""The words of a command after the program's name."""

_SEVERITY = (ExitCode.OK, ExitCode.ATTENTION, ExitCode.FAILURE, ExitCode.BROKEN)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A state in words, and the exit code that it causes."""

    words: str
    code: ExitCode = ExitCode.OK


STATES: Mapping[str, Meaning] = {
    "CURRENT": Meaning("in use, nothing to do"),
    "UNDATED": Meaning("in use, but nobody knows when it dies", ExitCode.ATTENTION),
    "REQUESTED": Meaning("a rotation is requested; Amazon's message is awaited"),
    "RECEIVED": Meaning("a new secret is pending until Amazon accepts it; each check tries again"),
    "OVERDUE": Meaning("a rotation was requested, and Amazon's message has not come", ExitCode.ATTENTION),
    "REFUSED": Meaning("Amazon refused the last request; nothing was changed", ExitCode.ATTENTION),
    "DENIED": Meaning("Amazon denies the daily try and says nothing about the secret in use", ExitCode.ATTENTION),
    "REJECTED": Meaning("a secret at least as new as the one in use is rejected", ExitCode.ATTENTION),
    "UNSEEDED": Meaning("the secret holds no credentials yet", ExitCode.ATTENTION),
    "MALFORMED": Meaning("a value in the secret is not what it should be", ExitCode.ATTENTION),
    "EXPIRED": Meaning("the client secret in use is dead; calls to SP-API fail", ExitCode.BROKEN),
    "STUCK": Meaning("Amazon does not accept the pending secret, and the one in use dies soon", ExitCode.BROKEN),
}
"""Every state of docs/protocol.md, and MALFORMED."""

_UNKNOWN = Meaning("a state that this command does not know; upgrade it", ExitCode.ATTENTION)


def meaning(state: str) -> Meaning:
    """What a state means. One that a newer function may know needs attention."""
    return STATES.get(state, _UNKNOWN)


def needs_a_person(status: Status) -> bool:
    """Whether the state is one that waiting does not end."""
    return meaning(status.state).code is not ExitCode.OK


def expires_soon(status: Status, now: datetime) -> bool:
    """Whether the secret in use dies within three weeks, or has."""
    return status.expires_at is not None and status.expires_at - now < EXPIRY_IS_NEAR


def exit_code(application: Application, status: Status, now: datetime) -> ExitCode:
    """The exit code for one application."""
    code = meaning(status.state).code
    if code is ExitCode.OK and (application.enabled is not True or expires_soon(status, now)):
        return ExitCode.ATTENTION
    return code


def worst(codes: list[ExitCode]) -> ExitCode:
    """The exit code for several applications. One that could not be read is worse than one that needs attention."""
    return max(codes, key=_SEVERITY.index, default=ExitCode.OK)


def next_commands(application: Application, status: Status, now: datetime) -> list[Command]:
    """The commands to type next, in order; none when the machine needs no help."""
    which = application.typed
    match status.state:
        case "UNSEEDED" | "MALFORMED":
            return [("seed", *which)]
        case "STUCK" | "REJECTED":
            return [("promote", *which)]
        case "EXPIRED":
            return [("promote" if status.pending else "seed", *which)]
        case "REFUSED" | "UNDATED":
            return [("rotate", *which)]
        case "DENIED":
            return [("doctor", *which)]
        case "OVERDUE":
            return [("register",), ("rotate", *which, "--force")]
        case "CURRENT" if expires_soon(status, now):
            return [("rotate", *which)]
        case _:
            return []
