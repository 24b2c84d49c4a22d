"""The status screen: each application with its state, its times, and the next command to type; then the component."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spapi_rotation_cli import advice, times
from spapi_rotation_cli.answers import Application, Finding, Status
from spapi_rotation_cli.component_screen import STYLES, Accepted, ComponentView, show_component
from spapi_rotation_cli.errors import CommandError, ExitCode
from spapi_rotation_cli.session import Session

FULL_UP_TO = 3
"""More applications than these, and those that need nobody get one line each: it stays one screen."""

_NEVER_SEEN = "no message of Amazon seen yet; spapi-rotation register prints the steps"


@dataclass(frozen=True, slots=True)
class View:
    """One application as it was found.

    Attributes:
        status: None if it could not be read; ``error`` says why then.
        now: when, by AWS's clock.
        warnings: what is wrong around it, whatever its state.
    """

    application: Application
    status: Status | None
    now: datetime
    error: CommandError | None = None
    warnings: tuple[Finding, ...] = ()

    @property
    def code(self) -> ExitCode:
        """The exit code that this application causes."""
        if self.status is None:
            return ExitCode.FAILURE
        own = advice.exit_code(self.application, self.status, self.now)
        return advice.worst([own, ExitCode.ATTENTION if self.warnings else ExitCode.OK])

    def next_commands(self, session: Session) -> list[str]:
        """The commands to type next."""
        words = advice.next_commands(self.application, self.status, self.now) if self.status else []
        mending = [session.typed(each.command) for each in self.warnings if each.command]
        return [*(session.command(*each) for each in words), *mending]

    def as_json(self, session: Session) -> dict[str, Any]:
        """For programs."""
        found: dict[str, Any] = {
            "application": self.application.name,
            "client_id": self.application.client_id,
            "schedule_arn": self.application.schedule_arn,
            "enabled": self.application.enabled,
            "exit_code": int(self.code),
        }
        if self.error is not None:
            return found | {"error": self.error.as_json()}
        document = self.status.document if self.status else None
        warnings = [each.document for each in self.warnings]
        return found | {"status": document, "warnings": warnings, "next": self.next_commands(session)}


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything that was found."""

    views: list[View]
    component: ComponentView
    accepted: Accepted

    @property
    def code(self) -> ExitCode:
        """The exit code."""
        return advice.worst([*(view.code for view in self.views), self.component.code])

    def as_json(self, session: Session) -> dict[str, Any]:
        """For programs."""
        return {
            "exit_code": int(self.code),
            "applications": [
                {**view.as_json(session), "last_accepted": self.accepted.as_json(view.application.client_id)}
                for view in self.views
            ],
            "component": self.component.as_json(session),
        }


def show(session: Session, screen: Screen) -> ExitCode:
    """Print the screen, or its JSON; returns the exit code."""
    if session.options.json:
        session.output.document(screen.as_json(session))
        return screen.code
    views = screen.views
    for number, view in enumerate(views):
        brief = len(views) > FULL_UP_TO and view.code is ExitCode.OK
        if number and not brief:
            session.output.line()
        _heading(session, view, brief=brief)
        if view.status is not None and not brief:
            _details(session, view, view.status, screen.accepted)
    if len(views) > 1:
        session.output.line()
        healthy = sum(view.code is ExitCode.OK for view in views)
        session.output.line(
            f"{len(views)} applications, {healthy} of them healthy.", STYLES[advice.worst([v.code for v in views])]
        )
    session.output.line()
    show_component(session, screen.component)
    return screen.code


def _heading(session: Session, view: View, *, brief: bool) -> None:
    which = view.application.shown
    if view.status is None:
        session.output.line(f"{which}: cannot be read. {view.error}", STYLES[view.code])
        return
    state = advice.meaning(view.status.state)
    expiry = view.status.expires_at
    more = f"; expires {times.ahead(expiry, view.now)}" if brief and expiry is not None else ""
    session.output.line(f"{which}: {view.status.state}, {state.words}{more}", STYLES[state.code])


def _details(session: Session, view: View, status: Status, accepted: Accepted) -> None:
    now, put = view.now, session.output.labelled
    if status.problem:
        put("problem", _without_remedy(status.problem, view.application))
    put("age", _age(status, now))
    put("expires", *_expiry(status, now))
    if status.old_secret_dies_at is not None:
        put("old secret", f"dies {times.ahead(status.old_secret_dies_at, now)}")
    if status.state == "OVERDUE" and status.replace_by is not None:
        put("replace by", times.ahead(status.replace_by, now), STYLES[view.code])
    if status.pending is not None:
        since = times.ago(status.pending_since, now) if status.pending_since else "unknown"
        put("pending since", f"{since}, version {status.pending}")
    put("next rotation", next_rotation(view.application, status))
    put("last request", _last_request(status, now))
    put("last accepted", accepted.words(view.application.client_id, now))
    put("schedule", *_schedule(view.application))
    put("subscription", "seen" if status.subscription_seen else _NEVER_SEEN)
    for each in view.warnings:
        remedy = "" if each.command else f"\n{each.remedy}"
        put("problem", f"{each.look}: {each.detail}{remedy}", STYLES[ExitCode.ATTENTION])
    commands = view.next_commands(session)
    put("next command", "\n".join(commands) or "none", STYLES[view.code] if commands else "", wrap=False)


def _age(status: Status, now: datetime) -> str:
    if status.issued_at is not None:
        return f"issued {times.ago(status.issued_at, now)}"
    if status.in_use_since is not None:
        return f"unknown; this version was written {times.ago(status.in_use_since, now)}"
    return "unknown"


def _expiry(status: Status, now: datetime) -> tuple[str, str]:
    if status.expires_at is None:
        return "unknown", ""
    return times.ahead(status.expires_at, now), "yellow" if advice.expires_soon(status, now) else ""


def next_rotation(application: Application, status: Status) -> str:
    """When the schedule rotates, or why it does not."""
    if not status.verdict:
        return "unknown"
    reason = _without_remedy(status.detail, application)
    return f"declined: {reason}" if status.verdict == "declined" else reason


def _without_remedy(text: str, application: Application) -> str:
    """What is so. The remedy is the next command; the name is above."""
    return text.partition(" What to do: ")[0].removeprefix(f"{application.name}: ")


def _last_request(status: Status, now: datetime) -> str:
    last = status.last_request
    if last is None:
        return "none"
    when = times.ago(last.requested_at, now) if last.requested_at else "at an unknown time"
    reference = f" ({last.reference})" if last.reference else ""
    return f"{last.outcome}; made {when} by {last.trigger}{reference}"


def _schedule(application: Application) -> tuple[str, str]:
    if application.enabled is None:
        return "none found: nothing checks or rotates this application; pulumi up makes it", "yellow"
    if not application.enabled:
        return "disabled: nothing checks or rotates this application; pulumi up --refresh enables it", "yellow"
    return "enabled", ""
