"""SNS: a topic that exists keeps its tags; a subscription by e-mail counts only once somebody has confirmed it, and a
list says which have not.

Source: the SNS API reference, CreateTopic, Subscribe and ListSubscriptionsByTopic; the text of the refusal is AWS's, as
users report it.
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
    """Wrap the three operations."""
    replace(sns, "_create_topic", _with_its_tags(sns._create_topic))
    replace(sns, "_subscribe", _by_mail(sns._subscribe))
    replace(sns, "_list_subscriptions_by_topic", _telling(sns._list_subscriptions_by_topic))


def _with_its_tags(create: Operation) -> Operation:
    """A topic that exists is returned, unless other tags are asked for; MiniStack drops those silently."""

    def answer(params: Mapping[str, Any]) -> Any:
        arn = f"arn:aws:sns:{sns.get_region()}:{sns.get_account_id()}:{sns._p(params, 'Name')}"
        existing, asked = sns._topics.get(arn), sns._param_tags(params)
        if existing and asked and asked != existing["tags"]:
            reason = "Invalid parameter: Tags Reason: Topic already exists with different tags"
            return sns._error("InvalidParameter", reason, 400)
        return create(params)

    return answer


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
