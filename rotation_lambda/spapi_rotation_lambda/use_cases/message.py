"""One message of Amazon, from the queue or from the dead-letter queue: which use case it is for."""

from datetime import datetime

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import NotOurs, UnknownMessage
from spapi_rotation_lambda.domain.messages import NewSecret, Notification, kind_of, parse
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import Metric, Ports
from spapi_rotation_lambda.use_cases.expiry_notice import handle_expiry_notice
from spapi_rotation_lambda.use_cases.receive import receive_and_settle

UNCLAIMED = "unclaimed"
"""What became of a message for an application that is not ours."""


def handle_message(ports: Ports, body: Sensitive, message_id: str = "", sent_at: datetime | None = None) -> str:
    """Handle a message; when this returns, it may be deleted. Returns what became of it.

    Args:
        message_id: SQS's id of it, for the log.
        sent_at: when it was first sent to the destination queue, if that is known.

    Raises:
        UnknownMessage: it is not one that we know.
        RotationError: (its other subclasses) it must come again.
    """
    try:
        message = parse(body)
    except UnknownMessage as error:
        ports.telemetry.count(Metric.UNKNOWN)
        ports.telemetry.warning("message_unknown", message_id=message_id, detail=str(error.args[0]))
        raise
    try:
        return _handle(ports, ports.application(message.client_id), message)
    except NotOurs:
        # Sent first, then acknowledged: if the process dies in between it is there twice, which harms nobody.
        ports.unclaimed.put(body, sent_at)
    ports.telemetry.count(Metric.UNCLAIMED)
    ports.telemetry.warning(
        "message_unclaimed", message_id=message_id, client_id=message.client_id, kind=kind_of(message)
    )
    return UNCLAIMED


def _handle(ports: Ports, application: Application, message: Notification) -> str:
    if isinstance(message, NewSecret):
        return receive_and_settle(ports, application, message).value
    return handle_expiry_notice(ports, application, message).value
