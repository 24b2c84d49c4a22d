"""How the tests ask for a rotation, and what Amazon answers next."""

from typing import Any

from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.ports import Answer, Refusal, RotateAnswer
from spapi_rotation_lambda.use_cases.request import request
from spapi_rotation_lambda.use_cases.request_conditions import Requested
from tests.fakes.world import World

ON_PURPOSE = [Trigger.PULUMI_UP, Trigger.CLI]
ON_ITS_OWN = [Trigger.SCHEDULE, Trigger.EXPIRY_NOTICE]
REFUSED = RotateAnswer(Answer.REFUSED, 400, "InvalidInput", Refusal.NOT_ENROLLED, request_id="request-9")
UNCLEAR = RotateAnswer(Answer.UNKNOWN, 500, "InternalFailure")


def ask(world: World, trigger: Trigger = Trigger.CLI, **more: Any) -> Requested:
    return request(world.ports, world.application, trigger, **more)


def answer_before(world: World, days: float = 60) -> None:
    """A rotation that is answered, some days ago: so this queue is known to hear of new secrets."""
    ask(world)
    assert world.drain() == ["stored"]
    world.clock.advance(days=days)
    world.amazon.posts = 0


def answer_next(world: World, answer: RotateAnswer, *, rotates: bool = False) -> None:
    world.amazon.answers.append((answer, rotates))
