"""One reading of a secret: its labels at once, the values behind them when they are asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials, Document
from spapi_rotation_lambda.domain.errors import MalformedSecret
from spapi_rotation_lambda.domain.labels import Label, Version, Versions
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import RequestRecord

HOLDERS = (Label.CURRENT, Label.PREVIOUS, Label.PENDING, Label.REJECTED)
"""The labels whose versions hold credentials."""


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


class Snapshot:
    """A secret at one moment. Values are read once each, by version id, and versions never change."""

    def __init__(self, store: SecretReader, application: Application) -> None:
        """List the versions (one call). Raises SecretMissing or StoreFailed."""
        self.application = application
        self._store = store
        self.versions: Versions = store.versions(application.secret_id)
        self._stored: dict[str, StoredVersion | None] = {}
        self._record: RequestRecord | None = None

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
        text = self._store.read(self.application.secret_id, version.id)
        try:
            return StoredVersion(version, Document.parse(text, self.application))
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
        """The newest received version that is not promoted."""
        return self.stored(Label.PENDING)

    def holders(self) -> list[StoredVersion]:
        """Current, previous, pending and rejected, as far as they are there and hold credentials."""
        stored = (self.stored(label) for label in HOLDERS)
        return [one for one in stored if one is not None and one.credentials is not None]

    def issued(self, stored: StoredVersion) -> datetime | None:
        """When a version's secret was issued: its own date, or that of another version with the same secret.

        An owner who rewrites the secret without our dates does not make us forget them.
        """
        if stored.credentials is None:
            return None
        if stored.credentials.issued is not None:
            return stored.credentials.issued
        copy = self.dated_copy(stored)
        return copy.issued if copy is not None else None

    def dated_copy(self, stored: StoredVersion) -> Credentials | None:
        """The same secret's credentials from another version that knows its dates."""
        for other in self.received():
            same = other.credentials
            if same is None or same.issued is None or stored.credentials is None:
                continue
            if same.client_secret == stored.credentials.client_secret:
                return same
        return None

    def received(self) -> list[StoredVersion]:
        """The holders, and the version that was stored last: after two writes of the owner no other label is on it."""
        last = self.stored(Label.RECEIVED)
        holders = self.holders()
        return [*holders, last] if last is not None and last.credentials is not None else holders

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
            self._record = RequestRecord.parse(self._store.read(self.application.secret_id, version.id))
        return self._record
