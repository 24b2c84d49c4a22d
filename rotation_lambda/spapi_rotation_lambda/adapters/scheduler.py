"""EventBridge Scheduler: when an application's schedule was made."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from spapi_rotation_lambda.adapters.aws_failures import named
from spapi_rotation_lambda.domain.errors import StoreFailed

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

SCHEDULE_ARN = re.compile(r"arn:aws:scheduler:[a-z0-9-]+:\d{12}:schedule/(?P<group>[\w.-]+)/(?P<name>[\w.-]+)")


def schedule_made_at(client: "EventBridgeSchedulerClient", arn: str) -> datetime:
    """When a schedule was made. Raises StoreFailed."""
    match = SCHEDULE_ARN.fullmatch(arn)
    if match is None:
        raise StoreFailed(
            "The event names no schedule.", remedy="Leave schedule_arn out of an event that is sent by hand."
        )
    with named("scheduler:GetSchedule"):
        found = client.get_schedule(GroupName=match["group"], Name=match["name"])
    return found["CreationDate"].astimezone(UTC)
