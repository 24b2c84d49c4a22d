"""SNS: topics. Source: ``internal/service/sns`` of terraform-provider-aws, and pulumi-aws's patch of it.

By that patch, "non-idempotent sns topic creation", a topic that exists is refused; AWS would return it.
"""

from collections.abc import Mapping
from functools import partial

from sandbox.provider.aws import Aws
from sandbox.provider.errors import StandInError
from sandbox.provider.policy import same_policy
from sandbox.provider.resource import Resource
from sandbox.provider.schema import Spec, json_text, longest, matching, text
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
