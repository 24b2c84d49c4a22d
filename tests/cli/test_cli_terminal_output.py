"""What is written to a terminal, and what is asked at one, in this process: the streams are a terminal's."""

import getpass
import io
import sys
import threading
import time
import warnings
from collections.abc import Callable

import pytest

from spapi_rotation_cli import progress, prompts
from spapi_rotation_cli.errors import CommandError, UsageProblem
from spapi_rotation_cli.output import Output
from spapi_rotation_cli.progress import ProgressLine, Waiting


class Screen(io.StringIO):
    """A terminal, forty columns wide."""

    def isatty(self) -> bool:
        return True


def screens(monkeypatch: pytest.MonkeyPatch) -> tuple[Screen, Screen]:
    """Stdout and stderr. No fixture: pytest sets its own streams when a test begins."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    made = Screen(), Screen()
    monkeypatch.setattr(sys, "stdout", made[0])
    monkeypatch.setattr(sys, "stderr", made[1])
    return made


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting is shown from its beginning, and drawn all the time."""
    monkeypatch.setattr(progress, "SILENT_SECONDS", -1.0)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.001)


def left_on(text: str) -> str:
    """What is left of a line once every carriage return has been obeyed."""
    left = ""
    for piece in text.split("\r"):
        left = piece + left[len(piece) :]
    return left.rstrip()


class Drawn:
    """What a progress line writes, and a way to wait for it."""

    def __init__(self) -> None:
        self.text = ""
        self._wrote = threading.Condition()

    def write(self, text: str) -> None:
        with self._wrote:
            self.text += text
            self._wrote.notify_all()

    def until(self, found: Callable[[str], bool]) -> str:
        with self._wrote:
            assert self._wrote.wait_for(lambda: found(self.text), timeout=30), self.text
            return self.text


# Waiting.


@pytest.mark.usefixtures("at_once")
def test_the_outermost_waiting_is_shown_until_it_ends_and_nothing_is_left() -> None:
    drawn = Drawn()
    line = ProgressLine(drawn.write, lambda: 30)
    outer, inner = Waiting("Reading the status of everything"), Waiting("inner")
    line.begin(outer)
    line.begin(inner)
    text = drawn.until(lambda text: "Reading" in text)
    assert text.startswith("\rReading the status of everyth")
    assert len(left_on(text)) == 29, "one column less than the terminal has, so that no line begins"
    line.end(outer)
    drawn.until(lambda text: "\rinner: 0 s" in text)
    line.end(inner)
    assert left_on(drawn.text) == ""
    before = drawn.text
    line.clear()
    assert drawn.text == before, "what is not shown is not cleared"


@pytest.mark.usefixtures("at_once")
def test_after_its_end_it_can_begin_again_and_only_one_draws() -> None:
    drawn = Drawn()
    line = ProgressLine(drawn.write, lambda: 80)
    for text in ("first", "second"):
        waiting = Waiting(text)
        line.begin(waiting)
        drawn.until(lambda seen, text=text: f"\r{text}: " in seen)  # type: ignore[misc]
        line.end(waiting)
    assert left_on(drawn.text) == ""
    assert drawn.text.rindex("first") < drawn.text.index("second")


def test_who_waits_for_a_moment_only_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENT_SECONDS", 1000.0)
    monkeypatch.setattr(progress, "REDRAW_SECONDS", 0.001)
    looked = threading.Event()
    waiting = Waiting("a moment")
    line_of = waiting.line

    def looking() -> str:
        looked.set()
        return line_of()

    monkeypatch.setattr(waiting, "line", looking)
    drawn = Drawn()
    line = ProgressLine(drawn.write, lambda: 80)
    line.begin(waiting)
    assert looked.wait(30)
    line.end(waiting)
    assert drawn.text == ""


@pytest.mark.usefixtures("at_once")
def test_a_terminal_shows_what_is_waited_for_and_takes_it_back_before_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err = screens(monkeypatch)
    output = Output(as_json=False, debug=True)
    with output.waiting("Reading\x1b", 2) as waiting:
        deadline = time.monotonic() + 30
        while "Reading?: 0 of 2, 0 s" not in err.getvalue() and time.monotonic() < deadline:
            time.sleep(0.001)
        assert waiting.over("one") == "one"
        output.debug("asked")
    assert "Reading?: 0 of 2, 0 s" in err.getvalue()
    assert " \rdebug: asked\n" in err.getvalue()
    assert left_on(err.getvalue().rpartition("\n")[2]) == ""
    assert out.getvalue() == ""


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("as_json", "kind"), [(True, "xterm"), (False, "dumb")])
def test_neither_json_nor_a_terminal_that_takes_no_line_back_is_shown_it(
    monkeypatch: pytest.MonkeyPatch, as_json: bool, kind: str
) -> None:
    _, err = screens(monkeypatch)
    monkeypatch.setenv("TERM", kind)
    output = Output(as_json=as_json, debug=False)
    assert output._progress is None
    with output.waiting("Reading") as waiting:
        assert waiting.over(1) == 1
    assert err.getvalue() == ""


# Lines.


def test_on_a_terminal_a_labelled_text_is_wrapped_and_indented_and_a_command_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, _ = screens(monkeypatch)
    output = Output(as_json=False, debug=False)
    output.labelled("problem", "the queue holds a message that nobody has taken\nsecond")
    output.labelled("next command", "spapi-rotation discard message-0 --force --yes", wrap=False)
    output.labelled("last", "")
    assert out.getvalue().splitlines() == [
        "  problem        the queue holds a",
        "                 message that nobody has",
        "                 taken",
        "                 second",
        "  next command   spapi-rotation discard message-0 --force --yes",
        "  last           ",
    ]


# Questions.


@pytest.mark.parametrize("terminal", [True, False])
def test_a_person_can_answer_at_a_terminal_only(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.setattr(sys, "stdin", Screen() if terminal else io.StringIO())
    assert prompts.interactive() is terminal


def test_a_client_secret_is_not_asked_for_where_it_would_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(prompt: str, stream: object = None) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        return pytest.fail("It was asked for.")

    monkeypatch.setattr(getpass, "getpass", shown)
    with pytest.raises(UsageProblem, match="cannot hide what you type") as refused:
        prompts.hidden_secret()
    assert "--from-stdin" in refused.value.remedy


def test_an_interrupted_question_is_a_no(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Interrupted(Screen):
        def readline(self, *_: object) -> str:  # type: ignore[override]
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    with pytest.raises(CommandError, match="Nothing was done"):
        prompts.confirm("Go on?", yes=False)
    assert capsys.readouterr().err == "Go on? [y/N] \n"
