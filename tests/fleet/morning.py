"""What a person does who looks at the alarms each morning: the documented way out of what has lasted too long."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.state import State
from tests.exploration.callers import action, ask, reseed, rotate_in_console
from tests.exploration.explored_world import App, World
from tests.exploration.peoples_faults import repair
from tests.fleet.life import DAY

LOOKS_AT = timedelta(hours=9)
WORKING_DAYS = range(5)

PATIENCE: Mapping[State, timedelta] = {
    State.EXPIRED: timedelta(0),
    State.STUCK: timedelta(0),
    State.UNSEEDED: DAY,
    State.REJECTED: 2 * DAY,
    State.OVERDUE: 8 * DAY,
    State.RECEIVED: 9 * DAY,
}
"""For how long a state has to last until they do something: a machine that may still help itself is left alone."""

URGENT = timedelta(days=4)
"""So long before the secret in use dies they do not wait for an answer any more."""

UNREADABLE_FOR = timedelta(hours=12)
"""For how long the checks of an application have to fail because its value cannot be read."""


def is_live(app: App) -> bool:
    """Whether Amazon accepts the secret in use."""
    return app.amazon.accepts(Sensitive(app.memory.current or ""))


def is_too_long(world: World, state: State, lasted: timedelta) -> bool:
    """Whether they do something about a state that has lasted so long."""
    return lasted >= PATIENCE[state] or (state is State.OVERDUE and _dies_soon(world.app))


def _dies_soon(app: App) -> bool:
    """By Amazon's notices; the alarm of OVERDUE names the day too where the secret is dated."""
    number = app.amazon.number(app.memory.current)
    return number > 0 and app.amazon.ever[number - 1].expires_at - app.amazon.clock.now() < URGENT


def seed_if_dead(world: World, app: App) -> object:
    """``seed``, an hour after a new secret was made, unless its message has come."""
    return None if is_live(app) else reseed(world, app)


def make_readable(world: World, app: App) -> object:
    """Give the keys their names back, as the error of the checks tells; or else ``seed``."""
    repair(world, app)
    return seed_if_dead(world, app)


def _promote(world: World, app: App) -> object:
    return action(world, app, "promote")


WAYS_OUT: Mapping[State, Callable[[World, App], object]] = {
    State.UNSEEDED: rotate_in_console,
    State.EXPIRED: rotate_in_console,
    State.STUCK: _promote,
    State.RECEIVED: _promote,
    State.REJECTED: _promote,
    State.OVERDUE: lambda world, app: ask(world, app, force=True),
}
