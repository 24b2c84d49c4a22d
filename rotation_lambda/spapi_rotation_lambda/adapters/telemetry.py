"""Log lines and metrics in AWS's own formats, each a line of JSON on standard output.

Sources: Lambda guide, "Log and monitor Python Lambda functions" and "Log-level filtering" (``level``, ``timestamp``);
CloudWatch guide, "Specification: Embedded metric format".
"""

import json
import logging
import sys
import time
from datetime import UTC, datetime

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Metric

NAMESPACE = "SpApiRotation"
DIMENSION = "service"


def quiet_http_libraries() -> None:
    """Keep libraries from logging at levels where they show requests (httpcore shows headers at DEBUG)."""
    for name in ("httpx", "httpcore", "botocore", "boto3", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)


class LambdaTelemetry:
    """The Telemetry port in the function. Metrics carry one dimension, the service: the component, not the application.

    Each count is written at once as its own EMF line, so that a crash loses none before it.
    """

    def __init__(self, service: str) -> None:
        quiet_http_libraries()
        self._service = service
        self._request_id: str | None = None
        self._began = time.time()

    def begin(self, request_id: object) -> None:
        """Begin an invocation: each log line until the next one carries Lambda's id of it."""
        self._began = time.time()
        self._request_id = request_id if isinstance(request_id, str) else None

    def info(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Log at INFO."""
        self._log("INFO", event, application, fields)

    def warning(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Log at WARNING."""
        self._log("WARNING", event, application, fields)

    def _log(self, level: str, event: str, application: Application | None, fields: dict[str, object]) -> None:
        line: dict[str, object] = {
            "level": level,
            "message": event,
            # Lambda takes a line whose time is not RFC 3339 for one of level INFO.
            "timestamp": datetime.now(UTC),
            DIMENSION: self._service,
            "function_request_id": self._request_id,
        }
        if application is not None:
            line |= {"application": application.name, "client_id": application.client_id}
        _write(line | fields)

    def count(self, metric: Metric, value: float = 1.0) -> None:
        """Write one EMF line."""
        unit = "None" if metric.is_days else "Count"
        # An alarm subtracts it from Lambda's own Errors, which bear the time when the invocation began.
        at = self._began if metric is Metric.DECLINED_ON_UP else time.time()
        directive = {
            "Namespace": NAMESPACE,
            "Dimensions": [[DIMENSION]],
            "Metrics": [{"Name": metric.value, "Unit": unit}],
        }
        _write(
            {
                "_aws": {"Timestamp": int(at * 1000), "CloudWatchMetrics": [directive]},
                DIMENSION: self._service,
                metric.value: [value],
            }
        )


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line, default=_as_text, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _as_text(value: object) -> str:
    return format_time(value) if isinstance(value, datetime) else str(value)
