"""What ``status --json`` and ``history --json`` give of a component that has seen something, for reports to be made of.

Three applications: one that was rotated twice and refused once, one whose new secret is stuck, one without dates.
"""

import json
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from unittest import mock

from typer.testing import CliRunner

from spapi_rotation_cli import main
from spapi_rotation_lambda.surroundings import Alarm
from tests.cli.fake_aws import FakeAws, FakeLambda
from tests.fakes.world import TOPIC_ARN, World
from tests.unit.test_state import refused, undated

Documents = tuple[dict[str, Any], dict[str, Any]]

HOSTILE = "<img src=x:1 onerror=broken=1><b>&\"'</b><script>broken=1</script>"
"""A text that breaks out wherever it is not escaped."""


def typed(function: FakeLambda, *words: str) -> str:
    """What a command writes."""
    with (
        mock.patch("spapi_rotation_cli.client.boto3.Session", FakeAws(function)),
        CliRunner().isolation() as (out, *_),
    ):
        code = main.main([*words, "--function", "rotation"])
        assert code in (0, 3, 4), out.getvalue()
        return out.getvalue().decode()


def component() -> FakeLambda:
    """The deployed function, after some months."""
    shop = World()
    shop.seed()
    surroundings: Any = shop.ports.surroundings()
    surroundings.made_alarms = [Alarm(f"alarm-{number}", False, TOPIC_ARN) for number in range(21)]
    function = FakeLambda(shop)
    outlet, vendor = World(), World()
    for name, world in (("outlet", outlet), ("vendor", vendor)):
        world.seed()
        function.add(name, world)
    shop.clock.advance(days=9)
    _rotate(function, "shop", shop, usable_after=timedelta(minutes=20))
    shop.clock.advance(days=55)
    refused(shop)
    shop.clock.advance(days=5)
    shop.check()
    shop.clock.advance(minutes=3)
    shop.drain()
    shop.clock.advance(hours=1)
    shop.check()
    shop.clock.advance(days=5, hours=17)
    outlet.clock.time = vendor.clock.time = shop.clock.time
    _rotate(function, "outlet", outlet, usable_after=timedelta(days=30))
    shop.clock.advance(days=5, hours=12)
    shop.run(hours=24)
    outlet.clock.time = vendor.clock.time = shop.clock.time
    undated(vendor)
    vendor.check()
    return function


def _rotate(function: FakeLambda, name: str, world: World, *, usable_after: timedelta) -> None:
    world.amazon.usable_after = usable_after
    typed(function, "rotate", name, "--yes", "--no-wait")
    world.clock.advance(minutes=2)
    world.drain()
    world.clock.advance(hours=1)
    world.check()


def documents(function: FakeLambda, *names: str) -> Documents:
    """What the two subcommands give."""
    found = json.loads(typed(function, "status", *names, "--json"))
    return found, json.loads(typed(function, "history", *names, "--since", "2026-02-01", "--json"))


def now(function: FakeLambda) -> datetime:
    """The time in that world."""
    return next(iter(function.worlds.values())).clock.now()


def hostile(of: Documents) -> Documents:
    """The same with every text that is no time and no word of the interface replaced."""

    def over(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: over(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [over(each, key) for each in value]
        kept = key.endswith(("_at", "_by", "_since")) or key in ("at", "since", "event", "client_id", "last_accepted")
        return HOSTILE if isinstance(value, str) and not kept else value

    found, history = of
    return over(found), over(history)


@cache
def example(*names: str) -> tuple[Documents, datetime]:
    """What the two subcommands give of it, and when."""
    function = component()
    return documents(function, *names), now(function)
