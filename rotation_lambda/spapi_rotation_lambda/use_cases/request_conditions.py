"""The conditions of a request: one ordered list of what must be so before Amazon is asked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Ports, QueueState
from spapi_rotation_lambda.use_cases import preflight, version_quota
from spapi_rotation_lambda.use_cases.unclaimed import claim


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that was made.

    Attributes:
        requested_at: its record's time (UTC).
        certain: whether Amazon confirmed it (204) to this very run.
        earlier: whether an earlier run of the same ``pulumi up`` trigger had made it already.
        request_id: ``x-amzn-RequestId``, if there was an answer.
        snapshot: the secret with the request's record in it; None for an earlier request.
    """

    requested_at: datetime
    certain: bool = False
    earlier: bool = False
    request_id: str = ""
    snapshot: Snapshot | None = None


class Attempt:
    """One attempt at a request, on one reading of the secret.

    Attributes:
        asked: what the rules look at.
        reference: the trigger text of ``pulumi up``, if that asks.
        latest: a reading after all looks at the queue (REQ-10), if one of the conditions has made it.
    """

    def __init__(self, ports: Ports, asked: rules.Asked, reference: str | None) -> None:
        self.ports, self.asked, self.reference = ports, asked, reference
        self.latest: Snapshot | None = None
        self._queue: QueueState | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The reading."""
        return self.asked.snapshot

    @property
    def application(self) -> Application:
        """Whose secret is to be rotated."""
        return self.asked.snapshot.application

    @property
    def queue(self) -> QueueState:
        """The destination queue, read once. Raises QueueNotReady or StoreFailed."""
        if self._queue is None:  # not a cached_property: until Python 3.12 one attempt would lock all others
            self._queue = self.ports.queue.inspect()
        return self._queue


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the conditions of a request.

    Attributes:
        rule: its id in ``docs/protocol.md``.
        name: what must be so.
        require: raises Declined when it is not; a request that it returns makes another one needless.
        modes: in which it is asked for.
        looks_at_queue: whether it looks at a queue or counts all versions; the status leaves these out.
    """

    rule: str
    name: str
    require: Callable[[Attempt], Requested | None]
    modes: frozenset[Mode] = frozenset(Mode)
    looks_at_queue: bool = False


def _seeded(attempt: Attempt) -> None:
    rules.require_credentials(attempt.snapshot)


def _earlier(attempt: Attempt) -> Requested | None:
    """The request that an earlier run of the same trigger text made; later ones carry that text along."""
    snapshot = attempt.snapshot
    record = snapshot.request_record()
    if attempt.reference is None or record is None:
        return None
    if record.reference != attempt.reference or (snapshot.request_refused and record.trigger is Trigger.PULUMI_UP):
        return None
    return Requested(record.requested_at, earlier=True)


def _repost_is_due(attempt: Attempt) -> None:
    rules.require_repost_due(attempt.asked, lambda: attempt.queue.arn)


def _queue_is_ready(attempt: Attempt) -> None:
    forced = attempt.asked.mode is Mode.FORCED
    preflight.require_ready_queue(attempt.ports, attempt.application, attempt.queue, forced=forced)


def _nothing_unread(attempt: Attempt) -> None:
    preflight.require_empty_queues(attempt.ports, attempt.asked, attempt.queue)


def _nothing_unclaimed(attempt: Attempt) -> None:
    """What is ours there is received now; the labels move, and the conditions are asked again (REQ-10)."""
    claim(attempt.ports, attempt.application)


def _room_for_versions(attempt: Attempt) -> None:
    """One list tells of the labels too: it is the reading of REQ-10, and so this condition is the last."""
    attempt.latest = attempt.snapshot.again(version_quota.require_room(attempt.ports, attempt.asked))


def _by(rule: Callable[[rules.Asked], None]) -> Callable[[Attempt], None]:
    return lambda attempt: rule(attempt.asked)


_UNFORCED = frozenset({Mode.ORDINARY, Mode.REPOST})

CONDITIONS: tuple[Condition, ...] = (
    Condition("REQ-1", "the secret holds credentials", _seeded),
    Condition("REQ-2", "this trigger text has requested nothing yet", _earlier),
    Condition("REQ-3", "the repost is due", _repost_is_due, frozenset({Mode.REPOST}), looks_at_queue=True),
    Condition("REQ-4", "the rotation is due", _by(rules.require_due), frozenset({Mode.ORDINARY})),
    Condition("REQ-5", "the rotation window is open", _by(rules.require_open_window), _UNFORCED),
    Condition("REQ-6", "no rotation is in flight", _by(rules.require_no_rotation_in_flight), _UNFORCED),
    Condition("REQ-7", "the wait after a refusal is over", _by(rules.require_patience_after_refusal), _UNFORCED),
    Condition("REQ-8", "Amazon can send to the queue", _queue_is_ready, looks_at_queue=True),
    Condition("REQ-9", "no message is unread", _nothing_unread, _UNFORCED, looks_at_queue=True),
    Condition("REQ-17", "nothing of its own lies unclaimed", _nothing_unclaimed, _UNFORCED, looks_at_queue=True),
    Condition("REQ-19", "few versions are young", _room_for_versions, _UNFORCED, looks_at_queue=True),
)
"""What must be so before Amazon is asked, in the order in which it is looked at."""
