"""CloudWatch metrics that MiniStack lacks: those in functions' log lines (EMF) and those of queues.

Source: "Embedded metric format specification" of the CloudWatch user guide, and the metrics pages of SQS.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch, lambda_svc, sqs

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

_log = logging.getLogger("sandbox.metrics")

Point = tuple[str, str, float, str, Mapping[str, str]]
"""Namespace, name, value, unit, dimensions."""


def apply(settings: Settings) -> None:
    """Read metrics from what functions write to their log group, and measure the queues every minute.

    A minute is a sixtieth of the sandbox's hour, but not shorter than a second.
    """
    replace(lambda_svc, "_emit_lambda_logs", _reading_metrics(lambda_svc._emit_lambda_logs))
    minute = max(1.0, settings.hour_seconds / 60)
    threading.Thread(target=_measure_queues, args=(minute,), daemon=True, name="queue-metrics").start()


def _reading_metrics(emit: Callable[..., None]) -> Callable[..., None]:
    def write(function: Any, request_id: str, text: str, *details: Any, **more: Any) -> None:
        emit(function, request_id, text, *details, **more)
        for line in (text or "").splitlines():
            for namespace, name, value, unit, dimensions in embedded_metrics(line):
                cloudwatch.record_metric(namespace, name, value, unit, dimensions)

    return write


def embedded_metrics(line: str) -> Iterator[Point]:
    """The points of a log line in embedded metric format; none for any other line."""
    try:
        record = json.loads(line)
        directives = record["_aws"]["CloudWatchMetrics"]
        for directive in directives:
            for names in directive.get("Dimensions") or [[]]:
                dimensions = {name: str(record[name]) for name in names}
                for metric in directive["Metrics"]:
                    values = record[metric["Name"]]
                    for value in values if isinstance(values, list) else [values]:
                        unit = metric.get("Unit", "None")
                        yield directive["Namespace"], metric["Name"], float(value), unit, dimensions
    except (ValueError, KeyError, TypeError):
        return


def _measure_queues(interval: float) -> None:
    while True:
        time.sleep(interval)
        for queue in list(sqs._queues._data.values()):
            try:
                _measure(queue)
            except Exception:  # noqa: BLE001 - one odd queue must not stop the others
                _log.exception("Queue %s", queue.get("name"))


def _measure(queue: dict[str, Any]) -> None:
    spec = parse_arn(queue["attributes"]["QueueArn"])
    set_request_account_id(spec.account_id)
    set_request_region(spec.region)
    sqs._refresh_counts(queue)
    oldest = min((message["sent_at"] for message in queue["messages"]), default=None)
    count = "ApproximateNumberOfMessages"
    attributes = queue["attributes"]
    for name, value, unit in (
        (f"{count}Visible", attributes[count], "Count"),
        (f"{count}NotVisible", attributes[f"{count}NotVisible"], "Count"),
        (f"{count}Delayed", attributes[f"{count}Delayed"], "Count"),
        ("ApproximateAgeOfOldestMessage", time.time() - oldest if oldest else 0, "Seconds"),
    ):
        cloudwatch.record_metric("AWS/SQS", name, float(value), unit, {"QueueName": queue["name"]})
