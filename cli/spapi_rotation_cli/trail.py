"""CloudTrail's record of who read which secret: the last 90 days, without a trail of one's own.

Source: CloudTrail API reference, LookupEvents: management events of one region, the newest first; one attribute at a
time; 50 events a page; two lookups a second for an account and region. By a resource's name it finds only what AWS has
put into an event's list of resources, which is not documented for reads of secrets: so all reads of secrets are looked
at, and chosen here.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from spapi_rotation_cli import failures
from spapi_rotation_cli.reads import EVENT_NAME, Read, read_of
from spapi_rotation_cli.session import Session

KEPT = timedelta(days=90)
"""How far back CloudTrail's event history reaches."""

PAUSE_SECONDS = 0.5
"""Between two lookups."""

PAGE = 50
"""Events in a page, at most."""


@dataclass(slots=True)
class Record:
    """What was found.

    Attributes:
        since: from when on everything was looked at.
        complete: whether that is as far back as was asked for.
        calls: how many lookups that took.
        reads: every successful read of any secret.
    """

    since: datetime
    complete: bool = True
    calls: int = 0
    reads: list[Read] = field(default_factory=list)


def record(session: Session, since: datetime, now: datetime, calls: int) -> Record:
    """Look back, in at most so many lookups. Raises CommandError.

    Args:
        since: how far.
        now: up to when.
    """
    found = Record(since)
    name = function_name(session.function.target.function)
    with session.output.waiting("Reading CloudTrail's record, lookups", calls) as step:
        for events, more in _pages(session, since, now):
            found.calls = step.over(found.calls + 1)
            found.reads += [read for event in events if (read := read_of(event, name)) is not None]
            if more and found.calls == calls:
                times = [at for event in events if isinstance(at := event.get("EventTime"), datetime)]
                found.complete, found.since = False, min(times, default=since).astimezone(UTC)
                break
    return found


def function_name(function: str) -> str:
    """The name in a name, an ARN, or either with a version or alias."""
    parts = function.split(":")
    return parts[parts.index("function", 1) + 1] if "function" in parts[1:-1] else parts[0]


def _pages(session: Session, since: datetime, now: datetime) -> Iterator[tuple[list[dict[str, object]], bool]]:
    """The events of each page, and whether there are more."""
    asked: dict[str, object] = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": EVENT_NAME}],
        "StartTime": since,
        "EndTime": now,
        "MaxResults": PAGE,
    }
    while True:
        try:
            answer = session.function.trail.lookup_events(**asked)
        except (BotoCoreError, ClientError) as error:
            session.output.debug(f"LookupEvents: {failures.code_of(error)}")
            raise failures.explain_lookup(error) from None
        token = answer.get("NextToken")
        events = answer.get("Events")
        yield events if isinstance(events, list) else [], bool(token)
        if not token:
            return
        asked["NextToken"] = token
        time.sleep(PAUSE_SECONDS)
