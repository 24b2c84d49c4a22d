"""A refused rotation in words: the one cause that applies, and what to do about it."""

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import RequestRefused
from spapi_rotation_lambda.domain.registration import registration_steps
from spapi_rotation_lambda.ports import Refusal, RotateAnswer

_SUPPORT = "Give the request id to Amazon's support if it goes on."


def refused(application: Application, answer: RotateAnswer, queue_arn: str) -> RequestRefused:
    """The error for a rotate call that certainly had no effect."""
    told = [
        str(answer.status) if answer.status else f"no connection to {answer.host or 'its endpoint'}",
        *([answer.code] if answer.code else []),
        *([f"request id {answer.request_id}"] if answer.request_id else []),
    ]
    message = f' Amazon says: "{answer.message}".' if answer.refusal is Refusal.INVALID and answer.message else ""
    return RequestRefused(
        f"{application.name}: SP-API refused the rotation ({', '.join(told)}): {_cause(answer)}.{message} Nothing was "
        "changed.",
        remedy=_remedy(answer, queue_arn),
    )


def _cause(answer: RotateAnswer) -> str:
    return {
        Refusal.NOT_ENROLLED: "the application has no queue registered for new secrets",
        Refusal.INVALID: "it does not take the request",
        Refusal.EXPIRED: "the secret in use has expired",
        Refusal.DENIED: "the application may not make this call",
        Refusal.THROTTLED: "too many requests",
        Refusal.NOT_THE_API: "the answer does not come from the API itself",
        Refusal.TLS: f"TLS failed{': ' + answer.message if answer.message else ''}",
        Refusal.UNREACHABLE: "it could not be reached",
        Refusal.OTHER: "for a reason that this package does not know",
    }[answer.refusal]


def _remedy(answer: RotateAnswer, queue_arn: str) -> str:
    return {
        Refusal.NOT_ENROLLED: f"Register the queue in Amazon's Developer Console:\n{registration_steps(queue_arn)}",
        Refusal.INVALID: f"Do what Amazon's message asks for. {_SUPPORT}"
        if answer.message
        else f"Amazon gave no usable message. The one known cause of a 400 is a queue that is not subscribed: see "
        f"`spapi-rotation register`. {_SUPPORT}",
        Refusal.EXPIRED: "Make a new one by hand in the Developer Console and put it into the secret.",
        Refusal.DENIED: "Check that the client id belongs to a production application of the Selling Partner API and "
        f"that the endpoint is that of its region. {_SUPPORT}",
        Refusal.THROTTLED: f"Try again after {answer.retry_after_seconds:.0f} seconds; Amazon accepts one request a "
        "minute.",
        Refusal.NOT_THE_API: "Check the setting spapi_endpoint, and whether a proxy, a firewall or a filter of "
        f"Amazon's answers in the API's place; then try again. {_SUPPORT}",
        Refusal.TLS: "Check the setting spapi_endpoint, and whether a proxy or firewall answers in Amazon's place.",
        Refusal.UNREACHABLE: "Check the setting spapi_endpoint and the network, then try again.",
        Refusal.OTHER: f"Check the setting spapi_endpoint. {_SUPPORT}",
    }[answer.refusal]
