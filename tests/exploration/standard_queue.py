"""A standard SQS queue with its dead-letter queue: at least once, in no order, and what a preflight counts.

Source: the SQS developer guide (visibility timeout, maxReceiveCount, retention counted from the first enqueue also
in the dead-letter queue of a standard queue; a redrive enqueues anew). Numbers are those of the component.
"""

import json
from datetime import datetime, timedelta
from typing import NamedTuple

from spapi_rotation_lambda.domain import sender_policy
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import DeadMessage, QueueCounts, QueueState
from tests.fakes.clock import VirtualClock

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:destination"
ANOTHER_QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:destination-2"
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/1"
VISIBILITY = timedelta(minutes=6)
RETENTION = timedelta(days=14)
MAX_RECEIVES = 240
BROKEN = 10**6
"""How often a message was received that is dead since the function was broken."""


def _policy(arn: str, *, denies_outsiders: bool) -> str:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-ours"}},
    }
    allow = sender_policy.queue_statement(arn)
    return json.dumps({"Statement": [allow, deny] if denies_outsiders else [allow]})


_POLICIES = {
    (arn, denies): _policy(arn, denies_outsiders=denies)
    for arn in (QUEUE_ARN, ANOTHER_QUEUE_ARN)
    for denies in (True, False)
}
_KEY_POLICY = json.dumps({"Statement": [sender_policy.key_statement()]})


class Message(NamedTuple):
    """A message in either queue. ``visible_at`` in the future: in flight, or delayed if never received."""

    number: int
    body: str
    enqueued_at: datetime
    visible_at: datetime
    receives: int = 0
    dead: bool = False


QueueContent = tuple[tuple[Message, ...], int, bool, bool, str]


class Kept(NamedTuple):
    """A message in the ``unclaimed`` queue."""

    number: int
    body: str
    visible_at: datetime


UnclaimedContent = tuple[tuple[Kept, ...], int]


class Unclaimed:
    """The ``unclaimed`` queue: the UnclaimedQueue port, at least once."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.messages: list[Kept] = []
        self._sent = 0

    def put(self, body: Sensitive, sent_at: datetime | None) -> None:
        """SendMessage."""
        self._sent += 1
        self.messages.append(Kept(self._sent, body.reveal(), self._clock.time))

    def counts(self) -> QueueCounts:
        """GetQueueAttributes."""
        visible = sum(message.visible_at <= self._clock.time for message in self.messages)
        return QueueCounts(visible, len(self.messages) - visible)

    def take(self, limit: int, hidden_seconds: int) -> list[DeadMessage]:
        """ReceiveMessage, again and again."""
        now, found = self._clock.time, list[DeadMessage]()
        for index, message in enumerate(self.messages):
            if len(found) < limit and message.visible_at <= now:
                self.messages[index] = message._replace(visible_at=now + timedelta(seconds=hidden_seconds))
                name = str(message.number)
                found.append(DeadMessage(name, name, now, len(message.body), Sensitive(message.body)))
        return found

    def delete(self, message: DeadMessage) -> None:
        """DeleteMessage."""
        self.messages = [kept for kept in self.messages if str(kept.number) != message.handle]

    # Saved and restored.

    def save(self) -> UnclaimedContent:
        return tuple(self.messages), self._sent

    def restore(self, saved: UnclaimedContent) -> None:
        messages, self._sent = saved
        self.messages = list(messages)


class StandardQueue:
    """Both queues. ``newest_first`` is the order in which waiting messages are handed out.

    Attributes:
        denies_outsiders: whether its policy denies whoever is not of the owner's organisation, such as Amazon.
        arn: which queue it is: people may bring another one.
    """

    def __init__(self, clock: VirtualClock, *, newest_first: bool = False) -> None:
        self._clock, self._newest_first = clock, newest_first
        self.messages: list[Message] = []
        self.lost_to_retention = False
        self.denies_outsiders = False
        self.arn = QUEUE_ARN
        self._sent = 0

    # Amazon, and whoever else sends.

    def send(self, body: str) -> None:
        """SendMessage."""
        now = self._clock.time
        self._sent += 1
        self.messages.append(Message(self._sent, body, now, now))

    # The event source mapping.

    def receive(self) -> Message | None:
        """ReceiveMessage: one visible message, in flight from now on; one received too often goes to the dead."""
        now = self._clock.time
        self._retain(now)
        order = range(len(self.messages) - 1, -1, -1) if self._newest_first else range(len(self.messages))
        for index in order:
            message = self.messages[index]
            if message.dead or message.visible_at > now:
                continue
            if message.receives >= MAX_RECEIVES:
                self.messages[index] = message._replace(dead=True, visible_at=now)
                continue
            message = message._replace(receives=message.receives + 1, visible_at=now + VISIBILITY)
            self.messages[index] = message
            return message
        return None

    def delete(self, number: int) -> None:
        """DeleteMessage."""
        self.messages = [message for message in self.messages if message.number != number]

    def next_visible_at(self) -> datetime | None:
        """When a message of the main queue can be received next; in the past if one waits now."""
        return min((message.visible_at for message in self.messages if not message.dead), default=None)

    def _retain(self, now: datetime) -> None:
        for message in self.messages:
            if now - message.enqueued_at > RETENTION:
                self.lost_to_retention = True
                self.delete(message.number)

    # A person.

    def redrive(self) -> None:
        """StartMessageMoveTask: the dead messages are enqueued anew."""
        now = self._clock.time
        for index, message in enumerate(self.messages):
            if message.dead:
                self._sent += 1
                self.messages[index] = Message(self._sent, message.body, now, now)

    def discard(self, number: int) -> None:
        """Delete one dead message."""
        self.delete(number)

    def dead(self) -> list[Message]:
        """What lies in the dead-letter queue."""
        return [message for message in self.messages if message.dead]

    # The Queue port.

    def inspect(self) -> QueueState:
        """Count, as GetQueueAttributes does."""
        now = self._clock.time
        self._retain(now)
        dead = sum(message.dead for message in self.messages)
        in_flight = sum(
            not message.dead and message.receives > 0 and message.visible_at > now for message in self.messages
        )
        return QueueState(
            arn=self.arn,
            policy=_POLICIES[self.arn, self.denies_outsiders],
            key_arn=KEY_ARN,
            key_policy=_KEY_POLICY,
            waiting=len(self.messages) - dead,
            in_flight=in_flight,
            dead=dead,
        )

    # Saved and restored.

    def save(self) -> QueueContent:
        return tuple(self.messages), self._sent, self.lost_to_retention, self.denies_outsiders, self.arn

    def restore(self, saved: QueueContent) -> None:
        messages, self._sent, self.lost_to_retention, self.denies_outsiders, self.arn = saved
        self.messages = list(messages)
