"""One application in a modelled world: the ports of the use cases, and the platform that calls the function."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from spapi_rotation_lambda.domain import sender_policy
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Document
from spapi_rotation_lambda.domain.daily_slot import daily_slot
from spapi_rotation_lambda.domain.errors import QueueNotReady
from spapi_rotation_lambda.domain.events import Event, RotationEvent
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import (
    DeadMessage,
    Metric,
    Ports,
    QueueCounts,
    QueueState,
    ScheduledApplication,
)
from spapi_rotation_lambda.settings import Settings, parse_adopted_secrets
from spapi_rotation_lambda.surroundings import Alarm, LogLine, LogPage, QueueReader, Subscribers
from tests.fakes.amazon import FakeAmazon, Issued
from tests.fakes.clock import VirtualClock
from tests.fakes.said import require_event, require_line, require_metric
from tests.fakes.secrets_manager import FakeSecretsManager

CLIENT_ID = "amzn1.application-oa2-client.0123456789abcdef"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:destination"
TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:alarms"
SCHEDULE_ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/group/name"

PLAIN = Settings.from_environment(
    {
        "SECRET_PREFIX": "prefix",
        "QUEUE_URL": "queue",
        "DEAD_LETTER_QUEUE_URL": "dead",
        "UNCLAIMED_QUEUE_URL": "unclaimed",
        "SCHEDULE_GROUP": "group",
    }
)
"""The function's settings when nothing else is given."""


def sealed(data: dict[str, Any]) -> dict[str, Any]:
    """The same JSON with the fingerprint that fits, as if a message of Amazon had brought it."""
    application = Application(data["client_id"], data["client_id"], "any")
    credentials = Document(data, application).credentials
    assert credentials is not None
    return data | {"client_secret_fingerprint": credentials.sealed().fingerprint}


def amazons(client_id: str, issued: Issued) -> dict[str, Any]:
    """A secret that Amazon made, with its dates, as a message brings it."""
    return sealed(
        {
            "client_id": client_id,
            "client_secret": issued.text,
            "client_secret_issued_at": format_time(issued.issued_at),
            "client_secret_expires_at": format_time(issued.expires_at),
        }
    )


@dataclass
class FakeQueue:
    """The destination queue and its dead-letter queue, as far as a preflight looks at them."""

    policy: str | None = json.dumps({"Statement": [sender_policy.queue_statement(QUEUE_ARN)]})
    key_policy: str | None = json.dumps({"Statement": [sender_policy.key_statement()]})
    key_arn: str = "arn:aws:kms:us-east-1:123456789012:key/1"
    arn: str = QUEUE_ARN
    exists: bool = True
    visible: list[str] = field(default_factory=list)
    in_flight: int = 0
    dead: list[str] = field(default_factory=list)

    def inspect(self) -> QueueState:
        if not self.exists:
            raise QueueNotReady("There is no queue.", remedy="none")
        return QueueState(
            arn=self.arn,
            policy=self.policy,
            key_arn=self.key_arn,
            key_policy=self.key_policy,
            waiting=len(self.visible) + self.in_flight,
            in_flight=self.in_flight,
            dead=len(self.dead),
        )


@dataclass
class FakeDeadLetters:
    """The dead-letter queue's messages, for whoever looks at them."""

    queue: FakeQueue
    clock: VirtualClock
    deleted: list[str] = field(default_factory=list)

    def counts(self) -> QueueCounts:
        return QueueCounts(len(self.queue.dead), 0)

    def take(self, limit: int, hidden_seconds: int) -> list[DeadMessage]:
        return [
            DeadMessage(f"message-{number}", f"handle-{number}", self.clock.now(), len(body), Sensitive(body))
            for number, body in enumerate(self.queue.dead[:limit])
        ]

    def delete(self, message: DeadMessage) -> None:
        self.queue.dead.remove(message.body.reveal())
        self.deleted.append(message.message_id)


@dataclass
class FakeUnclaimed:
    """The messages for applications that are not ours."""

    clock: VirtualClock
    bodies: list[str] = field(default_factory=list)

    def put(self, body: Sensitive, sent_at: datetime | None) -> None:
        self.bodies.append(body.reveal())

    def counts(self) -> QueueCounts:
        return QueueCounts(len(self.bodies), 0)

    def take(self, limit: int, hidden_seconds: int) -> list[DeadMessage]:
        return [
            DeadMessage(f"unclaimed-{number}", f"handle-{number}", self.clock.now(), len(body), Sensitive(body))
            for number, body in enumerate(self.bodies[:limit])
        ]

    def delete(self, message: DeadMessage) -> None:
        self.bodies.remove(message.body.reveal())


@dataclass
class FakeSchedules:
    """The schedule of one application, which is made when the world is."""

    application: Application
    made: datetime
    enabled: bool = True
    is_there: bool = True

    def made_at(self, schedule_arn: str) -> datetime:
        assert schedule_arn == SCHEDULE_ARN
        return self.made

    def applications(self) -> list[ScheduledApplication]:
        return [ScheduledApplication(self.application.name, self.application.client_id, SCHEDULE_ARN, self.enabled)]

    def name_of(self, client_id: str) -> str | None:
        return self.application.name if client_id == self.application.client_id and self.is_there else None

    def is_off(self, client_id: str) -> bool:
        return client_id != self.application.client_id or not (self.is_there and self.enabled)


@dataclass
class FakeSurroundings:
    """The parts around the function; as they are after ``pulumi up`` and with one subscriber."""

    has_alarms: bool = True
    level: str = "INFO"
    readers: list[QueueReader] = field(default_factory=lambda: [QueueReader(True, "")])
    made_alarms: list[Alarm] = field(default_factory=lambda: [Alarm("expired", False, TOPIC_ARN)])
    heard_by: Subscribers = Subscribers(1, 0)  # noqa: RUF009  (frozen)

    def queue_readers(self) -> list[QueueReader]:
        return self.readers

    def alarms(self) -> list[Alarm]:
        return self.made_alarms

    def subscribers(self, topic_arn: str) -> Subscribers:
        assert topic_arn == TOPIC_ARN
        return self.heard_by

    def log_level(self) -> str:
        return self.level


@dataclass
class FakeLog:
    """The function's log: what the recorder has heard, a few lines at a time."""

    recorder: "Recorder"
    page: int = 100

    def read(self, events: tuple[str, ...], since: datetime, cursor: str | None) -> LogPage:
        lines = [each for each in self.recorder.log if each.fields["message"] in events and each.at >= since]
        start = int(cursor or 0)
        end = start + self.page
        return LogPage(tuple(lines[start:end]), str(end) if end < len(lines) else None)


@dataclass
class Recorder:
    """Telemetry and Announcer: keeps what was said."""

    clock: VirtualClock
    log: list[LogLine] = field(default_factory=list)
    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    metrics: list[tuple[Metric, float]] = field(default_factory=list)
    events: list[RotationEvent] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)

    def info(self, event: str, application: Application | None = None, **fields: object) -> None:
        require_line(event, application, fields)
        self.keep(event, application, **fields)

    def keep(self, event: str, application: Application | None = None, **fields: object) -> None:
        """A line that is in the log, whoever said it."""
        self.lines.append((event, fields))
        which = {"application": application.name, "client_id": application.client_id} if application else {}
        plain = {name: format_time(value) if isinstance(value, datetime) else value for name, value in fields.items()}
        self.log.append(LogLine(self.clock.now(), {"message": event, **which, **plain}))

    def warning(self, event: str, application: Application | None = None, **fields: object) -> None:
        self.warned.append(event)
        self.info(event, application, **fields)

    def count(self, metric: Metric, value: float = 1.0) -> None:
        require_metric(metric, value)
        self.metrics.append((metric, value))

    def rotated(self, event: RotationEvent) -> None:
        require_event(event)
        self.events.append(event)

    def tell(self, event: Event) -> None:
        require_event(event)
        self.told.append(event)

    def counted(self, metric: Metric) -> int:
        return sum(1 for found, _ in self.metrics if found is metric)

    def text(self) -> str:
        return repr((self.lines, self.metrics, self.events, self.told))


class World:
    """Everything a rotation touches."""

    def __init__(self, *, adopted_secrets: str = "", **policy: Any) -> None:
        self.clock = VirtualClock()
        self.store = FakeSecretsManager(self.clock)
        self.queue = FakeQueue()
        self.dead_letters = FakeDeadLetters(self.queue, self.clock)
        self.unclaimed = FakeUnclaimed(self.clock)
        self.recorder = Recorder(self.clock)
        self.amazon = FakeAmazon(self.clock, CLIENT_ID, self.queue.visible.append)
        self.application = Application("shop", CLIENT_ID, f"prefix/{CLIENT_ID}")
        self.store.create(self.secret_id)
        surroundings, log = FakeSurroundings(), FakeLog(self.recorder)
        self.ports = Ports(
            clock=self.clock,
            store=self.store,
            queue=self.queue,
            dead_letters=self.dead_letters,
            unclaimed=self.unclaimed,
            amazon=lambda: self.amazon,
            announcer=self.recorder,
            telemetry=self.recorder,
            schedules=FakeSchedules(self.application, self.clock.now()),
            surroundings=lambda: surroundings,
            log=lambda: log,
            policy=replace(PLAIN.policy, **policy),
            applications=replace(PLAIN.applications, adopted=parse_adopted_secrets(adopted_secrets)),
        )

    @property
    def secret_id(self) -> str:
        return self.application.secret_id

    # The owner.

    def seed(self, issued: Issued | None = None, *, dated: bool = True, **others: Any) -> None:
        """A secret is put in, by default Amazon's newest: with Amazon's dates as a message brought them, or undated."""
        issued = issued or self.amazon.newest
        undated = {"client_id": CLIENT_ID, "client_secret": issued.text}
        self.write({**(amazons(CLIENT_ID, issued) if dated else undated), **others})

    def write(self, data: object) -> None:
        """The owner's PutSecretValue."""
        text = data if isinstance(data, str) else json.dumps(data)
        token = f"owner-{len(self.store.secrets[self.secret_id].versions)}-{self.clock.now().timestamp()}"
        self.store.put(self.secret_id, token, text, {"AWSCURRENT"})

    # The platform.

    def check(self) -> str:
        state = dispatch(self.ports, {"action": "check", "application": "shop", "client_id": CLIENT_ID})["state"]
        assert isinstance(state, str)
        return state

    def check_without_daily_try(self, ports: Ports | None = None) -> str:
        """A check at an hour at which this application's daily try is not due."""
        midnight = self.clock.now().replace(hour=0, minute=0)
        at = midnight + (daily_slot(CLIENT_ID) + timedelta(hours=5)) % timedelta(days=1)
        event = {"action": "check", "application": "shop", "client_id": CLIENT_ID, "scheduled_at": format_time(at)}
        return str(dispatch(ports or self.ports, event)["state"])

    def hand_over(self, body: str) -> Any:
        """Invoke the function with one message, as the event source mapping does."""
        self.queue.in_flight += 1
        try:
            return dispatch(self.ports, {"Records": [{"eventSource": "aws:sqs", "body": body}]})["receipt"]
        finally:
            self.queue.in_flight -= 1

    def drain(self) -> list[Any]:
        """Hand over every visible message once; one that raises ends in the dead-letter queue."""
        receipts = []
        while self.queue.visible:
            body = self.queue.visible.pop(0)
            try:
                receipts.append(self.hand_over(body))
            except Exception:
                self.queue.dead.append(body)
                raise
        return receipts

    def run(self, *, hours: int) -> list[str]:
        """Hourly checks, each after whatever messages wait."""
        states = []
        for _ in range(hours):
            self.clock.time += timedelta(hours=1)
            self.drain()
            states.append(self.check())
        return states

    # What a consumer sees.

    def value(self, label: str = "AWSCURRENT") -> dict[str, Any] | None:
        """The JSON under a label."""
        holder = self.store.secrets[self.secret_id].holder(label)
        if holder is None:
            return None
        data = json.loads(self.store.secrets[self.secret_id].versions[holder].text)
        assert isinstance(data, dict)
        return data

    def labels(self) -> dict[str, str]:
        return self.store.labels(self.secret_id)
