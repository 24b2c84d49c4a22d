"""The subcommands check, promote, reject and rollback: look, say what will happen, ask, act."""

from collections.abc import Callable

from spapi_rotation_cli import actions, advice, choosing, prompts
from spapi_rotation_cli.answers import PENDING, PREVIOUS, REJECTED, Application, Status
from spapi_rotation_cli.errors import ExitCode
from spapi_rotation_cli.session import Session


def check(session: Session, name: str | None, client_id: str | None) -> ExitCode:
    """Have the function make a check now. Raises CommandError."""
    application = choosing.one(session, name, client_id)
    actions.report(session, actions.perform(session, application, "check"))
    return ExitCode.OK


def promote(session: Session, name: str | None, client_id: str | None, *, yes: bool) -> ExitCode:
    """Put the pending, or else the rejected, secret into use without verification. Raises CommandError."""
    return _act(session, "promote", confirmable(session, name, client_id, yes=yes), _promotion, yes=yes)


def reject(session: Session, name: str | None, client_id: str | None, *, yes: bool) -> ExitCode:
    """Keep the pending secret out of use. Raises CommandError."""
    return _act(session, "reject", confirmable(session, name, client_id, yes=yes), _rejection, yes=yes)


def rollback(session: Session, name: str | None, client_id: str | None, *, yes: bool) -> ExitCode:
    """Go back to the previous secret. Raises CommandError."""
    return _act(session, "rollback", confirmable(session, name, client_id, yes=yes), _return, yes=yes)


def confirmable(session: Session, name: str | None, client_id: str | None, *, yes: bool) -> Application:
    """The application, once it is sure that somebody can confirm. Raises CommandError."""
    prompts.require_answer(yes=yes)
    return choosing.one(session, name, client_id)


def describe(session: Session, application: Application, status: Status) -> None:
    """Say on stderr which application this is, and in which state."""
    session.output.message(f"{application.shown}: {status.state}, {advice.meaning(status.state).words}.")


def _act(
    session: Session, action: str, application: Application, plan: Callable[[Status], str | None], *, yes: bool
) -> ExitCode:
    """Without a plan there is nothing to confirm: the function does nothing, and says why.

    Args:
        plan: what would be done to which version; None if the labels allow nothing.
    """
    status, _ = session.status(application)
    describe(session, application, status)
    planned = plan(status)
    if planned is not None:
        session.output.message(planned)
        prompts.confirm("Go on?", yes=yes)
    actions.report(session, actions.perform(session, application, action, expect=status.seen))
    return ExitCode.OK


def _promotion(status: Status) -> str | None:
    pending, rejected = status.labels.get(PENDING), status.labels.get(REJECTED)
    candidate, label = (pending, "pending") if pending else (rejected, "rejected")
    if candidate is None:
        return None
    if candidate == status.in_use:
        return f"Version {candidate} is in use already. It stays in use, and is no longer {label}."
    return (
        f"Version {candidate}, {label}, is put into use without asking Amazon whether it is accepted. "
        f"Version {status.in_use}, in use now, becomes the previous one."
    )


def _rejection(status: Status) -> str | None:
    if status.pending is None:
        return None
    return (
        f"Version {status.pending}, pending, is rejected: nothing puts it into use but promote. "
        f"Version {status.in_use} stays in use, and may die 7 days after the new secret was made."
    )


def _return(status: Status) -> str | None:
    previous = status.labels.get(PREVIOUS)
    if previous is None or status.pending is not None:
        return None
    return (
        f"The client secret of version {previous}, the previous one, is put into use again, as a new version. "
        f"Version {status.in_use}, in use now, is rejected. A client secret dies 7 days after its successor was made."
    )
