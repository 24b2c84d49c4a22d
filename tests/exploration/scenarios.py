"""The histories' beginnings: worlds, deliveries and people, each with the steps in which faults may strike."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import CallAnswer, Scope
from tests.exploration.callers import (
    HOUR,
    NO_FAULTS,
    Ended,
    action,
    ask,
    hand_over,
    reseed,
    rotate_in_console,
    telling_nonces_apart,
    up,
)
from tests.exploration.ending import advance, run_until_quiet
from tests.exploration.explore import Scenario, Step, event, schedule
from tests.exploration.explored_world import App, Deliver, World, deliver_soon
from tests.exploration.faulty import Plan
from tests.exploration.invariants import QUIET
from tests.exploration.standard_queue import BROKEN
from tests.fakes.amazon import Whose

AGE = timedelta(days=61)
EVENTS = (event,) * 5


# Worlds.


def dated(**options: Any) -> World:
    """Seeded with dates when Amazon made the secret, 61 days ago: due now."""
    world = World(**options)
    world.seed(stage="production")
    return aged(world)


def aged(world: World, by: timedelta = AGE) -> World:
    """Later; the next check is now."""
    world.clock.time += by
    world.next_check = world.clock.time
    return world


def rotated(times: int = 1, **options: Any) -> World:
    """A world in which the machine has rotated before, 61 days apart, without a fault; due now."""
    world = World(**{**options, "deliver": deliver_soon})
    world.seed(stage="production")
    with telling_nonces_apart(lambda: world):
        for _ in range(times):
            aged(world)
            run_until_quiet(world, world.app)
            assert world.app.memory.current == world.app.amazon.newest.text
    world.deliver = options.get("deliver", deliver_soon)
    return aged(world)


def undated() -> World:
    """Seeded without dates, 31 days ago: due now."""
    world = World()
    world.seed(dated=False)
    return aged(world, timedelta(days=31))


def unseeded(after: timedelta = timedelta(0), **options: Any) -> World:
    """Nothing in the secret; a person has made a secret in the console, and its message comes."""
    world = World(**options)
    world.app.amazon.usable_after = after
    rotate_in_console(world, world.app)
    return world


def young(**options: Any) -> World:
    """Seeded with dates a day ago: not due for 59 days."""
    world = World(**options)
    world.seed(stage="production")
    return aged(world, timedelta(days=1))


def near_expiry(**options: Any) -> World:
    """The secret in use dies in 20 days; nothing has rotated it."""
    world = World(**options)
    world.seed(stage="production")
    return aged(world, timedelta(days=160))


def slow_amazon(make: Callable[[], World], after: timedelta = timedelta(minutes=40)) -> Callable[[], World]:
    """Amazon accepts a new secret only a while after it made it."""

    def prepare() -> World:
        world = make()
        for app in world.everyone():
            app.amazon.usable_after = after
        return world

    return prepare


def no_calls(make: Callable[[], World]) -> Callable[[], World]:
    """The verification call is refused for every secret: only LWA's token and patience are left."""

    def prepare() -> World:
        world = make()
        for app in world.everyone():
            app.amazon.calls_allowed = False
        return world

    return prepare


# Deliveries.


def deliver_with(*companions: tuple[str, float], after: float = 5) -> Deliver:
    """One ordinary message after ``after`` seconds, and others: what, seconds after the rotation."""

    def deliver(world: World, app: App, body: str) -> None:
        world.send_later(body, timedelta(seconds=after))
        for what, seconds in companions:
            world.send_later(companion(what, app, body), timedelta(seconds=seconds))

    return deliver


def companion(what: str, app: App, body: str) -> str:
    """Another message: a duplicate, an older one of this application, a foreign or a broken one, a notice."""
    amazon = app.amazon
    if what == "duplicate":
        return body
    if what == "copy":  # the same secret under another notification id
        return body.replace('"notificationId": "', '"notificationId": "copy-')
    if what == "stale":
        return amazon.message(amazon.ever[-2], amazon.ever[-2].issued_at)
    if what == "older":
        return amazon.message(amazon.ever[0], amazon.ever[0].issued_at)
    if what == "foreign":
        other = body.replace(app.application.client_id, "amzn1.application-oa2-client.ffffffffffffffff")
        return other.replace(amazon.newest.text, "canary-of-another-application")
    if what == "poison":
        return '{"no": "notification"}'
    if what == "notice-current":
        return amazon.expiry_notice(amazon.newest.expires_at)
    if what == "notice-previous":
        return amazon.expiry_notice(amazon.ever[-2].expires_at)
    raise AssertionError(what)


def lose(_world: World, _app: App, _body: str) -> None:
    """The message never comes."""


def late(seconds: float) -> Deliver:
    """The message comes late."""
    return deliver_with(after=seconds)


# People, and time.


def wait(**delta: float) -> Step:
    """Nothing for a while; messages are handed over without a fault, the schedule is silent."""

    def step(world: World, _plan: Plan) -> Ended:
        advance(world, world.clock.time + timedelta(**delta))
        world.next_check = world.clock.time
        return Ended()

    return step


def do(name: str) -> Step:
    """An operator action."""
    return lambda world, plan: action(world, world.app, name, plan)


def up_with(reference: str) -> Step:
    """``pulumi up`` with a trigger text."""
    return lambda world, plan: up(world, world.app, reference, plan)


def force(world: World, plan: Plan) -> Ended:
    """``request --force``."""
    return ask(world, world.app, plan, force=True)


def ask_politely(world: World, plan: Plan) -> Ended:
    """``request``."""
    return ask(world, world.app, plan, force=False)


def seed_newest(world: World, plan: Plan) -> Ended:
    """``seed`` with what the console shows."""
    return reseed(world, world.app, plan)


def console(world: World, _plan: Plan) -> Ended:
    """A rotation by hand, with its message."""
    rotate_in_console(world, world.app)
    return Ended(people=1)


def silent_console(world: World, _plan: Plan) -> Ended:
    """A rotation by hand, without a message."""
    rotate_in_console(world, world.app, message=False)
    return Ended(people=1)


def slow(world: World, _plan: Plan) -> Ended:
    """Amazon accepts the newest secret two hours late."""
    newest = world.app.amazon.newest
    newest.usable_from = newest.issued_at + timedelta(hours=2)
    return Ended()


OwnersWrite = Callable[[World, App], None]


def edit(world: World, app: App) -> None:
    """The owner changes a key of their own in the value in use."""
    value = world.value(app)
    if value is not None:
        world.owner_writes(app, {**value, "stage": f"edit-{world.next_serial()}"})


def restore(world: World, app: App) -> None:
    """The owner writes back what they read before the rotation: a stale write."""
    value = world.value(app, "AWSPREVIOUS")
    if value is not None:
        world.owner_writes(app, {**value, "stage": f"stale-{world.next_serial()}"})


def undate(world: World, app: App) -> None:
    """The owner writes the secret in use without our dates; not under keys that they have renamed."""
    value = world.value(app) or {}
    if "client_secret" in value:
        world.owner_writes(app, {key: value[key] for key in ("client_id", "client_secret") if key in value})


def owner(write: OwnersWrite) -> Step:
    """One of the owner's writes."""

    def step(world: World, _plan: Plan) -> Ended:
        write(world, world.app)
        return Ended(people=1)

    return step


owner_edits, owner_restores, owner_undates = owner(edit), owner(restore), owner(undate)


def restore_undated(world: World, app: App) -> None:
    """A tool writes the old secret back, as it knows it: without any of our keys but two."""
    value = world.value(app, "AWSPREVIOUS")
    if value is not None and "client_secret" in value:
        kept: dict[str, object] = {key: value[key] for key in ("client_id", "client_secret") if key in value}
        world.owner_writes(app, kept | {"stage": f"tool-{world.next_serial()}"})


def put_in_by_hand(world: World, app: App) -> None:
    """A person has made a secret in the console, whose message does not come, and puts it in without dates."""
    rotate_in_console(world, app, message=False)
    world.seed(app, dated=False, stage=f"hand-{world.next_serial()}")


def typed(days: float) -> Callable[[], World]:
    """The owner has typed the secret in, a day ago, with an expiry that is so many days off."""

    def make() -> World:
        world = World()
        expires = world.app.amazon.newest.expires_at + timedelta(days=days)
        world.seed(dated=False, stage="production", client_secret_expires_at=format_time(expires))
        return aged(world, timedelta(days=1))

    return make


def notice(which: int) -> Step:
    """Amazon sends an expiry notice for one of the secrets that it made (-1: the newest)."""

    def step(world: World, _plan: Plan) -> Ended:
        amazon = world.app.amazon
        world.queue.send(amazon.expiry_notice(amazon.ever[which].expires_at))
        return Ended()

    return step


def function_is_broken(world: World, plan: Plan) -> Ended:
    """Every message that waits, and the next one on its way, fails for a day and ends in the dead-letter queue."""

    world.clock.time = max([world.clock.time, *(one.at for one in world.transit)])
    world.arrive()
    world.queue.messages = [message._replace(dead=True, receives=BROKEN) for message in world.queue.messages]
    return Ended()


def perimeter(denies: bool) -> Step:
    """Somebody has the queue's policy deny whoever is not of the organisation, or takes that back."""

    def step(world: World, _plan: Plan) -> Ended:
        world.queue.denies_outsiders = denies
        return Ended(people=1)

    return step


def not_ours(make: Callable[[], World]) -> Callable[[], World]:
    """The application is not in the component yet; Amazon sends its messages to our queue all the same."""

    def prepare() -> World:
        world = make()
        world.strangers = frozenset(world.apps)
        return world

    return prepare


def due_and_rotated_in_console() -> World:
    """Seeded 61 days ago, and a newer secret was made in the console: its message is on its way."""
    world = dated()
    rotate_in_console(world, world.app)
    return world


def young_and_rotated_in_console() -> World:
    """The same with a secret that is a day old."""
    world = young()
    rotate_in_console(world, world.app)
    return world


def added(world: World, _plan: Plan) -> Ended:
    """The application is added to the component."""
    world.strangers = frozenset()
    return Ended()


def next_message(world: World, plan: Plan) -> Ended:
    """The next message is handed over, at its time; the application's schedule is not there yet."""
    world.clock.time = max([world.clock.time, *(one.at for one in world.transit)])
    world.arrive()
    message = world.queue.receive()
    return hand_over(world, message, plan) if message is not None else Ended()


def from_strangers(count: int) -> Step:
    """Messages for applications that are nobody's here."""

    def step(world: World, _plan: Plan) -> Ended:
        amazon = world.app.amazon
        body = amazon.message(amazon.newest, amazon.newest.expires_at)
        for _ in range(count):
            world.queue.send(companion("foreign", world.app, body))
        return Ended(people=1)

    return step


def again(command: Step) -> Step:
    """A person repeats the command before, if that failed."""

    def step(world: World, plan: Plan) -> Ended:
        return command(world, plan) if world.app.memory.unfinished else Ended()

    return step


def published_rollback(world: World, _plan: Plan) -> Ended:
    """A rollback that failed is repeated until it ends well: then what is in use is published."""
    if world.app.memory.unfinished:
        action(world, world.app, "rollback")
    rolled_back = world.value(world.app, Label.REJECTED) is not None
    if rolled_back and world.app.memory.current in world.app.memory.unannounced:
        world.violate(QUIET, "a repeated rollback does not publish")
    return Ended()


def scenarios() -> tuple[Scenario, ...]:
    """All of them."""
    return (
        *(*_orders(), *_beginnings(), *_amazons(), *_calls(), *_tokens()),
        *_with_two((*_people(), *_owners(), *_requests(), *_strangers())),
    )


def _with_two(found: tuple[Scenario, ...]) -> tuple[Scenario, ...]:
    """With two faults at most, which is as many as any deliberate defect needs: the third costs eight times as much."""
    return tuple(replace(one, faults=min(one.faults, 2)) for one in found)


def _orders() -> tuple[Scenario, ...]:
    """A rotation by schedule and by ``up``, under every order of messages."""
    plans: dict[str, tuple[tuple[str, float], ...]] = {
        "normal": (),
        "duplicate": (("duplicate", 6),),
        "late duplicate": (("duplicate", 4000),),
        "copy under another id": (("copy", 6),),
        "stale before": (("stale", 1),),
        "stale after": (("stale", 6),),
        "older before": (("older", 1),),
        "older after": (("older", 6),),
        "foreign": (("foreign", 1),),
        "poison": (("poison", 6),),
        "notice of the old": (("notice-previous", 1),),
        "notice of the new": (("notice-current", 6),),
        "duplicate and stale": (("duplicate", 6), ("stale", 1)),
        "duplicate, stale and older": (("duplicate", 6), ("stale", 7), ("older", 1)),
        "foreign and duplicate": (("foreign", 1), ("duplicate", 6)),
    }
    found: list[Scenario] = []
    for name, companions in plans.items():
        for newest_first in (False, True) if companions else (False,):
            order = ", newest first" if newest_first else ""
            for trigger, first in {"schedule": schedule, "up": up_with("one")}.items():

                def prepare(companions: Any = companions, newest_first: bool = newest_first) -> World:
                    return rotated(2, deliver=deliver_with(*companions), newest_first=newest_first)

                faults = 3 if trigger == "schedule" else 2  # they differ by the first step alone
                found.append(Scenario(f"{trigger}: {name}{order}", prepare, (first, *EVENTS), faults))
    return tuple(found)


def _beginnings() -> tuple[Scenario, ...]:
    return (
        Scenario("first rotation of a dated secret", dated, (schedule, *EVENTS), faults=4),
        Scenario("first rotation of an undated secret", undated, (schedule, *EVENTS)),
        Scenario("an unseeded secret receives its first", unseeded, EVENTS),
        Scenario(
            "an unseeded secret receives its first late",
            lambda: unseeded(timedelta(minutes=40)),
            EVENTS,
        ),
        Scenario("up on a young secret", young, (up_with("one"), *EVENTS)),
        Scenario("expiry notice on a young secret", young, (notice(-1), *EVENTS)),
        Scenario("expiry notice twice", young, (notice(-1), notice(-1), *EVENTS)),
        Scenario("notice of the previous secret", rotated, (notice(-2), *EVENTS)),
        Scenario("near expiry", near_expiry, (schedule, *EVENTS)),
        Scenario(
            "near expiry with poison in the dead-letter queue",
            lambda: near_expiry(deliver=deliver_with(("poison", 1))),
            (schedule, *EVENTS),
        ),
    )


def _amazons() -> tuple[Scenario, ...]:
    return (
        Scenario("accepted late", slow_amazon(rotated), (schedule, *EVENTS)),
        Scenario("accepted after five hours", slow_amazon(rotated, 5 * HOUR), (schedule, *EVENTS)),
        Scenario(
            "accepted late, an older message after",
            slow_amazon(lambda: rotated(2, deliver=deliver_with(("older", 6)))),
            (schedule, *EVENTS),
        ),
        Scenario("no verification call", no_calls(rotated), (schedule, *EVENTS)),
        Scenario("no verification call for a day", no_calls(rotated), (schedule, event, _later(timedelta(days=1))), 1),
        Scenario(
            "verification by LWA",
            lambda: rotated(verification=Verification.LWA),
            (schedule, *EVENTS),
        ),
        Scenario("no verification call for an unseeded secret", no_calls(unseeded), (*EVENTS, event)),
        Scenario(
            "Amazon's clock five minutes ahead",
            lambda: rotated(amazon_skew=timedelta(minutes=5), aws_skew=timedelta(minutes=-5)),
            (schedule, *EVENTS),
        ),
        Scenario(
            "Amazon's clock five minutes behind",
            lambda: rotated(amazon_skew=timedelta(minutes=-5), aws_skew=timedelta(minutes=5)),
            (schedule, *EVENTS),
        ),
        Scenario(
            "the message is lost", lambda: rotated(deliver=lose), (schedule, event, wait(days=5), schedule, event)
        ),
        Scenario(
            "the message comes after the repost",
            lambda: rotated(deliver=late(120.5 * 3600)),
            (schedule, wait(days=5), schedule, *EVENTS),
        ),
        Scenario(
            "the message comes after the second hour",
            lambda: rotated(deliver=late(2.5 * 3600)),
            (schedule, *EVENTS),
        ),
        Scenario(
            "up while a console secret is pending",
            slow_amazon(rotated, timedelta(hours=2)),
            (console, event, event, wait(minutes=10), up_with("one"), *EVENTS),
        ),
        Scenario(
            "the message is in the dead-letter queue when the repost is due",
            rotated,
            (schedule, function_is_broken, wait(hours=121), schedule, *EVENTS[:3]),
        ),
        Scenario(
            "a rotation in the console before the request",
            rotated,
            (console, schedule, *EVENTS),
        ),
        Scenario(
            "a silent rotation in the console before the request",
            rotated,
            (silent_console, wait(hours=1), schedule, *EVENTS),
        ),
        Scenario(
            "a silent rotation in the console, then nobody acts",
            young,
            (silent_console, wait(days=8), *EVENTS[:2]),
        ),
        Scenario("a rotation in the console after the request", rotated, (schedule, console, *EVENTS)),
    )


CALL_ANSWERS = (
    CallAnswer.EXPIRED,
    CallAnswer.DENIED,
    CallAnswer.THROTTLED,
    CallAnswer.UNAVAILABLE,
    CallAnswer.OTHER,
)
LASTING = {"for minutes": timedelta(minutes=30), "for hours": timedelta(hours=5), "for good": None}


def answering(answer: CallAnswer | None, to: Whose) -> Step:
    """From now on the verification call answers these secrets like this; None: as each deserves."""

    def step(world: World, _plan: Plan) -> Ended:
        world.app.amazon.answer_calls(answer, to)
        return Ended()

    return step


def _calls() -> tuple[Scenario, ...]:
    """The verification call gives an answer that the secret does not deserve, to some of the secrets, for a while."""
    found: list[Scenario] = []
    for answer in CALL_ANSWERS:
        for to in Whose:
            for how_long, lasting in LASTING.items():
                mended = () if lasting is None else (_later(lasting), answering(None, to))
                steps = (answering(answer, to), schedule, event, *mended, event)
                name = f"the verification call answers {answer} to {to} {how_long}"
                found.append(Scenario(name, slow_amazon(rotated, timedelta(minutes=30)), steps, faults=1))
    late = slow_amazon(rotated, 6 * HOUR)
    for answer in (CallAnswer.UNAVAILABLE, CallAnswer.EXPIRED):
        steps = (answering(answer, Whose.ALL), schedule, event, _later(5 * HOUR), answering(None, Whose.ALL), event)
        found.append(Scenario(f"accepted after six hours, the call answers {answer} for five", late, steps, faults=1))
    steps = (answering(CallAnswer.DENIED, Whose.NEWEST), schedule, event, _later(5 * HOUR), answering(None, Whose.ALL))
    found.append(Scenario("accepted after six hours, the call denied to the newest for five", late, steps, faults=1))
    return tuple(found)


LWA_ERRORS = (
    *((401, "invalid_client"), (400, "invalid_client"), (400, "invalid_scope"), (400, "unauthorized_client")),
    *((400, "invalid_request"), (400, "invalid_grant"), (400, "access_denied"), (400, "other")),
    *((500, "server_error"), (503, "temporarily_unavailable"), (429, "other")),
)


def lwa_answers(scope: Scope, error: tuple[int, str] | None) -> Step:
    """From now on LWA answers this to each request for a token of a scope; None: as the secret deserves."""

    def step(world: World, _plan: Plan) -> Ended:
        world.app.amazon.lwa_errors = {scope: error} if error else {}
        return Ended()

    return step


def _tokens() -> tuple[Scenario, ...]:
    """Each error of LWA's at each token: that of the verification call for good, that of the rotation for hours."""
    found: list[Scenario] = []
    for error in LWA_ERRORS:
        said = f"LWA answers {error[0]} {error[1]} to the"
        lasting = (lwa_answers(Scope.NOTIFICATIONS, error), schedule, event, event, event, _later(25 * HOUR))
        found.append(Scenario(f"{said} verification call's token", rotated, lasting, faults=1))
        passing = (
            *(lwa_answers(Scope.ROTATION, error), schedule, _later(5 * HOUR)),
            *(lwa_answers(Scope.ROTATION, None), schedule, event, event),
        )
        found.append(Scenario(f"{said} rotation's token", rotated, passing, faults=1))
    return tuple(found)


def _later(lasting: timedelta) -> Step:
    """The platform works on for a while, checks and all."""

    def step(world: World, _plan: Plan) -> Ended:
        until = world.clock.time + lasting
        while world.next_check <= until:
            advance(world, world.next_check)
            schedule(world, NO_FAULTS)
        advance(world, until)
        return Ended()

    return step


def _people() -> tuple[Scenario, ...]:
    pending = slow_amazon(rotated, timedelta(hours=2))
    return (
        Scenario("promote while pending", pending, (schedule, event, do("promote"), again(do("promote")), *EVENTS[:3])),
        Scenario("reject while pending", pending, (schedule, event, do("reject"), again(do("reject")), *EVENTS[:3])),
        Scenario("reject, then promote", pending, (schedule, event, do("reject"), do("promote"), *EVENTS[:3])),
        Scenario("reject, then force", pending, (schedule, event, do("reject"), wait(hours=3), force, *EVENTS[:4])),
        Scenario(
            "reject, then console and seed",
            pending,
            (
                schedule,
                event,
                do("reject"),
                silent_console,
                wait(hours=3),
                seed_newest,
                again(seed_newest),
                *EVENTS[:3],
            ),
        ),
        Scenario("rollback", rotated, (schedule, event, do("rollback"), again(do("rollback")), *EVENTS[:3])),
        Scenario("rollback, published", rotated, (schedule, event, do("rollback"), published_rollback, *EVENTS[:2])),
        Scenario("rollback, then promote", rotated, (schedule, event, do("rollback"), do("promote"), *EVENTS[:3])),
        Scenario(
            "reject, then rollback",
            rotated,
            (schedule, event, console, slow, event, do("reject"), do("rollback"), *EVENTS[:3]),
        ),
        Scenario(
            "rollback, then console and reject",
            rotated,
            (schedule, event, do("rollback"), console, slow, event, do("reject"), again(do("reject")), *EVENTS[:3]),
        ),
        Scenario("force twice", rotated, (force, event, force, *EVENTS)),
        Scenario("force before the delivery", lambda: rotated(deliver=late(1800)), (schedule, force, *EVENTS)),
        Scenario("up twice with one trigger", rotated, (up_with("one"), up_with("one"), *EVENTS)),
        Scenario("up and schedule", rotated, (up_with("one"), schedule, *EVENTS)),
        Scenario("schedule and up", rotated, (schedule, up_with("one"), *EVENTS)),
        Scenario("schedule and a polite request", rotated, (schedule, ask_politely, *EVENTS)),
        Scenario(
            "seed over a pending secret",
            pending,
            (
                schedule,
                event,
                silent_console,
                wait(hours=3),
                seed_newest,
                again(seed_newest),
                *EVENTS[:3],
            ),
        ),
        Scenario("seed an unseeded secret", lambda: World(), (seed_newest, again(seed_newest), *EVENTS[:2])),
    )


def _owners() -> tuple[Scenario, ...]:
    pending = slow_amazon(rotated, timedelta(hours=2))
    return (
        Scenario("the owner edits while pending", pending, (schedule, event, owner_edits, *EVENTS)),
        Scenario("the owner edits before the message", rotated, (schedule, owner_edits, *EVENTS)),
        Scenario("the owner's stale write", rotated, (schedule, event, owner_restores, *EVENTS)),
        Scenario(
            "the owner's stale write, twice",
            rotated,
            (
                schedule,
                event,
                owner_restores,
                event,
                owner_restores,
                *EVENTS[:3],
            ),
        ),
        Scenario("the owner drops the dates", rotated, (schedule, event, owner_undates, *EVENTS)),
        Scenario("the owner drops the dates while pending", pending, (schedule, event, owner_undates, *EVENTS)),
        *(
            Scenario(f"an expiry typed {days:+g} days off, then a request", typed(days), (ask_politely, *EVENTS))
            for days in (-179, -1, 0.9, 365)
        ),
        Scenario(
            "a tool writes the old secret back, twice",
            rotated,
            (schedule, event, owner(restore_undated), *EVENTS[:2], owner(restore_undated), *EVENTS[:2]),
        ),
        Scenario(
            "a tool writes the old secret back while pending",
            pending,
            (schedule, event, owner(restore_undated), *EVENTS),
        ),
        Scenario("a secret made by hand is put in", rotated, (owner(put_in_by_hand), schedule, *EVENTS)),
        Scenario(
            "a secret made by hand is put in while pending", pending, (schedule, event, owner(put_in_by_hand), *EVENTS)
        ),
        Scenario("a secret made by hand is put in, then a message", young, (owner(put_in_by_hand), console, *EVENTS)),
        Scenario("a message, then a secret made by hand is put in", young, (console, owner(put_in_by_hand), *EVENTS)),
    )


def _strangers() -> tuple[Scenario, ...]:
    steps = (next_message, wait(minutes=7), next_message, added, schedule, *EVENTS[:3])
    return (
        Scenario("an unseeded application is added after its message", not_ours(unseeded), steps),
        Scenario("a due application is added after its message", not_ours(due_and_rotated_in_console), steps),
        Scenario("a young application is added after its message", not_ours(young_and_rotated_in_console), steps),
        Scenario("many messages of strangers", rotated, (from_strangers(5), *EVENTS[:5], schedule, *EVENTS[:3])),
    )


def _requests() -> tuple[Scenario, ...]:
    return (
        Scenario(
            "the queue's policy denies outsiders for a day",
            rotated,
            (perimeter(True), schedule, wait(hours=24), perimeter(False), schedule, *EVENTS[:3]),
        ),
        Scenario(
            "refused, then again after six hours", rotated, (schedule, wait(hours=6, minutes=1), schedule, *EVENTS)
        ),
        Scenario("two scheduled requests an hour apart", rotated, (schedule, wait(hours=1), schedule, *EVENTS)),
        Scenario(
            "up again five days later",
            lambda: rotated(deliver=lose),
            (
                up_with("one"),
                wait(hours=121),
                schedule,
                up_with("two"),
                *EVENTS[:3],
            ),
        ),
    )
