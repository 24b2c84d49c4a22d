"""The use case *receive*: take what Amazon sent into a durable, labelled version before acknowledging it.

Duplicates, late older messages and contradictions are told apart by the secret's value and by Amazon's own dates.
"""

from datetime import UTC, datetime
from enum import StrEnum

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Document
from spapi_rotation_lambda.domain.errors import (
    MalformedSecret,
    NotOurs,
    NotYetAccepted,
    RotationError,
    SecretMissing,
)
from spapi_rotation_lambda.domain.labels import Label, derived_id
from spapi_rotation_lambda.domain.messages import NewSecret
from spapi_rotation_lambda.domain.snapshot import Snapshot, StoredVersion
from spapi_rotation_lambda.ports import Metric, Ports, VersionExists
from spapi_rotation_lambda.use_cases import verification
from spapi_rotation_lambda.use_cases.label_moves import labels_keep_moving, until_labels_stand_still
from spapi_rotation_lambda.use_cases.settle import settle

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Receipt(StrEnum):
    """What became of a new secret; in every case its message may be acknowledged."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    CONTRADICTORY = "contradictory"


def receive(ports: Ports, application: Application, message: NewSecret) -> Receipt:
    """Store a new secret. When this returns, the secret is safe and the message may be acknowledged.

    Raises:
        NotOurs: the application is not ours.
        NotYetAccepted: the secret is unseeded, and Amazon does not accept what it sent yet.
        MalformedSecret, StoreFailed: nothing was acknowledged; the message comes again.
    """

    def attempt() -> Receipt:
        snapshot = snapshot_of_ours(ports, application)
        current = snapshot.current
        unseeded = current is None or current.credentials is None
        if unseeded and not verification.accepted(ports, message.credentials, None):
            raise NotYetAccepted(
                f"{application.name}: the first secret is not accepted by Amazon yet.",
                remedy="Nothing at first: the message comes again. If it ends in the dead-letter queue, move it back.",
            )
        if unseeded:
            ports.telemetry.info("secret_accepted", application, notification_id=message.notification_id)
        receipt = judge(snapshot, message)
        if receipt in (Receipt.STORED, Receipt.CONTRADICTORY):
            _store(ports, snapshot, message, receipt)
        elif receipt is Receipt.DUPLICATE:
            _resume_first(ports, snapshot, message)
        return receipt

    receipt = until_labels_stand_still(attempt, labels_keep_moving(application, "Nothing: the message comes again."))
    _report(ports, application, message, receipt)
    return receipt


def receive_and_settle(ports: Ports, application: Application, message: NewSecret) -> Receipt:
    """Receive a new secret, then settle what is pending. Raises what ``receive`` raises."""
    receipt = receive(ports, application, message)
    if receipt in (Receipt.STORED, Receipt.DUPLICATE):
        settle_after_receipt(ports, application)
    return receipt


def settle_after_receipt(ports: Ports, application: Application) -> None:
    """Settle; a failure no longer concerns the message, so it is logged and left to the next check."""
    try:
        settle(ports, application)
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
    """What a message is, compared with what is stored."""

    def is_the_message(stored: StoredVersion) -> bool:
        return stored.credentials is not None and stored.credentials.client_secret == message.credentials.client_secret

    if any(is_the_message(stored) for stored in snapshot.holders()):
        return Receipt.DUPLICATE
    order = (message.issued_at, message.credentials.expires_at or _LONG_AGO)
    known = [
        (issued, stored.credentials.expires or _LONG_AGO)
        for stored in snapshot.received()
        if stored.credentials is not None
        and (issued := snapshot.issued(stored)) is not None
        and not is_the_message(stored)  # stored, but its label was not moved any more
    ]
    newest = max(known, default=None)
    if newest is not None and order < newest:
        return Receipt.SUPERSEDED
    current = snapshot.current
    undated = current is not None and current.credentials is not None and snapshot.issued(current) is None
    if order == newest or (undated and current is not None and message.issued_at < current.version.created_at):
        return Receipt.CONTRADICTORY
    return Receipt.STORED


def _store(ports: Ports, snapshot: Snapshot, message: NewSecret, verdict: Receipt) -> None:
    """Write under a neutral label, then move the meaningful one: an older secret can never take it from a newer."""
    application, current = snapshot.application, snapshot.current
    base = current.document if current is not None else Document({}, application)
    document = base.with_credentials(message.credentials, application)
    version_id = derived_id("receive", message.notification_id, current.version.id if current else "")
    try:
        ports.store.write(application.secret_id, version_id, document.text(), Label.RECEIVED)
    except VersionExists:
        _require_same(ports, application, version_id, document)
    label = Label.REJECTED if verdict is Receipt.CONTRADICTORY else Label.PENDING
    ports.store.move(application.secret_id, label, to=version_id, away_from=snapshot.id_of(label))


def _resume_first(ports: Ports, snapshot: Snapshot, message: NewSecret) -> None:
    """Go on with a secret's very first version, which AWS makes current as it is written: it may be unpublished.

    A later copy of that message publishes it again, which is harmless.
    """
    first = derived_id("receive", message.notification_id, "")
    if snapshot.id_of(Label.CURRENT) == first and snapshot.id_of(Label.PENDING) is None:
        ports.store.move(snapshot.application.secret_id, Label.PENDING, to=first, away_from=None)


def _require_same(ports: Ports, application: Application, version_id: str, document: Document) -> None:
    stored = Document.parse(ports.store.read(application.secret_id, version_id), application)
    if stored != document:
        raise MalformedSecret(
            f"{application.name}: two different messages carry the same notification id (version {version_id}).",
            remedy="Look at the message in the dead-letter queue: one of the two did not come from Amazon.",
        )


def _report(ports: Ports, application: Application, message: NewSecret, verdict: Receipt) -> None:
    metric, tell = {
        Receipt.STORED: (Metric.RECEIVED, ports.telemetry.info),
        Receipt.DUPLICATE: (Metric.DUPLICATE, ports.telemetry.info),
        Receipt.SUPERSEDED: (Metric.SUPERSEDED, ports.telemetry.info),
        Receipt.CONTRADICTORY: (Metric.CONTRADICTORY, ports.telemetry.warning),
    }[verdict]
    ports.telemetry.count(metric)
    tell(
        f"secret_{verdict.value}",
        application,
        notification_id=message.notification_id,
        issued_at=message.issued_at,
    )
