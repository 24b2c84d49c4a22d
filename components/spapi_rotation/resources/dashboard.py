"""The dashboard: is everything all right, since when, until when. One for a component, however many applications.

Its body is plain data, made by one function: the picture in the documentation is drawn from the same definition.

Sources: CloudWatch API reference, "Dashboard Body Structure and Syntax" and PutDashboard; CloudWatch Logs user guide,
"CloudWatch Logs Insights query syntax" (latest); CloudWatch pricing page (metrics of a dashboard).
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.alarm_catalog import HOUR, MINUTE, QUEUE_AGE_SECONDS
from spapi_rotation.resources.queue import Queues
from spapi_rotation.resources.rows import ALARMS, Row, anchor
from spapi_rotation.scope import Scope
from spapi_rotation.validation.arguments import ValidArgs
from spapi_rotation_lambda.adapters.telemetry import DIMENSION, NAMESPACE
from spapi_rotation_lambda.ports import Metric

COLUMNS = 24
_TITLE_HEIGHT, _HEIGHT, _ALARM_COLUMNS = 1, 6, 8
_RED = "#d13212"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a dashboard shows: the names of a component's parts.

    Attributes:
        alarm_arns: by the alarms' names; empty if there are no alarms.
        queues: the names of the destination, dead-letter, unclaimed and operations queue.
        runbook: where the runbook is.
    """

    identity: str
    region: str
    function: str
    log_group: str
    queues: tuple[str, str, str, str]
    alarm_arns: Mapping[str, str]
    expiry_alarm_days: int
    runbook: str


def body(shown: Shown) -> dict[str, Any]:
    """The dashboard's body."""
    rows = [
        (Row.EVERYTHING, [*_all_alarms(shown), _states(shown)]),
        (Row.IN_USE, [_days_left_number(shown), _days_left_graph(shown)]),
        (Row.REQUESTS, [_rotations(shown), _waiting(shown)]),
        (Row.MESSAGES, [_queue_age(shown), _kept_messages(shown)]),
        (Row.CHECKS, [_checks(shown), _function(shown)]),
    ]
    widgets: list[dict[str, Any]] = []
    top = 0
    for row, found in rows:
        widgets.append(_placed(_heading(shown, row), 0, top, COLUMNS, _TITLE_HEIGHT))
        alarms = _alarms_of(shown, row)
        left = 0
        if alarms is not None:
            widgets.append(_placed(alarms, 0, top + _TITLE_HEIGHT, _ALARM_COLUMNS, _HEIGHT))
            left = _ALARM_COLUMNS
        width = (COLUMNS - left) // len(found)
        for number, widget in enumerate(found):
            widgets.append(_placed(widget, left + number * width, top + _TITLE_HEIGHT, width, _HEIGHT))
        top += _TITLE_HEIGHT + _HEIGHT
    return {"start": "-P2W", "periodOverride": "inherit", "widgets": widgets}


def dashboard_name(identity: str, region: str) -> str:
    """Its name: dashboards of all regions share an account's names, and know fewer characters than an identity.

    What these characters become is the same for some identities; the digits tell them apart.
    """
    digits = hashlib.sha256(f"{region} {identity}".encode()).hexdigest()[:8]
    return f"{re.sub(r'[^0-9A-Za-z_-]', '-', identity)}-{region}-{digits}"


def create_dashboard(
    scope: Scope,
    args: ValidArgs,
    *,
    queues: Queues,
    function: aws.lambda_.Function,
    log_group: aws.cloudwatch.LogGroup,
    alarms: Mapping[str, aws.cloudwatch.MetricAlarm],
) -> None:
    """Make the dashboard, if it is asked for."""
    if not args.dashboard:
        return
    four = (queues.destination, queues.dead_letter, queues.unclaimed, queues.operations)
    known = pulumi.Output.all(
        region=scope.region,
        function=function.name,
        log_group=log_group.name,
        queues=[queue.name for queue in four],
        alarms={name: alarm.arn for name, alarm in alarms.items()},
        days=args.expiry_alarm_days,
    )

    def made(known: Mapping[str, Any]) -> dict[str, Any]:
        return body(
            Shown(
                identity=scope.identity,
                region=known["region"],
                function=known["function"],
                log_group=known["log_group"],
                queues=tuple(known["queues"]),
                alarm_arns=known["alarms"],
                expiry_alarm_days=int(known["days"]),
                runbook=args.runbook_url,
            )
        )

    aws.cloudwatch.Dashboard(
        f"{scope.name}-dashboard",
        dashboard_name=scope.region.apply(lambda region: dashboard_name(scope.identity, region)),
        dashboard_body=pulumi.Output.json_dumps(known.apply(made)),
        opts=scope.options(depends_on=[log_group]),
    )


def _placed(widget: dict[str, Any], x: int, y: int, width: int, height: int) -> dict[str, Any]:
    return {
        "type": widget["type"],
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "properties": widget["properties"],
    }


def _heading(shown: Shown, row: Row) -> dict[str, Any]:
    whose = f" · {shown.identity}" if row is Row.EVERYTHING else ""
    text = f"## [{row.value}]({shown.runbook}#{anchor(row.value)}){whose}"
    return {"type": "text", "properties": {"markdown": text, "background": "transparent"}}


def _alarm_widget(title: str, arns: Sequence[str]) -> dict[str, Any]:
    return {"type": "alarm", "properties": {"title": title, "alarms": arns, "sortBy": "stateUpdatedTimestamp"}}


def _all_alarms(shown: Shown) -> list[dict[str, Any]]:
    """What sounds, since when; empty while everything is all right."""
    if not shown.alarm_arns:
        return []
    title = "What sounds now, the latest first (empty: nothing to do)"
    widget = _alarm_widget(title, list(shown.alarm_arns.values()))
    widget["properties"]["states"] = ["ALARM"]
    return [widget]


def _alarms_of(shown: Shown, row: Row) -> dict[str, Any] | None:
    if row is Row.EVERYTHING or not shown.alarm_arns:
        return None
    return _alarm_widget("Alarms", [shown.alarm_arns[name] for name in ALARMS[row] if name in shown.alarm_arns])


def _states(shown: Shown) -> dict[str, Any]:
    """Each application's state as its last check found it: one query, however many there are."""
    query = (
        f"SOURCE '{shown.log_group}' | filter message = 'check'\n"
        "| stats latest(state) as state_now, latest(expires_at) as dies, max(@timestamp) as checked by application\n"
        "| sort dies asc"
    )
    title = "Each application: its state, when its secret dies, its last check"
    return {"type": "log", "properties": {"title": title, "region": shown.region, "query": query, "view": "table"}}


def _own(shown: Shown, metric: Metric, **rendering: Any) -> list[Any]:
    return [NAMESPACE, metric.value, DIMENSION, shown.identity, *([rendering] if rendering else [])]


def _queue(name: str, metric: str, label: str) -> list[Any]:
    return ["AWS/SQS", metric, "QueueName", name, {"label": label}]


def _graph(shown: Shown, title: str, metrics: list[Any], **more: Any) -> dict[str, Any]:
    given = {"title": title, "region": shown.region, "metrics": metrics, "view": "timeSeries", "stacked": False}
    return {"type": "metric", "properties": {**given, "period": HOUR, "stat": "Sum", **more}}


def _line(label: str, value: float, fill: str) -> dict[str, Any]:
    return {"horizontal": [{"label": label, "value": value, "fill": fill, "color": _RED}]}


def _days_left_number(shown: Shown) -> dict[str, Any]:
    metrics = [_own(shown, Metric.DAYS_TO_EXPIRY, label="days")]
    title = "Days left, of the secret that dies first"
    return _graph(shown, title, metrics, view="singleValue", stat="Minimum", sparkline=True)


def _days_left_graph(shown: Shown) -> dict[str, Any]:
    metrics = [
        _own(shown, Metric.DAYS_TO_EXPIRY, label="the secret that dies first"),
        _own(shown, Metric.DAYS_TO_EXPIRY, label="the one that dies last", stat="Maximum"),
    ]
    limit = _line("days-to-expiry", shown.expiry_alarm_days, "below")
    axis = {"left": {"min": 0, "label": "days", "showUnits": False}}
    return _graph(shown, "Days left", metrics, stat="Minimum", annotations=limit, yAxis=axis)


def _rotations(shown: Shown) -> dict[str, Any]:
    metrics = [
        _own(shown, Metric.REQUESTED, label="requested"),
        _own(shown, Metric.RECEIVED, label="received"),
        _own(shown, Metric.PROMOTED, label="in use"),
        _own(shown, Metric.REFUSED, label="refused", color=_RED),
        _own(shown, Metric.DECLINED, label="declined"),
    ]
    return _graph(shown, "Rotations", metrics)


def _waiting(shown: Shown) -> dict[str, Any]:
    metrics = [
        _own(shown, Metric.OVERDUE, label="overdue"),
        _own(shown, Metric.STUCK, label="stuck", color=_RED),
    ]
    axis = {"left": {"min": 0, "label": "days", "showUnits": False}}
    return _graph(shown, "Days left while a new secret does not come", metrics, stat="Minimum", yAxis=axis)


def _queue_age(shown: Shown) -> dict[str, Any]:
    metrics = [_queue(shown.queues[0], "ApproximateAgeOfOldestMessage", "seconds")]
    limit = _line("queue-age", QUEUE_AGE_SECONDS, "above")
    return _graph(shown, "Age of the oldest message", metrics, stat="Maximum", period=5 * MINUTE, annotations=limit)


def _kept_messages(shown: Shown) -> dict[str, Any]:
    visible = "ApproximateNumberOfMessagesVisible"
    metrics = [
        _queue(shown.queues[1], visible, "dead-letters"),
        _queue(shown.queues[2], visible, "unclaimed"),
        _own(shown, Metric.UNKNOWN, label="unknown-messages", stat="Sum"),
    ]
    return _graph(shown, "Messages that nobody took", metrics, stat="Maximum", period=5 * MINUTE)


def _checks(shown: Shown) -> dict[str, Any]:
    metrics = [
        _own(shown, Metric.CHECK, label="checks"),
        _queue(shown.queues[3], "NumberOfMessagesSent", "operations"),
    ]
    return _graph(shown, "Checks", metrics)


def _function(shown: Shown) -> dict[str, Any]:
    metrics = [
        ["AWS/Lambda", "Errors", "FunctionName", shown.function, {"label": "errors", "color": _RED}],
        ["AWS/Lambda", "Throttles", "FunctionName", shown.function, {"label": "throttles"}],
        _own(shown, Metric.NOT_PUBLISHED, label="not-published"),
        _own(shown, Metric.LOOK_FAILED, label="look-failed"),
    ]
    return _graph(shown, "Function", metrics)
