"""SNS: a subscription by e-mail counts only once somebody has confirmed it, and a list says which have not.

Source: the SNS API reference, Subscribe and ListSubscriptionsByTopic.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import sns

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

PENDING = "PendingConfirmation"
"""What a list shows in place of an ARN."""

Operation = Callable[[Mapping[str, Any]], Any]


def apply(_settings: Settings) -> None:
    """Wrap the two operations."""
    replace(sns, "_subscribe", _by_mail(sns._subscribe))
    replace(sns, "_list_subscriptions_by_topic", _telling(sns._list_subscriptions_by_topic))


def _by_mail(subscribe: Operation) -> Operation:
    def answer(params: Mapping[str, Any]) -> Any:
        topic, _ = sns._get_topic(sns._p(params, "TopicArn"), "sns:Subscribe")
        before = {one["arn"] for one in topic["subscriptions"]} if topic else set()
        status, headers, body = subscribe(params)
        for one in topic["subscriptions"] if topic else ():
            if one["arn"] not in before and one["protocol"] in ("email", "email-json"):
                one |= {"confirmed": False, "token": new_uuid()}
                one["attributes"] |= {"ConfirmationWasAuthenticated": "false", PENDING: "true"}
                body = _replaced(body, one["arn"], "pending confirmation")
        return status, headers, body

    return answer


def _telling(listed: Operation) -> Operation:
    def answer(params: Mapping[str, Any]) -> Any:
        status, headers, body = listed(params)
        topic, _ = sns._get_topic(sns._p(params, "TopicArn"), "sns:ListSubscriptionsByTopic")
        for one in topic["subscriptions"] if topic else ():
            if not one["confirmed"]:
                body = _replaced(body, one["arn"], PENDING)
        return status, headers, body

    return answer


def _replaced(body: Any, old: str, new: str) -> Any:
    return body.replace(old.encode(), new.encode()) if isinstance(body, bytes) else body.replace(old, new)
