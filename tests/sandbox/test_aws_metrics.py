"""Metrics that functions write into their logs and metrics of queues reach CloudWatch and its alarms."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import AwsEmulator
from tests.sandbox.aws_support import allow, eventually, make_function, make_heard_topic, make_queue, make_role, receive

pytestmark = pytest.mark.sandbox

EMF = {
    "_aws": {
        "Timestamp": 0,
        "CloudWatchMetrics": [
            {
                "Namespace": "Own",
                "Dimensions": [["service"], ["service", "kind"]],
                "Metrics": [{"Name": "Done", "Unit": "Count"}, {"Name": "Ages", "Unit": "Seconds"}],
            }
        ],
    },
    "service": "rotation",
    "kind": "x",
    "Done": 2,
    "Ages": [1, 3],
}

LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]


def total(aws: AwsEmulator, namespace: str, metric: str, statistic: str = "Sum", **dimensions: str) -> float | None:
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime="2020-01-01",
        EndTime="2100-01-01",
        Period=86400,
        Statistics=[statistic],
    )["Datapoints"]
    return float(points[-1][statistic]) if points else None


def run(aws: AwsEmulator, line: str, *statements: dict[str, Any]) -> None:
    code = f"def handler(event, context):\n    print({line!r})"
    function = make_function(aws, code, make_role(aws, *statements))
    aws.client("lambda").invoke(FunctionName=function)


def test_embedded_metrics_are_published_for_each_set_of_dimensions(aws: AwsEmulator) -> None:
    run(aws, json.dumps(EMF), allow(LOGS))
    for dimensions in ({"service": "rotation"}, {"service": "rotation", "kind": "x"}):
        assert total(aws, "Own", "Done", **dimensions) == 2
        assert total(aws, "Own", "Ages", **dimensions) == 4
        assert total(aws, "Own", "Ages", "Maximum", **dimensions) == 3
    assert total(aws, "Own", "Done") is None


def test_without_the_right_to_log_there_are_no_embedded_metrics(aws: AwsEmulator) -> None:
    run(aws, json.dumps(EMF))
    assert total(aws, "Own", "Done", service="rotation") is None


@pytest.mark.parametrize("line", ["text", "{", "[]", "{}", '{"_aws": {}}', '{"_aws": {"CloudWatchMetrics": [{}]}}'])
def test_other_lines_are_no_metrics(aws: AwsEmulator, line: str) -> None:
    run(aws, line, allow(LOGS))
    assert {metric["Namespace"] for metric in aws.client("cloudwatch").list_metrics()["Metrics"]} <= {
        "AWS/Lambda",
        "AWS/SQS",
    }


def test_queues_are_measured(aws: AwsEmulator) -> None:
    url, _ = make_queue(aws, "measured")
    sqs = aws.client("sqs")
    for body in ("a", "b", "c"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=900)
    sqs.receive_message(QueueUrl=url)

    def maximum(metric: str) -> float | None:
        return total(aws, "AWS/SQS", metric, "Maximum", QueueName="measured")

    eventually(lambda: maximum("ApproximateNumberOfMessagesNotVisible"))
    assert maximum("ApproximateNumberOfMessagesVisible") in (2, 3)
    assert maximum("ApproximateNumberOfMessagesDelayed") == 1
    assert eventually(lambda: maximum("ApproximateAgeOfOldestMessage"))


def test_an_alarm_on_a_queue_metric_fires(aws: AwsEmulator) -> None:
    url, _ = make_queue(aws, "dead")
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="dead letters",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "dead"}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="body")
    eventually(lambda: state(aws) == "ALARM")


def put_alarm(aws: AwsEmulator, **settings: Any) -> None:
    """An alarm on the sum of ``Own``/``Count`` of the last hour (which lasts two seconds here)."""
    alarm = {
        "AlarmName": "alarm",
        "Namespace": "Own",
        "MetricName": "Count",
        "Statistic": "Sum",
        "Period": 3600,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    aws.client("cloudwatch").put_metric_alarm(**alarm | settings)


def put(aws: AwsEmulator, value: float, **dimensions: str) -> None:
    listed = [{"Name": name, "Value": given} for name, given in dimensions.items()]
    datum = {"MetricName": "Count", "Value": value, "Dimensions": listed}
    aws.client("cloudwatch").put_metric_data(Namespace="Own", MetricData=[datum])


def state(aws: AwsEmulator) -> str:
    return str(aws.client("cloudwatch").describe_alarms()["MetricAlarms"][0]["StateValue"])


def test_an_alarm_without_dimensions_ignores_metrics_that_have_some(aws: AwsEmulator) -> None:
    put_alarm(aws)
    eventually(lambda: state(aws) == "OK")
    put(aws, 5, service="x")
    assert state(aws) == "OK"
    put(aws, 5, service="x")
    put_alarm(aws, Dimensions=[{"Name": "service", "Value": "x"}])
    eventually(lambda: state(aws) == "ALARM")


def test_an_alarm_on_an_embedded_metric_fires(aws: AwsEmulator) -> None:
    own = {"Name": "service", "Value": "rotation"}
    put_alarm(aws, MetricName="Done", Dimensions=[own])
    eventually(lambda: state(aws) == "OK")
    run(aws, json.dumps(EMF), allow(LOGS))
    eventually(lambda: state(aws) == "ALARM")


def test_an_alarm_wants_as_many_breaching_periods_as_it_says(aws: AwsEmulator) -> None:
    put_alarm(aws, EvaluationPeriods=3, DatapointsToAlarm=2)
    eventually(lambda: state(aws) == "OK")
    put(aws, 5)
    time.sleep(2.5)  # a period lasts two seconds, and each alarm is judged every second
    assert state(aws) == "OK"
    put(aws, 5)
    eventually(lambda: state(aws) == "ALARM")


def test_an_alarm_ends_when_its_period_is_over_and_its_topic_hears_both(aws: AwsEmulator) -> None:
    topic, url = make_heard_topic(aws, "alarms")
    put_alarm(aws, AlarmActions=[topic], OKActions=[topic])
    eventually(lambda: state(aws) == "OK")
    assert json.loads(eventually(lambda: receive(aws, url))["Body"])["NewStateValue"] == "OK"
    put(aws, 1)
    assert json.loads(eventually(lambda: receive(aws, url))["Body"])["NewStateValue"] == "ALARM"
    assert json.loads(eventually(lambda: receive(aws, url))["Body"])["NewStateValue"] == "OK"


def put_difference(aws: AwsEmulator, expression: str = "all - FILL(less, 0)", **settings: object) -> None:
    """An alarm on what a metric has beyond another one."""
    stats = {
        name: {"Metric": {"Namespace": "Own", "MetricName": name}, "Period": 3600, "Stat": "Sum"}
        for name in ("all", "less")
    }
    queries = [{"Id": name, "MetricStat": stat, "ReturnData": False} for name, stat in stats.items()]
    alarm = {
        "AlarmName": "alarm",
        "Metrics": [{"Id": "difference", "Expression": expression, "ReturnData": True}, *queries],
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    aws.client("cloudwatch").put_metric_alarm(**alarm | settings)


def put_both(aws: AwsEmulator, all_of_them: float, less: float | None) -> None:
    data = [{"MetricName": "all", "Value": all_of_them}]
    data += [] if less is None else [{"MetricName": "less", "Value": less}]
    aws.client("cloudwatch").put_metric_data(Namespace="Own", MetricData=data)


def test_an_alarm_on_a_difference_fires_for_what_is_not_subtracted(aws: AwsEmulator) -> None:
    put_difference(aws)
    eventually(lambda: state(aws) == "OK")
    put_both(aws, 1, 1)
    time.sleep(1.5)  # each alarm is judged every second
    assert state(aws) == "OK"
    put_both(aws, 1, None)
    eventually(lambda: state(aws) == "ALARM")
    eventually(lambda: state(aws) == "OK")
    put_both(aws, 2, 1)
    eventually(lambda: state(aws) == "ALARM")
    (kept,) = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert [query["Id"] for query in kept["Metrics"]] == ["difference", "all", "less"]
    assert not {"MetricName", "Period", "Statistic"} & kept.keys()


TWO_QUERIES = [{"Id": name, "Expression": "1"} for name in ("a", "b")]


@pytest.mark.parametrize("settings", [{"MetricName": "Count"}, {"Period": 60}, {"Metrics": TWO_QUERIES}])
def test_an_alarm_on_queries_returns_one_of_them_and_names_no_metric_beside_them(
    aws: AwsEmulator, settings: Any
) -> None:
    with pytest.raises(ClientError, match="exactly one"):
        put_difference(aws, **settings)
    assert aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


@pytest.mark.parametrize(("missing", "expected"), [("breaching", "ALARM"), ("notBreaching", "OK")])
def test_missing_data_is_treated_as_the_alarm_says(aws: AwsEmulator, missing: str, expected: str) -> None:
    put_alarm(aws, TreatMissingData=missing)
    eventually(lambda: state(aws) == expected)


def test_an_alarm_on_missing_data_falls_back_to_insufficient_data(aws: AwsEmulator) -> None:
    put_alarm(aws, TreatMissingData="missing")
    put(aws, 1)
    eventually(lambda: state(aws) == "ALARM")
    eventually(lambda: state(aws) == "INSUFFICIENT_DATA")
