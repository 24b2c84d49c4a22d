"""Amazon's side as a state machine: applications, their secrets, tokens, the minute's limit, the journal and the clock.

No HTTP and no AWS here. Where Amazon's behaviour is unknown, the worst case for the caller is taken: at most two
secrets are alive, and a token dies with the secret that it was bought with.
"""

import hmac
import re
import secrets
import threading
from datetime import datetime, timedelta

from sandbox.amazon.faults import AcceptLate, Fault, FaultBook, RefuseDeadAtLwa
from sandbox.amazon.outbox import (
    Notification,
    NotificationType,
    Outbox,
    envelope,
    fresh_id,
    new_secret_payload,
    secret_expiry_payload,
)
from sandbox.amazon.records import (
    CLIENT_ID_HEAD,
    MAX_ALIVE,
    OVERLAP,
    SECRET_LIFE,
    TOKEN_LIFE,
    Application,
    Call,
    Clock,
    Conflict,
    Destination,
    InvalidClient,
    NotEnrolled,
    QuotaExceeded,
    Scope,
    Secret,
    Subscription,
    Token,
    Unauthorized,
    UnknownApplication,
    WorldSettings,
)

MAX_DESTINATION_NAME = 256
MAX_QUEUE_ARN = 1000
QUEUE_ARN = re.compile(r"arn:aws:sqs:\S+:\S+:\S+")
"""Source of the three: the model ``notifications.json``."""


class World:
    """Everything that Amazon knows. Every method may be called from any thread."""

    def __init__(self, settings: WorldSettings | None = None, clock: Clock | None = None) -> None:
        self.settings = settings or WorldSettings()
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.outbox = Outbox(self.settings.retry_seconds)
        self._applications: dict[str, Application] = {}
        self._tokens: dict[str, Token] = {}
        self._journal: list[Call] = []
        # Kept over a reset: what ever existed must be found if it leaked.
        self._ever_secrets: list[str] = []
        self._ever_tokens: list[str] = []

    # --- what the developer and the console do ---

    def register(
        self,
        client_id: str,
        secret: str | None = None,
        issued_at: datetime | None = None,
        expires_at: datetime | None = None,
    ) -> Application:
        """Make an application known, with its first secret (a new one if None).

        Raises:
            ValueError: the client id has not Amazon's shape, or the secret is empty.
            Conflict: the client id is registered already.
        """
        if not client_id.startswith(CLIENT_ID_HEAD) or not client_id[len(CLIENT_ID_HEAD) :].isalnum():
            raise ValueError(f"client_id must be {CLIENT_ID_HEAD} followed by letters and digits.")
        if secret is not None and (not secret or not secret.isprintable()):
            raise ValueError("client_secret must be printable and not empty.")
        with self.lock:
            if client_id in self._applications:
                raise Conflict("This client id is registered already.")
            issued = issued_at or self.clock.now()
            value = secret or _new_secret()
            first = Secret(1, value, issued, expires_at or issued + SECRET_LIFE, issued, issued)
            self._ever_secrets.append(value)
            application = Application(client_id, f"amzn1.sp.solution.{secrets.token_hex(14)}", [first])
            self._applications[client_id] = application
            return application

    def subscribe(self, client_id: str, queue_url: str, kinds: tuple[NotificationType, ...]) -> None:
        """What the Developer Console's "Notification Preferences" page does, for these types.

        Raises:
            ValueError: no type, no http(s) URL, or a FIFO queue ("Select the Standard queue").
        """
        if not kinds:
            raise ValueError("Name at least one notification type.")
        if not queue_url.startswith(("http://", "https://")):
            raise ValueError("queue_url must be the queue's URL.")
        if queue_url.endswith(".fifo"):
            raise ValueError("The queue must be a standard queue, not FIFO.")
        with self.lock:
            application = self.application(client_id)
            for kind in kinds:
                application.subscriptions[kind] = Subscription(queue_url, fresh_id())

    def rotate_by_hand(self, client_id: str, notify: bool) -> Secret:
        """A new secret by the console's button. Whether a message follows is unknown: the caller says.

        Raises:
            Conflict: a message is asked for, but no queue is registered.
        """
        with self.lock:
            application = self.application(client_id)
            if notify and NotificationType.NEW_SECRET not in application.subscriptions:
                raise Conflict("No queue is registered for new secrets.")
            return self._rotate(application, notify)

    def expire_current(self, client_id: str) -> None:
        """The current secret dies now."""
        with self.lock:
            self.application(client_id).current.expires_at = self.clock.now()

    def expiry_notice(
        self, client_id: str, secret_number: int | None, expires_at: datetime | None, reason: str
    ) -> None:
        """Send an expiry notice for a secret (the newest if None), or with a date of its own.

        Raises:
            ValueError: there is no secret of that number.
            Conflict: no queue is registered for expiry notices.
        """
        with self.lock:
            application = self.application(client_id)
            number = len(application.secrets) if secret_number is None else secret_number
            if not 1 <= number <= len(application.secrets):
                raise ValueError("The application has no secret of that number.")
            expires = expires_at or application.secrets[number - 1].expires_at
            if NotificationType.SECRET_EXPIRY not in application.subscriptions:
                raise Conflict("No queue is registered for expiry notices.")
            payload = secret_expiry_payload(client_id, expires, reason)
            self._notify(application, NotificationType.SECRET_EXPIRY, payload)

    def send_body(self, client_id: str, body: str) -> None:
        """Send any text to the application's queue as Amazon: a poison message, another casing, a stranger's id.

        Raises:
            Conflict: no queue is registered for new secrets.
        """
        with self.lock:
            application = self.application(client_id)
            queue = application.subscriptions.get(NotificationType.NEW_SECRET)
            if queue is None:
                raise Conflict("No queue is registered for new secrets.")
            told = Notification("(free text)", client_id, fresh_id(), queue.queue_url, body)
            self.outbox.post(told, self.clock.now(), FaultBook())

    def misbehave(self, client_id: str, fault: Fault, times: int | None) -> None:
        """Set a misbehaviour for the application; ``times`` None means until ``behave``."""
        with self.lock:
            self.application(client_id).faults.add(fault, times)

    def behave(self, client_id: str) -> None:
        """Clear the application's misbehaviours. Secrets made late by one stay late."""
        with self.lock:
            self.application(client_id).faults.clear()

    # --- what the application's calls do ---

    def authenticate(self, client_id: str, client_secret: str) -> Secret:
        """LWA's check of the credentials. A dead secret passes, unless told otherwise (reported behaviour).

        Raises:
            InvalidClient: unknown client id or secret, refused dead secret, or one that LWA accepts only later.
        """
        with self.lock:
            secret, now = self.find_secret(client_id, client_secret), self.clock.now()
            if secret is None or now < secret.lwa_from:
                raise InvalidClient
            if not secret.alive(now):
                refuse = self.application(client_id).faults.take(RefuseDeadAtLwa)
                if refuse is not None:
                    raise InvalidClient
            return secret

    def issue_token(self, application: Application, secret: Secret, scope: Scope) -> str:
        """LWA's token for these credentials, for one hour."""
        with self.lock:
            token = f"Atc|stand-in-{secrets.token_hex(32)}"
            self._tokens[token] = Token(application, secret, scope, self.clock.now() + TOKEN_LIFE)
            self._ever_tokens.append(token)
            return token

    def find_secret(self, client_id: str, client_secret: str) -> Secret | None:
        """The secret of this value, dead or alive, if Amazon ever had it."""
        with self.lock:
            application = self._applications.get(client_id)
            for secret in application.secrets if application else ():
                if hmac.compare_digest(secret.value.encode(), client_secret.encode()):
                    return secret
            return None

    def behind(self, token: str) -> Token | None:
        """What stands behind a token, valid or not: for the journal."""
        return self._tokens.get(token)

    def authorize(self, token: str, scope: Scope) -> Application:
        """SP-API's check of an access token.

        Raises:
            Unauthorized: unknown, expired or of another scope; or its secret is dead, or not accepted yet.
        """
        with self.lock:
            now = self.clock.now()
            behind = self._tokens.get(token)
            if behind is None or behind.scope is not scope or now >= behind.expires_at:
                raise Unauthorized
            if not behind.secret.alive(now) or now < behind.secret.spapi_from:
                raise Unauthorized(expired=True)
            return behind.application

    def count_rotate_call(self, application: Application) -> None:
        """Take the application's one token of the minute (0.0167 a second, burst 1).

        Raises:
            QuotaExceeded: it has been taken already.
        """
        with self.lock:
            now, last = self.clock.now(), application.last_rotate_call
            if last is not None and (now - last).total_seconds() < self.settings.rate_period_seconds:
                raise QuotaExceeded
            application.last_rotate_call = now

    def rotate(self, application: Application) -> Secret:
        """The rotate operation: a new secret, which leaves only by the message.

        Raises:
            NotEnrolled: no queue is registered for new secrets.
        """
        with self.lock:
            if NotificationType.NEW_SECRET not in application.subscriptions:
                raise NotEnrolled
            return self._rotate(application, notify=True)

    def add_destination(self, application: Application, name: str, arn: str) -> Destination:
        """What createDestination does. Whether Amazon looks at the queue then is unknown: it is not looked at.

        Raises:
            ValueError: the name or the ARN is not of the model's form.
            Conflict: the application has a destination of this ARN.
        """
        if not (isinstance(name, str) and len(name) <= MAX_DESTINATION_NAME and isinstance(arn, str)):
            raise ValueError("name and arn must be texts.")
        if len(arn) > MAX_QUEUE_ARN or not QUEUE_ARN.match(arn):
            raise ValueError("arn must be a queue's ARN.")
        with self.lock:
            if any(each.arn == arn for each in application.destinations):
                raise Conflict("There is a destination of this ARN.")
            made = Destination(fresh_id(), name, arn)
            application.destinations.append(made)
            return made

    def _rotate(self, application: Application, notify: bool) -> Secret:
        now = self.clock.now()
        old = application.current
        late = application.faults.take(AcceptLate) or AcceptLate()
        new = Secret(
            number=old.number + 1,
            value=_new_secret(),
            issued_at=now,
            expires_at=now + SECRET_LIFE,
            lwa_from=now + timedelta(seconds=late.lwa_seconds),
            spapi_from=now + timedelta(seconds=late.spapi_seconds),
        )
        self._ever_secrets.append(new.value)
        old.expires_at = min(old.expires_at, now + OVERLAP)
        application.secrets.append(new)
        for surplus in [s for s in application.secrets if s.alive(now)][:-MAX_ALIVE]:
            surplus.expires_at = now
        if notify:
            payload = new_secret_payload(application.client_id, new.value, new.expires_at, old.expires_at)
            self._notify(application, NotificationType.NEW_SECRET, payload)
        return new

    def _notify(self, application: Application, kind: NotificationType, payload: dict[str, object]) -> None:
        subscription = application.subscriptions[kind]
        now, number = self.clock.now(), fresh_id()
        due = now + timedelta(seconds=self.settings.delivery_seconds)
        body = envelope(
            kind,
            payload,
            application_id=application.application_id,
            subscription_id=subscription.subscription_id,
            notification_id=number,
            event=now,
            published=due,
        )
        told = Notification(kind.value, application.client_id, number, subscription.queue_url, body)
        self.outbox.post(told, due, application.faults)

    # --- what tests and demos ask ---

    def application(self, client_id: str) -> Application:
        """The application of this client id.

        Raises:
            UnknownApplication: it is not registered.
        """
        try:
            return self._applications[client_id]
        except KeyError:
            raise UnknownApplication("No application of this client id is registered.") from None

    def applications(self) -> tuple[Application, ...]:
        """All applications, in the order of registration."""
        return tuple(self._applications.values())

    def note_call(
        self,
        method: str,
        path: str,
        status: int | None,
        client_id: str | None = None,
        scope: str | None = None,
        secret_number: int | None = None,
        note: str = "",
    ) -> None:
        """Write a line of the journal."""
        with self.lock:
            self._journal.append(
                Call(
                    len(self._journal) + 1,
                    self.clock.now(),
                    method,
                    path,
                    status,
                    client_id,
                    scope,
                    secret_number,
                    note,
                )
            )

    def journal(self, after: int = 0) -> tuple[Call, ...]:
        """The calls seen, from number ``after`` + 1 on."""
        return tuple(self._journal[after:])

    def canaries(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """All secrets and all tokens that ever existed: what must be found nowhere else."""
        return tuple(self._ever_secrets), tuple(self._ever_tokens)

    def reset(self) -> None:
        """An empty world on the base clock. The canaries stay."""
        with self.lock:
            self._applications.clear()
            self._tokens.clear()
            self._journal.clear()
            self.outbox.clear()
            self.clock.reset()


def _new_secret() -> str:
    """A secret of Amazon's shape, made at run time."""
    return f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}"
