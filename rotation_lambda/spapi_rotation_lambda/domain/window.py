"""The rotation window: when the machine may ask for a rotation on its own. It gates the request, nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from spapi_rotation_lambda.domain.errors import BadSettings

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


@dataclass(frozen=True, slots=True)
class Window:
    """Days and hours in a time zone.

    Attributes:
        days: the weekdays on which the window opens, as in WEEKDAYS.
        start: when it opens, local time.
        end: when it closes, local time; at or before ``start`` it closes on the next day.
        time_zone: an IANA name.
    """

    days: frozenset[str]
    start: time
    end: time
    time_zone: ZoneInfo

    def is_open(self, now: datetime) -> bool:
        """Whether the window is open at an aware time."""
        local = now.astimezone(self.time_zone)
        today, yesterday = WEEKDAYS[local.weekday()], WEEKDAYS[local.weekday() - 1]
        at = local.time()
        if self.start < self.end:
            return today in self.days and self.start <= at < self.end
        return (today in self.days and at >= self.start) or (yesterday in self.days and at < self.end)

    @classmethod
    def parse(cls, value: object, argument: str) -> "Window":
        """Read ``{"days": ["MON", …], "start": "22:00", "end": "04:00", "time_zone": "Europe/Berlin"}`` or its JSON.

        All but ``start`` and ``end`` may be left out: every day, UTC.

        Raises:
            BadSettings: it is something else; the message names the argument and the part.
        """
        try:
            data = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            data = None
        if not isinstance(data, Mapping):
            raise _bad(argument, "is not an object")
        unknown = set(data) - {"days", "start", "end", "time_zone"}
        if unknown:
            raise _bad(argument, f"has unknown keys: {', '.join(sorted(map(str, unknown)))}")
        days = data.get("days")
        days = list(WEEKDAYS) if days is None else days
        if not isinstance(days, list | tuple) or not days or not all(day in WEEKDAYS for day in days):
            raise _bad(f"{argument}.days", f"must be a list of one or more of {', '.join(WEEKDAYS)}")
        return cls(
            days=frozenset(days),
            start=_time(data, "start", argument),
            end=_time(data, "end", argument),
            time_zone=_zone(data.get("time_zone") or "UTC", argument),
        )


def _time(data: Mapping[str, Any], key: str, argument: str) -> time:
    value = data.get(key)
    try:
        if isinstance(value, str) and len(value) == len("00:00"):
            return time.fromisoformat(value)
    except ValueError:
        pass
    raise _bad(f"{argument}.{key}", "must be a time of day such as 22:00")


def _zone(name: object, argument: str) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _bad(f"{argument}.time_zone", "is not an IANA time zone such as Europe/Berlin") from None


def _bad(what: str, problem: str) -> BadSettings:
    return BadSettings(
        f"{what} {problem}.",
        remedy='Use {"days": ["SAT", "SUN"], "start": "22:00", "end": "04:00", "time_zone": "Europe/Berlin"}.',
    )
