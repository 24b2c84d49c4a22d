"""IAM: roles and their inline policies. Source: ``internal/service/iam`` of terraform-provider-aws."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from sandbox.provider.aws import Aws, says
from sandbox.provider.policy import same_policy
from sandbox.provider.resource import Resource
from sandbox.provider.schema import AutoName, Spec, arn, flag, integer, json_text, longest, matching, required, text
from sandbox.provider.services.tagging import as_list, as_map
from sandbox.provider.values import Props

_GONE = ("NoSuchEntity",)
_NEW_PRINCIPAL = says("Invalid principal in policy", code="MalformedPolicyDocument")


class Role(Resource):
    """``aws.iam.Role``; its id is its name."""

    spec = Spec(
        "aws:iam/role:Role",
        props={
            "name": text(
                matching(r"[\w+=,.@-]{1,64}", "only alphanumeric characters and +=,.@-_ allowed, at most 64"),
                replaces=True,
            ),
            "assumeRolePolicy": required(json_text(same_policy)),
            "description": text(longest(1000)),
            "forceDetachPolicies": flag(default=False, write_only=True),
            "maxSessionDuration": integer(3600, 43_200, default=3600),
            "path": text(longest(512), default="/", replaces=True),
            "permissionsBoundary": text(arn),
        },
        computed={"arn": (), "uniqueId": (), "createDate": ()},
        autoname=AutoName(longest=64),
        regional=False,
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        name: str = inputs["name"]
        given = {"Description": inputs.get("description"), "PermissionsBoundary": inputs.get("permissionsBoundary")}
        extra = {wire: value for wire, value in given.items() if value}
        aws.call(
            f"creating iam.Role ({name})",
            lambda: aws.client("iam").create_role(
                RoleName=name,
                Path=inputs["path"],
                AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
                MaxSessionDuration=inputs["maxSessionDuration"],
                Tags=as_list(inputs["tagsAll"]),
                **extra,
            ),
            retry=_NEW_PRINCIPAL,
        )
        return name

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = aws.unless_missing(
            f"reading iam.Role ({resource_id})", lambda: aws.client("iam").get_role(RoleName=resource_id), *_GONE
        )
        if found is None:
            return None
        role = found["Role"]
        return {
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].isoformat(),
            "name": role["RoleName"],
            "path": role["Path"],
            "description": role.get("Description"),
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "assumeRolePolicy": _document(role["AssumeRolePolicyDocument"]),
            "tagsAll": as_map(role.get("Tags", [])),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        iam, doing = aws.client("iam"), f"updating iam.Role ({resource_id})"
        if "assumeRolePolicy" in changed:
            document = news["assumeRolePolicy"]
            aws.call(
                doing,
                lambda: iam.update_assume_role_policy(RoleName=resource_id, PolicyDocument=document),
                retry=_NEW_PRINCIPAL,
            )
        if "permissionsBoundary" in changed:
            boundary = news.get("permissionsBoundary")
            if boundary:
                aws.call(
                    doing,
                    lambda: iam.put_role_permissions_boundary(RoleName=resource_id, PermissionsBoundary=boundary),
                )
            else:
                aws.call(doing, lambda: iam.delete_role_permissions_boundary(RoleName=resource_id))
        if changed & {"description", "maxSessionDuration"}:
            aws.call(
                doing,
                lambda: iam.update_role(
                    RoleName=resource_id,
                    Description=news.get("description", ""),
                    MaxSessionDuration=news["maxSessionDuration"],
                ),
            )

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        if state.get("forceDetachPolicies"):
            self._detach_all(aws, resource_id)
        aws.unless_missing(
            f"deleting iam.Role ({resource_id})",
            lambda: aws.client("iam").delete_role(RoleName=resource_id),
            *_GONE,
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        iam, doing = aws.client("iam"), f"tagging iam.Role ({resource_id})"
        if drop:
            aws.call(doing, lambda: iam.untag_role(RoleName=resource_id, TagKeys=drop))
        if put:
            aws.call(doing, lambda: iam.tag_role(RoleName=resource_id, Tags=as_list(put)))

    def _detach_all(self, aws: Aws, name: str) -> None:
        iam, doing = aws.client("iam"), f"detaching the policies of iam.Role ({name})"
        inline = aws.unless_missing(doing, lambda: iam.list_role_policies(RoleName=name), *_GONE)
        for policy in (inline or {}).get("PolicyNames", []):
            aws.unless_missing(doing, partial(iam.delete_role_policy, RoleName=name, PolicyName=policy), *_GONE)
        attached = aws.unless_missing(doing, lambda: iam.list_attached_role_policies(RoleName=name), *_GONE)
        for policy in (attached or {}).get("AttachedPolicies", []):
            aws.unless_missing(
                doing, partial(iam.detach_role_policy, RoleName=name, PolicyArn=policy["PolicyArn"]), *_GONE
            )


class RolePolicy(Resource):
    """``aws.iam.RolePolicy``; its id is ``<role>:<name>``."""

    spec = Spec(
        "aws:iam/rolePolicy:RolePolicy",
        props={
            "name": text(
                matching(r"[\w+=,.@-]{1,128}", "only alphanumeric characters and +=,.@-_ allowed, at most 128"),
                replaces=True,
            ),
            "policy": required(json_text(same_policy)),
            "role": text(matching(r"(?!arn:).+", "must be the role's name, not its ARN"), required=True, replaces=True),
        },
        regional=False,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        resource_id = f"{inputs['role']}:{inputs['name']}"
        self._put(aws, resource_id, inputs, "creating")
        return resource_id

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        role, _, name = resource_id.partition(":")
        found = aws.unless_missing(
            f"reading iam.RolePolicy ({resource_id})",
            lambda: aws.client("iam").get_role_policy(RoleName=role, PolicyName=name),
            *_GONE,
        )
        return None if found is None else {"name": name, "role": role, "policy": _document(found["PolicyDocument"])}

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._put(aws, resource_id, news, "updating")

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        role, _, name = resource_id.partition(":")
        aws.unless_missing(
            f"deleting iam.RolePolicy ({resource_id})",
            lambda: aws.client("iam").delete_role_policy(RoleName=role, PolicyName=name),
            *_GONE,
        )

    def _put(self, aws: Aws, resource_id: str, inputs: Props, doing: str) -> None:
        aws.call(
            f"{doing} iam.RolePolicy ({resource_id})",
            lambda: aws.client("iam").put_role_policy(
                RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
            ),
        )


def _document(document: Any) -> str:
    """A policy as text: boto3 gives an object, other AWS endpoints URL-encoded text."""
    return unquote(document) if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
