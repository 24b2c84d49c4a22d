"""One reading of a secret: its labels at once, the values behind them when they are asked for."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials, Document
from spapi_rotation_lambda.domain.errors import MalformedSecret
from spapi_rotation_lambda.domain.labels import Label, Version, Versions
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import RequestRecord
from spapi_rotation_lambda.domain.times import LIFETIME

HOLDERS = (Label.CURRENT, Label.PREVIOUS, Label.PENDING, Label.REJECTED, Label.SUPERSEDED)
"""The labels that keep a client secret."""

EVERY_HOLDER = (*HOLDERS, Label.RECEIVED, Label.FIRST_SEEN)
"""The labels whose versions hold credentials."""

ISSUED_AHEAD, EXPIRES_AHEAD = timedelta(hours=1), timedelta(days=181)
"""How far ahead of the version that holds it a date may be and still be believed of its owner."""

OVERLAP = timedelta(days=7)
"""How long the secret before lives on. Source: Amazon's "Rotating your app's LWA credentials" page."""


class SecretReader(Protocol):
    """What a reading needs of the store. Both methods may raise StoreFailed."""

    def versions(self, secret_id: str) -> Versions:
        """The labelled versions, all at once. Raises SecretMissing."""
        ...

    def read(self, secret_id: str, version_id: str) -> Sensitive:
        """The text of one version."""
        ...


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version with its value."""

    version: Version
    document: Document

    @property
    def credentials(self) -> Credentials | None:
        """Its credentials, if it holds any."""
        return self.document.credentials

    def holds(self, credentials: Credentials) -> bool:
        """Whether its client secret is that of these credentials, whatever their dates."""
        own = self.credentials
        return own is not None and own.client_secret == credentials.client_secret


class Snapshot:
    """A secret at one moment. Values are read once each, by version id, and versions never change."""

    def __init__(
        self,
        store: SecretReader,
        application: Application,
        *,
        versions: Versions | None = None,
        texts: dict[str, Sensitive] | None = None,
    ) -> None:
        """List the versions (one call), unless they are given.

        Args:
            versions: as they are known to be.
            texts: values that are at hand, by version id.

        Raises:
            SecretMissing, StoreFailed: from the list.
        """
        self.application = application
        self._store = store
        self.versions: Versions = store.versions(application.secret_id) if versions is None else versions
        self._texts: dict[str, Sensitive] = {} if texts is None else texts
        self._stored: dict[str, StoredVersion | None] = {}
        self._record: RequestRecord | None = None

    def again(self, versions: Versions | None = None) -> "Snapshot":
        """A new reading that keeps the values: one call, unless the versions are at hand.

        Raises:
            SecretMissing, StoreFailed: from the call.
        """
        return Snapshot(self._store, self.application, versions=versions, texts=self._texts)

    def after(self, version_id: str, text: Sensitive, labels: tuple[Label, ...], at: datetime) -> "Snapshot":
        """The reading as it is after a write of ours, without a call: a list may not show it yet.

        Args:
            version_id, text: what was written.
            labels: what the version has got.
            at: when.
        """
        versions = self.versions
        for label in labels:
            versions = versions.moved(label, version_id, at)
        self._texts[version_id] = text
        return self.again(versions)

    def _text(self, version_id: str) -> Sensitive:
        if version_id not in self._texts:
            self._texts[version_id] = self._store.read(self.application.secret_id, version_id)
        return self._texts[version_id]

    def id_of(self, label: Label) -> str | None:
        """The id of the version that carries a label, if any does."""
        return self.versions.id_of(label)

    def same_labels(self, other: "Snapshot") -> bool:
        """Whether another reading found every label where this one did."""
        return all(self.id_of(label) == other.id_of(label) for label in Label)

    def stored(self, label: Label) -> StoredVersion | None:
        """The version that carries a label, with its value.

        Raises:
            MalformedSecret: the value is not what it should be.
        """
        version = self.versions.labelled(label)
        if version is None:
            return None
        if version.id not in self._stored:
            self._stored[version.id] = self._read(version)
        return self._stored[version.id]

    def _read(self, version: Version) -> StoredVersion | None:
        try:
            return StoredVersion(version, Document.parse(self._text(version.id), self.application))
        except MalformedSecret:
            if version.labels == {Label.PREVIOUS}:
                # What an owner has replaced already must not block the rotation of what replaced it.
                return None
            raise

    @property
    def current(self) -> StoredVersion | None:
        """The version in use."""
        return self.stored(Label.CURRENT)

    @property
    def pending(self) -> StoredVersion | None:
        """The newest received version that is not promoted; None if it is malformed."""
        return self.readable(Label.PENDING)

    @property
    def awaits_promotion(self) -> bool:
        """Whether a version is pending whose secret is another than the one in use."""
        if self.versions.labelled(Label.PENDING) is None:
            return False
        pending, current = self.pending, self.current
        if pending is None or current is None or current.credentials is None:
            return True
        return not pending.holds(current.credentials)

    @property
    def is_settled(self) -> bool:
        """Whether its labels alone say that nothing is to be settled.

        Nothing is pending, and the version in use is the one that was first seen and, if any was, received last.
        """
        in_use = self.id_of(Label.CURRENT)
        return (
            in_use is not None
            and self.id_of(Label.PENDING) is None
            and self.id_of(Label.FIRST_SEEN) == in_use
            and self.id_of(Label.RECEIVED) in (None, in_use)
        )

    def readable(self, label: Label) -> StoredVersion | None:
        """The version that carries a label; None when there is none, or its value is malformed."""
        try:
            return self.stored(label)
        except MalformedSecret:
            return None

    def holders(self, labels: tuple[Label, ...] = HOLDERS) -> list[StoredVersion]:
        """The versions that carry these labels, as far as they are there, readable and hold credentials."""
        found = {one.version.id: one for label in labels if (one := self.readable(label)) is not None}
        return [one for one in found.values() if one.credentials is not None]

    def received(self) -> list[StoredVersion]:
        """The holders, and the version that was stored last: after two writes of the owner no other label is on it."""
        return self.holders((*HOLDERS, Label.RECEIVED))

    # Whose dates they are.

    def amazons(self, stored: StoredVersion) -> Credentials | None:
        """A version's credentials with Amazon's dates: its own, or those of another version of the same secret.

        An owner who rewrites the secret, or types other dates, does not make us forget Amazon's.
        """
        known = self.first_copy(stored).credentials
        return known if known is not None and known.are_amazons else None

    def first_copy(self, stored: StoredVersion) -> StoredVersion:
        """The version that tells most of a secret: one with Amazon's dates, or else the oldest that is labelled."""
        own = stored.credentials
        if own is None or own.are_amazons:
            return stored
        copies = self._copies(own)
        return next(
            (one for one in copies if one.credentials is not None and one.credentials.are_amazons),
            min((stored, *copies), key=lambda one: one.version.created_at),
        )

    def _copies(self, credentials: Credentials) -> list[StoredVersion]:
        """A client secret's labelled versions. FIRST_SEEN answers for the one that it is on: a check reads no more."""
        seen = self._first_seen_of(credentials)
        return [seen] if seen is not None else [one for one in self.holders(EVERY_HOLDER) if one.holds(credentials)]

    def issued(self, stored: StoredVersion) -> datetime | None:
        """When Amazon issued a version's secret; None if that is not known from Amazon."""
        known = self.amazons(stored)
        return known.issued if known is not None else None

    def told(self, stored: StoredVersion) -> Credentials | None:
        """A version's credentials with the dates that are to be shown: Amazon's, or else what its owner says.

        An owner's date that cannot be is unknown. It orders nothing, closes nothing and makes nothing newer.
        """
        own, made_at, known = stored.credentials, stored.version.created_at, self.amazons(stored)
        if own is None or known is not None:
            return known
        issued, expires, previous = own.issued_at, own.expires_at, own.previous_expires_at
        return replace(
            own,
            issued_at=None if issued is not None and issued > made_at + ISSUED_AHEAD else issued,
            expires_at=None if expires is not None and expires > made_at + EXPIRES_AHEAD else expires,
            previous_expires_at=None if previous is None else min(previous, made_at + OVERLAP),
        )

    # The value in use.

    def first_seen(self, current: StoredVersion) -> datetime:
        """When the value in use was first seen: it was not issued later."""
        own = current.credentials
        if own is None:
            return current.version.created_at
        return min(one.version.created_at for one in (current, *self._copies(own)))

    def knows_since_when(self, current: StoredVersion) -> bool:
        """Whether FIRST_SEEN is on a version of the value in use."""
        return current.credentials is not None and self._first_seen_of(current.credentials) is not None

    def expires(self, current: StoredVersion) -> datetime | None:
        """When the secret in use dies at the latest, as far as is known or its owner says; None if there is none."""
        known = self.told(current)
        if known is None:
            return None
        dates = (known.expires, self.dies_at(current))
        return min((date for date in dates if date is not None), default=None)

    def dies_at(self, current: StoredVersion) -> datetime | None:
        """When the secret in use dies at the latest, whatever its owner says; None if there is none."""
        if current.credentials is None:
            return None
        known = self.amazons(current)
        end = known.expires if known is not None else self.first_seen(current) + LIFETIME
        return min((date for date in (end, *self._announced_deaths(current)) if date is not None), default=None)

    def _announced_deaths(self, current: StoredVersion) -> list[datetime]:
        """When Amazon lets the secret in use die because of a newer one that a person has rejected."""
        issued = self.issued(current)
        return [
            one.previous_expires_at or one.issued + OVERLAP
            for one in (self.told(rejected) for rejected in self.holders((Label.REJECTED,)))
            if one is not None and issued is not None and one.issued is not None and one.issued > issued
        ]

    def _first_seen_of(self, credentials: Credentials) -> StoredVersion | None:
        """The version that is labelled as the first one of this client secret; None if the label is on another."""
        seen = self.readable(Label.FIRST_SEEN)
        return seen if seen is not None and seen.holds(credentials) else None

    @property
    def request_version(self) -> Version | None:
        """The version of the last request's record."""
        return self.versions.labelled(Label.REQUEST)

    @property
    def request_refused(self) -> bool:
        """Whether the last request certainly had no effect."""
        version = self.request_version
        return version is not None and Label.REFUSED in version.labels

    def request_record(self) -> RequestRecord | None:
        """The last request's record. Raises MalformedSecret when it is not ours."""
        version = self.request_version
        if version is not None and self._record is None:
            self._record = RequestRecord.parse(self._text(version.id))
        return self._record
