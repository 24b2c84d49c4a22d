"""The ``unclaimed`` queue: messages for applications that were not ours when they came, taken back when they are.

They are handled exactly like messages of the destination queue, and deleted only when those would be acknowledged.
"""

from collections.abc import Callable

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import UnknownMessage
from spapi_rotation_lambda.domain.messages import ExpiryNotice, NewSecret, kind_of, parse
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases.receive import receive_and_settle

MOST_LOOKED_AT, HIDDEN_SECONDS = 100, 60
"""At a time. What is looked at is hidden from other looks for as long as it may take to handle what is found."""

HandleNotice = Callable[[Ports, Application, ExpiryNotice], str]


def claim(ports: Ports, application: Application, handle_notice: HandleNotice | None = None) -> int:
    """Handle what lies there for an application. Returns how many messages were.

    Args:
        handle_notice: handles an expiry notice; None leaves those there. A notice asks for a rotation itself, so a
            request that looks here cannot take it.

    Raises:
        RotationError: one could not be handled; it stays there.
    """
    claimed = 0
    for found in ports.unclaimed.take(MOST_LOOKED_AT, HIDDEN_SECONDS):
        try:
            message = parse(found.body)
        except UnknownMessage:
            continue
        if message.client_id != application.client_id:
            continue
        if isinstance(message, NewSecret):
            result = receive_and_settle(ports, application, message).value
        elif handle_notice is not None:
            result = handle_notice(ports, application, message)
        else:
            continue
        ports.unclaimed.delete(found)
        claimed += 1
        ports.telemetry.info(
            "message_claimed", application, message_id=found.message_id, kind=kind_of(message), result=result
        )
    return claimed
