"""EventBridge Scheduler: valid expressions only, inputs filled in, roles enforced, dead-letter queues used.

Source: the EventBridge Scheduler user guide (schedule types, context attributes, execution role, dead-letter
queues, metrics). There is no waiting between retries, and a flexible window is taken at its start.
"""

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch, lambda_svc, scheduler, sqs

from sandbox.aws.patches.permissions import role_may, role_may_send, role_trusts
from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.schedule_expressions import At, InvalidExpression, parse, timestamp
from sandbox.aws.patches.settings import Settings

_log = logging.getLogger("sandbox.scheduler")

SERVICE = "scheduler.amazonaws.com"
DEFAULT_RETRIES = 185
SWEEP_SECONDS = 1.0

Schedule = Mapping[str, Any]


class _Failed(Exception):
    """A target's API refused the call."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def apply(settings: Settings) -> None:
    """Check schedules when they are written, and replace the sweep that fires them."""
    replace(scheduler, "_SCHEDULE_TICK_INTERVAL", SWEEP_SECONDS)
    for name in ("_create_schedule", "_update_schedule"):
        replace(scheduler, name, _checked(getattr(scheduler, name), settings.hour_seconds))
    replace(scheduler, "_tick_schedules", _Sweep(settings.hour_seconds))
    replace(iam_actions, "extract_resource_arn", _in_its_group(iam_actions.extract_resource_arn))


def _in_its_group(extract: Callable[..., str]) -> Callable[..., str]:
    """The right to a schedule is asked for the schedule in its group; MiniStack takes every group for the default."""

    def answer(service: str, method: str, path: str, headers: Any, body: bytes, query: Any, *place: str) -> str:
        arn = extract(service, method, path, headers, body, query, *place)
        if service != "scheduler" or ":schedule/default/" not in arn:
            return arn
        named = query.get("groupName") or [None]
        try:
            group = (named[0] if isinstance(named, list) else named) or json.loads(body or b"{}").get("GroupName")
        except (ValueError, AttributeError):
            group = None
        return arn.replace(":schedule/default/", f":schedule/{group or 'default'}/")

    return answer


def _checked(write: Callable[..., Any], hour_seconds: float) -> Callable[..., Any]:
    def answer(name: str, body: Schedule) -> Any:
        try:
            if body.get("ScheduleExpression"):
                parse(body["ScheduleExpression"], body.get("ScheduleExpressionTimezone"), hour_seconds)
            problem = _window_problem(body.get("FlexibleTimeWindow") or {}) or _target_problem(body)
        except InvalidExpression as invalid:
            problem = str(invalid)
        return scheduler._error(400, "ValidationException", problem) if problem else write(name, body)

    return answer


def _window_problem(window: Mapping[str, Any]) -> str | None:
    minutes = window.get("MaximumWindowInMinutes")
    if window.get("Mode") == "FLEXIBLE":
        return None if minutes and 1 <= minutes <= 1440 else "MaximumWindowInMinutes must be 1 to 1440."
    if window.get("Mode", "OFF") != "OFF":
        return f"Unknown mode of the flexible time window: {window['Mode']}."
    return "MaximumWindowInMinutes needs the mode FLEXIBLE." if minutes else None


def _target_problem(schedule: Schedule) -> str | None:
    target = schedule.get("Target") or {}
    retry = target.get("RetryPolicy") or {}
    if not 0 <= retry.get("MaximumRetryAttempts", DEFAULT_RETRIES) <= 185:
        return "MaximumRetryAttempts must be 0 to 185."
    if not 60 <= retry.get("MaximumEventAgeInSeconds", 86400) <= 86400:
        return "MaximumEventAgeInSeconds must be 60 to 86400."
    dead_letter = (target.get("DeadLetterConfig") or {}).get("Arn")
    if dead_letter and _service_of(dead_letter) != "sqs":
        return f"Not the ARN of a queue: {dead_letter}."
    if target.get("Arn") and _service_of(target["Arn"]) not in ("lambda", "sqs"):
        return f"The sandbox's scheduler has functions and queues as targets, not {target['Arn']}."
    if target.get("RoleArn") and not _trusted(target["RoleArn"], schedule.get("GroupName") or "default"):
        return "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    return None


def _service_of(arn: str) -> str | None:
    try:
        return str(parse_arn(arn).service)
    except ArnParseError:
        return None


def _trusted(role: str, group: str) -> bool:
    source = {
        "aws:sourceaccount": scheduler.get_account_id(),
        "aws:sourcearn": scheduler._group_arn(group),
    }
    return role_trusts(role, SERVICE, source)


class _Sweep:
    """Fires what is due. Called by MiniStack's ticker thread, one call at a time."""

    def __init__(self, hour_seconds: float) -> None:
        self._hour_seconds = hour_seconds
        self._fired: dict[tuple[str, str, str, float], float] = {}
        """The last scheduled time, by schedule and its creation (a name can be used again)."""

    def __call__(self) -> None:
        iam_evaluator.pin_request_origin("127.0.0.1", True)
        for key, schedule in list(scheduler._schedules._data.items()):
            try:
                self._look_at(key, schedule)
            except Exception:  # noqa: BLE001 - one broken schedule must not stop the others
                _log.exception("Schedule %s", schedule.get("Arn"))

    def _look_at(self, key: tuple[str, str, str], schedule: Schedule) -> None:
        if schedule.get("State") != "ENABLED":
            return
        account, region, _ = key
        set_request_account_id(account)
        set_request_region(region)
        now, created = time.time(), schedule["CreationDate"]
        end = scheduler._to_epoch(schedule.get("EndDate"))
        expression = parse(
            schedule["ScheduleExpression"], schedule.get("ScheduleExpressionTimezone"), self._hour_seconds
        )
        this = (*key, created)
        start = max(created, scheduler._to_epoch(schedule.get("StartDate")) or 0)
        moment = expression.due(self._fired.get(this), start, now)
        over = end is not None and now > end
        if moment is not None and not over:
            self._fired[this] = moment
            _fire(schedule, moment)
        complete = over or (moment is not None and isinstance(expression, At))
        if complete and schedule.get("ActionAfterCompletion") == "DELETE":
            scheduler._schedules._data.pop(key, None)


def _fire(schedule: Schedule, moment: float) -> None:
    """Invoke the target, again and again as the retry policy says, and then its dead-letter queue."""
    target = schedule["Target"]
    retries = (target.get("RetryPolicy") or {}).get("MaximumRetryAttempts", DEFAULT_RETRIES)
    execution = secrets.token_hex(8)
    payload, failure = "", None
    for attempt in range(1, retries + 2):
        payload = _payload(schedule, moment, execution, attempt)
        try:
            _count(schedule, "InvocationAttemptCount")
            _invoke(target, schedule["GroupName"], payload)
        except _Failed as failed:
            _count(schedule, "TargetErrorCount")
            failure = failed
        else:
            _log.info("Schedule %s invoked its target for %s", schedule["Name"], timestamp(moment))
            return
    _log.warning("Schedule %s: %s", schedule["Name"], failure)
    _count(schedule, "InvocationDroppedCount")
    dead_letter = (target.get("DeadLetterConfig") or {}).get("Arn")
    if dead_letter and failure:
        attributes = {
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": str(failure),
            "EXECUTION_ID": execution,
            "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(retries),
            "SCHEDULED_TIME": timestamp(moment),
            "SCHEDULE_ARN": schedule["Arn"],
            "TARGET_ARN": target["Arn"],
        }
        try:
            _send(target["RoleArn"], dead_letter, payload, attributes)
            _count(schedule, "InvocationsSentToDeadLetterCount")
        except _Failed as lost:
            _count(schedule, "InvocationsFailedToBeSentToDeadLetterCount")
            _log.error("Schedule %s: its dead-letter queue got nothing: %s", schedule["Name"], lost)


def _count(schedule: Schedule, metric: str) -> None:
    cloudwatch.record_metric("AWS/Scheduler", metric, 1, "Count", {"ScheduleGroup": schedule["GroupName"]})


def _payload(schedule: Schedule, moment: float, execution: str, attempt: int) -> str:
    text: str = schedule["Target"].get("Input") or json.dumps(
        {
            "version": "0",
            "id": execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": scheduler.get_account_id(),
            "time": timestamp(moment),
            "region": scheduler.get_region(),
            "resources": [schedule["Arn"]],
            "detail": "{}",
        }
    )
    for name, value in (
        ("schedule-arn", schedule["Arn"]),
        ("scheduled-time", timestamp(moment)),
        ("execution-id", execution),
        ("attempt-number", str(attempt)),
    ):
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _invoke(target: Mapping[str, Any], group: str, payload: str) -> None:
    role, arn = target["RoleArn"], target["Arn"]
    if not _trusted(role, group):
        raise _Failed("AccessDeniedException", f"EventBridge Scheduler can't assume {role}.")
    if _service_of(arn) == "sqs":
        _send(role, arn, payload, {})
        return
    if not role_may(role, "lambda:InvokeFunction", arn):
        raise _not_authorized(role, "lambda:InvokeFunction", arn)
    record, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if not record or not config:
        raise _Failed("ResourceNotFoundException", f"Function not found: {arn}")
    try:
        event = json.loads(payload)
    except ValueError:
        raise _Failed("InvalidRequestContentException", "The input is not valid JSON.") from None
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(record, config), event)


def _send(role: str, queue_arn: str, body: str, attributes: Mapping[str, str]) -> None:
    if not role_may_send(role, queue_arn):
        raise _not_authorized(role, "sqs:SendMessage", queue_arn)
    queue = sqs._queue_by_arn(queue_arn)
    if queue is None:
        raise _Failed("AWS.SimpleQueueService.NonExistentQueue", f"The specified queue does not exist: {queue_arn}")
    named = {key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()}
    sqs._act_send_message({"MessageBody": body, "MessageAttributes": named}, queue["url"])


def _not_authorized(role: str, action: str, resource: str) -> _Failed:
    return _Failed("AccessDeniedException", f"{role} is not authorized to perform {action} on {resource}.")
