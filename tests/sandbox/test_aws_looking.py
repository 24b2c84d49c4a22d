"""What the doctor and the history read of AWS: the level of a function's log, pages of a log, who hears a topic."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import AwsEmulator
from spapi_rotation_lambda.adapters.logs import pattern
from tests.sandbox.aws_support import allow, eventually, make_function, make_heard_topic, make_role, refusal

pytestmark = pytest.mark.sandbox

LOG = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]

TELLING = """
import json, os
def handler(event, context):
    now = "2026-03-01T12:00:00.000Z"
    print(json.dumps({"level": "INFO", "timestamp": now, "message": "information"}))
    print(json.dumps({"level": "WARNING", "timestamp": now, "message": "warning"}))
    print(json.dumps({"level": "WARNING", "timestamp": "2026-03-01 12:00:00,000+0000", "message": "untimed"}))
    print(json.dumps({"_aws": {"Timestamp": 0, "CloudWatchMetrics": [{
        "Namespace": "Own", "Dimensions": [[]], "Metrics": [{"Name": "Told"}]}]}, "Told": 1}))
    print("plain")
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_LAMBDA_LOG_")}
"""


def told(aws: AwsEmulator, logging: dict[str, str] | None) -> tuple[dict[str, str], str]:
    """The variables that a function with this logging configuration sees, and its log."""
    more: dict[str, Any] = {"LoggingConfig": logging} if logging else {}
    name = f"telling-{time.monotonic_ns()}"
    make_function(aws, TELLING, make_role(aws, allow(LOG)), FunctionName=name, **more)
    return called(aws, name)


def called(aws: AwsEmulator, name: str) -> tuple[dict[str, str], str]:
    answer = json.loads(aws.client("lambda").invoke(FunctionName=name)["Payload"].read())
    group = answer["AWS_LAMBDA_LOG_GROUP_NAME"]

    def written() -> str | None:
        events = aws.client("logs").filter_log_events(logGroupName=group)["events"]
        text = "\n".join(event["message"] for event in events)
        return text if "REPORT" in text else None

    del answer["AWS_LAMBDA_LOG_STREAM_NAME"]
    return answer, eventually(written)


@pytest.mark.parametrize("level", ["TRACE", "DEBUG", "INFO", None])
def test_down_to_info_everything_is_kept(aws: AwsEmulator, level: str | None) -> None:
    more = {"ApplicationLogLevel": level} if level else {}
    variables, log = told(aws, {"LogFormat": "JSON", "LogGroup": "/own", **more})
    assert variables == {
        "AWS_LAMBDA_LOG_GROUP_NAME": "/own",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": level or "INFO",
    }
    assert all(word in log for word in ("information", "warning", "untimed", "CloudWatchMetrics", "plain"))


def test_from_warn_on_information_and_metrics_are_dropped(aws: AwsEmulator) -> None:
    _, log = told(aws, {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"})
    assert [word for word in ("information", "untimed", "CloudWatchMetrics") if word in log] == []
    assert '"warning"' in log
    assert "plain" in log
    assert not aws.client("cloudwatch").list_metrics(Namespace="Own")["Metrics"]


def test_a_text_log_has_no_level(aws: AwsEmulator) -> None:
    variables, log = told(aws, None)
    assert variables["AWS_LAMBDA_LOG_FORMAT"] == "Text"
    assert "AWS_LAMBDA_LOG_LEVEL" not in variables
    assert "information" in log


def test_a_changed_level_reaches_a_running_function(aws: AwsEmulator) -> None:
    config = {"LogFormat": "JSON", "LogGroup": "/own"}
    make_function(aws, TELLING, make_role(aws, allow(LOG)), FunctionName="telling", LoggingConfig=config)
    assert called(aws, "telling")[0]["AWS_LAMBDA_LOG_LEVEL"] == "INFO"
    aws.client("lambda").update_function_configuration(
        FunctionName="telling", LoggingConfig={**config, "ApplicationLogLevel": "ERROR"}
    )
    assert called(aws, "telling")[0]["AWS_LAMBDA_LOG_LEVEL"] == "ERROR"


# Searching a log.


def make_log(aws: AwsEmulator, *lines: str) -> int:
    """A log group with these lines, a second apart; the time of the first."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/own")
    first = int(time.time() * 1000) - 60_000
    for stream in ("a", "b"):
        logs.create_log_stream(logGroupName="/own", logStreamName=stream)
    for number, line in enumerate(lines):
        logs.put_log_events(
            logGroupName="/own",
            logStreamName="ab"[number % 2],
            logEvents=[{"timestamp": first + 1000 * number, "message": line}],
        )
    return first


def search(aws: AwsEmulator, **more: Any) -> list[list[str]]:
    """The pages of a search."""
    pages = list[list[str]]()
    for page in aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName="/own", **more):
        pages.append([event["message"] for event in page["events"]])
    return pages


def line(message: str, **more: object) -> str:
    return json.dumps({"message": message, **more})


def test_a_json_pattern_finds_equal_fields_and_nothing_else(aws: AwsEmulator) -> None:
    wanted = [line("secret_stored", number=1), line("secret_promoted")]
    make_log(aws, wanted[0], line("check"), "secret_stored", '["secret_stored"]', line("secret_stored_too"), wanted[1])
    assert search(aws, filterPattern=pattern(("secret_stored", "secret_promoted"))) == [wanted]


def test_a_search_comes_in_pages_in_the_order_of_time(aws: AwsEmulator) -> None:
    lines = [line("a", number=number) for number in range(5)]
    first = make_log(aws, *lines)
    assert search(aws, PaginationConfig={"PageSize": 2}) == [lines[:2], lines[2:4], lines[4:]]
    assert search(aws, startTime=first + 1000, endTime=first + 3000, filterPattern=pattern(("a",))) == [lines[1:4]]


@pytest.mark.parametrize("unknown", ["{ $.number > 3 }", "?one ?two", "{ $.a = 1 }", '{ $.a = "b" && $.c = "d" }'])
def test_a_pattern_that_the_sandbox_does_not_know_is_refused(aws: AwsEmulator, unknown: str) -> None:
    make_log(aws)
    with pytest.raises(ClientError) as refused:
        search(aws, filterPattern=unknown)
    assert refusal(refused) == "InvalidParameterException"


def test_a_token_is_for_its_own_search(aws: AwsEmulator) -> None:
    make_log(aws, "one", "two")
    logs = aws.client("logs")
    token = logs.filter_log_events(logGroupName="/own", limit=1)["nextToken"]
    for wrong in ({"startTime": 1, "nextToken": token}, {"nextToken": "made up"}):
        with pytest.raises(ClientError) as refused:
            logs.filter_log_events(logGroupName="/own", **wrong)
        assert refusal(refused) == "InvalidParameterException"


def test_a_group_that_is_not_there_is_said(aws: AwsEmulator) -> None:
    with pytest.raises(ClientError) as refused:
        search(aws)
    assert refusal(refused) == "ResourceNotFoundException"


# Who hears a topic.


def test_a_subscription_by_mail_is_pending_until_it_is_confirmed(aws: AwsEmulator) -> None:
    topic, _ = make_heard_topic(aws, "alarms")
    sns = aws.client("sns")
    made = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="you@example.com")
    assert made["SubscriptionArn"] == "pending confirmation"
    arns = {each["Protocol"]: each["SubscriptionArn"] for each in _subscriptions(sns, topic)}
    assert arns["email"] == "PendingConfirmation"
    assert arns["sqs"].startswith(topic)
    again = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="you@example.com")
    assert len(_subscriptions(sns, topic)) == 2
    assert again["SubscriptionArn"] != ""


def _subscriptions(sns: Any, topic: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return found
