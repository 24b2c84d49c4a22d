"""When a rotation is due, and what forbids one. Pure decisions over one reading of the secret.

Times in Amazon's rules: a secret lives 180 days, the one before dies 7 days after its successor was made
(Amazon's "Rotating your app's LWA credentials" page). What a second rotation within the 7 days does to older
secrets is unknown, so it is declined.
"""

from datetime import datetime, timedelta

from spapi_rotation_lambda.domain.errors import AlreadyRequested, NotDue, OutsideWindow, TooSoon
from spapi_rotation_lambda.domain.model import Application, Label, Trigger, format_time
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Ports

OVERLAP = timedelta(days=7)
UNANSWERED_BLOCKS = timedelta(days=8)
CLOCK_TOLERANCE = timedelta(minutes=5)
FIRST_REFUSAL_WAIT, LATER_REFUSAL_WAIT = timedelta(hours=6), timedelta(hours=24)
UNDATED_GRACE = timedelta(days=30)


def last_request(snapshot: Snapshot) -> datetime | None:
    """When the last request that was not refused was made; None when there was none."""
    record = snapshot.request_record()
    if record is None:
        return None
    return record.standing_since if snapshot.request_refused else record.requested_at


def closes(issued: datetime | None, requested_at: datetime) -> bool:
    """Whether a secret issued then answers a request made then, whoever asked for it."""
    return issued is not None and issued >= requested_at - CLOCK_TOLERANCE


def unanswered_request(snapshot: Snapshot) -> datetime | None:
    """When the standing request that no received secret closes was made; None when all are closed."""
    version = snapshot.request_version
    if version is None:
        return None
    current = snapshot.current
    if current is not None and current.credentials is not None:
        issued = current.credentials.issued
        if issued is not None and issued >= version.created_at:
            return None  # closed for certain: a record is written after the time that it names
    requested_at = last_request(snapshot)
    if requested_at is None or answered(snapshot, requested_at):
        return None
    return requested_at


def answered(snapshot: Snapshot, requested_at: datetime) -> bool:
    """Whether any received secret closes a request made then."""
    return any(closes(snapshot.issued(stored), requested_at) for stored in snapshot.received())


def repost_is_due(ports: Ports, snapshot: Snapshot) -> bool:
    """Whether the one automatic repetition of an unanswered request is due."""
    unanswered = unanswered_request(snapshot)
    if unanswered is None or snapshot.request_refused or snapshot.id_of(Label.PENDING) is not None:
        return False
    record, now = snapshot.request_record(), ports.clock.now()
    first, last = unanswered + ports.settings.repost_after, unanswered + UNANSWERED_BLOCKS
    return record is not None and record.reposts == 0 and first <= now < last


def require_repost_due(ports: Ports, snapshot: Snapshot) -> None:
    """Raise AlreadyRequested when the request was answered or repeated since the caller looked."""
    if not repost_is_due(ports, snapshot):
        raise AlreadyRequested(
            f"{snapshot.application.name}: the request was answered or repeated meanwhile.", remedy="Nothing."
        )


def require_due(ports: Ports, snapshot: Snapshot, trigger: Trigger) -> None:
    """Raise NotDue unless the current secret is old enough, or somebody asked."""
    if trigger.on_purpose or trigger is Trigger.EXPIRY_NOTICE:
        return
    current = snapshot.current
    issued = snapshot.issued(current) if current else None
    if issued is not None:
        due_at = issued + ports.settings.rotate_every
    else:
        due_at = _adopted_at(ports, snapshot.application) + UNDATED_GRACE
    if ports.clock.now() < due_at:
        raise NotDue(
            f"{snapshot.application.name}: not due before {format_time(due_at)}.",
            remedy="Nothing. The schedule rotates it then; set rotate_on_up to a new text to rotate now.",
        )


def _adopted_at(ports: Ports, application: Application) -> datetime:
    """When this package began to look after the application; an owner's edits do not change it."""
    if application.schedule_arn is not None and ports.schedule_made_at is not None:
        return ports.schedule_made_at(application.schedule_arn)
    return ports.store.created_at(application.secret_id)


def require_open_window(ports: Ports, snapshot: Snapshot, trigger: Trigger) -> None:
    """Raise OutsideWindow while the machine may not ask on its own. It gates the request and nothing else."""
    if trigger.on_purpose:
        return
    window = ports.settings.rotation_window
    if ports.settings.paused or (window is not None and not window.is_open(ports.clock.now())):
        raise OutsideWindow(
            f"{snapshot.application.name}: "
            f"{'rotation is paused' if ports.settings.paused else 'the rotation window is closed'}.",
            remedy="Nothing. The schedule rotates when it may again; set rotate_on_up to a new text to rotate now.",
        )


def require_no_rotation_in_flight(ports: Ports, snapshot: Snapshot, *, repost: bool = False) -> None:
    """Raise TooSoon while an earlier rotation forbids another one.

    Args:
        repost: whether this is the one automatic repetition of an unanswered request.
    """
    now = ports.clock.now()
    until: list[datetime] = []
    requested_at = last_request(snapshot)
    if requested_at is not None and not repost:
        block = OVERLAP if answered(snapshot, requested_at) else UNANSWERED_BLOCKS
        until.append(requested_at + block)
    for stored in snapshot.holders():
        if stored.credentials is not None and stored.credentials.previous_expires_at is not None:
            until.append(stored.credentials.previous_expires_at)
    until += _overlaps_of_newer_secrets(snapshot)
    latest = max(until, default=now)
    if latest > now:
        raise TooSoon(
            f"{snapshot.application.name}: the last rotation forbids another one until {format_time(latest)}.",
            remedy="Wait until then: it is unknown what a second rotation within the 7 days does to the older "
            "secrets. Only an explicit force passes.",
            until=latest,
        )


def _overlaps_of_newer_secrets(snapshot: Snapshot) -> list[datetime]:
    """Until when the secret in use lives beside each newer one that is known: a third would be one too many."""
    in_use = snapshot.issued(snapshot.current) if snapshot.current else None
    if in_use is None:
        return []
    issued = (snapshot.issued(stored) for stored in snapshot.holders())
    return [moment + OVERLAP for moment in issued if moment is not None and moment > in_use]


def require_patience_after_refusal(ports: Ports, snapshot: Snapshot, trigger: Trigger) -> None:
    """Raise TooSoon while the schedule waits after a refused request; a person can try at once.

    Each request writes a version, and versions younger than 24 h count against Secrets Manager's quota.
    """
    record = snapshot.request_record()
    if trigger.on_purpose or record is None or not snapshot.request_refused:
        return
    until = record.requested_at + (LATER_REFUSAL_WAIT if record.refusals else FIRST_REFUSAL_WAIT)
    if ports.clock.now() < until:
        raise TooSoon(
            f"{snapshot.application.name}: Amazon refused the last request; the schedule waits until "
            f"{format_time(until)}.",
            remedy="Mend what the refusal named, then wait, or rotate on purpose at once.",
            until=until,
        )
