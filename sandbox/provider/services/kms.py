"""KMS: keys and aliases. Source of defaults and ranges: ``internal/service/kms`` of terraform-provider-aws."""

from collections.abc import Mapping

from sandbox.provider.aws import Aws, says
from sandbox.provider.policy import same_policy
from sandbox.provider.resource import Resource
from sandbox.provider.schema import AutoName, Spec, flag, integer, json_text, longest, matching, text
from sandbox.provider.values import Props

_GONE = ("NotFoundException",)


def _same_key(one: str, other: str) -> bool:
    """A key's ARN and its id name the same key."""
    return one.rpartition("key/")[2] == other.rpartition("key/")[2]


class Key(Resource):
    """``aws.kms.Key``; its id is the key's."""

    spec = Spec(
        "aws:kms/key:Key",
        props={
            "description": text(longest(8192), computed=True),
            "deletionWindowInDays": integer(7, 30, write_only=True),
            "enableKeyRotation": flag(default=False),
            "policy": json_text(same_policy, computed=True),
        },
        computed={"arn": (), "keyId": (), "isEnabled": (), "keyUsage": (), "customerMasterKeySpec": ()},
        autoname=None,
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        asked = {"Description": inputs.get("description"), "Policy": inputs.get("policy")}
        given = {key: value for key, value in asked.items() if value}
        made = aws.call(
            "creating kms.Key",
            lambda: aws.client("kms").create_key(Tags=_tags(inputs["tagsAll"]), **given),
            retry=says(code="MalformedPolicyDocumentException"),
        )
        return str(made["KeyMetadata"]["KeyId"])

    def complete(self, aws: Aws, resource_id: str, inputs: Props) -> None:
        if inputs["enableKeyRotation"]:
            self._rotate(aws, resource_id, True)

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        kms, doing = aws.client("kms"), f"reading kms.Key ({resource_id})"
        found = aws.unless_missing(doing, lambda: kms.describe_key(KeyId=resource_id), *_GONE)
        if found is None or found["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        policy = aws.call(doing, lambda: kms.get_key_policy(KeyId=resource_id, PolicyName="default"))
        rotation = aws.call(doing, lambda: kms.get_key_rotation_status(KeyId=resource_id))
        tags = aws.call(doing, lambda: kms.list_resource_tags(KeyId=resource_id))
        return {
            "arn": found["KeyMetadata"]["Arn"],
            "keyId": found["KeyMetadata"]["KeyId"],
            "isEnabled": found["KeyMetadata"]["Enabled"],
            "keyUsage": found["KeyMetadata"]["KeyUsage"],
            "customerMasterKeySpec": found["KeyMetadata"]["KeySpec"],
            "description": found["KeyMetadata"].get("Description"),
            "enableKeyRotation": rotation["KeyRotationEnabled"],
            "policy": policy["Policy"],
            "tagsAll": {tag["TagKey"]: tag["TagValue"] for tag in tags.get("Tags", [])},
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        kms, doing = aws.client("kms"), f"updating kms.Key ({resource_id})"
        if "enableKeyRotation" in changed:
            self._rotate(aws, resource_id, news["enableKeyRotation"])
        if "description" in changed:
            words = news.get("description", "")
            aws.call(doing, lambda: kms.update_key_description(KeyId=resource_id, Description=words))
        if "policy" in changed:
            aws.call(
                doing,
                lambda: kms.put_key_policy(KeyId=resource_id, PolicyName="default", Policy=news["policy"]),
                retry=says(code="MalformedPolicyDocumentException"),
            )

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        window = state.get("deletionWindowInDays")
        extra = {"PendingWindowInDays": window} if window else {}
        aws.unless_missing(
            f"deleting kms.Key ({resource_id})",
            lambda: aws.client("kms").schedule_key_deletion(KeyId=resource_id, **extra),
            *_GONE,
            "KMSInvalidStateException",
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        kms, doing = aws.client("kms"), f"tagging kms.Key ({resource_id})"
        if drop:
            aws.call(doing, lambda: kms.untag_resource(KeyId=resource_id, TagKeys=drop))
        if put:
            aws.call(doing, lambda: kms.tag_resource(KeyId=resource_id, Tags=_tags(put)))

    def _rotate(self, aws: Aws, key_id: str, enabled: bool) -> None:
        kms = aws.client("kms")
        action = kms.enable_key_rotation if enabled else kms.disable_key_rotation
        aws.call(f"setting the rotation of kms.Key ({key_id})", lambda: action(KeyId=key_id))


class Alias(Resource):
    """``aws.kms.Alias``; its id is its name."""

    spec = Spec(
        "aws:kms/alias:Alias",
        props={
            "name": text(
                matching(r"alias/(?!aws/)[a-zA-Z0-9/_-]+", "must begin with 'alias/' and hold only [a-zA-Z0-9/_-]"),
                replaces=True,
            ),
            "targetKeyId": text(required=True, same=_same_key, canonical=True),
        },
        computed={"arn": (), "targetKeyArn": ("targetKeyId",)},
        autoname=AutoName(longest=238, prefix="alias/"),
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        name: str = inputs["name"]
        aws.call(
            f"creating kms.Alias ({name})",
            lambda: aws.client("kms").create_alias(AliasName=name, TargetKeyId=inputs["targetKeyId"]),
            retry=says(code="NotFoundException"),
        )
        return name

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        pages = aws.client("kms").get_paginator("list_aliases").paginate()
        aliases = aws.call(
            f"reading kms.Alias ({resource_id})", lambda: [item for page in pages for item in page["Aliases"]]
        )
        for alias in aliases:
            if alias["AliasName"] == resource_id:
                key = alias.get("TargetKeyId", "")
                return {
                    "arn": alias["AliasArn"],
                    "name": resource_id,
                    "targetKeyId": key,
                    "targetKeyArn": alias["AliasArn"].removesuffix(resource_id) + f"key/{key}",
                }
        return None

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        aws.call(
            f"updating kms.Alias ({resource_id})",
            lambda: aws.client("kms").update_alias(AliasName=resource_id, TargetKeyId=news["targetKeyId"]),
        )

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting kms.Alias ({resource_id})",
            lambda: aws.client("kms").delete_alias(AliasName=resource_id),
            *_GONE,
        )


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(tags.items())]
