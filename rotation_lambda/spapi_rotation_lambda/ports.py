"""What the use cases need from the world: small protocols, implemented by adapters and by the tests' fakes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from spapi_rotation_lambda.domain.applications import Application, ApplicationDirectory
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.labels import Versions
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.rotation_policy import RotationPolicy
from spapi_rotation_lambda.domain.snapshot import SecretReader

if TYPE_CHECKING:
    from spapi_rotation_lambda.domain.events import Event, RotationEvent
    from spapi_rotation_lambda.surroundings import Log, Surroundings


class Clock(Protocol):
    """The only clock of the use cases."""

    def now(self) -> datetime:
        """The time, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class VersionExists(Exception):
    """A version of this id is there already, with other content."""


class LabelMoved(Exception):
    """A label was not where the caller said; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Description:
    """A secret as ``DescribeSecret`` tells it.

    Attributes:
        holders: the id of the version that carries each label, versions without a value among them.
        rotates_natively: whether Secrets Manager's own rotation is switched on.
    """

    holders: Mapping[str, str]
    rotates_natively: bool


class SecretStore(SecretReader, Protocol):
    """Versions and labels of a secret (Secrets Manager). Every method may raise StoreFailed."""

    def write(self, secret_id: str, version_id: str, text: Sensitive, label: str) -> None:
        """Write a version under one label; repeating it with the same text changes nothing.

        Raises:
            VersionExists: the id is taken by another content.
        """
        ...

    def move(self, secret_id: str, label: str, *, to: str | None, away_from: str | None) -> None:
        """Move a label, compare-and-swap: only from exactly ``away_from`` (None: only if it is nowhere).

        Raises:
            LabelMoved: it is elsewhere by now.
        """
        ...

    def created_at(self, secret_id: str) -> datetime:
        """When the secret was made."""
        ...

    def described(self, secret_id: str) -> Description:
        """What a list does not show."""
        ...

    def versions_and_young(self, secret_id: str, since: datetime) -> tuple[Versions, int]:
        """The labelled versions, and how many versions were written since then, with labels or without: one call."""
        ...


class Scope(StrEnum):
    """Grantless scopes of LWA. Source: Amazon's "Grantless operations" page and its own samples."""

    ROTATION = "sellingpartnerapi::client_credential:rotation"
    NOTIFICATIONS = "sellingpartnerapi::notifications"


class Answer(StrEnum):
    """What the rotate call's answer says about its effect."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Refusal(StrEnum):
    """The one cause of a refused rotate call, as far as Amazon's answer tells it."""

    NOT_ENROLLED = "not-enrolled"
    """400: the application has no queue for new secrets."""
    INVALID = "invalid"
    """Another 400; Amazon's message says which."""
    EXPIRED = "expired"
    """401 or 403: the client secret has expired."""
    DENIED = "denied"
    """Another 401 or 403."""
    THROTTLED = "throttled"
    """429."""
    NOT_THE_API = "not-the-api"
    """The answer is none of the API's: a filter, a proxy or another server gave it."""
    TLS = "tls"
    """The connection never opened: TLS failed."""
    UNREACHABLE = "unreachable"
    """The connection never opened, for another reason."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RotateAnswer:
    """The classified answer of ``rotateApplicationClientSecret``.

    Attributes:
        status: the HTTP status; 0 when there was none.
        code: SP-API's error code, or the kind of transport failure; empty for 204.
        refusal: why it is refused; without meaning otherwise.
        message: Amazon's message for a 400, or what is wrong with TLS: printable ASCII, 200 characters at most, and
            proven to hold no secret; empty if there is none.
        host: of the endpoint.
        retry_after_seconds: the shortest wait before another request.
        request_id: ``x-amzn-RequestId``, for Amazon's support.
    """

    answer: Answer
    status: int
    code: str = ""
    refusal: Refusal = Refusal.OTHER
    message: str = ""
    host: str = ""
    retry_after_seconds: float = 60.0
    request_id: str = ""


class CallAnswer(StrEnum):
    """What the verification call says about a secret, in this very moment."""

    ACCEPTED = "accepted"
    EXPIRED = "expired"
    """Refused for the secret's own sake: SP-API says that it has expired, or LWA does not know it."""
    DENIED = "denied"
    """Refused (401, 403) without a word about the secret: the application may lack the right to the call."""
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    """No usable answer: 5xx, a timeout, no connection."""
    OTHER = "other"
    """Any other answer, such as 404, or no token because of the set-up: it says nothing about the secret."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """The verification call's answer.

    Attributes:
        answer: what it says about the secret.
        queue_arns: the queues among the application's notification destinations; empty unless accepted.
        at: the time by Amazon's clock (header ``Date``, whole seconds); None if it does not tell.
    """

    answer: CallAnswer
    queue_arns: tuple[str, ...] = ()
    at: datetime | None = None


class Amazon(Protocol):
    """Login with Amazon and SP-API."""

    def token(self, credentials: Credentials, scope: Scope) -> Sensitive:
        """Mint a grantless access token. Raises TokenNotIssued."""
        ...

    def rotate(self, token: Sensitive) -> RotateAnswer:
        """Post once, without any retry, and classify the answer. Never raises for what Amazon does."""
        ...

    def verification_call(self, token: Sensitive) -> CallAnswer:
        """The verification call, with a grantless token: ``GET /notifications/v1/destinations``."""
        ...

    def destinations(self, token: Sensitive) -> Destinations:
        """The same call, and what its answer tells."""
        ...


@dataclass(frozen=True, slots=True)
class QueueState:
    """The destination queue and its dead-letter queue, as AWS tells it.

    Attributes:
        policy: the queue's policy, JSON text, or None.
        key_arn: its key; None when it has none.
        key_policy: that key's policy; None when it has none or it can't be read.
        waiting: messages in the queue: visible, in flight and delayed (approximate, as SQS counts).
        in_flight: those of ``waiting`` that are in flight.
        dead: messages in the dead-letter queue, counted alike.
    """

    arn: str
    policy: str | None
    key_arn: str | None
    key_policy: str | None
    waiting: int
    in_flight: int
    dead: int


class Queue(Protocol):
    """The destination queue."""

    def inspect(self) -> QueueState:
        """Read it. Raises QueueNotReady when it does not exist, StoreFailed otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message as the queue holds it.

    Attributes:
        message_id: SQS's id.
        handle: what deletes it, for as long as it is invisible to others.
        sent_at: when it was first sent to the destination queue.
        size: of its body, in characters.
    """

    message_id: str
    handle: str
    sent_at: datetime
    size: int
    body: Sensitive


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many messages a queue holds, approximately, as SQS counts: visible, and hidden by a reader for a while."""

    visible: int
    hidden: int


class DeadLetterQueue(Protocol):
    """The dead-letter queue, or another one that keeps messages for a person. Every method may raise StoreFailed."""

    def counts(self) -> QueueCounts:
        """How many messages it holds."""
        ...

    def take(self, limit: int, hidden_seconds: int) -> list[DeadMessage]:
        """At most so many of its visible messages, each hidden from others for a while; they stay in the queue."""
        ...

    def delete(self, message: DeadMessage) -> None:
        """Delete one."""
        ...


class UnclaimedQueue(DeadLetterQueue, Protocol):
    """The queue of well-formed messages for applications that are not ours."""

    def put(self, body: Sensitive, sent_at: datetime | None) -> None:
        """Send a message to it.

        Args:
            sent_at: when it was first sent to the destination queue, if that is known; kept beside it.
        """
        ...


@dataclass(frozen=True, slots=True)
class ScheduledApplication:
    """An application as its schedule names it.

    Attributes:
        schedule_arn: its schedule.
        enabled: whether that calls the function.
    """

    name: str
    client_id: str
    schedule_arn: str
    enabled: bool


class Schedules(Protocol):
    """The schedules of the component's applications. Every method may raise StoreFailed."""

    def made_at(self, schedule_arn: str) -> datetime:
        """When a schedule was made."""
        ...

    def applications(self) -> list[ScheduledApplication]:
        """Every application that has a schedule, by name."""
        ...

    def name_of(self, client_id: str) -> str | None:
        """What people call an application; None if its schedule does not tell. Never raises."""
        ...

    def is_off(self, client_id: str) -> bool:
        """Whether an application's schedule is switched off or gone; False if that can't be read. Never raises."""
        ...


class Announcer(Protocol):
    """Publishes events. Each method raises NotPublished."""

    def rotated(self, event: "RotationEvent") -> None:
        """Publish that a new secret is in use; whoever calls repeats it until it is taken."""
        ...

    def tell(self, event: "Event") -> None:
        """Publish another event; it is not repeated."""
        ...


class Telemetry(Protocol):
    """Structured log lines and metrics. Fields are names, ids, numbers and times; secrets never."""

    def info(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Log something that went as it should."""
        ...

    def warning(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Log something that a person may want to look at."""
        ...

    def count(self, metric: "Metric", value: float = 1.0) -> None:
        """Record a metric."""
        ...


class Metric(StrEnum):
    """The metrics that alarms watch; undimensioned, so that alarms do not scale with applications."""

    CHECK = "Checks"
    REQUESTED = "RotationsRequested"
    RECEIVED = "SecretsReceived"
    PROMOTED = "SecretsPromoted"
    REFUSED = "RequestsRefused"
    DECLINED = "RequestsDeclined"
    DECLINED_ON_UP = "RotationsOnUpDeclined"
    DUPLICATE = "DuplicateMessages"
    SUPERSEDED = "SupersededMessages"
    CONTRADICTORY = "ContradictoryMessages"
    UNKNOWN = "UnknownMessages"
    UNCLAIMED = "UnclaimedMessages"
    ORDER_UNKNOWN = "SecretsOfUnknownOrder"
    OVERWRITTEN = "SecretsOverwritten"
    UNSEEN_ROTATION = "UnseenRotations"
    NOT_YET = "SecretsNotYetAccepted"
    STUCK = "DaysLeftWhileStuck"
    """Not a count: the days that the secret in use has left, of each application in this state."""
    OVERDUE = "DaysLeftWhileOverdue"
    """Likewise."""
    EXPIRED = "SecretsExpired"
    DENIED = "SecretsDenied"
    REJECTED = "SecretsRejected"
    UNSEEDED = "SecretsUnseeded"
    LOOK_FAILED = "LooksFailed"
    NOT_PUBLISHED = "EventsNotPublished"
    DAYS_TO_EXPIRY = "DaysToExpiry"

    @property
    def is_days(self) -> bool:
        """Whether its value is a number of days."""
        return self in (Metric.STUCK, Metric.OVERDUE, Metric.DAYS_TO_EXPIRY)


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that the use cases act on and go by.

    ``amazon``, ``surroundings`` and ``log`` are factories: what they need is loaded only on the paths that use them.
    """

    clock: Clock
    store: SecretStore
    queue: Queue
    dead_letters: DeadLetterQueue
    unclaimed: UnclaimedQueue
    amazon: Callable[[], Amazon]
    announcer: Announcer
    telemetry: Telemetry
    policy: RotationPolicy
    applications: ApplicationDirectory
    schedules: Schedules
    surroundings: "Callable[[], Surroundings]"
    log: "Callable[[], Log]"

    def application(self, client_id: str, name: str | None = None) -> Application:
        """The application of a valid client id, under the name that people call it where its schedule tells it."""
        return self.applications.find(client_id, name or self.schedules.name_of(client_id))
