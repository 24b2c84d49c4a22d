"""CloudWatch Logs: what Lambda keeps of a function's log by its level, and searching a log page by page.

Source: the Lambda guide, "Log-level filtering" and "Defined runtime environment variables"; the CloudWatch Logs API
reference, FilterLogEvents, and its user guide, "Filter pattern syntax" (JSON).
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions, lambda_runtime
from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs, lambda_svc

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
MOST_EVENTS = 10_000

_TERM = r'\$\.(\w+)\s*=\s*"([^"]*)"'
_PATTERN = re.compile(rf"\{{\s*{_TERM}(\s*\|\|\s*{_TERM})*\s*\}}")
"""All that the sandbox knows of the syntax: fields that equal texts, one of which must."""

Matches = Callable[[str], bool]


def apply(_settings: Settings) -> None:
    """Replace or wrap the parts that differ from AWS."""
    credentials, update, emit = (
        lambda_runtime.execution_credentials,
        lambda_svc._update_config,
        lambda_svc._emit_lambda_logs,
    )
    replace(lambda_runtime, "execution_credentials", lambda config: {**credentials(config), **variables(config)})
    replace(lambda_svc, "_update_config", _restarting(update))
    replace(lambda_svc, "_emit_lambda_logs", _kept(emit))
    replace(cloudwatch_logs, "_filter_log_events", _search)
    replace(iam_actions, "extract_resource_arn", _with_streams(iam_actions.extract_resource_arn))


def _with_streams(resource_of: Callable[..., str]) -> Callable[..., str]:
    """A log group is ``...:log-group:NAME:*`` to policies, except where it is tagged.

    Source: CloudWatch Logs user guide, "Overview of managing access permissions" (resources).
    """

    def answer(service: str, method: str, path: str, headers: Mapping[str, str], *details: Any) -> str:
        arn = resource_of(service, method, path, headers, *details)
        is_group = service == "logs" and ":log-group:" in arn and arn.count(":") == 6
        tags = "Tag" in headers.get("x-amz-target", "")
        return f"{arn}:*" if is_group and not tags else arn

    return answer


def variables(config: Mapping[str, Any]) -> dict[str, str]:
    """What Lambda tells a function of its log. MiniStack adds the credentials in the same place, and nothing else."""
    told = config.get("LoggingConfig") or {}
    found = {
        "AWS_LAMBDA_LOG_GROUP_NAME": told.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}",
        "AWS_LAMBDA_LOG_FORMAT": told.get("LogFormat") or "Text",
    }
    if found["AWS_LAMBDA_LOG_FORMAT"] == "JSON":
        found["AWS_LAMBDA_LOG_LEVEL"] = told.get("ApplicationLogLevel") or "INFO"
    return found


def _restarting(update: Callable[..., Any]) -> Callable[..., Any]:
    """A changed level reaches the function: its processes are replaced, as for other variables."""

    def answer(name: str, data: Mapping[str, Any]) -> Any:
        answered = update(name, data)
        if "LoggingConfig" in data:
            lambda_svc.invalidate_worker(name, qualifier="$LATEST")
        return answered

    return answer


def _kept(emit: Callable[..., None]) -> Callable[..., None]:
    """Lambda drops lines below the level before they are written, and with them the metrics that they hold."""

    def write(function: Mapping[str, Any], request_id: str, text: str, *details: Any, **more: Any) -> None:
        level = variables(function.get("config") or function).get("AWS_LAMBDA_LOG_LEVEL")
        if level is not None:
            text = "\n".join(line for line in (text or "").splitlines() if is_kept(line, level))
        emit(function, request_id, text, *details, **more)

    return write


def is_kept(line: str, level: str) -> bool:
    """Whether Lambda writes a line. One that tells no level or no RFC 3339 time counts as INFO; plain text is kept."""
    try:
        told = json.loads(line)
    except ValueError:
        return True
    if not isinstance(told, dict):
        return True
    its = str(told.get("level", "")).upper().replace("WARNING", "WARN").replace("CRITICAL", "FATAL")
    timed = re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)", str(told.get("timestamp", "")))
    return LEVELS.index(its if timed and its in LEVELS else "INFO") >= LEVELS.index(level)


def _search(data: Mapping[str, Any]) -> Any:
    """FilterLogEvents. MiniStack knows no JSON patterns and no pages."""
    group = cloudwatch_logs._log_groups.get(name := cloudwatch_logs._resolve_log_group_name(data))
    if group is None:
        return error_response_json("ResourceNotFoundException", f"The specified log group does not exist: {name}", 400)
    matches, limit = compiled(data.get("filterPattern") or ""), data.get("limit", MOST_EVENTS)
    search = f"{name} {data.get('startTime')} {data.get('endTime')} {data.get('filterPattern')}"
    start = _position(data.get("nextToken"), search)
    if matches is None or start is None or not 1 <= limit <= MOST_EVENTS:
        return error_response_json(
            "InvalidParameterException", "The sandbox knows no such pattern, token or limit", 400
        )
    earliest, latest = data.get("startTime") or 0, data.get("endTime")
    with cloudwatch_logs._log_events_lock:
        every = [
            {**event, "logStreamName": stream}
            # Functions that run write streams of their own meanwhile, from other threads.
            for stream, held in list(group["streams"].items())
            if not data.get("logStreamNames") or stream in data["logStreamNames"]
            for event in held["events"]
            if event["timestamp"] >= earliest and (latest is None or event["timestamp"] <= latest)
        ]
    every.sort(key=lambda event: (event["timestamp"], event.get("ingestionTime", 0)))
    found = [event for event in every if matches(event.get("message", ""))]
    answer: dict[str, Any] = {"events": found[start : start + limit], "searchedLogStreams": []}
    if start + limit < len(found):
        answer["nextToken"] = base64.b64encode(f"{start + limit} {search}".encode()).decode()
    return json_response(answer)


def _position(token: str | None, search: str) -> int | None:
    """Where a page begins; None for a token of another search."""
    if not token:
        return 0
    try:
        start, _, its = base64.b64decode(token, validate=True).decode().partition(" ")
        return int(start) if its == search else None
    except ValueError:
        return None


def compiled(pattern: str) -> Matches | None:
    """What a filter pattern means; None for one that the sandbox does not know."""
    if not pattern:
        return lambda _message: True
    if not _PATTERN.fullmatch(pattern.strip()):
        return None
    wanted = re.findall(_TERM, pattern)

    def matches(message: str) -> bool:
        try:
            fields = json.loads(message)
        except ValueError:
            return False
        return isinstance(fields, dict) and any(fields.get(name) == text for name, text in wanted)

    return matches
