"""By when the secret in use has to be replaced: what a person must know who is to act before it dies."""

from datetime import datetime, timedelta

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.snapshot import OVERLAP, Snapshot
from spapi_rotation_lambda.domain.times import LIFETIME

_DAY = timedelta(days=1)


def replace_by(snapshot: Snapshot, now: datetime) -> datetime | None:
    """By when a newer secret has to be in use; None if there is none to replace.

    That is the expiry of the one in use; or what came with the pending secret; or 7 days after a request that is
    unanswered, while these last: Amazon may have made a new secret anyway. A secret whose dates nobody knows
    may die sooner than the 180 days after which it is dead for certain.
    """
    current, pending = snapshot.current, snapshot.pending
    if current is None or current.credentials is None:
        return None
    dates = [snapshot.expires(current)]
    if pending is not None:
        dates.append(rules.old_secret_dies_at(snapshot, pending, current))
    dates += [at + OVERLAP for at in unanswered_requests(snapshot) if at + OVERLAP > now]
    return min((date for date in dates if date is not None), default=None)


def unanswered_requests(snapshot: Snapshot) -> list[datetime]:
    """When the requests were made that nothing has answered, the oldest first: the last one, and the one before it."""
    unanswered, record = rules.unanswered_request(snapshot), snapshot.request_record()
    if unanswered is None or record is None:
        return []
    earlier = record.standing_since
    return sorted({unanswered} if earlier is None or rules.is_closed(snapshot, earlier) else {earlier, unanswered})


def days_left(until: datetime | None, now: datetime) -> float:
    """How many days are left, below 0 when they are over; the whole life of a secret if nobody knows an end."""
    return ((until - now) if until is not None else LIFETIME) / _DAY
