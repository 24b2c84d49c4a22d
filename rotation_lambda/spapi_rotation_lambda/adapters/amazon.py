"""Login with Amazon and SP-API over httpx: the one implementation of the protocol with Amazon.

Sources: Amazon's OpenAPI model ``application_2023-11-30.json`` (operation, statuses, headers), its "Rotate your
application's client secret" tutorial (token request, header), "Include a User-Agent header in all requests", and
the error bodies quoted in public issues of client libraries. No body, token or header of an answer ever reaches an
exception or a log line: only statuses, known codes and the request id do.
"""

import math
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from spapi_rotation_lambda import __version__
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import TokenNotIssued
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import Answer, CallAnswer, Destinations, RotateAnswer, Scope

ROTATE_PATH = "/applications/2023-11-30/clientSecret"
DESTINATIONS_PATH = "/notifications/v1/destinations"
USER_AGENT = f"spapi-rotation/{__version__} (Language=Python/{platform.python_version()})"

_REFUSING_STATUSES = frozenset({400, 403, 404, 413, 415, 429})
_DEFINITE_LWA_CODES = frozenset(
    {"invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client", "access_denied"}
)
_EXPIRED = "LWA secret token you provided has expired"
# Narrow enough that neither a secret nor a token can pass for a code.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,48}")
_QUEUE_ARN = re.compile(r"arn:aws:sqs:[a-z0-9-]{1,32}:\d{12}:[A-Za-z0-9_.-]{1,80}")
_DEFAULT_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 60.0, 3600.0
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
# A kept connection may be dead after the function was frozen, and a POST lost on it would count as unknown.
_FRESH_CONNECTIONS = httpx.Limits(max_keepalive_connections=0)
_NEVER_OPENED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


class AmazonClient:
    """The Amazon port on httpx. No call is ever retried, none follows a redirect."""

    def __init__(self, lwa_endpoint: str, spapi_endpoint: str, client: httpx.Client | None = None) -> None:
        """Make a client.

        Args:
            lwa_endpoint: the token URL.
            spapi_endpoint: SP-API's base URL, without a trailing slash.
            client: an httpx client of the caller's; it is not closed by us.
        """
        self._lwa, self._spapi = lwa_endpoint, spapi_endpoint
        self._http = client or httpx.Client(timeout=_TIMEOUT, follow_redirects=False, limits=_FRESH_CONNECTIONS)
        self._own = client is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._own:
            self._http.close()

    def token(self, credentials: Credentials, scope: Scope) -> Sensitive:
        """Mint a grantless access token (it lives an hour).

        Raises:
            TokenNotIssued: LWA gave none; ``definite`` says whether the credentials are to blame.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret.reveal(),
            "scope": scope.value,
        }
        try:
            response = self._http.post(self._lwa, data=form, headers={"User-Agent": USER_AGENT})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # "from None": the original carries the request, and the request carries the secret.
            raise _token_not_issued(type(error).__name__, definite=False) from None
        body = _json(response)
        if response.status_code == 200:
            token = body.get("access_token")
            if isinstance(token, str) and token and token.isascii() and token.isprintable():
                return Sensitive(token)
            raise _token_not_issued("no_token_in_answer", definite=False)
        code = _code(body.get("error")) or f"http_{response.status_code}"
        definite = response.status_code in (400, 401, 403) and code in _DEFINITE_LWA_CODES
        raise _token_not_issued(code, definite=definite)

    def rotate(self, token: Sensitive) -> RotateAnswer:
        """Post once and classify the answer by what it says about the effect.

        204 is done. 400, 403, 404, 413, 415, 429, or a connection that never opened, had no effect. Everything
        else, such as a timeout after sending or a 5xx, leaves it unknown.
        """
        try:
            response = self._http.post(
                self._spapi + ROTATE_PATH,
                headers={
                    "x-amz-access-token": token.reveal(),
                    "User-Agent": USER_AGENT,
                    "Accept": "application/json",
                },
            )
        except _NEVER_OPENED as error:
            return RotateAnswer(Answer.REFUSED, status=0, code=type(error).__name__)
        except httpx.HTTPError as error:
            return RotateAnswer(Answer.UNKNOWN, status=0, code=type(error).__name__)
        status = response.status_code
        request_id = _matching(_REQUEST_ID, response.headers.get("x-amzn-RequestId"))
        wait = _wait_seconds(response.headers.get("x-amzn-RateLimit-Limit"))
        if status == 204:
            return RotateAnswer(Answer.DONE, status, retry_after_seconds=wait, request_id=request_id)
        first = _first_error(_json(response))
        return RotateAnswer(
            Answer.REFUSED if status in _REFUSING_STATUSES else Answer.UNKNOWN,
            status,
            code=_code(first.get("code")),
            secret_expired=any(
                _EXPIRED in text for key in ("details", "message") if isinstance(text := first.get(key), str)
            ),
            retry_after_seconds=wait,
            request_id=request_id,
        )

    def verification_call(self, token: Sensitive) -> CallAnswer:
        """The verification call, harmless and grantless: ``GET /notifications/v1/destinations``."""
        return self.destinations(token).answer

    def destinations(self, token: Sensitive) -> Destinations:
        """The same call, and what its answer tells.

        Source: Amazon's OpenAPI model of the Notifications API v1 (``payload[].resource.sqs.arn``).
        """
        try:
            response = self._http.get(
                self._spapi + DESTINATIONS_PATH,
                headers={"x-amz-access-token": token.reveal(), "User-Agent": USER_AGENT, "Accept": "application/json"},
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            return Destinations(CallAnswer.UNCLEAR)
        at = _http_date(response.headers.get("Date"))
        if response.is_success:
            return Destinations(CallAnswer.ACCEPTED, _queue_arns(_json(response)), at)
        denied = response.status_code in (401, 403)
        return Destinations(CallAnswer.DENIED if denied else CallAnswer.UNCLEAR, at=at)


def _token_not_issued(code: str, *, definite: bool) -> TokenNotIssued:
    if definite:
        message, remedy = (
            f"Login with Amazon did not accept the credentials ({code}).",
            "Check client id and secret in the Developer Console. A secret that has expired must be replaced there by "
            "hand and put into the secret.",
        )
    else:
        message, remedy = (
            f"Login with Amazon gave no token ({code}).",
            "Try again; check the LWA endpoint if it goes on.",
        )
    return TokenNotIssued(message, remedy=remedy, code=code, definite=definite)


def _json(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _first_error(body: Mapping[str, Any]) -> Mapping[str, Any]:
    errors = body.get("errors")
    return errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}


def _queue_arns(body: Mapping[str, Any]) -> tuple[str, ...]:
    payload = body.get("payload")
    found: list[str] = []
    for each in payload if isinstance(payload, list) else ():
        resource = each.get("resource") if isinstance(each, dict) else None
        queue = resource.get("sqs") if isinstance(resource, dict) else None
        found.append(_matching(_QUEUE_ARN, queue.get("arn") if isinstance(queue, dict) else None))
    return tuple(arn for arn in found if arn)


def _http_date(header: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def _code(value: object) -> str:
    return _matching(_CODE, value)


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def _wait_seconds(rate: str | None) -> float:
    """Seconds between two requests at a rate (requests a second); 60 without a usable header."""
    try:
        per_second = float(rate) if rate is not None else math.nan
    except ValueError:
        per_second = math.nan
    if not math.isfinite(per_second) or per_second <= 0:
        return _DEFAULT_WAIT_SECONDS
    return float(math.ceil(min(1 / per_second, _LONGEST_WAIT_SECONDS)))
