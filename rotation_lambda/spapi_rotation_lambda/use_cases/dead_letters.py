"""The dead-letter queue: look (without bodies), handle again, discard.

Its messages may hold a live secret. What is handled again is handled exactly like a message of the queue.
"""

from dataclasses import dataclass

from spapi_rotation_lambda.domain.errors import RotationError, SecretMissing, Unexpected, UnknownMessage
from spapi_rotation_lambda.domain.messages import NewSecret, Notification, kind_of, parse
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import DeadMessage, Ports
from spapi_rotation_lambda.use_cases.message import handle_message
from spapi_rotation_lambda.use_cases.receive import Receipt, judge

MOST_SHOWN, SHOWN_HIDDEN_SECONDS = 50, 5
"""A message that was looked at is hidden from others for as long as the look takes."""

MOST_REDRIVEN, REDRIVEN_HIDDEN_SECONDS = 5, 60
"""At a time: the function has a minute, and each message may ask Amazon."""


@dataclass(frozen=True, slots=True)
class Described:
    """What may be shown of a message.

    Attributes:
        kind: ``new-secret``, ``expiry-notice`` or ``unknown``.
        problem: why it is not known, or why it cannot be handled; empty when it could be handled again.
        needed: whether it holds a secret that is stored nowhere else.
    """

    message: DeadMessage
    kind: str
    client_id: str
    problem: str
    needed: bool


class StillNeeded(RotationError):
    """A message holds a secret that is stored nowhere else."""


def look(ports: Ports) -> list[Described]:
    """Describe the messages in the dead-letter queue, at most 50."""
    return [_describe(ports, message) for message in ports.dead_letters.take(MOST_SHOWN, SHOWN_HIDDEN_SECONDS)]


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of one message that was handled again.

    Attributes:
        described: the message.
        result: what became of it; it is deleted then. Empty if it stays.
        error: why it stays, or None.
    """

    described: Described
    result: str
    error: RotationError | None


def redrive(ports: Ports) -> list[Redriven]:
    """Handle up to five messages as if they came from the queue; those that it would acknowledge are deleted."""
    taken = ports.dead_letters.take(MOST_REDRIVEN, REDRIVEN_HIDDEN_SECONDS)
    return [_redrive(ports, _describe(ports, message)) for message in taken]


def discard(ports: Ports, message_id: str, *, force: bool = False) -> bool:
    """Delete one message; False when it is not there.

    Raises:
        StillNeeded: it holds a secret that is stored nowhere else, and ``force`` is not set.
    """
    for found in look(ports):
        if found.message.message_id != message_id:
            continue
        if found.needed and not force:
            raise StillNeeded(
                f"Message {message_id} holds a secret of {found.client_id} that is stored nowhere else.",
                remedy="Handle it again with redrive. Only an explicit force deletes it.",
            )
        ports.dead_letters.delete(found.message)
        ports.telemetry.warning("dead_letter_discarded", message_id=message_id, kind=found.kind, forced=force)
        return True
    return False


def _redrive(ports: Ports, described: Described) -> Redriven:
    try:
        result = handle_message(ports, described.message.body, described.message.message_id, described.message.sent_at)
    except RotationError as error:
        return Redriven(described, "", error)
    except Exception as error:  # noqa: BLE001  (the other messages are still handled)
        return Redriven(described, "", Unexpected.of(error))
    ports.dead_letters.delete(described.message)
    ports.telemetry.warning(
        "dead_letter_redriven", message_id=described.message.message_id, kind=described.kind, result=result
    )
    return Redriven(described, result, None)


def _describe(ports: Ports, message: DeadMessage) -> Described:
    try:
        notification = parse(message.body)
    except UnknownMessage as error:
        return Described(message, "unknown", "", str(error.args[0]), needed=False)
    problem, needed = _look_at_secret(ports, notification)
    return Described(message, kind_of(notification), notification.client_id, problem, needed)


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
