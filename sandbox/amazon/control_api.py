"""The control API: what the console, a test or a demo tells the stand-in, under ``/_control/``, in JSON.

Every request and answer is a frozen dataclass here; ``control.AmazonControl`` speaks them from the other side. Unknown
paths, methods and fields are refused.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sandbox.amazon.contract import Reply
from sandbox.amazon.faults import Fault
from sandbox.amazon.outbox import Delivery, DeliveryFailure, NotificationType
from sandbox.amazon.records import Application, Call, Conflict, Secret, UnknownApplication
from sandbox.amazon.request import Request
from sandbox.amazon.wire import decode, encode
from sandbox.amazon.world import World

CONTROL = "/_control/"


# --- requests ---


@dataclass(frozen=True, slots=True)
class Register:
    """POST applications. Without a secret the stand-in makes one and answers it."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    issued_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """POST subscriptions."""

    client_id: str
    queue_url: str
    types: tuple[NotificationType, ...] = tuple(NotificationType)


@dataclass(frozen=True, slots=True)
class Misbehave:
    """POST misbehave. ``times`` null: until POST behave."""

    client_id: str
    fault: Fault
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class OneApplication:
    """POST behave, POST expire-current."""

    client_id: str


@dataclass(frozen=True, slots=True)
class RotateByHand:
    """POST rotate-by-hand. ``notify``: whether the message follows."""

    client_id: str
    notify: bool = True


@dataclass(frozen=True, slots=True)
class ExpiryNotice:
    """POST expiry-notice, for the newest secret if no number is given; ``expires_at`` puts another date into it."""

    client_id: str
    secret_number: int | None = None
    expires_at: datetime | None = None
    reason: str = "PERIODIC_ROTATION"


@dataclass(frozen=True, slots=True)
class Message:
    """POST message: any text to the application's queue, from Amazon's account."""

    client_id: str
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Judge:
    """POST judge: what Amazon thinks of a secret."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Advance:
    """POST advance: the clock, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Since:
    """POST journal: lines after this number."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Nothing:
    """The empty object."""


# --- answers ---


@dataclass(frozen=True, slots=True)
class Registration:
    """What a developer gets from registering. ``client_secret`` only if the stand-in made it."""

    client_id: str
    application_id: str
    issued_at: datetime
    expires_at: datetime
    client_secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecretView:
    """A secret, without its value. ``newest``: no later one exists."""

    number: int
    issued_at: datetime
    expires_at: datetime
    alive: bool
    newest: bool
    accepted_by_lwa: bool
    accepted_by_spapi: bool


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One line of the book: how often it struck and may still strike (None: until cleared)."""

    fault: Fault
    used: int
    left: int | None


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application as the console would show it."""

    client_id: str
    application_id: str
    secrets: tuple[SecretView, ...]
    subscribed: tuple[NotificationType, ...]
    misbehaviours: tuple[Misbehaviour, ...]


@dataclass(frozen=True, slots=True)
class Applications:
    """GET applications."""

    applications: tuple[ApplicationView, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What Amazon thinks of a secret; ``secret`` is None if Amazon never had it."""

    secret: SecretView | None


@dataclass(frozen=True, slots=True)
class Journal:
    """The calls that the stand-in saw."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Deliveries:
    """GET deliveries: every message without its body, and every refused try."""

    deliveries: tuple[Delivery, ...]
    failures: tuple[DeliveryFailure, ...]


@dataclass(frozen=True, slots=True)
class Canaries:
    """Everything that must be found nowhere else."""

    secrets: tuple[str, ...] = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Health:
    """GET health. ``now`` is the stand-in's clock."""

    stand_in: str
    now: datetime
    applications: int


R = TypeVar("R")
Action = Callable[[Any], object]


class ControlApi:
    """Routes of the control API onto a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, str], tuple[type[object], Action]] = {
            ("GET", "health"): (Nothing, lambda _: self._health()),
            ("GET", "applications"): (Nothing, lambda _: self._applications()),
            ("GET", "deliveries"): (Nothing, lambda _: self._deliveries()),
            ("POST", "journal"): (Since, lambda ask: Journal(world.journal(ask.after))),
            ("POST", "applications"): (Register, self._register),
            ("POST", "subscriptions"): (
                Subscribe,
                lambda ask: world.subscribe(ask.client_id, ask.queue_url, ask.types),
            ),
            ("POST", "misbehave"): (
                Misbehave,
                lambda ask: world.misbehave(ask.client_id, ask.fault, ask.times),
            ),
            ("POST", "behave"): (OneApplication, lambda ask: world.behave(ask.client_id)),
            ("POST", "rotate-by-hand"): (
                RotateByHand,
                lambda ask: self._view(world.rotate_by_hand(ask.client_id, ask.notify), newest=True),
            ),
            ("POST", "expire-current"): (OneApplication, lambda ask: world.expire_current(ask.client_id)),
            ("POST", "expiry-notice"): (
                ExpiryNotice,
                lambda ask: world.expiry_notice(ask.client_id, ask.secret_number, ask.expires_at, ask.reason),
            ),
            ("POST", "message"): (Message, lambda ask: world.send_body(ask.client_id, ask.body)),
            ("POST", "judge"): (Judge, self._judge),
            ("POST", "advance"): (Advance, lambda ask: world.clock.advance(ask.seconds)),
            ("POST", "canaries"): (Nothing, lambda _: Canaries(*world.canaries())),
            ("POST", "reset"): (Nothing, lambda _: world.reset()),
        }

    def reply(self, request: Request) -> Reply:
        """The answer to a control request: 200, or 400, 404, 405, 409, 415 with ``{"error": ...}``."""
        name = request.path.removeprefix(CONTROL)
        route = self._routes.get((request.method, name))
        if route is None:
            known = any(path == name for _, path in self._routes)
            return _refused(405 if known else 404, "No such control call.")
        if request.query:
            return _refused(400, "Control calls take no query.")
        # A web page can't send this content type to another origin unasked: no stray browser tab controls a sandbox.
        content_type = request.headers.get("content-type", "").split(";")[0].strip()
        if request.method == "POST" and content_type != "application/json":
            return _refused(415, "Control calls are application/json.")
        wanted, action = route
        try:
            data = json.loads(request.body) if request.method == "POST" or request.body else {}
            answer = action(decode(wanted, data))
        except UnknownApplication as error:
            return _refused(404, str(error))
        except Conflict as error:
            return _refused(409, str(error))
        except json.JSONDecodeError:
            return _refused(400, "The body is not JSON.")
        except ValueError as error:
            return _refused(400, str(error))
        return _answered(200, encode(answer if answer is not None else Nothing()))

    def _register(self, ask: Register) -> Registration:
        application = self._world.register(ask.client_id, ask.client_secret, ask.issued_at, ask.expires_at)
        first = application.current
        made = first.value if ask.client_secret is None else None
        return Registration(application.client_id, application.application_id, first.issued_at, first.expires_at, made)

    def _judge(self, ask: Judge) -> Judgement:
        with self._world.lock:
            application = self._world.application(ask.client_id)
            secret = self._world.find_secret(ask.client_id, ask.client_secret)
            return Judgement(self._view(secret, secret is application.current) if secret else None)

    def _applications(self) -> Applications:
        with self._world.lock:
            return Applications(tuple(self._application(a) for a in self._world.applications()))

    def _application(self, application: Application) -> ApplicationView:
        return ApplicationView(
            application.client_id,
            application.application_id,
            tuple(self._view(s, s is application.current) for s in application.secrets),
            tuple(application.subscriptions),
            tuple(Misbehaviour(e.fault, e.used, e.left) for e in application.faults.entries),
        )

    def _view(self, secret: Secret, newest: bool) -> SecretView:
        now = self._world.clock.now()
        alive = secret.alive(now)
        return SecretView(
            number=secret.number,
            issued_at=secret.issued_at,
            expires_at=secret.expires_at,
            alive=alive,
            newest=newest,
            # LWA is reported to issue tokens for dead secrets, so this is no proof of life.
            accepted_by_lwa=now >= secret.lwa_from,
            accepted_by_spapi=alive and now >= secret.spapi_from,
        )

    def _deliveries(self) -> Deliveries:
        with self._world.lock:
            return Deliveries(self._world.outbox.deliveries(), self._world.outbox.failures())

    def _health(self) -> Health:
        return Health(
            "Stand-in for Login with Amazon and SP-API",
            self._world.clock.now(),
            len(self._world.applications()),
        )


def _refused(status: int, text: str) -> Reply:
    return _answered(status, {"error": text})


def _answered(status: int, data: object) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(data).encode())
