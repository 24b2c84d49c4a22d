"""Who may meet whom: two messages, a message and a check, two requesters, a person and the machine,
two people, the owner."""

from datetime import timedelta

from tests.exploration.callers import (
    HOUR,
    NO_FAULTS,
    Before,
    Ended,
    action,
    ask,
    check,
    hand_over,
    reseed,
    rotate_in_console,
    telling_nonces_apart,
    up,
)
from tests.exploration.ending import advance
from tests.exploration.explore import event, schedule
from tests.exploration.explored_world import World
from tests.exploration.faulty import Op
from tests.exploration.invariants import STAYS_REJECTED
from tests.exploration.scenarios import (
    aged,
    companion,
    console,
    late,
    lose,
    near_expiry,
    notice,
    owner_edits,
    owner_restores,
    rotated,
    silent_console,
    slow_amazon,
    undated,
    unseeded,
    young,
)
from tests.exploration.workers import Meeting, Worker

# Workers.


def receiving(world: World, before: Before) -> Ended:
    """The function with the next visible message, if there is one."""
    message = world.queue.receive()
    return hand_over(world, message, before=before) if message is not None else Ended()


def checking(world: World, before: Before) -> Ended:
    """The function with a check."""
    return check(world, world.app, before=before)


def upping(reference: str) -> Worker:
    """``pulumi up`` with a trigger text."""
    return lambda world, before: up(world, world.app, reference, before=before)


def asking(world: World, before: Before) -> Ended:
    """``request`` by a person."""
    return ask(world, world.app, force=False, before=before)


def doing(name: str) -> Worker:
    """An operator action."""
    return lambda world, before: action(world, world.app, name, before=before)


def seeding(world: World, before: Before) -> Ended:
    """``seed`` with Amazon's newest."""
    return reseed(world, world.app, before=before)


def editing(world: World, before: Before) -> Ended:
    """The owner's write of another key, at any moment."""
    before(Op.WRITE)
    return owner_edits(world, NO_FAULTS)


def restoring(world: World, before: Before) -> Ended:
    """The owner's stale write, at any moment."""
    before(Op.WRITE)
    return owner_restores(world, NO_FAULTS)


def at_the_console(world: World, before: Before) -> Ended:
    """A rotation by hand whose message arrives at once, at any moment."""
    before(Op.ROTATE)
    rotate_in_console(world, world.app)
    advance_transit(world)
    return Ended()


def advance_transit(world: World) -> None:
    """What is on its way arrives now."""
    world.clock.sleep(5)
    world.arrive()


# Worlds.


def delivered(*companions: str, console_too: bool = False, pending_for: timedelta = timedelta(0)) -> World:
    """A request was made, and its message (and others) wait in the queue."""
    world = rotated(2)
    world.app.amazon.usable_after = pending_for
    with telling_nonces_apart(lambda: world):
        schedule(world, NO_FAULTS)
    [sent] = world.transit
    if console_too:
        console(world, NO_FAULTS)
    for what in companions:
        world.send_later(companion(what, world.app, sent.body), timedelta(seconds=5))
    advance_transit(world)
    return world


def pending() -> World:
    """A received secret is pending, and Amazon accepts it by now."""
    world = slow_amazon(rotated)()
    with telling_nonces_apart(lambda: world):
        schedule(world, NO_FAULTS)
        event(world, NO_FAULTS)
    world.clock.time += HOUR
    world.next_check = world.clock.time
    return world


def in_use() -> World:
    """A new secret was received and promoted an hour ago."""
    world = rotated()
    with telling_nonces_apart(lambda: world):
        schedule(world, NO_FAULTS)
        event(world, NO_FAULTS)
    return aged(world, HOUR)


def overwritten() -> World:
    """The owner has put the old secret back over the new one."""
    world = in_use()
    owner_restores(world, NO_FAULTS)
    return world


def rejected() -> World:
    """A received secret was rejected by a person."""
    world = pending()
    with telling_nonces_apart(lambda: world):
        action(world, world.app, "reject")
    return world


def unanswered() -> World:
    """A request is unanswered for five days: the repost is due; its message is in the queue now."""
    world = rotated(deliver=late(120 * 3600))
    with telling_nonces_apart(lambda: world):
        schedule(world, NO_FAULTS)
    world.clock.time += timedelta(hours=120, minutes=1)
    world.arrive()
    return world


def overdue() -> World:
    """A request is unanswered for five days, and its message is lost."""
    world = rotated(deliver=lose)
    with telling_nonces_apart(lambda: world):
        schedule(world, NO_FAULTS)
    return aged(world, timedelta(hours=121))


def noticed() -> World:
    """An expiry notice waits in the queue."""
    world = young()
    notice(-1)(world, NO_FAULTS)
    return world


def silent() -> World:
    """A person has made a secret in the console, without a message."""
    return _silently_newer(pending())


def first() -> World:
    """The first message of an unseeded secret, twice."""
    world = unseeded()
    [sent] = world.transit
    world.send_later(sent.body, timedelta(seconds=1))
    advance_transit(world)
    return world


def meetings() -> tuple[Meeting, ...]:
    """All of them."""
    return (
        Meeting("the same message twice", lambda: delivered("duplicate"), receiving, receiving),
        Meeting("a message and its copy under another id", lambda: delivered("copy"), receiving, receiving),
        Meeting("two new secrets", lambda: delivered(console_too=True), receiving, receiving),
        Meeting(
            "two new secrets, accepted late",
            lambda: delivered(console_too=True, pending_for=timedelta(minutes=20)),
            receiving,
            receiving,
        ),
        Meeting("a new secret and a stale one", lambda: delivered("older"), receiving, receiving),
        Meeting("the first message of an unseeded secret, twice", first, receiving, receiving),
        Meeting("two new secrets and a check", lambda: delivered(console_too=True), receiving, checking),
        Meeting("the first message of an unseeded secret and a check", first, receiving, checking),
        Meeting("two notices", lambda: _twice_noticed(), receiving, receiving),
        Meeting("settle and settle", pending, checking, checking),
        Meeting("a message and a check", delivered, receiving, checking),
        Meeting("a message and a check whose repost is due", unanswered, receiving, checking),
        Meeting("a message and up", unanswered, receiving, upping("one")),
        Meeting("a message and a person's request", delivered, receiving, asking),
        Meeting("check and up, both due", rotated, checking, upping("one")),
        Meeting("check and check, both due", rotated, checking, checking),
        Meeting("check and check, both undated and due", undated, checking, checking),
        Meeting("up and up", young, upping("one"), upping("two")),
        Meeting("up and up, one trigger", young, upping("one"), upping("one")),
        Meeting("notice and check near expiry", lambda: _noticed_near_expiry(), receiving, checking),
        Meeting("notice and up", noticed, receiving, upping("one")),
        Meeting("repost and repost", overdue, checking, checking),
        Meeting("repost and up", overdue, checking, upping("one")),
        Meeting("check and a rotation in the console", rotated, checking, at_the_console),
        Meeting("up and a rotation in the console", young, upping("one"), at_the_console),
        Meeting("up and the message of the console", lambda: _young_and_console(), upping("one"), receiving),
        Meeting("reject and settle", pending, doing("reject"), checking, allowed=STAYS_REJECTED),
        Meeting(
            "reject and a message", lambda: _pending_and_console(), doing("reject"), receiving, allowed=STAYS_REJECTED
        ),
        Meeting("promote and settle", pending, doing("promote"), checking),
        Meeting("promote and a message", lambda: _pending_and_console(), doing("promote"), receiving),
        Meeting("promote the rejected and settle", rejected, doing("promote"), checking),
        Meeting("rollback and settle", in_use, doing("rollback"), checking),
        Meeting("rollback and a message", lambda: _in_use_and_console(), doing("rollback"), receiving),
        Meeting("seed and settle", silent, seeding, checking),
        Meeting("seed and a message", lambda: _pending_and_console(), seeding, receiving),
        Meeting("two people: promote and promote", pending, doing("promote"), doing("promote")),
        Meeting("two people: promote and reject", pending, doing("promote"), doing("reject")),
        Meeting("two people: reject and reject", pending, doing("reject"), doing("reject")),
        Meeting("two people: promote the rejected, twice", rejected, doing("promote"), doing("promote")),
        Meeting("two people: rollback and rollback", in_use, doing("rollback"), doing("rollback")),
        Meeting("two people: rollback and promote", pending, doing("rollback"), doing("promote")),
        Meeting("two people: rollback and reject", pending, doing("rollback"), doing("reject")),
        Meeting("two people: seed and seed", silent, seeding, seeding),
        Meeting("two people: seed and promote", silent, seeding, doing("promote")),
        Meeting("two people: seed and reject", silent, seeding, doing("reject")),
        Meeting("two people: seed and rollback", lambda: _in_use_and_silent(), seeding, doing("rollback")),
        Meeting("two people: request and request", young, asking, asking),
        Meeting("two people: request and promote", pending, asking, doing("promote")),
        Meeting("two people: request and rollback", in_use, asking, doing("rollback")),
        Meeting("the owner's edit and settle", pending, editing, checking),
        Meeting("the owner's edit and a message", delivered, editing, receiving),
        Meeting("the owner's stale write and settle", pending, restoring, checking),
        Meeting("the owner's stale write and a message", delivered, restoring, receiving),
        Meeting("the owner's stale write and a check", in_use, restoring, checking),
        Meeting("check and check after a stale write", overwritten, checking, checking),
        Meeting("the owner's edit and a check after a stale write", overwritten, editing, checking),
        Meeting("the owner's edit and a check that is due", rotated, editing, checking),
    )


def _twice_noticed() -> World:
    world = noticed()
    notice(-1)(world, NO_FAULTS)
    return world


def _noticed_near_expiry() -> World:
    world = near_expiry()
    notice(-1)(world, NO_FAULTS)
    return world


def _young_and_console() -> World:
    """The message of a rotation in the console waits for ten minutes already; Amazon accepts the secret late."""
    world = slow_amazon(young)()
    console(world, NO_FAULTS)
    advance_transit(world)
    world.clock.time += timedelta(minutes=10)
    return world


def _pending_and_console() -> World:
    world = pending()
    console(world, NO_FAULTS)
    world.clock.time += timedelta(minutes=45)
    world.arrive()
    return world


def _in_use_and_silent() -> World:
    return _silently_newer(in_use())


def _silently_newer(world: World) -> World:
    silent_console(world, NO_FAULTS)
    advance(world, world.clock.time + HOUR)
    return world


def _in_use_and_console() -> World:
    world = in_use()
    console(world, NO_FAULTS)
    advance_transit(world)
    return world
