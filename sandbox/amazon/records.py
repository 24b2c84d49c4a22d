"""What the stand-in Amazon keeps: secrets, applications, tokens, journal lines; its clock and its refusals."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sandbox.amazon.faults import FaultBook
from sandbox.amazon.outbox import NotificationType

SECRET_LIFE = timedelta(days=180)
"""Life of a new secret. Source: "Rotating your app's LWA credentials"."""

OVERLAP = timedelta(days=7)
"""Life of the old secret after a new one is made. Source: the same page."""

TOKEN_LIFE = timedelta(hours=1)
MAX_ALIVE = 2
CLIENT_ID_HEAD = "amzn1.application-oa2-client."


class Scope(StrEnum):
    """The scopes of the grantless tokens. Source: Amazon's ``lwa-rotation`` sample and its SDK's constants."""

    ROTATION = "sellingpartnerapi::client_credential:rotation"
    NOTIFICATIONS = "sellingpartnerapi::notifications"


class Refusal(Exception):
    """A reason why Amazon refuses; ``contract`` turns it into the documented answer."""


class InvalidClient(Refusal):
    """LWA does not know the client id or its secret (or is told to refuse it)."""


class Unauthorized(Refusal):
    """SP-API refuses the token; ``expired`` when the secret behind it is the reason."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__()
        self.expired = expired


class NotEnrolled(Refusal):
    """The application has no queue registered for new secrets."""


class QuotaExceeded(Refusal):
    """The application's minute is not over."""


class UnknownApplication(LookupError):
    """The control API names an application that is not registered."""


class Conflict(Exception):
    """A call, or the control API, asks for something that the state does not allow."""


class Clock:
    """A clock that can be moved forward. Times are UTC, in whole milliseconds as Amazon's messages are."""

    def __init__(self, base: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._base = base
        self._offset = timedelta()

    def now(self) -> datetime:
        """The present of the stand-in."""
        moment = self._base() + self._offset
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def advance(self, seconds: float) -> None:
        """Move forward; never back.

        Raises:
            ValueError: the number is negative, or more than ten years.
        """
        if not 0 <= seconds <= 3660 * 86_400:
            raise ValueError("seconds must be from 0 to ten years.")
        self._offset += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Back to the base clock."""
        self._offset = timedelta()


@dataclass(slots=True)
class Secret:
    """A client secret. ``number`` counts from 1 within its application and may be shown; the value never is."""

    number: int
    value: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    lwa_from: datetime
    spapi_from: datetime

    def alive(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return now < self.expires_at


@dataclass(frozen=True, slots=True)
class Subscription:
    """A queue registered for one notification type."""

    queue_url: str
    subscription_id: str


@dataclass(frozen=True, slots=True)
class Destination:
    """A queue that an application named by createDestination. It receives nothing before somebody subscribes it."""

    destination_id: str
    name: str
    arn: str


@dataclass(slots=True)
class Application:
    """One application of a developer, with its secrets from oldest to newest."""

    client_id: str
    application_id: str
    secrets: list[Secret] = field(repr=False)
    subscriptions: dict[NotificationType, Subscription] = field(default_factory=dict)
    destinations: list[Destination] = field(default_factory=list)
    faults: FaultBook = field(default_factory=FaultBook)
    last_rotate_call: datetime | None = None

    @property
    def current(self) -> Secret:
        """The newest secret."""
        return self.secrets[-1]


@dataclass(frozen=True, slots=True)
class Token:
    """What stands behind an access token."""

    application: Application
    secret: Secret = field(repr=False)
    scope: Scope
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """A line of the journal: a call that Amazon saw. Never a secret, a token, a query or a body.

    ``status`` is None when no answer was given. ``secret_number`` says with which of the application's secrets the
    caller came. ``note`` names the misbehaviour that struck, or what the call changed.
    """

    number: int
    at: datetime
    method: str
    path: str
    status: int | None
    client_id: str | None
    scope: str | None
    secret_number: int | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSettings:
    """How fast the stand-in's world turns. All in seconds.

    The documented minute between two rotate calls can be made shorter; the usual delay is that of Amazon's sample
    message (publishTime minus eventTime).
    """

    rate_period_seconds: float = 60.0
    delivery_seconds: float = 1.25
    retry_seconds: tuple[float, ...] = (1.0, 2.0, 4.0)

    def __post_init__(self) -> None:
        if self.rate_period_seconds <= 0 or min(self.delivery_seconds, *self.retry_seconds, 0.0) < 0:
            raise ValueError("rate_period_seconds must be positive, the other times not negative.")
