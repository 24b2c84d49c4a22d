"""The secret's JSON, its versions and their labels. Pure data; no clock, no AWS.

Source of the label rules: AWS Secrets Manager API reference (PutSecretValue, UpdateSecretVersionStage).
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from spapi_rotation_lambda.domain.errors import MalformedSecret
from spapi_rotation_lambda.domain.redaction import Sensitive

LIFETIME = timedelta(days=180)
"""How long a client secret lives. Source: Amazon's "Rotating your app's LWA credentials" page."""

MAX_LEVELS = 100
"""How deep a secret's JSON may be nested; Python reads and writes a thousand levels, less those of its own calls."""

_NAMESPACE = uuid.UUID("6c0e7a2e-3f0b-5d0c-9a55-0f2f6f3a9d11")


def derived_id(*parts: str) -> str:
    """A version id that every repetition of the same step derives again (UUIDv5)."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(parts)))


class Label(StrEnum):
    """The staging labels of a secret's versions."""

    CURRENT = "AWSCURRENT"
    """In use."""
    PREVIOUS = "AWSPREVIOUS"
    """In use before; Secrets Manager moves it by itself."""
    PENDING = "AWSPENDING"
    """The newest received secret, not yet promoted."""
    RECEIVED = "ROTATION_RECEIVED"
    """The version that was stored last, nothing more."""
    REJECTED = "REJECTED"
    """Rejected by a person, or contradictory: never promoted by the machine."""
    REQUEST = "ROTATION_REQUEST"
    """The last request; never removed, only moved by the next one."""
    REFUSED = "ROTATION_REFUSED"
    """On the request record's version: that request certainly had no effect."""


class Trigger(StrEnum):
    """Who asks for a rotation."""

    SCHEDULE = "schedule"
    PULUMI_UP = "pulumi-up"
    CLI = "cli"
    EXPIRY_NOTICE = "expiry-notice"
    SECRETS_MANAGER = "secrets-manager"

    @property
    def on_purpose(self) -> bool:
        """Whether somebody asked for this rotation, so that it is due whatever the secret's age."""
        return self in (Trigger.PULUMI_UP, Trigger.CLI, Trigger.SECRETS_MANAGER)


def parse_time(text: object, what: str) -> datetime:
    """Parse an RFC 3339 time with an offset into UTC. Raises ValueError naming ``what``, never the text.

    Years far from ours are refused, so that adding a lifetime to a date can never overflow.
    """
    if not isinstance(text, str) or len(text) > 64 or not text.isprintable():  # fromisoformat stops at a NUL
        raise ValueError(f"{what} is not a time")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{what} is not an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise ValueError(f"{what} has no time zone")
    if not 1970 < moment.year < 9000:
        raise ValueError(f"{what} is out of range")
    return moment.astimezone(UTC)


def is_storable(text: str) -> bool:
    """Whether a text is valid Unicode: JSON can spell lone surrogates, which no AWS or HTTP call can send."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """An application's client id and secret with what is known of their dates (UTC; None means unknown)."""

    client_id: str
    client_secret: Sensitive
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    previous_expires_at: datetime | None = None
    rotation_id: str | None = None

    @property
    def issued(self) -> datetime | None:
        """When it was issued; derived from its expiry when only that is known."""
        return self.issued_at or (self.expires_at - LIFETIME if self.expires_at else None)

    @property
    def expires(self) -> datetime | None:
        """When it dies; derived from its issue when only that is known."""
        return self.expires_at or (self.issued_at + LIFETIME if self.issued_at else None)


@dataclass(frozen=True, slots=True)
class KeyNames:
    """Names of our keys in the secret's JSON; others than the defaults only for an adopted secret."""

    client_id: str = "client_id"
    client_secret: str = "client_secret"  # noqa: S105
    issued_at: str = "client_secret_issued_at"
    expires_at: str = "client_secret_expires_at"
    previous_expires_at: str = "previous_client_secret_expires_at"
    rotation_id: str = "rotation_id"


@dataclass(frozen=True, slots=True)
class Application:
    """An SP-API application and the secret that holds its credentials.

    Attributes:
        name: what people call it; appears in logs.
        client_id: its LWA client id.
        secret_id: name or ARN of its secret.
        schedule_arn: its EventBridge schedule, if that called; when it was made is when the application was adopted.
    """

    name: str
    client_id: str
    secret_id: str
    keys: KeyNames = field(default_factory=KeyNames)
    schedule_arn: str | None = None


class Document:
    """A secret's JSON object: our keys, and the owner's other keys, which are always carried over."""

    __slots__ = ("_data", "_keys", "credentials")

    def __init__(self, data: Mapping[str, Any], application: Application) -> None:
        self._data = dict(data)
        self._keys = application.keys
        self.credentials = _credentials(self._data, application)
        """The usable credentials, or None when neither client id nor client secret is there."""

    @classmethod
    def parse(cls, text: Sensitive, application: Application) -> "Document":
        """Read a secret's text.

        Raises:
            MalformedSecret: it is not a JSON object, or our keys hold something else than they should.
        """
        try:
            data = json.loads(text.reveal())
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise _malformed(application, "is not a JSON object")
        if _is_deeper(data, MAX_LEVELS):
            raise _malformed(application, f"is nested more than {MAX_LEVELS} levels deep")
        return cls(data, application)

    def with_credentials(self, credentials: Credentials, application: Application) -> "Document":
        """The same document with our keys replaced; optional keys that are unknown are taken out."""
        keys = self._keys
        own = {
            keys.client_id: credentials.client_id,
            keys.client_secret: credentials.client_secret.reveal(),
            keys.issued_at: credentials.issued_at and format_time(credentials.issued_at),
            keys.expires_at: credentials.expires_at and format_time(credentials.expires_at),
            keys.previous_expires_at: credentials.previous_expires_at and format_time(credentials.previous_expires_at),
            keys.rotation_id: credentials.rotation_id,
        }
        data = {key: value for key, value in self._data.items() if key not in own or own[key] is not None}
        data.update({key: value for key, value in own.items() if value is not None})
        return Document(data, application)

    def text(self) -> Sensitive:
        """The JSON text to store; the same for the same content."""
        text = json.dumps(self._data, ensure_ascii=False)
        return Sensitive(text if is_storable(text) else json.dumps(self._data))

    def __eq__(self, other: object) -> bool:
        # As JSON: in Python 1, 1.0 and true are equal, and NaN is not equal to itself.
        return isinstance(other, Document) and self._canonical() == other._canonical()

    def _canonical(self) -> str:
        return json.dumps(self._data, sort_keys=True)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Document(***)"


def _is_deeper(data: Mapping[str, Any], levels: int) -> bool:
    """Whether a JSON object is nested deeper: what can just be read may be too deep to be written again."""
    level: list[Any] = [data]
    for _ in range(levels):
        level = [inner for outer in level if isinstance(outer, dict) for inner in outer.values()] + [
            inner for outer in level if isinstance(outer, list) for inner in outer
        ]
    return any(isinstance(value, (dict, list)) for value in level)


def _credentials(data: Mapping[str, Any], application: Application) -> Credentials | None:
    keys = application.keys
    client_id, client_secret = data.get(keys.client_id), data.get(keys.client_secret)
    if client_id is None and client_secret is None:
        return None
    if not isinstance(client_id, str) or not isinstance(client_secret, str) or not client_secret:
        raise _malformed(application, f"needs both {keys.client_id} and {keys.client_secret} as texts")
    if not is_storable(client_secret):
        raise _malformed(application, f"has a {keys.client_secret} that is not valid Unicode")
    if client_id != application.client_id:
        raise _malformed(application, f"holds another {keys.client_id} than the application's")
    rotation_id = data.get(keys.rotation_id)
    if rotation_id is not None and not isinstance(rotation_id, str):
        raise _malformed(application, f"has a {keys.rotation_id} that is not a text")

    def moment(key: str) -> datetime | None:
        value = data.get(key)
        if value is None:
            return None
        try:
            return parse_time(value, key)
        except ValueError as error:
            raise _malformed(application, f"has a bad date: {error}") from None

    return Credentials(
        client_id=client_id,
        client_secret=Sensitive(client_secret),
        issued_at=moment(keys.issued_at),
        expires_at=moment(keys.expires_at),
        previous_expires_at=moment(keys.previous_expires_at),
        rotation_id=rotation_id,
    )


def _malformed(application: Application, problem: str) -> MalformedSecret:
    return MalformedSecret(
        f"{application.name}: the secret {application.secret_id} {problem}.",
        remedy="Put a JSON object with client_id and client_secret of this application into it; dates are "
        "RFC 3339 with a time zone, or left out.",
    )


@dataclass(frozen=True, slots=True)
class Version:
    """A secret's version: its id, its labels and when AWS made it."""

    id: str
    labels: frozenset[str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Versions:
    """The labelled versions of a secret, as one ListSecretVersionIds tells them."""

    arn: str
    items: tuple[Version, ...]

    def labelled(self, label: Label) -> Version | None:
        """The version that carries a label, if any does."""
        return next((version for version in self.items if label in version.labels), None)

    def id_of(self, label: Label) -> str | None:
        """The id of the version that carries a label, if any does."""
        version = self.labelled(label)
        return version.id if version else None


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """The write-ahead record of one request.

    Attributes:
        requested_at: when, by our clock (UTC).
        trigger: who asked.
        reference: the trigger string of ``pulumi up``, so that an interrupted one finds its own request.
        reposts: how many automatic (or forced) repetitions are already spent.
        refusals: how many refused requests came directly before this one.
        standing_since: ``requested_at`` of the last request that was not refused, when the records after it
            were: the 7 days are counted from it although its record has lost its label.
        nonce: makes every requester's body different, so that only one can write a given record.
    """

    requested_at: datetime
    trigger: Trigger
    nonce: str
    reference: str | None = None
    reposts: int = 0
    refusals: int = 0
    standing_since: datetime | None = None

    def text(self) -> Sensitive:
        """The JSON text to store."""
        return Sensitive(
            json.dumps(
                {
                    "requested_at": format_time(self.requested_at),
                    "trigger": self.trigger.value,
                    "reference": self.reference,
                    "reposts": self.reposts,
                    "refusals": self.refusals,
                    "standing_since": self.standing_since and format_time(self.standing_since),
                    "nonce": self.nonce,
                },
                sort_keys=True,
            )
        )

    @classmethod
    def parse(cls, text: Sensitive) -> "RequestRecord":
        """Read a request record. Raises MalformedSecret when somebody else wrote it."""
        try:
            data = json.loads(text.reveal())
            standing = data["standing_since"]
            return cls(
                requested_at=parse_time(data["requested_at"], "requested_at"),
                trigger=Trigger(data["trigger"]),
                reference=data["reference"],
                reposts=int(data["reposts"]),
                refusals=int(data["refusals"]),
                standing_since=None if standing is None else parse_time(standing, "standing_since"),
                nonce=str(data["nonce"]),
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise MalformedSecret(
                f"The version labelled {Label.REQUEST} is not a request record of this package.",
                remedy=f"Move the label {Label.REQUEST} back to the version that this package wrote.",
            ) from None
