"""The two customer-managed keys, made or the user's: that of the destination queue, and that of everything else."""

from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.existing import EncryptionKey, delegation, existing_key
from spapi_rotation.resources.iam import document
from spapi_rotation.resources.topic import alarm_key_statement
from spapi_rotation.scope import Scope
from spapi_rotation.validation.inputs import MaybeOutput
from spapi_rotation_lambda.domain.sender_policy import Statement, key_statement


def key_policy(scope: Scope, *, alarms: bool, readers: pulumi.Output[list[Statement]] | None) -> dict[str, Any]:
    """The policy of the secrets' key: two statements, one if the alarms' topic is encrypted by it, the readers'.

    The account administers the key, which also lets IAM policies of this account grant its use: the
    function's role, the schedules' role and whoever reads the secrets get it there. So Secrets Manager, SQS,
    Lambda and Scheduler need no statement of their own; they act with the caller's permissions. CloudWatch's
    logs and alarms act for nobody: these must be named. Nobody outside the account is, except as a reader.
    """
    alarm_statements = [alarm_key_statement(scope)] if alarms else []
    own = document(_administration(scope), _log_statement(scope), *alarm_statements)
    if readers is None:
        return own
    return own | {"Statement": pulumi.Output.all(own["Statement"], readers).apply(lambda all_: [*all_[0], *all_[1]])}


def queue_key_policy(scope: Scope) -> dict[str, Any]:
    """The policy of the destination queue's key: the account's statement, and what Amazon's sender needs."""
    return document(_administration(scope), key_statement())


def create_key(
    scope: Scope,
    deletion_window_days: pulumi.Input[int],
    *,
    own: MaybeOutput[str] | None,
    alarms: bool,
    readers: pulumi.Output[list[Statement]] | None,
) -> EncryptionKey:
    """The key of the secrets and of all else but the destination queue: the user's, or made and rotated once a year.

    Args:
        own: the user's key, if there is one.
        alarms: whether CloudWatch's alarms need it, for the component's own topic.
        readers: what those who read the secrets need in its policy; None if there are none.

    Raises:
        InvalidArgument: from the ARN, during the preview: the user's key lies elsewhere, or cannot encrypt.
    """
    policy = key_policy(scope, alarms=alarms, readers=readers)
    if own is not None:
        needed = pulumi.Output.all(delegation(scope), policy["Statement"]).apply(lambda all_: [all_[0], *all_[1][1:]])
        return existing_key(scope, "key", own, argument="keys.secrets", needed=needed, for_amazon=False)
    return _key(
        scope,
        "key",
        deletion_window_days,
        description="SP-API client secrets: secrets, function, log, alarms, queues other than the destination.",
        policy=policy,
    )


def create_queue_key(
    scope: Scope, deletion_window_days: pulumi.Input[int], *, own: MaybeOutput[str] | None, existing_queue: bool
) -> EncryptionKey | None:
    """The destination queue's own key: what Amazon may do with it does not reach the secrets.

    None for a queue of the user's without a key of the user's: SQS encrypts that by itself.

    Raises:
        InvalidArgument: from the ARN, during the preview: the user's key lies elsewhere, cannot encrypt, or keeps
            Amazon out.
    """
    if own is not None:
        needed = [delegation(scope, "kms:GetKeyPolicy")]
        return existing_key(scope, "queue-key", own, argument="keys.queue", needed=needed, for_amazon=True)
    if existing_queue:
        return None
    return _key(
        scope,
        "queue-key",
        deletion_window_days,
        description="SP-API client secrets: the queue that Amazon sends to.",
        policy=queue_key_policy(scope),
    )


def _key(
    scope: Scope, name: str, deletion_window_days: pulumi.Input[int], *, description: str, policy: dict[str, Any]
) -> EncryptionKey:
    key = aws.kms.Key(
        f"{scope.name}-{name}",
        description=description,
        deletion_window_in_days=deletion_window_days,
        enable_key_rotation=True,
        policy=pulumi.Output.json_dumps(policy),
        tags=scope.tags,
        opts=scope.options(protected=True),
    )
    aws.kms.Alias(
        f"{scope.name}-{name}-alias",
        target_key_id=key.key_id,
        opts=scope.options(),
    )
    return EncryptionKey(key.arn, key)


def _administration(scope: Scope) -> Statement:
    return {
        "Sid": "AccountAdministers",
        "Effect": "Allow",
        "Principal": {"AWS": pulumi.Output.concat("arn:aws:iam::", scope.account_id, ":root")},
        "Action": "kms:*",
        "Resource": "*",
    }


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
