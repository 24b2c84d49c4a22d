"""A reading at hand is used again: no value is read twice, and what was just written is known without a list."""

from datetime import timedelta

import pytest

from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases.request import request
from spapi_rotation_lambda.use_cases.settle import Outcome, settle
from tests.fakes.interposer import interposed, traced
from tests.fakes.world import World
from tests.unit.conftest import MakeWorld


def reading(ports: Ports, world: World) -> Snapshot:
    return Snapshot(ports.store, world.application)


@pytest.fixture
def rotated(world: World) -> World:
    """Rotated once, and due again."""
    world.clock.advance(days=60)
    world.check()
    world.drain()
    world.clock.advance(days=60)
    return world


def test_a_second_reading_lists_again_and_reads_only_what_is_new(rotated: World) -> None:
    ports, calls = traced(rotated.ports)
    first = reading(ports, rotated)
    assert first.current is not None
    second = first.again()
    assert second.current == first.current
    assert second.stored(Label.PREVIOUS) is not None
    assert calls == ["versions", "read", "versions", "read"]


def test_what_is_known_after_a_request_is_what_is_there(rotated: World) -> None:
    requested = request(rotated.ports, rotated.application, Trigger.SCHEDULE)
    assert requested.snapshot is not None
    ports, calls = traced(rotated.ports)
    there = reading(ports, rotated)
    assert requested.snapshot.same_labels(there)
    assert requested.snapshot.request_record() == there.request_record()
    assert calls == ["versions", "read"]


def test_what_was_written_takes_its_labels_from_where_they_were(rotated: World) -> None:
    before = reading(rotated.ports, rotated)
    after = before.after("new", Sensitive("{}"), (Label.RECEIVED, Label.PENDING), rotated.clock.now())
    assert (after.id_of(Label.RECEIVED), after.id_of(Label.PENDING)) == ("new", "new")
    assert after.id_of(Label.CURRENT) == before.id_of(Label.CURRENT)
    assert before.id_of(Label.PENDING) is None
    alone = before.after("new", Sensitive("{}"), tuple(Label), rotated.clock.now())
    assert [one.id for one in alone.versions.items] == ["new"], "a version without labels is not listed"


@pytest.mark.rule(id="REQ-10")
def test_a_check_asks_all_conditions_again_when_a_label_has_moved_since_its_first_reading(rotated: World) -> None:
    """The reading at hand is only where a request begins: here a person rejects nothing but moves a label meanwhile."""
    moved: list[str] = []

    def somebody(call: str) -> None:
        if call == "inspect" and not moved:
            moved.append(call)
            version = reading(rotated.ports, rotated).id_of(Label.PREVIOUS)
            rotated.store.move(rotated.secret_id, Label.SUPERSEDED, to=version, away_from=None)

    looks: list[str] = []
    ports = interposed(interposed(rotated.ports, before=somebody), before=looks.append)
    first = reading(ports, rotated)
    request(ports, rotated.application, Trigger.SCHEDULE, mode=Mode.ORDINARY, at_hand=first)
    assert looks.count("inspect") == 2
    assert rotated.amazon.posts == 2


def test_what_is_stored_is_settled_as_it_was_written(rotated: World) -> None:
    """One list, that before the swap; the value was at hand."""
    rotated.check()
    body = rotated.queue.visible.pop()
    ports, calls = traced(rotated.ports)
    rotated.ports = ports
    assert rotated.hand_over(body) == "stored"
    stored = calls.index("move AWSPENDING")
    assert [call for call in calls[stored:] if call in ("versions", "read")] == ["versions"]
    assert rotated.check() == "CURRENT"


@pytest.mark.parametrize("state", ["at rest", "unseeded", "edited", "pending", "rejected"])
def test_where_the_labels_say_that_all_is_settled_a_settle_does_nothing(make_world: MakeWorld, state: str) -> None:
    world = make_world()
    if state != "unseeded":
        world.seed()
        world.check()
    if state == "edited":
        world.write({**(world.value() or {}), "note": "new"})
    if state in ("pending", "rejected"):
        world.amazon.usable_after = timedelta(days=2)
        world.clock.advance(days=60)
        world.check()
        world.drain()
    if state == "rejected":
        holder = world.labels()[Label.PENDING]
        world.store.move(world.secret_id, Label.REJECTED, to=holder, away_from=None)
        world.store.move(world.secret_id, Label.PENDING, to=None, away_from=holder)
    assert reading(world.ports, world).is_settled is (state == "at rest")
    if state == "at rest":
        ports, calls = traced(world.ports)
        assert settle(ports, world.application).outcome is Outcome.NOTHING_PENDING
        assert calls == ["versions", "read"]
