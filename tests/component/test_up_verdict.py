"""What a preview says of a trigger: the verdict on ports without effect, and the hook that tells it."""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from pulumi.runtime import rpc

from spapi_rotation.resources import invocation
from spapi_rotation.rotate_on_up import hook, run
from spapi_rotation.rotate_on_up.dry_run import CannotTell, DryStore
from spapi_rotation.rotate_on_up.run import RotateOnUpError
from spapi_rotation.rotate_on_up.verdict import Kind, Verdict, verdict
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from tests.component.test_rotate_on_up import props
from tests.exploration.store_contract import labels, said, sequence
from tests.fakes.clock import VirtualClock
from tests.fakes.interposer import interposed
from tests.fakes.secrets_manager import FakeSecretsManager
from tests.fakes.world import World

NAME = "contract"


@pytest.fixture
def world() -> World:
    world = World()
    world.seed()
    world.clock.advance(days=10)
    return world


# The store.


@pytest.mark.rule(id="UP-7")
def test_the_store_without_effect_answers_like_secrets_manager_and_leaves_it_alone() -> None:
    """After some calls on both, the rest is made on Secrets Manager and, from the same labels on, in memory."""
    compared = 0
    for seed in range(300):
        calls = list(sequence(seed))
        here, there = FakeSecretsManager(VirtualClock()), FakeSecretsManager(VirtualClock())
        for store in (here, there):
            store.create(NAME)
            for call in calls[:7]:
                said(store, NAME, call)
        before = labels(there, NAME)
        dry = DryStore(there, there.clock)
        for call in calls[7:]:
            try:
                told = said(dry, NAME, call)
            except CannotTell:
                continue
            compared += 1
            assert told == said(here, NAME, call), (seed, call.name)
        assert labels(there, NAME) == before
    assert compared > 1000


def test_a_version_without_a_label_is_not_written_over(world: World) -> None:
    """A record that has lost its label forbids a rotation, and is not listed."""
    at_first = world.store.versions(world.secret_id)
    world.amazon.lose_next = True
    from spapi_rotation_lambda.use_cases.rotate_on_up import rotate_on_up

    rotate_on_up(world.ports, world.application, "one")
    record = world.labels()["ROTATION_REQUEST"]
    world.store.move(world.secret_id, Label.REQUEST, to=None, away_from=record)
    dry = DryStore(world.store, world.clock)
    with pytest.raises(CannotTell, match="has lost its label"):
        dry.write(world.secret_id, record, Sensitive("{}"), Label.REQUEST)
    with pytest.raises(CannotTell, match="has lost its label"):
        dry.move(world.secret_id, Label.REQUEST, to=record, away_from=None)
    assert dry.versions(world.secret_id) == world.store.versions(world.secret_id)
    assert {each.id for each in world.store.versions(world.secret_id).items} == {each.id for each in at_first.items}
    told = verdict(world.ports, world.application, "two")
    assert (told.kind, "has lost its label" in told.reason) == (Kind.UNKNOWN, True)


def test_what_is_written_in_memory_counts_among_the_young_versions(world: World) -> None:
    since = world.clock.now() - timedelta(hours=1)
    dry = DryStore(world.store, world.clock)
    there = dry.versions_and_young(world.secret_id, since)[1]
    dry.write(world.secret_id, "one-more", Sensitive("{}"), Label.RECEIVED)
    dry.write(world.secret_id, "one-more", Sensitive("{}"), Label.RECEIVED)
    assert dry.versions_and_young(world.secret_id, since)[1] == there + 1
    assert world.store.versions_and_young(world.secret_id, since)[1] == there


# The verdict.


def judged(world: World, trigger: str = "one", **more: Any) -> Verdict:
    """The verdict, on ports that allow to look only."""
    allowed = {"versions", "read", "inspect", "counts", "created_at", "versions_and_young"}

    def looks(name: str) -> None:
        assert name in allowed, name

    return verdict(interposed(world.ports, before=looks), world.application, trigger, **more)


@pytest.mark.rule(id="UP-7")
def test_nothing_forbids_it(world: World) -> None:
    told = judged(world)
    assert told == Verdict(Kind.ROTATES)
    assert not told.ends_up
    assert told.in_preview("shop") == (
        "shop: `pulumi up` rotates the client secret now, if Amazon agrees: nothing forbids it."
    )


@pytest.mark.rule(id="UP-7")
def test_a_dead_letter_declines_it_and_a_message_that_waits_may_be_taken(world: World) -> None:
    world.queue.visible.append("{}")
    before = world.clock.now()
    told = judged(world)
    assert (told.kind, told.reason.startswith("messages wait, and may be taken soon. ")) == (Kind.UNKNOWN, True)
    assert world.clock.now() == before
    told = judged(world, waits=True)
    assert (told.kind, world.clock.now() - before) == (Kind.DECLINED, timedelta(seconds=90))
    world.queue.visible.clear()
    world.queue.dead.append("{}")
    assert judged(world).kind is Kind.DECLINED


def test_an_update_that_waits_for_messages_says_so(world: World) -> None:
    world.queue.visible.append("{}")
    assert verdict(world.ports, world.application, "one", waits=True).kind is Kind.DECLINED
    assert "waiting_for_unread_messages_to_be_taken" in world.recorder.text()


@pytest.mark.rule(id="UP-7")
def test_an_unclaimed_message_may_be_its_own(world: World) -> None:
    world.unclaimed.bodies.append("{}")
    told = judged(world)
    assert (told.kind, "1 message(s) lie unclaimed" in told.reason) == (Kind.UNKNOWN, True)


@pytest.mark.rule(id="UP-7")
def test_what_aws_denies_to_a_preview_is_unknown_and_ends_up(world: World) -> None:
    def denied(*_: object) -> None:
        raise StoreFailed("shop: AWS denied secretsmanager:GetSecretValue.", remedy="Allow it.\nThen try again.")

    world.store.read = denied  # type: ignore[method-assign,assignment]
    told = judged(world)
    assert told == Verdict(
        Kind.FAILS, "shop: AWS denied secretsmanager:GetSecretValue. What to do: Allow it. Then try again."
    )
    assert told.ends_up
    assert "is unknown, because shop: AWS denied" in told.in_preview("shop")


# The hook.


class Registered:
    """The hook's function as it was registered, and what it warned of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, world: World, *, preview: bool) -> None:
        self.warnings: list[str] = []
        self.registered: list[tuple[str, Any, pulumi.ResourceHookOptions]] = []
        monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
        monkeypatch.setattr(pulumi.log, "warn", self.warnings.append)
        monkeypatch.setattr(pulumi, "ResourceHook", self._register)
        monkeypatch.setattr(pulumi, "ResourceHookBinding", lambda **hooks: hooks)
        monkeypatch.setattr(pulumi, "ResourceOptions", lambda **given: given)
        monkeypatch.setattr(run, "session_for", lambda aws, application: None)
        monkeypatch.setattr(run, "build", lambda *_: replace(world.ports))

    def _register(self, name: str, function: Any, options: pulumi.ResourceHookOptions) -> str:
        self.registered.append((name, function, options))
        return name

    def call(self, new: dict[str, Any], old: dict[str, Any] | None = None) -> None:
        """Call the hook of a trigger as the engine does."""
        options: Any = hook.before_hooks("trigger", {})
        assert options == {"hooks": {"before_create": ["trigger-verdict"], "before_update": ["trigger-verdict"]}}
        ((_, function, how),) = self.registered
        assert how.on_dry_run and not how.ignore_errors
        args = pulumi.ResourceHookArgs("urn", "id", "trigger", "type", new_inputs=new, old_inputs=old)
        asyncio.run(function(args))
        self.registered.clear()


Register = Callable[..., Registered]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch, world: World) -> Register:
    return lambda *, preview: Registered(monkeypatch, world, preview=preview)


@pytest.mark.rule(id="UP-7")
def test_the_hook_warns_in_a_preview_and_raises_one_line_in_up(world: World, register: Register) -> None:
    world.amazon.posts = 0
    world.queue.policy = None
    previewing = register(preview=True)
    previewing.call(props())
    (warning,) = previewing.warnings
    assert warning.startswith("shop: `pulumi up` declines this rotation and ends with this error: shop: Amazon cannot")
    upping = register(preview=False)
    with pytest.raises(RotateOnUpError, match=r"^shop: Amazon cannot deliver.*Missing from the policies") as caught:
        upping.call(props())
    assert "\n" not in str(caught.value)
    assert upping.warnings == []
    assert world.amazon.posts == 0


@pytest.mark.rule(id="UP-7")
def test_the_hook_is_silent_in_up_where_nothing_is_declined(world: World, register: Register) -> None:
    upping = register(preview=False)
    upping.call(props())
    world.unclaimed.bodies.append("{}")
    upping.call(props())
    assert upping.warnings == []


@pytest.mark.rule(id="UP-1")
def test_the_hook_looks_at_nothing_where_the_text_is_the_same(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "_look", lambda *_, **__: pytest.fail("It was looked at."))
    register(preview=True).call(props(wait_seconds=5), props())


@pytest.mark.rule(id="UP-7")
@pytest.mark.parametrize("name", ["secret_arn", "client_id", "trigger"])
def test_what_is_not_known_in_the_preview_is_unknown(register: Register, name: str) -> None:
    previewing = register(preview=True)
    unknown = rpc.deserialize_property(rpc.UNKNOWN, keep_unknowns=True)
    previewing.call(props() | {name: unknown})
    previewing.call(props(settings={"QUEUE_URL": unknown}))
    assert (
        previewing.warnings
        == ["shop: whether `pulumi up` rotates is unknown, because something that it needs is not made yet."] * 2
    )


@pytest.mark.rule(id="UP-7")
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "canary"}}, "AssumeRole"), "AccessDenied"),
        (NoCredentialsError(), "NoCredentialsError"),
    ],
)
def test_aws_that_fails_before_the_verdict_is_unknown_in_a_preview_and_ends_up(
    register: Register, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    for preview in (True, False):
        registered = register(preview=preview)
        monkeypatch.setattr(run, "session_for", fail)
        if preview:
            registered.call(props())
            assert f"unknown, because shop: AWS failed ({words})" in registered.warnings[0]
            continue
        with pytest.raises(RotateOnUpError, match=f"AWS failed .{words}") as caught:
            registered.call(props())
        assert "canary" not in "".join(traceback.format_exception(caught.value.with_traceback(None), chain=False))


@pytest.mark.rule(id="UP-4")
@pytest.mark.rule(id="UP-7")
@pytest.mark.parametrize("preview", [True, False])
def test_a_defect_of_the_verdict_never_stops_anything(
    register: Register, monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("canary")

    registered = register(preview=preview)
    monkeypatch.setattr(hook, "verdict", fail)
    registered.call(props())
    (warning,) = registered.warnings
    assert "unknown, because shop: Unexpected KeyError" in warning
    assert "canary" not in warning


@pytest.mark.rule(id="UP-7")
def test_secret_inputs_are_read(register: Register, world: World) -> None:
    async def secret_inputs() -> dict[str, Any]:
        return {**props(), "trigger": pulumi.Output.secret("one"), "__provider": pulumi.Output.secret("pickled")}

    found = asyncio.run(_plain_of(secret_inputs))
    assert found == {name: value for name, value in props().items() if name != "__provider"}


async def _plain_of(make: Callable[[], Any]) -> dict[str, Any]:
    return await hook._plain(await make())


@pytest.mark.rule(id="UP-7")
@pytest.mark.parametrize("preview", [True, False])
def test_with_via_function_it_is_unknown(monkeypatch: pytest.MonkeyPatch, world: World, preview: bool) -> None:
    registered = Registered(monkeypatch, world, preview=preview)
    options: Any = invocation._before_hook("trigger", "shop")
    assert options == {"hooks": {"before_create": ["trigger-verdict"]}}
    ((_, function, how),) = registered.registered
    assert how.on_dry_run
    function(None)
    assert len(registered.warnings) == preview
    assert all("shop: whether `pulumi up` rotates is unknown" in warning for warning in registered.warnings)
