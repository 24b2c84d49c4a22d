"""What an application uses of AWS, counted: the function's own handling of checks, a request and a message, with its
real telemetry, on the modelled world; each call of a port costs what the real adapters make of it."""

import contextlib
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

from spapi_rotation_lambda.adapters.telemetry import LambdaTelemetry
from spapi_rotation_lambda.domain.daily_slot import daily_slot
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from tests.fakes.aws_calls import aws_calls, methods
from tests.fakes.interposer import traced
from tests.fakes.world import CLIENT_ID, SCHEDULE_ARN, World

COMPONENT = "project/production/rotation"
"""An identity of the usual length: it is in each line of the log."""


@dataclass(frozen=True)
class Run:
    """What one or more invocations of the function used.

    Attributes:
        runs: how many invocations.
        calls: AWS operations, as ``service:Operation``.
        lines: lines that the function wrote to its log.
        log_bytes: their length.
        metrics: the metrics among them, each with its dimensions, by how often it was written.
    """

    runs: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    log_bytes: int = 0
    metrics: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Run") -> "Run":
        return Run(
            self.runs + other.runs,
            self.calls + other.calls,
            self.lines + other.lines,
            self.log_bytes + other.log_bytes,
            self.metrics + other.metrics,
        )

    def __sub__(self, other: "Run") -> "Run":
        """What it used more than another one."""
        return Run(
            self.runs - other.runs,
            self.calls - other.calls,
            self.lines - other.lines,
            self.log_bytes - other.log_bytes,
            self.metrics - other.metrics,
        )

    def of(self, service: str) -> int:
        """How many calls went to a service."""
        return sum(count for name, count in self.calls.items() if name.startswith(f"{service}:"))


@dataclass(frozen=True)
class Usage:
    """What one application uses.

    Attributes:
        check: a check at rest.
        daily_check: the one of a day that also makes the daily try and looks.
        rotation: what a rotation adds to its check, which makes the request, and the handling of Amazon's message.
    """

    check: Run
    daily_check: Run
    rotation: Run


@cache
def counted() -> Usage:
    """Count them all, once in a process."""
    function = _Function()
    function.check(_HOUR_OF_REST)  # the first one notes since when the value in use is known
    check, daily = function.check(_HOUR_OF_REST), function.check(_DAILY_HOUR)
    function.world.clock.advance(days=61)
    asking = function.check(_HOUR_OF_REST)
    return Usage(check, daily, asking - check + function.message())


_DAILY_HOUR = daily_slot(CLIENT_ID)
_HOUR_OF_REST = _DAILY_HOUR + timedelta(hours=2)


class _Function:
    """The function as Lambda runs it, on a modelled world with one seeded application."""

    def __init__(self) -> None:
        self.world = World()
        self.world.seed()
        self._log = io.StringIO()
        telemetry = LambdaTelemetry(COMPONENT)
        ports, self._calls = traced(replace(self.world.ports, telemetry=telemetry))
        surroundings, log = ports.surroundings(), ports.log()
        self._ports = replace(
            ports,
            schedules=_Noted(ports.schedules, self._calls.append),
            surroundings=lambda: _Noted(surroundings, self._calls.append),
            log=lambda: _Noted(log, lambda method: self._calls.append(f"{method}_log")),
        )

    def check(self, time_of_day: timedelta) -> Run:
        """A check by the schedule, on the next day, at a time of the day."""
        midnight = self.world.clock.now().replace(hour=0, minute=0) + timedelta(days=1)
        self.world.clock.time = midnight + time_of_day
        return self._run(
            {
                "action": "check",
                "application": self.world.application.name,
                "client_id": CLIENT_ID,
                "scheduled_at": format_time(self.world.clock.now()),
                "schedule_arn": SCHEDULE_ARN,
            }
        )

    def message(self) -> Run:
        """The message that waits in the queue, as the event source mapping hands it over."""
        (body,) = self.world.queue.visible
        self.world.queue.visible.clear()
        self.world.queue.in_flight = 1
        sent = {"SentTimestamp": str(round(self.world.clock.now().timestamp() * 1000))}
        message_id = "00000000-0000-4000-8000-000000000000"
        record = {"eventSource": "aws:sqs", "messageId": message_id, "body": body, "attributes": sent}
        try:
            return self._run({"Records": [record]})
        finally:
            self.world.queue.in_flight = 0

    def _run(self, event: Mapping[str, Any]) -> Run:
        self._calls.clear()
        self._log.seek(0)
        self._log.truncate()
        with contextlib.redirect_stdout(self._log):
            dispatch(self._ports, event)
        written = self._log.getvalue().splitlines()
        length = sum(len(line.encode()) for line in written)
        return Run(1, aws_calls(methods(self._calls)), len(written), length, _metrics(written))


class _Noted:
    """A port whose calls are noted by their methods."""

    def __init__(self, port: object, note: Callable[[str], None]) -> None:
        self._port, self._note = port, note

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            self._note(name)
            return found(*args, **named)

        return call


def _metrics(lines: list[str]) -> Counter[str]:
    """The metrics that CloudWatch makes of log lines: one for each name and set of dimensions."""
    found: Counter[str] = Counter()
    for line in map(json.loads, lines):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for dimensions in directive["Dimensions"]:
                found.update(f"{each['Name']} {' '.join(dimensions)}".strip() for each in directive["Metrics"])
    return found
