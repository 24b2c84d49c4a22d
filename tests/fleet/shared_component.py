"""One component's applications over the years: what calls the function and when, on one virtual clock.

Each application has a world of its own; clock and queues are those of the component, so one application's messages
hold up another's requests. Invocations of different applications overlap: each event happens at its own time. Those
of one application follow each other; ``tests/exploration/meetings.py`` has what happens when they do not.
"""

import heapq
import itertools
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from spapi_rotation.resources.schedule import FLEXIBLE_WINDOW_MINUTES
from spapi_rotation_lambda.domain.daily_slot import daily_slot, is_daily_slot
from spapi_rotation_lambda.domain.errors import RotationError, StoreFailed, UnknownMessage
from spapi_rotation_lambda.domain.messages import parse
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import QueueState
from tests.exploration.callers import (
    HOUR,
    Ended,
    action,
    ask,
    check,
    hand_over,
    repeat_unfinished,
    reseed,
    rotate_in_console,
    telling_nonces_apart,
)
from tests.exploration.explored_world import App, World
from tests.exploration.faulty import Op
from tests.exploration.invariants import NEWEST_DURABLE, NOTHING_DROPPED
from tests.exploration.peoples_faults import repair
from tests.exploration.scenarios import companion
from tests.exploration.standard_queue import StandardQueue
from tests.fleet.darkness import darkness
from tests.fleet.fleet_figures import OURS, FleetFigures
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
from tests.fleet.next_check import due_at, held_back_until, when_it_matters

COUNTS_LAG = timedelta(minutes=1)
"""How long SQS counts a message that is gone: its API reference tells of a minute (GetQueueAttributes)."""

NOTICES = tuple(timedelta(days=days) for days in (90, 60, 30, 15, 7, 1))
"""When Amazon announces the end of a secret, as a maintainer of its samples tells."""

WINDOW = timedelta(minutes=FLEXIBLE_WINDOW_MINUTES)
"""Within how long after the schedule's time a check begins."""

WAY_TO_AMAZON = timedelta(milliseconds=300)
"""Amazon makes a secret a moment after it was asked for; the clocks are right."""

CHANGES = frozenset({Op.WRITE, Op.MOVE, Op.ROTATE, Op.ROTATED, Op.PUT, Op.DELETE, Op.ACKNOWLEDGE})
"""Calls with an effect that lasts. An invocation without one leaves no trace, its duration neither."""

PATIENCE = {
    State.EXPIRED: timedelta(0),
    State.STUCK: timedelta(0),
    State.UNSEEDED: DAY,
    State.REJECTED: 2 * DAY,
    State.OVERDUE: 8 * DAY,
    State.RECEIVED: 9 * DAY,
}
"""For how long a state has to last until the person who looks each morning does something about it."""

POISON = '{"no": "notification"}'
LOOKS_AT = timedelta(hours=9)


class LaggingQueue(StandardQueue):
    """A queue whose counts lag: what has left it is counted for a minute more."""

    def __init__(self, of: World) -> None:
        super().__init__(of.clock)
        self._gone: deque[datetime] = deque(maxlen=200)

    def delete(self, number: int) -> None:
        """DeleteMessage."""
        super().delete(number)
        self._gone.append(self._clock.time)

    def inspect(self) -> QueueState:
        """GetQueueAttributes."""
        state, now = super().inspect(), self._clock.time
        return replace(state, waiting=state.waiting + sum(now - at < COUNTS_LAG for at in self._gone))


@dataclass
class Looked:
    """One application, and what is noted of it.

    Attributes:
        begins: when its schedule was made, whose hours its checks follow.
        busy_until: until when its last invocation lasts.
        checked: the schedule's time of its last check.
        plain: the calls of its last check that found it at rest.
        due: since when a rotation is due that has not come.
        ours: the secrets that our requests made.
        in_use: the number of the secret in use.
        highest: the highest number that ever was in use.
        by_person: whether a person put that in.
        dark: since when it is without a live credential, and by whose doing.
        alarms: the states in which a person may be needed, and since when.
        waits_until: until when the rule of the first 7 days holds a rotation back that is due.
        log: its last events.
    """

    world: World
    begins: datetime
    busy_until: datetime
    checked: datetime
    plain: Counter[str] = field(default_factory=Counter)
    due: datetime | None = None
    ours: set[int] = field(default_factory=set)
    in_use: int = 1
    highest: int = 1
    by_person: bool = True
    dark: tuple[datetime, str] | None = None
    darkened: set[str] = field(default_factory=set)
    alarms: dict[State, datetime] = field(default_factory=dict)
    waits_until: datetime | None = None
    state: str = ""
    log: deque[str] = field(default_factory=lambda: deque(maxlen=60))
    broken_with: list[str] = field(default_factory=list)

    @property
    def app(self) -> App:
        """Its application."""
        return self.world.app

    @property
    def client_id(self) -> str:
        """Its client id."""
        return self.app.application.client_id

    def slot_from(self, moment: datetime) -> datetime:
        """The first of its schedule's times that is not before a moment."""
        hours = -((self.begins - moment) // HOUR)
        return self.begins + max(hours, 0) * HOUR

    def slots(self, after: datetime, before: datetime) -> tuple[int, int]:
        """How many of its schedule's times lie between two, and on how many of these the day's try is made."""
        first, last = self.slot_from(after + timedelta(microseconds=1)), self.slot_from(before) - HOUR
        if last < first:
            return 0, 0
        since = daily_slot(self.client_id)
        days = ((last - since).timestamp() // DAY.total_seconds()) - (
            (first - HOUR - since).timestamp() // DAY.total_seconds()
        )
        return (last - first) // HOUR + 1, int(days)


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
        self._daily = _calls_of_the_day()
        others = (World(number=first + n, amazon_skew=WAY_TO_AMAZON, beside=self.world) for n in range(1, applications))
        worlds = [self.world, *others]
        self.looked = {each.app.application.client_id: self._begin(each) for each in worlds}

    def _begin(self, world: World) -> Looked:
        random = draw(self._seed, world.app.application.client_id, "begin")
        world.deliver = self._deliver
        amazon = world.app.amazon
        age = random.random() * 170 * DAY
        issued = amazon.newest
        issued.issued_at, issued.expires_at = issued.issued_at - age, issued.expires_at - age
        issued.usable_from = issued.issued_at
        amazon.usable_after = timedelta(minutes=random.choice((0, 0, 0, 0, 0, 0, 0, 2, 10, 40)))
        how = random.random()
        typed = {"client_secret_expires_at": format_time(issued.expires_at)} if how < 0.6 else {}
        world.seed(dated=how > 0.9, stage="production", **typed)
        begins = self._start + random.random() * HOUR
        return Looked(world, begins, busy_until=self._start, checked=begins - HOUR)

    # The years.

    def run(self) -> FleetFigures:
        """Let the years pass."""
        for looked in self.looked.values():
            self._plan_life(looked)
        self._plan_disasters()
        with telling_nonces_apart(lambda: self._at_work):
            while self._events and self._events[0][0] < self._end:
                at, _, happen = heapq.heappop(self._events)
                self.clock.time = at
                happen()
        self.clock.time = self._end
        for looked in self.looked.values():
            self._close(looked)
        return self.figures

    def _at(self, moment: datetime, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), happen))

    def _for(self, looked: Looked, moment: datetime, happen: Callable[[], None]) -> None:
        """Something happens to an application; if it is busy then, right after."""

        def now() -> None:
            if self.clock.time < looked.busy_until:
                self._at(looked.busy_until, now)
                return
            happen()

        self._at(moment, now)

    def _plan_life(self, looked: Looked) -> None:
        self._next_check(looked, looked.begins)
        self._announce_end(looked)
        lasting = self._end - self._start
        for what, (per_year, act) in PEOPLE.items():
            random = draw(self._seed, looked.client_id, what)
            for moment in moments(random, per_year * self._rates.people, lasting):
                self._for(looked, self._start + moment, partial(self._person, looked, what, act))

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
            if morning.weekday() < 5:
                self._at(morning, self._morning)

    def _disaster(self, what: str, act: Callable[[], None]) -> None:
        self.figures.faults[what] += 1
        act()

    def _amazon_fails(self) -> None:
        self._amazon_down.append((self.clock.time, self.clock.time + OUTAGE))
        for looked in self.looked.values():
            looked.world.amazon_down_until = self.clock.time + OUTAGE

    def _store_fails(self) -> None:
        for looked in self.looked.values():
            looked.world.store_down_until = self.clock.time + OUTAGE

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

    def _announce_end(self, looked: Looked) -> None:
        """Amazon announces the end of a secret that is still the newest, as often as it does."""
        issued = looked.app.amazon.newest

        def announce() -> None:
            if looked.app.amazon.newest is issued and self.clock.time < issued.expires_at:
                self.figures.faults["expiry notices"] += 1
                self.world.queue.send(looked.app.amazon.expiry_notice(issued.expires_at))
                self._hand_out()

        for before in NOTICES:
            if issued.expires_at - before > self.clock.time:
                self._at(issued.expires_at - before, announce)

    # The mapping.

    def _hand_out(self) -> None:
        """Hand over what is visible, and come back when something becomes visible again."""
        queue, now = self.world.queue, self.clock.time
        while (message := queue.receive()) is not None:
            looked = self._owner(message.body)
            world = looked.world if looked is not None else self.world
            if looked is not None:
                self.clock.time = max(now, looked.busy_until)
            plan = faults(self._rates, draw(self._seed, message.number, message.receives))
            started = self.clock.time
            self._at_work = world
            ended = hand_over(world, message, plan)
            self.figures.messages += 1
            if looked is not None:
                self._note(looked, "message", ended, started)
            self.clock.time = now
        visible = queue.next_visible_at()
        if visible is not None and (self._mapping_at is None or not now < self._mapping_at <= visible):
            self._mapping_at = visible
            self._at(visible, self._hand_out)

    def _owner(self, body: str) -> Looked | None:
        try:
            return self.looked.get(parse(Sensitive(body)).client_id)
        except UnknownMessage:
            return None

    # The schedule.

    def _next_check(self, looked: Looked, matters: datetime) -> None:
        """The schedule's next check that can matter is run at its time."""
        at = looked.slot_from(max(matters - WINDOW, looked.checked + timedelta(microseconds=1)))
        while (begins := self._begins(looked, at)) < max(matters, self.clock.time):
            at += HOUR
        looked.world.next_check = at
        self._for(looked, begins, partial(self._check, looked, at))

    def _begins(self, looked: Looked, at: datetime) -> datetime:
        """When a check of the schedule's begins."""
        return at + draw(self._seed, looked.client_id, "window", at).random() * WINDOW

    def _check(self, looked: Looked, at: datetime) -> None:
        if looked.world.next_check != at or looked.checked >= at:
            return  # something has happened since, and another check was found to matter
        if any(begin <= at < end for begin, end in self._blind):
            self._count_skipped(looked, at)
            looked.checked = at
            self._next_check(looked, at)
            return
        self._count_skipped(looked, at)
        looked.checked = at
        self._note_due(looked)
        started, self._at_work = self.clock.time, looked.world
        plan = faults(self._rates, draw(self._seed, looked.client_id, "check", at))
        ended = check(looked.world, looked.app, plan, scheduled_at=at)
        self.figures.checks += 1
        self._note_state(looked, ended)
        self._note(looked, "check", ended, started)

    def _count_skipped(self, looked: Looked, at: datetime) -> None:
        """Add the calls of the checks between the last one and this, which were not run."""
        checks, days = looked.slots(looked.checked, at)
        for begin, end in self._blind:
            dropped, dropped_days = looked.slots(max(begin, looked.checked), min(end, at))
            checks, days = checks - dropped, days - dropped_days
        self.figures.skipped += checks
        for method, times in looked.plain.items():
            self.figures.calls[method] += times * checks
        for method, times in self._daily.items():
            self.figures.calls[method] += times * days

    # People.

    def _person(self, looked: Looked, what: str, act: Act) -> None:
        random = draw(self._seed, looked.client_id, what, self.clock.time)
        started, self._at_work = self.clock.time, looked.world
        with suppress(StoreFailed):  # AWS keeps no more versions for now
            act(looked.world, looked.app, random, faults(self._rates, random))
        self.figures.faults[f"people: {what}"] += 1
        self._note(looked, what, None, started)
        if what in RENAMED:
            mended = self.clock.time + random.uniform(1, 24) * HOUR
            self._for(looked, mended, partial(self._by_hand, looked, "the keys get their names back", repair))
        if looked.app.memory.unfinished:
            again = self.clock.time + timedelta(minutes=10)
            self._for(looked, again, partial(self._by_hand, looked, "once more", repeat_unfinished))

    def _by_hand(self, looked: Looked, what: str, act: Callable[[World, App], object]) -> None:
        started, self._at_work = self.clock.time, looked.world
        with suppress(StoreFailed):
            act(looked.world, looked.app)
        self._note(looked, what, None, started)

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
        for looked in self.looked.values():
            for state, since in looked.alarms.items():
                if self.clock.time - since >= PATIENCE[state]:
                    self._for(looked, self.clock.time, partial(self._look_after, looked))
                    break

    def _look_after(self, looked: Looked) -> None:
        """Look, and do what the documents tell for that state."""
        started, self._at_work = self.clock.time, looked.world
        ended = check(looked.world, looked.app)
        state = State(ended.result["state"]) if isinstance(ended.result, dict) else None
        if State.EXPIRED in looked.alarms and state is not State.UNSEEDED:
            state = State.EXPIRED  # a check tells it once a day, its alarm as long as it lasts
        self._note(looked, "a person looks", ended, started)
        if state is None or state not in PATIENCE:
            return
        if state is State.EXPIRED and _is_live(looked.app):
            return  # a date is wrong, or the answer was: it can wait
        self.figures.faults[f"ways out that a person takes: {state}"] += 1
        self._by_hand(looked, "acts", _WAYS_OUT[state])
        if state in (State.UNSEEDED, State.EXPIRED):
            later = self.clock.time + HOUR + looked.app.amazon.usable_after
            self._for(looked, later, partial(self._by_hand, looked, "seeds, if it is still dead", _seed_if_dead))

    # What is noted.

    def _note_due(self, looked: Looked) -> None:
        """Since when a rotation is due: what the schedule has seen, until a newer secret is in use."""
        try:
            due = due_at(looked.world)
        except RotationError:
            return  # the value in use cannot be read
        if due > self.clock.time:
            looked.due, looked.waits_until = None, None
        elif looked.due is None and (until := held_back_until(looked.world)) > self.clock.time:
            looked.waits_until = until
        elif looked.due is None:
            looked.due = max(due, looked.begins, looked.waits_until or due)

    def _note_state(self, looked: Looked, ended: Ended) -> None:
        if not isinstance(ended.result, dict):
            return
        looked.state = ended.result["state"]
        state = State(looked.state)
        of_the_day = is_daily_slot(looked.client_id, looked.checked, looked.world.policy.check_interval)
        looked.alarms = {
            alarm: since
            for alarm, since in looked.alarms.items()
            if alarm is state or (alarm is State.EXPIRED and not of_the_day)
        }
        if state in PATIENCE:
            looked.alarms.setdefault(state, self.clock.time)

    def _note(self, looked: Looked, what: str, ended: Ended | None, started: datetime) -> None:
        """Note what an event has changed, and find the next check that can matter."""
        now, amazon = self.clock.time, looked.app.amazon
        ops = ended.ops if ended is not None else []
        error = f" {type(ended.error).__name__}" if ended is not None and ended.error is not None else ""
        told = f" {ended.result}" if ended is not None and ended.result is not None else ""
        struck = f" ({', '.join(ended.struck)})" if ended is not None and ended.struck else ""
        looked.log.append(f"{format_time(started)} {what}:{told}{error}{struck}")
        if ended is not None:
            self.figures.calls.update(str(op) for op in ops if op is not Op.ACKNOWLEDGE)
            self.figures.calls.update(looked.world.looked)
            self.figures.faults["calls that failed"] += len(ended.struck)
            self.figures.posts += Op.ROTATE in ops
        looked.world.looked.clear()
        if len(amazon.ever) > amazon.number(looked.app.memory.current) and Op.ROTATE in ops:
            looked.ours.add(len(amazon.ever))
        self._note_in_use(looked, person=ended is None)
        self._note_dark(looked)
        if looked.world.violations:
            self._note_broken(looked)
        if amazon.newest.issued_at >= started - timedelta(minutes=10) and len(amazon.ever) > 1:
            self._announce_end(looked)
        changed = ended is None or not CHANGES.isdisjoint(ops)
        if changed:
            looked.busy_until = now
        else:
            self.clock.time = started
        matters = self.clock.time
        if what == "check" and ended is not None and not self._every_hour:
            matters = when_it_matters(looked.world, ended)
            if matters > self.clock.time:
                looked.plain = Counter(map(str, ops))
        self._next_check(looked, matters)

    def _note_in_use(self, looked: Looked, *, person: bool) -> None:
        number = looked.app.amazon.number(looked.app.memory.current)
        if number == looked.in_use:
            return
        if number > looked.highest:
            looked.highest = number
            self.figures.rotations += number in looked.ours
            if looked.due is not None:
                self.figures.waits.append((self.clock.time - looked.due).total_seconds())
            looked.due, looked.waits_until = None, None
        looked.in_use, looked.by_person = number, person

    def _note_dark(self, looked: Looked) -> None:
        found = darkness(looked.app, by_person=looked.by_person)
        if found is not None and looked.dark is None:
            looked.dark = found
            looked.log.append(f"{format_time(found[0])} WITHOUT A LIVE CREDENTIAL: {found[1]}")
        elif found is None and looked.dark is not None:
            self._end_dark(looked)

    def _end_dark(self, looked: Looked) -> None:
        if looked.dark is None:
            return
        since, cause = looked.dark
        looked.dark = None
        self.figures.dark.setdefault(cause, []).append(max(0.0, (self.clock.time - since).total_seconds()))
        looked.darkened.add(cause)
        if cause == OURS:
            self._tell(looked, f"without a live credential from {format_time(since)}")

    def _note_broken(self, looked: Looked) -> None:
        for line in looked.world.violations:
            looked.broken_with.append(line)
            self._tell(looked, line)
        looked.world.violations.clear()

    def _tell(self, looked: Looked, line: str) -> None:
        self.figures.violations.append("\n  ".join((f"{looked.client_id}: {line}", *looked.log)))

    def _close(self, looked: Looked) -> None:
        """The end of the years."""
        self._count_skipped(looked, looked.slot_from(self._end))
        self._note_dark(looked)
        self._end_dark(looked)
        self.figures.dark_applications.update(looked.darkened)
        self.figures.violated += bool(looked.broken_with)
        self.figures.lost += any(line.startswith((NEWEST_DURABLE, NOTHING_DROPPED)) for line in looked.broken_with)
        self.figures.states[looked.state or "unknown"] += 1
        if looked.due is not None:
            self.figures.open.append((self._end - looked.due).total_seconds())


_NAMED = {"duplicate": "twice", "stale": "out of order"}


def _is_live(app: App) -> bool:
    return app.amazon.accepts(Sensitive(app.memory.current or ""))


def _seed_if_dead(world: World, app: App) -> object:
    return None if _is_live(app) else reseed(world, app)


def _promote(world: World, app: App) -> object:
    return action(world, app, "promote")


_WAYS_OUT: dict[State, Callable[[World, App], object]] = {
    State.UNSEEDED: rotate_in_console,
    State.EXPIRED: rotate_in_console,
    State.STUCK: _promote,
    State.RECEIVED: _promote,
    State.REJECTED: _promote,
    State.OVERDUE: lambda world, app: ask(world, app, force=True),
}


def _calls_of_the_day() -> Counter[str]:
    """What the check of the day calls more than another one, at rest."""
    world = World()
    world.seed()
    slot = daily_slot(world.app.application.client_id)
    day = world.clock.time.replace(hour=0, minute=0) + DAY
    costs = []
    for at in (day + slot - HOUR, day + slot):
        world.clock.time = at
        world.looked.clear()
        ended = check(world, world.app)
        assert is_daily_slot(world.app.application.client_id, at, world.policy.check_interval) is (at == day + slot)
        costs.append(Counter(map(str, ended.ops)) + world.looked)
    return costs[1] - costs[0]
