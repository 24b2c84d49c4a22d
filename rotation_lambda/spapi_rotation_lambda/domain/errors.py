"""The typed errors of a rotation. Each carries a remedy for a person.

No error ever holds a secret, a token or a message body: messages are built from names, times and codes only.
"""

import traceback
from enum import StrEnum


class RotationError(Exception):
    """Base of every error raised on purpose by this package.

    Attributes:
        remedy: what a person can do about it, one or more sentences.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.args[0]} What to do: {self.remedy}"


class Declined(RotationError):
    """A rotation did not start, and that is no defect: not due, not seeded, in flight, refused by Amazon."""


class NotSeeded(Declined):
    """The secret holds no usable credentials yet."""


class NotDue(Declined):
    """The secret in use is not old enough for the schedule."""


class OutsideWindow(Declined):
    """The rotation window is closed, or rotation is paused; only a rotation on purpose passes."""


class TooSoon(Declined):
    """An earlier rotation, or a refusal, forbids another one for a while; the message says until when."""


class AlreadyRequested(Declined):
    """Another requester, or the answer to an earlier request, came first."""


class QueueNotReady(Declined):
    """The destination queue is missing, or does not let Amazon's account send."""


class UnreadMessages(Declined):
    """The queue or its dead-letter queue holds messages: a newer secret may lie there."""


class TooManyVersions(Declined):
    """So many versions of the secret are young that those which are left are kept for what Amazon sends."""


class TokenFault(StrEnum):
    """What a token that was not issued says."""

    SECRET = "secret"  # noqa: S105  (a kind of fault)
    """``invalid_client``, the only code that is about the secret: LWA does not know it (any more)."""
    SETUP = "set-up"
    """Something else has to be mended; nothing is said about the secret."""
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    """No usable answer: a failure of LWA's own, a timeout, no connection."""


class TokenNotIssued(Declined):
    """Login with Amazon did not issue a token.

    Attributes:
        code: LWA's error code, or the HTTP status, or the kind of transport failure.
        fault: what that says.
    """

    def __init__(self, message: str, *, remedy: str, code: str, fault: TokenFault) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
        self.fault = fault


class RequestRefused(Declined):
    """SP-API certainly did not rotate."""


class RotationDeclined(RotationError):
    """A rotation that ``pulumi up`` asked for did not start. That is an error there: an ``up`` that ends well would use
    the trigger up.

    Attributes:
        declined: why it did not.
    """

    def __init__(self, declined: Declined) -> None:
        super().__init__(
            declined.args[0],
            remedy=f"{declined.remedy.strip()} To go on without a rotation, give rotate_on_up its old text again, or "
            "leave it out if it had none.",
        )
        self.declined = declined


class UnknownMessage(RotationError):
    """A queue message that this package does not know. It is left for the dead-letter queue."""


class NotOurs(RotationError):
    """A message for an application that this component does not look after."""


class NotYetAccepted(RotationError):
    """Amazon does not accept a secret yet: a received one, whose message stays in the queue, or what a person seeds."""


class MalformedSecret(RotationError):
    """The secret's value is not a JSON object with the expected keys and types."""


class StoreFailed(RotationError):
    """AWS denied or failed a call. Carries the AWS error code and operation, never a value.

    Attributes:
        denied: the right that the caller lacks, such as ``sqs:ReceiveMessage``; empty if it is not a matter of rights.
    """

    def __init__(self, message: str, *, remedy: str, denied: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.denied = denied


class NotPublished(StoreFailed):
    """EventBridge did not take an event."""


class SecretMissing(StoreFailed):
    """There is no such secret."""


class Unexpected(RotationError):
    """A defect of ours, told by its kind and place: its own text could hold anything."""

    @classmethod
    def of(cls, error: BaseException) -> "Unexpected":
        """Of an exception that nobody expected; nothing of its text or its cause is kept."""
        place = traceback.extract_tb(error.__traceback__)[-1]
        return cls(
            f"Unexpected {type(error).__name__} at {place.name}, line {place.lineno}.",
            remedy="Report it with these words. Look at the state before you try again.",
        )


class BadSettings(RotationError):
    """The function's environment or event is not usable."""
