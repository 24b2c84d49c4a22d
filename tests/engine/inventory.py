"""What an AWS account holds, as far as this project makes it: to show that something was not touched."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.aws.emulator import AwsEmulator
from sandbox.stack import Stack

Inventory = Mapping[str, object]
"""Each thing by its name or ARN, with what an update of it would change."""


def inventory(aws: AwsEmulator) -> Inventory:
    """Everything in the account."""
    return dict(_everything(aws))


def physical_ids(stack: Stack) -> dict[str, str]:
    """The id in AWS of each resource in the state, by its type and logical name."""
    custom = [each for each in resources(stack) if each["custom"] and not each["type"].startswith("pulumi:")]
    return {f"{each['type']} {each['urn'].rpartition('::')[2]}": each["id"] for each in custom}


def urns(stack: Stack) -> list[str]:
    """The URN of each resource in the state."""
    return sorted(each["urn"] for each in resources(stack))


def resources(stack: Stack) -> list[dict[str, Any]]:
    """The resources in the state."""
    return list(json.loads(stack.export())["deployment"].get("resources", []))


def _everything(aws: AwsEmulator) -> Iterator[tuple[str, object]]:
    yield from _queues(aws.client("sqs"))
    yield from _secrets(aws.client("secretsmanager"))
    yield from _keys(aws.client("kms"))
    yield from _functions(aws.client("lambda"))
    yield from _roles(aws.client("iam"))
    yield from _schedules(aws.client("scheduler"))
    yield from _watching(aws)


def _queues(sqs: Any) -> Iterator[tuple[str, object]]:
    for url in sqs.list_queues().get("QueueUrls", []):
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        settings = {name: value for name, value in found.items() if not name.startswith("Approximate")}
        yield url, (settings, sqs.list_queue_tags(QueueUrl=url).get("Tags"))


def _secrets(secrets: Any) -> Iterator[tuple[str, object]]:
    pages = secrets.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True)
    for each in (each for page in pages for each in page["SecretList"]):
        kept = ("Name", "Description", "KmsKeyId", "DeletedDate", "Tags", "SecretVersionsToStages")
        yield each["ARN"], {name: each.get(name) for name in kept}


def _keys(kms: Any) -> Iterator[tuple[str, object]]:
    for each in kms.list_keys()["Keys"]:
        key = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
        policy = kms.get_key_policy(KeyId=each["KeyId"], PolicyName="default")["Policy"]
        yield each["KeyArn"], (key["KeyState"], policy, kms.list_resource_tags(KeyId=each["KeyId"])["Tags"])
    for each in kms.list_aliases()["Aliases"]:
        yield each["AliasName"], each.get("TargetKeyId")


def _functions(functions: Any) -> Iterator[tuple[str, object]]:
    for each in functions.list_functions()["Functions"]:
        yield each["FunctionArn"], (each["LastModified"], each["CodeSha256"], each["Environment"], each["Role"])
    for each in functions.list_event_source_mappings()["EventSourceMappings"]:
        yield each["UUID"], (each["State"], each["EventSourceArn"], each["FunctionArn"])


def _roles(iam: Any) -> Iterator[tuple[str, object]]:
    for each in iam.list_roles()["Roles"]:
        policies = iam.list_role_policies(RoleName=each["RoleName"])["PolicyNames"]
        yield each["Arn"], (each["RoleId"], each["AssumeRolePolicyDocument"], policies)


def _schedules(scheduler: Any) -> Iterator[tuple[str, object]]:
    for each in scheduler.list_schedule_groups()["ScheduleGroups"]:
        if each["Name"] != "default":  # AWS's own
            yield each["Arn"], each["CreationDate"]
    pages = scheduler.get_paginator("list_schedules").paginate()
    for each in (each for page in pages for each in page["Schedules"]):
        whole = scheduler.get_schedule(GroupName=each["GroupName"], Name=each["Name"])
        yield each["Arn"], {name: value for name, value in whole.items() if name != "ResponseMetadata"}


def _watching(aws: AwsEmulator) -> Iterator[tuple[str, object]]:
    for each in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]:
        yield each["AlarmArn"], {name: value for name, value in each.items() if not name.startswith("State")}
    sns = aws.client("sns")
    for each in sns.list_topics()["Topics"]:
        arn = each["TopicArn"]
        subscribed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        yield arn, (sns.get_topic_attributes(TopicArn=arn)["Attributes"], subscribed)
    for each in aws.client("logs").describe_log_groups()["logGroups"]:
        yield each["arn"], (each["creationTime"], each.get("retentionInDays"), each.get("kmsKeyId"))
