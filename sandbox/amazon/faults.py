"""How the stand-in Amazon can be told to misbehave, and the book that counts it.

Each misbehaviour is a frozen dataclass with a ``kind``. It is set for one application, for a number of times or until
cleared, and takes effect at the first call (or message, or new secret) that it fits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, TypeVar

LWA_CODES = (
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "other",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
)
"""Source: ``LwaExceptionErrorCode.py`` of Amazon's own client; the last is RFC 6749's."""


class Point(StrEnum):
    """The call of the application that a misbehaviour strikes."""

    TOKEN = "token"  # noqa: S105
    """``POST /auth/o2/token`` at LWA."""
    ROTATE = "rotate"
    """``POST /applications/2023-11-30/clientSecret`` at SP-API."""
    DESTINATIONS = "destinations"
    """``GET /notifications/v1/destinations`` at SP-API."""


class When(StrEnum):
    """Whether the call has had its effect when it is struck."""

    BEFORE = "before"
    AFTER = "after"


class Body(StrEnum):
    """What an error answer carries."""

    MODEL = "model"
    """What the API model (SP-API) or OAuth (LWA) prescribes."""
    MALFORMED = "malformed"
    """JSON that breaks off."""
    WRONG_SHAPE = "wrong-shape"
    """JSON, but a list where the prescribed object should be."""
    EMPTY = "empty"
    """Nothing."""
    ECHO = "echo"
    """The prescribed form, its text repeating the credential that came with the request."""
    ECHO_IN_MESSAGE = "echo-in-message"
    """The same in SP-API's ``message``."""
    EXPIRED = "expired"
    """SP-API's form with the text that an expired client secret brings; for 401 and 403."""
    HTML = "html"
    """A page, as a filter before the API sends it (selling-partner-api-models#2590, #4297)."""


def _check_seconds(seconds: float) -> None:
    if not 0 <= seconds <= 366 * 86_400:
        raise ValueError("seconds must be from 0 to a year.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What replaces the answer of a call. ``when`` matters at rotate: before or after having rotated."""

    at: Point
    when: When = When.BEFORE

    def __post_init__(self) -> None:
        if self.when is When.AFTER and self.at is not Point.ROTATE:
            raise ValueError("when=after is for the rotate call only: the others change nothing.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Strike):
    """Answer with ``status`` (200 to 599), and in the model's form with this ``code`` and ``message``, if given."""

    kind: ClassVar[str] = "answer"
    status: int
    body: Body = Body.MODEL
    code: str = ""
    message: str = ""

    def __post_init__(self) -> None:
        Strike.__post_init__(self)
        if not 200 <= self.status <= 599:
            raise ValueError("status must be from 200 to 599.")
        at_lwa = self.at is Point.TOKEN
        if (self.code or self.message) and self.body is not Body.MODEL:
            raise ValueError("body must be the model's where code or message is given.")
        if at_lwa and self.code and self.code not in LWA_CODES:
            raise ValueError(f"code must be one of LWA's: {', '.join(LWA_CODES)}.")
        if self.code and not (self.code.isascii() and self.code.isidentifier()):
            raise ValueError("code must be a word.")
        if self.message and (at_lwa or not self.message.isprintable()):
            raise ValueError("message must be printable, and is for SP-API.")
        if self.body is Body.EXPIRED and (at_lwa or self.status not in (401, 403)):
            raise ValueError("body=expired must be for a 401 or 403 of SP-API.")
        if self.body is Body.ECHO_IN_MESSAGE and at_lwa:
            raise ValueError("body=echo-in-message must be for SP-API.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(Strike):
    """Never answer: hold the connection for ``seconds`` of real time, then close it."""

    kind: ClassVar[str] = "hang"
    seconds: float = 600.0

    def __post_init__(self) -> None:
        Strike.__post_init__(self)
        _check_seconds(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Strike):
    """Close the connection without an answer; ``reset`` ends it with a TCP reset."""

    kind: ClassVar[str] = "close"
    reset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CutShort:
    """Do the call, then break off in the middle of the answer."""

    kind: ClassVar[str] = "cut-short"
    at: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """Wait ``seconds`` of real time, then do the call: its effect comes even if the caller has given up."""

    kind: ClassVar[str] = "slow"
    at: Point
    seconds: float

    def __post_init__(self) -> None:
        _check_seconds(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateHeader:
    """Answer the rotate call, whatever the status, with this ``x-amzn-RateLimit-Limit``, a number or not."""

    kind: ClassVar[str] = "rate-header"
    value: str

    def __post_init__(self) -> None:
        if not (self.value.isascii() and self.value.isprintable() and len(self.value) <= 100):
            raise ValueError("value must be printable ASCII of at most 100 characters.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Send the next message ``seconds`` later than usual."""

    kind: ClassVar[str] = "delay"
    seconds: float

    def __post_init__(self) -> None:
        _check_seconds(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Send the next message ``copies`` more times, each ``seconds`` after the one before."""

    kind: ClassVar[str] = "duplicate"
    copies: int = 1
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.copies <= 100:
            raise ValueError("copies must be from 1 to 100.")
        _check_seconds(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Keep the next message back until a later one of the application has been sent: the order is reversed."""

    kind: ClassVar[str] = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose:
    """Never send the next message."""

    kind: ClassVar[str] = "lose"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptLate:
    """The next new secret is refused for its first seconds: by LWA (401), by SP-API (403 "expired"), or by both.

    Source of the second: selling-partner-api-models#4489, half an hour, reported.
    """

    kind: ClassVar[str] = "accept-late"
    lwa_seconds: float = 0.0
    spapi_seconds: float = 0.0

    def __post_init__(self) -> None:
        _check_seconds(self.lwa_seconds)
        _check_seconds(self.spapi_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseDeadAtLwa:
    """LWA refuses a dead secret (401). Without it LWA issues a token and only SP-API refuses, as is reported."""

    kind: ClassVar[str] = "refuse-dead-at-lwa"


Fault = (
    Answer
    | Hang
    | Close
    | CutShort
    | Slow
    | RateHeader
    | Delay
    | Duplicate
    | Hold
    | Lose
    | AcceptLate
    | RefuseDeadAtLwa
)

F = TypeVar("F")


@dataclass(slots=True)
class Entry:
    """One misbehaviour in the book. ``left`` is None for "until cleared"."""

    fault: Fault
    left: int | None
    used: int = 0


@dataclass(slots=True)
class FaultBook:
    """The misbehaviours of one application, in the order in which they were set."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, fault: Fault, times: int | None) -> None:
        """Set a misbehaviour for ``times`` occasions, or until cleared (None).

        Raises:
            ValueError: times is below 1.
        """
        if times is not None and times < 1:
            raise ValueError("times must be 1 or more, or null for until cleared.")
        self.entries.append(Entry(fault, times))

    def take(self, kind: type[F], fits: Callable[[F], bool] = lambda fault: True) -> F | None:
        """The first misbehaviour of this kind that fits and is not used up; it is counted as used once."""
        for entry in self.entries:
            if isinstance(entry.fault, kind) and entry.left != 0 and fits(entry.fault):
                entry.used += 1
                if entry.left is not None:
                    entry.left -= 1
                return entry.fault
        return None

    def strike(self, at: Point, when: When) -> Strike | None:
        """What shall replace the answer of this call, if anything."""
        return self.take(Strike, lambda fault: (fault.at, fault.when) == (at, when))

    def clear(self) -> None:
        """From now on behave."""
        self.entries.clear()
