"""The use case *expiry notice*: Amazon announces that a secret will die."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import Declined, RotationError
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.messages import ExpiryNotice
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.domain.rules import EXPIRY_IS_NEAR, last_request
from spapi_rotation_lambda.domain.snapshot import OVERLAP, Snapshot, StoredVersion
from spapi_rotation_lambda.domain.times import LIFETIME
from spapi_rotation_lambda.ports import Metric, Ports
from spapi_rotation_lambda.use_cases.asking import report_declined
from spapi_rotation_lambda.use_cases.receive import snapshot_of_ours
from spapi_rotation_lambda.use_cases.request import request

NOTICE_TOLERANCE = timedelta(days=1)


class Handled(StrEnum):
    """What became of a notice; in every case it may be acknowledged."""

    ACTED_ON = "notice-acted-on"
    IGNORED = "notice-ignored"
    SWITCHED_OFF = "notice-switched-off"
    UNEXPLAINED = "notice-unexplained"


def handle_expiry_notice(ports: Ports, application: Application, message: ExpiryNotice) -> Handled:
    """Act on an expiry notice. Always acknowledged, unless the application is not ours or AWS fails."""
    snapshot = snapshot_of_ours(ports, application)
    if ports.schedules.is_off(application.client_id):
        ports.telemetry.info("expiry_notice_while_switched_off", application, expires_at=message.expires_at)
        return Handled.SWITCHED_OFF
    current = snapshot.readable(Label.CURRENT)
    if current is None and snapshot.id_of(Label.CURRENT) is not None:
        # Each check raises it. Here it would hold up the requests of all other applications (REQ-9).
        ports.telemetry.warning("expiry_notice_for_unreadable_secret", application, expires_at=message.expires_at)
        return Handled.UNEXPLAINED
    if current is None or current.credentials is None:
        ports.telemetry.count(Metric.UNSEEDED)
        ports.telemetry.warning("expiry_notice_for_unseeded_secret", application, expires_at=message.expires_at)
        return Handled.UNEXPLAINED
    if _is_about(snapshot, current, message.expires_at, ports.clock.now()):
        try:
            request(ports, application, Trigger.EXPIRY_NOTICE)
        except Declined as declined:
            report_declined(ports, application, declined)
        except RotationError as error:
            ports.telemetry.warning(
                "expiry_notice_not_acted_on", application, error=type(error).__name__, detail=str(error)
            )
        return Handled.ACTED_ON
    if any(abs(message.expires_at - date) <= NOTICE_TOLERANCE for date in _explained(snapshot, current)):
        return Handled.IGNORED
    ports.telemetry.count(Metric.UNSEEN_ROTATION)
    ports.telemetry.warning("expiry_notice_of_unknown_secret", application, expires_at=message.expires_at)
    return Handled.UNEXPLAINED


def _is_about(snapshot: Snapshot, current: StoredVersion, announced: datetime, now: datetime) -> bool:
    """Whether it announces the end of the secret in use, whose own date is believed only if it is Amazon's."""
    told = snapshot.told(current)
    expires = told.expires if told is not None else None
    if expires is not None and snapshot.amazons(current) is not None:
        return abs(announced - expires) <= NOTICE_TOLERANCE
    if expires is not None and announced > expires + NOTICE_TOLERANCE:
        return False
    # A secret that was put in days ago may have another one beside it; only a near end is worth the risk.
    return announced - now < EXPIRY_IS_NEAR or now >= snapshot.first_seen(current) + OVERLAP


def _explained(snapshot: Snapshot, current: StoredVersion) -> Iterator[datetime]:
    """The ends that are known of other secrets, and those that a standing request brings about."""
    for stored in (current, snapshot.readable(Label.PREVIOUS), snapshot.pending):
        told = snapshot.told(stored) if stored is not None else None
        if told is None or stored is None:
            continue
        if stored is not current and told.expires is not None:
            yield told.expires
        if told.previous_expires_at is not None:
            yield told.previous_expires_at
    if (requested_at := last_request(snapshot)) is not None:
        yield requested_at + LIFETIME
        yield requested_at + OVERLAP
