"""One application of the fleet: the hours of its schedule, and what is noted of it after each event."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spapi_rotation_lambda.domain.daily_slot import daily_slot, is_daily_slot
from spapi_rotation_lambda.domain.errors import MalformedSecret, RotationError
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.domain.times import format_time
from tests.exploration.callers import HOUR, Ended
from tests.exploration.explored_world import App, World
from tests.exploration.faulty import Op
from tests.exploration.invariants import NEWEST_DURABLE, NOTHING_DROPPED
from tests.fleet.darkness import darkness
from tests.fleet.fleet_figures import OURS, FleetFigures
from tests.fleet.life import DAY
from tests.fleet.morning import PATIENCE
from tests.fleet.next_check import due_at, held_back_until

MOST_LINES = 60
"""Of an application's history are told with what was found broken."""


@dataclass
class Member:
    """One application.

    Attributes:
        begins: when its schedule was made, whose hours its checks follow.
        busy_until: until when its last invocation lasts.
        checked: the schedule's time of its last check.
        figures: those of its component.
        at_rest: the calls of its last check that found it at rest.
        due: since when a rotation is due that has not come.
        held_back_until: until when what somebody has put in holds a due rotation back.
        touched: when somebody last changed the secret by hand.
        ours: the secrets that requests of the machine made, by their numbers.
        in_use: the number of the secret in use.
        highest: the highest number that ever was in use.
        put_in: when a person put the value in use there; None if the machine did.
        dark: since when it is without a live credential, and by whose doing.
        darkened: by whose doing it ever was.
        alarms: the states in which a person may be needed, and since when.
        unreadable_since: since when its checks fail because the value in use cannot be read.
        announced: how many of its secrets Amazon announces the end of.
        state: what its last check told.
        broken: what was found broken.
        log: its last events; one that repeats the one before is left out.
    """

    world: World
    begins: datetime
    busy_until: datetime
    checked: datetime
    figures: FleetFigures
    at_rest: Counter[str] = field(default_factory=Counter)
    due: datetime | None = None
    held_back_until: datetime | None = None
    touched: datetime | None = None
    ours: set[int] = field(default_factory=set)
    in_use: int = 1
    highest: int = 1
    put_in: datetime | None = None
    dark: tuple[datetime, str] | None = None
    darkened: set[str] = field(default_factory=set)
    alarms: dict[State, datetime] = field(default_factory=dict)
    unreadable_since: datetime | None = None
    announced: int = 0
    state: str = "unknown"
    broken: list[str] = field(default_factory=list)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))

    @property
    def app(self) -> App:
        """Its application."""
        return self.world.app

    @property
    def client_id(self) -> str:
        """Its client id."""
        return self.app.application.client_id

    @property
    def now(self) -> datetime:
        """The time."""
        return self.world.clock.time

    # The schedule.

    def slot_from(self, moment: datetime) -> datetime:
        """The first of its schedule's times that is not before a moment."""
        return self.begins + max(-((self.begins - moment) // HOUR), 0) * HOUR

    def slots(self, after: datetime, before: datetime) -> tuple[int, int]:
        """How many of its schedule's times lie between two moments, and on how many of these the day's try is made."""
        first, last = self.slot_from(after + timedelta(microseconds=1)), self.slot_from(before) - HOUR
        if last < first:
            return 0, 0

        def day(at: datetime) -> int:
            return int((at - daily_slot(self.client_id)).timestamp() // DAY.total_seconds())

        return (last - first) // HOUR + 1, day(last) - day(first - HOUR)

    # What is noted.

    def note_due(self) -> None:
        """Since when a rotation is due: what the schedule has seen, until a newer secret is in use.

        A date that somebody types makes it due from then on, not from the day that the date means.
        """
        try:
            due = due_at(self.world)
        except RotationError:
            return  # the value in use cannot be read
        if due > self.now:
            self.due, self.held_back_until = None, None
        elif self.due is None and (until := held_back_until(self.world)) > self.now:
            self.held_back_until = until
        elif self.due is None:
            self.due = max(due, self.begins, self.held_back_until or due, self.touched or due)

    def note_state(self, ended: Ended) -> None:
        """What a check tells, and which alarms sound by it: that of a dead secret until the next daily try."""
        if isinstance(ended.error, MalformedSecret):
            self.unreadable_since = self.unreadable_since or self.now
        if not isinstance(ended.result, dict):
            return
        self.unreadable_since = None
        self.state = ended.result["state"]
        state = State(self.state)
        of_the_day = is_daily_slot(self.client_id, self.checked, self.world.policy.check_interval)
        self.alarms = {
            alarm: since
            for alarm, since in self.alarms.items()
            if alarm is state or (alarm is State.EXPIRED and not of_the_day)
        }
        if state in PATIENCE:
            self.alarms.setdefault(state, self.now)

    def note(self, what: str, ended: Ended | None, started: datetime) -> None:
        """What an event has brought about.

        Args:
            ended: how the machine's invocation ended; None if a person has done something.
        """
        told = f"{what}{_told(ended)}"
        if not self.log or self.log[-1].partition(" ")[2] != told:
            self.log.append(f"{format_time(started)} {told}")
        if ended is None:
            self.touched = self.now
        else:
            self.figures.calls.update(str(op) for op in ended.ops if op is not Op.ACKNOWLEDGE)
            self.figures.calls.update(self.world.looked)
            self.figures.faults["calls that failed"] += len(ended.struck)
            if Op.ROTATE in ended.ops:
                self.figures.posts += 1
                self.ours.add(len(self.app.amazon.ever))
        self.world.looked.clear()
        self._note_in_use(by_person=ended is None)
        self._note_dark()
        for line in self.world.violations:
            self.broken.append(line)
            self._tell(line)
        self.world.violations.clear()

    def _note_in_use(self, *, by_person: bool) -> None:
        number = self.app.amazon.number(self.app.memory.current)
        if number == self.in_use:
            return
        if number > self.highest:
            self.highest = number
            self.figures.rotations += number in self.ours
            if self.due is not None:
                self.figures.waits.append((self.now - self.due).total_seconds())
            self.due, self.held_back_until = None, None
        self.in_use, self.put_in = number, self.now if by_person else None

    def _note_dark(self) -> None:
        found = darkness(self.app, put_in=self.put_in)
        if found is not None and self.dark is None:
            self.dark = found
            self.log.append(f"{format_time(found[0])} WITHOUT A LIVE CREDENTIAL: {found[1]}")
        elif found is None:
            self._end_dark()

    def _end_dark(self) -> None:
        if self.dark is None:
            return
        (since, cause), self.dark = self.dark, None
        self.figures.dark.setdefault(cause, []).append(max(0.0, (self.now - since).total_seconds()))
        self.darkened.add(cause)
        if cause == OURS:
            self._tell(f"without a live credential from {format_time(since)}")

    def _tell(self, line: str) -> None:
        self.figures.violations.append("\n  ".join((f"{self.client_id}: {line}", *self.log)))

    def close(self) -> None:
        """The end of the years."""
        self._note_dark()
        self._end_dark()
        self.figures.dark_applications.update(self.darkened)
        self.figures.violated += bool(self.broken)
        self.figures.lost += any(line.startswith((NEWEST_DURABLE, NOTHING_DROPPED)) for line in self.broken)
        self.figures.states[self.state] += 1
        if self.due is not None:
            self.figures.open.append((self.now - self.due).total_seconds())


def _told(ended: Ended | None) -> str:
    if ended is None:
        return ""
    told = [type(ended.error).__name__ if ended.error is not None else str(ended.result)]
    return f": {', '.join((*told, *ended.struck))}"
