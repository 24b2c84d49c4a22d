"""The use case *expiry notice*: Amazon announces that a secret will die."""

from datetime import timedelta
from enum import StrEnum

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import Declined, RotationError
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.messages import ExpiryNotice
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.ports import Metric, Ports
from spapi_rotation_lambda.use_cases.receive import snapshot_of_ours
from spapi_rotation_lambda.use_cases.request import report_declined, request

NOTICE_TOLERANCE = timedelta(days=1)


class Handled(StrEnum):
    """What became of a notice; in every case it may be acknowledged."""

    ACTED_ON = "notice-acted-on"
    IGNORED = "notice-ignored"
    UNEXPLAINED = "notice-unexplained"


def handle_expiry_notice(ports: Ports, application: Application, message: ExpiryNotice) -> Handled:
    """Act on an expiry notice. Always acknowledged, unless the application is not ours or its secret is unreadable."""
    snapshot = snapshot_of_ours(ports, application)
    current = snapshot.current
    if current is None or current.credentials is None:
        ports.telemetry.count(Metric.UNSEEDED)
        ports.telemetry.warning("expiry_notice_for_unseeded_secret", application, expires_at=message.expires_at)
        return Handled.UNEXPLAINED
    told = snapshot.told(current)
    expires = told.expires if told is not None else None
    if expires is None or abs(message.expires_at - expires) <= NOTICE_TOLERANCE:
        try:
            request(ports, application, Trigger.EXPIRY_NOTICE)
        except Declined as declined:
            report_declined(ports, application, declined)
        except RotationError as error:
            ports.telemetry.warning(
                "expiry_notice_not_acted_on", application, error=type(error).__name__, detail=str(error)
            )
        return Handled.ACTED_ON
    previous = snapshot.readable(Label.PREVIOUS)
    past = [current.credentials.previous_expires_at]
    if previous is not None and previous.credentials is not None:
        past.append(previous.credentials.expires)
    if any(date is not None and abs(message.expires_at - date) <= NOTICE_TOLERANCE for date in past):
        return Handled.IGNORED
    ports.telemetry.count(Metric.UNSEEN_ROTATION)
    ports.telemetry.warning("expiry_notice_of_unknown_secret", application, expires_at=message.expires_at)
    return Handled.UNEXPLAINED
