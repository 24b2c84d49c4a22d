"""The explored world: applications at Amazon, their secrets, the queue, a virtual clock; saved and restored whole.

Built on the models of ``tests/fakes``. What the invariants must remember of a history is part of the world, so that
two histories that reach the same saved world have the same future.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.events import Event, RotationEvent
from spapi_rotation_lambda.domain.labels import Label, Versions
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.rotation_policy import RotationPolicy
from spapi_rotation_lambda.domain.snapshot import HOLDERS
from spapi_rotation_lambda.ports import Answer, CallAnswer, Destinations, Metric, RotateAnswer, Scope
from tests.exploration.standard_queue import StandardQueue, Unclaimed
from tests.fakes.amazon import FakeAmazon, Issued, Whose, no_token
from tests.fakes.clock import SkewedClock, VirtualClock
from tests.fakes.secrets_manager import FakeSecret, FakeSecretsManager, FakeVersion
from tests.fakes.world import PLAIN, amazons

CANARY = "canary"
"""Part of every secret and token that Amazon makes here, and of nothing else."""

OWNERS = "owner-"
"""How the ids of the owner's versions begin."""

KEEPING = {label.value for label in (*HOLDERS, Label.RECEIVED)}
"""The labels that keep a client secret. ROTATION_FIRST_SEEN says when a value came, and keeps none."""

STALE_FOR = timedelta(seconds=30)
"""For how long after a change a list may still be the one before it."""


_ENVELOPES = (
    ("payload", "applicationOAuthClientNewSecret", "newClientSecret"),
    ("Payload", "ApplicationOAuthClientNewSecret", "NewClientSecret"),
)


@lru_cache(maxsize=4096)
def secret_in(text: str) -> str | None:
    """The client secret in a version's text or a message's body."""
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    for payload, part, field_name in _ENVELOPES:
        if payload in data:
            found = data[payload].get(part, {}).get(field_name)
            break
    else:
        found = data.get("client_secret")
    return found if isinstance(found, str) else None


@lru_cache(maxsize=4096)
def stage_in(text: str) -> object:
    """The owner's own key in a version's text."""
    data = json.loads(text)
    return data.get("stage") if isinstance(data, dict) else None


class Cause(StrEnum):
    """Why Amazon made a new secret."""

    PLAIN = "plain request"
    FORCED = "forced request"
    REPOST = "automatic repost"
    CONSOLE = "console"


class Post(NamedTuple):
    """A POST of ours.

    Attributes:
        reached: False when its connection never opened.
        refused: whether we were told that it had no effect.
        before: how many secrets Amazon had made before it.
    """

    at: datetime
    cause: Cause
    reached: bool
    refused: bool
    before: int


class Memory(NamedTuple):
    """What the invariants remember of one application's history.

    Attributes:
        posts: the POSTs of the last nine days.
        arrived: the newest secret whose message ever reached the queue (its number from 1; 0 is none).
        dated: the secrets whose messages were ever acknowledged, by their numbers.
        kept: the secrets under a keeping label when last looked at, by their numbers.
        superseded: the newest acknowledged secret that was ever under ROTATION_SUPERSEDED, by its number.
        current: the secret under AWSCURRENT when last looked at.
        unannounced: secrets that the machine put into use and has not published.
        by_hand: secrets that came into use although Amazon did not accept them, as a person wished, or as the
            stated exception for a dead secret in use allows.
        avoided: secrets that have carried REJECTED, until a person promotes or seeds.
        stage: the owner's own key ``stage`` as they last wrote it.
        unfinished: an operator action that failed, so that they repeat it.
    """

    posts: tuple[Post, ...] = ()
    arrived: int = 0
    dated: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()
    superseded: int = 0
    current: str | None = None
    unannounced: frozenset[str] = frozenset()
    by_hand: frozenset[str] = frozenset()
    avoided: frozenset[str] = frozenset()
    stage: object = None
    unfinished: str = ""


class Secrets(FakeSecretsManager):
    """Secrets Manager, which may answer a list from before the last change for a while."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self._before: dict[str, tuple[datetime, Versions]] = {}

    def stale_versions(self, secret_id: str) -> Versions:
        """A list from before the last change, if that was a moment ago."""
        found = self._before.get(secret_id)
        if found is not None and self.clock.now() - found[0] <= STALE_FOR:
            return found[1]
        return self.versions(secret_id)

    def put(self, secret_id: str, token: str, text: str, labels: set[str]) -> None:
        before = self.versions(secret_id)
        super().put(secret_id, token, text, labels)
        self._before[secret_id] = (self.clock.now(), before)

    def move(self, secret_id: str, label: str, *, to: str | None, away_from: str | None) -> None:
        before = self.versions(secret_id)
        super().move(secret_id, label, to=to, away_from=away_from)
        self._before[secret_id] = (self.clock.now(), before)

    def save(self) -> tuple[Any, ...]:
        now = self.clock.now()
        return (
            tuple(
                (
                    name,
                    secret.created_at,
                    secret.rotates_natively,
                    tuple(
                        (vid, v.text, frozenset(v.labels), v.created_at, v.has_value)
                        for vid, v in secret.versions.items()
                    ),
                )
                for name, secret in self.secrets.items()
            ),
            tuple((name, before) for name, before in self._before.items() if now - before[0] <= STALE_FOR),
        )

    def restore(self, saved: tuple[Any, ...]) -> None:
        for name, created_at, rotates_natively, versions in saved[0]:
            secret = self.secrets.get(name)
            if secret is None:
                secret = self.secrets[name] = FakeSecret(f"arn:{name}", created_at)
            secret.rotates_natively = rotates_natively
            secret.versions = {
                vid: FakeVersion(text, set(labels), at, has_value) for vid, text, labels, at, has_value in versions
            }
        self._before = dict(saved[1])


class TrackedAmazon(FakeAmazon):
    """One application at Amazon, which knows why a secret died before its time."""

    def __init__(self, clock: VirtualClock, client_id: str, deliver: Callable[[str], None]) -> None:
        self.cause = Cause.CONSOLE
        self.killed: dict[str, Cause] = {}
        self.made_by: dict[int, Cause] = {}
        self.clear_since = datetime(1970, 1, 1, tzinfo=UTC)
        super().__init__(clock, client_id, deliver)

    def _make(self, issued_at: datetime) -> Issued:
        for doomed in self.alive[:-1]:
            if doomed.expires_at > issued_at:
                self.killed[doomed.text] = self.cause
        self.made_by[len(self.ever) + 1] = self.cause
        return super()._make(issued_at)

    def number(self, secret: str | None) -> int:
        """The serial number of a secret, from 1; 0 for one that Amazon never made."""
        return next((number for number, one in enumerate(self.ever, 1) if one.text == secret), 0)

    def answer_calls(self, answer: CallAnswer | None, to: Whose = Whose.ALL) -> None:
        """Answer verification calls with these secrets like this; None: as each deserves."""
        self.call_answer, self.call_answer_to, self.clear_since = answer, to, self.clock.now()

    @property
    def lets_promote(self) -> bool:
        """Whether what it answers lets a secret be promoted without a person, at the latest after a day."""
        return self.call_answer in (None, CallAnswer.ACCEPTED) or self.call_answer_to is not Whose.NEWEST

    def be_honest(self) -> None:
        """Amazon mends what no one else can get around: a living secret called expired, or one that stays pending."""
        if self.call_answer is CallAnswer.EXPIRED or not self.lets_promote:
            self.answer_calls(None)
        self.lwa_errors = {scope: error for scope, error in self.lwa_errors.items() if error[1] != "invalid_client"}

    @property
    def calls_it_expired(self) -> bool:
        """Whether it says so of a secret that may be alive."""
        lwa = any(code == "invalid_client" for _, code in self.lwa_errors.values())
        return lwa or self.call_answer is CallAnswer.EXPIRED

    def save(self) -> tuple[Any, ...]:
        return (
            tuple((one.text, one.issued_at, one.expires_at, one.usable_from) for one in self.ever),
            len(self.alive),
            tuple(self.killed.items()),
            tuple(self.made_by.items()),
            self.clear_since,
            self.call_answer,
            self.call_answer_to,
            self.usable_after,
            self.calls_allowed,
            tuple(self.lwa_errors.items()),
        )

    def restore(self, saved: tuple[Any, ...]) -> None:
        self.ever = [Issued(*one) for one in saved[0]]
        self.alive = self.ever[-saved[1] :]
        self.killed = dict(saved[2])
        self.made_by = dict(saved[3])
        self.clear_since, self.call_answer, self.call_answer_to, self.usable_after, self.calls_allowed = saved[4:9]
        self.lwa_errors = dict(saved[9])
        self._serial = itertools.count(len(self.ever) + 1)


@dataclass
class App:
    """An application, its side at Amazon, and the memory of its history."""

    application: Application
    amazon: TrackedAmazon
    memory: Memory = field(default_factory=Memory)

    @property
    def secret_id(self) -> str:
        return self.application.secret_id


def numbers_with_labels(app: App, secret: FakeSecret) -> frozenset[int]:
    """Which of Amazon's secrets are under a label from which they can come into use, or be looked for."""
    found = (app.amazon.number(secret_in(one.text)) for one in secret.versions.values() if one.labels & KEEPING)
    return frozenset(found) - {0}


class Said:
    """Telemetry and Announcer: searches everything for canaries and keeps what the last invocation said."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.metrics: list[Metric] = []

    def info(self, event: str, application: Application | None = None, **fields: object) -> None:
        self._search(event, fields)

    def warning(self, event: str, application: Application | None = None, **fields: object) -> None:
        self._search(event, fields)

    def count(self, metric: Metric, value: float = 1.0) -> None:
        self.metrics.append(metric)

    def rotated(self, event: RotationEvent) -> None:
        self._search("the rotation event", event)
        app = self._world.app_of(event.application.client_id)
        stored = self._world.secrets.secrets[app.secret_id].versions.get(event.version_id)
        secret = secret_in(stored.text) if stored is not None else None
        if secret is None:
            self._world.violate("event", f"the rotation event names version {event.version_id}, which holds no secret")
        else:
            app.memory = app.memory._replace(unannounced=app.memory.unannounced - {secret})

    def tell(self, event: Event) -> None:
        self._search(event.DETAIL_TYPE, event)

    def _search(self, where: str, what: object) -> None:
        if CANARY in repr(what):
            self._world.violate("silence", f"a secret or token in {where}")


class Fleet:
    """The Amazon port for every application at once."""

    def __init__(self, world: "World") -> None:
        self._world = world

    @property
    def _is_down(self) -> bool:
        return self._world.clock.time < self._world.amazon_down_until

    def token(self, credentials: Credentials, scope: Scope) -> Sensitive:
        if self._is_down:
            raise no_token(503, "temporarily_unavailable")
        try:
            app = self._world.app_of(credentials.client_id)
        except KeyError:
            raise no_token(401, "invalid_client") from None
        return Sensitive(f"{credentials.client_id} {app.amazon.token(credentials, scope).reveal()}")

    def rotate(self, token: Sensitive) -> RotateAnswer:
        if self._is_down:
            return RotateAnswer(Answer.UNKNOWN, 503, "ServiceUnavailable")
        client_id, text = token.reveal().split(" ", 1)
        return self._world.app_of(client_id).amazon.rotate(Sensitive(text))

    def verification_call(self, token: Sensitive) -> CallAnswer:
        if self._is_down:
            return CallAnswer.UNAVAILABLE
        client_id, text = token.reveal().split(" ", 1)
        return self._world.app_of(client_id).amazon.verification_call(Sensitive(text))

    def destinations(self, token: Sensitive) -> Destinations:
        return Destinations(self.verification_call(token))


class Transit(NamedTuple):
    """A message on its way to the queue."""

    at: datetime
    body: str


SavedWorld = tuple[Any, ...]
Deliver = Callable[["World", App, str], None]


def deliver_soon(world: "World", app: App, body: str) -> None:
    """Amazon's ordinary delivery: one message, seconds later."""
    world.send_later(body, timedelta(seconds=5))


def client_id(number: int) -> str:
    """A client id of the right shape."""
    return f"amzn1.application-oa2-client.{number:016x}"


class World:
    """Everything that a history changes.

    Attributes:
        violations: what was found broken, one line each.
        strangers: applications that are not ours yet: the function finds no secret of theirs.
        store_down_until: until when Secrets Manager fails every call of the function.
        amazon_down_until: until when LWA and SP-API answer every call with 503.
        looked: calls of the function that no fault strikes, by the methods of the ports.
        tells_dates: whether the dates in Amazon's messages are there, and true.
        readers: how many mappings read the queue; the first one is ours.
    """

    def __init__(
        self,
        *,
        policy: RotationPolicy = PLAIN.policy,
        applications: int = 1,
        amazon_skew: timedelta = timedelta(0),
        aws_skew: timedelta = timedelta(0),
        newest_first: bool = False,
        deliver: Deliver = deliver_soon,
        tells_dates: bool = True,
        number: int = 1,
        beside: "World | None" = None,
        **changes: Any,
    ) -> None:
        """Make it.

        Args:
            number: of the first application.
            beside: the world of another application of the same component, whose clock and queues are this one's too.
        """
        self.clock: VirtualClock = beside.clock if beside is not None else VirtualClock()
        self.policy = replace(policy, **changes) if changes else policy
        self.secrets = Secrets(SkewedClock(self.clock, aws_skew))
        self.queue: StandardQueue = (
            beside.queue if beside is not None else StandardQueue(self.clock, newest_first=newest_first)
        )
        self.unclaimed: Unclaimed = beside.unclaimed if beside is not None else Unclaimed(self.clock)
        self.strangers: frozenset[str] = frozenset()
        self.said = Said(self)
        self.fleet = Fleet(self)
        self.deliver = deliver
        self.tells_dates = tells_dates
        self.readers = 1
        self.transit: tuple[Transit, ...] = ()
        self.next_check = self.clock.time
        self.violations: list[str] = []
        self.serial = 0
        self.store_down_until = self.clock.time
        self.amazon_down_until = self.clock.time
        self.looked: Counter[str] = Counter()
        self.apps: dict[str, App] = {}
        for each in range(number, number + applications):
            self._add(client_id(each), SkewedClock(self.clock, amazon_skew))
        self.app = next(iter(self.apps.values()))

    def _add(self, client: str, clock: VirtualClock) -> None:
        application = Application(client, client, f"prefix/{client}")
        amazon = TrackedAmazon(clock, client, lambda body: self.deliver(self, self.apps[client], body))
        self.apps[client] = App(application, amazon)
        self.secrets.create(application.secret_id)

    def app_of(self, client: str) -> App:
        """An application by its client id; KeyError for another one."""
        return self.apps[client]

    def violate(self, invariant: str, detail: str) -> None:
        """Note a violation."""
        line = f"{invariant}: {detail}"
        if line not in self.violations:
            self.violations.append(line)

    def next_serial(self) -> int:
        """Numbers that are never used twice in a history."""
        self.serial += 1
        return self.serial

    # Messages on their way.

    def send_later(self, body: str, after: timedelta) -> None:
        """A message reaches the queue after a while."""
        self.transit = (*self.transit, Transit(self.clock.time + after, body))

    def arrive(self) -> None:
        """Put into the queue what has arrived by now."""
        if not self.transit or all(one.at > self.clock.time for one in self.transit):
            return
        for one in sorted(one for one in self.transit if one.at <= self.clock.time):
            if not self.queue.denies_outsiders:  # what Amazon cannot deliver never comes
                self.queue.send(one.body)
                self.note_arrival(one.body)
        self.transit = tuple(one for one in self.transit if one.at > self.clock.time)

    def note_arrival(self, body: str) -> None:
        """Remember the newest secret that reached the queue."""
        secret = secret_in(body)
        for app in self.apps.values() if secret is not None else ():
            number = app.amazon.number(secret)
            if number > app.memory.arrived:
                app.memory = app.memory._replace(arrived=number)

    # The owner.

    def seed(self, app: App | None = None, *, dated: bool = True, issued: Issued | None = None, **others: Any) -> None:
        """The owner's PutSecretValue of a secret that Amazon made, by default the newest."""
        app = app or self.app
        issued = issued or app.amazon.newest
        client_id = app.application.client_id
        undated = {"client_id": client_id, "client_secret": issued.text}
        data = {**(amazons(client_id, issued) if dated else undated), **others}
        self.owner_writes(app, data)

    def owner_writes(self, app: App, data: object) -> None:
        """The owner's PutSecretValue of anything, with the default label AWSCURRENT."""
        text = json.dumps(data)
        self.secrets.put(app.secret_id, f"{OWNERS}version-{self.next_serial():019d}", text, {Label.CURRENT.value})
        secret = secret_in(text)
        kept = numbers_with_labels(app, self.secrets.secrets[app.secret_id])
        app.memory = app.memory._replace(current=secret, stage=stage_in(text), kept=kept)
        self.note_by_hand(app, secret)

    def note_by_hand(self, app: App, secret: str | None) -> None:
        """Remember a secret that comes into use although Amazon does not accept it now, and may."""
        if secret is not None and not app.amazon.accepts(Sensitive(secret)):
            app.memory = app.memory._replace(by_hand=app.memory.by_hand | {secret})

    def value(self, app: App | None = None, label: str = Label.CURRENT) -> dict[str, Any] | None:
        """The JSON under a label."""
        secret = self.secrets.secrets[(app or self.app).secret_id]
        holder = secret.holder(label)
        version = secret.versions[holder] if holder is not None else None
        data = json.loads(version.text) if version is not None and version.has_value else None
        return data if isinstance(data, dict) else None

    # Saved and restored.

    def save(self) -> SavedWorld:
        """The whole world as one hashable value."""
        return (
            self.clock.time,
            self.next_check,
            self.secrets.save(),
            self.queue.save(),
            self.transit,
            self.serial,
            self.store_down_until,
            self.amazon_down_until,
            self.unclaimed.save(),
            self.strangers,
            self.readers,
            tuple((app.amazon.save(), app.memory) for app in self.apps.values()),
        )

    def restore(self, saved: SavedWorld) -> None:
        """Back to a saved world."""
        self.clock.time, self.next_check, secrets, queue, self.transit, self.serial, *rest = saved
        self.store_down_until, self.amazon_down_until, unclaimed, self.strangers, self.readers, apps = rest
        self.unclaimed.restore(unclaimed)
        self.secrets.restore(secrets)
        self.queue.restore(queue)
        for app, (amazon, memory) in zip(self.apps.values(), apps, strict=True):
            app.amazon.restore(amazon)
            app.memory = memory
        self.violations = []
        self.said.metrics = []

    def everyone(self) -> Iterator[App]:
        """Every application."""
        yield from self.apps.values()
