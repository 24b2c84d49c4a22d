"""What must hold at every instant: crashes at every call, and two workers switched at every pair of calls.

The five invariants of the design's section 2 are looked at before each call that leaves the process, and again when
all is quiet.
"""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from spapi_rotation_lambda.domain.errors import RotationError
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import Answer, Ports, RotateAnswer
from spapi_rotation_lambda.use_cases.request import request
from tests.fakes.interposer import Crash, interposed
from tests.fakes.workers import Work, interleave
from tests.fakes.world import CLIENT_ID, World
from tests.unit.support import assert_silent

CHECK = {"action": "check", "application": "shop", "client_id": CLIENT_ID}
UNCLEAR = RotateAnswer(Answer.UNKNOWN, 0, "ReadTimeout")

Step = Callable[[World, Ports], object]


@dataclass
class Watched:
    """A world whose invariants are looked at."""

    world: World
    posts_allowed: int = 1
    seeded: bool = True

    def __post_init__(self) -> None:
        self.in_hand: list[str] = []
        """Messages in flight: received, and neither acknowledged nor visible again."""

    def check(self, where: str = "") -> None:
        world = self.world
        current = world.value()
        if self.seeded:
            assert current is not None
            assert world.amazon.accepts(Sensitive(current["client_secret"])), f"{where}: AWSCURRENT is dead"
        bodies = "".join([*world.queue.visible, *world.queue.dead, *self.in_hand, *(world.amazon.held_back or ())])
        labelled = "".join(
            version.text for version in world.store.secrets[world.secret_id].versions.values() if version.labels
        )
        assert world.amazon.newest.text in bodies + labelled, f"{where}: the newest secret is nowhere"
        assert world.amazon.posts <= self.posts_allowed, f"{where}: posted {world.amazon.posts} times"

    def deliver(self, ports: Ports, index: int = 0) -> None:
        """Hand one visible message over; it is acknowledged when that returns, and visible again when it raises."""
        world = self.world
        if len(world.queue.visible) <= index:
            return
        body = world.queue.visible.pop(index)
        self.in_hand.append(body)
        world.queue.in_flight += 1
        try:
            dispatch(ports, {"Records": [{"eventSource": "aws:sqs", "body": body}]})
        except BaseException:
            world.queue.visible.append(body)
            raise
        finally:
            world.queue.in_flight -= 1
            self.in_hand.remove(body)

    def calm_down(self) -> None:
        """Deliver all that waits and check, for a day and a few hours, without any further trouble."""
        world = self.world
        for hours in (0, 1, 24, 1):
            world.clock.advance(hours=hours)
            while world.queue.visible:
                self.deliver(world.ports)
            dispatch(world.ports, CHECK)
            self.check("calming down")

    def assert_quiet(self, *, published: bool = True) -> None:
        world = self.world
        labels = world.labels()
        assert world.check() == "CURRENT"
        assert (world.value() or {})["client_secret"] == world.amazon.newest.text
        assert not {Label.PENDING, Label.REJECTED} & set(labels)
        assert labels.get(Label.REFUSED) != labels.get(Label.REQUEST) or Label.REQUEST not in labels
        assert len(world.store.secrets[world.secret_id].versions) < 20
        if published:
            assert world.amazon.newest.text[-3:] in (world.recorder.events[-1].rotation_id or "")
        assert_silent(world, world.recorder.text())


def due() -> Watched:
    """A secret that is old enough to be rotated."""
    world = World()
    world.seed(region="eu")
    world.clock.advance(days=60)
    return Watched(world)


def sent() -> Watched:
    """A rotation was requested; its message waits."""
    watched = due()
    dispatch(watched.world.ports, CHECK)
    watched.world.clock.advance(minutes=5)
    return watched


def pending() -> Watched:
    """The new secret was not accepted when it came, and is now; the owner has edited a key meanwhile."""
    watched = due()
    watched.world.amazon.usable_after = timedelta(minutes=30)
    dispatch(watched.world.ports, CHECK)
    watched.deliver(watched.world.ports)
    watched.world.clock.advance(hours=1)
    watched.world.seed(watched.world.amazon.ever[0], region="us")
    assert Label.PENDING in watched.world.labels()
    return watched


def two_messages() -> Watched:
    """Two rotations by hand; the messages of both wait, in the wrong order."""
    watched = due()
    for _ in range(2):
        watched.world.clock.advance(minutes=1)
        watched.world.amazon.rotate_by_hand()
    watched.world.seed(watched.world.amazon.ever[1], region="eu")
    watched.world.queue.visible.reverse()
    return watched


def overwritten() -> Watched:
    """The owner has put the old secret back over the new one."""
    watched = sent()
    watched.deliver(watched.world.ports)
    watched.world.clock.advance(minutes=5)
    watched.world.seed(watched.world.amazon.ever[0], region="us")
    return watched


def unseeded() -> Watched:
    """A new secret is sent for an application whose secret is empty."""
    world = World()
    world.clock.advance(days=1)
    world.amazon.rotate_by_hand()
    return Watched(world, seeded=False)


def unanswered() -> Watched:
    """A day ago a request was made whose answer was lost, and which had no effect."""
    watched = due()
    watched.world.amazon.answers.append((UNCLEAR, False))
    dispatch(watched.world.ports, CHECK)
    watched.world.clock.advance(hours=24)
    watched.posts_allowed = 2
    return watched


def late() -> Watched:
    """A day ago a request was made; its message has only just come."""
    watched = sent()
    watched.world.clock.advance(hours=24)
    return watched


SITUATIONS = [due, sent, pending, two_messages, overwritten, unseeded, unanswered, late]


def check(ports: Ports) -> object:
    return dispatch(ports, CHECK)


# Crashes.


def story(watched: Watched, ports: Ports) -> list[Callable[[], object]]:
    """Checks and deliveries, each of which may crash and is then done again by the platform: by its next turn."""
    return [
        lambda: check(ports),
        lambda: watched.deliver(ports),
        lambda: watched.deliver(ports),
        lambda: check(ports),
    ]


def run_with_crashes(begin: Callable[[], Watched], crashes: set[tuple[int, bool]]) -> tuple[Watched, int]:
    """Go through the story; the process dies before or after the numbered calls."""
    watched, count = begin(), itertools.count()
    number = -1

    def before(name: str) -> None:
        nonlocal number
        number = next(count)
        watched.check(f"before {name} ({number})")
        if (number, False) in crashes:
            raise Crash

    def after(name: str) -> None:
        watched.check(f"after {name} ({number})")
        if (number, True) in crashes:
            raise Crash

    for step in story(watched, interposed(watched.world.ports, before=before, after=after)):
        try:
            step()
        except Crash:
            watched.check("after a crash")
        watched.world.clock.advance(minutes=10)
    return watched, next(count)


@pytest.mark.parametrize("begin", SITUATIONS)
def test_a_crash_at_any_call_is_survived(begin: Callable[[], Watched]) -> None:
    _, calls = run_with_crashes(begin, set())
    assert calls >= 8
    for crash in itertools.product(range(calls), (False, True)):
        watched, _ = run_with_crashes(begin, {crash})
        watched.calm_down()
        if begin is unanswered and check(watched.world.ports) == {"state": "OVERDUE"}:
            # It died between the repost's record and its POST: an alarm, and the next request after 8 days.
            watched.world.clock.advance(days=8)
            watched.calm_down()
        watched.assert_quiet()


@pytest.mark.parametrize("begin", [sent, pending])
def test_two_crashes_are_survived(begin: Callable[[], Watched]) -> None:
    _, calls = run_with_crashes(begin, set())
    for first, second in itertools.combinations(range(calls + 2), 2):
        watched, _ = run_with_crashes(begin, {(first, True), (second, False)})
        watched.calm_down()
        watched.assert_quiet()


# Two workers.


def asking(watched: Watched) -> Work:
    """A person who asks at the command line."""
    return lambda ports: request(ports, watched.world.application, Trigger.CLI)


def upping(watched: Watched) -> Work:
    """A ``pulumi up`` with a new trigger."""
    return lambda ports: request(ports, watched.world.application, Trigger.PULUMI_UP, reference="text")


def checking(watched: Watched) -> Work:
    return check


def delivery(watched: Watched) -> Work:
    return lambda ports: watched.deliver(ports, 0)


def redelivery(watched: Watched) -> Work:
    """Another copy of the message that waits."""
    watched.world.queue.visible.append(watched.world.queue.visible[0])
    return lambda ports: watched.deliver(ports, 0)


def edit(watched: Watched) -> Work:
    """The owner changes a key of what is in use, all at once."""

    def write(_: Ports) -> None:
        watched.world.write({**(watched.world.value() or {}), "region": "edited"})

    return write


PAIRS = [
    (due, checking, checking),
    (due, checking, asking),
    (due, upping, upping),
    (due, checking, edit),
    (sent, checking, delivery),
    (sent, delivery, redelivery),
    (sent, delivery, edit),
    (sent, asking, delivery),
    (pending, checking, checking),
    (pending, checking, edit),
    (two_messages, delivery, delivery),
    (two_messages, checking, delivery),
    (overwritten, checking, checking),
    (overwritten, checking, edit),
    (unseeded, delivery, redelivery),
    (unseeded, checking, delivery),
    (unanswered, checking, checking),
    (unanswered, checking, asking),
    (late, checking, delivery),
]


def _name(value: object) -> str:
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize(("begin", "first", "second"), PAIRS, ids=_name)
@pytest.mark.parametrize("swapped", [False, True], ids=["", "swapped"])
def test_two_workers_at_once(
    begin: Callable[[], Watched],
    first: Callable[[Watched], Work],
    second: Callable[[Watched], Work],
    swapped: bool,
) -> None:
    longest = [1, 1]
    switch = (0, 0)
    while switch[0] <= longest[0]:
        watched = begin()
        works = (first(watched), second(watched))
        raised, calls = interleave(watched.world.ports, works[::-1] if swapped else works, switch, watched.check)
        for error in raised:
            if error is not None and not isinstance(error, RotationError):
                raise error
        longest = [max(pair) for pair in zip(longest, calls, strict=True)]
        watched.calm_down()
        watched.assert_quiet(published=bool(watched.world.recorder.events))
        if "region" in (watched.world.value() or {}) and edit in (first, second):
            assert (watched.world.value() or {})["region"] == "edited", "the owner's edit is lost"
        json.dumps(watched.world.value())
        switch = (switch[0], switch[1] + 1) if switch[1] < longest[1] else (switch[0] + 1, 0)
