"""The calls of AWS that an invocation makes, counted in the models' world: of a secret that has been rotated before.

Its first rotation, which the sandbox has time for, reads one version and one record less.
"""

from dataclasses import dataclass

from tests.fakes.aws_calls import aws_calls, methods
from tests.fakes.interposer import traced
from tests.fakes.world import World


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
        world.check_without_daily_try()
        world.clock.advance(seconds=5)
        world.drain()
    world.clock.advance(days=30)
    ports, at_rest = traced(world.ports)
    world.check_without_daily_try(ports)
    world.clock.advance(days=30)
    ports, requested = traced(world.ports)
    world.check_without_daily_try(ports)
    world.clock.advance(seconds=5)
    world.ports, received = traced(world.ports)
    world.hand_over(world.queue.visible.pop())
    check = _calls(at_rest)
    return CallFigures(check, _calls(requested) - check, _calls(received))


def _calls(made: list[str]) -> int:
    return sum(aws_calls(methods(made)).values())
