"""The documented contract of LWA and SP-API: a request in, a reply out, and the misbehaviours in between.

Sources: the API model ``application_2023-11-30.json`` (statuses, headers, ``ErrorList``, the texts of 400);
"Rotate your application's client secret" (token form, header); "Include a User-Agent header in all requests";
selling-partner-api-models#4489 and pipedream#19400 (the texts of 403); the model ``notifications.json`` and
selling-partner-api-models#2113 (createDestination and its 409). Codes without a source are named for their status.

Whatever is not documented is refused, except what published clients send and Amazon takes: python-amazon-sp-api,
Amazon's own SDK, amazon-sp-api of Node.js, the PHP and Ruby ones. They add a JSON body, a query and a User-Agent of
their own form to every call.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sandbox.amazon.faults import Answer, Body, Close, CutShort, Hang, Point, RateHeader, Slow, Strike, When
from sandbox.amazon.outbox import fresh_id
from sandbox.amazon.records import (
    Application,
    Conflict,
    Destination,
    InvalidClient,
    NotEnrolled,
    QuotaExceeded,
    Scope,
    Unauthorized,
    UnknownApplication,
)
from sandbox.amazon.request import BodyState, Request
from sandbox.amazon.token_request import Malformed, token_form
from sandbox.amazon.wire import described
from sandbox.amazon.world import World

TOKEN_PATH = "/auth/o2/token"  # noqa: S105
ROTATE_PATH = "/applications/2023-11-30/clientSecret"
DESTINATIONS_PATH = "/notifications/v1/destinations"

MAX_BODY_BYTES = 65_536
MAX_USER_AGENT = 500

NOT_ENROLLED = (
    "Application is not enrolled for rotation notification. "
    "Please update application notification preference in Developer console."
)
DENIED = "Access to requested resource is denied."
SECRET_EXPIRED = "The LWA secret token you provided has expired."  # noqa: S105

# A backslash quotes itself, "/" in the name, "(" in the version, "=" in an attribute's name, ")" and ";" in its value.
_USER_AGENT = re.compile(
    r"(?:[^\\/]|\\.)+/(?:[^\\(]|\\.)+ \((?P<attributes>(?! )(?:[^\\=;)]|\\.)+=(?:[^\\;)]|\\.)+"
    r"(?:; ?(?! )(?:[^\\=;)]|\\.)+=(?:[^\\;)]|\\.)+)*)\)"
)

_SPAPI_ERRORS = {
    400: ("InvalidInput", NOT_ENROLLED),
    401: ("Unauthorized", DENIED),
    403: ("Unauthorized", DENIED),
    404: ("NotFound", "The resource specified does not exist."),
    413: ("RequestEntityTooLarge", "The request size exceeded the maximum accepted size."),
    415: ("UnsupportedMediaType", "The request payload is in an unsupported format."),
    409: ("Conflict", "The requested resource conflict with a resource in the server."),
    429: ("QuotaExceeded", "You exceeded your quota for the requested resource."),
    500: ("InternalFailure", "We encountered an internal error. Please try again."),
    503: ("ServiceUnavailable", "Temporary overloading or maintenance of the server."),
}
_LWA_ERRORS = {
    400: ("invalid_request", "The request is not valid"),
    401: ("invalid_client", "Client authentication failed"),
    403: ("access_denied", "Access is denied"),
    500: ("server_error", "The server had an error"),
    503: ("temporarily_unavailable", "The server is temporarily unavailable"),
}
# The model declares the rate header for these statuses only.
_RATE_STATUSES = (200, 204, 400, 404)


class Ending(StrEnum):
    """What becomes of the connection."""

    WHOLE = "whole"
    CUT = "cut"
    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server sends, or how it fails to. ``status`` None: nothing is sent."""

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    ending: Ending = Ending.WHOLE
    hang_seconds: float = 0.0


@dataclass(slots=True)
class _Seen:
    """What the journal will tell of a call."""

    client_id: str | None = None
    scope: str | None = None
    secret_number: int | None = None
    notes: list[str] = field(default_factory=list)


class Contract:
    """Answers the calls of applications and writes each into the journal before the answer leaves."""

    def __init__(self, world: World, pause: Callable[[float], object]) -> None:
        """Serve ``world``; ``pause`` waits for seconds of real time (and returns early when the server stops)."""
        self._world = world
        self._pause = pause

    def reply(self, request: Request) -> Reply:
        """The reply to a call of LWA or SP-API."""
        seen = _Seen()
        handlers = {TOKEN_PATH: self._token, ROTATE_PATH: self._rotate, DESTINATIONS_PATH: self._destinations}
        # Amazon's documentation writes the token's path both ways.
        handler = handlers.get(request.path.replace("/auth/O2/", "/auth/o2/"))
        reply = handler(request, seen) if handler else self._error(404)
        self._world.note_call(
            request.method,
            # Neither a mistaken path nor a query may bring a secret into the journal.
            request.path if handler else "(unknown path)",
            reply.status,
            seen.client_id,
            seen.scope,
            seen.secret_number,
            ", ".join(seen.notes),
        )
        return reply

    # --- LWA ---

    def _token(self, request: Request, seen: _Seen) -> Reply:
        try:
            form = token_form(request)
            application = self._world.application(form["client_id"])
        except Malformed as malformed:
            return _lwa_error(400, malformed.code, malformed.description)
        except UnknownApplication:
            return _lwa_error(401)
        scope = Scope(form["scope"]) if form["scope"] in list(Scope) else None
        secret = self._world.find_secret(form["client_id"], form["client_secret"])
        seen.client_id, seen.scope = application.client_id, scope or "(unknown scope)"
        seen.secret_number = secret.number if secret else None
        if struck := self._struck(application, Point.TOKEN, When.BEFORE, seen, form["client_secret"]):
            return struck
        try:
            accepted = self._world.authenticate(form["client_id"], form["client_secret"])
        except InvalidClient:
            return _lwa_error(401)
        if scope is None:
            return _lwa_error(400, "invalid_scope", "The requested scope is invalid")
        token = self._world.issue_token(application, accepted, scope)
        answer = {"access_token": token, "token_type": "bearer", "expires_in": 3600}
        return self._cut(application, Point.TOKEN, seen, _json(200, answer, _LWA_HEADERS))

    # --- SP-API ---

    def _rotate(self, request: Request, seen: _Seen) -> Reply:
        application = self._admit(request, ("POST",), Scope.ROTATION, seen)
        if isinstance(application, Reply):
            return application
        try:
            self._world.count_rotate_call(application)
        except QuotaExceeded:
            return self._rate_header(application, self._error(429), seen)
        reply = self._struck(application, Point.ROTATE, When.BEFORE, seen, _access_token(request))
        if reply is None:
            try:
                new = self._world.rotate(application)
            except NotEnrolled:
                reply = self._error(400)
            else:
                seen.notes.append(f"rotated: secret {new.number}")
                reply = self._struck(application, Point.ROTATE, When.AFTER, seen, _access_token(request))
                reply = reply or self._cut(application, Point.ROTATE, seen, self._spapi(204, b""))
        return self._rate_header(application, reply, seen)

    def _destinations(self, request: Request, seen: _Seen) -> Reply:
        application = self._admit(request, ("GET", "POST"), Scope.NOTIFICATIONS, seen)
        if isinstance(application, Reply):
            return application
        if request.method == "POST":
            return self._create_destination(application, request, seen)
        if struck := self._struck(application, Point.DESTINATIONS, When.BEFORE, seen, _access_token(request)):
            return struck
        found = [_shown(destination) for destination in application.destinations]
        reply = self._spapi(200, json.dumps({"payload": found}).encode(), rate="1.0")
        return self._cut(application, Point.DESTINATIONS, seen, reply)

    def _create_destination(self, application: Application, request: Request, seen: _Seen) -> Reply:
        """A queue as a destination, which is no subscription. One for EventBridge is refused: nothing here needs it."""
        wanted = json.loads(request.body or b"{}")
        try:
            name, arn = wanted["name"], wanted["resourceSpecification"]["sqs"]["arn"]
            destination = self._world.add_destination(application, name, arn)
        except (KeyError, TypeError, ValueError):
            return self._error(400, "Invalid Input", "")
        except Conflict:
            return self._error(
                409,
                details=f"A destination with arn {arn} already exists for the application {application.application_id}",
            )
        seen.notes.append("created a destination")
        return self._spapi(200, json.dumps({"payload": _shown(destination)}).encode(), rate="1.0")

    def _admit(self, request: Request, methods: tuple[str, ...], scope: Scope, seen: _Seen) -> Application | Reply:
        """The caller's application, or the refusal. The shape of the request comes first."""
        behind = self._world.behind(_access_token(request))
        if behind:
            seen.client_id, seen.scope = behind.application.client_id, behind.scope.value
            seen.secret_number = behind.secret.number
        if request.method not in methods:
            return self._error(404)
        if request.body_state is BodyState.TOO_LARGE:
            return self._error(413)
        if request.headers.get("content-type", "application/json").split(";")[0].strip() != "application/json":
            return self._error(415)
        if request.body_state is BodyState.UNREADABLE or not _is_json(request.body or b"{}"):
            return self._error(400, "The body is not JSON.")
        user_agent = request.headers.get("user-agent", "")
        if not 0 < len(user_agent) <= MAX_USER_AGENT:
            return self._error(400, "The User-Agent header is missing or too long.")
        seen.notes += _beside_the_contract(request, methods)
        try:
            return self._world.authorize(_access_token(request), scope)
        except Unauthorized as refusal:
            return self._error(403, details=SECRET_EXPIRED if refusal.expired else "")

    def _error(self, status: int, message: str | None = None, details: str | None = None, *, code: str = "") -> Reply:
        """An ``ErrorList`` as the model prescribes it."""
        usual_code, usual = _SPAPI_ERRORS.get(status, (f"Status{status}", "A status outside the model."))
        error = {"code": code or usual_code, "message": message or usual}
        if details is not None or status in (401, 403):
            error["details"] = details or ""
        return self._spapi(status, json.dumps({"errors": [error]}).encode())

    def _spapi(self, status: int, body: bytes, rate: str | None = None) -> Reply:
        headers = {"x-amzn-RequestId": fresh_id()}
        if status in _RATE_STATUSES:
            headers["x-amzn-RateLimit-Limit"] = rate or f"{round(1 / self._world.settings.rate_period_seconds, 4)}"
        if status not in (204, 304):
            headers["Content-Type"] = "application/json"
        return Reply(status, headers, body)

    # --- misbehaviour ---

    def _struck(self, application: Application, at: Point, when: When, seen: _Seen, credential: str) -> Reply | None:
        """The reply that a misbehaviour puts in the place of the right one, if any."""
        book = application.faults
        with self._world.lock:
            slow = book.take(Slow, lambda fault: fault.at is at) if when is When.BEFORE else None
        if slow:
            seen.notes.append(described(slow))
            self._pause(slow.seconds)
        with self._world.lock:
            strike = book.strike(at, when)
        if strike is None:
            return None
        seen.notes.append(described(strike))
        return self._strike_reply(strike, credential)

    def _strike_reply(self, strike: Strike, credential: str) -> Reply:
        if isinstance(strike, Hang):
            return Reply(None, ending=Ending.HANG, hang_seconds=strike.seconds)
        if isinstance(strike, Close):
            return Reply(None, ending=Ending.RESET if strike.reset else Ending.CLOSE)
        if not isinstance(strike, Answer):
            raise TypeError(type(strike).__name__)
        if strike.at is Point.TOKEN:
            right = _lwa_error(strike.status, strike.code or None)
            echo: dict[str, Any] = {"error": "other", "error_description": f"Not accepted: {credential}"}
        else:
            right = self._error(strike.status, strike.message or None, code=strike.code)
            echo = {"errors": [{"code": "Echo", "message": "Not accepted.", "details": credential}]}
        bodies = {
            Body.MODEL: right.body,
            Body.MALFORMED: right.body[: len(right.body) // 2],
            Body.WRONG_SHAPE: b'["unexpected", 1]',
            Body.EMPTY: b"",
            Body.ECHO: json.dumps(echo).encode(),
            Body.ECHO_IN_MESSAGE: self._error(strike.status, f"Not accepted: {credential}").body,
            Body.EXPIRED: self._error(strike.status, details=SECRET_EXPIRED).body,
            Body.HTML: b"<html><head><title>400 Bad Request</title></head><body>Bad Request</body></html>",
        }
        without_body = strike.status in (204, 304)
        headers = dict(right.headers)
        if strike.body is Body.HTML:
            headers = {"Content-Type": "text/html"}
        if 300 <= strike.status <= 399:
            headers["Location"] = "/elsewhere"
        return Reply(strike.status, headers, b"" if without_body else bodies[strike.body])

    def _cut(self, application: Application, at: Point, seen: _Seen, reply: Reply) -> Reply:
        with self._world.lock:
            cut = application.faults.take(CutShort, lambda fault: fault.at is at)
        if cut is None:
            return reply
        seen.notes.append(described(cut))
        return replace(reply, ending=Ending.CUT)

    def _rate_header(self, application: Application, reply: Reply, seen: _Seen) -> Reply:
        if reply.status is None:
            return reply
        with self._world.lock:
            fault = application.faults.take(RateHeader)
        if fault is None:
            return reply
        seen.notes.append(described(fault))
        return replace(reply, headers=dict(reply.headers) | {"x-amzn-RateLimit-Limit": fault.value})


def documented_user_agent(text: str) -> bool:
    """Whether it is ``AppId/AppVersionId (Language=...; Name=Value)`` in at most 500 characters."""
    match = _USER_AGENT.fullmatch(text) if len(text) <= MAX_USER_AGENT else None
    attributes = re.split(r"(?<!\\); ?", match["attributes"]) if match else []
    return any(attribute.startswith("Language=") for attribute in attributes)


def _beside_the_contract(request: Request, methods: tuple[str, ...]) -> list[str]:
    """What a call brings that is documented nowhere, for the journal: our own function's calls bring nothing."""
    brought = {
        "a body": bool(request.body) and not (request.method == "POST" and "GET" in methods),
        "parameters": bool(request.query),
        "a User-Agent of another form": not documented_user_agent(request.headers.get("user-agent", "")),
    }
    return [f"undocumented: {what}" for what, is_there in brought.items() if is_there]


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def _shown(destination: Destination) -> dict[str, Any]:
    resource = {"sqs": {"arn": destination.arn}, "eventBridge": None}
    return {"destinationId": destination.destination_id, "name": destination.name, "resource": resource}


_LWA_HEADERS = {"Content-Type": "application/json;charset=UTF-8", "Cache-Control": "no-store"}


def _lwa_error(status: int, code: str | None = None, description: str | None = None) -> Reply:
    usual = _LWA_ERRORS.get(status, ("other", "A status outside the contract"))
    return _json(status, {"error_description": description or usual[1], "error": code or usual[0]}, _LWA_HEADERS)


def _json(status: int, data: object, headers: Mapping[str, str]) -> Reply:
    return Reply(status, dict(headers), json.dumps(data).encode())


def _access_token(request: Request) -> str:
    return request.headers.get("x-amz-access-token", "")
