"""Wrappers around every port that number the external calls of an invocation and make chosen ones fail.

A call can fail before its effect or after it, it can take long, and the process can die right after it. For the
rotate call the failures are the answers that the classification knows, with and without an effect.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NoReturn, Protocol, TypeVar

from spapi_rotation_lambda.adapters.amazon_answers import is_refusal
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import NotPublished, SecretMissing, StoreFailed
from spapi_rotation_lambda.domain.events import Event, RotationEvent
from spapi_rotation_lambda.domain.labels import Versions
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import (
    Amazon,
    Announcer,
    Answer,
    CallAnswer,
    DeadMessage,
    Description,
    Destinations,
    Queue,
    QueueCounts,
    QueueState,
    RotateAnswer,
    Scope,
    UnclaimedQueue,
)
from tests.fakes.amazon import no_token
from tests.fakes.clock import VirtualClock

T = TypeVar("T")

SLOW_SECONDS = 15.0
"""What a call that times out costs: the read timeout of the adapters."""


class Died(BaseException):
    """The process is gone. No code may catch it."""


class Kind(StrEnum):
    """What goes wrong at a call."""

    FAILS = "fails before its effect"
    FAILS_LATE = "takes effect, then fails"
    TIMES_OUT = "takes effect, lasts long, then fails"
    DIES = "takes effect, then the process dies"
    RETRIED = "takes effect, and the SDK's retry meets that effect"
    STALE = "answers from before the last change"
    NEVER_OPENED = "connection never opened"
    TIMEOUT_DONE = "times out, rotated"
    TIMEOUT_LOST = "times out, not rotated"
    SERVER_ERROR_DONE = "500, rotated"
    SERVER_ERROR_LOST = "500, not rotated"
    THROTTLED = "429"
    GATEWAY_DONE = "408, rotated"
    GATEWAY_LOST = "408, not rotated"
    UNAUTHORIZED = "401"
    UNKNOWN_SECRET = "LWA answers invalid_client"
    SETUP_FAULT = "LWA answers another code"


class Op(StrEnum):
    """The external calls."""

    VERSIONS = "versions"
    READ = "read"
    WRITE = "write"
    MOVE = "move"
    CREATED_AT = "created_at"
    DESCRIBED = "described"
    VERSIONS_AND_YOUNG = "versions_and_young"
    TOKEN = "token"
    ROTATE = "rotate"
    VERIFICATION_CALL = "verification_call"
    INSPECT = "inspect"
    ROTATED = "rotated"
    TELL = "tell"
    PUT = "put"
    TAKE = "take"
    DELETE = "delete"
    ACKNOWLEDGE = "acknowledge"


_READING = (Kind.FAILS, Kind.TIMES_OUT, Kind.DIES)
_WRITING = (Kind.FAILS, Kind.FAILS_LATE, Kind.TIMES_OUT, Kind.DIES)

KINDS: Mapping[Op, tuple[Kind, ...]] = {
    Op.VERSIONS: (*_READING, Kind.STALE),
    Op.READ: _READING,
    Op.WRITE: _WRITING,
    Op.MOVE: (*_WRITING, Kind.RETRIED),
    Op.CREATED_AT: _READING,
    Op.DESCRIBED: _READING,
    Op.VERSIONS_AND_YOUNG: (*_READING, Kind.STALE),
    Op.TOKEN: (*_READING, Kind.UNKNOWN_SECRET, Kind.SETUP_FAULT),
    Op.ROTATE: (
        Kind.NEVER_OPENED,
        Kind.TIMEOUT_DONE,
        Kind.TIMEOUT_LOST,
        Kind.SERVER_ERROR_DONE,
        Kind.SERVER_ERROR_LOST,
        Kind.THROTTLED,
        Kind.GATEWAY_DONE,
        Kind.GATEWAY_LOST,
        Kind.UNAUTHORIZED,
        Kind.DIES,
    ),
    Op.VERIFICATION_CALL: _READING,
    Op.INSPECT: _READING,
    Op.ROTATED: _WRITING,
    Op.TELL: _WRITING,
    Op.PUT: _WRITING,
    Op.TAKE: _READING,
    Op.DELETE: _WRITING,
    Op.ACKNOWLEDGE: (Kind.FAILS,),
}
"""What can go wrong at each call. A call that only reads fails alike before and after its effect."""


def _answered(status: int, code: str) -> RotateAnswer:
    """What the Amazon client makes of a status; the real code decides what it means."""
    return RotateAnswer(Answer.REFUSED if is_refusal(status) else Answer.UNKNOWN, status, code)


_ROTATE_ANSWERS: Mapping[Kind, tuple[RotateAnswer, bool]] = {
    Kind.NEVER_OPENED: (RotateAnswer(Answer.REFUSED, 0, "ConnectError"), False),
    Kind.TIMEOUT_DONE: (RotateAnswer(Answer.UNKNOWN, 0, "ReadTimeout"), True),
    Kind.TIMEOUT_LOST: (RotateAnswer(Answer.UNKNOWN, 0, "ReadTimeout"), False),
    Kind.SERVER_ERROR_DONE: (_answered(500, "InternalFailure"), True),
    Kind.SERVER_ERROR_LOST: (_answered(500, "InternalFailure"), False),
    Kind.THROTTLED: (_answered(429, "QuotaExceeded"), False),
    Kind.GATEWAY_DONE: (_answered(408, ""), True),
    Kind.GATEWAY_LOST: (_answered(408, ""), False),
    Kind.UNAUTHORIZED: (_answered(401, "Unauthorized"), False),
}

Plan = Mapping[int, Kind | int]
"""Which calls of an invocation go wrong, by their number from 1, and how: a kind, or the number of one that fits."""


class Injector:
    """Numbers the external calls of one invocation and makes the planned ones fail.

    Attributes:
        ops: the calls so far, in their order.
        void: whether a planned fault made no difference, so that the history is another one's copy.
        struck: the faults that struck, in their order.
        unproven: how many tokens LWA has not given for a reason that says nothing about the secret, or is untrue.
    """

    def __init__(
        self,
        clock: VirtualClock,
        plan: Plan,
        *,
        after: Callable[[Op], None],
        before: Callable[[Op], None] | None = None,
    ) -> None:
        """Make one for one invocation.

        Args:
            after: called after every call, with or without a fault: the invariants.
            before: called before every call: where another worker may step in.
        """
        self.ops: list[Op] = []
        self.dead = False
        self.void = False
        self.struck: list[Kind] = []
        self.unproven = 0
        self._clock, self._plan, self._after, self._before = clock, plan, after, before

    def call(
        self,
        op: Op,
        effect: Callable[[], T],
        failing: Callable[[], T],
        stale: Callable[[], T] | None = None,
        answers: Mapping[Kind, Callable[[], T]] = MappingProxyType({}),
    ) -> T:
        """Make a call: its effect and answer, or what is planned for its number.

        Args:
            answers: what the call ends with, without an effect, for kinds of its own.
        """
        if self.dead:
            raise Died
        if self._before is not None:
            self._before(op)
        self.ops.append(op)
        kind = self._planned(op)
        try:
            if kind is None:
                return effect()
            if kind in answers:
                self.unproven += kind in (Kind.SETUP_FAULT, Kind.UNKNOWN_SECRET)
                return answers[kind]()
            return self._fault(kind, op, effect, failing, stale)
        finally:
            self._after(op)

    def _planned(self, op: Op) -> Kind | None:
        planned = self._plan.get(len(self.ops)) if self._plan else None
        kind = KINDS[op][planned % len(KINDS[op])] if isinstance(planned, int) else planned
        if kind is not None:
            self.struck.append(kind)
        return kind

    def _fault(
        self,
        kind: Kind,
        op: Op,
        effect: Callable[[], T],
        failing: Callable[[], T],
        stale: Callable[[], T] | None,
    ) -> T:
        if kind is Kind.FAILS:
            return failing()
        if kind is Kind.STALE and stale is not None:
            answer = stale()
            self.void = self.void or answer == effect()
            return answer
        if kind is Kind.RETRIED:
            effect()
            again = effect()
            self.void = True
            return again
        if kind not in (Kind.FAILS_LATE, Kind.TIMES_OUT, Kind.DIES):
            raise AssertionError(f"{op} knows no fault {kind}")
        with suppress(Exception):
            effect()  # whatever AWS answered, it does not arrive
        if kind is Kind.DIES:
            self.dead = True
            raise Died
        if kind is Kind.TIMES_OUT:
            self._clock.sleep(SLOW_SECONDS)
        return failing()

    def rotate(self, effect: Callable[[], RotateAnswer], note: Callable[[bool], None]) -> RotateAnswer:
        """The rotate call. ``note`` is told whether the request reached Amazon, before it has any effect."""
        if self.dead:
            raise Died
        if self._before is not None:
            self._before(Op.ROTATE)
        self.ops.append(Op.ROTATE)
        kind = self._planned(Op.ROTATE)
        try:
            answer, has_effect = _ROTATE_ANSWERS.get(kind, (None, True)) if kind else (None, True)
            note(kind is not Kind.NEVER_OPENED)
            if has_effect:
                real = effect()
                answer = answer or real
            if kind is Kind.DIES:
                self.dead = True
                raise Died
            if kind in (Kind.TIMEOUT_DONE, Kind.TIMEOUT_LOST):
                self._clock.sleep(SLOW_SECONDS)
            assert answer is not None
            return answer
        finally:
            self._after(Op.ROTATE)


def _store_failed() -> NoReturn:
    raise StoreFailed("AWS failed an operation: InternalServiceError.", remedy="Nothing at first.")


def _no_token(status: int = 503, code: str = "temporarily_unavailable") -> NoReturn:
    raise no_token(status, code)


_TOKEN_FAULTS: Mapping[Kind, Callable[[], NoReturn]] = {
    Kind.UNKNOWN_SECRET: lambda: _no_token(401, "invalid_client"),
    Kind.SETUP_FAULT: lambda: _no_token(400, "invalid_scope"),
}


class Store(Protocol):
    """A SecretStore that also remembers the list of before its last change."""

    def versions(self, secret_id: str) -> Versions: ...

    def stale_versions(self, secret_id: str) -> Versions: ...

    def read(self, secret_id: str, version_id: str) -> Sensitive: ...

    def write(self, secret_id: str, version_id: str, text: Sensitive, label: str) -> None: ...

    def move(self, secret_id: str, label: str, *, to: str | None, away_from: str | None) -> None: ...

    def created_at(self, secret_id: str) -> datetime: ...

    def described(self, secret_id: str) -> Description: ...

    def versions_and_young(self, secret_id: str, since: datetime) -> tuple[Versions, int]: ...


class FaultyStore:
    """The SecretStore port through an injector; in an outage every call fails before its effect."""

    def __init__(
        self, inner: Store, injector: Injector, is_down: Callable[[], bool], is_missing: Callable[[str], bool]
    ) -> None:
        self._up, self._injector, self._is_down, self._is_missing = inner, injector, is_down, is_missing

    @property
    def _inner(self) -> Store:
        if self._is_down():
            _store_failed()
        return self._up

    def versions(self, secret_id: str) -> Versions:
        if self._is_missing(secret_id):
            raise SecretMissing("There is no such secret.", remedy="none")
        return self._injector.call(
            Op.VERSIONS,
            lambda: self._inner.versions(secret_id),
            _store_failed,
            lambda: self._inner.stale_versions(secret_id),
        )

    def read(self, secret_id: str, version_id: str) -> Sensitive:
        return self._injector.call(Op.READ, lambda: self._inner.read(secret_id, version_id), _store_failed)

    def write(self, secret_id: str, version_id: str, text: Sensitive, label: str) -> None:
        return self._injector.call(
            Op.WRITE, lambda: self._inner.write(secret_id, version_id, text, label), _store_failed
        )

    def move(self, secret_id: str, label: str, *, to: str | None, away_from: str | None) -> None:
        return self._injector.call(
            Op.MOVE, lambda: self._inner.move(secret_id, label, to=to, away_from=away_from), _store_failed
        )

    def created_at(self, secret_id: str) -> datetime:
        return self._injector.call(Op.CREATED_AT, lambda: self._inner.created_at(secret_id), _store_failed)

    def described(self, secret_id: str) -> Description:
        return self._injector.call(Op.DESCRIBED, lambda: self._inner.described(secret_id), _store_failed)

    def versions_and_young(self, secret_id: str, since: datetime) -> tuple[Versions, int]:
        return self._injector.call(
            Op.VERSIONS_AND_YOUNG,
            lambda: self._inner.versions_and_young(secret_id, since),
            _store_failed,
            lambda: (self._inner.stale_versions(secret_id), self._inner.versions_and_young(secret_id, since)[1]),
        )


class FaultyAmazon:
    """The Amazon port through an injector.

    ``posted`` is told of each POST and whether it reaches Amazon, before its effect; ``refused`` of each that the
    caller was told to be refused.
    """

    def __init__(
        self,
        inner: Amazon,
        injector: Injector,
        posted: Callable[[Sensitive, bool], None],
        refused: Callable[[Sensitive], None],
    ) -> None:
        self._inner, self._injector, self._posted, self._refused = inner, injector, posted, refused

    def token(self, credentials: Credentials, scope: Scope) -> Sensitive:
        return self._injector.call(
            Op.TOKEN, lambda: self._inner.token(credentials, scope), _no_token, answers=_TOKEN_FAULTS
        )

    def rotate(self, token: Sensitive) -> RotateAnswer:
        answer = self._injector.rotate(lambda: self._inner.rotate(token), lambda reached: self._posted(token, reached))
        if answer.answer is Answer.REFUSED:
            self._refused(token)
        return answer

    def verification_call(self, token: Sensitive) -> CallAnswer:
        return self._injector.call(
            Op.VERIFICATION_CALL, lambda: self._inner.verification_call(token), lambda: CallAnswer.UNAVAILABLE
        )

    def destinations(self, token: Sensitive) -> Destinations:
        return Destinations(self.verification_call(token))


class FaultyQueue:
    """The Queue port through an injector."""

    def __init__(self, inner: Queue, injector: Injector) -> None:
        self._inner, self._injector = inner, injector

    def inspect(self) -> QueueState:
        return self._injector.call(Op.INSPECT, self._inner.inspect, _store_failed)


class FaultyUnclaimed:
    """The UnclaimedQueue port through an injector. ``deleting`` is told of each message before it is deleted."""

    def __init__(self, inner: UnclaimedQueue, injector: Injector, deleting: Callable[[Sensitive], None]) -> None:
        self._inner, self._injector, self._deleting = inner, injector, deleting

    def put(self, body: Sensitive, sent_at: datetime | None) -> None:
        return self._injector.call(Op.PUT, lambda: self._inner.put(body, sent_at), _store_failed)

    def counts(self) -> QueueCounts:
        return self._inner.counts()

    def take(self, limit: int, hidden_seconds: int) -> list[DeadMessage]:
        return self._injector.call(Op.TAKE, lambda: self._inner.take(limit, hidden_seconds), _store_failed)

    def delete(self, message: DeadMessage) -> None:
        self._deleting(message.body)
        return self._injector.call(Op.DELETE, lambda: self._inner.delete(message), _store_failed)


class FaultyAnnouncer:
    """The Announcer port through an injector."""

    def __init__(self, inner: Announcer, injector: Injector) -> None:
        self._inner, self._injector = inner, injector

    def rotated(self, event: RotationEvent) -> None:
        return self._injector.call(Op.ROTATED, lambda: self._inner.rotated(event), _not_published)

    def tell(self, event: Event) -> None:
        return self._injector.call(Op.TELL, lambda: self._inner.tell(event), _not_published)


def _not_published() -> NoReturn:
    raise NotPublished("EventBridge did not take the event.", remedy="Nothing.")
