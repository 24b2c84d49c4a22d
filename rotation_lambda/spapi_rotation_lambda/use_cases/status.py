"""What a person is shown of one application: the state, what it comes from, and what will happen next."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.deaths import replace_by
from spapi_rotation_lambda.domain.errors import Declined, MalformedSecret, NotDue
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.state import derive
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases.asking import asked
from spapi_rotation_lambda.use_cases.request_conditions import CONDITIONS, Attempt

MALFORMED = "MALFORMED"
"""Shown in place of a state when a value is not what it should be; no state can be derived then."""


@dataclass(frozen=True, slots=True)
class LastRequest:
    """The last request: when, who (trigger, and the trigger text of ``pulumi up``), and what became of it.

    ``outcome`` is ``refused``, ``unanswered`` or ``answered``.
    """

    requested_at: datetime
    trigger: str
    reference: str | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Next:
    """What the schedule does next.

    Attributes:
        verdict: ``due`` (the next check requests), ``not-due`` or ``declined``.
        detail: when, or why, and what to do.
    """

    verdict: str
    detail: str


@dataclass(frozen=True, slots=True)
class Status:
    """One application, from one reading of its secret. Names, ids and times only.

    Attributes:
        application: its name.
        client_id: its LWA client id.
        secret_id: name or ARN of its secret.
        state: its state, or MALFORMED.
        problem: what is malformed, and what to do; empty otherwise.
        seen: stands for where every label was; an action that expects it changes nothing once one has moved.
        labels: the version id under each label.
        issued_at, expires_at: of the secret in use; None means unknown.
        old_secret_dies_at: when the secret before the newest one dies, while that lies ahead.
        replace_by: by when a newer secret has to be in use: the expiry of this one, or sooner while a rotation is on
            its way; None if there is none in use.
        in_use_since: when the version in use was written.
        pending_since: when the pending version was written.
        last_request: None if there was none.
        next: what the schedule does next.
        subscription_seen: whether a labelled version came with a message of Amazon.
    """

    application: str
    client_id: str
    secret_id: str
    state: str
    problem: str
    seen: str
    labels: dict[str, str]
    issued_at: datetime | None
    expires_at: datetime | None
    old_secret_dies_at: datetime | None
    replace_by: datetime | None
    in_use_since: datetime | None
    pending_since: datetime | None
    last_request: LastRequest | None
    next: Next | None
    subscription_seen: bool

    def as_json(self) -> dict[str, Any]:
        """As the operator interface answers it; times are RFC 3339 in UTC."""
        found = _plain(asdict(self))
        assert isinstance(found, dict)  # noqa: S101  (what asdict gives)
        return found


def status(ports: Ports, application: Application) -> Status:
    """Read one application.

    Raises:
        SecretMissing, StoreFailed: it could not be read.
    """
    snapshot = Snapshot(ports.store, application)
    try:
        return _status(ports, snapshot)
    except MalformedSecret as error:
        return _unreadable(snapshot, str(error))


def seen(snapshot: Snapshot) -> str:
    """Sixteen hex digits that stand for where every label of ours was."""
    places = "\n".join(f"{label.value} {snapshot.id_of(label)}" for label in Label)
    return hashlib.sha256(places.encode()).hexdigest()[:16]


def _labels(snapshot: Snapshot) -> dict[str, str]:
    return {label.value: version for label in Label if (version := snapshot.id_of(label)) is not None}


def _unreadable(snapshot: Snapshot, problem: str) -> Status:
    application = snapshot.application
    current = snapshot.versions.labelled(Label.CURRENT)
    pending = snapshot.versions.labelled(Label.PENDING)
    return Status(
        application=application.name,
        client_id=application.client_id,
        secret_id=application.secret_id,
        state=MALFORMED,
        problem=problem,
        seen=seen(snapshot),
        labels=_labels(snapshot),
        issued_at=None,
        expires_at=None,
        old_secret_dies_at=None,
        replace_by=None,
        in_use_since=current.created_at if current else None,
        pending_since=pending.created_at if pending else None,
        last_request=None,
        next=None,
        subscription_seen=False,
    )


def _status(ports: Ports, snapshot: Snapshot) -> Status:
    application, now = snapshot.application, ports.clock.now()
    current, pending = snapshot.current, snapshot.pending
    told = snapshot.told(current) if current else None
    return Status(
        application=application.name,
        client_id=application.client_id,
        secret_id=application.secret_id,
        state=derive(snapshot, now, ports.policy.delivery_deadline).value,
        problem="",
        seen=seen(snapshot),
        labels=_labels(snapshot),
        issued_at=told.issued if told else None,
        expires_at=_expires(snapshot),
        old_secret_dies_at=_old_secret_dies_at(snapshot, now),
        replace_by=replace_by(snapshot, now),
        in_use_since=current.version.created_at if current else None,
        pending_since=pending.version.created_at if pending else None,
        last_request=_last_request(snapshot),
        next=_next(ports, snapshot),
        subscription_seen=any(
            stored.credentials is not None and stored.credentials.rotation_id for stored in snapshot.received()
        ),
    )


def _expires(snapshot: Snapshot) -> datetime | None:
    """When the secret in use dies, as far as anybody has said so."""
    current = snapshot.current
    told = snapshot.told(current) if current else None
    if current is None or told is None or told.expires is None:
        return None
    return snapshot.expires(current)


def _old_secret_dies_at(snapshot: Snapshot, now: datetime) -> datetime | None:
    current, pending = snapshot.current, snapshot.readable(Label.PENDING)
    told = snapshot.told(current) if current else None
    if current is None or told is None:
        return None
    if pending is not None:
        return rules.old_secret_dies_at(snapshot, pending, current)
    death = told.previous_expires_at
    return death if death is not None and death > now else None


def _last_request(snapshot: Snapshot) -> LastRequest | None:
    record = snapshot.request_record()
    if record is None:
        return None
    if snapshot.request_refused:
        outcome = "refused"
    else:
        outcome = "answered" if rules.is_closed(snapshot, record.requested_at) else "unanswered"
    return LastRequest(record.requested_at, record.trigger.value, record.reference, outcome)


def _next(ports: Ports, snapshot: Snapshot) -> Next:
    if snapshot.awaits_promotion:
        return Next("declined", "A received secret is pending; it is settled first.")
    attempt = Attempt(ports, asked(ports, snapshot, Trigger.SCHEDULE), None)
    if rules.repost_is_due(snapshot, attempt.asked.now, ports.policy):
        return Next("due", "The next check makes the one repost of the unanswered request, if the queue is ready.")
    if (silence := _silence(ports, snapshot, attempt.asked.now)) is not None:
        return silence
    try:
        for condition in CONDITIONS:
            if Mode.ORDINARY in condition.modes and not condition.looks_at_queue:
                condition.require(attempt)
    except NotDue as declined:
        return Next("not-due", str(declined.args[0]))
    except Declined as declined:
        return Next("declined", str(declined))
    return Next("due", "The next check requests a rotation, if the queue is ready.")


def _silence(ports: Ports, snapshot: Snapshot, now: datetime) -> Next | None:
    """What an overdue request waits for, and what its silence may mean."""
    asked_at, record = rules.unanswered_request(snapshot), snapshot.request_record()
    if asked_at is None or record is None:
        return None
    again_at = asked_at + rules.UNANSWERED_BLOCKS
    if not asked_at + ports.policy.delivery_deadline <= now < again_at:
        return None
    dies_at, repost_at = _expires(snapshot), rules.repost_at(snapshot, ports.policy)
    if repost_at is not None:
        then = f"It is made once more from {format_time(repost_at)} on."
    elif record.queue_has_answered:
        then = f"It is not repeated. The schedule may request again from {format_time(again_at)} on."
    else:
        then = (
            f"None was ever answered through {record.queue_arn or 'this queue'}: the application is not subscribed in "
            "Amazon's Developer Console, or it is subscribed to another queue. Subscribe it, then rotate with force."
        )
    dies = f"The secret in use dies on {format_time(dies_at)}." if dies_at else "When the one in use dies is unknown."
    return Next("declined", f"The request of {format_time(asked_at)} is unanswered. {then} {dies}")


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
