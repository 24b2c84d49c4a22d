"""Log lines and metrics in AWS's own formats, by Powertools: JSON logs and the embedded metric format."""

import logging
import time
from datetime import datetime

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Metric

NAMESPACE = "SpApiRotation"


def quiet_http_libraries() -> None:
    """Keep libraries from logging at levels where they show requests (httpcore shows headers at DEBUG)."""
    for name in ("httpx", "httpcore", "botocore", "boto3", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)


class PowertoolsTelemetry:
    """The Telemetry port in the function. Metrics carry one dimension, the service: the component, not the application.

    Each count is written at once as its own EMF line, so that a crash loses none before it.
    """

    def __init__(self, service: str, namespace: str = NAMESPACE) -> None:
        quiet_http_libraries()
        self._logger = Logger(
            service=service,
            level="INFO",
            location=None,
            log_uncaught_exceptions=False,
            # Lambda takes a line whose time is not RFC 3339 for one of level INFO.
            use_rfc3339=True,
        )
        self._service, self._namespace = service, namespace
        self._began = time.time()

    def begin(self, request_id: object) -> None:
        """Begin an invocation: each log line until the next one carries Lambda's id of it, under Powertools' name."""
        self._began = time.time()
        self._logger.append_keys(function_request_id=request_id if isinstance(request_id, str) else None)

    def info(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Log at INFO."""
        self._logger.info(event, extra=_extra(application, fields))

    def warning(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Log at WARNING."""
        self._logger.warning(event, extra=_extra(application, fields))

    def count(self, metric: Metric, value: float = 1.0) -> None:
        """Write one EMF line."""
        unit = MetricUnit.NoUnit if metric.is_days else MetricUnit.Count
        with single_metric(
            name=metric.value,
            unit=unit,
            value=value,
            namespace=self._namespace,
            default_dimensions={"service": self._service},
        ) as written:
            if metric is Metric.DECLINED_ON_UP:
                # An alarm subtracts it from Lambda's own Errors, which bear the time when the invocation began.
                written.set_timestamp(int(self._began * 1000))


def _extra(application: Application | None, fields: dict[str, object]) -> dict[str, object]:
    extra: dict[str, object] = {}
    if application is not None:
        extra |= {"application": application.name, "client_id": application.client_id}
    for name, value in fields.items():
        extra[name] = format_time(value) if isinstance(value, datetime) else value
    return extra
