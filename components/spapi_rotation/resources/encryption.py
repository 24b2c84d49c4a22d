"""The customer-managed key of the queues, the secrets and the log."""

from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.iam import document
from spapi_rotation.resources.topic import alarm_key_statement
from spapi_rotation.scope import Scope
from spapi_rotation_lambda.domain.sender_policy import Statement, key_statement


def key_policy(scope: Scope, *, alarms: bool) -> dict[str, Any]:
    """The key's policy: three statements, and a fourth if the alarms' topic is encrypted by it.

    The account administers the key, which also lets IAM policies of this account grant its use: the
    function's role, the schedules' role and whoever reads the secrets get it there. So Secrets Manager, SQS,
    Lambda and Scheduler need no statement of their own; they act with the caller's permissions. Amazon's
    sender belongs to another account, and CloudWatch's logs and alarms act for nobody: these must be named.
    """
    administers = {
        "Sid": "AccountAdministers",
        "Effect": "Allow",
        "Principal": {"AWS": pulumi.Output.concat("arn:aws:iam::", scope.account_id, ":root")},
        "Action": "kms:*",
        "Resource": "*",
    }
    alarm_statements = [alarm_key_statement(scope)] if alarms else []
    return document(administers, key_statement(), _log_statement(scope), *alarm_statements)


def create_key(scope: Scope, deletion_window_days: pulumi.Input[int], *, alarms: bool) -> aws.kms.Key:
    """The key, rotated by AWS once a year, and its alias.

    Args:
        alarms: whether CloudWatch's alarms need it, for the component's own topic.
    """
    key = aws.kms.Key(
        f"{scope.name}-key",
        description="SP-API client secrets: queues, secrets, log, alarms.",
        deletion_window_in_days=deletion_window_days,
        enable_key_rotation=True,
        policy=pulumi.Output.json_dumps(key_policy(scope, alarms=alarms)),
        tags=scope.tags,
        opts=scope.options(protected=True),
    )
    aws.kms.Alias(
        f"{scope.name}-key-alias",
        target_key_id=key.key_id,
        opts=scope.options(),
    )
    return key


def _log_statement(scope: Scope) -> Statement:
    """What CloudWatch Logs needs, for one log group.

    Source: CloudWatch Logs guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
    """
    log_group = scope.arn("logs", f"log-group:{scope.log_group_name}")
    return {
        "Sid": "AllowLogGroup",
        "Effect": "Allow",
        "Principal": {"Service": pulumi.Output.concat("logs.", scope.region, ".amazonaws.com")},
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": "*",
        "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_group}},
    }
