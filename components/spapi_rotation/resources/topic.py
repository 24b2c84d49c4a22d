"""The SNS topic of the alarms: encrypted by the component's key, open to its own alarms only."""

from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.existing import EncryptionKey
from spapi_rotation.resources.iam import deny_plain_text, document
from spapi_rotation.scope import Scope
from spapi_rotation_lambda.domain.sender_policy import Statement

_ALARMS = {"Service": "cloudwatch.amazonaws.com"}


def alarm_key_statement(scope: Scope) -> Statement:
    """What lets the component's alarms use the key.

    CloudWatch encrypts what it publishes as itself, as a service, so that the account's own statement does not
    cover it; without this one every notification is dropped, and only the alarm's history tells. It serves all AWS
    accounts under the same name: the condition keeps it to this one and to the component's own alarms.

    Source: SNS guide, "Key management" (the two actions); AWS's modern-data-architecture-accelerator,
    grantCloudWatchAlarmsTopicAccess (CloudWatch sends both condition keys to KMS, unlike EventBridge).
    """
    return {
        "Sid": "AllowAlarms",
        "Effect": "Allow",
        "Principal": _ALARMS,
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": _own_alarms(scope),
    }


def topic_policy(scope: Scope, topic_arn: pulumi.Input[str]) -> dict[str, Any]:
    """TLS only, and the component's alarms may publish.

    SNS's default policy lets CloudWatch publish, too, but a policy with a TLS statement replaces it. Whoever manages
    the topic or subscribes to it does so by IAM policies of the account.

    Source: SNS guide, "Example cases for Amazon SNS access control" and "Amazon SNS security best practices".
    """
    publish = {
        "Sid": "AllowAlarms",
        "Effect": "Allow",
        "Principal": _ALARMS,
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": _own_alarms(scope),
    }
    return document(publish, deny_plain_text("sns:Publish", topic_arn))


def create_topic(scope: Scope, key: EncryptionKey) -> aws.sns.Topic:
    """Make the topic and its policy."""
    topic = aws.sns.Topic(f"{scope.name}-alarm-topic", kms_master_key_id=key.arn, tags=scope.tags, opts=scope.options())
    aws.sns.TopicPolicy(
        f"{scope.name}-alarm-topic-policy",
        arn=topic.arn,
        policy=pulumi.Output.json_dumps(topic_policy(scope, topic.arn)),
        opts=scope.options(),
    )
    return topic


def _own_alarms(scope: Scope) -> dict[str, Any]:
    return {
        "StringEquals": {"aws:SourceAccount": scope.account_id},
        "ArnLike": {"aws:SourceArn": scope.arn("cloudwatch", f"alarm:{scope.alarm_prefix}*")},
    }
