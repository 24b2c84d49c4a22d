"""The subcommand ``consumers``: who reads each secret, and who has not read it since the last change of its value."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from spapi_rotation_cli import choosing, history, times, trail
from spapi_rotation_cli.answers import Application, Status, moment
from spapi_rotation_cli.errors import AnsweredError, CommandError, ExitCode, NoAnswer, UsageProblem
from spapi_rotation_cli.following import Followed, InUse, followed
from spapi_rotation_cli.reads import CONSUMER, FUNCTION, PERSON, SERVICE, UP, names_of
from spapi_rotation_cli.session import AT_ONCE, Session

KINDS: Mapping[str, str] = {
    FUNCTION: "the rotation function",
    UP: "a rotation by pulumi up",
    PERSON: "a person",
    SERVICE: "an AWS service",
}
"""Readers that nothing happens to when a secret dies."""

UNSEEN = """\
A read shows after up to 15 minutes. All that read with one role are one reader.
Not seen: caches and environment variables, replicas in other regions, some reads from other accounts."""
"""What cannot be seen. Source: docs/consumers.md."""


@dataclass(frozen=True, slots=True)
class Known:
    """One application, and what the function told of its secret by AWS's clock.

    Attributes:
        status: None if it could not be read; ``error`` says why then.
    """

    application: Application
    status: Status | None
    at: datetime
    error: CommandError | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One application and its readers, those who have not followed first."""

    known: Known
    in_use: InUse
    readers: Sequence[Followed]

    @property
    def behind(self) -> list[Followed]:
        """The consumers that have not followed."""
        return [each for each in self.readers if each.behind]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        application, status, in_use = self.known.application, self.known.status, self.in_use
        shown: dict[str, Any] = {"application": application.name, "client_id": application.client_id}
        if status is None:
            return shown | {"error": self.known.error.as_json() if self.known.error else None}
        return shown | {
            "secret_id": status.secret_id,
            "version_id": in_use.version_id,
            "in_use_since": times.written(in_use.since[-1] if in_use.since else None),
            "old_secret_dies_at": times.written(in_use.dies(in_use.since[-1]) if in_use.since else None),
            "readers": [
                {
                    "principal": each.reader.principal,
                    "account": each.reader.account or None,
                    "kind": each.reader.kind,
                    "reads": each.reads,
                    "last_read_at": times.written(each.last),
                    "followed": not each.behind if each.reader.kind == CONSUMER else None,
                    "breaks_at": times.written(each.breaks_at),
                }
                for each in self.readers
            ],
        }


def consumers(session: Session, name: str | None, client_id: str | None, since: str | None, calls: int) -> ExitCode:
    """Show who reads the secret of one application, or of every one. Raises CommandError.

    Returns:
        ATTENTION if a consumer has not followed; FAILURE if an application could not be read, or if the record was
        not looked at as far back as it takes to know.
    """
    known = _known(session, choosing.some(session, name, client_id))
    now = max(each.at for each in known)
    began = _began(since, now)
    changes = _changes(session, known, now)
    record = trail.record(session, began, now, calls)
    found = [_found(each, changes.get(each.application.client_id, []), record) for each in known]
    short = not record.complete and any(each.in_use.since and record.since > each.in_use.since[-1] for each in found)
    code = ExitCode.ATTENTION if any(each.behind for each in found) else ExitCode.OK
    if short or any(each.error for each in known):
        code = ExitCode.FAILURE
    if session.options.json:
        shown = {"exit_code": int(code), "since": times.written(record.since), "complete": record.complete}
        session.output.document({**shown, "applications": [each.as_json() for each in found]})
    for each in found:
        _show(session, each, now)
    more = "" if record.complete else " That is not as far back as was asked for: give more --calls."
    looked = f"Looked back to {times.shown(record.since)} in {_counted(record.calls, 'lookup')}.{more}"
    session.output.message(f"{looked}\n{UNSEEN}")
    return code


def _began(since: str | None, now: datetime) -> datetime:
    """From when on to look. Raises UsageProblem."""
    earliest = now - trail.KEPT
    if since is None:
        return earliest
    text = times.given(since, "--since", latest=now)
    began = moment(text) or moment(f"{text}T00:00:00Z")
    if began is None or began < earliest:
        raise UsageProblem(
            "BadDate",
            "--since lies further back than CloudTrail's event history: 90 days.",
            remedy=f"Leave it out, or begin at {times.shown(earliest)} or later. What is older is in a trail, if "
            "there is one.",
        )
    return began


def _known(session: Session, applications: list[Application]) -> list[Known]:
    """What the function tells of each."""
    waiting = session.output.waiting("Reading the status", len(applications))
    with waiting as step, ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda each: step.over(_one(session, each)), applications))


def _one(session: Session, application: Application) -> Known:
    """One application's failure does not hide the others."""
    try:
        status, answer = session.status(application)
    except (AnsweredError, NoAnswer) as error:
        return Known(application, None, datetime.now(UTC), error)
    return Known(application, status, answer.at)


def _changes(session: Session, known: Sequence[Known], now: datetime) -> Mapping[str, list[datetime]]:
    """When another value came into use, by client id, the oldest first. Raises CommandError."""
    only = known[0].application if len(known) == 1 else None
    found: dict[str, list[datetime]] = {}
    with session.output.waiting("Reading the history"):
        for page in history.pages(session, only, (now - trail.KEPT).date().isoformat()):
            for event in page.events:
                if event.get("event") in history.CHANGES and (at := moment(event.get("at"))) is not None:
                    found.setdefault(str(event.get("client_id")), []).append(at)
    return {client_id: sorted(moments) for client_id, moments in found.items()}


def _in_use(status: Status, changes: Sequence[datetime]) -> InUse:
    """Since when the value is in use, and when the one before it dies: what the function tells, or 7 days after."""
    if not changes and status.issued_at is not None and status.subscription_seen and status.in_use_since is not None:
        changes = [status.in_use_since]  # the log does not reach back so far
    dies_at = status.old_secret_dies_at if status.pending is None else None
    if dies_at is None and status.issued_at is not None and changes and status.issued_at + times.OVERLAP > changes[-1]:
        dies_at = status.issued_at + times.OVERLAP
    return InUse(tuple(changes), status.in_use, dies_at)


def _found(known: Known, changes: Sequence[datetime], record: trail.Record) -> Found:
    if known.status is None:
        return Found(known, InUse((), None, None), ())
    names, in_use = names_of(known.status.secret_id), _in_use(known.status, changes)
    reads = [read for read in record.reads if not names.isdisjoint(read.names)]
    return Found(known, in_use, followed(reads, in_use))


def _show(session: Session, found: Found, now: datetime) -> None:
    application, in_use = found.known.application, found.in_use
    if found.known.error is not None:
        session.output.line(f"{application.shown}: cannot be read. {found.known.error}", "bold red")
        return
    all_of_them = [each for each in found.readers if each.reader.kind == CONSUMER]
    if not all_of_them:
        words, style = "no consumer has read the secret", "yellow"
    elif found.behind:
        words, style = (
            f"{len(found.behind)} of {_counted(len(all_of_them), 'consumer')} not on the secret in use",
            "bold red",
        )
    else:
        words, style = f"{_counted(len(all_of_them), 'consumer')}, all on the secret in use", "green"
    session.output.line(f"{application.shown}: {words}", style)
    changed = times.ago(in_use.since[-1], now) if in_use.since else "no change known in 90 days"
    session.output.labelled("in use since", changed)
    if in_use.since and (dies := in_use.dies(in_use.since[-1])) is not None:
        session.output.labelled("old secret", f"{'dies' if dies > now else 'died'} {times.ahead(dies, now)}")
    width = max((len(each.reader.principal) for each in found.readers), default=0)
    for each in found.readers:
        sign, style, verdict = _verdict(each, now)
        last = f"read {times.span(now - each.last)} ago"
        account = each.reader.account or "-"
        text = f"{sign} {each.reader.principal.ljust(width)}  {account.ljust(12)}  {last.ljust(19)}  {verdict}"
        session.output.line(f"  {text}", style)
    session.output.line()


def _verdict(each: Followed, now: datetime) -> tuple[str, str, str]:
    if each.reader.kind != CONSUMER:
        return "-", "", KINDS.get(each.reader.kind, each.reader.kind)
    if each.breaks_at is None:
        return "✓", "green", "has it"
    if each.breaks_at > now:
        return "✗", "bold red", f"breaks {times.ahead(each.breaks_at, now)}"
    return "✗", "yellow", f"broken since {times.shown(each.breaks_at)}, or gone"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
