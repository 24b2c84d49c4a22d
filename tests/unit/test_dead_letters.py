"""Dead letters: shown without their bodies, discarded only when nothing is lost, handled again like new."""

import json

import pytest

from spapi_rotation_lambda.use_cases.dead_letters import MOST_REDRIVEN, StillNeeded, discard, look, redrive
from tests.fakes.world import World
from tests.unit.support import assert_silent, raises


def dead_secret(world: World) -> str:
    new = world.amazon.rotate_by_hand(message=False)
    body = world.amazon.message(new, world.amazon.ever[-2].expires_at)
    world.queue.dead.append(body)
    return body


@pytest.mark.rule(id="OPS-5")
def test_messages_are_described_without_their_bodies(world: World) -> None:
    dead_secret(world)
    world.queue.dead += ["canary-garbage", world.amazon.expiry_notice(world.clock.now())]
    foreign = json.loads(world.amazon.message(world.amazon.newest, world.clock.now()))
    foreign["payload"]["applicationOAuthClientNewSecret"]["clientId"] = "amzn1.application-oa2-client.fedcba9876543210"
    world.queue.dead.append(json.dumps(foreign))
    found = look(world.ports)
    assert [(one.kind, one.needed) for one in found] == [
        ("new-secret", True),
        ("unknown", False),
        ("expiry-notice", False),
        ("new-secret", True),
    ]
    assert "not JSON" in found[1].problem
    assert "not ours" in found[3].problem
    assert_silent(world, repr(found))
    assert "canary" not in repr(found)


@pytest.mark.rule(id="OPS-5")
def test_a_secret_that_is_stored_nowhere_else_is_not_discarded(world: World) -> None:
    dead_secret(world)
    with raises(world, StillNeeded, match="redrive"):
        discard(world.ports, "message-0")
    assert world.dead_letters.deleted == []
    assert discard(world.ports, "message-0", force=True)
    assert world.dead_letters.deleted == ["message-0"]


def test_a_poison_message_and_a_stored_secret_are_discarded(world: World) -> None:
    body = dead_secret(world)
    world.hand_over(body)
    world.queue.dead.append("poison")
    assert discard(world.ports, "message-1")
    assert discard(world.ports, "message-0")
    assert not discard(world.ports, "message-0")


@pytest.mark.rule(id="OPS-5")
def test_what_is_redriven_is_handled_like_a_message_of_the_queue_and_then_deleted(world: World) -> None:
    dead_secret(world)
    [only] = redrive(world.ports)
    assert (only.result, only.error, only.described.kind) == ("stored", None, "new-secret")
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text
    assert world.queue.dead == []


@pytest.mark.rule(id="OPS-5")
def test_what_still_fails_stays_and_says_why_and_the_others_go_on(world: World) -> None:
    world.queue.dead.append("canary-garbage")
    body = dead_secret(world)
    garbage, secret = redrive(world.ports)
    assert (garbage.result, secret.result) == ("", "stored")
    assert "not JSON" in str(garbage.error)
    assert world.queue.dead == ["canary-garbage"]
    assert body not in world.queue.dead
    assert "canary" not in repr((garbage, secret)) + str(garbage.error)


def test_five_are_redriven_at_a_time(world: World) -> None:
    world.queue.dead += [world.amazon.expiry_notice(world.clock.now())] * 7
    assert len(redrive(world.ports)) == MOST_REDRIVEN == 5
    assert len(world.queue.dead) == 2


def test_a_defect_of_ours_leaves_the_message_where_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    body = dead_secret(world)

    def fail(*_args: object) -> None:
        raise KeyError("canary-of-a-defect")

    monkeypatch.setattr("spapi_rotation_lambda.use_cases.dead_letters.handle_message", fail)
    [only] = redrive(world.ports)
    assert type(only.error).__name__ == "Unexpected"
    assert "canary" not in str(only.error)
    assert world.queue.dead == [body]
