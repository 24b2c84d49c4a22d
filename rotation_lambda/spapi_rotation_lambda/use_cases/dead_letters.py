"""Operator actions for the dead-letter queue: look (without bodies), bring back, discard.

Its messages may hold a live secret. What is brought back is handled exactly like a new message.
"""

from dataclasses import dataclass

from spapi_rotation_lambda.domain.errors import RotationError, SecretMissing, UnknownMessage
from spapi_rotation_lambda.domain.messages import NewSecret, Notification, parse
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import DeadLetterQueue, DeadMessage, Ports
from spapi_rotation_lambda.use_cases.receive import Receipt, judge


@dataclass(frozen=True, slots=True)
class Described:
    """What may be shown of a message.

    Attributes:
        kind: ``new-secret``, ``expiry-notice`` or ``unknown``.
        problem: why it is not known, or why it cannot be handled; empty when it could be brought back.
        needed: whether it holds a secret that is stored nowhere else.
    """

    message: DeadMessage
    kind: str
    client_id: str
    problem: str
    needed: bool


class StillNeeded(RotationError):
    """A message holds a secret that is stored nowhere else."""


def look(ports: Ports, queue: DeadLetterQueue) -> list[Described]:
    """Describe every message in the dead-letter queue."""
    return [_describe(ports, message) for message in queue.peek()]


def discard(ports: Ports, queue: DeadLetterQueue, message_id: str, *, force: bool = False) -> bool:
    """Delete one message; False when it is not there.

    Raises:
        StillNeeded: it holds a secret that is stored nowhere else, and ``force`` is not set.
    """
    for found in look(ports, queue):
        if found.message.message_id != message_id:
            continue
        if found.needed and not force:
            raise StillNeeded(
                f"Message {message_id} holds a secret of {found.client_id} that is stored nowhere else.",
                remedy="Bring it back with redrive. Only an explicit force deletes it.",
            )
        queue.delete(found.message)
        ports.telemetry.warning("dead_letter_discarded", message_id=message_id, kind=found.kind, forced=force)
        return True
    return False


def _describe(ports: Ports, message: DeadMessage) -> Described:
    try:
        notification = parse(message.body)
    except UnknownMessage as error:
        return Described(message, "unknown", "", str(error.args[0]), needed=False)
    problem, needed = _look_at_secret(ports, notification)
    kind = "new-secret" if isinstance(notification, NewSecret) else "expiry-notice"
    return Described(message, kind, notification.client_id, problem, needed)


def _look_at_secret(ports: Ports, notification: Notification) -> tuple[str, bool]:
    """Why the message cannot be handled, and whether its secret is stored nowhere else."""
    new_secret = notification if isinstance(notification, NewSecret) else None
    try:
        snapshot = Snapshot(ports.store, ports.applications.find(notification.client_id))
        verdict = judge(snapshot, new_secret) if new_secret is not None else None
    except SecretMissing:
        return "the application is not ours", new_secret is not None
    except RotationError as error:
        return str(error.args[0]), new_secret is not None
    return "", verdict in (Receipt.STORED, Receipt.CONTRADICTORY)
