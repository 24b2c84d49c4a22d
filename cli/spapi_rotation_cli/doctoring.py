"""The subcommand ``doctor``: what the function's doctor found, in order, each with a sign and its remedy."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from spapi_rotation_cli import choosing
from spapi_rotation_cli.answers import Application, Finding, read_findings
from spapi_rotation_cli.errors import AnsweredError, CommandError, ExitCode, NoAnswer
from spapi_rotation_cli.session import AT_ONCE, Session

SIGNS: Mapping[str, tuple[str, str]] = {"ok": ("✓", "green"), "failed": ("✗", "bold red"), "unknown": ("?", "yellow")}
"""The sign and the style of each verdict."""

INDENT = 19
"""Where what was found begins."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One application: what was found, or why nothing could be."""

    application: Application
    findings: tuple[Finding, ...]
    error: CommandError | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        found: dict[str, Any] = {"application": self.application.name, "client_id": self.application.client_id}
        if self.error is not None:
            return found | {"error": self.error.as_json()}
        return found | {"findings": [each.document for each in self.findings]}


def doctor(session: Session, name: str | None, client_id: str | None) -> ExitCode:
    """Look at the component, and at one application or every one. Raises CommandError.

    Returns:
        ATTENTION if anything is wrong; FAILURE if an application could not be looked at.
    """
    applications = choosing.some(session, name, client_id)
    component = session.component().findings
    waiting = session.output.waiting("Looking at everything", len(applications))
    with waiting as step, ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda each: step.over(_examined(session, each)), applications))
    wrong = [one for findings in (component, *(each.findings for each in found)) for one in findings if one.failed]
    code = ExitCode.ATTENTION if wrong else ExitCode.OK
    if any(each.error for each in found):
        code = ExitCode.FAILURE
    if session.options.json:
        shown = [each.as_json() for each in found]
        document = {"component": [each.document for each in component], "applications": shown}
        session.output.document({"exit_code": int(code), **document})
    session.output.line("Component", "bold")
    _show(session, component)
    for each in found:
        session.output.line()
        session.output.line(each.application.shown, "bold")
        if each.error is not None:
            session.output.line(f"  cannot be looked at. {each.error}", SIGNS["failed"][1])
        _show(session, each.findings)
    session.output.line()
    session.output.line(f"{len(wrong)} wrong." if wrong else "Nothing is wrong.", SIGNS["failed" if wrong else "ok"][1])
    return code


def _examined(session: Session, application: Application) -> Examined:
    """One application's failure does not hide the others."""
    try:
        return Examined(application, read_findings(session.function.ask("doctor", application).body))
    except (AnsweredError, NoAnswer) as error:
        return Examined(application, (), error)


def _show(session: Session, findings: Iterable[Finding]) -> None:
    for each in findings:
        sign, style = SIGNS.get(each.verdict, SIGNS["unknown"])
        needs = f"unknown (needs {each.needs})\n" if each.needs else ""
        label = f"{sign} {each.look}"
        session.output.labelled(label, f"{needs}{each.detail}", style if each.verdict != "ok" else "", indent=INDENT)
        if each.remedy:
            session.output.labelled("", each.remedy, indent=INDENT)
        if each.command:
            session.output.labelled("", session.typed(each.command), "bold", wrap=False, indent=INDENT)
