"""The subcommand rotate: ask for a new client secret, and watch until it is in use or a person is needed."""

import time
from dataclasses import dataclass
from datetime import datetime

from spapi_rotation_cli import acting, actions, advice, prompts, times
from spapi_rotation_cli.answers import Application, Status
from spapi_rotation_cli.errors import ExitCode, NoAnswer
from spapi_rotation_cli.session import Session

POLL_SECONDS = 5.0

UNKNOWN = """\
--force passes the wait of 7 days after a rotation, messages that are still unread, and a statement of the queue's
policy whose condition seems to deny Amazon. If that does deny it, the new client secret never arrives.
It is unknown what Amazon does to the older client secrets when a second rotation follows within 7 days. The secret in
use may die at once, before the new one has arrived; calls to SP-API fail until then. A newer secret that lies unread
in a queue may die too.
A missing secret, and a queue that Amazon cannot send to for any other reason, are not passed."""
"""What is unknown about a forced rotation. Source: docs/protocol.md, "What Amazon does not say"."""


@dataclass(frozen=True, slots=True)
class Watched:
    """How watching ended: ``in-use``, ``needs-a-person``, ``not-yet`` or ``stopped``."""

    outcome: str
    status: Status
    at: datetime


def rotate(
    session: Session, name: str | None, client_id: str | None, *, force: bool, wait: bool, timeout: int, yes: bool
) -> ExitCode:
    """Request a rotation, and watch it. Raises CommandError; also when the function declines."""
    application = acting.confirmable(session, name, client_id, yes=yes)
    status, _ = session.status(application)
    acting.describe(session, application, status)
    in_use = f" The one in use, version {status.in_use}, works for 7 more days." if status.in_use else ""
    session.output.message(f"Amazon is asked for a new client secret of {application.name}.{in_use}")
    if force:
        session.output.message(UNKNOWN, "bold")
        prompts.confirm_by_typing(application.name, f"Force a rotation of {application.name}?", yes=yes)
    else:
        prompts.confirm("Go on?", yes=yes)
    done = actions.perform(session, application, "request", force=force, expect=status.seen)
    if not wait:
        actions.report(session, done, outcome="requested")
        return ExitCode.OK
    session.output.message(f"{application.name}: {done.result}")
    with session.output.waiting(f"{application.name}: watching until the new secret is in use"):
        watched = _watch(session, done, timeout)
    return _tell(session, done, watched)


def _watch(session: Session, done: actions.Done, timeout: int) -> Watched:
    started = time.monotonic()
    status, at, old, shown = done.after, done.at, done.before.in_use, ""
    try:
        while True:
            now_seen = f"{status.state} {status.in_use} {status.pending}"
            if now_seen != shown:
                session.output.message(f"{times.shown(at)}  {status.state}: {advice.meaning(status.state).words}")
                shown = now_seen
            if status.state == "CURRENT" and status.in_use != old:
                return Watched("in-use", status, at)
            if advice.needs_a_person(status):
                return Watched("needs-a-person", status, at)
            left = timeout - (time.monotonic() - started)
            if left <= 0:
                return Watched("not-yet", status, at)
            time.sleep(min(POLL_SECONDS, left))
            status, at = _look(session, done.application, status, at)
    except KeyboardInterrupt:
        return Watched("stopped", status, at)


def _look(session: Session, application: Application, last: Status, last_at: datetime) -> tuple[Status, datetime]:
    """A look that fails for once is made again: the rotation goes on whoever watches."""
    try:
        status, answer = session.status(application)
    except NoAnswer as error:
        session.output.message(f"No answer this time: {error.message}")
        return last, last_at
    return status, answer.at


def _tell(session: Session, done: actions.Done, watched: Watched) -> ExitCode:
    status = watched.status
    code, result = ExitCode.OK, f"in use: version {status.in_use}, expires {times.shown(status.expires_at)}"
    if watched.outcome == "needs-a-person":
        code, result = advice.meaning(status.state).code, f"a person is needed: {advice.meaning(status.state).words}"
    elif watched.outcome != "in-use":
        code = ExitCode.STOPPED if watched.outcome == "stopped" else ExitCode.FAILURE
        result = f"{done.result}; not in use yet. Nothing is wrong: the function goes on by itself"
        session.output.message(f"To look again: {session.command('status', *done.application.typed)}")
    ended = actions.Done(done.application, "rotate", done.before, status, result, watched.at)
    actions.report(session, ended, outcome=watched.outcome)
    return code
