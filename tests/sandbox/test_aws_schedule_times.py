"""When schedules are due. The code under test lives in the emulator's own environment, so it is run there."""

import json
import subprocess
from datetime import datetime

import pytest

from sandbox.aws.environment import ensure_environment
from sandbox.paths import CHECKOUT
from sandbox.processes import scrubbed_environment

pytestmark = pytest.mark.sandbox

SCRIPT = """
import json, sys
from sandbox.aws.patches.schedule_expressions import parse, timestamp
expression, zone, hour, after, start, now = json.load(sys.stdin)
due = parse(expression, zone, hour).due(after, start, now)
print(json.dumps(due and timestamp(due)))
"""


def due(expression: str, after: str | None, start: str, now: str, zone: str = "UTC", hour: float = 3600) -> str | None:
    """The latest due time; times are written without their ``Z``."""
    moments = [moment and datetime.fromisoformat(f"{moment}Z").timestamp() for moment in (after, start, now)]
    done = subprocess.run(
        [ensure_environment(print).python, "-c", SCRIPT],
        input=json.dumps([expression, zone, hour, *moments]),
        env=scrubbed_environment(PYTHONPATH=str(CHECKOUT), PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: str | None = json.loads(done.stdout)
    return answer and answer.removesuffix("Z")


DAY = "2026-03-28"


def test_a_rate_is_due_at_its_start_and_on_its_grid() -> None:
    start = f"{DAY}T10:00:00"
    assert due("rate(6 hours)", None, start, start) == start
    assert due("rate(6 hours)", None, start, f"{DAY}T09:59:59") is None
    assert due("rate(6 hours)", start, start, f"{DAY}T15:59:59") is None
    assert due("rate(6 hours)", start, start, f"{DAY}T22:10:00") == f"{DAY}T22:00:00", "missed ones are not made up"


def test_hours_and_days_of_a_rate_are_as_long_as_the_sandboxs_hour() -> None:
    start = f"{DAY}T10:00:00"
    assert due("rate(2 hours)", start, start, f"{DAY}T10:02:00", hour=60) == f"{DAY}T10:02:00"
    assert due("rate(1 day)", start, start, f"{DAY}T10:23:59", hour=60) is None
    assert due("rate(1 day)", start, start, f"{DAY}T10:24:00", hour=60) == f"{DAY}T10:24:00"
    assert due("rate(1 minute)", start, start, f"{DAY}T10:00:59", hour=60) is None


def test_at_is_due_once_in_its_time_zone() -> None:
    at = f"at({DAY}T12:00:00)"
    assert due(at, None, f"{DAY}T00:00:00", f"{DAY}T10:59:59", "Europe/Berlin") is None
    assert due(at, None, f"{DAY}T00:00:00", f"{DAY}T11:00:00", "Europe/Berlin") == f"{DAY}T11:00:00"
    assert due(at, f"{DAY}T11:00:00", f"{DAY}T00:00:00", f"{DAY}T12:00:00", "Europe/Berlin") is None


def test_cron_follows_its_time_zone_through_a_change_of_clocks() -> None:
    daily = "cron(0 8 * * ? *)"
    start = f"{DAY}T00:00:00"
    assert due(daily, None, start, f"{DAY}T06:59:00", "Europe/Berlin") is None
    first = due(daily, None, start, f"{DAY}T07:00:00", "Europe/Berlin")
    assert first == f"{DAY}T07:00:00", "winter time"
    assert due(daily, first, start, "2026-03-29T05:59:00", "Europe/Berlin") is None
    assert due(daily, first, start, "2026-03-29T06:00:00", "Europe/Berlin") == "2026-03-29T06:00:00", "summer time"
