"""CloudWatch metrics that MiniStack lacks: those in functions' log lines (EMF) and those of queues.

Source: "Embedded metric format specification" of the CloudWatch user guide; SQS developer guide, "Available CloudWatch
metrics for Amazon SQS" (what each counts, and which messages have no age).
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

POISON_RECEIVES = 3
"""A message received so often and not deleted is a poison pill: it has no age."""

Message = dict[str, Any]
Point = tuple[str, str, float, str, Mapping[str, str]]
"""Namespace, name, value, unit, dimensions."""


def apply(settings: Settings) -> None:
    """Read metrics from what functions write to their log group, and measure the queues every minute.

    A minute is a sixtieth of the sandbox's hour, but not shorter than a second.
    """
    replace(lambda_svc, "_emit_lambda_logs", _reading_metrics(lambda_svc._emit_lambda_logs))
    send = _counting_sent(sqs._act_send_message)
    replace(sqs, "_act_send_message", send)
    sqs._HANDLERS["SendMessage"] = send
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
    count_sent(queue)
    count = "ApproximateNumberOfMessages"
    attributes = queue["attributes"]
    for name, value, unit in (
        (f"{count}Visible", attributes[count], "Count"),
        (f"{count}NotVisible", attributes[f"{count}NotVisible"], "Count"),
        (f"{count}Delayed", attributes[f"{count}Delayed"], "Count"),
        ("ApproximateAgeOfOldestMessage", _age_of_oldest(queue["messages"], time.time()), "Seconds"),
    ):
        cloudwatch.record_metric("AWS/SQS", name, float(value), unit, {"QueueName": queue["name"]})


def _age_of_oldest(messages: list[Message], now: float) -> float:
    """The age of the oldest message that is no poison pill; a dead letter's begins with its move."""
    ages = [0.0]
    for message in messages:
        since, receives = message["sent_at"], message["receive_count"]
        if _moved(message):
            since, before = message.setdefault("sandbox_moved", (now, receives))
            receives -= before
        if receives < POISON_RECEIVES:
            ages.append(now - since)
    return max(ages)


_counting = threading.Lock()


def count_sent(queue: dict[str, Any]) -> None:
    """Measure NumberOfMessagesSent. A message counts once: the mark goes with it when SQS moves it as a dead letter."""
    with _counting:
        new = [message for message in queue["messages"] if not message.get("sandbox_counted")]
        for message in new:
            message["sandbox_counted"] = True
    cloudwatch.record_metric("AWS/SQS", "NumberOfMessagesSent", float(len(new)), "Count", {"QueueName": queue["name"]})


def _counting_sent(send: Callable[..., Any]) -> Callable[..., Any]:
    """Count at once: the next measurement may come after the message was received and deleted."""

    def answer(data: Mapping[str, Any], url: str) -> Any:
        answered = send(data, url)
        count_sent(sqs._get_q(data.get("QueueUrl", url)))
        return answered

    return answer


def _moved(message: Message) -> bool:
    return "DeadLetterQueueSourceArn" in message.get("sys", {})
