"""The end of every history: the platform's retries until nothing changes, the way out, and the next rotation.

Checks are hourly while something may happen soon and sparser later; a check that is left out could only have done
what the next one does.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from spapi_rotation_lambda.domain.errors import UnknownMessage
from spapi_rotation_lambda.domain.messages import parse
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.ports import Metric
from tests.exploration import invariants
from tests.exploration.callers import (
    HOUR,
    NO_FAULTS,
    Ended,
    action,
    ask,
    check,
    empty_dead_letters,
    hand_over,
    repeat_unfinished,
    reseed,
    rotate_in_console,
)
from tests.exploration.explored_world import App, World, deliver_soon, secret_in
from tests.exploration.faulty import Plan
from tests.exploration.invariants import QUIET
from tests.exploration.standard_queue import BROKEN
from tests.fakes.amazon import LIFETIME

MOST_QUIET_DAYS = 9
SPARSE_HOURS = (1, 2, 3, 7, 8, 13, 25, 26, 27, 37, 49, 50, 73, 97, 121, 145, 168, 169, 170, 192, 193, 194, 216)
NEXT_ROTATION = timedelta(days=61)
OLD_SECRETS_ROTATION = timedelta(days=8)
"""An old secret that somebody has just put in waits for 7 days."""
AT_REST = (State.CURRENT, State.UNDATED, State.REFUSED)
"""Nobody is needed now. A refusal was named by its metric when it happened, and the next request clears it."""

ALARMED = {
    State.UNSEEDED: {Metric.UNSEEDED},
    State.EXPIRED: {Metric.EXPIRED},
    State.DENIED: {Metric.DENIED},
    State.STUCK: {Metric.STUCK},
    State.RECEIVED: {Metric.NOT_YET, Metric.ORDER_UNKNOWN},
    State.OVERDUE: {Metric.OVERDUE},
    State.REJECTED: {Metric.REJECTED},
}
"""Which metric of a check names a state in which a person is needed. The dead-letter queue has its own."""

Way = Callable[[World, App], None]


def deliveries(world: World, plan: Plan = NO_FAULTS) -> Iterator[Ended]:
    """Hand over what is visible now, one invocation a message."""
    world.arrive()
    while (message := world.queue.receive()) is not None:
        yield hand_over(world, message, plan)
        world.arrive()


def advance(world: World, until: datetime) -> None:
    """Let the mapping work until a time, at the moments when messages arrive or become visible again."""
    for _ in deliveries(world):
        pass
    while True:
        moments = [one.at for one in world.transit]
        visible = world.queue.next_visible_at()
        if visible is not None:
            moments.append(visible)
        moment = min((moment for moment in moments if moment > world.clock.time), default=None)
        if moment is None or moment > until:
            break
        world.clock.time = moment
        for _ in deliveries(world):
            pass
    world.clock.time = max(until, world.clock.time)


def is_busy(world: World) -> bool:
    """Whether a message is on its way to us or waits in the queue."""
    return bool(world.transit) or world.queue.next_visible_at() is not None


def run_until_quiet(world: World, app: App) -> State | None:
    """Checks and redeliveries until the secret is at rest, nine days at most. None when the checks raise."""
    start = world.clock.time
    state: State | None = None
    for hours in SPARSE_HOURS:
        advance(world, start + hours * HOUR)
        state = state_of(hourly(world, app))
        if state in (State.CURRENT, State.UNDATED) and not is_busy(world):
            break
    else:
        if state is State.REQUESTED:  # a rotation came due on the last of these checks
            for _ in range(3):
                advance(world, world.clock.time + HOUR)
                state = state_of(hourly(world, app))
    world.next_check = world.clock.time + HOUR
    return state


def hourly(world: World, app: App) -> Ended:
    """The schedule's check of every application; returns that of ``app``, which comes last."""
    for other in world.everyone():
        if other is not app:
            check(world, other)
    return check(world, app)


def state_of(ended: Ended) -> State | None:
    """The state that a check told; None when it raised."""
    return State(ended.result["state"]) if isinstance(ended.result, dict) else None


def finish(world: World, app: App) -> State | None:
    """Check a history's end: quiet, named, cleared in every documented way, and the next rotation works.

    From here on Amazon delivers what it sends. Returns the state in which the history came to rest.
    """
    deliver, world.deliver = world.deliver, deliver_soon
    try:
        return _finish(world, app)
    finally:
        world.deliver = deliver


def _finish(world: World, app: App) -> State | None:
    repeat_unfinished(world, app)
    state = run_until_quiet(world, app)
    if world.violations:
        return state
    if any(_is_strangers(world, message.body) for message in world.queue.dead() if message.receives < BROKEN):
        world.violate(QUIET, "a stranger's message became a dead letter")
        return state
    if any(app.amazon.number(secret_in(kept.body)) for kept in world.unclaimed.messages):
        # What came before the application was ours is taken back within a day.
        for _ in range(25):
            advance(world, world.clock.time + HOUR)
            state = state_of(hourly(world, app))
        if any(app.amazon.number(secret_in(kept.body)) for kept in world.unclaimed.messages):
            world.violate(QUIET, "a message of ours stays unclaimed")
            return state
    if world.queue.dead():
        # The dead-letter queue's own alarm names it, and a person looks first.
        empty_dead_letters(world)
        state = run_until_quiet(world, app)
        if app.memory.current is not None and any(
            app.amazon.number(secret_in(message.body)) > app.amazon.number(app.memory.current)
            for message in world.queue.dead()
        ):
            world.violate(QUIET, "a newer secret ends in the dead-letter queue again and again")
            return state
    state = _seen_through(world, app, state)
    if world.violations:
        return state
    if state in AT_REST:
        _check_at_rest(world, app, state)
        _next_rotation(world, app)
    elif state is None or ALARMED.get(state, set()).isdisjoint(world.said.metrics):
        world.violate(QUIET, f"no metric names the state {state}")
    else:
        _clear(world, app, state)
    return state


def _seen_through(world: World, app: App, state: State | None) -> State | None:
    """The state that the daily try gives, where one at rest hides a secret that is dead or soon will be."""
    if state in AT_REST and _is_outdated(app):
        # Amazon has made a secret that we were never told of: the one in use dies within the 7 days.
        for _ in range(8):
            advance(world, world.clock.time + 24 * HOUR)
            state = state_of(hourly(world, app))
    if state in AT_REST and not app.amazon.accepts(Sensitive(app.memory.current or "")):
        state = _day_of_checks(world, app)
    return state


def _is_strangers(world: World, body: str) -> bool:
    """Whether a message is a well-formed one for an application that is not ours."""
    try:
        return parse(Sensitive(body)).client_id not in world.apps
    except UnknownMessage:
        return False


def _is_outdated(app: App) -> bool:
    return app.amazon.number(app.memory.current) < len(app.amazon.ever)


def _day_of_checks(world: World, app: App) -> State | None:
    """Hourly checks until one tells another state than rest, a day at most: one of them tries the secret in use."""
    state: State | None = None
    for _ in range(25):
        advance(world, world.clock.time + HOUR)
        state = state_of(hourly(world, app))
        if state not in AT_REST:
            return state
    if not app.amazon.accepts(Sensitive(app.memory.current or "")):
        world.violate(QUIET, f"state {state} although Amazon refuses the secret in use")
    return state


def _check_at_rest(world: World, app: App, state: State | None) -> None:
    for line in invariants.untrue_labels(world, app):
        world.violate(QUIET, line)
    current = app.memory.current
    if current in app.memory.unannounced:
        world.violate(QUIET, "the secret in use was never published")
    if state is State.CURRENT and world.value(app, "AWSPENDING") is not None:
        world.violate(QUIET, "a pending secret in state CURRENT")
    if state is State.UNDATED and world.tells_dates and app.amazon.number(current) in app.memory.dated:
        world.violate(QUIET, "the dates that Amazon's message told of the secret in use are forgotten")
    if app.amazon.number(current) < app.memory.arrived:
        world.violate(QUIET, f"the newest secret that arrived is not in use in state {state}")


def _next_rotation(world: World, app: App) -> None:
    """Sixty-one days later a rotation works from its request to the promotion; sooner if the secret dies before."""
    app.amazon.be_honest()
    made = len(app.amazon.ever)
    in_use = app.amazon.ever[app.amazon.number(app.memory.current) - 1]
    lives = in_use.issued_at + LIFETIME - world.clock.time
    _leap(world, app, world.clock.time + (NEXT_ROTATION if lives > NEXT_ROTATION else OLD_SECRETS_ROTATION))
    hourly(world, app)
    state = run_until_quiet(world, app)
    if world.violations:
        return
    if len(app.amazon.ever) != made + 1:
        world.violate(QUIET, f"the next rotation made {len(app.amazon.ever) - made} secrets; state {state}")
    elif state is not State.CURRENT or app.memory.current != app.amazon.newest.text:
        world.violate(QUIET, f"the next rotation ended in state {state}")
    else:
        _check_at_rest(world, app, state)


def _leap(world: World, app: App, until: datetime) -> None:
    """To a later time at once; other applications in which a newer secret waits have their checks: time decides."""
    start = world.clock.time
    waiting = [other for other in world.everyone() if other is not app and _is_outdated(other)]
    for hours in SPARSE_HOURS if waiting else ():
        advance(world, start + hours * HOUR)
        for other in waiting:
            check(world, other)
    world.clock.time = until


def _clear(world: World, app: App, state: State) -> None:
    """Each way out that the documents name leads to rest, and to the next rotation."""
    before, policy = world.save(), world.policy
    try:
        for way in WAYS_OUT[state]:
            world.restore(before)
            world.policy = policy
            _clear_by(world, app, state, way)
            if world.violations:
                world.violations[-1] += f" (after the way out: {way.__name__.strip('_')})"
                return
    finally:
        world.policy = policy


def _clear_by(world: World, app: App, state: State, way: Way) -> None:
    app.amazon.be_honest()
    if not _may_help(world, app, way):
        return
    way(world, app)
    after = run_until_quiet(world, app)
    if after is State.DENIED:
        # Of a secret at rest whose application lacks the right to the call; it has its own alarm and ways out.
        after = State.CURRENT
    if after is State.OVERDUE and state is not State.OVERDUE:
        # A request from before that nobody has answered still stands; it has its own alarm and ways out.
        _force(world, app)
        after = run_until_quiet(world, app)
    if not world.violations and after in AT_REST and _is_outdated(app):
        # What a person brought into use is not Amazon's newest either; the console is the only way on.
        after = _seen_through(world, app, after)
        if after in (State.EXPIRED, State.STUCK, State.RECEIVED):
            _console_and_seed(world, app)
            after = run_until_quiet(world, app)
    if not world.violations and after not in AT_REST:
        world.violate(QUIET, f"{way.__name__} left state {state} as {after}")
    if not world.violations:
        _check_at_rest(world, app, after)
        _next_rotation(world, app)


def _may_help(world: World, app: App, way: Way) -> bool:
    """Amazon answers a dead secret with 403, whether it asks for a rotation or is put into use."""
    if way is _force:
        return app.amazon.accepts(Sensitive(app.memory.current or ""))
    if way is _verify_by_lwa:
        return app.amazon.accepts(Sensitive(app.memory.current or ""))
    if way is _promote:
        value = world.value(app, "AWSPENDING") or world.value(app, "REJECTED") or {}
        return app.amazon.accepts(Sensitive(value.get("client_secret", "")))
    return True


def _force(world: World, app: App) -> None:
    ask(world, app, force=True)


def _promote(world: World, app: App) -> None:
    action(world, app, "promote")


def _verify_by_lwa(world: World, app: App) -> None:
    """The owner sets ``verification: lwa``, since calls to SP-API work."""
    world.policy = replace(world.policy, verification=Verification.LWA)


def _console(world: World, app: App) -> None:
    rotate_in_console(world, app)


def _console_and_seed(world: World, app: App) -> None:
    """A new secret, made by hand, whose message never comes; seeded when Amazon accepts it. Pending ones go first."""
    if world.value(app, "AWSPENDING") is not None:
        action(world, app, "reject")
    rotate_in_console(world, app, message=False)
    advance(world, world.clock.time + max(app.amazon.usable_after, HOUR))
    ended = reseed(world, app)
    if ended.error is not None:
        world.violate(QUIET, f"seed failed: {type(ended.error).__name__}")


WAYS_OUT: dict[State, tuple[Way, ...]] = {
    State.UNSEEDED: (_console_and_seed,),
    State.EXPIRED: (_console_and_seed,),
    State.DENIED: (_verify_by_lwa, _console_and_seed),
    State.STUCK: (_promote, _console_and_seed),
    State.RECEIVED: (_promote, _console_and_seed),
    State.OVERDUE: (_force, _console, _console_and_seed),
    State.REJECTED: (_promote, _force, _console, _console_and_seed),
}
