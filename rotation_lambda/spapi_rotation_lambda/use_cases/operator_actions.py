"""Operator actions: promote, reject, rollback, seed. Each leaves a state from which the next rotation works.

They move labels with the same compare-and-swap as the machine. A crash inside one leaves either the old state, or
REJECTED, which says that a person has to finish; repeating the action finishes it.
"""

import hashlib
from dataclasses import replace
from datetime import datetime

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials, Document
from spapi_rotation_lambda.domain.errors import NotYetAccepted, RotationError
from spapi_rotation_lambda.domain.events import RejectedBy
from spapi_rotation_lambda.domain.labels import Label, Version, derived_id
from spapi_rotation_lambda.domain.snapshot import OVERLAP, Snapshot, StoredVersion
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases import verification
from spapi_rotation_lambda.use_cases.announcing import tell_rejected
from spapi_rotation_lambda.use_cases.label_moves import telling_a_person
from spapi_rotation_lambda.use_cases.promotion import (
    announce,
    is_rejected,
    keep_as_superseded,
    mark_rejected,
    move_rejected,
    publish_and_take_off,
    put_into_use,
)


class NothingToDo(RotationError):
    """The action does not fit the state; nothing was changed."""


def promote(ports: Ports, application: Application) -> str:
    """Put the pending, or else the rejected, version into use without verification. Returns its version id.

    Raises:
        NothingToDo: there is neither, or it is older than the secret in use.
        StoreFailed: a label moved meanwhile, or AWS failed; look at the state and repeat.
    """
    snapshot = Snapshot(ports.store, application)
    current = _seeded(snapshot)
    candidate = snapshot.readable(Label.PENDING) or snapshot.readable(Label.REJECTED)
    if candidate is None or candidate.credentials is None:
        raise NothingToDo(
            f"{application.name}: nothing is pending or rejected.",
            remedy="Nothing. To get a new secret, request a rotation.",
        )
    if _newer(snapshot, current, candidate):
        raise NothingToDo(
            f"{application.name}: the secret in use is newer than the pending or rejected one.",
            remedy="Nothing. To go back to the previous secret, use rollback.",
        )
    same = current.holds(candidate.credentials)
    newer = rules.order(snapshot, candidate, current) is rules.Order.NEWER
    with telling_a_person(application):
        if not same:
            snapshot = _keep_previous(ports, snapshot, current, candidate.credentials)
        in_use = current.version.id if same else put_into_use(ports, snapshot, candidate, current, replaces=newer)
        publish_and_take_off(ports, snapshot, candidate, in_use)
        _take_off_rejected(ports, snapshot, {candidate.version.id, in_use})
    ports.telemetry.warning("promoted_by_hand", application, version_id=in_use)
    return in_use


def reject(ports: Ports, application: Application) -> str:
    """Reject the pending version: the machine never promotes it. Returns its version id.

    Raises:
        NothingToDo: nothing is pending; perhaps it is in use already.
        StoreFailed: a label moved meanwhile, or AWS failed; look at the state and repeat.
    """
    snapshot = Snapshot(ports.store, application)
    pending = snapshot.pending
    if pending is None or pending.version.id == snapshot.id_of(Label.CURRENT):
        raise NothingToDo(
            f"{application.name}: nothing is pending.",
            remedy="If the new secret is in use already, use rollback.",
        )
    with telling_a_person(application):
        mark_rejected(ports, snapshot, pending)
    tell_rejected(ports, snapshot, pending.version.id, RejectedBy.PERSON)
    ports.telemetry.warning("rejected_by_hand", application, version_id=pending.version.id)
    return pending.version.id


def rollback(ports: Ports, application: Application) -> str:
    """Put the previous secret back into use, with today's other keys. Returns the new version's id.

    The current version gets REJECTED first, so that the machine does not promote it again.

    Raises:
        NothingToDo: there is no older secret that still lives, or a newer one is pending or rejected.
        StoreFailed: a label moved meanwhile, or AWS failed; look at the state and repeat.
    """
    snapshot = Snapshot(ports.store, application)
    current, previous = _seeded(snapshot), snapshot.readable(Label.PREVIOUS)
    # Left on what an earlier run has rolled back, if that was killed: AWSPENDING says nothing then.
    if snapshot.id_of(Label.PENDING) not in (None, current.version.id, snapshot.id_of(Label.REJECTED)):
        raise NothingToDo(f"{application.name}: a received secret is pending.", remedy="Reject or promote it first.")
    if current.credentials is not None and previous is not None and is_rejected(snapshot, previous):
        # An earlier run has swapped already, and may not have published; a second swap would undo it.
        announce(ports, snapshot, current.credentials, current.version.id)
        return current.version.id
    older, dies_at = _living_credentials(ports, snapshot, previous, current)
    _refuse_beside_another_rejected(snapshot, current)
    document = current.document.with_credentials(older, application)
    version_id = derived_id("rollback", current.version.id, previous.version.id if previous else "")
    with telling_a_person(application):
        ports.store.write(application.secret_id, version_id, document.text(), Label.SCRATCH)
        if Label.REJECTED not in current.version.labels:
            move_rejected(ports, snapshot, current.version.id)
        ports.store.move(application.secret_id, Label.CURRENT, to=version_id, away_from=current.version.id)
        announce(ports, snapshot, replace(older, expires_at=dies_at, previous_expires_at=None), version_id)
    tell_rejected(ports, snapshot, current.version.id, RejectedBy.PERSON)
    ports.telemetry.warning("rolled_back_by_hand", application, version_id=version_id)
    return version_id


def seed(ports: Ports, application: Application, credentials: Credentials) -> str:
    """Put credentials into the secret, once Amazon has accepted them, keeping the owner's other keys.

    Takes AWSPENDING and REJECTED off: what a person puts in now is the newest. A malformed version stays AWSPREVIOUS.
    Returns the new version's id.

    Raises:
        NotYetAccepted: Amazon does not accept them.
        NothingToDo: another secret is pending.
        StoreFailed: a label moved meanwhile, or AWS failed; look at the state and repeat.
    """
    snapshot = Snapshot(ports.store, application)
    pending = snapshot.readable(Label.PENDING)
    if pending is not None and pending.credentials is not None and not pending.holds(credentials):
        raise NothingToDo(f"{application.name}: a received secret is pending.", remedy="Promote or reject it first.")
    if not verification.accepted(ports, credentials, None):
        raise NotYetAccepted(
            f"{application.name}: Amazon does not accept these credentials.",
            remedy="Check client id and secret. A secret made minutes ago may need half an hour.",
        )
    replaced, current = snapshot.versions.labelled(Label.CURRENT), snapshot.readable(Label.CURRENT)
    document = _owners(ports, application, replaced, current).with_credentials(credentials, application)
    if current is not None and document == current.document:
        version_id = current.version.id
    else:
        version_id = derived_id("seed", replaced.id if replaced else "", _digest(credentials))
    with telling_a_person(application):
        if replaced is None or version_id != replaced.id:
            # A secret's first version gets AWSCURRENT by itself.
            ports.store.write(application.secret_id, version_id, document.text(), Label.SCRATCH)
        if replaced is not None and version_id != replaced.id:
            snapshot = _keep_previous(ports, snapshot, current, credentials)
            ports.store.move(application.secret_id, Label.CURRENT, to=version_id, away_from=replaced.id)
        announce(ports, snapshot, credentials, version_id)
        if (holder := snapshot.id_of(Label.PENDING)) is not None:
            ports.store.move(application.secret_id, Label.PENDING, to=None, away_from=holder)
        if snapshot.id_of(Label.REJECTED) is not None:
            move_rejected(ports, snapshot, None)
    ports.telemetry.warning("seeded_by_hand", application, version_id=version_id)
    return version_id


def _keep_previous(ports: Ports, snapshot: Snapshot, current: StoredVersion | None, coming: Credentials) -> Snapshot:
    """Keep as superseded what loses AWSPREVIOUS to the one in use, unless that is known to be newer (OPS-11).

    What the one in use or the one that comes into use holds as well is kept by that, and takes nobody's label.

    Returns the reading as it is then.
    """
    previous = snapshot.readable(Label.PREVIOUS)
    if previous is None or previous.credentials is None or snapshot.issued(previous) is None or previous.holds(coming):
        return snapshot
    if current is not None and (current.holds(previous.credentials) or _newer(snapshot, current, previous)):
        return snapshot
    return keep_as_superseded(ports, snapshot, previous)


def _owners(
    ports: Ports, application: Application, replaced: Version | None, current: StoredVersion | None
) -> Document:
    """What a seed is put over. A malformed value has the owner's keys, too, if it is a JSON object."""
    if current is not None:
        return current.document
    if replaced is None:
        return Document({}, application)
    return Document.of_owner(ports.store.read(application.secret_id, replaced.id), application)


def _digest(credentials: Credentials) -> str:
    """What tells two seeds over one version apart, so that a repeated seed writes the same version again."""
    dates = (credentials.issued_at, credentials.expires_at, credentials.previous_expires_at)
    parts = (credentials.client_secret.reveal(), *(format_time(date) if date else "" for date in dates))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _seeded(snapshot: Snapshot) -> StoredVersion:
    current = snapshot.current
    if current is None or current.credentials is None:
        raise NothingToDo(f"{snapshot.application.name}: the secret holds no credentials yet.", remedy="Seed it first.")
    return current


def _refuse_beside_another_rejected(snapshot: Snapshot, current: StoredVersion) -> None:
    """REJECTED may not leave a secret that is newer, or may be: it would be nowhere, and Amazon may kill ours."""
    rejected = snapshot.readable(Label.REJECTED)
    if rejected is None or is_rejected(snapshot, current):
        return
    rejected_at, issued = snapshot.issued(rejected), snapshot.issued(current)
    if rejected_at is None or issued is None or rejected_at >= issued:
        raise NothingToDo(
            f"{snapshot.application.name}: another secret is rejected already, and is not known to be older.",
            remedy="Promote that one, or make a new secret in Amazon's Developer Console and seed it.",
        )


def _living_credentials(
    ports: Ports, snapshot: Snapshot, previous: StoredVersion | None, current: StoredVersion
) -> tuple[Credentials, datetime | None]:
    """The previous secret, if it is another one and still lives, and when it dies."""
    application = snapshot.application
    older = previous.credentials if previous is not None else None
    in_use = current.credentials
    if older is None or in_use is None or older.client_secret == in_use.client_secret:
        raise NothingToDo(
            f"{application.name}: there is no other secret to go back to.",
            remedy="Make a new secret in Amazon's Developer Console and seed it.",
        )
    if previous is not None and _newer(snapshot, previous, current):
        # An owner has written an old value back over it. It must not be the one that is rejected and pushed off.
        raise NothingToDo(
            f"{application.name}: the previous version holds the newer secret.",
            remedy="Nothing. The next check puts it back into use. To stay with the older one, reject it then.",
        )
    issued = snapshot.issued(current)
    overlap_ends = issued + OVERLAP if issued is not None else None
    dies_at = _earliest(older.expires, in_use.previous_expires_at, overlap_ends)
    if dies_at is not None and dies_at <= ports.clock.now():
        raise NothingToDo(
            f"{application.name}: the previous secret died at {format_time(dies_at)}.",
            remedy="Make a new secret in Amazon's Developer Console and seed it.",
        )
    return older, dies_at


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _newer(snapshot: Snapshot, one: StoredVersion, other: StoredVersion) -> bool:
    """Whether one is newer by Amazon's dates."""
    issued, others = snapshot.issued(one), snapshot.issued(other)
    return issued is not None and others is not None and issued > others


def _take_off_rejected(ports: Ports, snapshot: Snapshot, versions: set[str]) -> None:
    holder = snapshot.id_of(Label.REJECTED)
    if holder in versions:
        ports.store.move(snapshot.application.secret_id, Label.REJECTED, to=None, away_from=holder)
