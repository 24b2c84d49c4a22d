"""What AWS's failures become: an error with AWS's code and the operation, and nothing else of the original.

The original exceptions are dropped, since some of them carry what was sent.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from spapi_rotation_lambda.domain.errors import StoreFailed

_DENIED = ("AuthorizationError",)
"""SNS's word for a denied call; other services say AccessDenied, or something that holds it."""


def failed(operation: str, error: Exception) -> StoreFailed:
    """A StoreFailed that names the operation and AWS's error code, and nothing else of the error."""
    code = error_code(error)
    denied = "AccessDenied" in code or code in _DENIED
    return StoreFailed(
        f"AWS failed {operation}: {code}.",
        remedy="Check the permissions of the caller's role for this operation."
        if denied
        else "Nothing for now: it is retried. If it persists, check the service's health and quotas.",
        denied=operation if denied else "",
    )


def error_code(error: Exception) -> str:
    """AWS's error code, or the kind of a transport failure."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


@contextmanager
def named(operation: str) -> Iterator[None]:
    """Name the operation in what a call raises. Raises StoreFailed."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise failed(operation, error) from None
