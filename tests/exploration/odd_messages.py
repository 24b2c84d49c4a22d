"""Scenarios of an Amazon that differs from what it documents: messages with other fields, clocks that are off."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tests.exploration.explore import Scenario, event, schedule
from tests.exploration.explored_world import App, Deliver, World
from tests.exploration.peoples_faults import hours, late_console, new_value_old_dates, newest_in_use
from tests.exploration.scenarios import (
    AGE,
    EVENTS,
    aged,
    companion,
    console,
    late,
    owner,
    put_in_by_hand,
    rotated,
    slow_amazon,
    undated,
    unseeded,
    young,
)

THREE_EVENTS = EVENTS[:3]
PART = "applicationOAuthClientNewSecret"
DATES = ("newClientSecretExpiryTime", "oldClientSecretExpiryTime")
YEARS = timedelta(days=3 * 365)


def odd_messages() -> tuple[Scenario, ...]:
    """All of them."""
    return (*_fields(), *_clocks())


Message = dict[str, Any]


def _without(*names: str) -> Callable[[Message], None]:
    def change(message: Message) -> None:
        for name in names:
            message.pop(name, None)
            message["payload"][PART].pop(name, None)

    return change


def _all(value: object, *names: str) -> Callable[[Message], None]:
    def change(message: Message) -> None:
        for name in names:
            (message["payload"][PART] if name in DATES else message)[name] = value

    return change


def _published(message: Message) -> None:
    message["notificationMetadata"]["publishTime"] = message.pop("eventTime")


def _in_another_case(message: Message) -> None:
    part = message["payload"].pop(PART)
    capital = {name[0].upper() + name[1:]: value for name, value in part.items()}
    message["payload"][PART[0].upper() + PART[1:]] = capital
    metadata = message["notificationMetadata"]
    message["notificationMetadata"] = {name[0].upper() + name[1:]: value for name, value in metadata.items()}
    for name in list(message):
        message[name[0].upper() + name[1:]] = message.pop(name)


ODD: Mapping[str, Callable[[Message], None]] = {
    "publishTime for eventTime": _published,
    "no eventTime": _without("eventTime"),
    "no dates": _without(*DATES),
    "no time at all": _without("eventTime", *DATES),
    "null everywhere": _all(None, "eventTime", *DATES),
    "the year 1": _all("0001-01-01T00:00:00Z", "eventTime", *DATES),
    "years ahead": _all("2040-01-01T00:00:00Z", "eventTime", *DATES),
    "everything as documented": lambda _message: None,
    "no notification id": _without("notificationMetadata"),
    "other case": _in_another_case,
}


WITHOUT_TIME = ("no time at all", "null everywhere", "the year 1", "years ahead")
"""Which of two such messages is newer nobody can know."""


def changed(change: Callable[[Message], None], body: str) -> str:
    """A message with this change; a byte order mark before it, and a lower-case z in its times."""
    message: Message = json.loads(body)
    change(message)
    return "\ufeff" + json.dumps(message).replace("00Z", "00z")


def oddly(change: Callable[[Message], None], *companions: tuple[str, float]) -> Deliver:
    """Every message is changed like this; an older one may come after it."""

    def deliver(world: World, app: App, body: str) -> None:
        world.send_later(changed(change, body), timedelta(seconds=5))
        for what, seconds in companions:
            world.send_later(changed(change, companion(what, app, body)), timedelta(seconds=seconds))

    return deliver


def _fields() -> tuple[Scenario, ...]:
    found: list[Scenario] = []
    for name, change in ODD.items():
        makes: dict[str, Callable[[], World]] = {
            "a dated secret": lambda: rotated(2),
            "an undated secret": undated,
            "an unseeded secret": lambda: World(),
        }
        for what, make in makes.items():

            def prepare(
                make: Callable[[], World] = make,
                change: Callable[[Message], None] = change,
                unseeded: bool = "uns" in what,
            ) -> World:
                world = make()
                world.tells_dates = False
                world.deliver = oddly(change)
                if unseeded:
                    console(world, {})
                return world

            steps = THREE_EVENTS if "uns" in what else (schedule, *THREE_EVENTS)
            found.append(Scenario(f"{name} in the message of {what}", prepare, steps, faults=1))

        def older_too(change: Callable[[Message], None] = change) -> World:
            world = slow_amazon(lambda: rotated(2))()
            world.tells_dates = False
            world.deliver = oddly(change, ("older", 600), ("duplicate", 1200))
            return world

        found.append(
            Scenario(
                f"{name} in the messages, an older one after",
                older_too,
                (schedule, *EVENTS, hours(6), newest_in_use),
                faults=1,
            )
        )

        def crossed(change: Callable[[Message], None] = change) -> World:
            world = slow_amazon(rotated)()
            world.tells_dates = False
            world.deliver = oddly(change)
            return world

        known = () if name in WITHOUT_TIME else (hours(6), newest_in_use)
        steps = (late_console(timedelta(minutes=20)), console, *EVENTS, *known)
        found.append(Scenario(f"{name} in two messages, the newer one first", crossed, steps, faults=1))
    return tuple(found)


def _clocks() -> tuple[Scenario, ...]:
    found: list[Scenario] = []
    for minutes in (65, -65):
        where = f"Amazon's clock {abs(minutes)} minutes {'ahead' if minutes > 0 else 'behind'}"
        off = timedelta(minutes=minutes)
        apart: dict[str, Any] = {"amazon_skew": off}
        found += [
            Scenario(where, lambda apart=apart: rotated(**apart), (schedule, *EVENTS), 2),  # type: ignore[misc]
            Scenario(
                f"{where}, accepted late",
                slow_amazon(lambda apart=apart: rotated(**apart)),  # type: ignore[misc]
                (schedule, *EVENTS),
                faults=1,
            ),
            Scenario(
                f"{where}, the message two hours late",
                lambda apart=apart: rotated(**apart, deliver=late(7200)),  # type: ignore[misc]
                (schedule, *EVENTS),
                faults=1,
            ),
            Scenario(
                f"{where}, an undated secret",
                lambda apart=apart: aged(_undated(**apart), timedelta(days=31)),  # type: ignore[misc]
                (schedule, *THREE_EVENTS),
                faults=1,
            ),
            Scenario(
                f"{where}, a secret made by hand, its message late",
                lambda apart=apart: rotated(**apart),  # type: ignore[misc]
                (late_console(timedelta(hours=3)), owner(new_value_old_dates), schedule, *THREE_EVENTS),
                faults=1,
            ),
            Scenario(
                f"{where}, a secret made by hand while requested",
                lambda apart=apart: rotated(**apart, deliver=late(600)),  # type: ignore[misc]
                (schedule, owner(put_in_by_hand), *THREE_EVENTS),
                faults=1,
            ),
        ]
    ahead: dict[str, Any] = {"amazon_skew": YEARS, "tells_dates": False}
    return (
        *found,
        Scenario(
            "Amazon's clock three years ahead, an undated secret",
            lambda: aged(_undated(**ahead), timedelta(days=31)),
            (schedule, *THREE_EVENTS),
            faults=1,
        ),
        Scenario("Amazon's clock three years ahead, an unseeded secret", lambda: unseeded(**ahead), THREE_EVENTS, 1),
        Scenario(
            "Amazon's clock three years ahead, two rotations",
            lambda: aged(_undated(**ahead), timedelta(days=31)),
            (schedule, event, event, _two_months, schedule, *THREE_EVENTS),
            faults=1,
        ),
    )


def _undated(**options: Any) -> World:
    world = World(**options)
    world.seed(dated=False)
    return world


def _two_months(world: World, _plan: Any) -> Any:
    from tests.exploration.callers import Ended

    aged(world, AGE)
    return Ended()


_ = young
