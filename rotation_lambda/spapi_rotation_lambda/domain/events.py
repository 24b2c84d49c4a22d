"""The events that the component publishes: the one catalog of what each says. ``docs/events.md`` is made from it.

An event holds names, ids, codes and times only. Its fields are its class's attributes, which are what ``detail`` gives
and what ``schema`` describes.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.times import format_time

SOURCE = "spapi-rotation"


class RejectedBy(StrEnum):
    """Why a secret is rejected."""

    PERSON = "person"
    """A person rejected it, or rolled it back."""
    CONTRADICTION = "contradiction"
    """It contradicts what is known."""
    UNDECIDED = "undecided"
    """For eight days nothing showed whether it or the one in use is newer."""
    EARLIER = "earlier"
    """It was rejected before, and still is."""


class ExpiredBy(StrEnum):
    """What says that a secret is dead."""

    DATE = "date"
    AMAZON = "amazon"


@dataclass(frozen=True, slots=True)
class Event:
    """What every event tells. ``DETAIL_TYPE`` names it, ``WHEN`` says when it is published."""

    DETAIL_TYPE: ClassVar[str]
    WHEN: ClassVar[str]

    application: Application
    secret_arn: Annotated[str, "The application's secret."]


@dataclass(frozen=True, slots=True)
class RotationEvent(Event):
    """A new secret is in use."""

    DETAIL_TYPE = "SP-API client secret rotated"
    WHEN = "Another secret is in use, put there by a rotation or by a person. Repeated until EventBridge accepts it."

    version_id: Annotated[str, "The secret's version that is in use."]
    rotation_id: Annotated[str | None, "The id of the message that it came in; null if a person put it in."]
    expires_at: Annotated[datetime | None, "When it dies; null if unknown."]
    previous_expires_at: Annotated[datetime | None, "When the secret before it dies; null if unknown."]


@dataclass(frozen=True, slots=True)
class RotationRequested(Event):
    """Amazon was asked for a new secret."""

    DETAIL_TYPE = "SP-API client secret rotation requested"
    WHEN = "Amazon was asked for a new secret, and has not refused. It sends the secret to the queue."

    requested_at: Annotated[datetime, "When."]
    trigger: Annotated[Trigger, "Who asked."]
    mode: Annotated[Mode, "Whether it was an ordinary request, the one repetition of an unanswered one, or forced."]
    confirmed: Annotated[bool, "Whether Amazon confirmed it. If not, its answer was unclear."]
    request_id: Annotated[str, "Amazon's id of the request, for its support; may be empty."]


@dataclass(frozen=True, slots=True)
class SecretReceived(Event):
    """A new secret has come and is stored."""

    DETAIL_TYPE = "SP-API client secret received"
    WHEN = "Amazon's message has come, and its secret is stored. It comes into use when Amazon accepts it."

    rotation_id: Annotated[str, "The id of Amazon's message."]
    issued_at: Annotated[datetime | None, "When the secret was issued."]
    expires_at: Annotated[datetime | None, "When it dies."]


@dataclass(frozen=True, slots=True)
class RotationRefused(Event):
    """Amazon refused a request."""

    DETAIL_TYPE = "SP-API client secret rotation refused"
    WHEN = "Amazon refused a request; nothing was changed. The schedule tries again after 6 hours, then every 24 hours."

    status: Annotated[int, "The HTTP status; 0 if there was no connection."]
    code: Annotated[str, "Amazon's error code, or the kind of failure."]
    cause: Annotated[str, "The one cause that applies, such as not-enrolled, expired, denied, throttled, unreachable."]
    request_id: Annotated[str, "Amazon's id of the request, for its support; may be empty."]


@dataclass(frozen=True, slots=True)
class DeliveryOverdue(Event):
    """A request is unanswered."""

    DETAIL_TYPE = "SP-API client secret delivery overdue"
    WHEN = "A request is unanswered an hour after it was made; once a day while that lasts."

    requested_at: Annotated[datetime | None, "When the oldest unanswered request was made."]
    replace_by: Annotated[datetime | None, "By when a newer secret must be in use; null if unknown."]


@dataclass(frozen=True, slots=True)
class SecretStuck(Event):
    """A received secret is not accepted, and the one in use dies soon."""

    DETAIL_TYPE = "SP-API client secret stuck"
    WHEN = "Amazon does not accept the secret that it sent, and the one in use dies within 24 hours."

    version_id: Annotated[str, "The version that is waiting."]
    old_secret_dies_at: Annotated[datetime | None, "When the secret in use dies."]


@dataclass(frozen=True, slots=True)
class SecretRejected(Event):
    """A secret is rejected, though the one in use may die before it."""

    DETAIL_TYPE = "SP-API client secret rejected"
    WHEN = "A secret was rejected; once a day while a rejected one is at least as new as the one in use."

    version_id: Annotated[str, "The rejected version."]
    by: Annotated[RejectedBy, "Why."]


@dataclass(frozen=True, slots=True)
class SecretDenied(Event):
    """Amazon denies the daily try and says nothing about the secret."""

    DETAIL_TYPE = "SP-API client secret denied"
    WHEN = "Amazon denies the daily verification call without a word about the secret; once a day."

    expires_at: Annotated[datetime | None, "When the secret in use dies by its date; null if unknown."]


@dataclass(frozen=True, slots=True)
class SecretExpiring(Event):
    """The secret in use dies soon."""

    DETAIL_TYPE = "SP-API client secret expiring"
    WHEN = "The secret in use has fewer days left than `expiry_alarm_days`; once a day."

    expires_at: Annotated[datetime, "When it dies."]
    days_left: Annotated[float, "How many days are left."]


@dataclass(frozen=True, slots=True)
class SecretExpired(Event):
    """The secret in use is dead."""

    DETAIL_TYPE = "SP-API client secret expired"
    WHEN = "The secret in use is dead: calls to SP-API fail. Once a day while that lasts."

    expires_at: Annotated[datetime | None, "When it died by its date; null if unknown."]
    by: Annotated[ExpiredBy, "What says so: its date, or Amazon."]


CATALOG: tuple[type[Event], ...] = (
    RotationEvent,
    RotationRequested,
    SecretReceived,
    RotationRefused,
    DeliveryOverdue,
    SecretStuck,
    SecretRejected,
    SecretDenied,
    SecretExpiring,
    SecretExpired,
)
"""Every event."""

_NAMES: dict[str, str] = {
    "component": "The component's identity.",
    "application": "The application's name, as its schedule tells it; else its client id.",
    "client_id": "Its client id.",
}


def source(component: str) -> str:
    """The source of a component's events, by which a rule tells it apart from others on the same bus."""
    return f"{SOURCE}/{component}" if component else SOURCE


def detail(event: Event, component: str) -> dict[str, Any]:
    """What an event says, as JSON's types."""
    application = event.application
    facts = {each.name: _plain(getattr(event, each.name)) for each in fields(event) if each.name != "application"}
    return {"component": component, "application": application.name, "client_id": application.client_id, **facts}


def schema(kind: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's detail."""
    hints = get_type_hints(kind, include_extras=True)
    own = {each.name: _described(hints[each.name]) for each in fields(kind) if each.name != "application"}
    named = {name: {"type": "string", "description": said} for name, said in _NAMES.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.DETAIL_TYPE,
        "type": "object",
        "properties": {**named, **own},
        "required": [*named, *own],
    }


def _plain(value: object) -> Any:
    return format_time(value) if isinstance(value, datetime) else value


def _described(hint: Any) -> dict[str, Any]:
    hint, said = get_args(hint) if get_origin(hint) is Annotated else (hint, "")
    parts = get_args(hint)
    nullable = NoneType in parts
    plain = next(each for each in parts if each is not NoneType) if parts else hint
    found = _typed(plain)
    return {**found, "type": [found["type"], "null"] if nullable else found["type"], "description": said}


def _typed(plain: Any) -> dict[str, Any]:
    if issubclass(plain, StrEnum):
        return {"type": "string", "enum": [each.value for each in plain]}
    if plain is datetime:
        return {"type": "string", "format": "date-time"}
    return {"type": {str: "string", bool: "boolean", int: "integer", float: "number"}[plain]}
