"""What ``consumers`` is shown of before, during and after a rotation: two services, a reader elsewhere, a person."""

from typing import Any

from tests.cli.fake_aws import FakeAws, FakeLambda
from tests.cli.fake_trail import recorded, role
from tests.cli.report_example import typed
from tests.fakes.world import World

MOMENTS = ("before", "during", "after")

ORDERS, REPORTS = role("orders-task", "task-1"), role("reports-task", "task-7")
ELSEWHERE = {"type": "AWSAccount", "principalId": "AROA4EXAMPLE:etl", "accountId": "210987654321"}
FUNCTION, ANN = role("rotation-function", "rotation"), role("support", "ann", mfa=True)


def at(moment: str) -> FakeAws:
    """AWS at one of the moments."""
    world = World()
    world.seed()
    aws = FakeAws(FakeLambda(world))

    def read(*identities: dict[str, Any], **later: float) -> None:
        world.clock.advance(**later)
        aws.trail.events += [recorded(world.clock.now(), world.secret_id, each) for each in identities]

    read(REPORTS, days=40)
    read(ORDERS, ELSEWHERE, FUNCTION, days=19, hours=22)
    if moment == "before":
        world.clock.advance(hours=1)
        return aws
    typed(aws.function, "rotate", "shop", "--yes", "--no-wait")
    world.clock.advance(minutes=2)
    world.drain()
    read(FUNCTION, ORDERS, minutes=40)
    read(ANN, ELSEWHERE, hours=26)
    if moment == "after":
        read(REPORTS, hours=3)
    read(ORDERS, hours=2)
    world.clock.advance(minutes=25)
    return aws
