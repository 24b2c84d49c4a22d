"""Worlds for the unit tests; whatever a test did in one, nothing secret was said."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.world import World
from tests.unit.support import assert_silent, logged

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[MakeWorld]:
    """Makes worlds, each with an unseeded secret; searches all that was said in them when the test is over."""
    caplog.set_level(logging.DEBUG)
    worlds: list[World] = []

    def make(**settings: Any) -> World:
        worlds.append(World(**settings))
        return worlds[-1]

    yield make
    out, err = capsys.readouterr()
    for world in worlds:
        assert_silent(world, world.recorder.text(), logged(caplog), out, err)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A world with the default settings and a secret that was seeded when Amazon made it, a day ago."""
    made = make_world()
    made.seed()
    made.clock.advance(days=1)
    return made
