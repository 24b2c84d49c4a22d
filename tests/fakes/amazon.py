"""Amazon without a network: LWA and SP-API with the documented contract and, where unknown, the worst case.

At most two secrets of an application are alive; a third one kills the oldest at once.
"""

import itertools
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from spapi_rotation_lambda.adapters.amazon_answers import token_fault
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import TokenNotIssued
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Answer, CallAnswer, Destinations, Refusal, RotateAnswer, Scope
from tests.fakes.clock import VirtualClock

LIFETIME = timedelta(days=180)
OVERLAP = timedelta(days=7)


@dataclass
class Issued:
    """A client secret at Amazon."""

    text: str
    issued_at: datetime
    expires_at: datetime
    usable_from: datetime


def no_token(status: int, code: str) -> TokenNotIssued:
    """What the Amazon client makes of an error of LWA's; the real code decides what it means."""
    return TokenNotIssued("refused", remedy="none", code=code, fault=token_fault(status, code))


class Whose(StrEnum):
    """Which secrets an answer is given to."""

    ALL = "all"
    NEWEST = "the newest"
    OLDER = "all but the newest"


@dataclass
class FakeAmazon:
    """The Amazon port of one application, and what a person does in Amazon's console.

    ``answers`` are consumed by the next posts: (answer, whether it rotated all the same). ``call_answer`` is what the
    verification call says to ``call_answer_to``, whatever these secrets deserve. ``lwa_errors`` are LWA's answers
    (status, code) in the place of a token of that scope.
    """

    clock: VirtualClock
    client_id: str
    deliver: Callable[[str], None]
    alive: list[Issued] = field(default_factory=list)
    posts: int = 0
    calls_allowed: bool = True
    usable_after: timedelta = timedelta(0)
    call_answer: CallAnswer | None = None
    call_answer_to: Whose = Whose.ALL
    lwa_errors: dict[Scope, tuple[int, str]] = field(default_factory=dict)
    lose_next: bool = False
    answers: deque[tuple[RotateAnswer, bool]] = field(default_factory=deque)
    token_failures: deque[TokenNotIssued] = field(default_factory=deque)
    held_back: list[str] | None = None
    known_queues: list[str] = field(default_factory=list)
    ahead: timedelta = timedelta(0)
    tells_time: bool = True

    def __post_init__(self) -> None:
        self._serial = itertools.count(1)
        self.ever: list[Issued] = []
        if not self.alive:
            self._make(self.clock.now())

    def _make(self, issued_at: datetime) -> Issued:
        issued = Issued(
            text=f"canary-{self.client_id[-6:]}-{next(self._serial)}",
            issued_at=issued_at,
            expires_at=issued_at + LIFETIME,
            usable_from=issued_at + (self.usable_after if self.ever else timedelta(0)),
        )
        if self.alive:
            self.alive[-1].expires_at = min(self.alive[-1].expires_at, issued_at + OVERLAP)
        self.alive = [*self.alive[-1:], issued]
        self.ever.append(issued)
        return issued

    @property
    def newest(self) -> Issued:
        return self.ever[-1]

    def accepts(self, secret: Sensitive) -> bool:
        now = self.clock.now()
        return any(one.text == secret.reveal() and one.usable_from <= now < one.expires_at for one in self.alive)

    # The port.

    def token(self, credentials: Credentials, scope: Scope) -> Sensitive:
        if self.token_failures:
            raise self.token_failures.popleft()
        if scope in self.lwa_errors:
            raise no_token(*self.lwa_errors[scope])
        known = any(one.text == credentials.client_secret.reveal() for one in self.ever)
        if credentials.client_id != self.client_id or not known:
            raise no_token(401, "invalid_client")
        return Sensitive(json.dumps([credentials.client_secret.reveal(), scope.value]))

    def rotate(self, token: Sensitive) -> RotateAnswer:
        self.posts += 1
        secret, scope = json.loads(token.reveal())
        scripted, rotates = self.answers.popleft() if self.answers else (None, True)
        if scripted is None and (scope != Scope.ROTATION or not self.accepts(Sensitive(secret))):
            return RotateAnswer(Answer.REFUSED, 403, "Unauthorized", Refusal.EXPIRED)
        if rotates:
            self.rotate_by_hand(message=not self.lose_next)
            self.lose_next = False
        return scripted or RotateAnswer(Answer.DONE, 204, request_id="request-1")

    def verification_call(self, token: Sensitive) -> CallAnswer:
        secret, scope = json.loads(token.reveal())
        if self.call_answer is not None and self._is_answered(secret):
            return self.call_answer
        if not self.calls_allowed or scope != Scope.NOTIFICATIONS:
            return CallAnswer.DENIED
        return CallAnswer.ACCEPTED if self.accepts(Sensitive(secret)) else CallAnswer.EXPIRED

    def _is_answered(self, secret: str) -> bool:
        whose = self.call_answer_to
        return whose is Whose.ALL or (secret == self.newest.text) is (whose is Whose.NEWEST)

    def destinations(self, token: Sensitive) -> Destinations:
        answer = self.verification_call(token)
        arns = tuple(self.known_queues) if answer is CallAnswer.ACCEPTED else ()
        at = self.clock.now() + self.ahead if self.tells_time else None
        return Destinations(answer, arns, at)

    # The console.

    def rotate_by_hand(self, *, message: bool = True) -> Issued:
        old, new = self.newest, self._make(self.clock.now())
        if message:
            body = self.message(new, old.expires_at)
            if self.held_back is None:
                self.deliver(body)
            else:
                self.held_back.append(body)
        return new

    def message(self, new: Issued, old_expires_at: datetime, notification_id: str | None = None) -> str:
        return json.dumps(
            {
                "notificationVersion": "1.0",
                "notificationType": "APPLICATION_OAUTH_CLIENT_NEW_SECRET",
                "payloadVersion": "2023-11-30",
                "eventTime": format_time(new.issued_at),
                "payload": {
                    "applicationOAuthClientNewSecret": {
                        "clientId": self.client_id,
                        "newClientSecret": new.text,
                        "newClientSecretExpiryTime": format_time(new.expires_at),
                        "oldClientSecretExpiryTime": format_time(old_expires_at),
                    }
                },
                "notificationMetadata": {"notificationId": notification_id or f"notification-{new.text[-3:]}"},
            }
        )

    def expiry_notice(self, expires_at: datetime) -> str:
        return json.dumps(
            {
                "notificationVersion": "1.0",
                "notificationType": "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
                "payloadVersion": "2023-11-30",
                "eventTime": format_time(self.clock.now()),
                "payload": {
                    "applicationOAuthClientSecretExpiry": {
                        "clientId": self.client_id,
                        "clientSecretExpiryTime": format_time(expires_at),
                        "clientSecretExpiryReason": "PERIODIC_ROTATION",
                    }
                },
                "notificationMetadata": {"notificationId": "notice-1"},
            }
        )
