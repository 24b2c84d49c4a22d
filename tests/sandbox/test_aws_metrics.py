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


def age(aws: AwsEmulator, name: str) -> float:
    """The age of the oldest message as it was measured last."""
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": name}],
        StartTime=time.time() - 1.5,  # measured every second here
        EndTime=time.time() + 60,
        Period=86400,
        Statistics=["Minimum"],
    )["Datapoints"]
    return float(points[-1]["Minimum"]) if points else -1.0


def test_a_message_that_was_received_three_times_has_no_age(aws: AwsEmulator) -> None:
    url, _ = make_queue(aws, "aged", VisibilityTimeout="0")
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    for _ in range(2):
        assert sqs.receive_message(QueueUrl=url)["Messages"]
    eventually(lambda: age(aws, "aged") > 2)
    assert sqs.receive_message(QueueUrl=url)["Messages"]
    eventually(lambda: age(aws, "aged") == 0)
    sqs.send_message(QueueUrl=url, MessageBody="another")
    eventually(lambda: age(aws, "aged") > 0)


def test_the_age_of_a_dead_letter_begins_with_its_move(aws: AwsEmulator) -> None:
    _, dead = make_queue(aws, "graves")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})
    url, _ = make_queue(aws, "living", VisibilityTimeout="0", RedrivePolicy=redrive)
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    eventually(lambda: age(aws, "living") > 4)
    moved = time.time()
    for _ in range(4):
        sqs.receive_message(QueueUrl=url)
    assert eventually(lambda: max(0.0, age(aws, "graves"))) <= time.time() - moved
    assert total(aws, "AWS/SQS", "NumberOfMessagesSent", QueueName="graves") == 0


def test_sent_messages_are_counted_however_they_came_and_once(aws: AwsEmulator) -> None:
    url, arn = make_queue(aws, "counted")
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="taken at once")
    sqs.purge_queue(QueueUrl=url)
    entries = [{"Id": str(number), "MessageBody": "batch"} for number in range(2)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    policy = {
        "Version": "2012-10-17",
        "Statement": [{**allow("sqs:SendMessage", arn), "Principal": {"Service": "sns.amazonaws.com"}}],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns = aws.client("sns")
    topic = sns.create_topic(Name="counted")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="by a service")
    eventually(lambda: total(aws, "AWS/SQS", "NumberOfMessagesSent", QueueName="counted") == 4)
    measured = total(aws, "AWS/SQS", "NumberOfMessagesSent", "SampleCount", QueueName="counted") or 0
    eventually(
        lambda: (total(aws, "AWS/SQS", "NumberOfMessagesSent", "SampleCount", QueueName="counted") or 0) > measured
    )
    assert total(aws, "AWS/SQS", "NumberOfMessagesSent", QueueName="counted") == 4


def test_an_alarm_on_sent_messages_ends_although_they_stay(aws: AwsEmulator) -> None:
    url, _ = make_queue(aws, "operations")
    put_alarm(
        aws,
        Namespace="AWS/SQS",
        MetricName="NumberOfMessagesSent",
        Dimensions=[{"Name": "QueueName", "Value": "operations"}],
    )
    eventually(lambda: turned(aws) == ["OK"])
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="a failed check")
    eventually(lambda: turned(aws) == ["OK", "ALARM", "OK"])
    assert sqs.receive_message(QueueUrl=url)["Messages"]


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


def put(aws: AwsEmulator, *values: float, seconds_ago: float = 0, **dimensions: str) -> None:
    """Values of one moment."""
    of_all = {
        "MetricName": "Count",
        "Dimensions": [{"Name": name, "Value": given} for name, given in dimensions.items()],
        **({"Timestamp": time.time() - seconds_ago} if seconds_ago else {}),
    }
    data = [{**of_all, "Value": value} for value in values]
    aws.client("cloudwatch").put_metric_data(Namespace="Own", MetricData=data)


def state(aws: AwsEmulator) -> str:
    return str(aws.client("cloudwatch").describe_alarms()["MetricAlarms"][0]["StateValue"])


def turned(aws: AwsEmulator, name: str = "alarm") -> list[str]:
    """The states to which an alarm has turned since it was made: one that lasts a moment only is not missed."""
    history = aws.client("cloudwatch").describe_alarm_history(
        AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
    )
    _made, *changes = history["AlarmHistoryItems"]
    return [item["HistorySummary"].rpartition(" ")[2] for item in changes]


def test_an_alarm_without_dimensions_ignores_metrics_that_have_some(aws: AwsEmulator) -> None:
    put_alarm(aws)
    put_alarm(aws, AlarmName="control", Dimensions=[{"Name": "service", "Value": "x"}])
    eventually(lambda: turned(aws) == turned(aws, "control") == ["OK"])
    put(aws, 5, service="x")
    eventually(lambda: turned(aws, "control") == ["OK", "ALARM", "OK"])
    assert turned(aws) == ["OK"]


def test_an_alarm_on_an_embedded_metric_fires(aws: AwsEmulator) -> None:
    own = {"Name": "service", "Value": "rotation"}
    put_alarm(aws, MetricName="Done", Dimensions=[own])
    eventually(lambda: turned(aws) == ["OK"])
    run(aws, json.dumps(EMF), allow(LOGS))
    eventually(lambda: "ALARM" in turned(aws))


def test_an_alarm_wants_as_many_breaching_periods_as_it_says(aws: AwsEmulator) -> None:
    put_alarm(aws, EvaluationPeriods=3, DatapointsToAlarm=2)
    put_alarm(aws, AlarmName="control", EvaluationPeriods=3, DatapointsToAlarm=1)
    eventually(lambda: turned(aws) == turned(aws, "control") == ["OK"])
    put(aws, 5)
    eventually(lambda: turned(aws, "control") == ["OK", "ALARM", "OK"])
    assert turned(aws) == ["OK"]
    put(aws, 5, seconds_ago=2.5)  # a period lasts two seconds
    put(aws, 5)
    eventually(lambda: "ALARM" in turned(aws))


def test_the_reason_of_an_alarm_carries_the_values_that_breach(aws: AwsEmulator) -> None:
    """As in CloudWatch's own samples; the smallest of a period, if the alarm is on the minimum."""
    topic, url = make_heard_topic(aws, "alarms")
    less = {"Statistic": "Minimum", "ComparisonOperator": "LessThanThreshold", "Threshold": 1000}
    put_alarm(aws, **less, EvaluationPeriods=3, DatapointsToAlarm=1, AlarmActions=[topic])
    eventually(lambda: state(aws) == "OK")
    put(aws, 6.5, 120)
    said = json.loads(eventually(lambda: receive(aws, url))["Body"])
    assert said["NewStateReason"] == (
        "Threshold Crossed: 1 out of the last 3 datapoints [6.5] was less than the threshold (1000.0) "
        "(minimum 1 datapoint for OK -> ALARM transition)."
    )


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
    put_alarm(aws, AlarmName="control", MetricName="all")
    eventually(lambda: turned(aws) == turned(aws, "control") == ["OK"])
    put_both(aws, 1, 1)
    eventually(lambda: turned(aws, "control") == ["OK", "ALARM", "OK"])
    assert turned(aws) == ["OK"]
    put_both(aws, 1, None)
    eventually(lambda: turned(aws) == ["OK", "ALARM", "OK"])
    put_both(aws, 2, 1)
    eventually(lambda: turned(aws)[3:4] == ["ALARM"])
    (kept,) = aws.client("cloudwatch").describe_alarms(AlarmNames=["alarm"])["MetricAlarms"]
    assert [query["Id"] for query in kept["Metrics"]] == ["difference", "all", "less"]
    assert not {"MetricName", "Period", "Statistic"} & kept.keys()


TWO_QUERIES = [{"Id": name, "Expression": "1"} for name in ("a", "b")]


@pytest.mark.parametrize("settings", [{"MetricName": "Count"}, {"Period": 60}, {"Metrics": TWO_QUERIES}])
def test_an_alarm_on_queries_returns_one_of_them_and_names_no_metric_beside_them(
    aws: AwsEmulator, settings: dict[str, Any]
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
    eventually(lambda: turned(aws) == ["ALARM", "INSUFFICIENT_DATA"])
