"""Login with Amazon and SP-API over httpx: the one implementation of the protocol with Amazon.

Sources: Amazon's OpenAPI model ``application_2023-11-30.json`` (operation, statuses, headers), its "Rotate your
application's client secret" tutorial (token request, header), "Include a User-Agent header in all requests".
No body, token or header of an answer ever reaches an exception or a log line: only statuses, known codes, the
request id, and a message that was proven to hold nothing of what was sent.
"""

import platform
from collections import deque
from urllib.parse import urlsplit

import httpx

from spapi_rotation_lambda import __version__
from spapi_rotation_lambda.adapters import amazon_answers as answers
from spapi_rotation_lambda.adapters.lwa_refusals import token_not_issued
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import TokenFault
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import Answer, CallAnswer, Destinations, Refusal, RotateAnswer, Scope

ROTATE_PATH = "/applications/2023-11-30/clientSecret"
DESTINATIONS_PATH = "/notifications/v1/destinations"
USER_AGENT = f"spapi-rotation/{__version__} (Language=Python/{platform.python_version()})"

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
_KEPT_IN_HAND = 32
"""Secrets and tokens that were sent last: what an answer to a call may repeat. A rotation sends four at most."""


class AmazonClient:
    """The Amazon port on httpx. No call is ever retried, none follows a redirect."""

    def __init__(self, lwa_endpoint: str, spapi_endpoint: str, client: httpx.Client | None = None) -> None:
        """Make a client.

        Args:
            lwa_endpoint: the token URL.
            spapi_endpoint: SP-API's base URL, without a trailing slash.
            client: an httpx client of the caller's.
        """
        self._lwa, self._spapi = lwa_endpoint, spapi_endpoint
        self._http = client or httpx.Client(timeout=_TIMEOUT, follow_redirects=False, limits=_FRESH_CONNECTIONS)
        self._in_hand: deque[Sensitive] = deque(maxlen=_KEPT_IN_HAND)

    def token(self, credentials: Credentials, scope: Scope) -> Sensitive:
        """Mint a grantless access token (it lives an hour).

        Raises:
            TokenNotIssued: LWA gave none; ``fault`` says what that means.
        """
        self._in_hand.append(credentials.client_secret)
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret.reveal(),
            "scope": scope.value,
        }
        host = _host(self._lwa)
        try:
            response = self._http.post(self._lwa, data=form, headers={"User-Agent": USER_AGENT})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # "from None": the original carries the request, and the request carries the secret.
            kind, detail = answers.transport_failure(error)
            raise token_not_issued(kind, TokenFault.UNAVAILABLE, scope, host=host, detail=detail) from None
        body, status = answers.json_object(response), response.status_code
        if status == 200:
            token = body.get("access_token")
            if isinstance(token, str) and token and token.isascii() and token.isprintable():
                self._in_hand.append(Sensitive(token))
                return Sensitive(token)
            raise token_not_issued("no_token_in_answer", TokenFault.UNAVAILABLE, scope, host=host)
        code = answers.code(body.get("error")) or f"http_{status}"
        raise token_not_issued(code, answers.token_fault(status, code), scope, host=host)

    def rotate(self, token: Sensitive) -> RotateAnswer:
        """Post once and classify the answer by what it says about the effect (REQ-13).

        204 is done. A refusal by status, or a connection that never opened, had no effect. Everything else, such as a
        timeout after sending or a 5xx, leaves it unknown.
        """
        self._in_hand.append(token)
        host = _host(self._spapi)
        try:
            response = self._http.post(self._spapi + ROTATE_PATH, headers=_headers(token))
        except _NEVER_OPENED as error:
            kind, detail = answers.transport_failure(error)
            why = Refusal.TLS if kind in answers.TLS_FAILURES else Refusal.UNREACHABLE
            return RotateAnswer(Answer.REFUSED, status=0, code=kind, refusal=why, message=detail, host=host)
        except httpx.HTTPError as error:
            return RotateAnswer(Answer.UNKNOWN, status=0, code=type(error).__name__, host=host)
        status = response.status_code
        request_id = answers.request_id(response.headers.get("x-amzn-RequestId"))
        wait = answers.wait_seconds(response.headers.get("x-amzn-RateLimit-Limit"))
        if status == 204:
            return RotateAnswer(Answer.DONE, status, host=host, retry_after_seconds=wait, request_id=request_id)
        found = answers.error_list(response)
        refused = answers.is_refusal(status)
        return RotateAnswer(
            Answer.REFUSED if refused else Answer.UNKNOWN,
            status,
            code=found.code,
            refusal=answers.refusal(status, found) if refused else Refusal.OTHER,
            message=answers.shown(found.message, self._in_hand) if status == 400 else "",
            host=host,
            retry_after_seconds=wait,
            request_id=request_id,
        )

    def verification_call(self, token: Sensitive) -> CallAnswer:
        """The verification call, with a grantless token: ``GET /notifications/v1/destinations``."""
        return self.destinations(token).answer

    def destinations(self, token: Sensitive) -> Destinations:
        """The same call, and what its answer tells.

        Source: Amazon's OpenAPI model of the Notifications API v1 (``payload[].resource.sqs.arn``).
        """
        try:
            response = self._http.get(self._spapi + DESTINATIONS_PATH, headers=_headers(token))
        except (httpx.HTTPError, httpx.InvalidURL):
            return Destinations(CallAnswer.UNAVAILABLE)
        at = answers.http_date(response.headers.get("Date"))
        if response.is_success:
            return Destinations(CallAnswer.ACCEPTED, answers.queue_arns(answers.json_object(response)), at)
        return Destinations(answers.call_answer(response), at=at)


def _headers(token: Sensitive) -> dict[str, str]:
    return {"x-amz-access-token": token.reveal(), "User-Agent": USER_AGENT, "Accept": "application/json"}


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
