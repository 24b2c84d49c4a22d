"""The control calls that make things look old: they change what they say, and refuse what they do not know."""

import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sandbox.aws.emulator import AwsEmulator
from tests.sandbox.aws_support import allow, eventually, make_queue, make_role

pytestmark = pytest.mark.sandbox


def control(aws: AwsEmulator, content: object, method: str = "POST", path: str = "age") -> httpx.Response:
    context = ssl.create_default_context(cafile=aws.ca_file)
    with httpx.Client(base_url=aws.endpoint, verify=context, trust_env=False) as http:
        return http.request(method, f"/_sandbox/{path}", json=content)


def test_a_schedule_looks_as_old_as_it_is_told_to(aws: AwsEmulator) -> None:
    scheduler = aws.client("scheduler")
    _, queue_arn = make_queue(aws, "target")
    role = make_role(aws, allow(["sqs:SendMessage"], queue_arn), service="scheduler.amazonaws.com")
    scheduler.create_schedule(
        Name="name",
        ScheduleExpression="rate(1 hour)",
        Target={"Arn": queue_arn, "RoleArn": role},
        FlexibleTimeWindow={"Mode": "OFF"},
    )
    made = scheduler.get_schedule(Name="name")["CreationDate"]
    assert datetime.now(UTC) - made < timedelta(minutes=5)
    assert control(aws, {"group": "default", "name": "name", "days": 40}).status_code == 200
    assert made - scheduler.get_schedule(Name="name")["CreationDate"] >= timedelta(days=39)


@pytest.mark.parametrize(
    ("content", "method"),
    [
        ({"group": "default", "name": "none", "days": 40}, "POST"),
        ({"group": "default", "name": "none"}, "POST"),
        ({"group": "default", "name": "none", "days": 40, "hours": 1}, "POST"),
        ([], "POST"),
        ({"group": "default", "name": "none", "days": 40}, "PUT"),
    ],
)
def test_what_it_does_not_know_is_refused(aws: AwsEmulator, content: object, method: str) -> None:
    answer = control(aws, content, method)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_hours_pass_for_what_was_measured_and_for_what_waits(aws: AwsEmulator) -> None:
    cloudwatch, (url, _) = aws.client("cloudwatch"), make_queue(aws, "waiting")
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    cloudwatch.put_metric_data(Namespace="Passing", MetricData=[{"MetricName": "Seen", "Value": 1.0}])
    assert control(aws, {"hours": 5}, path="pass").status_code == 200

    def sum_of(since_hours: float) -> float:
        now = datetime.now(UTC)
        span = {"StartTime": now - timedelta(hours=since_hours), "EndTime": now + timedelta(minutes=1), "Period": 60}
        found = cloudwatch.get_metric_statistics(
            Namespace="Passing", MetricName="Seen", Dimensions=[], Statistics=["Sum"], **span
        )
        return float(sum(point["Sum"] for point in found["Datapoints"]))

    assert (sum_of(4), sum_of(6)) == (0, 1)

    def oldest() -> float:
        now = datetime.now(UTC)
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="ApproximateAgeOfOldestMessage",
            Dimensions=[{"Name": "QueueName", "Value": "waiting"}],
            Statistics=["Maximum"],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=60,
        )
        return max((float(point["Maximum"]) for point in found["Datapoints"]), default=0.0)

    assert eventually(lambda: oldest() > 4 * 3600)


@pytest.mark.parametrize("content", [{}, {"hours": "x"}, {"hours": 1, "days": 1}, []])
def test_a_time_that_is_none_does_not_pass(aws: AwsEmulator, content: object) -> None:
    assert control(aws, content, path="pass").status_code == 400
