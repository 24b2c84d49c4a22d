"""Having the function act, and telling what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spapi_rotation_cli import advice
from spapi_rotation_cli.answers import Application, Status, read_status
from spapi_rotation_cli.session import Session


@dataclass(frozen=True, slots=True)
class Done:
    """An action that the function has performed.

    Attributes:
        result: the function's one line for a person.
        at: when, by AWS's clock.
    """

    application: Application
    action: str
    before: Status
    after: Status
    result: str
    at: datetime


def perform(session: Session, application: Application, action: str, **more: object) -> Done:
    """Have the function act. Raises CommandError, also for the error that the function answers.

    Args:
        more: further keys of the event.
    """
    answer = session.function.act(action, application, **more)
    before, after = read_status(answer.body.get("before")), read_status(answer.body.get("after"))
    return Done(application, action, before, after, str(answer.body.get("result", "")), answer.at)


def report(session: Session, done: Done, **more: Any) -> None:
    """Tell the result on stdout, and the next commands on stderr; or all of it as JSON.

    Args:
        more: further keys of the JSON form.
    """
    words = advice.next_commands(done.application, done.after, done.at)
    commands = [session.command(*each) for each in words]
    if session.options.json:
        session.output.document(
            {
                "application": done.application.name,
                "client_id": done.application.client_id,
                "action": done.action,
                "result": done.result,
                "before": done.before.document,
                "after": done.after.document,
                "next": commands,
                **more,
            }
        )
        return
    session.output.line(f"{done.application.name}: {done.result}")
    session.output.message(f"State: {done.after.state}, {advice.meaning(done.after.state).words}.")
    for command in commands:
        session.output.message(f"Next: {command}")
