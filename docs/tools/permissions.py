"""The policy documents in ``docs/permissions/``: what whoever runs ``pulumi up`` and ``pulumi destroy`` needs.

The tests on the real engine hold these to be exactly what is needed, as far as the sandbox can see. What it cannot see
is in ``UNSEEN``, with the reason.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from docs.tools.pictures import DOCS

FOLDER = DOCS / "permissions"

ACCOUNT, REGION, IDENTITY, COMPONENT = "ACCOUNT", "REGION", "IDENTITY", "COMPONENT"
"""What a person puts in: account and region, the component's identity, and its name, which AWS names begin with."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that allows.

    Attributes:
        sid: its name.
        service: the service's prefix, common to its actions.
        actions: without the prefix.
        resources: ARNs, without the part that is the same for all of a service in this account and region.
        condition: as in the policy.
    """

    sid: str
    service: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As it stands in a policy."""
        named = sorted(f"{self.service}:{action}" for action in self.actions)
        condition = {"Condition": dict(self.condition)} if self.condition else {}
        return {"Sid": self.sid, "Effect": "Allow", "Action": named, "Resource": list(self.resources), **condition}


def _here(service: str, *resources: str) -> tuple[str, ...]:
    return tuple(f"arn:aws:{service}:{REGION}:{ACCOUNT}:{each}" for each in resources)


_OWN_KEYS = {"StringEquals": {"aws:ResourceTag/spapi-rotation:identity": IDENTITY}}
_SECRETS = _here("secretsmanager", f"secret:{IDENTITY}/amzn1.application-oa2-client.*")
_QUEUES = _here("sqs", f"{COMPONENT}-*")

DEPLOY = (
    # These know no resources, or are asked for a list.
    Statement("ListKeys", "kms", ("CreateKey", "ListAliases"), ("*",)),
    Statement("ListLogs", "logs", ("DescribeLogGroups",), ("*",)),
    Statement("ListAlarms", "cloudwatch", ("DescribeAlarms",), ("*",)),
    Statement("Connect", "lambda", ("CreateEventSourceMapping",), ("*",)),
    Statement("TagKeys", "kms", ("TagResource",), _here("kms", "key/*")),
    Statement(
        "Keys",
        "kms",
        (
            *("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"),
            *("EnableKeyRotation", "PutKeyPolicy", "ScheduleKeyDeletion", "UntagResource", "UpdateKeyDescription"),
            # Alias, queue, secret, log, topic and the function's environment are encrypted by them.
            *("CreateAlias", "DeleteAlias", "CreateGrant", "Decrypt", "Encrypt", "GenerateDataKey"),
        ),
        _here("kms", "key/*"),
        _OWN_KEYS,
    ),
    Statement("Aliases", "kms", ("CreateAlias", "DeleteAlias"), _here("kms", f"alias/{COMPONENT}-*")),
    Statement(
        "Queues",
        "sqs",
        (
            *("CreateQueue", "DeleteQueue", "GetQueueAttributes", "ListQueueTags"),
            *("SetQueueAttributes", "TagQueue", "UntagQueue"),
        ),
        _QUEUES,
    ),
    Statement(
        "Secrets",
        "secretsmanager",
        (
            *("CreateSecret", "DeleteSecret", "DescribeSecret", "GetResourcePolicy", "TagResource", "UntagResource"),
            *("UpdateSecret", "ListSecretVersionIds"),
            # For `readers`.
            *("DeleteResourcePolicy", "PutResourcePolicy"),
        ),
        _SECRETS,
    ),
    Statement(
        "Log",
        "logs",
        (
            *("AssociateKmsKey", "CreateLogGroup", "DeleteLogGroup", "ListTagsForResource", "PutRetentionPolicy"),
            *("TagResource", "UntagResource"),
        ),
        _here("logs", f"log-group:/aws/lambda/{IDENTITY}", f"log-group:/aws/lambda/{IDENTITY}:*"),
    ),
    Statement(
        "Roles",
        "iam",
        (
            *("CreateRole", "DeleteRole", "GetRole", "TagRole", "UntagRole", "UpdateAssumeRolePolicy"),
            *("DeleteRolePolicy", "GetRolePolicy", "PutRolePolicy", "ListRolePolicies"),
            *("ListAttachedRolePolicies", "ListInstanceProfilesForRole"),
        ),
        (f"arn:aws:iam::{ACCOUNT}:role/{COMPONENT}-*",),
    ),
    Statement(
        "PassRoles",
        "iam",
        ("PassRole",),
        (f"arn:aws:iam::{ACCOUNT}:role/{COMPONENT}-*",),
        {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "scheduler.amazonaws.com"]}},
    ),
    Statement(
        "Function",
        "lambda",
        (
            *("CreateFunction", "DeleteFunction", "GetFunction", "GetFunctionCodeSigningConfig"),
            *("GetFunctionConfiguration", "ListVersionsByFunction", "ListTags", "TagResource", "UntagResource"),
            *("UpdateFunctionCode", "UpdateFunctionConfiguration"),
            *("DeleteFunctionEventInvokeConfig", "GetFunctionEventInvokeConfig", "PutFunctionEventInvokeConfig"),
        ),
        _here("lambda", f"function:{COMPONENT}-*"),
    ),
    Statement(
        "Mapping",
        "lambda",
        (
            *("DeleteEventSourceMapping", "GetEventSourceMapping", "UpdateEventSourceMapping"),
            *("ListTags", "TagResource", "UntagResource"),
        ),
        _here("lambda", "event-source-mapping:*"),
    ),
    Statement(
        "Schedules",
        "scheduler",
        (
            *("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"),
            *("CreateScheduleGroup", "DeleteScheduleGroup", "GetScheduleGroup"),
            *("ListTagsForResource", "TagResource", "UntagResource"),
        ),
        _here("scheduler", f"schedule-group/{COMPONENT}-*", f"schedule/{COMPONENT}-*"),
    ),
    Statement(
        "Topic",
        "sns",
        (
            *("CreateTopic", "DeleteTopic", "GetTopicAttributes", "ListTagsForResource", "SetTopicAttributes"),
            *("TagResource", "UntagResource"),
        ),
        _here("sns", f"{COMPONENT}-*"),
    ),
    Statement(
        "Alarms",
        "cloudwatch",
        ("DeleteAlarms", "ListTagsForResource", "PutMetricAlarm", "TagResource", "UntagResource"),
        _here("cloudwatch", f"alarm:{IDENTITY}/*"),
    ),
    # Its name ends in digits that are made of the identity.
    Statement(
        "Dashboard",
        "cloudwatch",
        ("DeleteDashboards", "GetDashboard", "PutDashboard"),
        (f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/*",),
    ),
)
"""Without a rotation."""

BY_UP = (
    Statement(
        "RotateSecrets",
        "secretsmanager",
        ("GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"),
        _SECRETS,
    ),
    Statement("TakeUnclaimed", "sqs", ("DeleteMessage", "ReceiveMessage"), _here("sqs", f"{COMPONENT}-unclaimed-*")),
    Statement("Publish", "events", ("PutEvents",), _here("events", "event-bus/default")),
    Statement("LookAtMapping", "lambda", ("ListEventSourceMappings",), ("*",)),
)
"""What a rotation by `pulumi up` itself needs beside."""

BY_FUNCTION = (Statement("AskFunction", "lambda", ("InvokeFunction",), _here("lambda", f"function:{COMPONENT}-*")),)
"""What one by the function needs beside."""

BY_RESTART = (
    Statement(
        "RestartMachine",
        "states",
        (
            *("CreateStateMachine", "DeleteStateMachine", "DescribeStateMachine", "UpdateStateMachine"),
            *("ListStateMachineVersions", "ListTagsForResource", "TagResource", "UntagResource"),
        ),
        _here("states", f"stateMachine:{COMPONENT}-restart-*"),
    ),
    Statement("ValidateMachine", "states", ("ValidateStateMachineDefinition",), ("*",)),
    Statement(
        "RestartRules",
        "events",
        (
            *("DeleteRule", "DescribeRule", "PutRule"),
            *("ListTargetsByRule", "PutTargets", "RemoveTargets"),
            *("ListTagsForResource", "TagResource", "UntagResource"),
        ),
        _here("events", f"rule/{COMPONENT}-restart-*"),
    ),
    Statement(
        "PassRestartRoles",
        "iam",
        ("PassRole",),
        (f"arn:aws:iam::{ACCOUNT}:role/{COMPONENT}-restart-*",),
        {"StringEquals": {"iam:PassedToService": ["events.amazonaws.com", "states.amazonaws.com"]}},
    ),
)
"""What `restart` needs beside, with or without a rotation."""

DOCUMENTS: Mapping[str, tuple[Statement, ...]] = {
    "up.json": DEPLOY,
    "up-with-rotation.json": (*DEPLOY, *BY_UP),
    "up-with-rotation-via-function.json": (*DEPLOY, *BY_FUNCTION),
    "restart.json": BY_RESTART,
}
"""The documents, by the name of the file."""


def policy(statements: tuple[Statement, ...], **values: str) -> dict[str, Any]:
    """A policy, with what a person puts in put in."""
    text = json.dumps({"Version": "2012-10-17", "Statement": [each.document() for each in statements]}, indent=2)
    for name, value in values.items():
        text = text.replace(name, value)
    made: dict[str, Any] = json.loads(text)
    return made


def texts() -> dict[str, str]:
    """The text of every document, by the name of its file."""
    return {name: json.dumps(policy(each), indent=2) + "\n" for name, each in DOCUMENTS.items()}


_REAL_PROVIDER = "Asked for by the real AWS provider alone; the sandbox's stand-in does not ask."
_BESIDE = "AWS asks for it beside another action; the emulator does not."
_UPGRADE = "No setting changes this. A later version of the package may."

UNSEEN: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
            "lambda:GetFunctionCodeSigningConfig",
            "states:ListStateMachineVersions",
            "states:ValidateStateMachineDefinition",
        ),
        _REAL_PROVIDER,
    ),
    "logs:AssociateKmsKey": _BESIDE,
    "sqs:DeleteMessage": "Only for a new secret in the unclaimed queue: it is taken, and the rotation declined.",
    **dict.fromkeys(
        (
            "iam:UpdateAssumeRolePolicy",
            "kms:UpdateKeyDescription",
            "lambda:UpdateEventSourceMapping",
            "lambda:UpdateFunctionCode",
            "secretsmanager:UpdateSecret",
            "states:UpdateStateMachine",
        ),
        _UPGRADE,
    ),
}
"""Actions whose lack the sandbox does not show, with the reason."""
