"""The subcommand ``history``: who asked, what arrived, what Amazon accepted, as the function's log tells it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spapi_rotation_cli import choosing
from spapi_rotation_cli.answers import Application, unexpected
from spapi_rotation_cli.errors import ExitCode
from spapi_rotation_cli.session import Session

WORDS: Mapping[str, str] = {
    "current_secret_tried": "Amazon was asked about the secret in use",
    "dead_letter_discarded": "a dead letter was discarded",
    "event_not_published": "EventBridge did not take an event; nobody was told",
    "expiry_notice_of_unknown_secret": "Amazon announced the expiry of a secret that is not known here",
    "look_failed": "something that stops or spoils rotations was found",
    "message_claimed": "a message that had come before the application was here was taken back",
    "message_unclaimed": "a message was for an application that is not here; it lies in the unclaimed queue",
    "message_unknown": "a message of the queue is not known",
    "newer_secret_overwritten": "somebody had put an older secret back; the newer one is pending again",
    "operator_action": "a person acted",
    "operator_action_failed": "a person's action failed",
    "pending_contradicts_current": "which of two secrets is newer is unknown; one is rejected",
    "pending_is_not_newer": "the pending secret is not newer; it was taken off",
    "promoted_by_hand": "put into use by a person, without verification",
    "rejected_by_hand": "rejected by a person",
    "rolled_back_by_hand": "the older secret was put back into use by a person",
    "rotation_refused": "Amazon refused the rotation",
    "rotation_request_unclear": "a rotation was requested; Amazon's answer was unclear",
    "rotation_requested": "a rotation was requested; Amazon confirmed it",
    "secret_accepted": "Amazon accepts the new secret",
    "secret_contradictory": "a message with a contradictory secret arrived; it is rejected",
    "secret_promoted": "the new secret is in use",
    "secret_stored": "a message with a new secret arrived; it is stored",
    "secret_stuck": "Amazon does not accept the new secret, and the one in use dies soon",
    "secret_superseded": "a message with an older secret arrived",
    "seeded_by_hand": "a person put a secret in; Amazon accepts it",
}
"""The function's events, in words."""

CHANGES = ("secret_promoted", "rolled_back_by_hand", "seeded_by_hand")
"""The events after which another value is in use. A promotion by hand is the first of them as well."""

_OF_THE_LINE = ("at", "event", "application", "client_id")


def history(session: Session, name: str | None, client_id: str | None, since: str | None) -> ExitCode:
    """Show the history of one application, or of every one, the oldest event first. Raises CommandError."""
    if name is None and client_id is None:
        which, names = None, {each.client_id: each.name for each in choosing.every(session)}
    else:
        which = choosing.one(session, name, client_id)
        names = {which.client_id: which.name}
    events: list[Mapping[str, Any]] = []
    began: object = since
    for page in pages(session, which, since):
        began = page.since
        events += page.events
        for event in page.events:
            _tell(session, event, names)
    if session.options.json:
        session.output.document({"since": began, "events": events})
    session.output.message(f"{len(events)} events since {began}.")
    return ExitCode.OK


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the history: since when it is told, and its events, the oldest first."""

    since: object
    events: list[Mapping[str, Any]]


def pages(session: Session, application: Application | None, since: str | None) -> Iterator[Page]:
    """The history of one application, or of the component, page by page. Raises CommandError."""
    began: object = since
    cursor: object = None
    while True:
        answer = session.function.ask("history", application, since=began, cursor=cursor).body
        events = answer.get("events")
        if not isinstance(events, list) or not all(isinstance(each, Mapping) for each in events):
            raise unexpected("a history")
        # Every page is asked for with the first page's beginning, which the cursor belongs to.
        began, cursor = answer.get("since"), answer.get("cursor")
        yield Page(began, events)
        if not isinstance(cursor, str):
            return


def _tell(session: Session, event: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """One event. What came by a message names the application by its client id alone."""
    kind, client_id = str(event.get("event")), str(event.get("client_id") or "")
    application = names.get(client_id) or event.get("application") or client_id or "component"
    session.output.line(f"{event.get('at')}  {application}: {WORDS.get(kind, kind)}", "bold")
    more = {key: value for key, value in event.items() if key not in _OF_THE_LINE and value != ""}
    if more:
        session.output.labelled("", ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in more.items()))
