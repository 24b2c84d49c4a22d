"""The calls of AWS that an invocation makes, counted in the models' world: of a secret that has been rotated before.

Its first rotation, which the sandbox has time for, reads one version and one record less.
"""

from dataclasses import dataclass

from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import Ports
from tests.fakes.aws_calls import aws_calls, methods
from tests.fakes.interposer import traced
from tests.fakes.world import CLIENT_ID, World


@dataclass(frozen=True, slots=True)
class CallFigures:
    """How many calls of AWS each makes.

    Attributes:
        request: of a check that requests, beside those of a check at rest.
        receipt: of a message's receipt and settling, without the application's name, which a process asks for once.
    """

    check: int
    request: int
    receipt: int


def count() -> CallFigures:
    """Count them in the third rotation."""
    world = World()
    world.seed()
    for _ in range(2):
        world.clock.advance(days=60)
        _check(world, world.ports)
        world.clock.advance(seconds=5)
        world.drain()
    world.clock.advance(days=30)
    ports, at_rest = traced(world.ports)
    _check(world, ports)
    world.clock.advance(days=30)
    ports, requested = traced(world.ports)
    _check(world, ports)
    world.clock.advance(seconds=5)
    world.ports, received = traced(world.ports)
    world.hand_over(world.queue.visible.pop())
    check = _calls(at_rest)
    return CallFigures(check, _calls(requested) - check, _calls(received))


def _check(world: World, ports: Ports) -> None:
    """At an hour that is not that of the day's try."""
    hour = (sum(CLIENT_ID.encode()) % 24 + 5) % 24
    at = format_time(world.clock.now().replace(hour=hour, minute=0))
    dispatch(ports, {"action": "check", "application": "shop", "client_id": CLIENT_ID, "scheduled_at": at})


def _calls(made: list[str]) -> int:
    return sum(aws_calls(methods(made)).values())
