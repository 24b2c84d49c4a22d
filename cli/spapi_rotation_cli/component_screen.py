"""The part of the status screen that is about the component: its queue, its alarms, and what the doctor found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spapi_rotation_cli import times
from spapi_rotation_cli.answers import Component, Finding
from spapi_rotation_cli.errors import CommandError, ExitCode
from spapi_rotation_cli.session import Session

STYLES: Mapping[ExitCode, str] = {
    ExitCode.OK: "green",
    ExitCode.ATTENTION: "yellow",
    ExitCode.FAILURE: "bold red",
    ExitCode.BROKEN: "bold red",
}


@dataclass(frozen=True, slots=True)
class ComponentView:
    """The component as it was found.

    Attributes:
        component: None if it could not be read; ``error`` says why then.
    """

    component: Component | None
    error: CommandError | None = None

    @property
    def failed(self) -> list[Finding]:
        """What is wrong with it."""
        return [each for each in self.component.findings if each.failed] if self.component else []

    @property
    def code(self) -> ExitCode:
        """The exit code that the component causes."""
        if self.component is None:
            return ExitCode.FAILURE
        return ExitCode.ATTENTION if self.failed else ExitCode.OK

    def next_commands(self, session: Session) -> list[str]:
        """The commands to type next, each once."""
        return list(dict.fromkeys(session.typed(each.command) for each in self.failed if each.command))

    def as_json(self, session: Session) -> dict[str, Any]:
        """For programs."""
        if self.component is None:
            return {"exit_code": int(self.code), "error": self.error.as_json() if self.error else None}
        return {"exit_code": int(self.code), **self.component.document, "next": self.next_commands(session)}


@dataclass(frozen=True, slots=True)
class Accepted:
    """When Amazon last accepted a secret, as far as the function's log tells.

    Attributes:
        at: by client id; None if the log could not be read; ``error`` says why then.
    """

    at: Mapping[str, datetime | None] | None
    error: CommandError | None = None

    def words(self, client_id: str, now: datetime) -> str:
        """For a person."""
        if self.at is None:
            return f"unknown. {self.error}"
        moment = self.at.get(client_id)
        return (
            f"by Amazon {times.ago(moment, now)}"
            if moment
            else "not within two days; spapi-rotation doctor tries it now"
        )

    def as_json(self, client_id: str) -> str | None:
        """For programs."""
        return times.written(self.at.get(client_id) if self.at is not None else None)


def show_component(session: Session, view: ComponentView) -> None:
    """Print it; in brief when all is well."""
    component, style = view.component, STYLES[view.code]
    if component is None:
        session.output.line(f"Component: cannot be read. {view.error}", style)
        return
    counts = "cannot be read"
    if component.waiting is not None:
        letters = "1 dead letter" if component.dead == 1 else f"{component.dead} dead letters"
        counts = f"{component.waiting} waiting, {letters}"
    alarms = next((each.detail for each in component.findings if each.look == "alarms"), "unknown")
    words = "nothing to do"
    if any(each.verdict != "ok" for each in component.findings):
        words = "needs attention" if view.failed else "not all can be seen"
    session.output.line(f"Component: {words}", style)
    session.output.labelled("queue", counts)
    session.output.labelled("alarms", alarms)
    for each in component.findings:
        if each.failed:
            remedy = "" if each.command else f"\n{each.remedy}"
            session.output.labelled("problem", f"{each.look}: {each.detail}{remedy}", style)
        elif each.verdict != "ok":
            needs = f" (needs {each.needs})" if each.needs else ""
            session.output.labelled("unknown", f"{each.look}{needs}: {each.detail}")
    if commands := view.next_commands(session):
        session.output.labelled("next command", "\n".join(commands), style, wrap=False)
