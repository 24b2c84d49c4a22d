"""What a run has made in the account: whether it is still there, and the command that removes it."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.acceptance.account import Account

_GONE = {
    "404",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFound",
    "ResourceNotFoundException",
}

PENDING = "pending deletion"
"""A state in which AWS keeps a key or a secret for a while, at no cost."""


@dataclass(frozen=True, slots=True)
class Made:
    """A resource.

    Attributes:
        kind: its type in Pulumi's state.
        resource_id: its id there.
    """

    kind: str
    resource_id: str


@dataclass(frozen=True, slots=True)
class Kind:
    """How to look for resources of a type and to remove one.

    Attributes:
        look: True if it is there, PENDING, or an error of AWS's that it is not.
        remove: the words of an AWS CLI line for an id.
    """

    look: Callable[[Account, str], Any]
    remove: Callable[[str], tuple[str, ...]]


def _key(account: Account, key: str) -> str | bool:
    return (
        PENDING
        if account.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
        else True
    )


def _secret(account: Account, arn: str) -> str | bool:
    return PENDING if account.client("secretsmanager").describe_secret(SecretId=arn).get("DeletedDate") else True


def _log_group(account: Account, name: str) -> bool:
    pages = account.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return any(group["logGroupName"] == name for page in pages for group in page["logGroups"])


def _alarm(account: Account, name: str) -> bool:
    return bool(account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"])


KINDS: dict[str, Kind] = {
    # In the order in which they can be removed.
    "aws:lambda/eventSourceMapping:EventSourceMapping": Kind(
        lambda account, uuid: account.client("lambda").get_event_source_mapping(UUID=uuid),
        lambda uuid: ("lambda", "delete-event-source-mapping", "--uuid", uuid),
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": Kind(
        lambda account, name: account.client("scheduler").get_schedule_group(Name=name),
        lambda name: ("scheduler", "delete-schedule-group", "--name", name),
    ),
    "aws:lambda/function:Function": Kind(
        lambda account, name: account.client("lambda").get_function(FunctionName=name),
        lambda name: ("lambda", "delete-function", "--function-name", name),
    ),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        lambda account, both: account.client("iam").get_role_policy(
            RoleName=both.partition(":")[0], PolicyName=both.partition(":")[2]
        ),
        lambda both: (
            *("iam", "delete-role-policy", "--role-name", both.partition(":")[0]),
            *("--policy-name", both.partition(":")[2]),
        ),
    ),
    "aws:iam/role:Role": Kind(
        lambda account, name: account.client("iam").get_role(RoleName=name),
        lambda name: ("iam", "delete-role", "--role-name", name),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(
        _alarm, lambda name: ("cloudwatch", "delete-alarms", "--alarm-names", name)
    ),
    "aws:cloudwatch/dashboard:Dashboard": Kind(
        lambda account, name: account.client("cloudwatch").get_dashboard(DashboardName=name),
        lambda name: ("cloudwatch", "delete-dashboards", "--dashboard-names", name),
    ),
    "aws:sns/topic:Topic": Kind(
        lambda account, arn: account.client("sns").get_topic_attributes(TopicArn=arn),
        lambda arn: ("sns", "delete-topic", "--topic-arn", arn),
    ),
    "aws:sqs/queue:Queue": Kind(
        lambda account, url: account.client("sqs").get_queue_attributes(QueueUrl=url),
        lambda url: ("sqs", "delete-queue", "--queue-url", url),
    ),
    "aws:secretsmanager/secret:Secret": Kind(
        _secret,
        lambda arn: ("secretsmanager", "delete-secret", "--secret-id", arn, "--force-delete-without-recovery"),
    ),
    "aws:cloudwatch/logGroup:LogGroup": Kind(
        _log_group, lambda name: ("logs", "delete-log-group", "--log-group-name", name)
    ),
    "aws:kms/alias:Alias": Kind(
        lambda account, name: account.client("kms").describe_key(KeyId=name),
        lambda name: ("kms", "delete-alias", "--alias-name", name),
    ),
    "aws:kms/key:Key": Kind(
        _key, lambda key: ("kms", "schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")
    ),
}
"""Every type that outlives what it belongs to. What is not here goes with its queue, function or group."""


def standing(account: Account, made: Iterable[Made]) -> dict[Made, str | bool]:
    """Which of these are there: True, or PENDING."""
    found: dict[Made, str | bool] = {}
    for each in made:
        kind = KINDS.get(each.kind)
        if kind is None:
            continue
        try:
            seen = kind.look(account, each.resource_id)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            continue
        if seen:
            found[each] = seen if seen == PENDING else True
    return found


def commands(account: Account, left: Iterable[Made]) -> list[str]:
    """The lines that remove these, in an order in which they can be removed."""
    order = list(KINDS)
    where = ("--profile", account.profile, "--region", account.region)
    return [
        shlex.join(("aws", *KINDS[each.kind].remove(each.resource_id), *where))
        for each in sorted(left, key=lambda each: (order.index(each.kind), each.resource_id))
    ]
