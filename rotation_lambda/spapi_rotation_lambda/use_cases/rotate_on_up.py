"""The use case *rotate on up*: what a trigger text of ``pulumi up`` asks for, by the function or by ``up`` itself."""

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import Declined, RotationDeclined
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases.request import request
from spapi_rotation_lambda.use_cases.request_conditions import Requested
from spapi_rotation_lambda.use_cases.settle import settle


def rotate_on_up(ports: Ports, application: Application, trigger: str) -> Requested:
    """Settle what is pending, then request a rotation, once for each trigger text.

    Raises:
        RotationDeclined: nothing was requested.
        MalformedSecret, StoreFailed: a defect.
    """
    settle(ports, application)
    return request_on_up(ports, application, trigger)


def request_on_up(ports: Ports, application: Application, trigger: str) -> Requested:
    """The request alone."""
    try:
        return request(ports, application, Trigger.PULUMI_UP, reference=trigger)
    except Declined as declined:
        raise RotationDeclined(declined) from None
