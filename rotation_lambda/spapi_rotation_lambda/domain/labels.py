"""A secret's versions, their ids and their labels.

Source of the label rules: AWS Secrets Manager API reference (PutSecretValue, UpdateSecretVersionStage).
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

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
    SUPERSEDED = "ROTATION_SUPERSEDED"
    """The newest of the received secrets that are older than another one."""
    FIRST_SEEN = "ROTATION_FIRST_SEEN"
    """The first version in which the value in use was seen, or one that knows its dates."""
    SCRATCH = "ROTATION_SCRATCH"
    """The version that was written last and is nothing yet: a meaningful label follows."""
    REQUEST = "ROTATION_REQUEST"
    """The last request; never removed, only moved by the next one."""
    REFUSED = "ROTATION_REFUSED"
    """On the request record's version: that request certainly had no effect."""


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

    def moved(self, label: Label, to: str, at: datetime) -> "Versions":
        """As they are after a label was moved onto a version, which was made at that time if it was not there."""
        there = self.items if any(one.id == to for one in self.items) else (*self.items, Version(to, frozenset(), at))
        left = (replace(one, labels=one.labels | {label} if one.id == to else one.labels - {label}) for one in there)
        return Versions(self.arn, tuple(one for one in left if one.labels))
