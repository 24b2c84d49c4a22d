"""The dynamic resource, called as plain Python over the modelled world."""

import os
import subprocess
import sys
import traceback
from dataclasses import replace
from typing import Any

import dill  # type: ignore[import-untyped]
import pytest
from pulumi.dynamic import Config, ConfigureRequest

from spapi_rotation.rotate_on_up import RotateOnUpProvider, run
from spapi_rotation.rotate_on_up.run import RotateOnUpError
from spapi_rotation_lambda.settings import Env
from tests.fakes.world import CLIENT_ID, World

ARN = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:prefix/{CLIENT_ID}-AbCdEf"
SETTINGS = {
    Env.SECRET_PREFIX.value: "prefix",
    Env.QUEUE_URL.value: "queue",
    Env.DEAD_LETTER_QUEUE_URL.value: "dead",
    Env.UNCLAIMED_QUEUE_URL.value: "unclaimed",
    Env.SCHEDULE_GROUP.value: "group",
}


class PolledClock:
    """The world's clock; while `up` sleeps, the platform hands messages over."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> Any:
        return self._world.clock.now()

    def sleep(self, seconds: float) -> None:
        self._world.clock.sleep(seconds)
        self._world.drain()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    world.seed()
    world.clock.advance(days=10)
    monkeypatch.setattr(run, "session_for", lambda aws, application: None)
    ports = replace(world.ports, clock=PolledClock(world))
    monkeypatch.setattr(run, "build", lambda session, settings, telemetry: replace(ports, telemetry=telemetry))
    return world


def provider(**config: str) -> RotateOnUpProvider:
    made = RotateOnUpProvider()
    made.configure(ConfigureRequest(Config(config, "project")))
    return made


def props(trigger: str = "one", **more: Any) -> dict[str, Any]:
    return {
        "application": "shop",
        "client_id": CLIENT_ID,
        "secret_arn": ARN,
        "trigger": trigger,
        "settings": SETTINGS,
        "wait_seconds": 60,
        "__provider": "pickled",
        **more,
    }


def assert_no_canary(world: World, text: str) -> None:
    assert world.amazon.ever
    for issued in world.amazon.ever:
        assert issued.text not in text


def test_it_is_pickled_by_reference_to_its_public_module_path() -> None:
    pickled = dill.dumps(provider(**{"aws:secretKey": "not-to-be-pickled"}).__class__())
    assert len(pickled) < 100
    assert b"spapi_rotation.rotate_on_up" in pickled
    code = "import sys, dill; print(type(dill.loads(sys.stdin.buffer.read())).__name__)"
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    fresh = subprocess.run([sys.executable, "-c", code], input=pickled, capture_output=True, check=True, env=path)
    assert fresh.stdout.decode().strip() == "RotateOnUpProvider"


def test_create_posts_once_waits_and_keeps_names_and_times_only(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = provider().create(props()).outs
    assert outs is not None
    assert world.amazon.posts == 1
    assert world.value() is not None
    assert world.value()["client_secret"] == world.amazon.newest.text  # type: ignore[index]
    assert set(outs) == {
        "application",
        "client_id",
        "secret_arn",
        "trigger",
        "settings",
        "wait_seconds",
        "requested_at",
        "promoted_at",
    }
    assert outs["requested_at"] and outs["promoted_at"]
    printed = capsys.readouterr()
    assert all(line.startswith("shop: ") for line in printed.out.splitlines())
    assert "new secret in use" in printed.out
    assert_no_canary(world, str(outs) + printed.out + printed.err)


@pytest.mark.rule(id="UP-3")
def test_without_waiting_it_succeeds_with_a_warning(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    outs = provider().create(props(wait_seconds=0)).outs
    assert outs is not None and outs["promoted_at"] is None
    assert world.amazon.posts == 1
    assert "WARNING" in capsys.readouterr().err


@pytest.mark.rule(id="UP-3")
def test_the_wait_is_bounded_when_the_message_never_comes(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.amazon.lose_next = True
    before = world.clock.now()
    outs = provider().create(props(wait_seconds=30)).outs
    assert outs is not None and outs["promoted_at"] is None
    assert 30 <= (world.clock.now() - before).total_seconds() < 60
    assert "WARNING" in capsys.readouterr().err


def test_create_again_after_an_interruption_finds_its_own_request(world: World) -> None:
    world.amazon.lose_next = True
    provider().create(props(wait_seconds=0))
    provider().create(props(wait_seconds=0))
    assert world.amazon.posts == 1


@pytest.mark.rule(id="UP-1")
def test_update_posts_only_when_the_trigger_changed(world: World) -> None:
    done = provider()
    outs = done.create(props()).outs
    assert outs is not None
    world.clock.advance(days=10)
    same = done.update("id", {**outs}, props(wait_seconds=0)).outs
    assert world.amazon.posts == 1
    assert same is not None and same["requested_at"] == outs["requested_at"]
    done.update("id", {**outs}, props("two"))
    assert world.amazon.posts == 2


def test_diff_looks_at_named_inputs_only() -> None:
    old = {**props(), "requested_at": "then", "__provider": "older"}
    assert provider().diff("id", old, props()).changes is False
    changes: list[dict[str, Any]] = [
        {"trigger": "two"},
        {"wait_seconds": 5},
        {"settings": {}},
        {"application": "other"},
    ]
    for change in changes:
        assert provider().diff("id", old, {**props(), **change}).changes is True, change


@pytest.mark.rule(id="UP-1")
def test_delete_calls_nobody(world: World) -> None:
    provider().delete("id", props())
    assert world.amazon.posts == 0


def test_within_seven_days_it_says_until_when_and_what_to_do(world: World) -> None:
    provider().create(props())
    with pytest.raises(RotateOnUpError, match=r"until 2026-\d\d-\d\dT.*What to do: Wait"):
        provider().create(props("two"))
    assert world.amazon.posts == 1


@pytest.mark.rule(id="UP-4")
@pytest.mark.parametrize("error", [RuntimeError, ValueError, KeyError])
def test_an_unexpected_error_is_rebuilt_without_its_text(
    world: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error(world.amazon.newest.text)

    monkeypatch.setattr(world.amazon, "token", fail)
    with pytest.raises(RotateOnUpError, match=f"Unexpected {error.__name__}") as caught:
        provider().create(props())
    assert_no_canary(world, "".join(traceback.format_exception(caught.value)))
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
