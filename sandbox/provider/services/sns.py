"""SNS: topics and their policies. Source: ``internal/service/sns`` of terraform-provider-aws, and pulumi-aws's patch.

By that patch, "non-idempotent sns topic creation", a topic that exists is refused; AWS would return it.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from sandbox.provider.aws import Aws
from sandbox.provider.errors import StandInError
from sandbox.provider.policy import same_policy
from sandbox.provider.resource import Resource
from sandbox.provider.schema import Spec, arn, json_text, longest, matching, required, text
from sandbox.provider.services.tagging import as_list, as_map
from sandbox.provider.values import Props

_GONE = ("NotFound",)
_ATTRIBUTES = {"displayName": "DisplayName", "kmsMasterKeyId": "KmsMasterKeyId", "policy": "Policy"}


class Topic(Resource):
    """``aws.sns.Topic`` (standard topics); its id is its ARN."""

    spec = Spec(
        "aws:sns/topic:Topic",
        props={
            "name": text(matching(r"[0-9A-Za-z_-]{1,256}", "invalid topic name"), replaces=True),
            "displayName": text(longest(100)),
            "kmsMasterKeyId": text(),
            "policy": json_text(same_policy, computed=True),
        },
        computed={"arn": (), "owner": ()},
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        name, client = inputs["name"], aws.client("sns")
        doing = f"creating sns.Topic ({name})"
        arn = f"arn:aws:sns:{aws.region}:{aws.identity()['Account']}:{name}"
        if aws.unless_missing(doing, lambda: client.get_topic_attributes(TopicArn=arn), *_GONE) is not None:
            raise StandInError(f"SNS Topic ({name}) already exists")
        made = aws.call(doing, lambda: client.create_topic(Name=name, Tags=as_list(inputs["tagsAll"])))
        return str(made["TopicArn"])

    def complete(self, aws: Aws, resource_id: str, inputs: Props) -> None:
        self._set(aws, resource_id, {name: inputs[name] for name in _ATTRIBUTES if inputs.get(name)})

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        client, doing = aws.client("sns"), f"reading sns.Topic ({resource_id})"
        found = aws.unless_missing(doing, lambda: client.get_topic_attributes(TopicArn=resource_id), *_GONE)
        if found is None:
            return None
        tags = aws.call(doing, lambda: client.list_tags_for_resource(ResourceArn=resource_id))
        attributes = found["Attributes"]
        seen: Props = {name: attributes.get(wire) for name, wire in _ATTRIBUTES.items()}
        seen.update(
            arn=attributes["TopicArn"],
            owner=attributes.get("Owner"),
            name=attributes["TopicArn"].rpartition(":")[2],
            tagsAll=as_map(tags.get("Tags", [])),
        )
        return seen

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._set(aws, resource_id, {name: news.get(name, "") for name in _ATTRIBUTES if name in changed})

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting sns.Topic ({resource_id})", lambda: aws.client("sns").delete_topic(TopicArn=resource_id), *_GONE
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        client, doing = aws.client("sns"), f"tagging sns.Topic ({resource_id})"
        if drop:
            aws.call(doing, lambda: client.untag_resource(ResourceArn=resource_id, TagKeys=drop))
        if put:
            aws.call(doing, lambda: client.tag_resource(ResourceArn=resource_id, Tags=as_list(put)))

    def _set(self, aws: Aws, topic_arn: str, wanted: Mapping[str, str]) -> None:
        for name, value in wanted.items():
            put = partial(
                aws.client("sns").set_topic_attributes,
                TopicArn=topic_arn,
                AttributeName=_ATTRIBUTES[name],
                AttributeValue=value,
            )
            aws.call(f"setting {name} of sns.Topic ({topic_arn})", put)


class TopicPolicy(Resource):
    """``aws.sns.TopicPolicy``; its id is the topic's ARN. Deleted, it leaves the policy that SNS gives a new topic.

    Source: ``internal/service/sns/topic_policy.go`` of terraform-provider-aws.
    """

    spec = Spec(
        "aws:sns/topicPolicy:TopicPolicy",
        props={"arn": text(arn, required=True, replaces=True), "policy": required(json_text(same_policy))},
        computed={"owner": ()},
        autoname=None,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        self._put(aws, inputs["arn"], inputs["policy"], "creating")
        return str(inputs["arn"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = aws.unless_missing(
            f"reading sns.TopicPolicy ({resource_id})",
            lambda: aws.client("sns").get_topic_attributes(TopicArn=resource_id),
            *_GONE,
        )
        if found is None or not found["Attributes"].get("Policy"):
            return None
        attributes = found["Attributes"]
        return {"arn": resource_id, "policy": attributes["Policy"], "owner": attributes["Owner"]}

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._put(aws, resource_id, news["policy"], "updating")

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        default = json.dumps(_default_policy(resource_id, state["owner"]))
        aws.unless_missing(
            f"deleting sns.TopicPolicy ({resource_id})",
            lambda: aws.client("sns").set_topic_attributes(
                TopicArn=resource_id, AttributeName="Policy", AttributeValue=default
            ),
            *_GONE,
        )

    def _put(self, aws: Aws, topic_arn: str, policy: str, doing: str) -> None:
        aws.call(
            f"{doing} sns.TopicPolicy ({topic_arn})",
            lambda: aws.client("sns").set_topic_attributes(
                TopicArn=topic_arn, AttributeName="Policy", AttributeValue=policy
            ),
        )


def _default_policy(topic_arn: str, owner: str) -> dict[str, Any]:
    actions = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic")
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    f"SNS:{action}" for action in (*actions, "Subscribe", "ListSubscriptionsByTopic", "Publish")
                ],
                "Resource": topic_arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
            }
        ],
    }
