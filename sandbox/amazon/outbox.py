"""Amazon's two notifications and the box from which they are sent: when, how often, in which order, or never.

Pure bookkeeping; who really sends is ``delivery.Courier``. Source of the envelopes: the two sample messages of
``lwa-rotation`` in amzn/selling-partner-api-samples (copies under ``tests/data``).
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sandbox.amazon.faults import Delay, Duplicate, FaultBook, Hold, Lose
from sandbox.amazon.wire import timestamp


class NotificationType(StrEnum):
    """The two rows of the Developer Console's subscription page that matter here."""

    NEW_SECRET = "APPLICATION_OAUTH_CLIENT_NEW_SECRET"  # noqa: S105
    SECRET_EXPIRY = "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"  # noqa: S105


class State(StrEnum):
    """Where a message is."""

    WAITING = "waiting"
    HELD = "held"
    """Kept back until a later message of the application has been sent."""
    SENT = "sent"
    LOST = "lost"
    FAILED = "failed"
    """Refused by the queue at every try."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A message before it is sent. ``body`` may hold a secret and is never shown."""

    type: str
    client_id: str
    notification_id: str
    queue_url: str
    body: str = field(repr=False)


@dataclass(slots=True)
class Parcel:
    """One sending of a notification; a duplicate is a parcel of its own."""

    number: int
    notification: Notification
    due_at: datetime
    state: State
    attempts: int = 0
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the control API tells of a parcel: no body."""

    number: int
    type: str
    client_id: str
    notification_id: str
    queue_url: str
    state: State
    due_at: datetime
    attempts: int
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """One refused try, with AWS's error code (or the name of the transport failure)."""

    at: datetime
    number: int
    client_id: str
    notification_id: str
    queue_url: str
    operation: str
    error_code: str
    attempt: int


def new_secret_payload(client_id: str, secret: str, expires: datetime, old_expires: datetime) -> dict[str, Any]:
    """The payload of APPLICATION_OAUTH_CLIENT_NEW_SECRET."""
    return {
        "applicationOAuthClientNewSecret": {
            "clientId": client_id,
            "newClientSecret": secret,
            "newClientSecretExpiryTime": timestamp(expires),
            "oldClientSecretExpiryTime": timestamp(old_expires),
        }
    }


def secret_expiry_payload(client_id: str, expires: datetime, reason: str) -> dict[str, Any]:
    """The payload of APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY. It carries no secret."""
    return {
        "applicationOAuthClientSecretExpiry": {
            "clientId": client_id,
            "clientSecretExpiryTime": timestamp(expires),
            "clientSecretExpiryReason": reason,
        }
    }


def envelope(
    kind: NotificationType,
    payload: dict[str, Any],
    application_id: str,
    subscription_id: str,
    notification_id: str,
    event: datetime,
    published: datetime,
) -> str:
    """The bare camelCase envelope, as the SQS body: not wrapped by SNS."""
    return json.dumps(
        {
            "notificationVersion": "1.0",
            "notificationType": kind.value,
            "payloadVersion": "2023-11-30",
            "eventTime": timestamp(event),
            "payload": payload,
            "notificationMetadata": {
                "applicationId": application_id,
                "subscriptionId": subscription_id,
                "publishTime": timestamp(published),
                "notificationId": notification_id,
            },
        }
    )


def fresh_id() -> str:
    """A new notification, subscription or request id."""
    return str(uuid.uuid4())


class Outbox:
    """All messages of all applications, in the order in which they arose."""

    def __init__(self, retry_seconds: Sequence[float]) -> None:
        """Create an empty box.

        Args:
            retry_seconds: the wait before each further try of a refused message; its length is the number of retries.
        """
        self._retry_seconds = tuple(retry_seconds)
        self._parcels: list[Parcel] = []
        self._failures: list[DeliveryFailure] = []

    def post(self, notification: Notification, due: datetime, faults: FaultBook) -> None:
        """Take a message for sending at ``due``, or as the misbehaviours of its application say."""
        if late := faults.take(Delay):
            due += timedelta(seconds=late.seconds)
        if faults.take(Lose):
            self._add(notification, due, State.LOST)
            return
        self._add(notification, due, State.HELD if faults.take(Hold) else State.WAITING)
        if twice := faults.take(Duplicate):
            for copy in range(1, twice.copies + 1):
                self._add(notification, due + timedelta(seconds=twice.seconds * copy), State.WAITING)

    def _add(self, notification: Notification, due: datetime, state: State) -> None:
        self._parcels.append(Parcel(len(self._parcels) + 1, notification, due, state))

    def due(self, now: datetime) -> tuple[Parcel, ...]:
        """What shall be sent now, the most overdue first."""
        ready = [p for p in self._parcels if p.state is State.WAITING and p.due_at <= now]
        return tuple(sorted(ready, key=lambda parcel: (parcel.due_at, parcel.number)))

    def delivered(self, parcel: Parcel, now: datetime) -> None:
        """The queue took the message: held older ones of the application follow."""
        parcel.attempts += 1
        parcel.state, parcel.sent_at = State.SENT, now
        for other in self._parcels:
            same_application = other.notification.client_id == parcel.notification.client_id
            if other.state is State.HELD and same_application and other.number < parcel.number:
                other.state, other.due_at = State.WAITING, now

    def failed(self, parcel: Parcel, now: datetime, operation: str, error_code: str) -> None:
        """The queue refused the message: keep the reason, try again later or give up."""
        parcel.attempts += 1
        if parcel.attempts > len(self._retry_seconds):
            parcel.state = State.FAILED
        else:
            parcel.due_at = now + timedelta(seconds=self._retry_seconds[parcel.attempts - 1])
        told = parcel.notification
        self._failures.append(
            DeliveryFailure(
                at=now,
                number=parcel.number,
                client_id=told.client_id,
                notification_id=told.notification_id,
                queue_url=told.queue_url,
                operation=operation,
                error_code=error_code,
                attempt=parcel.attempts,
            )
        )

    def deliveries(self) -> tuple[Delivery, ...]:
        """Every message, without its body."""
        return tuple(
            Delivery(
                p.number,
                p.notification.type,
                p.notification.client_id,
                p.notification.notification_id,
                p.notification.queue_url,
                p.state,
                p.due_at,
                p.attempts,
                p.sent_at,
            )
            for p in self._parcels
        )

    def failures(self) -> tuple[DeliveryFailure, ...]:
        """Every refused try."""
        return tuple(self._failures)

    def clear(self) -> None:
        """Forget everything."""
        self._parcels.clear()
        self._failures.clear()
