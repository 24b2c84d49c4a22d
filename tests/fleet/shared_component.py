"""One component's applications over the years: what calls the function and when, on one virtual clock.

Each application has a world of its own; clock and queues are those of the component, so one application's messages
hold up another's requests. Invocations of different applications overlap: each event happens at its own time. Those
of one application follow each other; ``tests/exploration/meetings.py`` has what happens when they do not.
"""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from spapi_rotation.resources.schedule import FLEXIBLE_WINDOW_MINUTES
from spapi_rotation_lambda.domain.errors import StoreFailed, UnknownMessage
from spapi_rotation_lambda.domain.messages import parse
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.domain.times import format_time
from tests.exploration.callers import HOUR, Ended, check, hand_over, repeat_unfinished, telling_nonces_apart
from tests.exploration.explored_world import App, World
from tests.exploration.faulty import Op
from tests.exploration.peoples_faults import repair
from tests.exploration.scenarios import companion
from tests.fleet.fleet_figures import FleetFigures
from tests.fleet.lagging_queue import LaggingQueue
from tests.fleet.life import (
    BAD_DEPLOY,
    DAY,
    OUTAGE,
    PEOPLE,
    RENAMED,
    YEAR,
    Act,
    Rates,
    delivery,
    draw,
    faults,
    moments,
)
from tests.fleet.member import Member
from tests.fleet.morning import (
    LOOKS_AT,
    PATIENCE,
    UNREADABLE_FOR,
    WAYS_OUT,
    WORKING_DAYS,
    is_live,
    is_too_long,
    make_readable,
    seed_if_dead,
)
from tests.fleet.next_check import calls_of_the_day, is_held_up, when_it_matters

NOTICES = tuple(timedelta(days=days) for days in (90, 60, 30, 15, 7, 1))
"""When Amazon announces the end of a secret, as a maintainer of its samples tells."""

WINDOW = timedelta(minutes=FLEXIBLE_WINDOW_MINUTES)
"""Within how long after the schedule's time a check begins."""

WAY_TO_AMAZON = timedelta(milliseconds=300)
"""Amazon makes a secret a moment after it was asked for; the clocks are right."""

CHANGES = frozenset({Op.WRITE, Op.MOVE, Op.ROTATE, Op.ROTATED, Op.PUT, Op.DELETE, Op.ACKNOWLEDGE})
"""Calls with an effect that lasts. An invocation without one leaves no trace, its duration neither."""

CHECK = "check"
_NAMED = {"duplicate": "twice", "stale": "out of order"}
POISON = '{"no": "notification"}'


class SharedComponent:
    """A component with its applications."""

    def __init__(
        self, number: int, applications: int, seed: int, rates: Rates, years: float, *, every_hour: bool = False
    ) -> None:
        """Make it and put the applications' secrets in.

        Args:
            number: of the component; its applications are numbered on from those of the ones before.
            every_hour: whether to run every check, instead of skipping those that cannot matter.
        """
        self._seed, self._rates, self._every_hour, self._number = seed, rates, every_hour, number
        self.figures = FleetFigures(applications=applications, years=years)
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()
        first = number * applications + 1
        self.world = World(number=first, amazon_skew=WAY_TO_AMAZON)
        self.world.queue = LaggingQueue(self.world)
        self.clock = self.world.clock
        self._start = self.clock.time
        self._end = self._start + YEAR * years
        self._blind: list[tuple[datetime, datetime]] = []
        self._amazon_down: list[tuple[datetime, datetime]] = []
        self._mapping_at: datetime | None = None
        self._at_work = self.world
        self._held_up: dict[str, Member] = {}
        self._daily = calls_of_the_day()
        others = (World(number=first + n, amazon_skew=WAY_TO_AMAZON, beside=self.world) for n in range(1, applications))
        worlds = [self.world, *others]
        self.members = {each.app.application.client_id: self._begin(each) for each in worlds}

    def _begin(self, world: World) -> Member:
        random = draw(self._seed, world.app.application.client_id, "begin")
        world.deliver = self._deliver
        amazon = world.app.amazon
        age = random.random() * 170 * DAY
        issued = amazon.newest
        issued.issued_at, issued.expires_at = issued.issued_at - age, issued.expires_at - age
        issued.usable_from = issued.issued_at
        amazon.usable_after = timedelta(minutes=random.choice((0, 0, 0, 0, 0, 0, 0, 2, 10, 40)))
        how = random.random()
        typed: dict[str, Any] = {"client_secret_expires_at": format_time(issued.expires_at)} if how < 0.6 else {}
        world.seed(dated=how > 0.9, stage="production", **typed)
        begins = self._start + random.random() * HOUR
        return Member(
            world, begins, busy_until=self._start, checked=begins - HOUR, figures=self.figures, put_in=self._start
        )

    # The years.

    def run(self) -> FleetFigures:
        """Let the years pass."""
        for member in self.members.values():
            self._plan_life(member)
        self._plan_disasters()
        with telling_nonces_apart(lambda: self._at_work):
            while self._events and self._events[0][0] < self._end:
                at, _, happen = heapq.heappop(self._events)
                self.clock.time = at
                happen()
        self.clock.time = self._end
        for member in self.members.values():
            self._count_skipped(member, member.slot_from(self._end))
            member.close()
        if self.world.queue.lost_to_retention:
            self.figures.violations.append("a message was lost to the queue's retention")
            self.figures.lost += 1
        return self.figures

    def _at(self, moment: datetime, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), happen))

    def _for(self, member: Member, moment: datetime, happen: Callable[[], None]) -> None:
        """Something happens to an application; if it is busy then, right after."""

        def now() -> None:
            if self.clock.time < member.busy_until:
                self._at(member.busy_until, now)
                return
            happen()

        self._at(moment, now)

    def _plan_life(self, member: Member) -> None:
        self._next_check(member, member.begins)
        self._announce_end(member)
        lasting = self._end - self._start
        for what, (per_year, act) in PEOPLE.items():
            random = draw(self._seed, member.client_id, what)
            for moment in moments(random, per_year * self._rates.people, lasting):
                self._for(member, self._start + moment, partial(self._person, member, what, act))

    def _plan_disasters(self) -> None:
        lasting = self._end - self._start
        for what, per_year, act in (
            ("outages of Amazon, 6 hours each", self._rates.outages, self._amazon_fails),
            ("outages of Secrets Manager, 6 hours each", self._rates.outages, self._store_fails),
        ):
            for moment in moments(draw(self._seed, what), per_year, lasting):  # the same for every component
                self._at(self._start + moment, partial(self._disaster, what, act))
        for moment in moments(draw(self._seed, self._number, "deploy"), self._rates.deploys, lasting):
            self._blind.append((self._start + moment, self._start + moment + BAD_DEPLOY))
            self.figures.faults["bad deployments, all checks dropped for 3 days"] += 1
        for moment in moments(draw(self._seed, self._number, "poison"), self._rates.poison, lasting):
            self._at(self._start + moment, self._poison)
        for day in range(1, lasting // DAY):
            morning = self._start.replace(hour=0, minute=0) + day * DAY + LOOKS_AT
            if morning.weekday() in WORKING_DAYS:
                self._at(morning, self._morning)

    def _disaster(self, what: str, act: Callable[[], None]) -> None:
        self.figures.faults[what] += 1
        act()

    def _amazon_fails(self) -> None:
        self._amazon_down.append((self.clock.time, self.clock.time + OUTAGE))
        for member in self.members.values():
            member.world.amazon_down_until = self.clock.time + OUTAGE

    def _store_fails(self) -> None:
        for member in self.members.values():
            member.world.store_down_until = self.clock.time + OUTAGE

    def _poison(self) -> None:
        self.figures.faults["messages that nobody can read"] += 1
        self.world.queue.send(POISON)
        self._hand_out()

    # Amazon.

    def _deliver(self, world: World, app: App, body: str) -> None:
        """Messages reach the queue soon, late, twice or out of order, and none during an outage."""
        random = draw(self._seed, app.application.client_id, "delivery", len(app.amazon.ever))
        for what, after in delivery(self._rates, random):
            at = self.clock.time + after
            at = next((end + after for begin, end in self._amazon_down if begin <= at < end), at)
            world.send_later(body if what == "new" else companion(what, app, body), at - self.clock.time)
            self._at(at, partial(self._arrive, world))
            late = what == "new" and after > timedelta(seconds=10)
            if late or what != "new":
                self.figures.faults[f"messages: {'late' if late else _NAMED[what]}"] += 1

    def _arrive(self, world: World) -> None:
        world.arrive()
        self._hand_out()

    def _announce_end(self, member: Member) -> None:
        """Amazon announces the end of a secret that is still the newest, as often as it does."""
        issued, made = member.app.amazon.newest, len(member.app.amazon.ever)
        if made == member.announced:
            return
        member.announced = made

        def announce() -> None:
            if member.app.amazon.newest is issued and self.clock.time < issued.expires_at:
                self.figures.faults["expiry notices"] += 1
                self.world.queue.send(member.app.amazon.expiry_notice(issued.expires_at))
                self._hand_out()

        for before in NOTICES:
            if issued.expires_at - before > self.clock.time:
                self._at(issued.expires_at - before, announce)

    # The mapping.

    def _hand_out(self) -> None:
        """Hand over what is visible, and come back when something becomes visible again."""
        queue, now = self.world.queue, self.clock.time
        while (message := queue.receive()) is not None:
            member = self._owner(message.body)
            world = member.world if member is not None else self.world
            if member is not None:
                self.clock.time = max(now, member.busy_until)
            plan = faults(self._rates, draw(self._seed, self._number, message.number, message.receives))
            started = self.clock.time
            self._at_work = world
            ended = hand_over(world, message, plan)
            self.figures.messages += 1
            self.figures.calls["name_of"] += 1  # the function's process is new: it asks for the application's name
            if member is not None:
                self._note(member, "message", ended, started)
            self.clock.time = now
        self._go_on()
        visible = queue.next_visible_at()
        if visible is not None and (self._mapping_at is None or not now < self._mapping_at <= visible):
            self._mapping_at = visible
            self._at(visible, self._hand_out)

    def _owner(self, body: str) -> Member | None:
        try:
            return self.members.get(parse(Sensitive(body)).client_id)
        except UnknownMessage:
            return None

    # The schedule.

    def _next_check(self, member: Member, matters: datetime) -> None:
        """The schedule's next check that can matter is run at its time."""
        at = member.slot_from(max(matters - WINDOW, member.checked + timedelta(microseconds=1)))
        while (begins := self._begins(member, at)) < max(matters, self.clock.time):
            at += HOUR
        member.world.next_check = at
        self._for(member, begins, partial(self._check, member, at))

    def _begins(self, member: Member, at: datetime) -> datetime:
        """When a check of the schedule's begins."""
        return at + draw(self._seed, member.client_id, "window", at).random() * WINDOW

    def _check(self, member: Member, at: datetime) -> None:
        if member.world.next_check != at or member.checked >= at:
            return  # something has happened since, and another check was found to matter
        if any(begin <= at < end for begin, end in self._blind):
            self._count_skipped(member, at)
            member.checked = at
            self._next_check(member, at)
            return
        self._count_skipped(member, at)
        member.checked = at
        member.note_due()
        started, self._at_work = self.clock.time, member.world
        plan = faults(self._rates, draw(self._seed, member.client_id, "check", at))
        ended = check(member.world, member.app, plan, scheduled_at=at)
        self.figures.checks += 1
        member.note_state(ended)
        self._note(member, CHECK, ended, started)

    def _count_skipped(self, member: Member, at: datetime) -> None:
        """Add the calls of the checks between the last one and this, which were not run."""
        checks, days = member.slots(member.checked, at)
        for begin, end in self._blind:
            dropped, dropped_days = member.slots(max(begin, member.checked), min(end, at))
            checks, days = checks - dropped, days - dropped_days
        self.figures.skipped += checks
        for method, times in member.at_rest.items():
            self.figures.calls[method] += times * checks
        for method, times in self._daily.items():
            self.figures.calls[method] += times * days

    # People.

    def _person(self, member: Member, what: str, act: Act) -> None:
        random = draw(self._seed, member.client_id, what, self.clock.time)
        started, self._at_work = self.clock.time, member.world
        with suppress(StoreFailed):  # AWS keeps no more versions for now
            act(member.world, member.app, random, faults(self._rates, random))
        self.figures.faults[f"people: {what}"] += 1
        self._note(member, what, None, started)
        if what in RENAMED:
            mended = self.clock.time + random.uniform(1, 24) * HOUR
            self._for(member, mended, partial(self._by_hand, member, "the keys get their names back", repair))
        if member.app.memory.unfinished:
            again = self.clock.time + timedelta(minutes=10)
            self._for(member, again, partial(self._by_hand, member, "once more", repeat_unfinished))

    def _by_hand(self, member: Member, what: str, act: Callable[[World, App], object]) -> None:
        started, self._at_work = self.clock.time, member.world
        with suppress(StoreFailed):
            act(member.world, member.app)
        self._note(member, what, None, started)

    def _morning(self) -> None:
        """A person looks at the alarms: what lies among the dead letters, and what has been wrong for too long."""
        queue = self.world.queue
        if dead := queue.dead():
            for message in dead:
                if self._owner(message.body) is None:
                    queue.discard(message.number)
            queue.redrive()
            self.figures.faults["mornings on which a person empties the dead-letter queue"] += 1
            self._hand_out()
        for member in self.members.values():
            unreadable = member.unreadable_since
            if unreadable is not None and self.clock.time - unreadable >= UNREADABLE_FOR:
                self.figures.faults["ways out that a person takes: an unreadable value"] += 1
                self._for(
                    member, self.clock.time, partial(self._by_hand, member, "puts the value right", make_readable)
                )
            for state, since in member.alarms.items():
                if is_too_long(member.world, state, self.clock.time - since):
                    self._for(member, self.clock.time, partial(self._look_after, member))
                    break

    def _look_after(self, member: Member) -> None:
        """Look, and do what the documents tell for that state."""
        started, self._at_work = self.clock.time, member.world
        ended = check(member.world, member.app)
        state = State(ended.result["state"]) if isinstance(ended.result, dict) else None
        if State.EXPIRED in member.alarms and state is not State.UNSEEDED:
            state = State.EXPIRED  # a check tells it once a day, its alarm as long as it lasts
        self._note(member, "a person looks", ended, started)
        if state is None or state not in PATIENCE:
            return
        if state is State.EXPIRED and is_live(member.app):
            return  # a date is wrong, or the answer was: it can wait
        self.figures.faults[f"ways out that a person takes: {state}"] += 1
        self._by_hand(member, "acts", WAYS_OUT[state])
        if state in (State.UNSEEDED, State.EXPIRED):
            later = self.clock.time + HOUR + member.app.amazon.usable_after
            self._for(member, later, partial(self._by_hand, member, "seeds, if it is still dead", seed_if_dead))

    # After each event.

    def _note(self, member: Member, what: str, ended: Ended | None, started: datetime) -> None:
        """Note what an event has changed, and find the next check that can matter."""
        member.note(what, ended, started)
        self._announce_end(member)
        if ended is None or not CHANGES.isdisjoint(ended.ops):
            member.busy_until = self.clock.time
        else:
            self.clock.time = started
        matters = self.clock.time
        if what == CHECK and ended is not None and not self._every_hour:
            matters = when_it_matters(member.world, ended)
            if matters > self.clock.time:
                member.at_rest = Counter(map(str, ended.ops))
                if is_held_up(member.world, ended):
                    self._held_up[member.client_id] = member
        self._next_check(member, matters)

    def _go_on(self) -> None:
        """Nothing is in the queue any more: whose requests it has held up may make them."""
        if self._held_up and not self.world.queue.messages:
            held_up, self._held_up = self._held_up, {}
            for member in held_up.values():
                self._next_check(member, self.clock.time)
