"""The emulator's EventBridge Scheduler: valid schedules only, inputs filled in, roles and dead-letter queues."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.sandbox.aws_support import allow, eventually, make_function, make_queue, make_role, receive

pytestmark = pytest.mark.sandbox

SCHEDULE_ARN = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/name"


def schedule(aws: AwsEmulator, target: dict[str, Any], expression: str = "rate(1 hour)", **more: Any) -> None:
    """An hour lasts two seconds here."""
    aws.client("scheduler").create_schedule(
        Name="name",
        ScheduleExpression=expression,
        Target=target,
        **{"FlexibleTimeWindow": {"Mode": "OFF"}, **more},
    )


def role_for(aws: AwsEmulator, *statements: dict[str, Any]) -> str:
    return make_role(aws, *statements, service="scheduler.amazonaws.com")


INVALID = (
    "rate(0 hours)",
    "rate(1.0 hours)",
    "rate(5.0 hours)",
    "rate(-10 minutes)",
    "rate(10 seconds)",
    "rate( 10 minutes )",
    " rate(10 minutes)",
    "rate(10 minutess)",
    "rate()",
    "cron(0 1 * * * *)",
    "cron(7 20 * * NOT *)",
    "cron(0 dummy ? * MON-FRI *)",
    "cron(71 8 1 * ? *)",
    "cron()",
    "at(2021-12-31T23:59:59Z)",
    "at(2021-12-31)",
    "every hour",
)
"""Most are AWS's recorded refusals in the Scheduler tests of localstack/localstack."""


@pytest.mark.parametrize("expression", INVALID)
def test_an_invalid_expression_is_refused(aws: AwsEmulator, expression: str) -> None:
    _, queue = make_queue(aws)
    with pytest.raises(ClientError, match=re.escape(f"Invalid Schedule Expression {expression}.")) as error:
        schedule(aws, {"Arn": queue, "RoleArn": role_for(aws)}, expression)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert aws.client("scheduler").list_schedules()["Schedules"] == []


@pytest.mark.parametrize(
    "expression",
    ["rate(1 hour)", "rate(24 hours)", "cron(15 10 ? * MON-FRI *)", "cron(0 8 1 * ? 2030)", "at(2030-01-31T10:00:00)"],
)
def test_a_valid_expression_is_accepted_and_refused_when_changed_to_an_invalid_one(
    aws: AwsEmulator, expression: str
) -> None:
    _, queue = make_queue(aws)
    target = {"Arn": queue, "RoleArn": role_for(aws)}
    schedule(aws, target, expression, State="DISABLED")
    scheduler = aws.client("scheduler")
    assert scheduler.get_schedule(Name="name")["ScheduleExpression"] == expression
    with pytest.raises(ClientError, match="Invalid Schedule Expression"):
        scheduler.update_schedule(
            Name="name", ScheduleExpression="rate(x)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )


@pytest.mark.parametrize(
    "more",
    [
        {"ScheduleExpressionTimezone": "Europe/Atlantis"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441}},
        {"FlexibleTimeWindow": {"Mode": "OFF", "MaximumWindowInMinutes": 5}},
    ],
)
def test_an_impossible_schedule_is_refused(aws: AwsEmulator, more: dict[str, Any]) -> None:
    _, queue = make_queue(aws)
    with pytest.raises(ClientError) as error:
        schedule(aws, {"Arn": queue, "RoleArn": role_for(aws)}, **more)
    assert error.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    "more",
    [
        {"RetryPolicy": {"MaximumRetryAttempts": 186}},
        {"RetryPolicy": {"MaximumEventAgeInSeconds": 86401}},
        {"DeadLetterConfig": {"Arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"}},
        {"Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:x"},
    ],
)
def test_an_impossible_target_is_refused(aws: AwsEmulator, more: dict[str, Any]) -> None:
    _, queue = make_queue(aws)
    with pytest.raises(ClientError) as error:
        schedule(aws, {"Arn": queue, "RoleArn": role_for(aws), **more})
    assert error.value.response["Error"]["Code"] == "ValidationException"


def test_a_role_that_the_scheduler_may_not_assume_is_refused(aws: AwsEmulator) -> None:
    _, queue = make_queue(aws)
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        schedule(aws, {"Arn": queue, "RoleArn": make_role(aws, service="lambda.amazonaws.com")})


def test_a_trust_policy_may_name_the_account_and_the_schedule_group(aws: AwsEmulator) -> None:
    _, queue = make_queue(aws)
    role = role_for(aws)
    group = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group"
    for named, accepted in ((f"{group}/other", False), (f"{group}/default", True)):
        condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnEquals": {"aws:SourceArn": named}}
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": condition,
        }
        aws.client("iam").update_assume_role_policy(
            RoleName=role.rpartition("/")[2],
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        if accepted:
            schedule(aws, {"Arn": queue, "RoleArn": role})
        else:
            with pytest.raises(ClientError, match="assume the role"):
                schedule(aws, {"Arn": queue, "RoleArn": role})


def test_a_rate_fires_at_once_and_then_at_its_rate_with_the_input_filled_in(aws: AwsEmulator) -> None:
    url, queue = make_queue(aws)
    wanted = {
        "at": "<aws.scheduler.scheduled-time>",
        "id": "<aws.scheduler.execution-id>",
        "attempt": "<aws.scheduler.attempt-number>",
        "arn": "<aws.scheduler.schedule-arn>",
    }
    role = role_for(aws, allow("sqs:SendMessage", queue))
    schedule(aws, {"Arn": queue, "RoleArn": role, "Input": json.dumps(wanted)})
    first, second = (json.loads(eventually(lambda: receive(aws, url))["Body"]) for _ in range(2))
    assert first["attempt"] == "1"
    assert first["arn"] == SCHEDULE_ARN
    assert first["id"] != second["id"]
    gap = datetime.fromisoformat(second["at"]) - datetime.fromisoformat(first["at"])
    assert gap % timedelta(seconds=2) == timedelta(0), "scheduled times lie on the schedule's grid"
    assert gap > timedelta(0)


def test_a_function_is_invoked_asynchronously(aws: AwsEmulator) -> None:
    url, queue = make_queue(aws)
    code = """
import boto3, os, json
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["URL"], MessageBody=json.dumps(event))
"""
    role = make_role(aws, allow("sqs:SendMessage", queue))
    function = make_function(aws, code, role, Environment={"Variables": {"URL": url}}, Timeout=30)
    target = {"Arn": function, "RoleArn": role_for(aws, allow("lambda:InvokeFunction", function))}
    schedule(aws, {**target, "Input": '{"action": "check"}'}, "rate(24 hours)")
    assert json.loads(eventually(lambda: receive(aws, url))["Body"]) == {"action": "check"}


def test_at_fires_once_and_is_deleted_when_asked_for(aws: AwsEmulator) -> None:
    url, queue = make_queue(aws)
    soon = (datetime.now(UTC) + timedelta(seconds=1)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    role = role_for(aws, allow("sqs:SendMessage", queue))
    schedule(aws, {"Arn": queue, "RoleArn": role, "Input": "{}"}, soon, ActionAfterCompletion="DELETE")
    assert eventually(lambda: receive(aws, url))["Body"] == "{}"
    eventually(lambda: not aws.client("scheduler").list_schedules()["Schedules"])


def test_a_disabled_schedule_does_not_fire(aws: AwsEmulator) -> None:
    urls = []
    for name, state in (("off", "DISABLED"), ("on", "ENABLED")):
        url, queue = make_queue(aws, name)
        urls.append(url)
        role = role_for(aws, allow("sqs:SendMessage", queue))
        aws.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": queue, "RoleArn": role, "Input": "{}"},
            State=state,
        )
    assert eventually(lambda: receive(aws, urls[1]))
    assert receive(aws, urls[0]) is None


def dead_letter(aws: AwsEmulator, url: str) -> tuple[str, dict[str, str]]:
    message = eventually(lambda: receive(aws, url))
    named = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    return message["Body"], named


def test_a_role_that_may_not_invoke_the_function_leads_to_the_dead_letter_queue(aws: AwsEmulator) -> None:
    url, queue = make_queue(aws)
    function = make_function(aws, "def handler(event, context): pass")
    schedule(
        aws,
        {
            "Arn": function,
            "RoleArn": role_for(aws, allow("sqs:SendMessage", queue)),
            "Input": "attempt <aws.scheduler.attempt-number>",
            "RetryPolicy": {"MaximumRetryAttempts": 3},
            "DeadLetterConfig": {"Arn": queue},
        },
        "rate(24 hours)",
    )
    body, attributes = dead_letter(aws, url)
    assert body == "attempt 4"
    assert attributes["ERROR_CODE"] == "AccessDeniedException"
    assert "lambda:InvokeFunction" in attributes["ERROR_MESSAGE"]
    assert attributes["RETRY_ATTEMPTS"] == "3"
    assert attributes["SCHEDULE_ARN"] == SCHEDULE_ARN
    assert attributes["TARGET_ARN"] == function
    assert datetime.fromisoformat(attributes["SCHEDULED_TIME"]).timestamp() <= time.time()


def test_a_missing_function_leads_to_the_dead_letter_queue(aws: AwsEmulator) -> None:
    url, queue = make_queue(aws)
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing"
    role = role_for(aws, allow("sqs:SendMessage", queue), allow("lambda:InvokeFunction", function))
    schedule(aws, {"Arn": function, "RoleArn": role, "Input": "{}", "DeadLetterConfig": {"Arn": queue}})
    assert dead_letter(aws, url)[1]["ERROR_CODE"] == "ResourceNotFoundException"


def test_a_function_that_raises_is_no_failure_of_the_schedule(aws: AwsEmulator) -> None:
    dead_url, dead = make_queue(aws, "dead")
    failed_url, failed = make_queue(aws, "failed")
    function_role = make_role(aws, allow("sqs:SendMessage", failed))
    function = make_function(aws, "def handler(event, context):\n    raise RuntimeError('x')", function_role)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": failed}},
    )
    role = role_for(aws, allow("sqs:SendMessage", dead), allow("lambda:InvokeFunction", function))
    schedule(aws, {"Arn": function, "RoleArn": role, "Input": '{"a": 1}', "DeadLetterConfig": {"Arn": dead}})
    record = json.loads(eventually(lambda: receive(aws, failed_url))["Body"])
    assert record["requestPayload"] == {"a": 1}
    assert receive(aws, dead_url) is None
