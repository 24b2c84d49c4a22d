"""Points in time as Amazon, the secret and the log write them: RFC 3339, UTC."""

from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(days=180)
"""How long a client secret lives. Source: Amazon's "Rotating your app's LWA credentials" page."""


def parse_time(text: object, what: str) -> datetime:
    """Parse an RFC 3339 time with an offset into UTC. Raises ValueError naming ``what``, never the text.

    Years far from ours are refused, so that adding a lifetime to a date can never overflow.
    """
    if not isinstance(text, str) or len(text) > 64 or not text.isprintable():  # fromisoformat stops at a NUL
        raise ValueError(f"{what} is not a time")
    try:
        moment = datetime.fromisoformat(text.replace("z", "Z"))
    except ValueError:
        raise ValueError(f"{what} is not an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise ValueError(f"{what} has no time zone")
    if not 1970 < moment.year < 9000:
        raise ValueError(f"{what} is out of range")
    return moment.astimezone(UTC)


def parse_typed(text: object, what: str) -> datetime:
    """Parse what a person may have typed: a time as above, or a date, which is its start in UTC. Raises ValueError."""
    if isinstance(text, str) and len(text) == len("2026-12-07"):
        text += "T00:00:00Z"
    return parse_time(text, what)


def without_mark(text: str) -> str:
    """A text without the byte order mark that some editors put before it."""
    return text.removeprefix("\ufeff")


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
