"""Random histories: everything that the exhaustive part leaves out, mixed, over a year and several applications."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from spapi_rotation_lambda.domain.window import WEEKDAYS, Window
from spapi_rotation_lambda.ports import CallAnswer
from tests.exploration import callers, peoples_faults, scenarios
from tests.exploration.callers import HOUR, Before, telling_nonces_apart
from tests.exploration.ending import SPARSE_HOURS, advance, finish
from tests.exploration.explored_world import App, World, deliver_soon
from tests.exploration.faulty import Op, Plan
from tests.exploration.meetings import receiving
from tests.exploration.workers import Pair
from tests.fakes.amazon import Whose

MOST_APPLICATIONS = 3
SKEWS = st.sampled_from((-5, -1, 0, 1, 5)).map(lambda minutes: timedelta(minutes=minutes))
WHICH = st.integers(0, MOST_APPLICATIONS - 1)
COMPANIONS = ("duplicate", "copy", "stale", "older", "foreign", "poison", "notice-current", "notice-previous")
CALL_ANSWERS = tuple(answer for answer in CallAnswer if answer is not CallAnswer.ACCEPTED)
WRITES = (
    *(scenarios.edit, scenarios.restore, scenarios.undate, scenarios.restore_undated, scenarios.put_in_by_hand),
    *(peoples_faults.put_in, peoples_faults.put_in_with_expiry, peoples_faults.new_value_old_dates),
    *(peoples_faults.rename, peoples_faults.rename_both, peoples_faults.repair, peoples_faults.native_rotation),
    peoples_faults.tool(0, whole=False),
)
"""What an owner, or a tool of theirs, may write."""
NIGHTS = Window(frozenset(WEEKDAYS[5:]), time(22), time(4), ZoneInfo("Europe/Berlin"))


@st.composite
def _plans(draw: st.DrawFn) -> Plan:
    """Mostly no fault; now and then one or two."""
    count = draw(st.sampled_from((0, 0, 0, 1, 1, 2)))
    return {draw(st.integers(1, 20)): draw(st.integers(0, 6)) for _ in range(count)}


AppsWorker = Callable[[World, App, Before], callers.Ended]


def _checking(world: World, app: App, before: Before) -> callers.Ended:
    return callers.check(world, app, before=before)


def _upping(world: World, app: App, before: Before) -> callers.Ended:
    return callers.up(world, app, "one", before=before)


def _asking(world: World, app: App, before: Before) -> callers.Ended:
    return callers.ask(world, app, force=False, before=before)


def _receiving(world: World, _app: App, before: Before) -> callers.Ended:
    world.arrive()
    return receiving(world, before)


def _editing(world: World, app: App, before: Before) -> callers.Ended:
    before(Op.WRITE)
    scenarios.edit(world, app)
    return callers.Ended()


AT_ONCE: tuple[AppsWorker, ...] = (_checking, _checking, _receiving, _receiving, _upping, _asking, _editing)


@dataclass
class RandomFigures:
    """Added up over all examples of a run.

    Attributes:
        examples: random histories, each up to its end.
        rules: what happened in them.
        people: faults of people among these.
        invocations: runs of the real code.
        calls: external calls of those runs, after each of which the invariants were checked.
        violation: what was found broken, with the shortest history that shows it; empty when nothing was.
    """

    examples: int = 0
    rules: int = 0
    people: int = 0
    invocations: int = 0
    calls: int = 0
    violation: str = ""

    def add(self, other: "RandomFigures") -> None:
        """Add another run's figures."""
        self.examples += other.examples
        self.rules += other.rules
        self.people += other.people
        self.invocations += other.invocations
        self.calls += other.calls
        self.violation = self.violation or other.violation


_figures = RandomFigures()


def run(examples: int, steps: int, seed: int, *, shrink: bool = False) -> RandomFigures:
    """Run so many random histories of at most so many rules; the same seed gives the same ones.

    Args:
        shrink: whether to look for a shorter history that shows the same violation, which may take minutes.
    """
    global _figures
    _figures = RandomFigures()
    chosen = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=False,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=tuple(HealthCheck),
    )
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(RandomHistories), settings=chosen)
    except (AssertionError, ExceptionGroup) as error:
        _figures.violation = "".join(traceback.format_exception(error))[-20000:]
    return _figures


class RandomHistories(RuleBasedStateMachine):
    """Rules are what may happen; after each, no invariant is broken; at the end, the five hold for each application."""

    @initialize(
        applications=st.integers(1, MOST_APPLICATIONS),
        amazon_skew=SKEWS,
        aws_skew=SKEWS,
        newest_first=st.booleans(),
        usable_after=st.sampled_from((0, 0, 10, 40)),
        calls_allowed=st.sampled_from((True, True, True, False)),
        dated=st.sampled_from((True, True, False)),
        age=st.sampled_from((0, 1, 59, 61, 160)),
    )
    def begin(
        self,
        applications: int,
        amazon_skew: timedelta,
        aws_skew: timedelta,
        newest_first: bool,
        usable_after: int,
        calls_allowed: bool,
        dated: bool,
        age: int,
    ) -> None:
        self.world = World(
            applications=applications, amazon_skew=amazon_skew, aws_skew=aws_skew, newest_first=newest_first
        )
        self._nonces = telling_nonces_apart(lambda: self.world)
        self._nonces.__enter__()
        _figures.examples += 1
        for app in self.world.everyone():
            self.world.seed(app, dated=dated, stage="production")
            app.amazon.usable_after = timedelta(minutes=usable_after)
            app.amazon.calls_allowed = calls_allowed
        self.world.clock.time += timedelta(days=age, minutes=15)

    def _app(self, which: int) -> App:
        apps = list(self.world.everyone())
        return apps[which % len(apps)]

    def _note(self, *ended: callers.Ended) -> None:
        _figures.rules += 1
        _figures.invocations += len(ended)
        _figures.calls += sum(len(one.ops) for one in ended)
        assert not self.world.violations, self.world.violations

    # The platform.

    @rule(which=WHICH, plan=_plans())
    def check(self, which: int, plan: Plan) -> None:
        self._note(callers.check(self.world, self._app(which), plan))

    @rule(plan=_plans())
    def message(self, plan: Plan) -> None:
        world = self.world
        if world.transit:
            world.clock.time = max(world.clock.time, min(one.at for one in world.transit))
        world.arrive()
        message = world.queue.receive()
        if message is not None:
            self._note(callers.hand_over(world, message, plan))

    @rule(which=WHICH, reference=st.sampled_from(("one", "two")), plan=_plans())
    def up(self, which: int, reference: str, plan: Plan) -> None:
        self._note(callers.up(self.world, self._app(which), reference, plan))

    @rule(hours=st.integers(1, 12))
    def hours_pass(self, hours: int) -> None:
        for _ in range(hours):
            advance(self.world, self.world.clock.time + HOUR)
            self._note(*(callers.check(self.world, app) for app in self.world.everyone()))

    @rule(days=st.sampled_from((1, 2, 7, 8, 20, 61)))
    def days_pass(self, days: int) -> None:
        start = self.world.clock.time
        daily = range(SPARSE_HOURS[-1], days * 24, 24)
        for hours in (*(hours for hours in SPARSE_HOURS if hours < days * 24), *daily, days * 24, days * 24 + 1):
            advance(self.world, start + hours * HOUR)
            self._note(*(callers.check(self.world, app) for app in self.world.everyone()))

    @rule(minutes=st.integers(1, 90))
    def minutes_pass(self, minutes: int) -> None:
        advance(self.world, self.world.clock.time + timedelta(minutes=minutes))
        self._note()

    @rule(
        which=WHICH,
        one=st.sampled_from(AT_ONCE),
        two=st.sampled_from(AT_ONCE),
        segments=st.lists(st.integers(0, 12), min_size=1, max_size=4).map(tuple),
        dies=st.sampled_from((False, False, True)),
    )
    def at_once(self, which: int, one: AppsWorker, two: AppsWorker, segments: tuple[int, ...], dies: bool) -> None:
        app = self._app(which)
        with Pair() as pair:
            ends, _ = pair.together(
                self.world,
                lambda world, before: one(world, app, before),
                lambda world, before: two(world, app, before),
                segments,
                dies=dies,
            )
        self._note(*ends)

    @rule()
    def function_is_broken(self) -> None:
        scenarios.function_is_broken(self.world, {})
        self._note()

    # People.

    @rule(which=WHICH, force=st.booleans(), plan=_plans())
    def request(self, which: int, force: bool, plan: Plan) -> None:
        self._note(callers.ask(self.world, self._app(which), plan, force=force))

    @rule(which=WHICH, name=st.sampled_from(("promote", "reject", "rollback")), plan=_plans())
    def action(self, which: int, name: str, plan: Plan) -> None:
        self._note(callers.action(self.world, self._app(which), name, plan))

    @rule(which=WHICH, plan=_plans())
    def seed(self, which: int, plan: Plan) -> None:
        self._note(callers.reseed(self.world, self._app(which), plan))

    @rule()
    def empty_dead_letters(self) -> None:
        callers.empty_dead_letters(self.world)
        self._note()

    @rule(which=WHICH, message=st.booleans())
    def console(self, which: int, message: bool) -> None:
        callers.rotate_in_console(self.world, self._app(which), message=message)
        _figures.people += 1
        self._note()

    # The owner.

    @rule(which=WHICH, what=st.sampled_from(WRITES))
    def owner(self, which: int, what: scenarios.OwnersWrite) -> None:
        what(self.world, self._app(which))
        _figures.people += 1
        self._note()

    @rule(which=WHICH, dates=st.sampled_from(tuple(peoples_faults.TYPED)))
    def typed(self, which: int, dates: str) -> None:
        peoples_faults.typing(peoples_faults.TYPED[dates])(self.world, self._app(which))
        _figures.people += 1
        self._note()

    @rule(paused=st.booleans(), windowed=st.booleans())
    def policy(self, paused: bool, windowed: bool) -> None:
        window = NIGHTS if windowed else None
        self.world.policy = replace(self.world.policy, paused=paused, rotation_window=window)
        self._note()

    # Amazon.

    @rule(which=WHICH, newest=st.booleans())
    def notice(self, which: int, newest: bool) -> None:
        amazon = self._app(which).amazon
        issued = amazon.ever[-1] if newest else amazon.ever[max(-2, -len(amazon.ever))]
        self.world.queue.send(amazon.expiry_notice(issued.expires_at))
        self._note()

    @rule(companions=st.lists(st.tuples(st.sampled_from(COMPANIONS), st.integers(0, 7200)), max_size=2))
    def delivery_with(self, companions: list[tuple[str, float]]) -> None:
        self.world.deliver = scenarios.deliver_with(*companions)

    @rule(seconds=st.sampled_from((0, 5, 3700, 90_000)))
    def delivery_after(self, seconds: float) -> None:
        self.world.deliver = scenarios.late(seconds)

    @rule()
    def delivery_lost(self) -> None:
        self.world.deliver = scenarios.lose

    @rule()
    def delivery_mended(self) -> None:
        self.world.deliver = deliver_soon

    @rule(which=WHICH, answer=st.sampled_from((None, None, *CALL_ANSWERS)), to=st.sampled_from(Whose))
    def calls(self, which: int, answer: CallAnswer | None, to: Whose) -> None:
        self._app(which).amazon.answer_calls(answer, to)

    def teardown(self) -> None:
        """Nobody interferes any more: each application comes to rest, and its next rotation works."""
        if not hasattr(self, "world"):
            return
        try:
            self._end()
        finally:
            self._nonces.__exit__(None, None, None)

    def _end(self) -> None:
        world = self.world
        if world.violations:
            return
        world.deliver = deliver_soon
        world.policy = replace(world.policy, paused=False, rotation_window=None)
        for app in world.everyone():
            app.amazon.answer_calls(None)
            peoples_faults.repair(world, app)
        saved = world.save()
        for app in world.everyone():
            world.restore(saved)
            finish(world, app)
            assert not world.violations, (app.application.name, world.violations)
