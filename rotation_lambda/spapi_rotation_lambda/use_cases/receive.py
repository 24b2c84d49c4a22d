"""The use case *receive*: take what Amazon sent into a durable, labelled version before acknowledging it.

Duplicates, late older messages and contradictions are told apart by the secret's value and by Amazon's own dates.
"""

from datetime import UTC, datetime
from enum import StrEnum

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials, Document
from spapi_rotation_lambda.domain.errors import (
    MalformedSecret,
    NotOurs,
    NotYetAccepted,
    RotationError,
    SecretMissing,
)
from spapi_rotation_lambda.domain.events import RejectedBy, SecretReceived
from spapi_rotation_lambda.domain.labels import Label, derived_id
from spapi_rotation_lambda.domain.messages import NewSecret
from spapi_rotation_lambda.domain.snapshot import HOLDERS, Snapshot, StoredVersion
from spapi_rotation_lambda.ports import Metric, Ports, VersionExists
from spapi_rotation_lambda.use_cases import verification
from spapi_rotation_lambda.use_cases.announcing import tell, tell_rejected
from spapi_rotation_lambda.use_cases.label_moves import freeing, labels_keep_moving, until_labels_stand_still
from spapi_rotation_lambda.use_cases.promotion import keep_as_superseded, move_rejected
from spapi_rotation_lambda.use_cases.settle import settle

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Receipt(StrEnum):
    """What became of a new secret; in every case its message may be acknowledged."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    CONTRADICTORY = "contradictory"


def receive(ports: Ports, application: Application, message: NewSecret) -> tuple[Receipt, Snapshot | None]:
    """Store a new secret. When this returns, the secret is safe and the message may be acknowledged.

    Returns what became of it, and after it was stored the secret as it is.

    Raises:
        NotOurs: the application is not ours.
        NotYetAccepted: the secret is unseeded, and Amazon does not accept what it sent yet.
        MalformedSecret, StoreFailed: nothing was acknowledged; the message comes again.
    """
    message = message.believed(ports.clock.now())

    def attempt() -> tuple[Receipt, Snapshot, Snapshot | None]:
        snapshot, stored = snapshot_of_ours(ports, application), None
        if _is_unseeded(snapshot):
            if not verification.accepted(ports, message.credentials, None):
                raise NotYetAccepted(
                    f"{application.name}: the first secret is not accepted by Amazon yet.",
                    remedy="Nothing for now: the message comes again. If it ends in the dead-letter queue, have it "
                    "handled again: `spapi-rotation redrive`.",
                )
            ports.telemetry.info("secret_accepted", application, notification_id=message.notification_id)
        receipt = judge(snapshot, message)
        if receipt is Receipt.STORED:
            stored = _store(ports, snapshot, message)
        elif receipt in (Receipt.SUPERSEDED, Receipt.CONTRADICTORY):
            _keep_aside(ports, snapshot, message, receipt)
        elif _is_rejected_undated(snapshot, message):
            _move(ports, snapshot, Label.REJECTED, _write_aside(ports, application, message))  # it has Amazon's dates
        else:
            _resume_first(ports, snapshot, message)
        return receipt, snapshot, stored

    receipt, snapshot, stored = until_labels_stand_still(
        attempt, labels_keep_moving(application, "Nothing: the message comes again.")
    )
    _report(ports, snapshot, message, receipt)
    return receipt, stored


def _is_unseeded(snapshot: Snapshot) -> bool:
    """Whether nobody has put credentials in. An unreadable value is none, but it is not to be overwritten either."""
    if snapshot.versions.labelled(Label.CURRENT) is None:
        return True
    current = snapshot.readable(Label.CURRENT)
    return current is not None and current.credentials is None


def receive_and_settle(ports: Ports, application: Application, message: NewSecret) -> Receipt:
    """Receive a new secret, then settle what is pending. Raises what ``receive`` raises."""
    receipt, stored = receive(ports, application, message)
    if receipt in (Receipt.STORED, Receipt.DUPLICATE):
        settle_after_receipt(ports, application, stored)
    return receipt


def settle_after_receipt(ports: Ports, application: Application, stored: Snapshot | None) -> None:
    """Settle; a failure no longer concerns the message, so it is logged and left to the next check.

    Args:
        stored: the secret as the receipt has left it, if that is known.
    """
    try:
        settle(ports, application, stored)
    except RotationError as error:
        ports.telemetry.warning("settle_left_to_next_check", application, error=type(error).__name__, detail=str(error))
    except Exception as error:  # noqa: BLE001  (the next check raises it; the text could hold anything)
        ports.telemetry.warning("settle_left_to_next_check", application, error=type(error).__name__)


def snapshot_of_ours(ports: Ports, application: Application) -> Snapshot:
    """Read the secret that a message is for. Raises NotOurs when there is none, SecretMissing when it was adopted."""
    try:
        return Snapshot(ports.store, application)
    except SecretMissing:
        if application.client_id in ports.applications.adopted:
            raise  # ours, and somebody has deleted its secret: the message waits for it
        raise NotOurs(
            f"A message is for an application that is not ours: there is no secret {application.secret_id}.",
            remedy="Add the application to the component: its checks take the message back.",
        ) from None


def judge(snapshot: Snapshot, message: NewSecret) -> Receipt:
    """What a message is, compared with what is stored. Dates decide only where they are Amazon's."""
    secret, others = message.credentials.client_secret, list[Credentials]()
    replaced: set[str] = set()
    for stored in snapshot.received():
        known = snapshot.amazons(stored)
        replaced |= set(stored.credentials.replaces if stored.credentials is not None else ())
        if stored.credentials is not None and stored.credentials.client_secret != secret:
            others += [known] if known is not None else []
        elif known is not None and stored.version.labels & set(HOLDERS):
            return Receipt.DUPLICATE
    if _is_rejected_undated(snapshot, message):
        return Receipt.DUPLICATE
    if message.credentials.value_hash in replaced:
        return Receipt.SUPERSEDED  # whatever its time says: a message may lack one
    arrived, newest = _order_of(message.credentials), max(map(_order_of, others), default=None)
    if newest is None or arrived > newest:
        return Receipt.STORED
    return Receipt.CONTRADICTORY if arrived == newest else Receipt.SUPERSEDED


def _is_rejected_undated(snapshot: Snapshot, message: NewSecret) -> bool:
    """Whether a person has rejected this very secret, which they had put in themselves, and have not put in again."""
    rejected, current = snapshot.readable(Label.REJECTED), snapshot.readable(Label.CURRENT)
    return (
        rejected is not None
        and snapshot.amazons(rejected) is None
        and rejected.holds(message.credentials)
        and not (current is not None and current.holds(message.credentials))
    )


def _order_of(credentials: Credentials) -> tuple[datetime, datetime]:
    return credentials.issued or _LONG_AGO, credentials.expires or _LONG_AGO


def _store(ports: Ports, snapshot: Snapshot, message: NewSecret) -> Snapshot | None:
    """Write under a neutral label, then move the meaningful one: an older secret can never take it from a newer.

    Returns:
        the secret as it is then; None where it must be read, since an earlier delivery has written that version or
        more than these two labels may have moved.
    """
    application, current = snapshot.application, snapshot.readable(Label.CURRENT)
    base = current.document if current is not None else Document({}, application)
    heir = message.credentials.replacing(*_replaced(snapshot, current))
    in_use = snapshot.versions.labelled(Label.CURRENT)
    version_id = derived_id("receive", message.notification_id, in_use.id if in_use else "")
    document = base.with_credentials(heir, application)
    last = snapshot.readable(Label.RECEIVED)
    if last is not None and not last.version.labels & set(HOLDERS) and _is_another(last, heir):
        keep_as_superseded(ports, snapshot, last)  # its owner's writes have left it this label alone
    as_written = _write(ports, application, version_id, document, Label.RECEIVED)
    before = snapshot.readable(Label.PENDING)
    if before is not None and _is_another(before, heir):
        keep_as_superseded(ports, snapshot, before)
    with freeing(ports, snapshot, Label.PENDING, since=message.credentials.issued):
        _move(ports, snapshot, Label.PENDING, version_id)
    if in_use is None or not as_written or before is not None or (last is not None and last.version.id != in_use.id):
        return None
    return snapshot.after(version_id, document.text(), (Label.RECEIVED, Label.PENDING), ports.clock.now())


def _is_another(stored: StoredVersion, heir: Credentials) -> bool:
    """Whether it holds another secret that Amazon has sent."""
    known = stored.credentials
    return known is not None and known.are_amazons and known.client_secret != heir.client_secret


def _replaced(snapshot: Snapshot, current: StoredVersion | None) -> list[Credentials]:
    """What a new secret replaces for certain: what was received last, and what is in use if Amazon's date says so."""
    last = snapshot.readable(Label.RECEIVED)
    dated = current if current is not None and snapshot.issued(current) is not None else None
    return [one.credentials for one in (last, dated) if one is not None and one.credentials is not None]


def _keep_aside(ports: Ports, snapshot: Snapshot, message: NewSecret, verdict: Receipt) -> None:
    """Keep a secret that is not to be used, so that nothing which Amazon sent is dropped."""
    label = Label.SUPERSEDED
    if verdict is Receipt.CONTRADICTORY and not _holds_newer(snapshot, Label.REJECTED, message.credentials):
        label = Label.REJECTED
    if label is Label.SUPERSEDED and _holds_newer(snapshot, label, message.credentials):
        return  # older than what is kept as superseded: nobody needs it
    version_id = _write_aside(ports, snapshot.application, message)
    current = snapshot.readable(Label.CURRENT)
    in_use = current.credentials if current is not None else None
    if in_use is not None and not in_use.are_amazons and in_use.client_secret == message.credentials.client_secret:
        _move(ports, snapshot, Label.FIRST_SEEN, version_id)  # it knows Amazon's dates of the value in use
    if label is Label.REJECTED:
        move_rejected(ports, snapshot, version_id)
        tell_rejected(ports, snapshot, version_id, RejectedBy.CONTRADICTION)
    else:
        _move(ports, snapshot, label, version_id)


def _write_aside(ports: Ports, application: Application, message: NewSecret) -> str:
    version_id = derived_id("aside", message.notification_id)
    alone = Document({}, application).with_credentials(message.credentials, application)
    _write(ports, application, version_id, alone, Label.SCRATCH)
    return version_id


def _holds_newer(snapshot: Snapshot, label: Label, credentials: Credentials) -> bool:
    holder = snapshot.readable(label)
    known = snapshot.amazons(holder) if holder is not None else None
    return known is not None and _order_of(known) >= _order_of(credentials)


def _write(ports: Ports, application: Application, version_id: str, document: Document, label: Label) -> bool:
    """Write a version. Returns False if an earlier delivery has, perhaps beside other keys."""
    try:
        ports.store.write(application.secret_id, version_id, document.text(), label)
    except VersionExists:
        _require_same(ports, application, version_id, document)
        return False
    return True


def _move(ports: Ports, snapshot: Snapshot, label: Label, version_id: str) -> None:
    ports.store.move(snapshot.application.secret_id, label, to=version_id, away_from=snapshot.id_of(label))


def _resume_first(ports: Ports, snapshot: Snapshot, message: NewSecret) -> None:
    """Go on with a secret's very first version, which AWS makes current as it is written: it may be unpublished.

    A later copy of that message publishes it again, which is harmless.
    """
    first = derived_id("receive", message.notification_id, "")
    if snapshot.id_of(Label.CURRENT) == first and snapshot.id_of(Label.PENDING) is None:
        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=first, away_from=None)


def _require_same(ports: Ports, application: Application, version_id: str, document: Document) -> None:
    """Whatever its dates and other keys: an earlier delivery may have found others."""
    stored = Document.parse(ports.store.read(application.secret_id, version_id), application).credentials
    wanted = document.credentials
    if stored is None or wanted is None or stored.client_secret != wanted.client_secret:
        raise MalformedSecret(
            f"{application.name}: two different messages carry the same notification id (version {version_id}).",
            remedy="Look at the message in the dead-letter queue: one of the two did not come from Amazon.",
        )


def _report(ports: Ports, snapshot: Snapshot, message: NewSecret, verdict: Receipt) -> None:
    metric, say = {
        Receipt.STORED: (Metric.RECEIVED, ports.telemetry.info),
        Receipt.DUPLICATE: (Metric.DUPLICATE, ports.telemetry.info),
        Receipt.SUPERSEDED: (Metric.SUPERSEDED, ports.telemetry.info),
        Receipt.CONTRADICTORY: (Metric.CONTRADICTORY, ports.telemetry.warning),
    }[verdict]
    ports.telemetry.count(metric)
    credentials = message.credentials
    say(
        f"secret_{verdict.value}",
        snapshot.application,
        notification_id=message.notification_id,
        issued_at=credentials.issued_at,
    )
    if verdict is Receipt.STORED:
        issued, expires = credentials.issued, credentials.expires
        tell(
            ports,
            SecretReceived(snapshot.application, snapshot.versions.arn, message.notification_id, issued, expires),
        )
