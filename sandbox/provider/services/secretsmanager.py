"""Secrets Manager: secrets, without any value, and their policies.

Source of defaults and ranges: ``internal/service/secretsmanager`` of terraform-provider-aws.
"""

import uuid
from collections.abc import Mapping

from sandbox.provider.aws import Aws, says
from sandbox.provider.policy import same_policy
from sandbox.provider.resource import Resource
from sandbox.provider.schema import Spec, arn, blocks, flag, integer, json_text, matching, required, text
from sandbox.provider.services.tagging import as_list, as_map
from sandbox.provider.values import Props

_GONE = ("ResourceNotFoundException",)
_REPLICA = {"region": "Region", "kmsKeyId": "KmsKeyId"}


class Secret(Resource):
    """``aws.secretsmanager.Secret``; its id is its ARN."""

    spec = Spec(
        "aws:secretsmanager/secret:Secret",
        props={
            "name": text(
                matching(r"[0-9A-Za-z/_+=.@-]{1,512}", "only alphanumeric characters and /_+=.@- allowed, at most 512"),
                replaces=True,
            ),
            "description": text(),
            "forceOverwriteReplicaSecret": flag(default=False, write_only=True),
            "kmsKeyId": text(),
            "recoveryWindowInDays": integer(7, 30, only=(0,), default=30, write_only=True),
            # Computed in the real provider, too: leaving them all out takes none away.
            "replicas": blocks({"region": text(required=True), "kmsKeyId": text(computed=True)}, computed=True),
        },
        computed={"arn": ()},
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        extra = {"KmsKeyId": inputs["kmsKeyId"]} if inputs.get("kmsKeyId") else {}
        token = str(uuid.uuid4())
        made = aws.call(
            f"creating secretsmanager.Secret ({inputs['name']})",
            lambda: aws.client("secretsmanager").create_secret(
                Name=inputs["name"],
                ClientRequestToken=token,
                Description=inputs.get("description", ""),
                ForceOverwriteReplicaSecret=inputs["forceOverwriteReplicaSecret"],
                Tags=as_list(inputs["tagsAll"]),
                **({"AddReplicaRegions": _asked(inputs["replicas"])} if inputs.get("replicas") else {}),
                **extra,
            ),
            retry=says("scheduled for deletion", "was deleted", code="InvalidRequestException"),
        )
        return str(made["ARN"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = aws.unless_missing(
            f"reading secretsmanager.Secret ({resource_id})",
            lambda: aws.client("secretsmanager").describe_secret(SecretId=resource_id),
            *_GONE,
        )
        if found is None or found.get("DeletedDate") is not None:
            return None
        return {
            "arn": found["ARN"],
            "name": found["Name"],
            "description": found.get("Description"),
            "kmsKeyId": found.get("KmsKeyId"),
            "replicas": [
                {name: each[wire] for name, wire in _REPLICA.items() if each.get(wire)}
                for each in found.get("ReplicationStatus", [])
            ],
            "tagsAll": as_map(found.get("Tags", [])),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        if "replicas" in changed:
            self._replicate(aws, resource_id, state, news)
        if not changed & {"description", "kmsKeyId"}:
            return
        extra = {"KmsKeyId": news["kmsKeyId"]} if news.get("kmsKeyId") else {}
        aws.call(
            f"updating secretsmanager.Secret ({resource_id})",
            lambda: aws.client("secretsmanager").update_secret(
                SecretId=resource_id, Description=news.get("description", ""), **extra
            ),
        )

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        self._remove(aws, resource_id, [each["region"] for each in state.get("replicas") or ()])
        window = state.get("recoveryWindowInDays", 30)
        how = {"RecoveryWindowInDays": window} if window else {"ForceDeleteWithoutRecovery": True}
        aws.unless_missing(
            f"deleting secretsmanager.Secret ({resource_id})",
            lambda: aws.client("secretsmanager").delete_secret(SecretId=resource_id, **how),
            *_GONE,
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        secrets, doing = aws.client("secretsmanager"), f"tagging secretsmanager.Secret ({resource_id})"
        if drop:
            aws.call(doing, lambda: secrets.untag_resource(SecretId=resource_id, TagKeys=drop))
        if put:
            aws.call(doing, lambda: secrets.tag_resource(SecretId=resource_id, Tags=as_list(put)))

    def _replicate(self, aws: Aws, resource_id: str, state: Props, news: Props) -> None:
        """What is not wanted any more is removed first, as by the real provider; a replica's key is never changed."""
        old, new = state.get("replicas") or [], news.get("replicas") or []
        self._remove(aws, resource_id, [each["region"] for each in old if each not in new])
        added = _asked([each for each in new if each not in old])
        if added:
            aws.call(
                f"adding secretsmanager.Secret ({resource_id}) replicas",
                lambda: aws.client("secretsmanager").replicate_secret_to_regions(
                    SecretId=resource_id,
                    AddReplicaRegions=added,
                    ForceOverwriteReplicaSecret=news["forceOverwriteReplicaSecret"],
                ),
            )

    def _remove(self, aws: Aws, resource_id: str, regions: list[str]) -> None:
        if regions:
            aws.unless_missing(
                f"removing secretsmanager.Secret ({resource_id}) replicas",
                lambda: aws.client("secretsmanager").remove_regions_from_replication(
                    SecretId=resource_id, RemoveReplicaRegions=regions
                ),
                *_GONE,
            )


def _asked(replicas: list[Props]) -> list[dict[str, str]]:
    return [{wire: each[name] for name, wire in _REPLICA.items() if each.get(name)} for each in replicas]


class SecretPolicy(Resource):
    """``aws.secretsmanager.SecretPolicy``; its id is the secret's ARN."""

    spec = Spec(
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        props={
            "secretArn": text(arn, required=True, replaces=True),
            "policy": required(json_text(same_policy)),
            "blockPublicPolicy": flag(write_only=True),
        },
        autoname=None,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        self._put(aws, inputs["secretArn"], inputs, "creating")
        return str(inputs["secretArn"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = aws.unless_missing(
            f"reading secretsmanager.SecretPolicy ({resource_id})",
            lambda: aws.client("secretsmanager").get_resource_policy(SecretId=resource_id),
            *_GONE,
        )
        if found is None or not found.get("ResourcePolicy"):
            return None
        return {"secretArn": resource_id, "policy": found["ResourcePolicy"]}

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._put(aws, resource_id, news, "updating")

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting secretsmanager.SecretPolicy ({resource_id})",
            lambda: aws.client("secretsmanager").delete_resource_policy(SecretId=resource_id),
            *_GONE,
        )

    def _put(self, aws: Aws, secret_arn: str, inputs: Props, doing: str) -> None:
        public = {"BlockPublicPolicy": inputs["blockPublicPolicy"]} if "blockPublicPolicy" in inputs else {}
        aws.call(
            f"{doing} secretsmanager.SecretPolicy ({secret_arn})",
            lambda: aws.client("secretsmanager").put_resource_policy(
                SecretId=secret_arn, ResourcePolicy=inputs["policy"], **public
            ),
            # A role that IAM has only just made.
            retry=says("unsupported principal", code="MalformedPolicyDocumentException"),
        )
