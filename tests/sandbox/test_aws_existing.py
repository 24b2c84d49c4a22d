"""What the emulator does with a name that is taken: as AWS's API reference says for each kind."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import AwsEmulator
from tests.sandbox.aws_support import refusal

pytestmark = pytest.mark.sandbox


def tags(**given: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in given.items()]


def test_a_topic_that_exists_is_returned_with_its_own_tags(aws: AwsEmulator) -> None:
    sns = aws.client("sns")
    made = sns.create_topic(Name="topic", Tags=tags(owner="one"))["TopicArn"]
    assert sns.create_topic(Name="topic")["TopicArn"] == made
    assert sns.create_topic(Name="topic", Tags=tags(owner="one"))["TopicArn"] == made
    with pytest.raises(ClientError, match="Topic already exists with different tags") as error:
        sns.create_topic(Name="topic", Tags=tags(owner="two"))
    assert refusal(error) == "InvalidParameter"
    assert sns.list_tags_for_resource(ResourceArn=made)["Tags"] == tags(owner="one")


def put_alarm(aws: AwsEmulator, description: str, **more: Any) -> None:
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="alarm",
        AlarmDescription=description,
        Namespace="Own",
        MetricName="Count",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        **more,
    )


def test_an_alarm_of_the_same_name_is_overwritten_and_keeps_its_tags_and_state(aws: AwsEmulator) -> None:
    cloudwatch = aws.client("cloudwatch")
    first = "arn:aws:sns:us-east-1:123456789012:first"
    put_alarm(aws, "the first's", AlarmActions=[first], TreatMissingData="ignore", Tags=tags(owner="one"))
    cloudwatch.set_alarm_state(AlarmName="alarm", StateValue="ALARM", StateReason="a test")
    put_alarm(aws, "the second's", TreatMissingData="ignore", Tags=tags(owner="two"))
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["AlarmDescription"], alarm["AlarmActions"], alarm["StateValue"]) == ("the second's", [], "ALARM")
    assert cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"] == tags(owner="one")


def test_a_log_group_that_exists_is_refused(aws: AwsEmulator) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/own", tags={"owner": "one"})
    with pytest.raises(ClientError) as error:
        logs.create_log_group(logGroupName="/own", tags={"owner": "two"})
    assert refusal(error) == "ResourceAlreadyExistsException"
    (group,) = logs.describe_log_groups()["logGroups"]
    assert logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"] == {"owner": "one"}


def test_a_boundary_limits_what_a_role_may_do(aws: AwsEmulator) -> None:
    iam, sts = aws.client("iam"), aws.client("sts")
    account = sts.get_caller_identity()["Account"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}],
    }
    role = iam.create_role(
        RoleName="bounded", AssumeRolePolicyDocument=json.dumps(trust), PermissionsBoundary=boundary
    )["Role"]["Arn"]
    everything = {**document, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="bounded", PolicyName="all", PolicyDocument=json.dumps(everything))
    bounded = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    assert aws.client("sqs", credentials=bounded).list_queues()
    with pytest.raises(ClientError) as error:
        aws.client("sns", credentials=bounded).list_topics()
    assert refusal(error) in ("AuthorizationError", "AccessDenied")
