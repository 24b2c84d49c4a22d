"""A part of the fleet that `make test` runs, and the check of the check: with a defect in the code it tells of loss."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from docs.tools import due_to_live
from spapi_rotation_lambda.domain.times import format_time
from tests.exploration.callers import Ended, check
from tests.exploration.defects import DEFECTS, ROOT, Defect, copy_with
from tests.exploration.ending import advance, run_until_quiet
from tests.exploration.explored_world import World
from tests.exploration.faulty import Kind, Op
from tests.exploration.scenarios import dated, restore
from tests.fleet import __main__ as command
from tests.fleet.darkness import DYING, THIRD, darkness
from tests.fleet.fleet_figures import BINS, OURS, FleetFigures, binned, spell
from tests.fleet.lagging_queue import COUNTS_LAG, LaggingQueue
from tests.fleet.life import AS_PLANNED, NOTHING_FAILS, OUTAGE, PEOPLE, Rates
from tests.fleet.member import Member
from tests.fleet.shared_component import SharedComponent

NEVER_DUE = Defect(
    "nothing is ever due",
    "domain/rules",
    (
        ("    if asked.trigger.on_purpose or asked.trigger is Trigger.EXPIRY_NOTICE:\n", "    if False:\n"),
        ("    if asked.now < moment:\n", "    if True:\n"),
    ),
    (),
)


def named(name: str) -> Defect:
    """One of the exploration's deliberate defects."""
    return next(defect for defect in DEFECTS if defect.name == name)


@pytest.mark.rule(id="P-1")
@pytest.mark.rule(id="P-2")
@pytest.mark.rule(id="P-3")
@pytest.mark.rule(id="P-5")
@pytest.mark.slow
def test_twenty_applications_live_for_two_years_and_nothing_is_lost() -> None:
    figures = SharedComponent(0, 20, 7, AS_PLANNED, 2.0).run()
    assert figures.violations == []
    assert (figures.lost, figures.violated, figures.dark_applications[OURS]) == (0, 0, 0)
    assert figures.is_clean
    assert 20 * 10 < figures.rotations < 20 * 15
    assert 1 <= figures.posts / figures.rotations < 1.2
    assert len(figures.waits) > 20 * 9
    assert figures.faults["calls that failed"] > 100
    assert figures.faults["outages of Amazon, 6 hours each"] > 0
    assert figures.faults["outages of Secrets Manager, 6 hours each"] > 0


@pytest.mark.slow
def test_everything_that_may_happen_happens_to_many() -> None:
    figures = SharedComponent(0, 12, 1, Rates(messages=0.1, people=20.0, deploys=4.0), 0.8).run()
    assert figures.violations == []
    happened = set(figures.faults)
    assert {f"people: {what}" for what in PEOPLE} <= happened
    assert {"messages: late", "messages: twice", "messages: out of order"} <= happened
    assert {"messages that nobody can read", "bad deployments, all checks dropped for 3 days"} <= happened


def test_a_person_who_looks_each_morning_helps_where_the_machine_cannot() -> None:
    component = SharedComponent(0, 2, 1, NOTHING_FAILS, 0.05)
    dead, _ = component.members.values()
    for _ in range(2):  # a third secret kills the one in use, and nobody tells us
        dead.app.amazon.rotate_by_hand(message=False)
    figures = component.run()
    assert figures.faults["ways out that a person takes: EXPIRED"] == 1
    assert figures.dark_applications == {THIRD: 1}
    (lasted,) = figures.dark[THIRD]
    assert lasted < timedelta(days=4).total_seconds()
    assert dead.app.memory.current == dead.app.amazon.newest.text
    assert figures.violations == []


def test_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    one, same, other = (SharedComponent(0, 3, seed, AS_PLANNED, 0.3).run() for seed in (1, 1, 2))
    assert one == same
    assert one != other


@pytest.mark.slow
@pytest.mark.parametrize(
    ("defect", "told"),
    [
        (named("a message is acknowledged although it was not stored"), "secrets lost: "),
        (named("the new secret is not verified"), "applications of which a promise was broken: "),
        (NEVER_DUE, "applications ever without a live credential: "),
    ],
    ids=lambda value: value.name if isinstance(value, Defect) else "",
)
def test_with_a_defect_in_the_code_the_run_tells_of_it(tmp_path: Path, defect: Defect, told: str) -> None:
    copy_with(defect, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tests.fleet", "--applications", "12", "--years", "1", "--seed", "7"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT))), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith(told))
    assert int(line.removeprefix(told)) > 0
    assert "\nVIOLATION amzn1.application-oa2-client." in done.stdout


def test_a_date_typed_late_makes_a_rotation_due_from_then_on() -> None:
    world = World()
    world.seed(dated=False, stage="production")
    begins = world.clock.time
    member = Member(world, begins, busy_until=begins, checked=begins, figures=FleetFigures(), put_in=begins)
    world.clock.time += timedelta(days=20)
    member.note_due()
    assert member.due is None
    world.seed(dated=False, stage="production", client_secret_issued_at=format_time(begins - timedelta(days=50)))
    member.note("a date is typed", None, world.clock.time)
    typed_at = world.clock.time
    world.clock.time += timedelta(days=8)
    member.note_due()
    assert member.due == typed_at


@pytest.mark.rule(id="P-1")
@pytest.mark.parametrize("fault", [Kind.DIES, Kind.FAILS])
def test_an_old_secret_that_somebody_puts_back_minutes_before_it_dies_is_their_doing(fault: Kind) -> None:
    """The check after it may fail at any call; the one after that puts the newest into use again."""
    world = dated()
    begins = world.clock.time
    member = Member(world, begins, busy_until=begins, checked=begins, figures=FleetFigures(), put_in=begins)
    old = world.app.amazon.newest
    run_until_quiet(world, world.app)
    dies_at = next(one for one in world.app.amazon.ever if one.text == old.text).expires_at
    advance(world, dies_at - timedelta(minutes=30))
    member.note("checks", Ended(), world.clock.time)
    restore(world, world.app)
    member.note("a tool writes the secret before back", None, world.clock.time)
    advance(world, dies_at + timedelta(minutes=20))
    saved, calls = world.save(), len(check(world, world.app).ops)
    assert calls > 5
    for number in range(1, calls + 1):
        world.restore(saved)
        check(world, world.app, {number: fault})
        assert world.violations == []
        found = darkness(world.app, put_in=member.put_in)
        assert found is None or found == (dies_at, DYING)
        world.clock.time += timedelta(hours=1)
        check(world, world.app)
        assert (world.violations, darkness(world.app, put_in=member.put_in)) == ([], None)


def test_what_has_left_the_queue_is_counted_for_a_while() -> None:
    world = World()
    queue = LaggingQueue(world)
    queue.send("body")
    message = queue.receive()
    assert message is not None
    queue.delete(message.number)
    assert queue.inspect().waiting == 1
    world.clock.time += COUNTS_LAG
    assert queue.inspect().waiting == 0


def test_in_an_outage_of_amazon_nothing_is_asked_for_and_afterwards_it_is() -> None:
    world = dated()
    world.amazon_down_until = world.clock.time + OUTAGE
    assert Op.ROTATE not in check(world, world.app).ops
    world.clock.time += OUTAGE
    assert Op.ROTATE in check(world, world.app).ops
    assert world.violations == []


@pytest.mark.parametrize("typed", [["--applications", "0"], ["--applications", "-3"], ["--years", "0"]])
def test_a_fleet_of_nothing_is_refused(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(typed)
    assert ended.value.code == 2
    assert "it takes at least one application, and some time" in capsys.readouterr().err


def test_durations_are_told_in_the_unit_that_fits() -> None:
    assert [spell(each) for each in (5, 119, 121, 7100, 7300, 86_400 * 2 + 1)] == [
        "5 s",
        "119 s",
        "2 min",
        "118 min",
        "2.0 h",
        "2.0 days",
    ]


def test_the_page_holds_the_figures_and_its_picture_shows_them() -> None:
    figures = FleetFigures(applications=1, years=1.0, waits=[60.0, 3000.0, 400_000.0], posts=3, rotations=3)
    text = command.document(f"before\n{command.BEGIN}\nold\n{command.END}\nafter\n", figures)
    assert text.startswith(f"before\n{command.BEGIN}\n| what | figure |\n")
    assert text.endswith(f"\n{command.END}\nafter\n")
    assert "old" not in text
    assert due_to_live.rows(text) == binned(figures.waits)
    drawn = due_to_live.picture(text)
    assert "From due to live: 3 rotations" in drawn
    assert drawn.count(">1 (33.3%)<") == 3
    assert drawn.count("<rect") == 1 + len(BINS)


def test_the_picture_is_that_of_the_page() -> None:
    assert due_to_live.picture(due_to_live.PAGE.read_text()) == due_to_live.FILE.read_text(), "run: make docs"
