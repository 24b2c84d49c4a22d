"""The client of the control API: what a test or a demo tells Amazon's stand-in, wherever it runs."""

import time
from datetime import datetime
from typing import TypeVar

import httpx

from sandbox.amazon.control_api import (
    Advance,
    Applications,
    ApplicationView,
    Canaries,
    Deliveries,
    ExpiryNotice,
    Health,
    Journal,
    Judge,
    Judgement,
    Message,
    Misbehave,
    Nothing,
    OneApplication,
    Register,
    Registration,
    RotateByHand,
    SecretView,
    Since,
    Subscribe,
)
from sandbox.amazon.faults import Answer, Fault, Point
from sandbox.amazon.outbox import Delivery, DeliveryFailure, NotificationType, State
from sandbox.amazon.records import Call
from sandbox.amazon.wire import decode, encode

A = TypeVar("A")


class ControlRefused(Exception):
    """The stand-in refused a control call. ``status``: 400, 404, 405, 409 or 415; the text names the field."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class AmazonControl:
    """Tells a running stand-in what to do and asks what it saw. Every method may raise ControlRefused."""

    def __init__(self, base_url: str) -> None:
        """Speak to the stand-in at ``base_url``, by no proxy."""
        self._http = httpx.Client(base_url=base_url, trust_env=False, timeout=30)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _get(self, path: str, answer: type[A]) -> A:
        return self._decoded(self._http.get(f"/_control/{path}"), answer)

    def _post(self, path: str, ask: object, answer: type[A]) -> A:
        return self._decoded(self._http.post(f"/_control/{path}", json=encode(ask)), answer)

    @staticmethod
    def _decoded(response: httpx.Response, answer: type[A]) -> A:
        data = response.json()
        if response.status_code != 200:
            raise ControlRefused(response.status_code, data["error"])
        return decode(answer, data)

    # --- developer and console ---

    def register(
        self,
        client_id: str,
        client_secret: str | None = None,
        issued_at: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> Registration:
        """Make an application known; without a secret one is made and answered. Issued now, for 180 days, if unsaid."""
        ask = Register(client_id, client_secret, issued_at, expires_at)
        return self._post("applications", ask, Registration)

    def subscribe(
        self,
        client_id: str,
        queue_url: str,
        types: tuple[NotificationType, ...] = tuple(NotificationType),
    ) -> None:
        """Register a queue for the application's notifications, as the Developer Console does."""
        self._post("subscriptions", Subscribe(client_id, queue_url, types), Nothing)

    def rotate_by_hand(self, client_id: str, notify: bool = True) -> SecretView:
        """Rotate by the console's button, with or without a message."""
        return self._post("rotate-by-hand", RotateByHand(client_id, notify), SecretView)

    def expire_current(self, client_id: str) -> None:
        """The current secret dies now."""
        self._post("expire-current", OneApplication(client_id), Nothing)

    def expiry_notice(
        self,
        client_id: str,
        secret_number: int | None = None,
        expires_at: datetime | None = None,
        reason: str = "PERIODIC_ROTATION",
    ) -> None:
        """Send an expiry notice, for the newest secret and its true date if unsaid."""
        self._post("expiry-notice", ExpiryNotice(client_id, secret_number, expires_at, reason), Nothing)

    def send_body(self, client_id: str, body: str) -> None:
        """Send any text to the application's queue from Amazon's account, at once."""
        self._post("message", Message(client_id, body), Nothing)

    # --- misbehaviour ---

    def misbehave(self, client_id: str, fault: Fault, times: int | None = 1) -> None:
        """Set a misbehaviour for ``times`` occasions, or until ``behave`` (None)."""
        self._post("misbehave", Misbehave(client_id, fault, times), Nothing)

    def lack_notifications_role(self, client_id: str) -> None:
        """Refuse the application's ``GET destinations`` for good, as for one that lacks the role."""
        self.misbehave(client_id, Answer(at=Point.DESTINATIONS, status=403), times=None)

    def behave(self, client_id: str) -> None:
        """Clear the application's misbehaviours."""
        self._post("behave", OneApplication(client_id), Nothing)

    def advance(self, seconds: float) -> None:
        """Move the stand-in's clock forward."""
        self._post("advance", Advance(seconds), Nothing)

    def reset(self) -> None:
        """Forget everything but the canaries."""
        self._post("reset", Nothing(), Nothing)

    # --- what it saw ---

    def health(self) -> Health:
        """Whether it runs, and its clock."""
        return self._get("health", Health)

    def applications(self) -> tuple[ApplicationView, ...]:
        """All applications, with the dates of their secrets and their misbehaviours."""
        return self._get("applications", Applications).applications

    def judge(self, client_id: str, client_secret: str) -> SecretView | None:
        """What Amazon thinks of a secret; None if it never had it. Not written into the journal."""
        return self._post("judge", Judge(client_id, client_secret), Judgement).secret

    def journal(self, after: int = 0) -> tuple[Call, ...]:
        """The calls seen, after line number ``after``."""
        return self._post("journal", Since(after), Journal).calls

    def deliveries(self) -> tuple[Delivery, ...]:
        """Every message and its state, without bodies."""
        return self._get("deliveries", Deliveries).deliveries

    def delivery_failures(self) -> tuple[DeliveryFailure, ...]:
        """Every refused try of a delivery, with AWS's error code."""
        return self._get("deliveries", Deliveries).failures

    def wait_until_delivered(self, timeout_seconds: float = 30.0) -> tuple[Delivery, ...]:
        """Wait until no message waits any more (held, lost and failed ones do not); returns all messages.

        Raises:
            TimeoutError: some still wait. The stand-in's clock counts: an advance may be needed.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            deliveries = self.deliveries()
            waiting = sum(d.state is State.WAITING for d in deliveries)
            if not waiting:
                return deliveries
            if time.monotonic() > deadline:
                raise TimeoutError(f"{waiting} message(s) still wait to be sent.")
            time.sleep(0.05)

    def canaries(self) -> Canaries:
        """All secrets and tokens that ever existed, for the search that must find them nowhere."""
        return self._post("canaries", Nothing(), Canaries)
