"""Policy documents and statements that several resources share."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import pulumi

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
