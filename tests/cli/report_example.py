"""What ``status --json`` and ``history --json`` give of a component that has seen something, for reports to be made of.

Three applications: one that was rotated twice and refused once, one whose new secret is stuck, one without dates.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from typer.testing import CliRunner

from spapi_rotation_cli import main
from tests.cli.fake_aws import FakeAws, FakeLambda
from tests.fakes.world import World
from tests.unit.test_state import refused, stuck, undated

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
    function = FakeLambda(shop)
    shop.clock.advance(days=9)
    shop.amazon.usable_after = timedelta(minutes=20)
    typed(function, "rotate", "shop", "--yes", "--no-wait")
    shop.clock.advance(minutes=2)
    shop.drain()
    shop.clock.advance(hours=1)
    typed(function, "check", "shop")
    shop.clock.advance(days=55)
    refused(shop)
    shop.clock.advance(days=5)
    typed(function, "check", "shop")
    shop.clock.advance(minutes=3)
    shop.drain()
    shop.clock.advance(hours=1)
    typed(function, "check", "shop")
    shop.clock.advance(days=12, hours=3)
    others: dict[str, Callable[[World], None]] = {"outlet": stuck, "vendor": undated}
    for name, step in others.items():
        world = World()
        world.seed()
        world.clock.time = shop.clock.time
        step(world)
        function.add(name, world)
    return function


def documents(function: FakeLambda, *names: str) -> Documents:
    """What the two verbs give."""
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


_FUNCTION = component()
FULL, NOW = documents(_FUNCTION), now(_FUNCTION)
