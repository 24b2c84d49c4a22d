"""Points in time and spans, as a person reads and types them."""

from datetime import UTC, datetime, timedelta

from spapi_rotation_cli.errors import UsageProblem

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

OVERLAP = timedelta(days=7)
"""How long a client secret works beside its successor. Source: Amazon's "Rotating your app's LWA credentials" page."""

LIFETIME = timedelta(days=180)
"""How long a client secret lives. Source: the same page."""

ISSUED_AHEAD_AT_MOST = timedelta(hours=1)
EXPIRES_AHEAD_AT_MOST = LIFETIME + _DAY


def shown(moment: datetime | None) -> str:
    """Day and minute in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment is not None else "unknown"


def written(moment: datetime | None) -> str | None:
    """For programs."""
    return moment.isoformat().replace("+00:00", "Z") if moment is not None else None


def span(length: timedelta) -> str:
    """A length of time in its largest useful unit, rounded down: days from two days on, then hours, then minutes."""
    if length >= 2 * _DAY:
        return f"{length // _DAY} days"
    if length >= 2 * _HOUR:
        return f"{length // _HOUR} hours"
    return f"{max(length // timedelta(minutes=1), 0)} minutes"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, with the moment itself."""
    return f"{span(now - moment)} ago ({shown(moment)})"


def ahead(moment: datetime, now: datetime) -> str:
    """How long until, or since, with the moment itself."""
    return f"in {span(moment - now)} ({shown(moment)})" if moment > now else ago(moment, now)


def given(text: str, option: str, *, latest: datetime) -> str:
    """Validate a date, or an RFC 3339 time, that a person typed; returns it as the function takes it.

    Args:
        option: what to call it in the error.
        latest: what lies behind this was mistyped.

    Raises:
        UsageProblem: it is neither, or too far ahead.
    """
    text = text.strip()
    try:
        moment = datetime.fromisoformat(f"{text}T00:00:00+00:00" if len(text) == len("2026-12-07") else text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageProblem(
            "BadDate",
            f"{option} is neither a date nor a time with its offset.",
            remedy="Write 2026-12-07, or 2026-12-07T10:02:48Z, or leave it out if it is unknown.",
        )
    if moment > latest:
        raise UsageProblem(
            "BadDate",
            f"{option} lies too far ahead: {shown(moment)}.",
            remedy="See to the year. A client secret lives 180 days from its issue.",
        )
    return text
