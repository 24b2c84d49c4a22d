"""Amazon's two messages about client secrets, parsed without trust.

Source: the sample messages in the deployment guide of Amazon's lwa-rotation sample. Other notification types use
PascalCase for the same envelope, so both casings are taken; ``payloadVersion`` differs between sources and is not
looked at.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from spapi_rotation_lambda.domain.applications import CLIENT_ID
from spapi_rotation_lambda.domain.credentials import Credentials, is_storable
from spapi_rotation_lambda.domain.errors import UnknownMessage
from spapi_rotation_lambda.domain.labels import derived_id
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.rules import CLOCK_TOLERANCE
from spapi_rotation_lambda.domain.snapshot import OVERLAP
from spapi_rotation_lambda.domain.times import LIFETIME, format_time, parse_time, without_mark

NEW_SECRET = "APPLICATION_OAUTH_CLIENT_NEW_SECRET"  # noqa: S105
EXPIRY = "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"
MAX_SECRET_CHARACTERS = 4096

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A new client secret. Its credentials carry the notification's id, and its dates as far as they are told."""

    client_id: str
    notification_id: str
    credentials: Credentials

    def believed(self, now: datetime) -> "NewSecret":
        """The same with every date, sealed: what is missing or cannot be is derived.

        The time of a message is ``eventTime``, else ``publishTime``, else its expiry less the lifetime; one that lies
        more than 65 minutes ahead is not believed, and neither is any other date of that message.
        """
        told = self.credentials
        times = (told.issued_at, told.expires_at - LIFETIME if told.expires_at is not None else None)
        issued = next((one for one in times if one is not None and one <= now + CLOCK_TOLERANCE), now)
        expires, previous = told.expires_at, told.previous_expires_at
        if expires is None or not issued < expires <= issued + LIFETIME + A_DAY:
            expires = issued + LIFETIME
        if previous is None or previous > issued + LIFETIME:
            previous = issued + OVERLAP
        dated = replace(told, issued_at=issued, expires_at=expires, previous_expires_at=previous)
        return replace(self, credentials=dated.sealed())


@dataclass(frozen=True, slots=True)
class ExpiryNotice:
    """A notice that a client secret will expire."""

    client_id: str
    expires_at: datetime


Notification = NewSecret | ExpiryNotice


def kind_of(notification: Notification) -> str:
    """Which of the two messages it is, for a person."""
    return "new-secret" if isinstance(notification, NewSecret) else "expiry-notice"


def parse(body: Sensitive) -> Notification:
    """Parse a queue message's body.

    Raises:
        UnknownMessage: it is not one of the two messages. The error says which part is wrong, never its content.
    """
    try:
        data = json.loads(without_mark(body.reveal()))
    except (ValueError, RecursionError):
        raise _unknown("it is not JSON") from None
    envelope = _mapping(data, "the message")
    kind = _get(envelope, "notificationType")
    payload = _mapping(_get(envelope, "payload"), "payload")
    if kind == NEW_SECRET:
        return _new_secret(envelope, _mapping(_get(payload, "applicationOAuthClientNewSecret"), NEW_SECRET))
    if kind == EXPIRY:
        part = _mapping(_get(payload, "applicationOAuthClientSecretExpiry"), EXPIRY)
        return ExpiryNotice(
            client_id=_client_id(part),
            expires_at=_time(_get(part, "clientSecretExpiryTime"), "clientSecretExpiryTime"),
        )
    raise _unknown("its notificationType is not one of the two about client secrets")


def _new_secret(envelope: Mapping[str, Any], part: Mapping[str, Any]) -> NewSecret:
    client_id = _client_id(part)
    secret = _get(part, "newClientSecret")
    if not isinstance(secret, str) or not 1 <= len(secret) <= MAX_SECRET_CHARACTERS or not is_storable(secret):
        raise _unknown("newClientSecret is not a usable text")
    if secret != secret.strip():  # as a stored one must not have it: it would make the secret malformed
        raise _unknown("newClientSecret has white space around it")
    event_time = _maybe(_get(envelope, "eventTime")) or _maybe(_get(_metadata(envelope), "publishTime"))
    expires_at = _maybe(_get(part, "newClientSecretExpiryTime"))
    # Without any time, two messages about two secrets must not have one id.
    moment = event_time or expires_at
    told = format_time(moment) if moment is not None else Credentials(client_id, Sensitive(secret)).value_hash
    notification_id = _notification_id(envelope, client_id, told)
    return NewSecret(
        client_id=client_id,
        notification_id=notification_id,
        credentials=Credentials(
            client_id=client_id,
            client_secret=Sensitive(secret),
            issued_at=event_time,
            expires_at=expires_at,
            previous_expires_at=_maybe(_get(part, "oldClientSecretExpiryTime")),
            rotation_id=notification_id,
        ),
    )


def _metadata(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _get(envelope, "notificationMetadata")
    return found if isinstance(found, Mapping) else {}


def _notification_id(envelope: Mapping[str, Any], client_id: str, told: str) -> str:
    """Amazon's id of the notification; without one, an id that every copy of the message derives again."""
    found = _get(_metadata(envelope), "notificationId")
    if isinstance(found, str) and 1 <= len(found) <= 128 and found.isascii() and found.isprintable():
        return found
    return derived_id("notification", client_id, told)


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


def _maybe(value: object) -> datetime | None:
    try:
        return parse_time(value, "a date")
    except ValueError:
        return None


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
