"""The subcommands that look and change nothing: status and register."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from spapi_rotation_cli import choosing, screen
from spapi_rotation_cli.answers import Application, read_last_accepted, read_warnings, unexpected
from spapi_rotation_cli.component_screen import Accepted, ComponentView
from spapi_rotation_cli.errors import AnsweredError, ExitCode, NoAnswer
from spapi_rotation_cli.session import AT_ONCE, Session


def status(session: Session, name: str | None, client_id: str | None) -> ExitCode:
    """Show one application, or every one. Raises CommandError when there is nothing to show."""
    return screen.show(session, look(session, choosing.some(session, name, client_id)))


def look(session: Session, applications: list[Application]) -> screen.Screen:
    """Look at these applications and at the component. Raises CommandError when the only one cannot be read."""
    with session.output.waiting("Reading the status", len(applications)) as step, ThreadPoolExecutor(AT_ONCE) as pool:
        component = pool.submit(_component, session)
        accepted = pool.submit(_accepted, session)
        if len(applications) == 1:
            views = [_view(session, applications[0])]
        else:
            views = list(pool.map(lambda each: step.over(_view_or_error(session, each)), applications))
        return screen.Screen(views, component.result(), accepted.result())


def register(session: Session) -> ExitCode:
    """Print the steps in Amazon's Developer Console. Raises CommandError."""
    answer = session.function.ask("registration").body
    steps = answer.get("steps")
    if not isinstance(steps, str):
        raise unexpected("the steps of the registration")
    if session.options.json:
        session.output.document({"queue_arn": answer.get("queue_arn"), "steps": steps.splitlines()})
    session.output.line(steps)
    return ExitCode.OK


def _view(session: Session, application: Application) -> screen.View:
    found, answer = session.status(application)
    return screen.View(application, found, answer.at, warnings=read_warnings(answer.body))


def _view_or_error(session: Session, application: Application) -> screen.View:
    """One application's failure does not hide the others."""
    try:
        return _view(session, application)
    except (AnsweredError, NoAnswer) as error:
        return screen.View(application, None, datetime.now(UTC), error)


def _component(session: Session) -> ComponentView:
    """The component's failure does not hide the applications."""
    try:
        return ComponentView(session.component())
    except (AnsweredError, NoAnswer) as error:
        return ComponentView(None, error)


def _accepted(session: Session) -> Accepted:
    """When Amazon last accepted each secret; the log's failure hides nothing else."""
    try:
        return Accepted(read_last_accepted(session.function.ask("last_accepted").body))
    except (AnsweredError, NoAnswer) as error:
        return Accepted(None, error)
