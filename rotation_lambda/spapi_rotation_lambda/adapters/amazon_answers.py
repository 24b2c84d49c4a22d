"""What Amazon's answers say: bodies, codes, statuses and failures of the transport, and what of them may be shown.

Sources: Amazon's OpenAPI model ``application_2023-11-30.json`` (``ErrorList``, its text for 400), the error bodies
quoted in public issues of client libraries (selling-partner-api-models#4489 for an expired secret, #2590 and #4297 for
HTML from a filter before the API), and ``LwaExceptionErrorCode.py`` of Amazon's own Python client.
"""

import math
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from spapi_rotation_lambda.domain.errors import TokenFault
from spapi_rotation_lambda.domain.redaction import Sensitive, mentions
from spapi_rotation_lambda.ports import CallAnswer, Refusal

CERTIFICATE_REFUSED, TLS_FAILED = "CertificateRefused", "TlsFailed"
TLS_FAILURES = (CERTIFICATE_REFUSED, TLS_FAILED)

_MAY_HAVE_HAD_AN_EFFECT = frozenset({303, 408, 409, 425, 499})
"""303 answers what was done. A gateway gives the others for a request that may have reached the API."""

_EXPIRED = "lwa secret token you provided has expired"
# The text has changed before (2024-08-14), so any part of it that names the cause will do.
_NOT_ENROLLED = ("not enrolled", "notification preference")

# Narrow enough that neither a secret nor a token can pass for a code.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,48}")
_QUEUE_ARN = re.compile(r"arn:aws:sqs:[a-z0-9-]{1,32}:\d{12}:[A-Za-z0-9_.-]{1,80}")
_LONGEST_MESSAGE = 200
_DEFAULT_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class ErrorList:
    """SP-API's error answer.

    Attributes:
        is_the_apis: False when the body is not of the model's form, such as a filter's HTML.
        code: of the first error; empty if it could be anything else.
        message: of the first error, as Amazon wrote it. It may repeat what was sent: show it by ``shown`` only.
        expired: whether any error says that the client secret has expired.
        not_enrolled: whether any error says that the application is not enrolled for rotation notifications.
    """

    is_the_apis: bool = False
    code: str = ""
    message: str = field(default="", repr=False)
    expired: bool = False
    not_enrolled: bool = False


def error_list(response: httpx.Response) -> ErrorList:
    """Read an error answer of SP-API."""
    found = json_object(response).get("errors")
    errors = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    if not errors:
        return ErrorList()
    texts = [
        text.casefold() for each in errors for key in ("message", "details") if isinstance(text := each.get(key), str)
    ]
    message = errors[0].get("message")
    return ErrorList(
        is_the_apis=True,
        code=code(errors[0].get("code")),
        message=message if isinstance(message, str) else "",
        expired=any(_EXPIRED in text for text in texts),
        not_enrolled=any(words in text for text in texts for words in _NOT_ENROLLED),
    )


def is_refusal(status: int) -> bool:
    """Whether a status of the rotate call says that it certainly had no effect."""
    return 300 <= status < 500 and status not in _MAY_HAVE_HAD_AN_EFFECT


def refusal(status: int, found: ErrorList) -> Refusal:
    """Why the rotate call was refused."""
    if status == 429:
        return Refusal.THROTTLED
    if not found.is_the_apis:
        return Refusal.NOT_THE_API
    if status in (401, 403):
        return Refusal.EXPIRED if found.expired else Refusal.DENIED
    if status == 400:
        return Refusal.NOT_ENROLLED if found.not_enrolled else Refusal.INVALID
    return Refusal.OTHER


def call_answer(response: httpx.Response) -> CallAnswer:
    """What an answer of the verification call says that is no success."""
    status = response.status_code
    if status in (401, 403):
        return CallAnswer.EXPIRED if error_list(response).expired else CallAnswer.DENIED
    if status == 429:
        return CallAnswer.THROTTLED
    return CallAnswer.UNAVAILABLE if status >= 500 or status == 408 else CallAnswer.OTHER


def token_fault(status: int, error: str) -> TokenFault:
    """What a status and an error code of LWA say; only ``invalid_client`` is about the secret."""
    if status == 429:
        return TokenFault.THROTTLED
    if status >= 500 or status == 408 or status < 300 or error in ("server_error", "temporarily_unavailable"):
        return TokenFault.UNAVAILABLE
    about_the_secret = error == "invalid_client" and status in (400, 401, 403)
    return TokenFault.SECRET if about_the_secret else TokenFault.SETUP


def transport_failure(error: Exception) -> tuple[str, str]:
    """The kind of a transport failure, and, for a certificate, what OpenSSL finds wrong with it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return CERTIFICATE_REFUSED, shown(seen.verify_message or "", ())
        if isinstance(seen, ssl.SSLError):
            return TLS_FAILED, ""
        seen = seen.__cause__ or seen.__context__
    return type(error).__name__, ""


def shown(message: str, in_hand: Iterable[Sensitive]) -> str:
    """A message as it may be shown: printable ASCII, cut; empty if it holds any of what is in hand, in any form."""
    in_hand = tuple(in_hand)
    plain = " ".join("".join(each if " " <= each <= "~" else " " for each in message).split())
    squeezed = "".join(each for each in message if "!" <= each <= "~")
    if any(mentions(text, in_hand) for text in (message, plain, squeezed)):
        return ""
    return plain if len(plain) <= _LONGEST_MESSAGE else plain[: _LONGEST_MESSAGE - 3] + "..."


def json_object(response: httpx.Response) -> Mapping[str, Any]:
    """The body, if it is a JSON object; else an empty one."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def queue_arns(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The queues among notification destinations."""
    payload = body.get("payload")
    found: list[str] = []
    for each in payload if isinstance(payload, list) else ():
        resource = each.get("resource") if isinstance(each, dict) else None
        queue = resource.get("sqs") if isinstance(resource, dict) else None
        found.append(_matching(_QUEUE_ARN, queue.get("arn") if isinstance(queue, dict) else None))
    return tuple(arn for arn in found if arn)


def http_date(header: str | None) -> datetime | None:
    """The time in a ``Date`` header; None without a usable one."""
    try:
        found = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def code(value: object) -> str:
    """An error code; empty if it could be anything else."""
    return _matching(_CODE, value)


def request_id(value: object) -> str:
    """A request id; empty if it could be anything else."""
    return _matching(_REQUEST_ID, value)


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


def wait_seconds(rate: str | None) -> float:
    """Seconds between two requests at a rate (requests a second); 60 without a usable header."""
    try:
        per_second = float(rate) if rate is not None else math.nan
    except ValueError:
        per_second = math.nan
    if not math.isfinite(per_second) or per_second <= 0:
        return _DEFAULT_WAIT_SECONDS
    return float(math.ceil(min(1 / per_second, _LONGEST_WAIT_SECONDS)))
