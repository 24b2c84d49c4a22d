"""Scenarios in which dates mislead: typed ones, ones that come late or crossed, and notices about them."""

from datetime import timedelta

from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import CallAnswer, Metric
from tests.exploration.callers import Ended, rotate_in_console
from tests.exploration.explore import Scenario, Step, event, schedule
from tests.exploration.explored_world import World
from tests.exploration.faulty import Plan
from tests.exploration.peoples_faults import (
    TWO_HOURS,
    TYPED,
    hours,
    late_console,
    newest_in_use,
    not_requested_again,
    nothing_requested,
    put_in,
    quiet_check,
    rotated_by_now,
    tool,
)
from tests.exploration.scenarios import (
    EVENTS,
    aged,
    answering,
    console,
    late,
    lose,
    no_calls,
    notice,
    owner,
    put_in_by_hand,
    rotated,
    slow_amazon,
    up_with,
    wait,
    young,
)
from tests.fakes.amazon import Whose

THREE_EVENTS = EVENTS[:3]


def misleading_dates() -> tuple[Scenario, ...]:
    """All of them."""
    return (*_unread(), *_announced(), *_crossed())


def unread(minutes: float) -> Step:
    """What is on its way arrives, and waits so long: Lambda does not read the queue."""

    def step(world: World, _plan: Plan) -> Ended:
        world.clock.time = max([world.clock.time, *(one.at for one in world.transit)])
        world.arrive()
        world.clock.time += timedelta(minutes=minutes)
        return Ended()

    return step


def _unread() -> tuple[Scenario, ...]:
    """Dates that are typed wrong say nothing about how urgent a request is."""
    found: list[Scenario] = []
    for name in ("60 days early", "a year early", "swapped"):
        found.append(
            Scenario(
                f"dates typed {name}, and up while a message is unread",
                lambda name=name: aged(_typed(name), timedelta(days=125)),  # type: ignore[misc]
                (console, unread(10), up_with("one"), *THREE_EVENTS),
                faults=1,
            )
        )
        found.append(
            Scenario(
                f"dates typed {name}, and no message for a day",
                lambda name=name: aged(_typed_and_answered(name), timedelta(days=8)),  # type: ignore[misc]
                (schedule, wait(hours=25), schedule, not_requested_again, event),
                faults=1,
            )
        )
    return tuple(found)


def _typed(name: str) -> World:
    world = World()
    world.seed(dated=False, stage="production", **TYPED[name](world.app.amazon.newest))
    return world


def _typed_and_answered(name: str) -> World:
    """After a rotation, a secret made by hand was put in with wrong dates. No message comes from now on."""
    world = rotated(deliver=lose)
    rotate_in_console(world, world.app, message=False)
    world.seed(dated=False, stage="production", **TYPED[name](world.app.amazon.newest))
    return world


def _typed_late() -> World:
    """Put in 100 days after it was made, with dates that are 60 days late; 8 days ago."""
    world = World()
    world.clock.time += timedelta(days=100)
    expires = world.app.amazon.newest.expires_at + timedelta(days=60)
    world.seed(dated=False, stage="production", client_secret_expires_at=format_time(expires))
    return aged(world, timedelta(days=8))


def _just_put_in() -> World:
    """Put in without dates, a day ago."""
    world = World()
    world.seed(dated=False, stage="production")
    return aged(world, timedelta(days=1))


def _announced() -> tuple[Scenario, ...]:
    """Notices about a secret whose dates are its owner's, or unknown."""
    return (
        Scenario(
            "dates typed late, then its notice", _typed_late, (notice(-1), event, rotated_by_now, *THREE_EVENTS), 0
        ),
        Scenario(
            "dates typed late, then two months", _typed_late, (hours(1), wait(days=61), schedule, *THREE_EVENTS), 1
        ),
        Scenario(
            "a notice of a secret that was put in the day before",
            _just_put_in,
            (notice(-1), event, nothing_requested, *THREE_EVENTS),
            faults=1,
        ),
    )


def quick_again(world: World, _plan: Plan) -> Ended:
    """Amazon accepts the secrets that it makes from now on at once."""
    world.app.amazon.usable_after = timedelta(0)
    return Ended()


def _crossed() -> tuple[Scenario, ...]:
    """Messages that come late, or after that of a newer secret."""
    slow = slow_amazon(rotated, TWO_HOURS)
    unavailable = answering(CallAnswer.UNAVAILABLE, Whose.ALL)
    stale = owner(tool(-2, whole=False))
    return (
        Scenario(
            "made by hand and put in, the message of a newer one before its own",
            young,
            (late_console(timedelta(hours=3)), owner(put_in), console, event, hours(6), newest_in_use, event),
            faults=1,
        ),
        Scenario(
            "a tool leaves a received secret one label, then the next one comes",
            rotated,
            (schedule, event, unavailable, stale, stale, console, *THREE_EVENTS),
            faults=1,
        ),
        Scenario(
            "made by hand after a rotation, accepted late",
            slow,
            (schedule, event, hours(4), owner(put_in_by_hand), quiet_check(Metric.OVERWRITTEN), *THREE_EVENTS),
            faults=1,
        ),
        Scenario(
            "no verification call, and the message comes late",
            no_calls(slow_amazon(lambda: rotated(deliver=late(3600)), timedelta(minutes=75))),
            (schedule, quick_again, *EVENTS),
            faults=1,
        ),
    )
