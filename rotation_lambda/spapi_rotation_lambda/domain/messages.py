"""Amazon's two messages about client secrets, parsed without trust.

Source: the sample messages in the deployment guide of Amazon's lwa-rotation sample. Other notification types use
PascalCase for the same envelope, so both casings are taken; ``payloadVersion`` differs between sources and is not
looked at.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spapi_rotation_lambda.domain.applications import CLIENT_ID
from spapi_rotation_lambda.domain.credentials import Credentials, is_storable
from spapi_rotation_lambda.domain.errors import UnknownMessage
from spapi_rotation_lambda.domain.labels import derived_id
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time, parse_time

NEW_SECRET = "APPLICATION_OAUTH_CLIENT_NEW_SECRET"  # noqa: S105
EXPIRY = "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"
MAX_SECRET_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A new client secret. Its credentials carry the notification's id and dates."""

    client_id: str
    notification_id: str
    issued_at: datetime
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class ExpiryNotice:
    """A notice that a client secret will expire."""

    client_id: str
    notification_id: str
    expires_at: datetime


Notification = NewSecret | ExpiryNotice


def parse(body: Sensitive) -> Notification:
    """Parse a queue message's body.

    Raises:
        UnknownMessage: it is not one of the two messages. The error says which part is wrong, never its content.
    """
    try:
        data = json.loads(body.reveal())
    except (ValueError, RecursionError):
        raise _unknown("it is not JSON") from None
    envelope = _mapping(data, "the message")
    kind = _get(envelope, "notificationType")
    payload = _mapping(_get(envelope, "payload"), "payload")
    event_time = _time(_get(envelope, "eventTime"), "eventTime")
    if kind == NEW_SECRET:
        return _new_secret(envelope, _mapping(_get(payload, "applicationOAuthClientNewSecret"), NEW_SECRET), event_time)
    if kind == EXPIRY:
        part = _mapping(_get(payload, "applicationOAuthClientSecretExpiry"), EXPIRY)
        client_id = _client_id(part)
        return ExpiryNotice(
            client_id=client_id,
            notification_id=_notification_id(envelope, client_id, event_time),
            expires_at=_time(_get(part, "clientSecretExpiryTime"), "clientSecretExpiryTime"),
        )
    raise _unknown("its notificationType is not one of the two about client secrets")


def _new_secret(envelope: Mapping[str, Any], part: Mapping[str, Any], event_time: datetime) -> NewSecret:
    client_id = _client_id(part)
    secret = _get(part, "newClientSecret")
    if not isinstance(secret, str) or not 1 <= len(secret) <= MAX_SECRET_CHARACTERS or not is_storable(secret):
        raise _unknown("newClientSecret is not a usable text")
    notification_id = _notification_id(envelope, client_id, event_time)
    return NewSecret(
        client_id=client_id,
        notification_id=notification_id,
        issued_at=event_time,
        credentials=Credentials(
            client_id=client_id,
            client_secret=Sensitive(secret),
            issued_at=event_time,
            expires_at=_time(_get(part, "newClientSecretExpiryTime"), "newClientSecretExpiryTime"),
            previous_expires_at=_time(_get(part, "oldClientSecretExpiryTime"), "oldClientSecretExpiryTime"),
            rotation_id=notification_id,
        ).sealed(),
    )


def _notification_id(envelope: Mapping[str, Any], client_id: str, event_time: datetime) -> str:
    """Amazon's id of the notification; without one, an id that every copy of the message derives again."""
    metadata = _get(envelope, "notificationMetadata")
    found = _get(metadata, "notificationId") if isinstance(metadata, Mapping) else None
    if isinstance(found, str) and 1 <= len(found) <= 128 and found.isascii() and found.isprintable():
        return found
    return derived_id("notification", client_id, format_time(event_time))


def _client_id(part: Mapping[str, Any]) -> str:
    value = _get(part, "clientId")
    if not isinstance(value, str) or not CLIENT_ID.fullmatch(value):
        raise _unknown("clientId is not a client id")
    return value


def _get(data: Mapping[str, Any], name: str) -> Any:
    """A field by its camelCase name or by the same name in PascalCase."""
    value = data.get(name)
    return data.get(name[0].upper() + name[1:]) if value is None else value


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _unknown(f"{what} is not an object")
    return value


def _time(value: object, what: str) -> datetime:
    try:
        return parse_time(value, what)
    except ValueError as error:
        raise _unknown(str(error)) from None


def _unknown(problem: str) -> UnknownMessage:
    return UnknownMessage(
        f"A queue message is not known: {problem}.",
        remedy="Nothing is lost: it goes to the dead-letter queue. Look at it there; it may hold a secret.",
    )
