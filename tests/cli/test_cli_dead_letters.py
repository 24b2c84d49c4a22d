"""``dead-letters``, ``redrive`` and ``discard``: shown without bodies, handled again, deleted when nothing is lost."""

import pytest

from spapi_rotation_cli import dead_letters
from tests.cli.terminal import Terminal
from tests.fakes.world import CLIENT_ID, World


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> None:
    monkeypatch.setattr(dead_letters, "time", terminal)


def dead_secret(world: World) -> str:
    new = world.amazon.rotate_by_hand(message=False)
    body = world.amazon.message(new, world.amazon.ever[-2].expires_at)
    world.queue.dead.append(body)
    return body


def test_none_is_said(terminal: Terminal) -> None:
    typed = terminal.type("dead-letters")
    assert (typed.code, typed.err) == (0, "")
    assert typed.out == "Dead letters: 0 visible, 0 hidden by somebody who looks at them.\n"


def test_they_are_shown_without_their_bodies_and_with_the_next_command(terminal: Terminal) -> None:
    dead_secret(terminal.world)
    terminal.world.queue.dead.append("canary-typed-garbage")
    typed = terminal.type("dead-letters")
    assert "message-0" in typed.out
    assert CLIENT_ID in typed.out
    assert "a client secret that is stored nowhere else" in typed.out
    assert "it is not JSON" in typed.out
    assert "spapi-rotation redrive" in typed.err
    document = terminal.type("dead-letters", "--json").document
    assert [each["kind"] for each in document["messages"]] == ["new-secret", "unknown"]
    assert (document["visible"], document["hidden"]) == (2, 0)


def test_that_there_are_more_is_said(terminal: Terminal) -> None:
    terminal.world.queue.dead += [f"canary-typed-garbage-{number}" for number in range(51)]
    typed = terminal.type("dead-letters")
    assert typed.out.count("\nmessage-") == 50
    assert "50 of them are shown." in typed.err


def test_redrive_says_what_became_of_each_and_fails_where_one_stays(terminal: Terminal) -> None:
    dead_secret(terminal.world)
    terminal.world.queue.dead.append("canary-typed-garbage")
    terminal.person = True
    typed = terminal.type("redrive", answers="y\n")
    assert typed.code == 1
    assert "1 handled again. 1 could not be handled, and stays." in typed.out
    assert "stored" in typed.out
    assert "What to do:" in typed.out
    assert (terminal.world.value() or {})["client_secret"] == terminal.world.amazon.newest.text
    assert terminal.world.queue.dead == ["canary-typed-garbage"]


def test_redrive_of_all_is_a_success_and_none_is_said(terminal: Terminal) -> None:
    dead_secret(terminal.world)
    assert terminal.type("redrive", "--yes").code == 0
    typed = terminal.type("redrive", "--yes")
    assert (typed.code, typed.out) == (0, "There was none.\n")
    assert terminal.type("redrive", "--yes", "--json").document == {"messages": []}


def test_discard_shows_the_message_and_confirms(terminal: Terminal) -> None:
    terminal.world.queue.dead.append("canary-typed-garbage")
    terminal.person = True
    for options in ((), ("--json",)):
        declined = terminal.type("discard", "message-0", *options, answers="n\n")
        assert declined.code == 1
        assert "Message message-0 of kind unknown" in declined.err
        assert terminal.world.queue.dead
    typed = terminal.type("discard", "message-0", answers="y\n")
    assert (typed.code, "Discarded: message-0" in typed.out) == (0, True)
    assert not terminal.world.queue.dead


def test_a_secret_that_is_stored_nowhere_else_wants_force_and_a_word(terminal: Terminal) -> None:
    body = dead_secret(terminal.world)
    refused = terminal.type("discard", "message-0", "--yes", "--json")
    assert refused.code == 1
    assert "redrive" in refused.error("StillNeeded")
    terminal.person = True
    unconfirmed = terminal.type("discard", "message-0", "--force", answers="y\n")
    assert (unconfirmed.code, "stored nowhere else" in unconfirmed.err) == (1, True)
    assert terminal.world.queue.dead == [body]
    assert terminal.type("discard", "message-0", "--force", answers="discard\n").code == 0
    assert terminal.world.queue.dead == []


def test_a_message_that_is_not_there_is_said(terminal: Terminal) -> None:
    terminal.person = True
    typed = terminal.type("discard", "message-7", answers="y\n")
    assert (typed.code, "spapi-rotation dead-letters" in typed.err) == (1, True)
    assert "message-7" not in typed.err
    terminal.type("discard", "message-7", "--yes", "--json").error("NothingToDo")


@pytest.mark.parametrize("words", [("redrive",), ("discard", "message-0")])
def test_without_a_person_and_yes_nothing_is_done(terminal: Terminal, words: tuple[str, ...]) -> None:
    dead_secret(terminal.world)
    typed = terminal.type(*words)
    assert (typed.code, "--yes" in typed.err) == (2, True)
    assert len(terminal.world.queue.dead) == 1


def test_an_answer_of_another_shape_is_said(terminal: Terminal) -> None:
    terminal.aws.function.answers["dead_letters"] = {"protocol": 1, "action": "dead_letters", "messages": "many"}
    terminal.type("dead-letters", "--json").error("UnexpectedAnswer")
