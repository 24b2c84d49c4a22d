"""``rotate``: asks, requests, and watches until the secret is in use or a person is needed."""

from datetime import timedelta

import pytest

from spapi_rotation_cli.advice import STATES
from tests.cli.fake_aws import client_error
from tests.cli.terminal import FOUND, Terminal, parsed
from tests.fakes.world import CLIENT_ID
from tests.unit.requesting import REFUSED, UNCLEAR, answer_next
from tests.unit.test_state import unseeded

OPTIONS = " ".join(FOUND)


def asked_of(terminal: Terminal) -> list[str]:
    return [event["operator"] for event in terminal.aws.function.events]


def test_a_rotation_is_watched_to_its_end(terminal: Terminal) -> None:
    world = terminal.world
    terminal.person, terminal.meanwhile = True, world.drain
    old = world.labels()["AWSCURRENT"]
    typed = terminal.type("rotate", "shop", answers="y\n")
    new = world.labels()["AWSCURRENT"]
    assert new != old
    assert typed.code == 0
    assert typed.out == f"shop: in use: version {new}, expires 2026-08-29 12:00 UTC\n"
    assert typed.err.splitlines() == [
        "shop (…89abcdef): CURRENT, in use, nothing to do.",
        f"Amazon is asked for a new client secret of shop. The one in use, version {old}, works for 7 more days.",
        "Go on? [y/N] shop: requested at 2026-03-02T12:00:00.000Z; Amazon confirmed it (204)",
        f"2026-03-02 12:00 UTC  REQUESTED: {STATES['REQUESTED'].words}",
        f"2026-03-02 12:00 UTC  CURRENT: {STATES['CURRENT'].words}",
        "State: CURRENT, in use, nothing to do.",
    ]
    assert asked_of(terminal) == ["applications", "status", "request", "status"]
    assert terminal.aws.function.events[2]["force"] is False


def test_a_line_only_when_something_changed(terminal: Terminal) -> None:
    world = terminal.world
    world.amazon.usable_after = timedelta(minutes=4)
    sleeps = iter(range(1000))

    def meanwhile() -> None:
        number = next(sleeps)
        if number == 10:
            world.drain()
        if number == 70:
            world.check()

    terminal.meanwhile = meanwhile
    typed = terminal.type("rotate", "shop", "--yes")
    assert typed.code == 0
    assert [line.split()[3] for line in typed.err.splitlines() if line.startswith("2026")] == [
        "REQUESTED:",
        "RECEIVED:",
        "CURRENT:",
    ]
    assert asked_of(terminal).count("status") == 72


def test_no_wait_ends_at_the_request(terminal: Terminal) -> None:
    typed = terminal.type("rotate", "shop", "--yes", "--no-wait", "--json")
    assert typed.code == 0
    assert (typed.document["outcome"], typed.document["after"]["state"]) == ("requested", "REQUESTED")
    assert asked_of(terminal) == ["applications", "status", "request"]


def test_a_declined_rotation_says_until_when(terminal: Terminal) -> None:
    terminal.meanwhile = terminal.world.drain
    assert terminal.type("rotate", "shop", "--yes").code == 0
    typed = terminal.type("rotate", "shop", "--yes")
    assert typed.code == 1
    assert typed.out == ""
    assert "the last rotation forbids another one until 2026-03-09T12:00:00.000Z" in typed.err
    assert "What to do: Wait until then" in typed.err
    assert "2026-03-09" in terminal.type("rotate", "shop", "--yes", "--json").error("TooSoon")
    assert terminal.world.amazon.posts == 1


def test_a_refused_rotation_says_what_amazon_said(terminal: Terminal) -> None:
    answer_next(terminal.world, REFUSED)
    typed = terminal.type("rotate", "shop", "--yes", "--json")
    assert "400, InvalidInput" in typed.error("RequestRefused")
    assert typed.code == 1


def test_without_credentials_nothing_is_requested(terminal: Terminal) -> None:
    unseeded(terminal.world)
    assert terminal.type("rotate", "shop", "--yes", "--json").error("NotSeeded")


@pytest.mark.parametrize("answers", ["n\n", "\n", ""])
def test_without_a_yes_nothing_is_requested(terminal: Terminal, answers: str) -> None:
    terminal.person = True
    typed = terminal.type("rotate", "shop", answers=answers)
    assert typed.code == 1
    assert "request" not in asked_of(terminal)


# --force.


def test_force_says_what_is_unknown_and_wants_the_name_typed(terminal: Terminal) -> None:
    terminal.meanwhile = terminal.world.drain
    terminal.type("rotate", "shop", "--yes")
    terminal.person = True
    for answers in ("y\n", "yes\n", "shops\n", "\n"):
        typed = terminal.type("rotate", "shop", "--force", answers=answers)
        assert typed.code == 1
        assert "It is unknown what Amazon does to the older client secrets" in typed.err
        assert "Type shop to go on:" in typed.err
    assert terminal.world.amazon.posts == 1
    assert terminal.type("rotate", "shop", "--force", answers="shop\n").code == 0
    assert terminal.world.amazon.posts == 2
    assert [event["force"] for event in terminal.aws.function.events if event["operator"] == "request"] == [False, True]


def test_force_without_a_person_says_the_same(terminal: Terminal) -> None:
    terminal.meanwhile = terminal.world.drain
    terminal.type("rotate", "shop", "--yes")
    assert terminal.type("rotate", "shop", "--force").code == 2
    typed = terminal.type("rotate", "shop", "--force", "--yes")
    assert typed.code == 0
    assert "It is unknown what Amazon does" in typed.err


# How watching ends.


def test_time_over_is_no_failure_of_the_rotation(terminal: Terminal) -> None:
    typed = terminal.type("rotate", "shop", "--yes", "--timeout", "12", "--json")
    assert typed.code == 1
    assert typed.document["outcome"] == "not-yet"
    assert asked_of(terminal).count("status") == 4
    assert "Nothing is wrong: the function goes on by itself" in typed.document["result"]
    command = next(line for line in typed.err.splitlines() if line.startswith("To look again: "))
    assert command == f"To look again: spapi-rotation status shop {OPTIONS}"
    parsed(command.removeprefix("To look again: "))


def test_an_application_without_a_schedule_is_looked_at_again_by_its_client_id(terminal: Terminal) -> None:
    terminal.aws.function.answers["applications"] = {"protocol": 1, "applications": []}
    typed = terminal.type("rotate", "--client-id", CLIENT_ID, "--yes", "--timeout", "0")
    command = next(line for line in typed.err.splitlines() if line.startswith("To look again: "))
    assert command == f"To look again: spapi-rotation status --client-id {CLIENT_ID} {OPTIONS}"


def test_the_version_that_was_in_use_before_is_no_end(terminal: Terminal) -> None:
    before = terminal.type("status", "--json").document["applications"][0]["status"]

    def meanwhile() -> None:
        terminal.aws.function.answers["status"] = {"protocol": 1, "status": before}

    terminal.meanwhile = meanwhile
    typed = terminal.type("rotate", "shop", "--yes", "--timeout", "12", "--json")
    assert (typed.document["outcome"], typed.document["after"]["state"]) == ("not-yet", "CURRENT")


def test_the_default_is_ten_minutes(terminal: Terminal) -> None:
    started = terminal.world.clock.now()
    assert terminal.type("rotate", "shop", "--yes").code == 1
    assert terminal.world.clock.now() - started == timedelta(seconds=600)


def test_a_request_that_becomes_overdue_needs_a_person(terminal: Terminal) -> None:
    typed = terminal.type("rotate", "shop", "--yes", "--timeout", "7200", "--json")
    assert typed.code == 3
    assert typed.document["outcome"] == "needs-a-person"
    assert typed.document["next"] == [
        f"spapi-rotation register {OPTIONS}",
        f"spapi-rotation rotate shop --force {OPTIONS}",
    ]


def test_a_secret_that_gets_stuck_is_broken(terminal: Terminal) -> None:
    world = terminal.world
    world.amazon.usable_after = timedelta(days=30)

    def meanwhile() -> None:
        world.drain()
        world.clock.advance(hours=12)

    terminal.meanwhile = meanwhile
    typed = terminal.type("rotate", "shop", "--yes", "--timeout", str(7 * 86400))
    assert typed.code == 4
    assert f"Next: spapi-rotation promote shop {OPTIONS}" in typed.err


def test_a_look_that_fails_is_made_again(terminal: Terminal) -> None:
    world = terminal.world

    def meanwhile() -> None:
        world.drain()
        terminal.meanwhile = lambda: None
        terminal.aws.function.fail("status", client_error("TooManyRequestsException"), {"errorMessage": "x"})

    terminal.meanwhile = meanwhile
    typed = terminal.type("rotate", "shop", "--yes")
    assert typed.code == 0
    assert typed.err.count("No answer this time: ") == 2


def test_a_right_that_is_taken_away_ends_the_watching(terminal: Terminal) -> None:
    terminal.meanwhile = lambda: terminal.aws.function.fail("status", client_error("AccessDeniedException"))
    assert terminal.type("rotate", "shop", "--yes", "--json").error("AccessDenied")


def test_an_unclear_answer_is_watched_too(terminal: Terminal) -> None:
    answer_next(terminal.world, UNCLEAR, rotates=True)
    terminal.meanwhile = terminal.world.drain
    typed = terminal.type("rotate", "shop", "--yes")
    assert typed.code == 0
    assert "Amazon's answer was unclear" in typed.err


def test_stopping_to_watch_stops_nothing_else(terminal: Terminal) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    terminal.meanwhile = interrupt
    typed = terminal.type("rotate", "shop", "--yes", "--json")
    assert typed.code == 130
    assert (typed.document["outcome"], typed.document["after"]["state"]) == ("stopped", "REQUESTED")


def test_an_interrupted_invocation_may_have_acted(terminal: Terminal) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    terminal.aws.function.just_before["request"] = interrupt
    typed = terminal.type("rotate", "shop", "--yes", "--json")
    assert "may have completed" in typed.error("Stopped")
    assert typed.code == 130


def test_a_rotation_of_another_operator_meanwhile_is_not_doubled(terminal: Terminal) -> None:
    def other() -> None:
        terminal.aws.function.just_before.clear()
        terminal.world.amazon.rotate_by_hand()
        terminal.world.drain()

    terminal.aws.function.just_before["request"] = other
    assert "Nothing was done" in terminal.type("rotate", "shop", "--yes", "--force", "--json").error("Changed")
    assert terminal.world.amazon.posts == 0
