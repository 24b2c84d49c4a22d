"""What a verdict's ports refuse or hand on, and the ends of a verdict that a trigger seldom has."""

from collections.abc import Callable
from typing import Any

import pytest

from spapi_rotation.rotate_on_up.dry_run import Amazons, CannotTell, DryAmazon, DryStore, dry
from spapi_rotation.rotate_on_up.looks import look_around
from spapi_rotation.rotate_on_up.run import RotateOnUpError
from spapi_rotation.rotate_on_up.verdict import UNASKED, Kind, Verdict
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import LabelMoved, Ports
from spapi_rotation_lambda.use_cases import daily_looks
from spapi_rotation_lambda.use_cases.rotate_on_up import rotate_on_up
from tests.component.test_rotate_on_up import props
from tests.component.test_up_verdict import Register, judged, register, world
from tests.fakes.world import World
from tests.unit.test_state import received, unseeded

__all__ = ["register", "world"]


def without_effect(world: World) -> Ports:
    store = DryStore(world.store, world.clock)
    return dry(world.ports, DryAmazon(Amazons.ALL_LIVE, None), store, waits=False)


@pytest.mark.rule(id="UP-7")
@pytest.mark.parametrize(
    "act",
    [
        lambda ports, world: ports.unclaimed.put(Sensitive("body"), None),
        lambda ports, world: ports.unclaimed.delete(world.unclaimed.take(1, 1)[0]),
    ],
)
def test_a_verdict_that_would_move_a_message_ends_as_unknown(world: World, act: Callable[[Ports, World], Any]) -> None:
    world.unclaimed.bodies.append("body")
    with pytest.raises(CannotTell, match="a message would be"):
        act(without_effect(world), world)
    assert world.unclaimed.bodies == ["body"]


@pytest.mark.rule(id="UP-7")
def test_what_is_only_looked_at_is_the_real_answer(world: World) -> None:
    world.unclaimed.bodies.append("body")
    ports = without_effect(world)
    assert ports.unclaimed.counts() == world.unclaimed.counts()
    assert ports.store.created_at(world.secret_id) == world.store.created_at(world.secret_id)
    assert ports.store.described(world.secret_id) == world.store.described(world.secret_id)


@pytest.mark.rule(id="UP-7")
def test_nothing_that_is_told_without_effect_is_heard(world: World) -> None:
    received(world)
    judged(world)
    assert (world.recorder.lines, world.recorder.metrics) == ([], [])
    assert (world.recorder.events, world.recorder.told) == ([], [])


def test_the_label_in_use_is_never_taken_off_in_memory_either(world: World) -> None:
    store = without_effect(world).store
    with pytest.raises(LabelMoved):
        store.move(world.secret_id, Label.CURRENT, to=None, away_from=world.labels()[Label.CURRENT])
    store.move(world.secret_id, Label.REJECTED, to=None, away_from=None)
    assert store.versions(world.secret_id).id_of(Label.REJECTED) is None


@pytest.mark.rule(id="UP-7")
def test_where_amazons_answer_about_a_pending_secret_matters_it_is_unknown(world: World) -> None:
    """Over a placeholder: accepted, its 7 days forbid another one; else the secret holds no credentials."""
    received(world)
    unseeded(world)
    assert judged(world) == Verdict(Kind.UNKNOWN, UNASKED)


@pytest.mark.rule(id="UP-7")
def test_where_it_does_not_matter_it_is_what_each_answer_comes_to(world: World) -> None:
    received(world)
    assert judged(world).kind is Kind.DECLINED


@pytest.mark.rule(id="UP-7")
def test_a_text_that_was_requested_before_makes_no_request(world: World) -> None:
    rotate_on_up(world.ports, world.application, "one")
    world.drain()
    told = judged(world)
    assert told.kind is Kind.REQUESTED
    assert told.in_preview("shop") == (
        "shop: this text of rotate_on_up was requested before; `pulumi up` makes no request."
    )


@pytest.mark.rule(id="UP-7")
def test_a_secret_that_cannot_be_read_declines_it(world: World) -> None:
    world.write("no JSON")
    told = judged(world)
    assert (told.kind, told.ends_up, "is not a JSON object" in told.reason) == (Kind.DECLINED, True, True)


@pytest.mark.rule(id="UP-7")
def test_settings_that_are_wrong_decline_it_before_anything_is_looked_at(register: Register) -> None:
    wrong = props(settings={"SECRET_PREFIX": "prefix"})
    previewing = register(preview=True)
    previewing.call(wrong)
    assert "declines this rotation and ends with this error: The environment lacks QUEUE_URL" in previewing.warnings[0]
    with pytest.raises(RotateOnUpError, match="QUEUE_URL"):
        register(preview=False).call(wrong)


class Said:
    """What an `up` prints."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, bool]] = []

    def line(self, text: str, *, error: bool = False) -> None:
        self.lines.append((text, error))


@pytest.mark.parametrize("recorded", ["no date", 5, None, ""])
def test_a_time_of_the_last_request_that_is_none_is_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch, recorded: object
) -> None:
    known: list[object] = []
    real = daily_looks.look_at_everything

    def noting(ports: Ports, snapshot: Any, last_requested: Callable[[], Any]) -> Any:
        known.append(last_requested())
        return real(ports, snapshot, last_requested)

    monkeypatch.setattr("spapi_rotation.rotate_on_up.looks.look_at_everything", noting)
    said: Any = Said()
    look_around(world.ports, world.application, recorded, said)
    assert known == [None]
    assert said.lines == []
