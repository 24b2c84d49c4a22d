"""The Schedules port on EventBridge Scheduler."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from spapi_rotation_lambda.adapters.aws_failures import named
from spapi_rotation_lambda.domain.applications import schedule_name
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.ports import ScheduledApplication

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_scheduler import EventBridgeSchedulerClient

SCHEDULE_ARN = re.compile(r"arn:aws:scheduler:[a-z0-9-]+:\d{12}:schedule/(?P<group>[\w.-]+)/(?P<name>[\w.-]+)")


class EventBridgeSchedules:
    """The Schedules port on the schedules of one group. The client is made only when it is needed."""

    def __init__(self, client: "Callable[[], EventBridgeSchedulerClient]", group: str) -> None:
        self._client, self._group = client, group
        self._known: dict[str, str] = {}

    def made_at(self, schedule_arn: str) -> datetime:
        """When a schedule was made (GetSchedule)."""
        match = SCHEDULE_ARN.fullmatch(schedule_arn)
        if match is None:
            raise StoreFailed(
                "The event names no schedule.", remedy="Leave schedule_arn out of an event that is sent by hand."
            )
        with named("scheduler:GetSchedule"):
            found = self._client().get_schedule(GroupName=match["group"], Name=match["name"])
        return found["CreationDate"].astimezone(UTC)

    def applications(self) -> list[ScheduledApplication]:
        """List the group, and read from each schedule's input which application it checks."""
        client = self._client()
        found: list[ScheduledApplication] = []
        for name in self._names(client):
            with named("scheduler:GetSchedule"):
                schedule = client.get_schedule(GroupName=self._group, Name=name)
            event = _event(schedule["Target"].get("Input"))
            client_id = event.get("client_id")
            if isinstance(client_id, str):
                found.append(
                    ScheduledApplication(
                        name=str(event.get("application") or client_id),
                        client_id=client_id,
                        schedule_arn=schedule["Arn"],
                        enabled=schedule["State"] == "ENABLED",
                    )
                )
        return sorted(found, key=lambda application: application.name)

    def name_of(self, client_id: str) -> str | None:
        """The name in the input of its schedule, kept for the process. A line of the log is not worth a failure."""
        if client_id not in self._known:
            try:
                found = self._client().get_schedule(GroupName=self._group, Name=schedule_name(client_id))
            except (ClientError, BotoCoreError):
                return None  # it is gone, or may not be read, or AWS is failing: asked for again next time
            event = _event(found["Target"].get("Input"))
            name = event.get("application")
            if event.get("client_id") != client_id or not isinstance(name, str) or not name:
                return None
            self._known[client_id] = name
        return self._known[client_id]

    def is_off(self, client_id: str) -> bool:
        """Whether the schedule is disabled or not there. One that can't be read must not cost a live secret."""
        client = self._client()
        try:
            found = client.get_schedule(GroupName=self._group, Name=schedule_name(client_id))
        except client.exceptions.ResourceNotFoundException:
            return True
        except (ClientError, BotoCoreError):
            return False
        return found["State"] == "DISABLED"

    def _names(self, client: "EventBridgeSchedulerClient") -> Iterator[str]:
        with named("scheduler:ListSchedules"):
            for page in client.get_paginator("list_schedules").paginate(GroupName=self._group):
                yield from (schedule["Name"] for schedule in page["Schedules"])


def _event(text: str | None) -> dict[str, Any]:
    try:
        event = json.loads(text or "")
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
