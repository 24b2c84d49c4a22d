"""Announcements: events for whoever listens. They are never state, and a failed one stops nothing."""

from collections.abc import Callable
from datetime import datetime

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.daily_slot import has_just_begun
from spapi_rotation_lambda.domain.deaths import days_left, replace_by, unanswered_requests
from spapi_rotation_lambda.domain.errors import NotPublished
from spapi_rotation_lambda.domain.events import (
    DeliveryOverdue,
    Event,
    ExpiredBy,
    RejectedBy,
    SecretDenied,
    SecretExpired,
    SecretExpiring,
    SecretRejected,
    SecretStuck,
)
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.ports import Metric, Ports


def tell(ports: Ports, event: Event) -> None:
    """Publish an event; what cannot be published is logged and counted."""
    try:
        ports.announcer.tell(event)
    except NotPublished as error:
        note_not_published(ports, event.application, event.DETAIL_TYPE, error)


def note_not_published(ports: Ports, application: Application, what: str, error: NotPublished) -> None:
    """Log and count an event that nobody heard of."""
    ports.telemetry.count(Metric.NOT_PUBLISHED)
    ports.telemetry.warning("event_not_published", application, kind=what, detail=str(error))


def tell_rejected(ports: Ports, snapshot: Snapshot, version_id: str, by: RejectedBy) -> None:
    """Tell that a secret is rejected."""
    tell(ports, SecretRejected(snapshot.application, snapshot.versions.arn, version_id, by))


def tell_denied(ports: Ports, snapshot: Snapshot) -> None:
    """Tell that the daily try was denied."""
    tell(ports, SecretDenied(snapshot.application, snapshot.versions.arn, _expires(snapshot)))


def tell_state(ports: Ports, snapshot: Snapshot, state: State, *, at: datetime, daily: bool) -> None:
    """Tell of a state that a person should know: by the first check since it began, then once a day.

    Args:
        at: when this check was to be made.
        daily: whether it is the one of the day.
    """
    found = _TELLING.get(state)
    if found is not None:
        begins, event = found(ports, snapshot)
        if daily or (begins is not None and has_just_begun(begins, at, ports.policy.check_interval)):
            tell(ports, event)
    expires, now = _expires(snapshot), ports.clock.now()
    if daily and state is not State.EXPIRED and expires is not None and expires - now < ports.policy.expiry_alarm:
        left = round(days_left(expires, now), 1)
        tell(ports, SecretExpiring(snapshot.application, snapshot.versions.arn, expires, left))


Begun = tuple[datetime | None, Event]
"""When a state began, as far as it is known, and the event about it."""


def _overdue(ports: Ports, snapshot: Snapshot) -> Begun:
    asked_at = rules.unanswered_request(snapshot)
    event = DeliveryOverdue(
        snapshot.application,
        snapshot.versions.arn,
        next(iter(unanswered_requests(snapshot)), None),
        replace_by(snapshot, ports.clock.now()),
    )
    return asked_at and asked_at + ports.policy.delivery_deadline, event


def _stuck(ports: Ports, snapshot: Snapshot) -> Begun:
    current, pending = snapshot.current, snapshot.pending
    dies_at = rules.old_secret_dies_at(snapshot, pending, current) if current and pending else None
    stored_at = pending.version.created_at if pending else None
    begins = max(dies_at - rules.STUCK_BEFORE_DEATH, stored_at) if dies_at and stored_at else None
    waits = snapshot.id_of(Label.PENDING) or ""
    return begins, SecretStuck(snapshot.application, snapshot.versions.arn, waits, dies_at)


def _rejected(ports: Ports, snapshot: Snapshot) -> Begun:
    holder = snapshot.id_of(Label.REJECTED) or ""
    # Whoever rejected it has told it then.
    return None, SecretRejected(snapshot.application, snapshot.versions.arn, holder, RejectedBy.EARLIER)


def _expired(ports: Ports, snapshot: Snapshot) -> Begun:
    expires = _expires(snapshot)
    by = ExpiredBy.DATE if expires is not None and expires <= ports.clock.now() else ExpiredBy.AMAZON
    return expires, SecretExpired(snapshot.application, snapshot.versions.arn, expires, by)


_TELLING: dict[State, Callable[[Ports, Snapshot], Begun]] = {
    State.OVERDUE: _overdue,
    State.STUCK: _stuck,
    State.REJECTED: _rejected,
    State.EXPIRED: _expired,
}


def _expires(snapshot: Snapshot) -> datetime | None:
    return snapshot.expires(snapshot.current) if snapshot.current else None
