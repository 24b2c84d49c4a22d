"""A preview where Amazon's word would decide: each answer that it may give, and what a dry run does of itself."""

from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import NoCredentialsError
from pulumi.runtime import rpc

from spapi_rotation.rotate_on_up import hook, run
from spapi_rotation.rotate_on_up.dry_run import Amazons, CannotTell, DryAmazon, DryStore, WouldRotate, dry
from spapi_rotation.rotate_on_up.verdict import UNASKED, Kind, Verdict, _tried
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import BadSettings, TokenFault, TokenNotIssued
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import CallAnswer, Description, Destinations, Metric, QueueCounts, Scope
from spapi_rotation_lambda.use_cases.rotate_on_up import rotate_on_up
from tests.component.test_rotate_on_up import props
from tests.component.test_up_verdict import Register, judged, register
from tests.fakes.world import World

__all__ = ["register"]

IN_USE = Credentials("client", Sensitive("in-use"))
OTHER = Credentials("client", Sensitive("other"))


@pytest.fixture
def world() -> World:
    """The secret in use is about to die of age; another was made six days ago and is not accepted yet."""
    world = World()
    world.seed()
    world.clock.advance(days=175)
    world.amazon.usable_after = timedelta(days=7)
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(days=6)
    return world


# What Amazon may say.


@pytest.mark.rule(id="UP-7")
@pytest.mark.parametrize(
    ("says", "kind"),
    [
        (Amazons.ALL_LIVE, Kind.ROTATES),
        (Amazons.IN_USE_DEAD, Kind.ROTATES),
        (Amazons.SILENT, Kind.DECLINED),
        (Amazons.OTHERS_DEAD, Kind.DECLINED),
    ],
)
def test_each_answer_of_amazon_has_its_verdict(world: World, says: Amazons, kind: Kind) -> None:
    before = world.labels()
    told, asked = _tried(world.ports, world.application, "one", says, waits=False)
    assert (told.kind, asked) == (kind, True)
    assert bool(told.reason) is (kind is Kind.DECLINED)
    assert world.labels() == before


@pytest.mark.rule(id="UP-7")
@pytest.mark.rule(id="SET-12")
@pytest.mark.parametrize("says", Amazons)
@pytest.mark.parametrize("waits", [True, False])
def test_where_nobody_knows_which_is_newer_a_death_is_asked_for_again(says: Amazons, waits: bool) -> None:
    """The one in use is undated. A preview does not wait for that."""
    world = World()
    world.seed(dated=False)
    world.clock.advance(minutes=10)
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(days=1)
    before = world.clock.now()
    told, asked = _tried(world.ports, world.application, "one", says, waits=waits)
    assert (told.kind, asked) == (Kind.DECLINED, True)
    asked_again = says in (Amazons.IN_USE_DEAD, Amazons.OTHERS_DEAD)
    assert world.clock.now() - before == timedelta(seconds=6 if waits and asked_again else 0)


@pytest.mark.rule(id="UP-7")
def test_it_is_unknown_where_they_differ(world: World) -> None:
    told = judged(world)
    assert told == Verdict(Kind.UNKNOWN, UNASKED)
    assert not told.ends_up


@pytest.mark.rule(id="UP-7")
def test_it_is_known_where_they_agree(world: World) -> None:
    """A day later the secret's seven days are over, and the request is free whatever becomes of it."""
    world.clock.advance(days=2)
    assert judged(world) == Verdict(Kind.ROTATES)


@pytest.mark.rule(id="UP-7")
def test_a_message_that_nobody_takes_declines_it_whatever_amazon_says_of_a_pending_secret() -> None:
    world = World()
    world.seed()
    world.clock.advance(days=10)
    world.amazon.usable_after = timedelta(days=100)
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(days=8)
    assert judged(world) == Verdict(Kind.ROTATES)
    world.queue.visible.append("{}")
    assert judged(world, waits=True).kind is Kind.DECLINED


@pytest.mark.rule(id="UP-7")
def test_a_text_that_was_requested_stays_so_while_its_secret_is_pending() -> None:
    world = World()
    world.seed()
    world.clock.advance(days=10)
    world.amazon.usable_after = timedelta(days=1)
    rotate_on_up(world.ports, world.application, "one")
    world.drain()
    assert judged(world, "one") == Verdict(Kind.REQUESTED)


@pytest.mark.rule(id="UP-7")
def test_an_unseeded_secret_declines_it() -> None:
    assert judged(World()).kind is Kind.DECLINED


@pytest.mark.rule(id="UP-7")
def test_the_same_text_again_is_told_as_requested() -> None:
    world = World()
    world.seed()
    world.clock.advance(days=10)
    rotate_on_up(world.ports, world.application, "one")
    told = judged(world)
    assert told == Verdict(Kind.REQUESTED)
    assert told.in_preview("shop") == (
        "shop: this text of rotate_on_up was requested before; `pulumi up` makes no request."
    )
    assert not told.ends_up
    assert judged(world, "two").kind is Kind.DECLINED


@pytest.mark.rule(id="UP-7")
def test_a_malformed_secret_declines_it_in_one_line() -> None:
    world = World()
    world.seed()
    world.write("no object")
    told = judged(world)
    assert told.kind is Kind.DECLINED
    assert told.reason.startswith(f"shop: the secret {world.secret_id} is not a JSON object. What to do: ")
    assert "\n" not in told.reason


# The ports without effect.


@pytest.mark.parametrize("says", Amazons)
def test_a_token_is_given_to_whom_amazon_would_accept(says: Amazons) -> None:
    amazon = DryAmazon(says, IN_USE)
    assert amazon.asked is False
    for credentials, dead in ((IN_USE, Amazons.IN_USE_DEAD), (OTHER, Amazons.OTHERS_DEAD)):
        if says not in (dead, Amazons.SILENT):
            assert amazon.token(credentials, Scope.NOTIFICATIONS) == Sensitive("")
            continue
        with pytest.raises(TokenNotIssued, match="Nobody was asked") as caught:
            amazon.token(credentials, Scope.NOTIFICATIONS)
        assert caught.value.fault is (TokenFault.UNAVAILABLE if says is Amazons.SILENT else TokenFault.SECRET)
        assert caught.value.code == ""
        assert caught.value.remedy == "None."
    assert amazon.asked is True
    assert amazon.verification_call(Sensitive("")) is CallAnswer.ACCEPTED
    assert amazon.destinations(Sensitive("")) == Destinations(CallAnswer.ACCEPTED)
    with pytest.raises(WouldRotate):
        amazon.rotate(Sensitive(""))


def test_to_the_request_a_token_is_given_whoever_asks() -> None:
    for credentials in (IN_USE, OTHER):
        assert DryAmazon(Amazons.ALL_LIVE, None).token(credentials, Scope.ROTATION) == Sensitive("")


def test_a_dry_run_reads_what_there_is(world: World) -> None:
    store = DryStore(world.store, world.clock)
    assert store.created_at(world.secret_id) == world.store.created_at(world.secret_id)
    described: Description = store.described(world.secret_id)
    assert described == world.store.described(world.secret_id)


def test_what_is_in_memory_is_young_from_the_moment_after(world: World) -> None:
    store = DryStore(world.store, world.clock)
    store.write(world.secret_id, "one-more", Sensitive("{}"), Label.RECEIVED)
    now = world.clock.now()
    there = world.store.versions_and_young(world.secret_id, now)[1]
    assert store.versions_and_young(world.secret_id, now)[1] == there
    assert store.versions_and_young(world.secret_id, now - timedelta(seconds=1))[1] == there + 1


def test_an_unclaimed_message_is_neither_taken_nor_moved(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DryStore(world.store, world.clock)
    ports = dry(world.ports, DryAmazon(Amazons.ALL_LIVE, None), store, waits=False)
    assert ports.unclaimed.take(1, 30) == []
    monkeypatch.setattr(world.unclaimed, "counts", lambda: QueueCounts(1, 2))
    assert ports.unclaimed.counts() == QueueCounts(1, 2)
    with pytest.raises(CannotTell, match=r"^3 message\(s\) lie unclaimed"):
        ports.unclaimed.take(1, 30)
    with pytest.raises(CannotTell, match=r"^a message would be sent\.$"):
        ports.unclaimed.put(Sensitive("{}"), None)
    message: Any = None
    with pytest.raises(CannotTell, match=r"^a message would be deleted\.$"):
        ports.unclaimed.delete(message)


@pytest.mark.parametrize("waits", [True, False])
def test_nothing_is_said_or_counted_and_only_a_run_that_waits_looks_again(world: World, waits: bool) -> None:
    store = DryStore(world.store, world.clock)
    ports = dry(world.ports, DryAmazon(Amazons.ALL_LIVE, None), store, waits=waits)
    assert ports.store is store
    before_it = world.recorder.text()
    ports.telemetry.info("said")
    ports.telemetry.warning("warned")
    ports.telemetry.count(Metric.REQUESTED)
    event: Any = None
    ports.announcer.rotated(event)
    ports.announcer.tell(event)
    assert world.recorder.text() == before_it
    before = ports.clock.now()
    assert ports.queue.inspect().waiting == 0
    world.queue.visible.append("{}")
    assert ports.queue.inspect().waiting == waits
    real = world.clock.now()
    ports.clock.sleep(5)
    assert ports.clock.now() - before == timedelta(seconds=5)
    assert world.clock.now() - real == timedelta(seconds=5 if waits else 0)


# The hook.


@pytest.mark.rule(id="UP-7")
def test_what_is_not_known_yet_and_what_fails_has_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = rpc.deserialize_property(rpc.UNKNOWN, keep_unknowns=True)
    assert hook._look({}, props(secret_arn=unknown), preview=True) == Verdict(Kind.UNKNOWN, hook.NOT_YET_KNOWN)
    for error, kind in ((NoCredentialsError(), Kind.FAILS), (KeyError("x"), Kind.DEFECT)):
        monkeypatch.setattr(run, "session_for", Mock(side_effect=error))
        assert hook._look({}, props(), preview=True).kind is kind


@pytest.mark.rule(id="UP-7")
def test_bad_settings_decline_it(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def refuse(aws: Any, application: Any) -> None:
        given.append(aws)
        raise BadSettings("shop: aws:assumeRoles is not usable.", remedy="Set it as pulumi-aws documents it.")

    previewing = register(preview=True)
    monkeypatch.setattr(run, "session_for", refuse)
    previewing.call(props())
    assert previewing.warnings == [
        "shop: `pulumi up` declines this rotation and ends with this error: shop: aws:assumeRoles is not usable. "
        "What to do: Set it as pulumi-aws documents it."
    ]
    assert given == [{}]


@pytest.mark.rule(id="UP-7")
@pytest.mark.parametrize("preview", [True, False])
def test_only_up_waits_for_messages_to_be_taken(
    register: Register, monkeypatch: pytest.MonkeyPatch, preview: bool
) -> None:
    looked: list[Any] = []

    def look(ports: Any, application: Any, trigger: str, *, waits: bool) -> Verdict:
        looked.append((trigger, waits))
        return Verdict(Kind.ROTATES)

    registered = register(preview=preview)
    monkeypatch.setattr(hook, "verdict", look)
    registered.call(props("a text"))
    assert looked == [("a text", not preview)]
