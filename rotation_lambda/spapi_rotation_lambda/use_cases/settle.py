"""The use case *settle*: bring a received secret into use, when Amazon accepts it, and leave no label untrue.

It runs after each receipt, in each check and during ``pulumi up``, and starts again from the labels whenever one of
them has moved.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.deaths import days_left
from spapi_rotation_lambda.domain.errors import NotPublished
from spapi_rotation_lambda.domain.events import RejectedBy, RotationEvent
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.snapshot import Snapshot, StoredVersion
from spapi_rotation_lambda.ports import CallAnswer, Metric, Ports
from spapi_rotation_lambda.use_cases import announcing, overwritten, verification
from spapi_rotation_lambda.use_cases.label_moves import labels_keep_moving, reading, until_labels_stand_still
from spapi_rotation_lambda.use_cases.promotion import mark_rejected, publish_and_take_off, put_into_use, supersede

_NOT_EXPIRED = tuple(answer for answer in CallAnswer if answer is not CallAnswer.EXPIRED)

UNDECIDED = timedelta(days=8)
"""How long Amazon may take to let the older of two secrets die: 7 days, and a day more."""


class Outcome(StrEnum):
    """How a settle ended."""

    UNSEEDED = "unseeded"
    NOTHING_PENDING = "nothing-pending"
    PROMOTED = "promoted"
    TAKEN_OFF = "taken-off"
    """The pending version was not newer than the current one, or no message brought it."""
    REJECTED = "rejected"
    NOT_YET = "not-yet"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a settle ended, with the reading it ended on (taken before its last change)."""

    outcome: Outcome
    snapshot: Snapshot


def settle(ports: Ports, application: Application, at_hand: Snapshot | None = None) -> Settlement:
    """Verify and promote what is pending.

    Args:
        at_hand: a reading of the secret as it is; the first attempt makes none then.

    Raises:
        MalformedSecret: the current or the pending value is not what it should be.
        StoreFailed: AWS failed, or the labels never stood still.
    """
    read = reading(ports, application, at_hand)

    def attempt() -> Settlement | None:
        snapshot = read()
        outcome = _settle_once(ports, snapshot)
        return None if outcome is None else Settlement(outcome, snapshot)

    return until_labels_stand_still(
        attempt,
        labels_keep_moving(
            application,
            "Nothing for now: the next check tries again. If it persists, find out who else writes this secret.",
        ),
    )


def _settle_once(ports: Ports, snapshot: Snapshot) -> Outcome | None:
    current = snapshot.current
    if current is None:
        return Outcome.UNSEEDED
    _note_first_seen(ports, snapshot, current)
    if snapshot.id_of(Label.PENDING) is None:
        return None if overwritten.make_pending_again(ports, snapshot, current) else Outcome.NOTHING_PENDING
    pending = snapshot.readable(Label.PENDING)
    if pending is None or pending.credentials is None or not pending.credentials.are_amazons:
        return _take_off_strange(ports, snapshot)
    if (early := _without_promotion(ports, snapshot, pending, current)) is not None:
        return early
    if rules.order(snapshot, pending, current) is rules.Order.UNKNOWN:
        if (undecided := _let_amazon_decide(ports, snapshot, pending, current)) is not None:
            return undecided
    elif not verification.accepted(
        ports, pending.credentials, current.credentials, stored_at=pending.version.created_at
    ):
        return _not_yet(ports, snapshot, pending, current)
    ports.telemetry.info("secret_accepted", snapshot.application, version_id=pending.version.id)
    latest = snapshot.again()
    if latest.id_of(Label.PENDING) != pending.version.id or latest.current is None:
        return None
    if (early := _without_promotion(ports, latest, pending, latest.current)) is not None:
        return early
    if _value(latest.current) != _value(current):
        return None  # somebody has put another one in meanwhile, so the order is another
    newer = rules.order(latest, pending, latest.current) is rules.Order.NEWER
    _publish(ports, latest, pending, put_into_use(ports, latest, pending, latest.current, replaces=newer))
    return Outcome.PROMOTED


def _publish(ports: Ports, snapshot: Snapshot, pending: StoredVersion, in_use: str) -> None:
    """What nobody heard of keeps its label, so that the next check publishes it again; nothing waits for that."""
    try:
        publish_and_take_off(ports, snapshot, pending, in_use)
    except NotPublished as error:
        announcing.note_not_published(ports, snapshot.application, RotationEvent.DETAIL_TYPE, error)


def _value(stored: StoredVersion) -> Sensitive | None:
    return stored.credentials.client_secret if stored.credentials is not None else None


def _note_first_seen(ports: Ports, snapshot: Snapshot, current: StoredVersion) -> None:
    """Keep FIRST_SEEN on a version that knows Amazon's dates of the value in use, or else on the first one of it."""
    if current.credentials is None or snapshot.id_of(Label.FIRST_SEEN) == current.version.id:
        return
    if not current.credentials.are_amazons and snapshot.knows_since_when(current):
        return
    ports.store.move(
        snapshot.application.secret_id,
        Label.FIRST_SEEN,
        to=snapshot.first_copy(current).version.id,
        away_from=snapshot.id_of(Label.FIRST_SEEN),
    )


def _take_off_strange(ports: Ports, snapshot: Snapshot) -> Outcome:
    """Somebody else put AWSPENDING there, such as a native rotation or a person: it says nothing here."""
    holder = snapshot.id_of(Label.PENDING)
    ports.telemetry.warning("pending_is_not_of_amazon", snapshot.application, version_id=holder)
    ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, away_from=holder)
    return Outcome.TAKEN_OFF


def _without_promotion(
    ports: Ports, snapshot: Snapshot, pending: StoredVersion, current: StoredVersion
) -> Outcome | None:
    """End it when the pending version is the current secret already, or not newer than it."""
    if snapshot.id_of(Label.REJECTED) == pending.version.id:
        # A reject that was interrupted.
        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, away_from=pending.version.id)
        return Outcome.REJECTED
    if current.credentials is None:
        return None
    if _value(pending) == _value(current):
        in_use = current.version.id
        if not current.credentials.are_amazons:  # put in by its owner; the message brings Amazon's dates
            in_use = put_into_use(ports, snapshot, pending, current, replaces=False)
        _publish(ports, snapshot, pending, in_use)
        return Outcome.PROMOTED
    if rules.order(snapshot, pending, current) is not rules.Order.OLDER:
        return None
    ports.telemetry.info("pending_is_not_newer", snapshot.application, version_id=pending.version.id)
    supersede(ports, snapshot, pending)
    return Outcome.TAKEN_OFF


def _let_amazon_decide(
    ports: Ports, snapshot: Snapshot, pending: StoredVersion, current: StoredVersion
) -> Outcome | None:
    """Which of two secrets is newer cannot be known; Amazon lets the older one die within its 7 days.

    Returns:
        None once the one in use is dead and the pending one is not.
    """
    now, application = ports.clock.now(), snapshot.application
    seen = snapshot.first_seen(current)
    if now >= max(pending.version.created_at, seen) + UNDECIDED:
        ports.telemetry.count(Metric.CONTRADICTORY)
        ports.telemetry.warning("pending_contradicts_current", application, version_id=pending.version.id)
        mark_rejected(ports, snapshot, pending)
        announcing.tell_rejected(ports, snapshot, pending.version.id, RejectedBy.UNDECIDED)
        return Outcome.REJECTED
    ports.telemetry.count(Metric.ORDER_UNKNOWN)
    ports.telemetry.warning("order_unknown", application, version_id=pending.version.id)
    if current.credentials is None or pending.credentials is None or now < seen + overwritten.SETTLED_IN:
        return Outcome.NOT_YET
    if verification.outlives(ports, pending.credentials, current.credentials, answers=_NOT_EXPIRED):
        return None
    if verification.outlives(ports, current.credentials, pending.credentials, answers=_NOT_EXPIRED):
        supersede(ports, snapshot, pending)
        return Outcome.TAKEN_OFF
    return Outcome.NOT_YET


def _not_yet(ports: Ports, snapshot: Snapshot, pending: StoredVersion, current: StoredVersion) -> Outcome:
    now, dies_at = ports.clock.now(), rules.old_secret_dies_at(snapshot, pending, current)
    stuck = rules.is_stuck(snapshot, pending, current, now)
    if stuck:
        ports.telemetry.count(Metric.STUCK, days_left(dies_at, now))
    else:
        ports.telemetry.count(Metric.NOT_YET)
    ports.telemetry.warning(
        "secret_stuck" if stuck else "secret_not_yet_accepted",
        snapshot.application,
        version_id=pending.version.id,
        old_secret_dies_at=dies_at,
    )
    return Outcome.STUCK if stuck else Outcome.NOT_YET
