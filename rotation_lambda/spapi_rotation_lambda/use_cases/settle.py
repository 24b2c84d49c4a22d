"""The use case *settle*: bring a received secret into use, when Amazon accepts it, and leave no label untrue.

It runs after every receipt, by every check, by ``pulumi up`` and the command line, and starts again from the labels
whenever one of them has moved.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import MalformedSecret, StoreFailed
from spapi_rotation_lambda.domain.labels import Label, derived_id
from spapi_rotation_lambda.domain.snapshot import Snapshot, StoredVersion
from spapi_rotation_lambda.ports import Metric, Ports, RotationEvent, VersionExists
from spapi_rotation_lambda.use_cases import verification
from spapi_rotation_lambda.use_cases.label_moves import labels_keep_moving, until_labels_stand_still


class Outcome(StrEnum):
    """How a settle ended."""

    UNSEEDED = "unseeded"
    NOTHING_PENDING = "nothing-pending"
    PROMOTED = "promoted"
    TAKEN_OFF = "taken-off"
    """The pending version was not newer than the current one."""
    REJECTED = "rejected"
    NOT_YET = "not-yet"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a settle ended, with the reading it ended on (taken before its last change)."""

    outcome: Outcome
    snapshot: Snapshot


def settle(ports: Ports, application: Application) -> Settlement:
    """Verify and promote what is pending.

    Raises:
        MalformedSecret: the current or the pending value is not what it should be.
        StoreFailed: AWS failed, or the labels never stood still.
    """

    def attempt() -> Settlement | None:
        snapshot = Snapshot(ports.store, application)
        outcome = _settle_once(ports, snapshot)
        return None if outcome is None else Settlement(outcome, snapshot)

    return until_labels_stand_still(
        attempt,
        labels_keep_moving(
            application,
            "Nothing at first: the next check tries again. If it goes on, look who else writes this secret.",
        ),
    )


def _settle_once(ports: Ports, snapshot: Snapshot) -> Outcome | None:
    current = snapshot.current
    if current is None:
        return Outcome.UNSEEDED
    pending = snapshot.pending
    if pending is None:
        return _restore_overwritten(ports, snapshot, current)
    if (early := _without_promotion(ports, snapshot, pending, current)) is not None:
        return early
    if not _is_accepted(ports, pending, current):
        return _not_yet(ports, snapshot, pending, current)
    ports.telemetry.info("secret_accepted", snapshot.application, version_id=pending.version.id)
    latest = Snapshot(ports.store, snapshot.application)
    if latest.id_of(Label.PENDING) != pending.version.id or latest.current is None:
        return None
    if (early := _without_promotion(ports, latest, pending, latest.current)) is not None:
        return early
    publish_and_take_off(ports, latest, pending, put_into_use(ports, latest, pending, latest.current))
    return Outcome.PROMOTED


def _is_accepted(ports: Ports, pending: StoredVersion, current: StoredVersion) -> bool:
    candidate, stored_at = _credentials(pending), pending.version.created_at
    return verification.accepted(ports, candidate, current.credentials, stored_at=stored_at)


def _restore_overwritten(ports: Ports, snapshot: Snapshot, current: StoredVersion) -> Outcome | None:
    """An owner's stale write put an old secret back over a newer one: make the newer one pending again.

    After one such write the newer one is the previous version; after two it carries ROTATION_RECEIVED alone.
    """
    issued = snapshot.issued(current)
    if issued is None:
        return Outcome.NOTHING_PENDING
    for label in (Label.PREVIOUS, Label.RECEIVED):
        version = snapshot.versions.labelled(label)
        if version is None or version.id == current.version.id or version.created_at <= issued:
            continue  # what was stored before the current secret was issued is older: no need to read
        if label is Label.RECEIVED and version.created_at > current.version.created_at:
            continue  # never in use: its message was not acknowledged, or a person decided
        overwritten = snapshot.stored(label)
        if overwritten is None or not _is_newer_than_rejected(snapshot, overwritten):
            continue  # a person's decision stands
        if _is_newer(overwritten, issued, current):
            ports.telemetry.warning("newer_secret_overwritten", snapshot.application, version_id=version.id)
            ports.store.move(snapshot.application.secret_id, Label.PENDING, to=version.id, away_from=None)
            return None
    return Outcome.NOTHING_PENDING


def is_rejected(snapshot: Snapshot, stored: StoredVersion) -> bool:
    """Whether REJECTED is on this secret, on whichever version: an owner may have written it again."""
    rejected = snapshot.stored(Label.REJECTED)
    if rejected is None or stored.credentials is None or rejected.credentials is None:
        return False
    return stored.credentials.client_secret == rejected.credentials.client_secret


def _is_newer_than_rejected(snapshot: Snapshot, stored: StoredVersion) -> bool:
    """Whether a secret came after all that were rejected: of several, the label is on the newest alone."""
    rejected = snapshot.stored(Label.REJECTED)
    if rejected is None:
        return True
    rejected_at, issued = snapshot.issued(rejected), snapshot.issued(stored)
    return rejected_at is not None and issued is not None and issued > rejected_at


def _is_newer(overwritten: StoredVersion, issued: datetime, current: StoredVersion) -> bool:
    """Whether a version's own date is later, and it holds another secret: an owner may change a date alone."""
    older, newer = current.credentials, overwritten.credentials
    if newer is None or newer.issued is None or newer.issued <= issued:
        return False
    return older is None or older.client_secret != newer.client_secret


def _without_promotion(
    ports: Ports, snapshot: Snapshot, pending: StoredVersion, current: StoredVersion
) -> Outcome | None:
    """End it when the pending version is the current secret already, or not newer than it."""
    if snapshot.id_of(Label.REJECTED) == pending.version.id:
        # A reject that did not come to its end.
        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, away_from=pending.version.id)
        return Outcome.REJECTED
    candidate, in_use = pending.credentials, current.credentials
    if candidate is None or in_use is None:
        return None
    if candidate.client_secret == in_use.client_secret:
        publish_and_take_off(ports, snapshot, pending, current.version.id)
        return Outcome.PROMOTED
    issued, issued_in_use = candidate.issued, snapshot.issued(current)
    if issued is None:
        return None
    secret_id = snapshot.application.secret_id
    if issued_in_use is None:
        if issued >= current.version.created_at:
            return None
        # Which of the two is newer cannot be known; a person decides.
        ports.telemetry.count(Metric.CONTRADICTORY)
        ports.telemetry.warning("pending_contradicts_current", snapshot.application, version_id=pending.version.id)
        mark_rejected(ports, snapshot, pending)
        return Outcome.REJECTED
    if issued > issued_in_use:
        return None
    ports.telemetry.info("pending_is_not_newer", snapshot.application, version_id=pending.version.id)
    ports.store.move(secret_id, Label.PENDING, to=None, away_from=pending.version.id)
    return Outcome.TAKEN_OFF


def _not_yet(ports: Ports, snapshot: Snapshot, pending: StoredVersion, current: StoredVersion) -> Outcome:
    stuck = rules.is_stuck(pending, current, ports.clock.now())
    ports.telemetry.count(Metric.STUCK if stuck else Metric.NOT_YET)
    ports.telemetry.warning(
        "secret_stuck" if stuck else "secret_not_yet_accepted",
        snapshot.application,
        version_id=pending.version.id,
        old_secret_dies_at=rules.old_secret_dies_at(pending, current),
    )
    return Outcome.STUCK if stuck else Outcome.NOT_YET


def put_into_use(ports: Ports, snapshot: Snapshot, candidate: StoredVersion, current: StoredVersion) -> str:
    """Swap AWSCURRENT from exactly the given current version to the candidate, the owner's keys merged in.

    Returns the id of the version in use. Raises LabelMoved or StoreFailed.
    """
    application, store = snapshot.application, ports.store
    credentials = _credentials(candidate)
    merged = current.document.with_credentials(credentials, application)
    target = candidate.version.id
    if merged != candidate.document:
        target = derived_id("promote", candidate.version.id, current.version.id)
        try:
            store.write(application.secret_id, target, merged.text(), Label.RECEIVED)
        except VersionExists:
            raise StoreFailed(
                f"{application.name}: version {target} holds something else than what should be promoted.",
                remedy=f"Delete nothing. Put the label {Label.CURRENT} on the version that you trust, by hand.",
            ) from None
    store.move(application.secret_id, Label.CURRENT, to=target, away_from=current.version.id)
    ports.telemetry.count(Metric.PROMOTED)
    ports.telemetry.info("secret_promoted", application, version_id=target, rotation_id=credentials.rotation_id)
    return target


def mark_rejected(ports: Ports, snapshot: Snapshot, pending: StoredVersion) -> None:
    """Add REJECTED, then take AWSPENDING off. Raises LabelMoved or StoreFailed."""
    secret_id = snapshot.application.secret_id
    if Label.REJECTED not in pending.version.labels:
        ports.store.move(secret_id, Label.REJECTED, to=pending.version.id, away_from=snapshot.id_of(Label.REJECTED))
    ports.store.move(secret_id, Label.PENDING, to=None, away_from=pending.version.id)


def publish_and_take_off(ports: Ports, snapshot: Snapshot, candidate: StoredVersion, in_use: str) -> None:
    """Publish the rotation, and only then take AWSPENDING off the candidate. Raises LabelMoved or StoreFailed."""
    announce(ports, snapshot, _credentials(candidate), in_use)
    if snapshot.id_of(Label.PENDING) == candidate.version.id:
        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, away_from=candidate.version.id)


def announce(ports: Ports, snapshot: Snapshot, credentials: Credentials, in_use: str) -> None:
    """Tell consumers which version is in use. Raises StoreFailed."""
    ports.announcer.rotated(
        RotationEvent(
            application=snapshot.application,
            secret_arn=snapshot.versions.arn,
            version_id=in_use,
            rotation_id=credentials.rotation_id,
            expires_at=credentials.expires,
            previous_expires_at=credentials.previous_expires_at,
        )
    )


def _credentials(stored: StoredVersion) -> Credentials:
    if stored.credentials is None:
        raise MalformedSecret(
            f"Version {stored.version.id} holds no credentials.",
            remedy=f"Take the label {Label.PENDING} off it; this package did not put it there.",
        )
    return stored.credentials
