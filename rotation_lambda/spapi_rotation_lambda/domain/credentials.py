"""The secret's JSON: the credentials in it, and the owner's keys beside them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import MalformedSecret
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import LIFETIME, format_time, parse_typed, without_mark

MAX_LEVELS = 100
"""How deep a secret's JSON may be nested; Python reads and writes a thousand levels, less those of its own calls."""

REMEMBERED = 8
"""How many replaced client secrets are remembered."""


def is_storable(text: str) -> bool:
    """Whether a text is valid Unicode: JSON can spell lone surrogates, which no AWS or HTTP call can send."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class Credentials:
    """An application's client id and secret with what is known of their dates (UTC; None means unknown).

    Attributes:
        fingerprint: as it is stored; it fits if a message of Amazon brought all this, and nothing was changed since.
        replaces: hashes of the client secrets that this one, and those before it, have replaced; the newest last.
    """

    client_id: str
    client_secret: Sensitive
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    previous_expires_at: datetime | None = None
    rotation_id: str | None = None
    fingerprint: str | None = None
    replaces: tuple[str, ...] = ()

    def sealed(self) -> "Credentials":
        """The same with the fingerprint that fits: what a message of Amazon brought."""
        return replace(self, fingerprint=self._fingerprint())

    @cached_property
    def are_amazons(self) -> bool:
        """Whether the dates are Amazon's, and not typed or left over."""
        return self.fingerprint is not None and self.fingerprint == self._fingerprint()

    def _fingerprint(self) -> str:
        dates = (self.issued_at, self.expires_at, self.previous_expires_at)
        parts = (
            self.client_id,
            self.client_secret.reveal(),
            *(format_time(date) if date else "" for date in dates),
            self.rotation_id or "",
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def replacing(self, *others: "Credentials") -> "Credentials":
        """The same, remembering that it replaces these client secrets, and what they have replaced."""
        known = [each for other in others for each in (*other.replaces, other.value_hash)]
        kept = dict.fromkeys((*known, *self.replaces))
        kept.pop(self.value_hash, None)
        return replace(self, replaces=tuple(kept)[-REMEMBERED:])

    @property
    def value_hash(self) -> str:
        """What tells this client secret from others, and does not show it."""
        return hashlib.sha256(f"{self.client_id}\n{self.client_secret.reveal()}".encode()).hexdigest()[:16]

    @property
    def issued(self) -> datetime | None:
        """When it was issued; derived from its expiry when only that is known."""
        return self.issued_at or (self.expires_at - LIFETIME if self.expires_at else None)

    @property
    def expires(self) -> datetime | None:
        """When it dies; derived from its issue when only that is known."""
        return self.expires_at or (self.issued_at + LIFETIME if self.issued_at else None)


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
        return cls(_json_object(text, application), application)

    @classmethod
    def of_owner(cls, text: Sensitive, application: Application) -> "Document":
        """The owner's keys of a malformed value, without ours; none of them if it is not a readable JSON object."""
        try:
            data = _json_object(text, application)
        except MalformedSecret:
            data = {}
        ours = set(astuple(application.keys))
        return cls({key: value for key, value in data.items() if key not in ours}, application)

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
            keys.fingerprint: credentials.fingerprint,
            keys.replaces: list(credentials.replaces) or None,
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


def _json_object(text: Sensitive, application: Application) -> dict[str, Any]:
    try:
        data = json.loads(without_mark(text.reveal()))
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise _malformed(application, "is not a JSON object")
    if _is_deeper(data, MAX_LEVELS):
        raise _malformed(application, f"is nested more than {MAX_LEVELS} levels deep")
    return data


def _is_deeper(data: Mapping[str, Any], levels: int) -> bool:
    """Whether a JSON object is nested deeper: what can just be read may be too deep to be written again."""
    level: list[Any] = [data]
    for _ in range(levels):
        if not level:
            return False
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
    if client_secret != client_secret.strip():
        raise _malformed(application, f"has white space around its {keys.client_secret}")
    if client_id != application.client_id:
        raise _malformed(application, f"holds another {keys.client_id} than the application's")
    rotation_id = data.get(keys.rotation_id)
    if not isinstance(rotation_id, str):
        rotation_id = None

    def moment(key: str) -> datetime | None:
        try:
            return parse_typed(data.get(key), key)
        except ValueError:
            return None

    dates = {key: moment(key) for key in (keys.issued_at, keys.expires_at, keys.previous_expires_at)}
    readable = all(date is not None or data.get(key) is None for key, date in dates.items())
    fingerprint, replaces = data.get(keys.fingerprint), data.get(keys.replaces)
    return Credentials(
        client_id=client_id,
        client_secret=Sensitive(client_secret),
        issued_at=dates[keys.issued_at],
        expires_at=dates[keys.expires_at],
        previous_expires_at=dates[keys.previous_expires_at],
        rotation_id=rotation_id,
        # Beside an unreadable date none fits: that date was absent when the fingerprint was made.
        fingerprint=fingerprint if readable and isinstance(fingerprint, str) else None,
        replaces=tuple(one for one in replaces if isinstance(one, str)) if isinstance(replaces, list) else (),
    )


def _malformed(application: Application, problem: str) -> MalformedSecret:
    return MalformedSecret(
        f"{application.name}: the secret {application.secret_id} {problem}.",
        remedy="Put a JSON object with client_id and client_secret of this application into it.",
    )
