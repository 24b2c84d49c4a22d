"""Ports on which a use case can be tried: everything is read as it is, and nothing leaves this process.

What would be written stays in memory. Nobody at Amazon is asked, no message is touched, and no time is waited.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import StoreFailed, TokenFault, TokenNotIssued
from spapi_rotation_lambda.domain.events import Event, RotationEvent
from spapi_rotation_lambda.domain.labels import Label, Version, Versions
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import (
    CallAnswer,
    Clock,
    DeadMessage,
    Description,
    Destinations,
    LabelMoved,
    Metric,
    Ports,
    Queue,
    QueueCounts,
    QueueState,
    RotateAnswer,
    Scope,
    SecretStore,
    Telemetry,
    UnclaimedQueue,
    VersionExists,
)


class CannotTell(Exception):
    """How it goes on depends on something that a dry run does not do; the text says on what."""


class WouldRotate(Exception):
    """The run has come to its POST: nothing forbids it."""


class Amazons(StrEnum):
    """What Amazon may say of the secrets that settle asks about, as far as it makes a difference."""

    ALL_LIVE = "all are accepted"
    SILENT = "no answer"
    IN_USE_DEAD = "the one in use has expired, the others are accepted"
    OTHERS_DEAD = "the one in use is accepted, the others have expired"


def dry(ports: Ports, amazon: "DryAmazon", store: "DryStore", *, waits: bool) -> Ports:
    """The same ports without any effect.

    Args:
        waits: whether it may wait for messages to be taken, as the real run does.
    """
    clock = _ToldClock(ports.clock, ports.telemetry) if waits else _JumpingClock(ports.clock)
    queue = ports.queue if waits else _OneLook(ports.queue)
    return replace(
        ports,
        clock=clock,
        store=store,
        queue=queue,
        unclaimed=_Untouched(ports.unclaimed),
        amazon=lambda: amazon,
        announcer=_Silent(),
        telemetry=_Silent(),
    )


_UNLABELLED = "a version that an earlier run wrote has lost its label."


class DryStore:
    """The SecretStore port over a real one: labels and versions as they are, changes in memory.

    As Secrets Manager does: a label sits on one version and moves only away from where it is said to be; AWSPREVIOUS
    follows AWSCURRENT; the first version gets AWSCURRENT too.
    """

    def __init__(self, real: SecretStore, clock: Clock) -> None:
        self._real, self._clock = real, clock
        self._arn = ""
        self._labels: dict[str, set[str]] = {}
        self._made: dict[str, datetime] = {}
        self._texts: dict[str, Sensitive] = {}
        self._written: set[str] = set()

    def versions(self, secret_id: str) -> Versions:
        """The labelled versions; read once."""
        if not self._arn:
            found = self._real.versions(secret_id)
            self._arn = found.arn
            self._labels = {version.id: set(version.labels) for version in found.items}
            self._made = {version.id: version.created_at for version in found.items}
        items = (Version(each, frozenset(labels), self._made[each]) for each, labels in self._labels.items() if labels)
        return Versions(self._arn, tuple(items))

    def read(self, secret_id: str, version_id: str) -> Sensitive:
        """The text of one version; read once."""
        if version_id not in self._texts:
            self._texts[version_id] = self._real.read(secret_id, version_id)
        return self._texts[version_id]

    def created_at(self, secret_id: str) -> datetime:
        """When the secret was made."""
        return self._real.created_at(secret_id)

    def described(self, secret_id: str) -> Description:
        """What a list does not show."""
        return self._real.described(secret_id)

    def versions_and_young(self, secret_id: str, since: datetime) -> tuple[Versions, int]:
        """The labelled versions, and how many were written since then, those in memory counted too."""
        in_memory = sum(self._made[each] > since for each in self._written)
        return self.versions(secret_id), self._real.versions_and_young(secret_id, since)[1] + in_memory

    def write(self, secret_id: str, version_id: str, text: Sensitive, label: str) -> None:
        """Write a version in memory.

        Raises:
            VersionExists: the id is taken by another content.
            CannotTell: it is there without a label: its age is not listed.
        """
        self.versions(secret_id)
        try:
            there = self.read(secret_id, version_id)
        except StoreFailed:
            there = None  # as good as always: it is not there
        if there is not None:
            if version_id not in self._labels:
                raise CannotTell(_UNLABELLED)
            if there != text:
                raise VersionExists
            return
        first = not self._labels
        self._texts[version_id] = text
        self._made[version_id] = self._clock.now()
        self._written.add(version_id)
        self._labels[version_id] = set()
        for each in (str(label), Label.CURRENT.value) if first else (str(label),):
            self._put(each, version_id)

    def move(self, secret_id: str, label: str, *, to: str | None, away_from: str | None) -> None:
        """Move a label in memory. Raises LabelMoved, or CannotTell for a version that is not listed."""
        holder = self.versions(secret_id).id_of(Label(label))
        if any(version is not None and version not in self._labels for version in (to, away_from)):
            raise CannotTell(_UNLABELLED)
        if away_from != holder and not (holder == to and away_from is None):
            raise LabelMoved
        if to is None:
            if label == Label.CURRENT:
                raise LabelMoved
            if holder is not None:
                self._labels[holder].discard(label)
            return
        self._put(str(label), to)

    def _put(self, label: str, to: str) -> None:
        holder = next((each for each, labels in self._labels.items() if label in labels), None)
        if holder == to:
            return
        if holder is not None:
            self._labels[holder].discard(label)
            if label == Label.CURRENT:
                for labels in self._labels.values():
                    labels.discard(Label.PREVIOUS)
                self._labels[holder].add(Label.PREVIOUS.value)
        self._labels[to].add(label)


class DryAmazon:
    """The Amazon port: to settle it says what is to be assumed, and the rotate call ends the run.

    Attributes:
        asked: whether settle has asked anything.
    """

    def __init__(self, says: Amazons, in_use: Credentials | None) -> None:
        self._says, self._in_use = says, in_use
        self.asked = False

    def token(self, credentials: Credentials, scope: Scope) -> Sensitive:
        """A token that is none. Raises TokenNotIssued."""
        self.asked = True
        if self._says is Amazons.SILENT or self._answer(credentials) is CallAnswer.EXPIRED:
            fault = TokenFault.UNAVAILABLE if self._says is Amazons.SILENT else TokenFault.SECRET
            raise TokenNotIssued("Nobody was asked.", remedy="None.", code="", fault=fault)
        return Sensitive("")

    def _answer(self, credentials: Credentials) -> CallAnswer:
        in_use = self._in_use is not None and credentials.client_secret == self._in_use.client_secret
        dead = Amazons.IN_USE_DEAD if in_use else Amazons.OTHERS_DEAD
        return CallAnswer.EXPIRED if self._says is dead else CallAnswer.ACCEPTED

    def verification_call(self, token: Sensitive) -> CallAnswer:
        """Accepted: a token is given to those only that are."""
        return CallAnswer.ACCEPTED

    def destinations(self, token: Sensitive) -> Destinations:
        """The same."""
        return Destinations(CallAnswer.ACCEPTED)

    def rotate(self, token: Sensitive) -> RotateAnswer:
        """Raises WouldRotate."""
        raise WouldRotate


class _JumpingClock:
    """A clock on which waiting takes no time."""

    def __init__(self, real: Clock) -> None:
        self._real, self._waited = real, timedelta(0)

    def now(self) -> datetime:
        return self._real.now() + self._waited

    def sleep(self, seconds: float) -> None:
        self._waited += timedelta(seconds=seconds)


class _ToldClock:
    """A clock on which waiting is told: nothing else of a dry run is, and this may take a minute and a half."""

    def __init__(self, real: Clock, telemetry: Telemetry) -> None:
        self._real, self._telemetry = real, telemetry

    def now(self) -> datetime:
        return self._real.now()

    def sleep(self, seconds: float) -> None:
        self._telemetry.info("waiting_for_unread_messages_to_be_taken")
        self._real.sleep(seconds)


class _OneLook:
    """The Queue port, asked once."""

    def __init__(self, real: Queue) -> None:
        self._real = real
        self._seen: QueueState | None = None

    def inspect(self) -> QueueState:
        if self._seen is None:
            self._seen = self._real.inspect()
        return self._seen


class _Untouched:
    """The queue ``unclaimed``, of which only the number of messages is looked at: a look at one hides it."""

    def __init__(self, real: UnclaimedQueue) -> None:
        self._real = real

    def counts(self) -> QueueCounts:
        return self._real.counts()

    def take(self, limit: int, hidden_seconds: int) -> list[DeadMessage]:
        counts = self._real.counts()
        if waiting := counts.visible + counts.hidden:
            raise CannotTell(f"{waiting} message(s) lie unclaimed, and a new secret of this application may be there.")
        return []

    def delete(self, message: DeadMessage) -> None:
        raise CannotTell("a message would be deleted.")

    def put(self, body: Sensitive, sent_at: datetime | None) -> None:
        raise CannotTell("a message would be sent.")


class _Silent:
    """The Telemetry and Announcer ports."""

    def info(self, event: str, application: Application | None = None, **fields: object) -> None:
        pass

    def warning(self, event: str, application: Application | None = None, **fields: object) -> None:
        pass

    def count(self, metric: Metric, value: float = 1.0) -> None:
        pass

    def rotated(self, event: RotationEvent) -> None:
        pass

    def tell(self, event: Event) -> None:
        pass
