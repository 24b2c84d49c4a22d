"""When a rotation is due, what forbids one, and when one is stuck: decided on one reading of the secret.

Times in Amazon's rules: a secret lives 180 days, the one before dies 7 days after its successor was made
(Amazon's "Rotating your app's LWA credentials" page). What a second rotation within the 7 days does to older
secrets is unknown, so it is declined.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import AlreadyRequested, NotDue, NotSeeded, OutsideWindow, TooSoon
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.rotation_policy import RotationPolicy
from spapi_rotation_lambda.domain.snapshot import OVERLAP, Snapshot, StoredVersion
from spapi_rotation_lambda.domain.times import format_time

UNANSWERED_BLOCKS = timedelta(days=8)
CLOCK_TOLERANCE = timedelta(minutes=65)
"""How far Amazon's clock may be from ours, either way. Daylight saving wrongly applied is an hour."""

RECORDED_WITHIN = timedelta(minutes=5)
"""How far the time of a record's version may be from the one that it names: another clock of AWS's has made it."""

EARLIEST_REPOST, REPOST_ROOM = timedelta(hours=24), timedelta(days=1)
"""When the repost may come at the earliest, and how long before the death of the secret in use it must come."""

FIRST_REFUSAL_WAIT, LATER_REFUSAL_WAIT = timedelta(hours=6), timedelta(hours=24)
UNDATED_GRACE = timedelta(days=30)
STUCK_BEFORE_DEATH = timedelta(hours=24)
EXPIRY_IS_NEAR = timedelta(days=30)


def last_request(snapshot: Snapshot) -> datetime | None:
    """When the last request that was not refused was made; None when there was none."""
    record = snapshot.request_record()
    if record is None:
        return None
    return record.standing_since if snapshot.request_refused else record.requested_at


def closes(issued: datetime | None, requested_at: datetime) -> bool:
    """Whether a secret issued then, by Amazon's clock, answers a request made then, whoever asked for it."""
    return issued is not None and issued >= requested_at - CLOCK_TOLERANCE


def unanswered_request(snapshot: Snapshot) -> datetime | None:
    """When the standing request that no received secret closes was made; None when all are closed."""
    version = snapshot.request_version
    if version is None:
        return None
    current = snapshot.current
    if current is not None and closes(snapshot.issued(current), version.created_at + RECORDED_WITHIN):
        return None  # closed for certain, and a check at rest reads nothing more
    requested_at = last_request(snapshot)
    if requested_at is None or is_closed(snapshot, requested_at) or _new_value_since(snapshot, requested_at):
        return None
    return requested_at


def _on_record_at(snapshot: Snapshot, requested_at: datetime) -> datetime:
    """When the last request was recorded, by the clock that dates all versions; its own time if that record is gone."""
    record = snapshot.request_version
    return requested_at if record is None or snapshot.request_refused else record.created_at


def _new_value_since(snapshot: Snapshot, requested_at: datetime) -> bool:
    """Whether somebody has put another secret in since a request: then nobody waits for its answer any more."""
    current = snapshot.current
    if current is None or current.credentials is None or snapshot.amazons(current) is not None:
        return False
    return snapshot.first_seen(current) > _on_record_at(snapshot, requested_at)


def is_closed(snapshot: Snapshot, requested_at: datetime) -> bool:
    """Whether any received secret closes a request made then."""
    return any(closes(snapshot.issued(stored), requested_at) for stored in snapshot.received())


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules look at when somebody asks for a rotation.

    Attributes:
        snapshot: one reading of the secret.
        trigger: who asks.
        mode: what the request may pass.
        now: when (UTC).
        policy: the owner's choices.
        adopted_at: tells when this package began to look after the application; may raise StoreFailed.
    """

    snapshot: Snapshot
    trigger: Trigger
    mode: Mode
    now: datetime
    policy: RotationPolicy
    adopted_at: Callable[[], datetime]

    @property
    def name(self) -> str:
        """What people call the application."""
        return self.snapshot.application.name


def require_credentials(snapshot: Snapshot) -> Credentials:
    """The credentials in use. Raises NotSeeded when there are none."""
    current = snapshot.current
    if current is None or current.credentials is None:
        application = snapshot.application
        raise NotSeeded(
            f"{application.name}: the secret holds no credentials yet.",
            remedy=f"Put them in: spapi-rotation seed {application.name}. Or by the AWS CLI: aws secretsmanager "
            f"put-secret-value --secret-id {application.secret_id} --secret-string file://credentials.json, where the "
            "file is a JSON object with client_id and client_secret. Delete the file afterwards.",
        )
    return current.credentials


def dies_soon(asked: Asked) -> bool:
    """Whether the secret in use dies within 30 days, so that a request must not wait any longer."""
    current = asked.snapshot.current
    dies_at = asked.snapshot.dies_at(current) if current is not None else None
    return dies_at is not None and dies_at - asked.now < EXPIRY_IS_NEAR


def repost_at(snapshot: Snapshot, policy: RotationPolicy) -> datetime | None:
    """From when on the unanswered request is repeated, for 8 days after it; None when it is not.

    Late, since most late messages come by themselves; earlier if the secret in use would be dead by then.
    """
    unanswered = unanswered_request(snapshot)
    if unanswered is None or snapshot.request_refused:
        return None  # a check at rest does not read the record
    record = snapshot.request_record()
    if record is None or record.reposts > 0 or not record.queue_has_answered:
        return None
    late = unanswered + policy.repost_after
    dies_at = snapshot.dies_at(snapshot.current) if snapshot.current else None
    if dies_at is None or dies_at >= late + REPOST_ROOM:
        return late
    return unanswered + min(EARLIEST_REPOST, policy.repost_after)


def repost_is_due(snapshot: Snapshot, now: datetime, policy: RotationPolicy) -> bool:
    """Whether the one automatic repetition of an unanswered request is due."""
    begins, unanswered = repost_at(snapshot, policy), unanswered_request(snapshot)
    if unanswered is None or begins is None or snapshot.id_of(Label.PENDING) is not None:
        return False
    return begins <= now < unanswered + UNANSWERED_BLOCKS


def require_repost_due(asked: Asked, queue_arn: Callable[[], str]) -> None:
    """Raise AlreadyRequested when the request was answered or repeated since the caller looked.

    So it is when the queue is another one than that which has answered before.
    """
    record = asked.snapshot.request_record()
    if not repost_is_due(asked.snapshot, asked.now, asked.policy) or record is None or record.queue_arn != queue_arn():
        raise AlreadyRequested(
            f"{asked.name}: the request was answered or repeated meanwhile, or the queue is another one.",
            remedy="Nothing.",
        )


def answered_through(snapshot: Snapshot) -> str | None:
    """The ARN of the queue through which a request was last answered, as far as the records tell."""
    record = snapshot.request_record()
    if record is None:
        return None
    # What closes the request before a refused one came through that one's queue, which may be another.
    if not snapshot.request_refused and is_closed(snapshot, record.requested_at):
        return record.queue_arn
    return record.answered_through


def require_due(asked: Asked) -> None:
    """Raise NotDue unless the current secret is old enough, or somebody asked."""
    if asked.trigger.on_purpose or asked.trigger is Trigger.EXPIRY_NOTICE:
        return
    moment = due_at(asked)
    if asked.now < moment:
        raise NotDue(
            f"{asked.name}: not due before {format_time(moment)}.",
            remedy="Nothing. The schedule rotates it then; set rotate_on_up to a new text to rotate now.",
        )


def due_at(asked: Asked) -> datetime:
    """When the secret in use is due for the schedule (REQ-4). May raise StoreFailed."""
    current = asked.snapshot.current
    told = asked.snapshot.told(current) if current else None
    if current is not None and told is not None and told.issued is not None:
        return told.issued + asked.policy.rotate_every
    adopted = asked.adopted_at() + UNDATED_GRACE
    return adopted if current is None else max(adopted, asked.snapshot.first_seen(current) + OVERLAP)


def require_open_window(asked: Asked) -> None:
    """Raise OutsideWindow while the machine may not ask on its own. It gates the request and nothing else."""
    if asked.trigger.on_purpose:
        return
    window, paused = asked.policy.rotation_window, asked.policy.paused
    if paused or (window is not None and not window.is_open(asked.now)):
        raise OutsideWindow(
            f"{asked.name}: {'rotation is paused' if paused else 'the rotation window is closed'}.",
            remedy="Nothing. The schedule rotates when it may again; set rotate_on_up to a new text to rotate now.",
        )


def in_flight_until(asked: Asked) -> datetime | None:
    """Until when an earlier rotation forbids another one; None if none ever did."""
    snapshot = asked.snapshot
    until: list[datetime] = []
    requested_at = last_request(snapshot)
    if requested_at is not None and asked.mode is not Mode.REPOST:
        block = OVERLAP if is_closed(snapshot, requested_at) else UNANSWERED_BLOCKS
        until.append(requested_at + block)
    for stored in snapshot.holders():
        told = snapshot.told(stored)
        if told is not None and told.previous_expires_at is not None:
            until.append(told.previous_expires_at)
    until += _overlaps_of_newer_secrets(snapshot)
    until += _since_first_seen(asked)
    return max(until, default=None)


def require_no_rotation_in_flight(asked: Asked) -> None:
    """Raise TooSoon while an earlier rotation forbids another one."""
    until = in_flight_until(asked)
    if until is not None and asked.now < until:
        raise TooSoon(
            f"{asked.name}: the last rotation forbids another one until {format_time(until)}.",
            remedy="Wait until then: it is unknown what a second rotation within the 7 days does to the older "
            "secrets. Only an explicit force passes.",
        )


def _since_first_seen(asked: Asked) -> list[datetime]:
    """Until when a secret that somebody put in may have another one beside it whose message has not come.

    It forbids the schedule only. An expiry notice says by itself how urgent it is.
    """
    snapshot, current = asked.snapshot, asked.snapshot.current
    if asked.trigger is not Trigger.SCHEDULE or current is None or current.credentials is None:
        return []
    return [] if snapshot.amazons(current) is not None else [snapshot.first_seen(current) + OVERLAP]


def _overlaps_of_newer_secrets(snapshot: Snapshot) -> list[datetime]:
    """Until when the secret in use lives beside each newer one that is known: a third would be one too many."""
    in_use = snapshot.issued(snapshot.current) if snapshot.current else None
    if in_use is None:
        return []
    issued = (snapshot.issued(stored) for stored in snapshot.holders())
    return [moment + OVERLAP for moment in issued if moment is not None and moment > in_use]


def require_patience_after_refusal(asked: Asked) -> None:
    """Raise TooSoon while the schedule waits after a refused request; a person can try at once.

    Each request writes a version, and versions younger than 24 h count against Secrets Manager's quota.
    """
    record = asked.snapshot.request_record()
    if asked.trigger.on_purpose or record is None or not asked.snapshot.request_refused:
        return
    until = record.requested_at + (LATER_REFUSAL_WAIT if record.refusals else FIRST_REFUSAL_WAIT)
    if asked.now < until:
        raise TooSoon(
            f"{asked.name}: Amazon refused the last request; the schedule waits until {format_time(until)}.",
            remedy="Fix what the refusal named, then wait, or rotate on purpose at once.",
        )


def old_secret_dies_at(snapshot: Snapshot, pending: StoredVersion, current: StoredVersion) -> datetime | None:
    """When the current secret dies because the pending one was made; None when unknown."""
    announced = pending.credentials.previous_expires_at if pending.credentials is not None else None
    dates = [date for date in (announced, snapshot.expires(current)) if date is not None]
    return min(dates, default=None)


class Order(StrEnum):
    """Which of the pending secret and the one in use is newer."""

    NEWER = "newer"
    OLDER = "older"
    UNKNOWN = "unknown"


def order(snapshot: Snapshot, pending: StoredVersion, current: StoredVersion) -> Order:
    """How a pending secret stands to the one in use, which is another.

    A date decides only where it is Amazon's. A value without one was issued before it was first seen, and is older than
    what has replaced it.
    """
    issued, in_use = snapshot.issued(pending), snapshot.issued(current)
    if current.credentials is None:
        return Order.NEWER
    if issued is None:
        return Order.UNKNOWN
    if in_use is not None:
        return Order.NEWER if issued > in_use else Order.OLDER
    if pending.credentials is not None and current.credentials.value_hash in pending.credentials.replaces:
        return Order.NEWER
    seen = snapshot.first_seen(current)
    if issued >= seen + CLOCK_TOLERANCE:
        return Order.NEWER
    requested_at = last_request(snapshot)
    if requested_at is None or _on_record_at(snapshot, requested_at) <= seen:
        return Order.UNKNOWN
    return Order.NEWER if closes(issued, requested_at) else Order.UNKNOWN


def is_stuck(snapshot: Snapshot, pending: StoredVersion, current: StoredVersion, now: datetime) -> bool:
    """Whether a pending secret, known to be newer, is still not accepted shortly before the current one dies."""
    death = old_secret_dies_at(snapshot, pending, current)
    near = death is not None and now >= death - STUCK_BEFORE_DEATH
    return near and order(snapshot, pending, current) is not Order.UNKNOWN
