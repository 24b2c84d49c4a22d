"""``check``, ``promote``, ``reject``, ``rollback``, ``register``: what is shown before, what is asked, what is sent."""

from datetime import timedelta

import pytest

from spapi_rotation_lambda.domain.labels import Label
from tests.cli.fake_aws import ARN, client_error
from tests.cli.terminal import FOUND, Terminal
from tests.fakes.world import CLIENT_ID, QUEUE_ARN, SCHEDULE_ARN, World

SUBCOMMANDS = ("promote", "reject", "rollback")


def pending(world: World) -> None:
    """A new secret has come, and Amazon does not accept it yet."""
    world.amazon.usable_after = timedelta(hours=3)
    world.amazon.rotate_by_hand()
    world.drain()


def rotated(world: World) -> None:
    world.amazon.rotate_by_hand()
    world.drain()


PREPARED = [("promote", pending), ("reject", pending), ("rollback", rotated)]


def test_promote_shows_which_version_and_confirms(terminal: Terminal) -> None:
    pending(terminal.world)
    labels = terminal.world.labels()
    terminal.person = True
    typed = terminal.type("promote", "shop", answers="y\n")
    assert typed.code == 0
    assert typed.err.splitlines()[:3] == [
        "shop (…89abcdef): RECEIVED, a new secret is pending until Amazon accepts it; each check tries again.",
        f"Version {labels['AWSPENDING']}, pending, is put into use without asking Amazon whether it is accepted. "
        f"Version {labels['AWSCURRENT']}, in use now, becomes the previous one.",
        "Go on? [y/N] State: CURRENT, in use, nothing to do.",
    ]
    assert typed.out == f"shop: in use: version {terminal.world.labels()['AWSCURRENT']}\n"
    assert terminal.world.value() == terminal.world.value("ROTATION_RECEIVED")


def test_promote_takes_the_rejected_one_where_none_is_pending(terminal: Terminal) -> None:
    pending(terminal.world)
    terminal.type("reject", "shop", "--yes")
    rejected = terminal.world.labels()["REJECTED"]
    typed = terminal.type("promote", "shop", "--yes")
    assert f"Version {rejected}, rejected, is put into use" in typed.err
    assert typed.code == 0


@pytest.mark.parametrize(("label", "word"), [(Label.REJECTED, "rejected"), (Label.PENDING, "pending")])
def test_promote_of_what_is_in_use_already_is_asked_about_too(terminal: Terminal, label: Label, word: str) -> None:
    world = terminal.world
    in_use = world.labels()["AWSCURRENT"]
    world.store.move(world.secret_id, label, to=in_use, away_from=None)
    terminal.person = True
    typed = terminal.type("promote", "shop", answers="n\n")
    assert f"Version {in_use} is in use already. It stays in use, and is no longer {word}." in typed.err
    assert label in world.labels()
    assert terminal.type("promote", "shop", answers="y\n").code == 0
    assert label not in world.labels()


def test_reject_shows_which_version_and_confirms(terminal: Terminal) -> None:
    pending(terminal.world)
    labels = terminal.world.labels()
    terminal.person = True
    typed = terminal.type("reject", "shop", answers="yes\n")
    assert typed.code == 0
    assert f"Version {labels['AWSPENDING']}, pending, is rejected" in typed.err
    assert f"Version {labels['AWSCURRENT']} stays in use" in typed.err
    assert typed.out == f"shop: rejected: version {labels['AWSPENDING']}\n"
    assert f"Next: spapi-rotation promote shop {' '.join(FOUND)}" in typed.err
    assert terminal.world.labels()["REJECTED"] == labels["AWSPENDING"]


def test_rollback_shows_which_version_and_confirms(terminal: Terminal) -> None:
    before = terminal.world.value()
    rotated(terminal.world)
    labels = terminal.world.labels()
    terminal.person = True
    typed = terminal.type("rollback", "shop", answers="y\n")
    assert typed.code == 0
    assert f"The client secret of version {labels['AWSPREVIOUS']}, the previous one, is put into use again" in typed.err
    assert f"Version {labels['AWSCURRENT']}, in use now, is rejected" in typed.err
    now = terminal.world.value()
    assert now is not None
    assert before is not None
    assert now["client_secret"] == before["client_secret"]


@pytest.mark.parametrize("subcommand", ["promote", "reject", "rollback"])
def test_nothing_to_do_is_not_asked_about(terminal: Terminal, subcommand: str) -> None:
    terminal.person = True
    typed = terminal.type(subcommand, "shop")
    assert typed.code == 1
    assert "Go on?" not in typed.err
    assert "What to do: " in typed.err
    assert terminal.type(subcommand, "shop", "--json").error("NothingToDo")


@pytest.mark.parametrize(("subcommand", "prepare"), PREPARED)
def test_yes_asks_nothing(terminal: Terminal, subcommand: str, prepare: object) -> None:
    assert callable(prepare)
    prepare(terminal.world)
    typed = terminal.type(subcommand, "shop", "--yes", "--json")
    assert typed.code == 0
    assert "Go on?" not in typed.err
    assert typed.document["action"] == subcommand
    assert typed.document["before"]["seen"] != typed.document["after"]["seen"]


@pytest.mark.parametrize(("subcommand", "prepare"), PREPARED)
@pytest.mark.parametrize("answers", ["n\n", "\n", "", "yep\n"])
def test_without_a_yes_nothing_is_done(terminal: Terminal, subcommand: str, prepare: object, answers: str) -> None:
    assert callable(prepare)
    prepare(terminal.world)
    before = terminal.world.labels()
    terminal.person = True
    typed = terminal.type(subcommand, "shop", answers=answers)
    assert typed.code == 1
    assert "Not confirmed. Nothing was done." in typed.err
    assert terminal.world.labels() == before


@pytest.mark.parametrize(("subcommand", "prepare"), PREPARED)
def test_what_changed_since_it_was_shown_is_left_alone(terminal: Terminal, subcommand: str, prepare: object) -> None:
    assert callable(prepare)
    prepare(terminal.world)
    world = terminal.world

    def moved() -> None:
        world.store.move(world.secret_id, Label.REFUSED, to=world.labels()["AWSCURRENT"], away_from=None)

    terminal.aws.function.just_before[subcommand] = moved
    typed = terminal.type(subcommand, "shop", "--yes", "--json")
    assert "the secret has changed since you looked. Nothing was done." in typed.error("Changed")
    assert world.value("AWSCURRENT") is not None
    assert "REJECTED" not in world.labels()


@pytest.mark.parametrize("subcommand", ["seed", "rotate", *SUBCOMMANDS])
def test_without_a_terminal_yes_is_needed_and_nothing_is_asked_of_aws(terminal: Terminal, subcommand: str) -> None:
    typed = terminal.type(subcommand, "shop")
    assert typed.code == 2
    assert typed.out == ""
    assert "there is no terminal to ask. Nothing was done.\nWhat to do: Add --yes." in typed.err
    assert terminal.type(subcommand, "shop", "--json").error("NotConfirmed")
    assert not terminal.aws.function.events


def test_check_promotes_what_is_pending(terminal: Terminal) -> None:
    pending(terminal.world)
    typed = terminal.type("check", "shop")
    assert typed.out == "shop: checked: RECEIVED\n"
    terminal.world.clock.advance(hours=3)
    typed = terminal.type("check")
    assert (typed.code, typed.out) == (0, "shop: checked: CURRENT\n")
    assert terminal.type("check", "--json").document["result"] == "checked: CURRENT"


def test_register_prints_the_steps_and_nothing_else(terminal: Terminal) -> None:
    typed = terminal.type("register")
    assert (typed.code, typed.err) == (0, "")
    assert QUEUE_ARN in typed.out
    assert typed.out.startswith("1. Sign in")
    document = terminal.type("register", "--json").document
    assert document["queue_arn"] == QUEUE_ARN
    assert "\n".join(document["steps"]) + "\n" == typed.out
    assert set(terminal.aws.function.events[0]) == {"operator", "protocol"}


def test_an_application_is_found_by_its_client_id(terminal: Terminal) -> None:
    assert terminal.type("check", "--client-id", CLIENT_ID).out == "shop: checked: CURRENT\n"
    event = terminal.aws.function.events[-1]
    assert (event["client_id"], event["application"], event["schedule_arn"]) == (CLIENT_ID, "shop", SCHEDULE_ARN)


def test_who_asks_is_sent_with_what_acts_and_asked_for_once(terminal: Terminal) -> None:
    terminal.type("status")
    assert terminal.aws.sts.calls == 0
    terminal.type("check")
    assert terminal.aws.sts.calls == 1
    assert [event.get("who") for event in terminal.aws.function.events] == [*[None] * 5, ARN]
    assert ("operator_action", ARN) in [
        (event, more.get("claimed_by")) for event, more in terminal.world.recorder.lines
    ]


def test_not_knowing_who_asks_stops_nothing(terminal: Terminal) -> None:
    terminal.aws.sts.failure = client_error("AccessDenied", "canary", "GetCallerIdentity")
    typed = terminal.type("check", "--debug")
    assert typed.code == 0
    assert terminal.aws.function.events[-1]["who"] == ""
    assert "debug: who you are: AccessDenied, request id request-7" in typed.err
