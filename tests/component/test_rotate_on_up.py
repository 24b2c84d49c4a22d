"""The dynamic resource, called as plain Python over the modelled world."""

import itertools
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dill  # type: ignore[import-untyped]
import pytest
from pulumi.dynamic import Config, ConfigureRequest

from spapi_rotation.rotate_on_up import RotateOnUpProvider, run, waiting
from spapi_rotation.rotate_on_up.run import RotateOnUpError
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.settings import Env
from spapi_rotation_lambda.surroundings import QueueReader
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
    made = provider().create(props())
    outs = made.outs
    assert outs is not None
    assert made.id == CLIENT_ID
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
    assert f"shop: requested at {outs['requested_at']}; Amazon confirmed it (204)\n" in printed.out
    assert f"shop: new secret in use (version {world.labels()['AWSCURRENT']})\n" in printed.out
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
    assert (world.clock.now() - before).total_seconds() == 30
    assert "WARNING" in capsys.readouterr().err


@pytest.mark.rule(id="CHK-7")
def test_before_it_requests_it_looks_around_and_is_stopped_by_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two readers, native rotation, and a secret that was made anew since the request in Pulumi's state."""
    done = provider()
    outs = done.create(props()).outs
    assert "WARNING" not in capsys.readouterr().err
    assert outs is not None
    world.clock.advance(days=1)
    del world.store.secrets[world.secret_id]
    world.store.create(world.secret_id)
    world.seed(dated=False)
    world.store.secrets[world.secret_id].rotates_natively = True
    world.ports.surroundings().readers += [QueueReader(True, "", "other", False, "id")]  # type: ignore[attr-defined]
    before = world.amazon.posts
    done.update("id", {**outs}, props("two"))
    assert world.amazon.posts == before + 1
    told = [line for line in capsys.readouterr().err.splitlines() if "WARNING" in line]
    looks = [line.removeprefix("shop: WARNING: ").partition(":")[0] for line in told]
    assert looks[:3] == ["mapping", "native-rotation", "records"]
    assert "What to do: Switch it off." in told[1]
    assert f"requested at {outs['requested_at']}" in told[2]


@pytest.mark.rule(id="CHK-7")
def test_what_it_may_not_look_at_is_told_and_stops_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def denied(*_: object) -> Any:
        raise StoreFailed("AWS failed it.", remedy="none", denied="lambda:ListEventSourceMappings")

    monkeypatch.setattr(type(world.ports.surroundings()), "queue_readers", denied)
    provider().create(props())
    assert world.amazon.posts == 1
    assert "shop: mapping could not be looked at: AWS failed it.\n" in capsys.readouterr().out


@pytest.mark.rule(id="UP-8")
def test_waiting_looks_at_labels_and_asks_amazon_ever_more_rarely(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The secret comes at once and is accepted after ten minutes."""
    world.amazon.usable_after = timedelta(minutes=10)
    asked: list[float] = []
    looks: list[float] = []
    reads: list[float] = []
    start = world.clock.now()

    def since() -> float:
        return (world.clock.now() - start).total_seconds()

    def noted(calls: list[float], function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            calls.append(since())
            return function(*args)

        return call

    let_up_settle_alone(monkeypatch)
    monkeypatch.setattr(world.amazon, "verification_call", noted(asked, world.amazon.verification_call))
    monkeypatch.setattr(world.store, "versions", noted(looks, world.store.versions))
    monkeypatch.setattr(world.store, "read", noted(reads, world.store.read))
    outs = provider().create(props(wait_seconds=900)).outs
    assert outs is not None and outs["promoted_at"]
    tries = sorted(set(asked))
    assert tries[0] <= 6  # the first look after its message
    pauses = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert pauses == [15, 30, 60, 120, 120, 120, 120, 120]
    quiet = [at for at in looks if tries[4] < at < tries[5]]
    assert quiet == [tries[4] + 3 * number for number in range(1, 40)]
    assert not [at for at in reads if tries[4] < at < tries[5]]
    lines = capsys.readouterr()
    assert len(lines.out.splitlines()) == len(set(lines.out.splitlines()))
    assert len(lines.err.splitlines()) == 1  # that it is not accepted yet
    assert "received; Amazon does not accept it yet" in lines.out
    assert lines.out.splitlines()[-1].startswith("shop: new secret in use (version ")


@pytest.mark.rule(id="UP-8")
def test_another_pending_secret_is_tried_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one is never accepted; a newer one comes after five minutes, in a pause."""
    world.amazon.usable_after = timedelta(days=1)
    let_up_settle_alone(monkeypatch)
    start, sleep = world.clock.now(), PolledClock.sleep
    came: list[Any] = []

    def console(clock: PolledClock, seconds: float) -> None:
        sleep(clock, seconds)
        if not came and world.clock.now() >= start + timedelta(minutes=5):
            came.append(world.clock.now())
            world.amazon.usable_after = timedelta()
            world.amazon.rotate_by_hand()

    monkeypatch.setattr(PolledClock, "sleep", console)
    outs = provider().create(props(wait_seconds=900)).outs
    assert outs is not None and outs["promoted_at"]
    assert world.clock.now() - came[0] <= timedelta(seconds=6)
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


@pytest.mark.rule(id="UP-8")
def test_a_failure_of_aws_is_told_once_and_again_when_it_comes_back(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.amazon.lose_next = True
    versions, start = world.store.versions, world.clock.now()

    def flaky(secret_id: str) -> Any:
        seconds = (world.clock.now() - start).total_seconds()
        if 9 <= seconds < 18 or 27 <= seconds < 36:
            raise StoreFailed("AWS failed: Throttling.", remedy="none")
        return versions(secret_id)

    monkeypatch.setattr(world.store, "versions", flaky)
    provider().create(props(wait_seconds=60))
    told = [line for line in capsys.readouterr().out.splitlines() if "AWS failed" in line or "waiting" in line]
    assert [("AWS failed" in line) for line in told] == [False, True, False, True, False]


@pytest.mark.rule(id="UP-8")
def test_a_secret_that_could_not_be_settled_is_tried_as_rarely(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.amazon.usable_after = timedelta(days=1)
    let_up_settle_alone(monkeypatch)
    tries: list[Any] = []

    def fail(*_: object) -> None:
        tries.append(world.clock.now())
        raise StoreFailed("AWS failed: Throttling.", remedy="none")

    monkeypatch.setattr(waiting, "settle", fail)
    provider().create(props(wait_seconds=240))
    assert [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(tries)] == [15, 30, 60, 120]


@pytest.mark.rule(id="UP-8")
def test_a_secret_that_a_person_rejects_meanwhile_is_waited_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.amazon.usable_after = timedelta(days=1)
    let_up_settle_alone(monkeypatch)
    start, sleep = world.clock.now(), PolledClock.sleep

    def rejecting(clock: PolledClock, seconds: float) -> None:
        sleep(clock, seconds)
        pending = world.labels().get("AWSPENDING")
        if pending and world.clock.now() >= start + timedelta(seconds=30):
            world.store.move(world.secret_id, "AWSPENDING", to=None, away_from=pending)

    monkeypatch.setattr(PolledClock, "sleep", rejecting)
    provider().create(props(wait_seconds=60))
    news = ("waiting for its message", "received; Amazon does not accept it yet")
    told = [line.removeprefix("shop: ") for line in capsys.readouterr().out.splitlines()]
    assert [line for line in told if line in news] == [news[0], news[1], news[0]]


def let_up_settle_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function only stores what it receives."""
    monkeypatch.setattr("spapi_rotation_lambda.use_cases.receive.settle_after_receipt", lambda *_: None)


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
    assert same == {**outs, "wait_seconds": 0}
    done.update("id", {**outs}, props("two"))
    assert world.amazon.posts == 2


@pytest.mark.rule(id="UP-1")
def test_an_update_with_the_same_trigger_looks_at_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    done = provider()
    outs = done.create(props()).outs
    monkeypatch.setattr(run, "build", lambda *_: pytest.fail("It was looked at."))
    done.update("id", {**(outs or {})}, props(wait_seconds=0))


@pytest.mark.rule(id="UP-2")
def test_it_acts_with_the_stacks_aws_settings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(run, "session_for", lambda aws, application: given.append((aws, application.secret_id)))
    done = provider(**{"aws:profile": "ops"})
    outs = done.create(props()).outs
    world.clock.advance(days=10)
    done.update("id", {**(outs or {})}, props("two"))
    assert given == [({"profile": "ops"}, ARN)] * 2


def test_the_functions_environment_gives_its_settings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def build(_session: object, settings: object, telemetry: Any) -> Ports:
        given.append(settings)
        return replace(world.ports, telemetry=telemetry)

    monkeypatch.setattr(run, "build", build)
    provider().create(props(wait_seconds=0))
    assert (given[0].queue_url, given[0].applications.secret_prefix) == ("queue", "prefix")


@pytest.mark.rule(id="UP-3")
def test_what_is_pending_is_settled_before_the_request(world: World) -> None:
    """A secret that waits to be promoted is promoted although the request is declined."""
    world.amazon.usable_after = timedelta(days=1)
    provider().create(props(wait_seconds=6))
    assert "AWSPENDING" in world.labels()
    world.clock.advance(days=2)
    with pytest.raises(RotateOnUpError, match="forbids another one until"):
        provider().create(props("two"))
    assert world.amazon.posts == 1
    assert "AWSPENDING" not in world.labels()
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text


def test_libraries_that_show_requests_at_debug_are_quietened(world: World) -> None:
    names = ("httpx", "httpcore", "botocore", "boto3", "urllib3")
    before = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.DEBUG)
        provider().create(props(wait_seconds=0))
        assert not [name for name in names if logging.getLogger(name).isEnabledFor(logging.INFO)]
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@pytest.mark.rule(id="UP-3")
def test_a_failure_of_aws_after_the_post_does_not_end_the_update(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rotation goes on without it."""
    world.amazon.lose_next = True
    versions = world.store.versions

    def fail_after_the_post(secret_id: str) -> Any:
        if world.amazon.posts:
            raise StoreFailed("AWS failed: InternalServiceError.", remedy="none")
        return versions(secret_id)

    monkeypatch.setattr(world.store, "versions", fail_after_the_post)
    outs = provider().create(props(wait_seconds=9)).outs
    assert outs is not None and outs["requested_at"] and outs["promoted_at"] is None
    printed = capsys.readouterr()
    assert printed.out.count("AWS failed: InternalServiceError.") == 1
    assert "shop: WARNING: the new secret is not in use yet" in printed.err


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
