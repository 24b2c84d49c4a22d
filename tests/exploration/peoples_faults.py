"""Scenarios of people's faults: typed dates, secrets made by hand, tools that write old values back, renamed keys."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import CallAnswer, Metric
from tests.exploration.callers import HOUR, NO_FAULTS, Ended, check, hand_over, rotate_in_console
from tests.exploration.ending import advance
from tests.exploration.explore import Scenario, Step, event, schedule
from tests.exploration.explored_world import OWNERS, App, World, deliver_soon
from tests.exploration.faulty import Plan
from tests.exploration.invariants import NEWEST_DURABLE, NO_SECOND_POST, QUIET
from tests.exploration.scenarios import (
    EVENTS,
    aged,
    answering,
    ask_politely,
    console,
    dated,
    deliver_with,
    do,
    edit,
    force,
    late,
    lose,
    near_expiry,
    owner,
    put_in_by_hand,
    rotated,
    seed_newest,
    silent_console,
    slow_amazon,
    undated,
    unseeded,
    up_with,
    wait,
    young,
)
from tests.fakes.amazon import Issued, Whose

TWO_HOURS = timedelta(hours=2)
A_WEEK = timedelta(days=7)
YEAR = timedelta(days=365)
THREE_EVENTS = EVENTS[:3]


def peoples_faults() -> tuple[Scenario, ...]:
    """All of them."""
    return (*_typed(), *_by_hand(), *_tools(), *_unreadable(), *_strange_labels(), *_notices(), *_others())


# Dates.

Dates = dict[str, Any]


def _shown(issued: Issued, by: timedelta = timedelta(0)) -> Dates:
    return {
        "client_secret_issued_at": format_time(issued.issued_at + by),
        "client_secret_expires_at": format_time(issued.expires_at + by),
    }


def _swapped(issued: Issued) -> Dates:
    return {
        "client_secret_issued_at": format_time(issued.expires_at),
        "client_secret_expires_at": format_time(issued.issued_at),
    }


def _without_time(issued: Issued) -> Dates:
    return {key: str(date)[:10] for key, date in _shown(issued).items()}


TYPED: Mapping[str, Callable[[Issued], Dates]] = {
    "60 days early": lambda issued: _shown(issued, timedelta(days=-60)),
    "a year early": lambda issued: _shown(issued, -YEAR),
    "a year late": lambda issued: _shown(issued, YEAR),
    "swapped": _swapped,
    "without time": _without_time,
    "in words": lambda _issued: {"client_secret_expires_at": "next winter"},
    "with an end of the old one in a year": lambda issued: {
        **_shown(issued),
        "previous_client_secret_expires_at": format_time(issued.issued_at + YEAR),
    },
}


def typing(dates: Callable[[Issued], Dates]) -> Callable[[World, App], None]:
    """The owner types dates beside the value in use, and nothing else stays of ours."""

    def write(world: World, app: App) -> None:
        value = world.value(app) or {}
        issued = app.amazon.ever[app.amazon.number(app.memory.current) - 1]
        kept: Dates = {key: value[key] for key in ("client_id", "client_secret", "stage") if key in value}
        if "client_secret" in value:
            world.owner_writes(app, {**kept, **dates(issued)})

    return write


def _typed_before(dates: Callable[[Issued], Dates]) -> Callable[[], World]:
    """A secret that was put in a day ago with these dates."""

    def make() -> World:
        world = World()
        world.seed(dated=False, stage="production", **dates(world.app.amazon.newest))
        return aged(world, timedelta(days=1))

    return make


def new_value_old_dates(world: World, app: App) -> None:
    """A person replaces the value of ``client_secret`` alone: every other key is left over from the secret before."""
    value = world.value(app)
    if value is not None:
        world.owner_writes(app, {**value, "client_secret": app.amazon.newest.text})


def _typed() -> tuple[Scenario, ...]:
    found: list[Scenario] = []
    for name, dates in TYPED.items():
        courses: dict[str, tuple[Step, ...]] = {
            "then a request": (ask_politely, *THREE_EVENTS),
            "then a rotation in the console": (console, *THREE_EVENTS),
            "then two months": (wait(days=61), schedule, *THREE_EVENTS),
        }
        for what, steps in courses.items():
            found.append(Scenario(f"dates typed {name}, {what}", _typed_before(dates), steps, faults=1, people=1))
        write = owner(typing(dates))
        steps = (schedule, event, write, *THREE_EVENTS)
        found.append(Scenario(f"dates typed {name} while pending", slow_amazon(rotated, TWO_HOURS), steps, faults=1))
    left = owner(new_value_old_dates)
    return (
        *found,
        Scenario(
            "dates left over from an earlier secret",
            rotated,
            (silent_console, left, wait(minutes=1), schedule, nothing_requested, *EVENTS),
            faults=2,
        ),
        # With a second fault both lists of the request are from before, and nothing tells of the write.
        Scenario(
            "dates left over in the moment of a check",
            rotated,
            (silent_console, left, schedule, nothing_requested, *EVENTS),
            faults=1,
        ),
        Scenario("dates left over, then the message", young, (late_console(HOUR), left, *EVENTS), 2),
        Scenario("dates left over after the message", young, (console, event, left, *THREE_EVENTS), 2),
        Scenario("dates left over while requested", rotated, (schedule, silent_console, left, *EVENTS), 1),
    )


# Secrets made by hand.


def late_console(after: timedelta | None) -> Step:
    """A secret is made in the console; its message comes late, or never."""

    def step(world: World, _plan: Plan) -> Ended:
        before = len(world.transit)
        rotate_in_console(world, world.app)
        sent = world.transit[before:] if after is not None else ()
        world.transit = (*world.transit[:before], *(one._replace(at=one.at + (after or HOUR)) for one in sent))
        return Ended(people=1)

    return step


def put_in(world: World, app: App) -> None:
    world.seed(app, dated=False, stage=f"hand-{world.next_serial()}")


def put_in_with_expiry(world: World, app: App) -> None:
    """As the console shows it: the day on which it dies."""
    expires = str(app.amazon.newest.expires_at)[:10]
    world.seed(app, dated=False, stage=f"hand-{world.next_serial()}", client_secret_expires_at=expires)


def _by_hand() -> tuple[Scenario, ...]:
    pending = slow_amazon(rotated, TWO_HOURS)
    moments: dict[str, tuple[Callable[[], World], tuple[Step, ...]]] = {
        "before a rotation": (rotated, ()),
        "while one is requested": (lambda: rotated(deliver=late(1800)), (schedule,)),
        "while one is pending": (pending, (schedule, event)),
        "after one": (rotated, (schedule, event)),
    }
    messages: dict[str, tuple[timedelta | None, tuple[Step, ...]]] = {
        "message early": (timedelta(seconds=5), (event,)),
        "message late": (3 * HOUR, ()),
        "message lost": (None, ()),
    }
    found: list[Scenario] = []
    for when, (prepare, before) in moments.items():
        for message, (after, meanwhile) in messages.items():
            for how, write in {"": put_in, " with its expiry": put_in_with_expiry}.items():
                steps = (*before, late_console(after), *meanwhile, owner(write), schedule, *THREE_EVENTS)
                found.append(Scenario(f"made by hand {when}, put in{how}, {message}", prepare, steps, faults=1))
    both = owner(put_in_by_hand)
    return (
        *found,
        Scenario(
            "made by hand 40 days after an undated one",
            lambda: aged(undated(), timedelta(days=9)),
            (both, schedule, wait(days=6), schedule, nothing_requested, wait(days=2), schedule, *EVENTS[:2]),
            faults=1,
        ),
        Scenario(
            "made by hand and rolled back, then its message",
            young,
            (late_console(HOUR), owner(put_in), do("rollback"), schedule, hours(2), *THREE_EVENTS),
            faults=1,
        ),
        Scenario(
            "made by hand after an unanswered request",
            lambda: rotated(deliver=lose),
            (schedule, wait(hours=2), both, wait(hours=25), schedule, not_requested_again, *EVENTS[:2]),
            faults=1,
        ),
        Scenario(
            "made by hand, then another by hand, whose message comes: Amazon decides",
            young,
            (both, console, event, hours(7 * 24 + 4), newest_in_use),
            faults=1,
        ),
        Scenario(
            "made by hand, then another by hand, and Amazon never says which is dead",
            young,
            (
                *(answering(CallAnswer.OTHER, Whose.ALL), both, console, *THREE_EVENTS),
                *(hours(9 * 24), quiet_check(Metric.ORDER_UNKNOWN)),
            ),
            faults=1,
        ),
        Scenario(
            "made by hand after a rotation, and looked at for days",
            rotated,
            (schedule, event, both, hours(3), *((schedule,) * 2), hours(7 * 24), newest_in_use),
            faults=2,
        ),
        Scenario(
            "made by hand, and the message of the one before it comes late",
            young,
            (late_console(3 * HOUR), both, hours(5), *((schedule,) * 2), hours(7 * 24), newest_in_use),
            faults=2,
        ),
        Scenario(
            "made by hand, the one before it promoted, then put in again",
            young,
            (late_console(HOUR), both, hours(2), event, do("promote"), seed_newest, hours(3), newest_in_use),
            faults=1,
        ),
        Scenario("two secrets of the same instant", young, (two_at_once, *EVENTS), faults=1),
        Scenario(
            "no alarm about a secret made by hand after a rotation",
            rotated,
            (schedule, event, wait(days=1), both, quiet_check(Metric.OVERWRITTEN), event),
            faults=1,
        ),
        Scenario(
            "no alarm about a request whose secret was made by hand",
            lambda: rotated(deliver=lose),
            (schedule, wait(minutes=10), both, wait(hours=2), quiet_check(Metric.OVERDUE), event),
            faults=1,
        ),
    )


def two_at_once(world: World, _plan: Plan) -> Ended:
    """Two people make a secret in the console in the same instant: their messages carry the same dates."""
    deliver, world.deliver = world.deliver, lose
    rotate_in_console(world, world.app)
    world.deliver = deliver
    amazon, instant = world.app.amazon, world.app.amazon.newest
    body = amazon.message(instant, amazon.ever[-2].expires_at)
    world.send_later(body, timedelta(seconds=5))
    amazon.rotate_by_hand(message=False)
    twin = amazon.newest
    twin.issued_at, twin.expires_at = instant.issued_at, instant.issued_at + timedelta(days=180)
    world.send_later(
        body.replace(instant.text, twin.text).replace('"notificationId": "', '"notificationId": "2-'),
        timedelta(seconds=9),
    )
    return Ended(people=2)


# Other tools, and edits.


def tool(which: int, *, whole: bool) -> Callable[[World, App], None]:
    """A tool applies the secret that it knows, whatever is in use: the whole JSON of then, or our two keys alone."""

    def write(world: World, app: App) -> None:
        world.seed(app, dated=whole, issued=app.amazon.ever[which], stage=f"tool-{world.next_serial()}")

    return write


def edited_nightly(nights: int) -> Step:
    """The owner rewrites other keys every night, without our dates."""

    def step(world: World, _plan: Plan) -> Ended:
        for _ in range(nights):
            world.clock.time += timedelta(days=1)
            value = world.value() or {}
            kept: Dates = {key: value[key] for key in ("client_id", "client_secret") if key in value}
            world.owner_writes(world.app, kept | {"stage": f"night-{world.next_serial()}"})
            check(world, world.app)
        world.next_check = world.clock.time + HOUR
        return Ended(people=nights)

    return step


def undated_and_young() -> World:
    """Put in without dates a week ago."""
    world = World()
    world.seed(dated=False)
    return aged(world, timedelta(days=8))


def _tools() -> tuple[Scenario, ...]:
    found: list[Scenario] = []
    for how, whole in {"whole": True, "undated": False}.items():
        first = owner(tool(0, whole=whole))
        found += [
            Scenario(
                f"a tool applies the first secret, {how}, after each of two rotations",
                lambda: rotated(2),
                (first, event, schedule, event, first, *THREE_EVENTS),
                faults=1,
            ),
            Scenario(
                f"a tool applies the secret before, {how}, while a request is unanswered",
                lambda: rotated(2, deliver=late(1800)),
                (schedule, owner(tool(-3, whole=whole)), *EVENTS),
                faults=1,
            ),
            Scenario(
                f"a tool applies the same secret, {how}, on three days",
                rotated,
                (schedule, event, *((owner(tool(-2, whole=whole)), event, wait(days=1)) * 3)),
                faults=1,
            ),
        ]
    return (
        *found,
        Scenario(
            "an undated secret, edited at the instant of its first request",
            undated_and_young,
            (owner(edit), up_with("one"), *EVENTS[:2], newest_in_use),
            faults=0,
        ),
        Scenario(
            "an undated secret is edited every night",
            undated_and_young,
            (schedule, edited_nightly(21), wait(days=1), schedule, rotated_by_now, *EVENTS[:2]),
            faults=1,
        ),
        Scenario(
            "an older message, then a tool applies the secret before, twice",
            lambda: rotated(2, deliver=deliver_with(("older", 6))),
            (schedule, event, event, *((owner(tool(-2, whole=False)),) * 2), event, hours(3), newest_in_use),
            faults=1,
        ),
        Scenario(
            "edits while requested", lambda: rotated(deliver=late(600)), (schedule, *((owner(edit), event) * 3)), 1
        ),
    )


def rotated_by_now(world: World, _plan: Plan) -> Ended:
    """A check without a fault must have asked for a rotation."""
    schedule(world, NO_FAULTS)
    secret = world.secrets.secrets[world.app.secret_id]
    record = secret.holder(Label.REQUEST)
    if record is None or world.clock.time - secret.versions[record].created_at > timedelta(days=2):
        world.violate(QUIET, "a due rotation was not requested")
    return Ended()


def newest_in_use(world: World, _plan: Plan) -> Ended:
    """By now the newest secret that arrived must be in use."""
    if world.app.amazon.number(world.app.memory.current) < world.app.memory.arrived:
        world.violate(QUIET, "the newest secret is not in use by now")
    return Ended()


def nothing_requested(world: World, _plan: Plan) -> Ended:
    """Nobody may have asked for a rotation in the days before."""
    if any(world.clock.time - post.at < A_WEEK for post in world.app.memory.posts):
        world.violate(NO_SECOND_POST, "a request although a secret was put in by hand in the days before")
    return Ended()


def not_requested_again(world: World, _plan: Plan) -> Ended:
    """No more than one request may have reached Amazon in the days before."""
    reached = [post for post in world.app.memory.posts if post.reached and not post.refused]
    if len([post for post in reached if world.clock.time - post.at < A_WEEK]) > 1:
        world.violate(NO_SECOND_POST, "a second request that nothing called for")
    return Ended()


def quiet_check(metric: Metric) -> Step:
    """A check that does not alarm by this metric."""

    def step(world: World, plan: Plan) -> Ended:
        ended = schedule(world, plan)
        if not plan and metric in world.said.metrics:
            world.violate(QUIET, f"{metric} is counted for nothing")
        return ended

    return step


def stored_by_now(world: World, _plan: Plan) -> Ended:
    """By now the newest secret must be stored, whatever is in use."""
    if (world.value(label=Label.RECEIVED) or {}).get("client_secret") != world.app.amazon.newest.text:
        world.violate(NEWEST_DURABLE, "a message waits although it could be stored")
    return Ended()


def hours(count: int) -> Step:
    """The platform works on for so many hours, checks and all."""

    def step(world: World, _plan: Plan) -> Ended:
        for _ in range(count):
            advance(world, world.next_check)
            schedule(world, {})
        return Ended()

    return step


# Unreadable values.


def rename(world: World, app: App) -> None:
    """A person renames ``client_secret``: the value in use cannot be read."""
    value = world.value(app)
    if value is not None and "client_secret" in value:
        value["secret"] = value.pop("client_secret")
        world.owner_writes(app, value)


def rename_both(world: World, app: App) -> None:
    """A person renames both of our keys: the secret looks as if nobody had ever put anything in."""
    value = world.value(app)
    if value is not None and "client_id" in value and "client_secret" in value:
        renamed: dict[str, object] = {"id": value["client_id"], "secret": value["client_secret"]}
        world.owner_writes(app, renamed | {"stage": value.get("stage")})


def repair(world: World, app: App) -> None:
    """They give the keys their names back, where nobody has put them in anew since."""
    value = world.value(app) or {}
    if "secret" in value or ("client_secret" in value and "client_id" not in value):
        value.pop("id", None)
        named = {"client_id": app.application.client_id, "client_secret": value.pop("secret", None)}
        world.owner_writes(app, {**named, **value})


def _unreadable() -> tuple[Scenario, ...]:
    slow = slow_amazon(rotated)
    found: list[Scenario] = []
    for what, write in {"client_secret": rename, "both keys": rename_both}.items():
        renamed, mended = owner(write), owner(repair)
        found += [
            Scenario(
                f"{what} renamed before a message",
                rotated,
                (schedule, renamed, event, wait(minutes=20), stored_by_now, event, mended, *THREE_EVENTS),
                faults=1,
            ),
            Scenario(
                f"{what} renamed while pending", slow, (schedule, event, renamed, event, mended, *THREE_EVENTS), 1
            ),
            Scenario(
                f"{what} renamed while it is due", rotated, (renamed, schedule, mended, schedule, *THREE_EVENTS), 1
            ),
            Scenario(
                f"{what} renamed, then seed", young, (renamed, event, silent_console, seed_newest, *THREE_EVENTS), 1
            ),
        ]
    return tuple(found)


# Labels.


def native_rotation(world: World, app: App) -> None:
    """A native rotation, or a person, puts AWSPENDING on a version that no message brought."""
    value = world.value(app)
    if value is not None:
        token = f"{OWNERS}native-{world.next_serial():019d}"
        world.secrets.put(app.secret_id, token, '{"native": true}', {Label.PENDING.value})


def _strange_labels() -> tuple[Scenario, ...]:
    native = owner(native_rotation)
    slow = slow_amazon(rotated, TWO_HOURS)
    return (
        Scenario(
            "AWSPENDING on a strange version, then a due rotation",
            rotated,
            (native, schedule, rotated_by_now, *EVENTS),
            2,
        ),
        Scenario("AWSPENDING on a strange version before the message", rotated, (schedule, native, *EVENTS), 2),
        Scenario("AWSPENDING moved to a strange version", slow, (schedule, event, native, *EVENTS), 2),
    )


# Notices.


def explained_notice(expires: Callable[[App], Issued]) -> Step:
    """Amazon announces the end of a secret that is known here: no alarm."""

    def step(world: World, plan: Plan) -> Ended:
        world.queue.send(world.app.amazon.expiry_notice(expires(world.app).expires_at))
        message = world.queue.receive()
        assert message is not None
        ended = hand_over(world, message, plan)
        if not plan and Metric.UNSEEN_ROTATION in world.said.metrics:
            world.violate(QUIET, "an alarm about a notice whose secret is known")
        return ended

    return step


def _notices() -> tuple[Scenario, ...]:
    of_old, of_new = (explained_notice(lambda app, n=n: app.amazon.ever[n]) for n in (-2, -1))  # type: ignore[misc]
    slow = slow_amazon(rotated, TWO_HOURS)
    requested = slow_amazon(lambda: rotated(deliver=late(1800)), TWO_HOURS)
    return (
        Scenario(
            "a notice of the old secret while the new one is pending", slow, (schedule, event, of_old, *EVENTS), 1
        ),
        Scenario("a notice of the pending secret", slow, (schedule, event, of_new, *THREE_EVENTS), 1),
        Scenario("a notice of the old secret while requested", requested, (schedule, of_old, *THREE_EVENTS), 1),
        Scenario("a notice of the new secret while requested", requested, (schedule, of_new, *THREE_EVENTS), 1),
    )


# Two components, messages that never come, a whole rotation beside ours.


def taken_by_another_reader(world: World, _plan: Plan) -> Ended:
    """Another component's function reads the same queue, and takes what is on its way or waits."""
    world.transit = ()
    world.queue.messages = []
    return Ended(people=1)


def _others() -> tuple[Scenario, ...]:
    return (
        Scenario(
            "two components, one queue: the other one takes our message",
            rotated,
            (schedule, taken_by_another_reader, event, wait(hours=24), *EVENTS[:2]),
            faults=1,
        ),
        Scenario(
            "two components, one queue: the other one rotates, its message comes to us",
            young,
            (console, *THREE_EVENTS),
            faults=1,
        ),
        Scenario(
            "two components, two queues: the other one rotates after us",
            rotated,
            (schedule, event, silent_console, wait(days=8), *EVENTS[:2]),
            faults=1,
        ),
        Scenario(
            "two components, two queues: the other one rotates while ours is requested",
            lambda: rotated(deliver=late(1800)),
            (schedule, silent_console, *EVENTS, wait(days=8), event),
            faults=1,
        ),
        *(
            Scenario(
                f"the first message of {what} never comes",
                lambda make=make: _losing(make),  # type: ignore[misc]
                (schedule, event, wait(hours=25), schedule, wait(days=6), schedule, event),
                faults=1,
            )
            for what, make in {
                "a dated secret": dated,
                "an undated secret": undated,
                "an old secret": near_expiry,
            }.items()
        ),
        Scenario(
            "the first message never comes, then a person forces",
            lambda: _losing(dated),
            (schedule, wait(hours=3), force, *EVENTS[:2]),
            faults=1,
        ),
        Scenario(
            "no message for a secret that up asked for",
            lambda: _losing(young),
            (up_with("one"), wait(hours=25), schedule, up_with("one"), up_with("two"), *EVENTS[:2]),
            faults=1,
        ),
        Scenario(
            "an unseeded secret: the message never comes, then seed",
            lambda: _unseeded_and_lost(),
            (schedule, seed_newest, *THREE_EVENTS, do("reject")),
            faults=1,
        ),
    )


def _losing(make: Callable[[], World]) -> World:
    world = make()
    world.deliver = lose
    return world


def _unseeded_and_lost() -> World:
    world = unseeded()
    world.transit = ()
    world.deliver = deliver_soon
    return world
