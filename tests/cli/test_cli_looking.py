"""``doctor`` and ``history``: what they show, in which order, with which exit code; they change nothing."""

from typing import Any

import pytest

from spapi_rotation_cli import history
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.surroundings import LogLine
from spapi_rotation_lambda.use_cases.history import EVENTS
from tests.cli.fake_aws import ARN, client_error
from tests.cli.terminal import FOUND, Terminal, parsed
from tests.fakes.world import CLIENT_ID, QUEUE_ARN, FakeSurroundings, World
from tests.unit.test_state import expired, stuck

OPTIONS = " ".join(FOUND)


@pytest.fixture
def seen(terminal: Terminal) -> Terminal:
    """Everything has been seen: a rotation came, and Amazon's list names the queue."""
    terminal.type("rotate", "shop", "--yes", "--no-wait")
    terminal.world.clock.advance(minutes=1)
    terminal.world.drain()
    terminal.world.amazon.known_queues = [QUEUE_ARN]
    return terminal


# The doctor.


def test_the_screen_when_nothing_is_wrong(seen: Terminal) -> None:
    typed = seen.type("doctor")
    assert typed.code == 0
    lines = typed.out.splitlines()
    assert lines[0] == "Component"
    assert lines[1] == "  ✓ permissions    The function may look at everything."
    assert "shop (…89abcdef)" in lines
    assert lines[-1] == "Nothing is wrong."
    assert "✗" not in typed.out
    assert "?" not in typed.out


def test_what_is_wrong_is_shown_with_its_remedy_and_command(seen: Terminal) -> None:
    seen.world.queue.policy = None
    stuck(seen.world)
    typed = seen.type("doctor", "shop")
    assert typed.code == 3
    lines = typed.out.splitlines()
    (where,) = (number for number, line in enumerate(lines) if line.startswith("  ✗ queue"))
    assert lines[where + 1] == " " * 19 + "Put the statement back. For a queue of your own, add it to its policy."
    assert lines[where + 2] == " " * 19 + "pulumi up --refresh"
    command = f"spapi-rotation promote shop {OPTIONS}"
    assert " " * 19 + command in lines
    parsed(command)
    assert lines[-1].endswith(" wrong.")


def test_a_missing_right_is_unknown_and_named(seen: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> Any:
        raise StoreFailed("AWS failed a:B: AccessDenied.", remedy="-", denied="a:B")

    monkeypatch.setattr(FakeSurroundings, "alarms", denied)
    typed = seen.type("doctor")
    assert typed.code == 3
    assert "  ? alarms         unknown (needs a:B)\n" in typed.out
    assert "  ✗ permissions    The function's role lacks a:B.\n" in typed.out


def test_its_json_holds_every_check(seen: Terminal) -> None:
    expired(seen.world)
    typed = seen.type("doctor", "--json")
    assert typed.code == 3
    document = typed.document
    assert document["exit_code"] == 3
    assert [each["verdict"] for each in document["component"]] == ["ok"] * 10
    (shop,) = document["applications"]
    assert (shop["application"], shop["client_id"]) == ("shop", CLIENT_ID)
    (dates,) = (each for each in shop["findings"] if each["look"] == "dates")
    assert dates["verdict"] == "failed"
    assert dates["command"].startswith("spapi-rotation ")


def test_one_application_that_cannot_be_looked_at_does_not_hide_the_others(terminal: Terminal) -> None:
    other = World()
    other.seed()
    terminal.aws.function.add("outlet", other)

    def break_one() -> None:
        if terminal.aws.function.events[-1].get("client_id") == CLIENT_ID:
            terminal.aws.function.fail("doctor", client_error("TooManyRequestsException"))

    terminal.aws.function.just_before["doctor"] = break_one
    typed = terminal.type("doctor")
    assert typed.code == 1
    assert "shop (…89abcdef)\n  cannot be looked at. " in typed.out
    assert "outlet (…00000001)\n  ✓ permissions" in typed.out
    shop, outlet = sorted(
        terminal.type("doctor", "--json").document["applications"], key=lambda each: "findings" in each
    )
    assert shop["error"]["type"]
    assert outlet["application"] == "outlet"


@pytest.mark.parametrize("answer", [{}, {"findings": [{}]}, {"findings": "all"}])
def test_an_answer_of_another_shape_is_said(terminal: Terminal, answer: dict[str, object]) -> None:
    terminal.aws.function.answers["doctor"] = {"protocol": 1, "action": "doctor", **answer}
    terminal.type("doctor", "--json").error("UnexpectedAnswer")


def test_it_changes_nothing(seen: Terminal) -> None:
    labels, posts = seen.world.labels(), seen.world.amazon.posts
    seen.type("doctor")
    assert (seen.world.labels(), seen.world.amazon.posts) == (labels, posts)
    asked = [each["operator"] for each in seen.aws.function.events[-3:]]
    assert asked == ["applications", "doctor", "doctor"]
    assert "who" not in seen.aws.function.events[-1]


# The history.


def test_a_rotation_is_told(seen: Terminal) -> None:
    typed = seen.type("history", "shop")
    assert typed.code == 0
    lines = typed.out.splitlines()
    assert lines[0] == "2026-03-02T12:00:00.000Z  shop: a rotation was requested; Amazon confirmed it"
    assert lines[1] == " " * 17 + "mode ordinary, request id request-1, status 204, trigger cli"
    (by,) = (line for line in lines if "claimed by" in line)
    assert f"claimed by {ARN}" in by
    assert any(line.endswith("shop: Amazon accepts the new secret") for line in lines)
    assert typed.err.startswith(f"{sum(not line.startswith(' ') for line in lines)} events since 2026-01-31T12:")


def test_of_every_application_without_a_name(seen: Terminal) -> None:
    seen.world.recorder.log.append(LogLine(seen.world.clock.now(), {"message": "secret_stored", "client_id": "other"}))
    assert "other: a message with a new secret arrived" in seen.type("history").out
    assert "other:" not in seen.type("history", "--client-id", CLIENT_ID).out


def test_every_page_is_asked_for_with_the_same_beginning(seen: Terminal) -> None:
    seen.world.ports.log().page = 1  # type: ignore[attr-defined]
    document = seen.type("history", "--since", "2026-03-01", "--json").document
    assert len(document["events"]) >= 5
    assert document["since"] == "2026-03-01T00:00:00.000Z"
    asked = [each for each in seen.aws.function.events if each["operator"] == "history"]
    assert len(asked) == len(document["events"])
    assert {each["since"] for each in asked[1:]} == {"2026-03-01T00:00:00.000Z"}
    assert [each.get("cursor") for each in asked] == [None, *map(str, range(1, len(asked)))]


def test_a_wrong_date_is_said(terminal: Terminal) -> None:
    assert "since is neither a date nor a time" in terminal.type("history", "--since", "yesterday", "--json").error(
        "BadSettings"
    )


@pytest.mark.parametrize("page", [None, "x", ["x"]])
def test_a_history_of_another_shape_is_said(terminal: Terminal, page: object) -> None:
    terminal.aws.function.answers["history"] = {"protocol": 1, "action": "history", "events": page}
    terminal.type("history", "--json").error("UnexpectedAnswer")


def test_every_event_has_words() -> None:
    assert set(history.WORDS) == set(EVENTS)


def test_an_event_that_a_newer_function_has_is_shown_by_its_name(terminal: Terminal) -> None:
    event = {"at": "2026-03-01T12:00:00Z", "event": "something_new"}
    terminal.aws.function.answers["history"] = {"protocol": 1, "events": [event], "since": "x", "cursor": None}
    assert terminal.type("history").out == "2026-03-01T12:00:00Z  component: something_new\n"
