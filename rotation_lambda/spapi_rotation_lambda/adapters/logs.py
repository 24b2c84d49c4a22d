"""The Log port on CloudWatch Logs: the function's own log group, by FilterLogEvents."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from spapi_rotation_lambda.adapters.aws_failures import error_code, named
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.surroundings import LogLine, LogPage

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

GROUP_VARIABLE = "AWS_LAMBDA_LOG_GROUP_NAME"
"""Set by Lambda. Source: Lambda guide, "Defined runtime environment variables"."""

PAGE = 200
"""Lines that are enough for one page."""

CALLS = 10
"""A page ends after so many calls, also an empty one: CloudWatch answers with nothing and a token while it searches.

Source: CloudWatch Logs API reference, FilterLogEvents.
"""


class CloudWatchLog:
    """The Log port on one log group. The client is made only when it is needed."""

    def __init__(self, client: "Callable[[], CloudWatchLogsClient]", group: str) -> None:
        self._client, self._group = client, group

    def read(self, events: tuple[str, ...], since: datetime, cursor: str | None) -> LogPage:
        """Search until there is a page, or nothing more."""
        client, found = self._client(), list[LogLine]()
        asked: dict[str, Any] = {
            "logGroupName": self._group,
            "startTime": int(since.timestamp() * 1000),
            "filterPattern": pattern(events),
            "limit": PAGE,
        }
        for _ in range(CALLS):
            with named("logs:FilterLogEvents"):
                answer = _asked(client, asked | ({"nextToken": cursor} if cursor else {}))
            found += [line for each in answer.get("events", ()) if (line := _line(each)) is not None]
            cursor = answer.get("nextToken")
            if cursor is None or len(found) >= PAGE:
                break
        return LogPage(tuple(found), cursor)


def pattern(events: tuple[str, ...]) -> str:
    """The filter pattern for JSON lines whose ``message`` is one of these events; at most 1,024 characters."""
    return "{ " + " || ".join(f'$.message = "{event}"' for event in events) + " }"


def _asked(client: "CloudWatchLogsClient", parameters: dict[str, Any]) -> Any:
    try:
        return client.filter_log_events(**parameters)
    except ClientError as error:
        if "nextToken" in parameters and error_code(error) == "InvalidParameterException":
            raise BadSettings(
                "CloudWatch does not know the cursor.", remedy="Ask again without one: a cursor lives for 24 hours."
            ) from None
        raise


def _line(event: Any) -> LogLine | None:
    try:
        fields = json.loads(event["message"])
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    return LogLine(datetime.fromtimestamp(event["timestamp"] / 1000, UTC), fields)
