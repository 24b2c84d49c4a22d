"""What AWS would do and the emulator does not: shown, so that ``tests.sandbox.observable`` says the truth of it.

A test that fails here is good news: then something can be observed that was only a definition before.
"""

import json
import platform
import sys
from datetime import UTC, datetime

import pytest

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.sandbox.aws_support import allow, eventually, make_function, make_heard_topic, make_queue, make_role, receive

pytestmark = pytest.mark.sandbox

LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]


def alarm_state(aws: AwsEmulator, name: str) -> str:
    return str(aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])


def put_alarm(aws: AwsEmulator, name: str, **settings: object) -> None:
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        **settings,
    )


def test_an_alarm_on_other_metric_math_is_not_judged(aws: AwsEmulator) -> None:
    metric = {"Namespace": "Own", "MetricName": "Count"}
    stat = {"Metric": metric, "Period": 3600, "Stat": "Sum"}
    queries = [{"Id": "m1", "MetricStat": stat, "ReturnData": False}, {"Id": "e1", "Expression": "m1 * 2"}]
    put_alarm(aws, "math", Metrics=queries)
    put_alarm(aws, "plain", **metric, Statistic="Sum", Period=3600)
    aws.client("cloudwatch").put_metric_data(Namespace="Own", MetricData=[{"MetricName": "Count", "Value": 5}])
    eventually(lambda: alarm_state(aws, "plain") == "ALARM")
    assert alarm_state(aws, "math") == "INSUFFICIENT_DATA"


def test_an_alarm_reaches_a_topic_whose_policy_and_key_do_not_let_it(aws: AwsEmulator) -> None:
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    key = aws.client("kms").create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]}))
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:closed"
    deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sns:Publish", "Resource": arn}
    topic, url = make_heard_topic(
        aws,
        "closed",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
        KmsMasterKeyId=key["KeyMetadata"]["Arn"],
    )
    put_alarm(aws, "alarm", Namespace="Own", MetricName="Count", Statistic="Sum", Period=3600, AlarmActions=[topic])
    aws.client("cloudwatch").put_metric_data(Namespace="Own", MetricData=[{"MetricName": "Count", "Value": 5}])
    assert json.loads(eventually(lambda: receive(aws, url))["Body"])["NewStateValue"] == "ALARM"


def test_a_log_group_is_made_with_a_key_that_the_log_service_may_not_use(aws: AwsEmulator) -> None:
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    key = aws.client("kms").create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]}))
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/own", kmsKeyId=key["KeyMetadata"]["Arn"])
    logs.create_log_stream(logGroupName="/own", logStreamName="stream")
    now = int(datetime.now(UTC).timestamp() * 1000)
    logs.put_log_events(
        logGroupName="/own", logStreamName="stream", logEvents=[{"timestamp": now, "message": "readable"}]
    )
    assert [event["message"] for event in logs.filter_log_events(logGroupName="/own")["events"]] == ["readable"]


def test_a_flexible_window_is_taken_at_its_start(aws: AwsEmulator) -> None:
    url, queue = make_queue(aws)
    aws.client("scheduler").create_schedule(
        Name="flexible",
        ScheduleExpression="rate(24 hours)",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1440},
        Target={
            "Arn": queue,
            "RoleArn": make_role(aws, allow("sqs:SendMessage", queue), service="scheduler.amazonaws.com"),
            "Input": "<aws.scheduler.scheduled-time>",
        },
    )
    scheduled = datetime.fromisoformat(eventually(lambda: receive(aws, url))["Body"])
    assert (datetime.now(UTC) - scheduled).total_seconds() < 60


REPORT = """
import json, platform, sys
def handler(event, context):
    print("a line of its own")
    return [platform.machine(), list(sys.version_info[:2])]
"""


def test_a_function_runs_on_this_machine_by_this_python_and_its_platform_lines_are_text(aws: AwsEmulator) -> None:
    function = make_function(
        aws,
        REPORT,
        make_role(aws, allow(LOGS)),
        Architectures=["arm64"],
        LoggingConfig={"LogFormat": "JSON", "LogGroup": "/own"},
    )
    answer = aws.client("lambda").invoke(FunctionName=function)
    assert json.loads(answer["Payload"].read()) == [platform.machine(), list(sys.version_info[:2])]

    def lines() -> list[str]:
        events = aws.client("logs").filter_log_events(logGroupName="/own")["events"]
        return [str(event["message"]) for event in events]

    eventually(lambda: any(line.startswith("REPORT ") for line in lines()))
    assert any(line.startswith("START ") for line in lines())


def test_the_class_of_an_error_is_lost_and_its_message_kept(aws: AwsEmulator) -> None:
    function = make_function(aws, "def handler(event, context):\n    raise KeyError('own')")
    answer = json.loads(aws.client("lambda").invoke(FunctionName=function)["Payload"].read())
    assert answer["errorType"] == "Runtime.HandlerError"
    assert "own" in answer["errorMessage"]
