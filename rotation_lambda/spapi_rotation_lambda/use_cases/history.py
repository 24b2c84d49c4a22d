"""What happened, from the function's own log: who asked, what arrived, what Amazon accepted, what was put into use.

Only fields that are known here leave the log, so that a line that something else wrote shows nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.surroundings import LogLine

EVENTS = (
    "current_secret_tried",
    "dead_letter_discarded",
    "event_not_published",
    "expiry_notice_of_unknown_secret",
    "look_failed",
    "message_claimed",
    "message_unclaimed",
    "message_unknown",
    "newer_secret_overwritten",
    "operator_action",
    "operator_action_failed",
    "pending_contradicts_current",
    "pending_is_not_newer",
    "promoted_by_hand",
    "rejected_by_hand",
    "rolled_back_by_hand",
    "rotation_refused",
    "rotation_request_unclear",
    "rotation_requested",
    "secret_accepted",
    "secret_contradictory",
    "secret_promoted",
    "secret_stored",
    "secret_stuck",
    "secret_superseded",
    "seeded_by_hand",
)
"""What is worth remembering; the hourly checks are not."""

FIELDS = (
    "action",
    "after",
    "answer",
    "application",
    "before",
    "cause",
    "claimed_by",
    "client_id",
    "code",
    "detail",
    "error",
    "expires_at",
    "found",
    "issued_at",
    "kind",
    "look",
    "message_id",
    "messages",
    "mode",
    "notification_id",
    "old_secret_dies_at",
    "request_id",
    "result",
    "remedy",
    "rotation_id",
    "status",
    "trigger",
    "version_id",
)
"""What is shown of a line."""

ACCEPTANCES = ("current_secret_tried", "secret_accepted", "seeded_by_hand")
"""What says that Amazon has accepted a secret; the first only with the answer ``accepted``."""

REQUESTS = ("rotation_request_unclear", "rotation_requested")
"""What says that Amazon was asked, and may have rotated."""

REMEMBERED = timedelta(days=2)
"""How far back an acceptance is looked for. The secret in use is tried once a day."""

PAGES = 20
"""How many pages are looked at at most: a component of thousands of applications has many."""


@dataclass(frozen=True, slots=True)
class History:
    """A part of the history, the oldest event first.

    Attributes:
        cursor: what the next part begins with; None if there is none.
    """

    events: list[dict[str, Any]]
    cursor: str | None


def history(ports: Ports, client_id: str | None, since: datetime, cursor: str | None) -> History:
    """Read a part of the history of one application, or of the component.

    Raises:
        StoreFailed: the log could not be read.
        BadSettings: the cursor is not one that this was given.
    """
    page = ports.log().read(EVENTS, since, cursor)
    shown = [_shown(line) for line in page.lines if _is_told(line, client_id)]
    return History(shown, page.cursor)


def last_accepted(ports: Ports) -> dict[str, datetime]:
    """When Amazon last accepted a secret of each application, by client id, as far as the log of two days tells.

    Raises:
        StoreFailed: the log could not be read.
    """
    since, cursor = ports.clock.now() - REMEMBERED, None
    found: dict[str, datetime] = {}
    for _ in range(PAGES):
        page = ports.log().read(ACCEPTANCES, since, cursor)
        for line in page.lines:
            client_id = line.fields.get("client_id")
            if isinstance(client_id, str) and line.fields.get("answer", "accepted") == "accepted":
                found[client_id] = max(line.at, found.get(client_id, line.at))
        if (cursor := page.cursor) is None:
            break
    return found


def last_requested(ports: Ports, client_id: str, since: datetime, *, pages: int = PAGES) -> datetime | None:
    """When a rotation of an application was last requested, as the log tells.

    Raises:
        StoreFailed: the log could not be read, or these pages are not all of it.
    """
    cursor, found = None, list[datetime]()
    for _ in range(pages):
        page = ports.log().read(REQUESTS, since, cursor)
        found += [line.at for line in page.lines if line.fields.get("client_id") == client_id]
        if (cursor := page.cursor) is None:
            return max(found, default=None)
    raise StoreFailed(
        "The function's log is too long to be searched for the last request.",
        remedy="Nothing. With many applications in one component a check looks at a part of the log only; the doctor "
        "looks at more.",
    )


def _is_told(line: LogLine, client_id: str | None) -> bool:
    """Whether it is about the application, or about the component. That the daily try went well is no news."""
    expected = line.fields.get("message") == "current_secret_tried" and line.fields.get("answer") == "accepted"
    return not expected and client_id in (None, line.fields.get("client_id", client_id))


def _shown(line: LogLine) -> dict[str, Any]:
    known = {name: value for name in FIELDS if isinstance(value := line.fields.get(name), str | int | float)}
    return {"at": format_time(line.at), "event": line.fields.get("message"), **known}
