"""A received secret over which its owner, or a tool of theirs, has written an older one: it comes back.

The received version alone is looked at, and only what proves that the value in use is the older one brings it back:
Amazon's dates, the memory of what it has replaced, or Amazon itself, which refuses the one and accepts the other.
"""

from datetime import timedelta

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.snapshot import Snapshot, StoredVersion
from spapi_rotation_lambda.ports import CallAnswer, Metric, Ports
from spapi_rotation_lambda.use_cases import verification
from spapi_rotation_lambda.use_cases.label_moves import freeing
from spapi_rotation_lambda.use_cases.promotion import is_rejected

SETTLED_IN = timedelta(hours=2)
"""From when on a refusal of the value in use counts: SP-API is reported to refuse a live one for half an hour."""


def make_pending_again(ports: Ports, snapshot: Snapshot, current: StoredVersion) -> bool:
    """Make the received secret pending again if the one in use is proven older; settle then verifies and promotes it.

    Returns:
        whether it is pending again.
    """
    received = _overwritten(snapshot, current)
    if received is None:
        return False
    if rules.order(snapshot, received, current) is not rules.Order.NEWER and not _amazon_says_so(
        ports, snapshot, current, received
    ):
        return False
    if received.version.created_at < current.version.created_at:  # else its receipt was interrupted
        ports.telemetry.count(Metric.OVERWRITTEN)
        ports.telemetry.warning("newer_secret_overwritten", snapshot.application, version_id=received.version.id)
    with freeing(ports, snapshot, Label.PENDING, since=received.version.created_at):
        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=received.version.id, away_from=None)
    return True


def _overwritten(snapshot: Snapshot, current: StoredVersion) -> StoredVersion | None:
    """The received version, if it holds another secret than the one in use, and no person has decided against it."""
    holder = snapshot.id_of(Label.RECEIVED)
    if holder is None or holder == current.version.id or current.credentials is None:
        return None
    received = snapshot.readable(Label.RECEIVED)
    if received is None or received.credentials is None or not received.credentials.are_amazons:
        return None
    if received.holds(current.credentials) or is_rejected(snapshot, received):
        return None
    rejected = snapshot.readable(Label.REJECTED)
    if rejected is not None:
        rejected_at, issued = snapshot.issued(rejected), snapshot.issued(received)
        if rejected_at is None or issued is None or issued <= rejected_at:
            return None
    return received


def _amazon_says_so(ports: Ports, snapshot: Snapshot, current: StoredVersion, received: StoredVersion) -> bool:
    if current.credentials is None or received.credentials is None or snapshot.issued(current) is not None:
        return False
    if ports.clock.now() < snapshot.first_seen(current) + SETTLED_IN:
        return False
    return verification.outlives(ports, received.credentials, current.credentials, answers=(CallAnswer.ACCEPTED,))
