"""The moves by which a received secret comes into use, or is kept out of it: shared by the machine and by people."""

from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import MalformedSecret, StoreFailed
from spapi_rotation_lambda.domain.events import RotationEvent
from spapi_rotation_lambda.domain.labels import Label, derived_id
from spapi_rotation_lambda.domain.snapshot import Snapshot, StoredVersion
from spapi_rotation_lambda.ports import Metric, Ports, VersionExists


def put_into_use(
    ports: Ports, snapshot: Snapshot, candidate: StoredVersion, current: StoredVersion, *, replaces: bool
) -> str:
    """Swap AWSCURRENT from exactly the given current version to the candidate, the owner's keys merged in.

    Args:
        replaces: whether the candidate is known to be the newer one, and is to remember that it has replaced the other.

    Returns the id of the version in use. Raises LabelMoved or StoreFailed.
    """
    application, store = snapshot.application, ports.store
    credentials, old = _of(candidate), current.credentials
    heir = credentials
    if replaces and old is not None and old.value_hash not in credentials.replaces:
        heir = credentials.replacing(old)
    merged = current.document.with_credentials(heir, application)
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
    if snapshot.id_of(Label.FIRST_SEEN) != target:
        store.move(application.secret_id, Label.FIRST_SEEN, to=target, away_from=snapshot.id_of(Label.FIRST_SEEN))
    ports.telemetry.count(Metric.PROMOTED)
    ports.telemetry.info("secret_promoted", application, version_id=target, rotation_id=credentials.rotation_id)
    return target


def mark_rejected(ports: Ports, snapshot: Snapshot, pending: StoredVersion) -> None:
    """Add REJECTED, then take AWSPENDING off. Raises LabelMoved or StoreFailed."""
    if Label.REJECTED not in pending.version.labels:
        move_rejected(ports, snapshot, pending.version.id)
    ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, away_from=pending.version.id)


def move_rejected(ports: Ports, snapshot: Snapshot, to: str | None) -> None:
    """Move REJECTED; what loses it is kept as superseded. Raises LabelMoved or StoreFailed."""
    before = snapshot.readable(Label.REJECTED)
    if before is not None and before.credentials is not None:
        keep_as_superseded(ports, snapshot, before)
    secret_id, holder = snapshot.application.secret_id, snapshot.id_of(Label.REJECTED)
    ports.store.move(secret_id, Label.REJECTED, to=to, away_from=holder)


def publish_and_take_off(ports: Ports, snapshot: Snapshot, candidate: StoredVersion, in_use: str) -> None:
    """Publish the rotation, and only then take AWSPENDING off the candidate. Raises LabelMoved or StoreFailed."""
    announce(ports, snapshot, _of(candidate), in_use)
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


def _of(stored: StoredVersion) -> Credentials:
    if stored.credentials is None:
        raise MalformedSecret(
            f"Version {stored.version.id} holds no credentials.",
            remedy=f"Remove the label {Label.PENDING} from it; this package did not put it there.",
        )
    return stored.credentials


def supersede(ports: Ports, snapshot: Snapshot, pending: StoredVersion) -> None:
    """Keep the pending version as superseded, unless a newer one is, and take AWSPENDING off."""
    keep_as_superseded(ports, snapshot, pending)
    ports.store.move(snapshot.application.secret_id, Label.PENDING, to=None, away_from=pending.version.id)


def keep_as_superseded(ports: Ports, snapshot: Snapshot, stored: StoredVersion) -> Snapshot:
    """Move ROTATION_SUPERSEDED onto a version that loses its label, unless it is on a newer one.

    Returns the reading as it is then.
    """
    kept = snapshot.readable(Label.SUPERSEDED)
    kept_issued, issued = (snapshot.issued(one) if one is not None else None for one in (kept, stored))
    holder, version = snapshot.id_of(Label.SUPERSEDED), stored.version
    if holder == version.id or (kept_issued is not None and (issued is None or issued <= kept_issued)):
        return snapshot
    ports.store.move(snapshot.application.secret_id, Label.SUPERSEDED, to=version.id, away_from=holder)
    return snapshot.again(snapshot.versions.moved(Label.SUPERSEDED, version.id, version.created_at))


def is_rejected(snapshot: Snapshot, stored: StoredVersion) -> bool:
    """Whether REJECTED is on this secret, on whichever version: an owner may have written it again."""
    rejected = snapshot.readable(Label.REJECTED)
    return rejected is not None and stored.credentials is not None and rejected.holds(stored.credentials)
