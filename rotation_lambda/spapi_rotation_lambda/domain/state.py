"""The state that a person sees, derived from the labels and dates, never kept."""

from datetime import datetime, timedelta
from enum import StrEnum

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.snapshot import Snapshot, StoredVersion


class State(StrEnum):
    """The state of an application's secret; the first that applies, in this order."""

    UNSEEDED = "UNSEEDED"
    """No usable credentials: put them in."""
    EXPIRED = "EXPIRED"
    """The current secret is past its date, or the daily try says that it is dead."""
    STUCK = "STUCK"
    """A received secret is not accepted, and the old one dies within 24 hours."""
    RECEIVED = "RECEIVED"
    """A received secret waits for Amazon to accept it."""
    OVERDUE = "OVERDUE"
    """A request is not answered after the delivery deadline."""
    REQUESTED = "REQUESTED"
    """A request waits for its message."""
    REJECTED = "REJECTED"
    """A secret at least as new as the current one is rejected, or an operator action was interrupted."""
    DENIED = "DENIED"
    """The daily try was denied without a word about the secret; only a check tells it."""
    REFUSED = "REFUSED"
    """Amazon refused the last request."""
    UNDATED = "UNDATED"
    """In use; its dates are unknown."""
    CURRENT = "CURRENT"
    """In use; nothing to do."""


def derive(snapshot: Snapshot, now: datetime, delivery_deadline: timedelta) -> State:
    """Derive the state; a request is overdue after the delivery deadline.

    Raises:
        MalformedSecret, StoreFailed: like the reading itself.
    """
    current = snapshot.current
    if current is None or current.credentials is None:
        return State.UNSEEDED
    expires = snapshot.expires(current)
    if expires is not None and expires <= now:
        return State.EXPIRED
    pending = snapshot.readable(Label.PENDING)
    if pending is not None and snapshot.awaits_promotion:
        return State.STUCK if rules.is_stuck(snapshot, pending, current, now) else State.RECEIVED
    unanswered = rules.unanswered_request(snapshot)
    if unanswered is not None:
        return State.OVERDUE if now >= unanswered + delivery_deadline else State.REQUESTED
    return _at_rest(snapshot, current)


def _at_rest(snapshot: Snapshot, current: StoredVersion) -> State:
    issued, told = snapshot.issued(current), snapshot.told(current)
    rejected = snapshot.readable(Label.REJECTED)
    if rejected is not None:
        # Without a date: it was issued before its version was written.
        rejected_at = snapshot.issued(rejected) or rejected.version.created_at
        if issued is None or rejected_at >= issued:
            return State.REJECTED
    if snapshot.request_refused:
        record = snapshot.request_record()
        if record is not None and not rules.is_closed(snapshot, record.requested_at):
            return State.REFUSED
    return State.UNDATED if told is None or told.issued is None else State.CURRENT
