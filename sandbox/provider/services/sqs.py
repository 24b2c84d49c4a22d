"""SQS: queues, and the two policies that are resources of their own.

Source of defaults and ranges: ``internal/service/sqs`` of terraform-provider-aws.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.provider.aws import Aws, says
from sandbox.provider.policy import same_json, same_policy
from sandbox.provider.resource import Resource
from sandbox.provider.schema import Same, Spec, flag, integer, json_text, matching, required, text
from sandbox.provider.values import Props

_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_NUMBERS = {
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
}
_TEXTS = {"kmsMasterKeyId": "KmsMasterKeyId", "redrivePolicy": "RedrivePolicy"}
_OWN_ENCRYPTION = "SqsManagedSseEnabled"
_DEFAULT_REUSE_SECONDS = 300


class Queue(Resource):
    """``aws.sqs.Queue`` (standard queues); its id is its URL."""

    spec = Spec(
        "aws:sqs/queue:Queue",
        props={
            "name": text(matching(r"[0-9A-Za-z_-]{1,80}", "invalid queue name"), replaces=True),
            "delaySeconds": integer(0, 900, default=0),
            "kmsDataKeyReusePeriodSeconds": integer(60, 86_400, computed=True),
            "kmsMasterKeyId": text(),
            "maxMessageSize": integer(1024, 1_048_576, default=262_144),
            "messageRetentionSeconds": integer(60, 1_209_600, default=345_600),
            "receiveWaitTimeSeconds": integer(0, 20, default=0),
            "redrivePolicy": json_text(same_json, computed=True),
            "sqsManagedSseEnabled": flag(computed=True),
            "visibilityTimeoutSeconds": integer(0, 43_200, default=30),
        },
        computed={"arn": (), "url": ()},
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        attributes = {wire: str(inputs[name]) for name, wire in _NUMBERS.items() if name in inputs}
        attributes.update((wire, inputs[name]) for name, wire in _TEXTS.items() if inputs.get(name))
        attributes.update(_own_encryption(inputs))
        made = aws.call(
            f"creating sqs.Queue ({inputs['name']})",
            lambda: aws.client("sqs").create_queue(
                QueueName=inputs["name"], Attributes=attributes, tags=inputs["tagsAll"]
            ),
            retry=says(code="AWS.SimpleQueueService.QueueDeletedRecently"),
        )
        return str(made["QueueUrl"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        attributes = _attributes(aws, resource_id, "reading sqs.Queue")
        if attributes is None:
            return None
        tags = aws.call(
            f"reading sqs.Queue ({resource_id})", lambda: aws.client("sqs").list_queue_tags(QueueUrl=resource_id)
        )
        seen: Props = {
            "arn": attributes["QueueArn"],
            "url": resource_id,
            "name": urlsplit(resource_id).path.rpartition("/")[2],
            "tagsAll": tags.get("Tags", {}),
        }
        seen.update((name, attributes.get(wire)) for name, wire in _TEXTS.items())
        seen["sqsManagedSseEnabled"] = attributes.get(_OWN_ENCRYPTION, "false") == "true"
        if "arn" not in prior or "policy" in prior:
            # Of a queue that is only looked at. One that is made has its policy as a resource of its own.
            seen["policy"] = attributes.get("Policy")
        seen.update((name, int(attributes[wire])) for name, wire in _NUMBERS.items() if wire in attributes)
        # SQS does not return it for a queue without encryption; the real provider says 300 then.
        seen.setdefault(
            "kmsDataKeyReusePeriodSeconds", prior.get("kmsDataKeyReusePeriodSeconds", _DEFAULT_REUSE_SECONDS)
        )
        return seen

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        attributes = {wire: str(news[name]) for name, wire in _NUMBERS.items() if name in changed and name in news}
        attributes.update((wire, news.get(name, "")) for name, wire in _TEXTS.items() if name in changed)
        if "sqsManagedSseEnabled" in changed:
            attributes.update(_own_encryption(news))
        if attributes:
            _set_attributes(aws, resource_id, attributes, "updating sqs.Queue")

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting sqs.Queue ({resource_id})",
            lambda: aws.client("sqs").delete_queue(QueueUrl=resource_id),
            *_GONE,
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        sqs, doing = aws.client("sqs"), f"tagging sqs.Queue ({resource_id})"
        if drop:
            aws.call(doing, lambda: sqs.untag_queue(QueueUrl=resource_id, TagKeys=drop))
        if put:
            aws.call(doing, lambda: sqs.tag_queue(QueueUrl=resource_id, Tags=put))


def _own_encryption(inputs: Props) -> dict[str, str]:
    """Encryption by a key of SQS's own, if it is said whether; SQS has it on for a queue without a key."""
    given = inputs.get("sqsManagedSseEnabled")
    return {} if given is None else {_OWN_ENCRYPTION: str(given).lower()}


class _QueueAttribute(Resource):
    """A resource that is one attribute of a queue; its id is the queue's URL."""

    prop: str
    attribute: str

    def create(self, aws: Aws, inputs: Props) -> str:
        url: str = inputs["queueUrl"]
        _set_attributes(aws, url, {self.attribute: inputs[self.prop]}, f"creating {self.spec.noun}")
        return url

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        attributes = _attributes(aws, resource_id, f"reading {self.spec.noun}")
        if attributes is None or not attributes.get(self.attribute):
            return None
        return {"queueUrl": resource_id, self.prop: attributes[self.attribute]}

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        _set_attributes(aws, resource_id, {self.attribute: news[self.prop]}, f"updating {self.spec.noun}")

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting {self.spec.noun} ({resource_id})",
            lambda: aws.client("sqs").set_queue_attributes(QueueUrl=resource_id, Attributes={self.attribute: ""}),
            *_GONE,
        )


def _attribute_spec(token: str, prop: str, same: Same) -> Spec:
    return Spec(
        token,
        props={"queueUrl": text(required=True, replaces=True), prop: required(json_text(same))},
        autoname=None,
    )


class QueuePolicy(_QueueAttribute):
    """``aws.sqs.QueuePolicy``."""

    prop, attribute = "policy", "Policy"
    spec = _attribute_spec("aws:sqs/queuePolicy:QueuePolicy", prop, same_policy)


class RedrivePolicy(_QueueAttribute):
    """``aws.sqs.RedrivePolicy``."""

    prop, attribute = "redrivePolicy", "RedrivePolicy"
    spec = _attribute_spec("aws:sqs/redrivePolicy:RedrivePolicy", prop, same_json)


class RedriveAllowPolicy(_QueueAttribute):
    """``aws.sqs.RedriveAllowPolicy``."""

    prop, attribute = "redriveAllowPolicy", "RedriveAllowPolicy"
    spec = _attribute_spec("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", prop, same_json)


def _attributes(aws: Aws, url: str, doing: str) -> dict[str, Any] | None:
    found = aws.unless_missing(
        f"{doing} ({url})",
        lambda: aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
        *_GONE,
    )
    return None if found is None else dict(found.get("Attributes", {}))


def _set_attributes(aws: Aws, url: str, attributes: dict[str, str], doing: str) -> None:
    aws.call(
        f"{doing} ({url})",
        lambda: aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes),
        # A role or account in a policy that IAM has only just made.
        retry=says("Policy", code="InvalidAttributeValue"),
    )
