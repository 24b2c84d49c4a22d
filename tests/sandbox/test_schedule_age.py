"""The control call that makes a schedule look old: it changes the one date, and refuses what it does not know."""

import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from sandbox.aws.emulator import AwsEmulator
from tests.sandbox.aws_support import allow, make_queue, make_role

pytestmark = pytest.mark.sandbox


def control(aws: AwsEmulator, content: object, method: str = "POST") -> httpx.Response:
    context = ssl.create_default_context(cafile=aws.ca_file)
    with httpx.Client(base_url=aws.endpoint, verify=context, trust_env=False) as http:
        return http.request(method, "/_sandbox/age", json=content)


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
