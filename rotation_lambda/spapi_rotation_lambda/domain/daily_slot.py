"""On which of a day's checks an application's secret in use is tried: a fleet spreads over the day."""

from datetime import datetime, timedelta

_DAY = timedelta(days=1)


def daily_slot(client_id: str) -> timedelta:
    """When the slot begins, as the time since midnight UTC; a whole number of hours."""
    return timedelta(hours=sum(client_id.encode()) % 24)


def has_just_begun(began: datetime, moment: datetime, check_interval: timedelta) -> bool:
    """Whether a check at an aware time, one of those at a fixed interval, is the first since something began."""
    return moment - check_interval < began <= moment


def is_daily_slot(client_id: str, moment: datetime, check_interval: timedelta) -> bool:
    """Whether a check at an aware time, one of those at a fixed interval, is the first since the slot began."""

    def day(at: datetime) -> int:
        return int((at - daily_slot(client_id)).timestamp() // _DAY.total_seconds())

    return day(moment) != day(moment - check_interval)
