"""The component's roles, and the policy documents and statements that several resources share."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import pulumi
import pulumi_aws as aws

from spapi_rotation.scope import Scope
from spapi_rotation.validation.inputs import raising_invalid_argument
from spapi_rotation.validation.own_parts import ValidRoles, validate_boundary_account

Resource: TypeAlias = pulumi.Input[str] | list[pulumi.Output[str]] | pulumi.Output[list[str]]


def trust_policy(service: str, condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Who may take a role: one AWS service, perhaps only on someone's behalf."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if condition is not None:
        statement["Condition"] = condition
    return document(statement)


def allow(sid: str, actions: tuple[str, ...], resource: Resource) -> dict[str, Any]:
    """The statement that lets a role do something."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def deny_plain_text(action: str, resource: pulumi.Input[str]) -> dict[str, Any]:
    """The statement that denies plain-text transport to everyone."""
    return {
        "Sid": "DenyPlainText",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def put_policy(scope: Scope, name: str, role: aws.iam.Role, policy: Mapping[str, Any]) -> aws.iam.RolePolicy:
    """Give a role of the component what it may do."""
    return aws.iam.RolePolicy(
        f"{scope.name}-{name}",
        role=role.name,
        policy=pulumi.Output.json_dumps(policy),
        opts=scope.options(),
    )


def create_role(
    scope: Scope, roles: ValidRoles, name: str, *, description: str, trust: Mapping[str, Any]
) -> aws.iam.Role:
    """Make a role of the component, bounded and placed as its user says.

    Raises:
        InvalidArgument: from an output, during the preview: the boundary is another account's.
    """
    boundary = None
    if roles.permissions_boundary is not None:
        both = pulumi.Output.all(roles.permissions_boundary, scope.account_id)
        boundary = both.apply(raising_invalid_argument(lambda all_: validate_boundary_account(*all_)))
    return aws.iam.Role(
        f"{scope.name}-{name}",
        description=description,
        assume_role_policy=pulumi.Output.json_dumps(trust),
        path=roles.path,
        permissions_boundary=boundary,
        tags=scope.tags,
        opts=scope.options(),
    )
