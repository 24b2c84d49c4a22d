"""A right is asked for the thing that it is about, also where a request names that in another way."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.sandbox.aws_support import acting_as, allow

pytestmark = pytest.mark.sandbox

HERE = f"{REGION}:{ACCOUNT}"
TOPIC = f"arn:aws:sns:{HERE}:mine"
ALARM = f"arn:aws:cloudwatch:{HERE}:alarm:mine"
GROUP = f"arn:aws:scheduler:{HERE}:schedule-group/mine"
ALIAS = f"arn:aws:kms:{HERE}:alias/mine"
TARGET = {"Id": "mine", "Arn": f"arn:aws:sqs:{HERE}:mine"}

Asked = tuple[str, str, Callable[[Any, str], Any]]
"""A service, the ARN of a thing, and a call about it."""


def on_event_settings(verb: str) -> Asked:
    def call(functions: Any, arn: str) -> Any:
        return getattr(functions, f"{verb.lower()}_function_event_invoke_config")(FunctionName=arn.rpartition(":")[2])

    return "lambda", f"arn:aws:lambda:{HERE}:function:mine", call


def on_mapping(verb: str) -> Asked:
    def call(functions: Any, arn: str) -> Any:
        return getattr(functions, f"{verb.lower()}_event_source_mapping")(UUID=arn.rpartition(":")[2])

    return "lambda", f"arn:aws:lambda:{HERE}:event-source-mapping:{'0' * 36}", call


CALLS: dict[str, Asked] = {
    "sns:ListTagsForResource": ("sns", TOPIC, lambda sns, arn: sns.list_tags_for_resource(ResourceArn=arn)),
    "sns:TagResource": ("sns", TOPIC, lambda sns, arn: sns.tag_resource(ResourceArn=arn, Tags=[])),
    "cloudwatch:ListTagsForResource": (
        "cloudwatch",
        ALARM,
        lambda cloudwatch, arn: cloudwatch.list_tags_for_resource(ResourceARN=arn),
    ),
    "cloudwatch:DeleteAlarms": (
        "cloudwatch",
        ALARM,
        lambda cloudwatch, arn: cloudwatch.delete_alarms(AlarmNames=[arn.rpartition(":")[2]]),
    ),
    "lambda:DeleteFunctionConcurrency": (
        "lambda",
        f"arn:aws:lambda:{HERE}:function:mine",
        lambda functions, arn: functions.delete_function_concurrency(FunctionName=arn.rpartition(":")[2]),
    ),
    "cloudwatch:GetDashboard": (
        "cloudwatch",
        f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/mine",
        lambda cloudwatch, arn: cloudwatch.get_dashboard(DashboardName=arn.rpartition("/")[2]),
    ),
    "cloudwatch:DeleteDashboards": (
        "cloudwatch",
        f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/mine",
        lambda cloudwatch, arn: cloudwatch.delete_dashboards(DashboardNames=[arn.rpartition("/")[2]]),
    ),
    "scheduler:ListTagsForResource": (
        "scheduler",
        GROUP,
        lambda scheduler, arn: scheduler.list_tags_for_resource(ResourceArn=arn),
    ),
    "events:PutRule": (
        "events",
        f"arn:aws:events:{HERE}:rule/mine",
        lambda events, arn: events.put_rule(Name=arn.rpartition("/")[2], EventPattern='{"source":["a"]}'),
    ),
    "events:PutTargets": (
        "events",
        f"arn:aws:events:{HERE}:rule/bus/mine",
        lambda events, arn: events.put_targets(Rule=arn.rpartition("/")[2], EventBusName="bus", Targets=[TARGET]),
    ),
    "events:ListTargetsByRule": (
        "events",
        f"arn:aws:events:{HERE}:rule/mine",
        lambda events, arn: events.list_targets_by_rule(Rule=arn.rpartition("/")[2], EventBusName="default"),
    ),
    "events:TagResource": (
        "events",
        f"arn:aws:events:{HERE}:rule/mine",
        lambda events, arn: events.tag_resource(ResourceARN=arn, Tags=[]),
    ),
    "states:TagResource": (
        "stepfunctions",
        f"arn:aws:states:{HERE}:stateMachine:mine",
        lambda states, arn: states.tag_resource(resourceArn=arn, tags=[]),
    ),
    "lambda:CreateFunction": (
        "lambda",
        f"arn:aws:lambda:{HERE}:function:mine",
        lambda functions, arn: functions.create_function(
            FunctionName=arn.rpartition(":")[2], Role=f"arn:aws:iam::{ACCOUNT}:role/missing", Code={"ZipFile": b""}
        ),
    ),
    **{f"lambda:{verb}FunctionEventInvokeConfig": on_event_settings(verb) for verb in ("Delete", "Get", "Put")},
    **{f"lambda:{verb}EventSourceMapping": on_mapping(verb) for verb in ("Delete", "Get", "Update")},
    "kms:DeleteAlias": ("kms", ALIAS, lambda kms, arn: kms.delete_alias(AliasName=arn.rpartition(":")[2])),
}


@pytest.mark.parametrize("action", CALLS)
def test_a_right_is_asked_for_the_thing_itself(aws: AwsEmulator, action: str) -> None:
    service, arn, call = CALLS[action]
    client = aws.client(service, credentials=acting_as(aws, allow(action, arn)))
    assert "not authorized" not in answer(call, client, arn)
    assert f"not authorized to perform: {action}" in answer(call, client, f"{arn}-of-another")


def answer(call: Callable[[Any, str], Any], client: Any, arn: str) -> str:
    """What AWS refuses it with; the thing need not be there."""
    try:
        call(client, arn)
    except ClientError as refused:
        return str(refused)
    return ""


def test_the_tags_of_a_key_decide_about_its_use_by_a_service(aws: AwsEmulator) -> None:
    """Secrets Manager uses the key with its caller's rights, which may be bound to the key's tags."""
    kms = aws.client("kms")
    tagged = {"StringEquals": {"aws:ResourceTag/of": "mine"}}
    may = [allow("secretsmanager:*"), {**allow(["kms:GenerateDataKey", "kms:Decrypt"]), "Condition": tagged}]
    secrets = aws.client("secretsmanager", credentials=acting_as(aws, *may))
    for owner in ("mine", "another"):
        key = kms.create_key(Tags=[{"TagKey": "of", "TagValue": owner}])["KeyMetadata"]["KeyId"]
        if owner == "mine":
            secrets.create_secret(Name=owner, KmsKeyId=key, SecretString="value")
        else:
            with pytest.raises(ClientError):
                secrets.create_secret(Name=owner, KmsKeyId=key, SecretString="value")


def test_a_role_is_asked_for_with_its_path(aws: AwsEmulator) -> None:
    trust = '{"Version":"2012-10-17","Statement":[]}'
    placed = f"arn:aws:iam::{ACCOUNT}:role/platform/*"
    manages = ["iam:CreateRole", "iam:GetRole", "iam:DeleteRole"]
    iam = aws.client("iam", credentials=acting_as(aws, allow(manages, placed)))
    iam.create_role(RoleName="mine", Path="/platform/", AssumeRolePolicyDocument=trust)
    assert iam.get_role(RoleName="mine")["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/platform/mine"
    iam.delete_role(RoleName="mine")
    with pytest.raises(ClientError, match="not authorized to perform: iam:CreateRole"):
        iam.create_role(RoleName="mine", AssumeRolePolicyDocument=trust)
    aws.client("iam").create_role(RoleName="mine", Path="/other/", AssumeRolePolicyDocument=trust)
    with pytest.raises(ClientError, match="not authorized to perform: iam:GetRole"):
        iam.get_role(RoleName="mine")
