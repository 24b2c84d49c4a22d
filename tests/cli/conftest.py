"""A world, its function, and a terminal; whatever a test typed, no secret was shown."""

import os
from collections.abc import Iterator

import pytest

from tests.cli.fake_aws import FakeAws, FakeLambda
from tests.cli.terminal import CANARY, Terminal
from tests.fakes.world import World
from tests.unit.support import assert_silent


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own configuration decides."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PULUMI_", "SPAPI_")) or name in ("FORCE_COLOR", "NO_COLOR", "CI"):
            monkeypatch.delenv(name)


@pytest.fixture
def world() -> World:
    """A world whose secret was seeded when Amazon made it, a day ago."""
    made = World()
    made.seed()
    made.clock.advance(days=1)
    return made


@pytest.fixture
def aws(world: World, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """AWS with the function of that world."""
    made = FakeAws(FakeLambda(world))
    monkeypatch.setattr("spapi_rotation_cli.client.boto3.Session", made)
    return made


@pytest.fixture
def terminal(world: World, aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal without a person, until the test says otherwise; searched for canaries at the end."""
    made = Terminal(world, aws, monkeypatch)
    yield made
    for each in aws.function.worlds.values():
        assert_silent(each, *made.said)
    assert not [text for text in made.said if CANARY in text]
