"""The subcommand seed: put credentials in. The client secret goes from the prompt into one payload, nowhere else."""

from spapi_rotation_cli import acting, actions, prompts, times
from spapi_rotation_cli.answers import Application, Status
from spapi_rotation_cli.errors import CommandError, ExitCode
from spapi_rotation_cli.session import Session


def seed(
    session: Session,
    name: str | None,
    client_id: str | None,
    *,
    from_stdin: bool,
    issued_at: str | None,
    expires_at: str | None,
    yes: bool,
) -> ExitCode:
    """Put credentials in, after Amazon has accepted them. Raises CommandError."""
    application = acting.confirmable(session, name, client_id, yes=yes)
    status, answer = session.status(application)
    latest_issue, latest_expiry = answer.at + times.ISSUED_AHEAD_AT_MOST, answer.at + times.EXPIRES_AHEAD_AT_MOST
    issued = times.given(issued_at, "--issued-at", latest=latest_issue) if issued_at is not None else None
    expires = times.given(expires_at, "--expires-at", latest=latest_expiry) if expires_at is not None else None
    acting.describe(session, application, status)
    if status.pending is not None:
        raise CommandError(
            "NothingToDo",
            f"A received secret is pending, version {status.pending}. Nothing was asked for.",
            remedy=f"Decide about that one first: {session.command('promote', *application.typed)}, or "
            f"{session.command('reject', *application.typed)}",
        )
    secret = prompts.secret_from_stdin() if from_stdin else prompts.hidden_secret()
    if issued is None and expires is None and not from_stdin and prompts.interactive():
        issued = prompts.issue_date(latest_issue)
    session.output.message(_plan(application, status, issued, expires))
    prompts.confirm("Go on?", yes=yes)
    done = actions.perform(
        session,
        application,
        "seed",
        client_secret=secret,
        issued_at=issued,
        expires_at=expires,
        expect=status.seen,
    )
    actions.report(session, done)
    return ExitCode.OK


def _plan(application: Application, status: Status, issued: str | None, expires: str | None) -> str:
    known = ", ".join(
        f"{what} {when}" for what, when in (("issued", issued), ("expiring", expires)) if when is not None
    )
    lines = [
        f"The client secret of {application.name} ({known or 'its dates unknown'}) is tried at Amazon. If it is "
        "accepted, it is put into use; if not, nothing is changed.",
    ]
    if status.in_use is not None:
        lines.append(f"Version {status.in_use}, in use now, becomes the previous one.")
    if not known:
        lines.append("Without a date the schedule rotates 30 days after the adoption, or at Amazon's expiry notice.")
    return "\n".join(lines)
