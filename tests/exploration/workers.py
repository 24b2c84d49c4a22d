"""Two workers at once: every interleaving of their external calls, up to a number of switches.

Each worker is one invocation of the real code in its own thread. A baton lets exactly one run; it changes hands
before the calls that a schedule names, and when a worker has ended. A worker may also die where it was interrupted.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.exploration.callers import NO_FAULTS, Before, Ended, telling_nonces_apart
from tests.exploration.ending import finish
from tests.exploration.explore import MOST_REPORTS, Figures, Step
from tests.exploration.explored_world import SavedWorld, World
from tests.exploration.faulty import Died, Op

Worker = Callable[[World, Before], Ended]
Segments = tuple[int, ...]


@dataclass(frozen=True)
class Meeting:
    """Two workers in a prepared world.

    Attributes:
        name: who meets whom.
        prepare: makes the world at the moment when both start.
        one: the first worker.
        two: the second worker.
        then: what happens after both have ended.
        allowed: the beginning of a violation that the design allows here, or empty.
    """

    name: str
    prepare: Callable[[], World]
    one: Worker
    two: Worker
    then: tuple[Step, ...] = ()
    allowed: str = ""


class _Helper:
    """A thread that runs one job at a time."""

    def __init__(self) -> None:
        self._job: Callable[[], None] | None = None
        self._start = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], None]) -> None:
        self._job = job
        self._start.release()

    def stop(self) -> None:
        self._job = None
        self._start.release()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            self._start.acquire()
            if self._job is None:
                return
            self._job()


class _Baton:
    """Lets one of two workers run.

    Attributes:
        calls_in_last: the calls that the worker of the last, open segment made before it ended.
    """

    def __init__(self, segments: Segments, *, dies: bool) -> None:
        self._segments, self._dies = segments, dies
        self._gates = (threading.Semaphore(0), threading.Semaphore(0))
        self._index = 0
        self._left = segments[0] if segments else -1
        self._over = [False, False]
        self._doomed: int | None = None
        self._counting = not segments
        self.calls_in_last = 0

    def before(self, who: int) -> Before:
        """The hook of a worker: called before each of its external calls."""

        def hook(_op: Op) -> None:
            if self._left == 0 and not self._over[1 - who]:
                self._switch(who)
            if self._counting:
                self.calls_in_last += 1
            self._left -= 1

        return hook

    def _switch(self, who: int) -> None:
        self._index += 1
        more = self._index < len(self._segments)
        self._left = self._segments[self._index] if more else -1
        if not more:
            self._counting = True
            if self._dies:
                self._doomed = who
        self._gates[1 - who].release()
        self._gates[who].acquire()
        if self._doomed == who:
            raise Died

    def wait(self, who: int) -> None:
        """Wait for the first turn."""
        self._gates[who].acquire()

    def end(self, who: int) -> None:
        """A worker has ended; the other, if it has not, runs on to its end."""
        self._over[who] = True
        self._counting = False
        self._left = -1
        self._gates[1 - who].release()


class Pair:
    """Runs two workers at once; keeps a thread for the second one. Use it as a context manager."""

    def __init__(self) -> None:
        self._helper = _Helper()

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *_: object) -> None:
        self._helper.stop()

    def together(
        self, world: World, one: Worker, two: Worker, segments: Segments, *, dies: bool = False
    ) -> tuple[list[Ended], int]:
        """Run both; the baton changes hands after so many calls each time. How they ended, and the last run's calls.

        Args:
            dies: whether the worker that is interrupted last dies there.
        """
        baton = _Baton(segments, dies=dies)
        ends: list[Ended] = []

        def work(who: int, worker: Worker) -> None:
            ended = Ended()
            try:
                ended = worker(world, baton.before(who))
            except Died:
                pass
            finally:
                ends.append(ended)
                baton.end(who)

        def second() -> None:
            baton.wait(1)
            work(1, two)

        self._helper.run(second)
        work(0, one)
        while len(ends) < 2:
            baton.wait(0)
        return ends, baton.calls_in_last


class Meetings:
    """Walks every schedule of one meeting."""

    def __init__(self, meeting: Meeting, switches: int, *, stop_at_first: bool = False) -> None:
        self.figures = Figures()
        self.allowed = 0
        self._meeting, self._switches, self._stop = meeting, switches, stop_at_first
        self._world = meeting.prepare()
        self._start = self._world.save()
        self._ended: dict[SavedWorld, tuple[str, ...]] = {}

    def run(self) -> Figures:
        """Walk them all."""
        begin = time.perf_counter()
        with Pair() as self._pair, telling_nonces_apart(lambda: self._world):
            self._explore(())
        self.figures.seconds = time.perf_counter() - begin
        return self.figures

    def _explore(self, segments: Segments) -> None:
        if self._stop and self.figures.violations:
            return
        calls = self._once(segments, dies=False)
        if len(segments) >= 1:
            self._once(segments, dies=True)
        if len(segments) == self._switches:
            return
        for count in range(0 if not segments else 1, calls):
            self._explore((*segments, count))

    def _once(self, segments: Segments, *, dies: bool) -> int:
        world, meeting = self._world, self._meeting
        world.restore(self._start)
        ends, calls = self._pair.together(world, meeting.one, meeting.two, segments, dies=dies)
        self.figures.histories += 1
        self.figures.invocations += 2
        self.figures.faults += dies
        self.figures.calls += sum(len(ended.ops) for ended in ends)
        self._check(segments, dies=dies)
        return calls

    def _check(self, segments: Segments, *, dies: bool) -> None:
        world = self._world
        found = tuple(world.violations)
        if not found:
            saved = world.save()
            known = self._ended.get(saved)
            if known is None:
                for step in self._meeting.then:
                    step(world, NO_FAULTS)
                state = finish(world, world.app) if not world.violations else None
                self.figures.ends += 1
                self.figures.states[state.value if state is not None else "(checks raise)"] += 1
                known = self._ended[saved] = tuple(world.violations)
            found = known
        if not found:
            return
        if self._meeting.allowed and all(line.startswith(self._meeting.allowed) for line in found):
            self.allowed += 1
            return
        self.figures.violated += 1
        if len(self.figures.violations) < MOST_REPORTS:
            death = ", the interrupted one dies" if dies else ""
            self.figures.violations.append(f"[{self._meeting.name}] {' | '.join(found)} <- runs of {segments}{death}")
