"""Rights to schedules are asked for the schedule in its group."""

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.sandbox.aws_support import acting_as, allow, make_role, refusal

pytestmark = pytest.mark.sandbox

SCHEDULES = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule"


def test_the_group_of_a_schedule_counts(aws: AwsEmulator) -> None:
    session = acting_as(aws, allow(["scheduler:GetSchedule", "scheduler:DeleteSchedule"], f"{SCHEDULES}/group/*"))
    scheduler = aws.client("scheduler")
    scheduler.create_schedule_group(Name="group")
    target = {
        "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing",
        "RoleArn": make_role(aws, service="scheduler.amazonaws.com"),
    }
    for group in ("group", "default"):
        scheduler.create_schedule(
            Name="name",
            GroupName=group,
            ScheduleExpression="at(2999-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
    mine = aws.client("scheduler", credentials=session)
    assert mine.get_schedule(Name="name", GroupName="group")["Arn"] == f"{SCHEDULES}/group/name"
    for call in (mine.get_schedule, mine.delete_schedule):
        for where in ({"GroupName": "default"}, {}):
            with pytest.raises(ClientError) as error:
                call(Name="name", **where)
            assert refusal(error) == "AccessDeniedException"
    mine.delete_schedule(Name="name", GroupName="group")
