"""EventBridge Scheduler's schedule expressions: which are valid, and when they are due.

Source: "Schedule types" of the EventBridge Scheduler user guide. A rate-based schedule without a start date
invokes its target at once, and then at its rate.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ministack.services import eventbridge

_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)s?\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_CRON = re.compile(r"cron\(\S.*\S\)")


class InvalidExpression(ValueError):
    """The expression or its time zone is not one that AWS accepts."""


class Expression(Protocol):
    """When a schedule is due. Times are seconds since the epoch."""

    def due(self, after: float | None, start: float, now: float) -> float | None:
        """The latest scheduled time in [start, now] that is later than ``after``, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """``rate(value unit)``."""

    seconds: float

    def due(self, after: float | None, start: float, now: float) -> float | None:
        """See Expression."""
        if now < start:
            return None
        latest = start + (now - start) // self.seconds * self.seconds
        return latest if after is None or latest > after else None


@dataclass(frozen=True, slots=True)
class At:
    """``at(yyyy-mm-ddThh:mm:ss)``: once."""

    moment: float

    def due(self, after: float | None, start: float, now: float) -> float | None:
        """See Expression. A moment before the start is due as well."""
        return self.moment if after is None and self.moment <= now else None


@dataclass(frozen=True, slots=True)
class Cron:
    """``cron(minutes hours day-of-month month day-of-week year)``."""

    fields: Any
    zone: ZoneInfo

    def due(self, after: float | None, start: float, now: float) -> float | None:
        """See Expression."""
        latest, following = None, self._next(start if after is None else after)
        while following is not None and following <= now:
            latest, following = following, self._next(following)
        return latest

    def _next(self, moment: float) -> float | None:
        found = eventbridge._cron_next_fire(self.fields, datetime.fromtimestamp(moment, self.zone))
        return found.timestamp() if found else None


def parse(expression: str, timezone: str | None, hour_seconds: float) -> Expression:
    """Read a schedule expression.

    Args:
        expression: such as ``rate(1 hour)``.
        timezone: the name of the time zone for ``at`` and ``cron``; UTC if not given.
        hour_seconds: how long the hours, and the 24 hours of the days, of ``rate`` are.

    Raises:
        InvalidExpression: AWS would refuse it.
    """
    try:
        zone = ZoneInfo(timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidExpression(f"Invalid ScheduleExpressionTimezone {timezone}.") from None
    if found := _RATE.fullmatch(expression):
        unit = {"minute": 60, "hour": hour_seconds, "day": 24 * hour_seconds}[found[2]]
        return Rate(int(found[1]) * unit)
    try:
        if found := _AT.fullmatch(expression):
            return At(datetime.fromisoformat(found[1]).replace(tzinfo=zone).timestamp())
        if _CRON.fullmatch(expression) and (fields := _cron_fields(expression)):
            return Cron(fields, zone)
    except ValueError:
        pass
    raise InvalidExpression(f"Invalid Schedule Expression {expression}.")


def _cron_fields(expression: str) -> Any:
    """The parsed fields, or None; MiniStack's parser takes numbers that no minute or month has."""
    fields = eventbridge._parse_cron_fields(expression)
    if not fields:
        return None
    minutes, hours, days, months, weekdays = fields[:5]
    limits = ((minutes, 0, 59), (hours, 0, 23), (days["days"], 1, 31), (months, 1, 12), (weekdays["days"], 1, 7))
    if all(low <= number <= high for numbers, low, high in limits for number in numbers):
        return fields
    return None


def timestamp(moment: float) -> str:
    """A time as the scheduler writes it into inputs and attributes."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
