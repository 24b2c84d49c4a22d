"""Dead letters: shown without their bodies, discarded only when nothing is lost, brought back like new."""

import json
from dataclasses import dataclass, field

import pytest

from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import DeadMessage
from spapi_rotation_lambda.use_cases.dead_letters import StillNeeded, discard, look
from tests.fakes.world import World
from tests.unit.support import assert_silent, raises


@dataclass
class DeadQueue:
    """The dead-letter queue of a world."""

    world: World
    deleted: list[str] = field(default_factory=list)

    def peek(self) -> list[DeadMessage]:
        return [
            DeadMessage(f"message-{number}", f"handle-{number}", self.world.clock.now(), len(body), Sensitive(body))
            for number, body in enumerate(self.world.queue.dead)
        ]

    def delete(self, message: DeadMessage) -> None:
        self.world.queue.dead.remove(message.body.reveal())
        self.deleted.append(message.message_id)

    def redrive(self) -> None:
        self.world.queue.visible += self.world.queue.dead
        self.world.queue.dead.clear()


@pytest.fixture
def dead(world: World) -> DeadQueue:
    return DeadQueue(world)


def dead_secret(world: World) -> str:
    new = world.amazon.rotate_by_hand(message=False)
    body = world.amazon.message(new, world.amazon.ever[-2].expires_at)
    world.queue.dead.append(body)
    return body


@pytest.mark.rule(id="OPS-5")
def test_messages_are_described_without_their_bodies(world: World, dead: DeadQueue) -> None:
    dead_secret(world)
    world.queue.dead += ["canary-garbage", world.amazon.expiry_notice(world.clock.now())]
    foreign = json.loads(world.amazon.message(world.amazon.newest, world.clock.now()))
    foreign["payload"]["applicationOAuthClientNewSecret"]["clientId"] = "amzn1.application-oa2-client.fedcba9876543210"
    world.queue.dead.append(json.dumps(foreign))
    found = look(world.ports, dead)
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
def test_a_secret_that_is_stored_nowhere_else_is_not_discarded(world: World, dead: DeadQueue) -> None:
    dead_secret(world)
    with raises(world, StillNeeded, match="redrive"):
        discard(world.ports, dead, "message-0")
    assert dead.deleted == []
    assert discard(world.ports, dead, "message-0", force=True)
    assert dead.deleted == ["message-0"]


def test_a_poison_message_and_a_stored_secret_are_discarded(world: World, dead: DeadQueue) -> None:
    body = dead_secret(world)
    world.hand_over(body)
    world.queue.dead.append("poison")
    assert discard(world.ports, dead, "message-1")
    assert discard(world.ports, dead, "message-0")
    assert not discard(world.ports, dead, "message-0")


@pytest.mark.rule(id="OPS-5")
def test_a_message_brought_back_is_handled_like_a_new_one(world: World, dead: DeadQueue) -> None:
    dead_secret(world)
    dead.redrive()
    assert world.drain() == ["stored"]
    assert (world.value() or {})["client_secret"] == world.amazon.newest.text
