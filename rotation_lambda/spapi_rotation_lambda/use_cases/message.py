"""One message of Amazon, from the queue or from the dead-letter queue: which use case it is for."""

from spapi_rotation_lambda.domain.messages import NewSecret, parse
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases.expiry_notice import handle_expiry_notice
from spapi_rotation_lambda.use_cases.receive import Receipt, receive, settle_after_receipt


def handle_message(ports: Ports, body: Sensitive) -> str:
    """Handle a message; when this returns, it may be deleted. Returns what became of it.

    Raises:
        UnknownMessage: it is not one that we know, or not for an application of ours.
        RotationError: (its other subclasses) it must come again.
    """
    message = parse(body)
    application = ports.applications.find(message.client_id)
    if not isinstance(message, NewSecret):
        return handle_expiry_notice(ports, application, message).value
    receipt = receive(ports, application, message)
    if receipt in (Receipt.STORED, Receipt.DUPLICATE):
        settle_after_receipt(ports, application)
    return receipt.value
