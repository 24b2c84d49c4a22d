"""What happens to an application, and around it, in the fleet's years: how often, and drawn by seed.

Rates are per application and year. They are chosen, not measured: several times what one would fear, so that two years
of many applications meet each fault often.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from tests.exploration import peoples_faults, scenarios
from tests.exploration.callers import action, ask, rotate_in_console, up
from tests.exploration.explored_world import App, World
from tests.exploration.faulty import Plan

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YEAR = timedelta(days=365)
MOST_CALLS = 80
"""More calls than an invocation makes; later ones do not fail."""

KINDS_OF_FAULTS = 1 << 16
"""A fault is drawn as a number; the call decides which of its kinds that is."""

Act = Callable[[World, App, Random, Plan], object]
"""What a person does; calls of theirs fail as planned."""


@dataclass(frozen=True)
class Rates:
    """How much goes wrong.

    Attributes:
        calls: the share of external calls that fail, in any of the ways that the exploration knows.
        messages: the share of new secrets whose message comes twice; as many come late, and as many out of order.
        people: by how much the rates of people's faults are multiplied.
        outages: outages of Amazon in a year; as many of Secrets Manager.
        deploys: bad deployments of a component in a year.
        poison: messages a year that nobody can read, in each component's queue.
    """

    calls: float = 0.01
    messages: float = 0.01
    people: float = 1.0
    outages: float = 4.0
    deploys: float = 0.5
    poison: float = 1.0


AS_PLANNED = Rates()
NOTHING_FAILS = Rates(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

OUTAGE = timedelta(hours=6)
BAD_DEPLOY = timedelta(days=3)


def draw(seed: int, *what: object) -> Random:
    """Random numbers for one purpose, the same whatever else is drawn."""
    return Random("/".join(map(str, (seed, *what))))  # noqa: S311  (a simulation, no secret)


# Calls, and messages.


def faults(rates: Rates, random: Random) -> Plan:
    """Which calls of an invocation fail, and how."""
    if rates.calls <= 0:
        return {}
    plan: dict[int, int] = {}
    number = 0
    while True:
        number += 1 + int(math.log(1 - random.random()) / math.log(1 - rates.calls))
        if number > MOST_CALLS:
            return plan
        plan[number] = random.randrange(KINDS_OF_FAULTS)


def _up_to(random: Random, shortest: timedelta, longest: timedelta) -> timedelta:
    """Most are short: each order of magnitude is as likely."""
    span = math.log(longest / shortest)
    return shortest * math.exp(random.random() * span)


def delivery(rates: Rates, random: Random) -> list[tuple[str, timedelta]]:
    """What comes for a new secret, and after how long: its message, and companions of the exploration."""
    after = timedelta(seconds=random.uniform(2, 10))
    if random.random() < rates.messages:  # late
        after = _up_to(random, timedelta(minutes=1), 2 * DAY)
    found = [("new", after)]
    if random.random() < rates.messages:  # twice: soon, or months later
        found.append(("duplicate", after + _up_to(random, timedelta(seconds=1), 70 * DAY)))
    if random.random() < rates.messages:  # out of order: the one before comes again, around the new one
        found.append(("stale", _up_to(random, timedelta(seconds=1), HOUR)))
    return found


# People.


def _typed(world: World, app: App, random: Random, _plan: Plan) -> None:
    peoples_faults.typing(peoples_faults.TYPED[random.choice(sorted(peoples_faults.TYPED))])(world, app)


def _made_and_put_in(world: World, app: App, random: Random, _plan: Plan) -> None:
    rotate_in_console(world, app)
    random.choice((peoples_faults.put_in, peoples_faults.put_in_with_expiry))(world, app)


def _by(write: Callable[[World, App], None]) -> Act:
    return lambda world, app, _random, _plan: write(world, app)


def _on_purpose(world: World, app: App, random: Random, plan: Plan) -> None:
    up(world, app, f"text-{random.randrange(KINDS_OF_FAULTS)}", plan)


def _does(name: str) -> Act:
    return lambda world, app, _random, plan: action(world, app, name, plan)


PEOPLE: Mapping[str, tuple[float, Act]] = {
    "another key is edited": (6.0, _by(scenarios.edit)),
    "a rotation on purpose, by pulumi up": (0.5, _on_purpose),
    "a rotation on purpose, by the command": (0.3, lambda world, app, _, plan: ask(world, app, plan, force=False)),
    "the secret is written anew without our dates": (0.3, _by(scenarios.undate)),
    "a date is typed: early, late, swapped, in words": (0.3, _typed),
    "a secret is made in Amazon's console": (0.2, _by(rotate_in_console)),
    "one is made there and put in before its message comes": (0.2, _made_and_put_in),
    "one is made there and put in, and its message never comes": (0.05, _by(scenarios.put_in_by_hand)),
    "a tool writes the secret before back, whole": (0.1, _by(scenarios.restore)),
    "a tool writes the secret before back, without our dates": (0.1, _by(scenarios.restore_undated)),
    "client_secret is renamed, for hours": (0.05, _by(peoples_faults.rename)),
    "both keys are renamed, for hours": (0.05, _by(peoples_faults.rename_both)),
    "AWSPENDING is put on a strange version": (0.05, _by(peoples_faults.native_rotation)),
    "a rollback": (0.05, _does("rollback")),
    "a reject": (0.05, _does("reject")),
}
"""What people do to a secret that is looked after, and how often in a year."""

RENAMED = ("client_secret is renamed, for hours", "both keys are renamed, for hours")


def moments(random: Random, per_year: float, lasting: timedelta) -> Iterator[timedelta]:
    """When something happens that happens so often in a year, as the time since the beginning."""
    at = timedelta(0)
    while per_year > 0:
        at += YEAR * random.expovariate(per_year)
        if at >= lasting:
            return
        yield at
