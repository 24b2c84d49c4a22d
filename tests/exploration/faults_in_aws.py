"""Scenarios of what people and their tools do in AWS: labels, native rotation, queues, readers, too many versions."""

from collections.abc import Callable
from datetime import timedelta

from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.ports import Metric
from tests.exploration.callers import Ended, reseed
from tests.exploration.ending import advance
from tests.exploration.explore import Scenario, Step, event, schedule
from tests.exploration.explored_world import App, World
from tests.exploration.faulty import Plan
from tests.exploration.invariants import KEEPS_A_SECRET, NOTHING_DROPPED, QUIET
from tests.exploration.peoples_faults import (
    TWO_HOURS,
    TYPED,
    hours,
    not_requested_again,
    nothing_requested,
    rotated_by_now,
    stored_by_now,
    taken_by_another_reader,
)
from tests.exploration.scenarios import (
    EVENTS,
    aged,
    console,
    do,
    lose,
    near_expiry,
    owner,
    put_in_by_hand,
    rotated,
    slow_amazon,
    up_with,
    wait,
    young,
)
from tests.exploration.standard_queue import ANOTHER_QUEUE_ARN

THREE_EVENTS = EVENTS[:3]
MANY_VERSIONS = 70


def faults_in_aws() -> tuple[Scenario, ...]:
    """All of them."""
    return (*_records(), *_pending(), *_seeds(), *_queues(), *_quota())


def _moves(label: Label) -> Step:
    """A person takes a label off, wherever it is."""

    def step(world: World, _plan: Plan) -> Ended:
        secret_id = world.app.secret_id
        holder = world.secrets.secrets[secret_id].holder(label)
        if holder is not None:
            world.secrets.move(secret_id, label, to=None, away_from=holder)
        return Ended(people=1)

    return step


# The request's record loses its label.


def _records() -> tuple[Scenario, ...]:
    off = _moves(Label.REQUEST)
    lost: Callable[[], World] = lambda: rotated(deliver=lose)  # noqa: E731
    return (
        Scenario(
            "the record's label is taken off while requested", lost, (schedule, off, schedule, schedule, *EVENTS[:2]), 2
        ),
        Scenario(
            "the first record's label is taken off while requested",
            lambda: _losing(young),
            (up_with("one"), off, up_with("two"), up_with("one"), schedule, event),
            faults=2,
        ),
        Scenario(
            "the record's label is taken off after two rotations",
            lambda: rotated(2),
            (off, schedule, schedule, rotated_by_now, *THREE_EVENTS),
            faults=1,
        ),
        Scenario(
            "the label of a refused request is taken off", rotated, (_moves(Label.REFUSED), schedule, *THREE_EVENTS), 1
        ),
        Scenario(
            "a trigger text is used again after a later rotation",
            lambda: aged(young(), timedelta(days=1)),
            (up_with("one"), event, wait(days=61), schedule, event, hours(8 * 24), up_with("one"), nothing_requested),
            faults=0,
        ),
    )


def _losing(make: Callable[[], World]) -> World:
    world = make()
    world.deliver = lose
    return world


# AWSPENDING where the machine has not put it.


def empty_pending(*, stays_on: bool) -> Step:
    """A native rotation fails and leaves AWSPENDING on a version without a value."""

    def step(world: World, _plan: Plan) -> Ended:
        world.secrets.rotate_natively(world.app.secret_id)
        world.secrets.secrets[world.app.secret_id].rotates_natively = stays_on
        return Ended(people=1)

    return step


def left_to_native_rotation(world: World, _plan: Plan) -> Ended:
    """A native rotation that may be at work keeps its label, and the message waits."""
    secret = world.secrets.secrets[world.app.secret_id]
    holder = secret.holder(Label.PENDING)
    if holder is None or secret.versions[holder].has_value:
        world.violate(QUIET, "AWSPENDING was taken from a native rotation that may be at work")
    return Ended()


def _pending() -> tuple[Scenario, ...]:
    found: list[Scenario] = []
    for how, stays_on in {"native rotation on": True, "native rotation off": False}.items():
        empty = empty_pending(stays_on=stays_on)
        kept: tuple[Step, ...] = (left_to_native_rotation,) if stays_on else ()
        later: tuple[Step, ...] = (wait(minutes=70), stored_by_now) if stays_on else ()
        found += [
            Scenario(
                f"AWSPENDING on an empty version before the request, {how}",
                rotated,
                (empty, schedule, event, *kept, *later, *THREE_EVENTS),
                faults=1,
            ),
            Scenario(
                f"AWSPENDING on an empty version before the message, {how}",
                rotated,
                (schedule, empty, event, *kept, *later, *THREE_EVENTS),
                faults=1,
            ),
            Scenario(
                f"AWSPENDING moved to an empty version, {how}",
                slow_amazon(rotated, TWO_HOURS),
                (schedule, event, empty, *EVENTS),
                faults=1,
            ),
        ]
    return tuple(found)


# A person seeds an older value beside what Amazon has sent.


def seed_the_one_in_use(world: World, plan: Plan) -> Ended:
    """``seed`` with the value that is in use, although Amazon has sent a newer one, which stays kept."""
    current = world.app.amazon.number(world.app.memory.current)
    pending = world.value(label=Label.PENDING) is not None
    ended = reseed(world, world.app, plan, issued=world.app.amazon.ever[current - 1])
    if ended.error is None and not plan:
        newest = world.app.amazon.ever[max(world.app.memory.dated) - 1].text
        kept = [(world.value(label=label) or {}).get("client_secret") for label in KEEPS_A_SECRET]
        if pending:
            world.violate(QUIET, "seed went over a pending secret")
        if newest not in kept:
            world.violate(NOTHING_DROPPED, "seed has taken the last label that keeps a secret off the newest one")
    return ended


def _seeds() -> tuple[Scenario, ...]:
    pending = slow_amazon(rotated, TWO_HOURS)
    return (
        Scenario(
            "the one in use is seeded while another is pending",
            pending,
            (schedule, event, seed_the_one_in_use, *EVENTS),
            1,
        ),
        Scenario(
            "the one in use is seeded after a reject",
            pending,
            (schedule, event, do("reject"), seed_the_one_in_use, *THREE_EVENTS),
            faults=1,
        ),
        Scenario(
            "one is rejected after another",
            pending,
            (schedule, event, do("reject"), console, event, do("reject"), *THREE_EVENTS),
            faults=1,
        ),
        Scenario(
            "a rejected one is promoted over one that was made by hand",
            pending,
            (schedule, event, do("reject"), console, *EVENTS, owner(put_in_by_hand), do("promote"), *THREE_EVENTS),
            faults=1,
        ),
    )


# Queues, and who reads them.


def another_queue(world: World, _plan: Plan) -> Ended:
    """The component has another queue now, which nobody has subscribed."""
    world.queue.arn = ANOTHER_QUEUE_ARN
    return Ended(people=1)


def second_reader(world: World, _plan: Plan) -> Ended:
    """Another component's function reads the same queue."""
    world.readers = 2
    return Ended(people=1)


def warned_within_a_day(world: World, _plan: Plan) -> Ended:
    """The daily looks find something."""
    found = False
    for _ in range(25):
        advance(world, world.next_check)
        schedule(world, {})
        found = found or Metric.LOOK_FAILED in world.said.metrics
    if not found:
        world.violate(QUIET, "no daily look warns")
    return Ended()


def _queues() -> tuple[Scenario, ...]:
    lost: Callable[[], World] = lambda: rotated(deliver=lose)  # noqa: E731
    days: tuple[Step, ...] = (wait(hours=25), schedule, wait(days=4), schedule, not_requested_again)
    return (
        Scenario("no message through another queue: not requested again", lost, (another_queue, schedule, *days), 1),
        Scenario(
            "no message through another queue, after a refusal perhaps: not requested again",
            lost,
            (another_queue, schedule, wait(hours=25), schedule, wait(days=5), schedule, not_requested_again),
            faults=1,
        ),
        Scenario("the queue is another one before the repost", lost, (schedule, another_queue, *days), 1),
        Scenario(
            "the first message never comes: not requested again", lambda: _losing(young), (up_with("one"), *days), 1
        ),
        Scenario(
            "a message late by a day: not requested again before",
            lost,
            (schedule, wait(hours=25), schedule, wait(days=2), schedule, not_requested_again, event),
            faults=1,
        ),
        Scenario(
            "a second reader of the queue",
            rotated,
            (schedule, second_reader, taken_by_another_reader, warned_within_a_day, event),
            faults=0,
        ),
        Scenario(
            "native rotation is switched on", rotated, (empty_pending(stays_on=True), warned_within_a_day, event), 0
        ),
        Scenario(
            "the record's label is taken off, and a look tells",
            lambda: _losing(young),
            (up_with("one"), _moves(Label.REQUEST), warned_within_a_day, event),
            faults=0,
        ),
    )


# Versions.


def many_versions(world: World, app: App) -> None:
    """A tool has written the value so often within hours that AWS keeps hardly any more versions."""
    value = world.value(app) or {}
    for _ in range(MANY_VERSIONS):
        world.owner_writes(app, {**value, "stage": f"tool-{world.next_serial()}"})


def _quota() -> tuple[Scenario, ...]:
    many = owner(many_versions)
    return (
        Scenario(
            "many versions while it is due", rotated, (many, schedule, nothing_requested, wait(days=2), *EVENTS[:2]), 1
        ),
        Scenario("many versions near expiry", near_expiry, (many, schedule, schedule, rotated_by_now, *EVENTS[:2]), 1),
        Scenario(
            "many versions near an expiry that was typed",
            lambda: aged(_typed_early(), timedelta(days=8)),
            (many, schedule, nothing_requested, wait(days=2), *EVENTS[:2]),
            faults=1,
        ),
        Scenario(
            "many versions, and a message",
            young,
            (many, console, *THREE_EVENTS, wait(minutes=20), stored_by_now, event),
            1,
        ),
        Scenario("many versions, and a look tells", young, (many, warned_within_a_day, event), 0),
    )


def _typed_early() -> World:
    """Put in with dates that are a year early."""
    world = World()
    world.seed(dated=False, stage="production", **TYPED["a year early"](world.app.amazon.newest))
    return world
