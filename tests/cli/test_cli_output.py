"""What is written where: JSON on every subcommand, plain text without a terminal, and no secret anywhere."""

import json
import signal
from pathlib import Path

import pytest

from tests.cli.on_terminal import OnTerminal
from tests.cli.terminal import FOUND, Terminal
from tests.unit.test_state import refused, stuck

ESCAPE = "\x1b"

SUBCOMMANDS = ("status", "check", "seed", "rotate", "promote", "reject", "rollback", "register")


# JSON.


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
@pytest.mark.parametrize(
    "words",
    [("--yes",), (), ("nobody", "--yes"), ("--nonsense",), ("--stack", "x"), ("a", "b", "c")],
    ids=lambda words: "-".join(words),
)
def test_every_subcommand_answers_one_json_document_whatever_happens(
    terminal: Terminal, subcommand: str, words: tuple[str, ...]
) -> None:
    typed = terminal.type(subcommand, *words, "--json", "--debug")
    document = typed.document
    assert isinstance(document, dict)
    assert ("error" in document) is (typed.code in (1, 2)) or document.get("outcome") == "not-yet"


def test_the_words_of_the_command_line_are_refused_in_json_too(terminal: Terminal) -> None:
    for words in ((), ("nonsense",), ("--nonsense",)):
        typed = terminal.type(*words, "--json", found=())
        assert "spapi-rotation --help" in typed.error("Usage")
        assert typed.code == 2


def test_in_text_data_goes_to_stdout_and_messages_to_stderr(terminal: Terminal) -> None:
    terminal.meanwhile = terminal.world.drain
    typed = terminal.type("rotate", "shop", "--yes")
    assert typed.out.count("\n") == 1
    assert typed.err.count("\n") > 3
    failed = terminal.type("rotate", "shop", "--yes")
    assert failed.out == ""
    assert failed.err.splitlines()[-1].startswith("What to do: ")


# Plain and coloured.


@pytest.mark.parametrize("variable", [None, "FORCE_COLOR", "TTY_COMPATIBLE", "GITHUB_ACTIONS"])
def test_without_a_terminal_the_text_is_plain_and_not_wrapped(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    if variable is not None:
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("COLUMNS", "40")
    stuck(terminal.world)
    typed = terminal.type("status")
    assert ESCAPE not in typed.out + typed.err
    assert max(len(line) for line in typed.out.splitlines()) > 80
    assert not [line for line in typed.out.splitlines() if line != line.rstrip()]


def test_what_could_steer_a_terminal_is_taken_out(terminal: Terminal) -> None:
    status = terminal.type("status", "--json").document["applications"][0]["status"]
    request = {"requested_at": None, "trigger": "cli", "reference": f"{ESCAPE}]0;x\x07", "outcome": "refused"}
    terminal.aws.function.answers["status"] = {"protocol": 1, "status": {**status, "last_request": request}}
    shown = terminal.type("status").out
    assert "refused; made at an unknown time by cli (?]0;x?)" in shown


pytestmark_terminal = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")


@pytestmark_terminal
def test_on_a_real_terminal_the_secret_is_not_echoed_and_kept_nowhere(tmp_path: Path) -> None:
    on = OnTerminal(tmp_path, "seed", "shop", "--debug", CONTROL="control-in-the-environment")
    on.until("not shown")
    secret = on.file.read_text()
    on.until_hidden()
    on.enter(secret)
    on.until("Enter if unknown")
    on.enter("2026-03-01")
    on.until("[y/N]")
    kept = on.kept()
    on.enter("y")
    assert on.end() == 0, on.shown
    assert "State: CURRENT" in on.shown
    assert secret not in on.shown
    assert secret not in kept
    # The controls: the typed date is echoed, and what is in arguments and environment is found.
    assert on.shown.count("2026-03-01") >= 2
    assert "control-in-the-environment" in kept
    assert "tests.cli.pty_program" in kept


@pytestmark_terminal
@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_is_for_terminals_and_no_color_is_honoured(
    tmp_path: Path, environment: dict[str, str], coloured: bool
) -> None:
    for words, code in ((("status",), 3), (("rotate", "shop", "--force", "--yes"), 1)):
        on = OnTerminal(tmp_path, *words, **environment)
        assert on.end() == code
        assert (ESCAPE in on.shown) is coloured
        assert "UNSEEDED" in on.shown


@pytestmark_terminal
def test_on_a_narrow_terminal_lines_are_wrapped_and_commands_are_not_cut(tmp_path: Path) -> None:
    on = OnTerminal(tmp_path, "status", "--region", "x" * 60, NO_COLOR="1", COLUMNS="60")
    on.end()
    lines = on.shown.replace("\r", "").splitlines()
    assert max(len(line) for line in lines[1:] if "spapi" not in line) <= 60
    assert lines[-5] == f"  next command   spapi-rotation seed shop --region {'x' * 60}"
    assert [line for line in lines if line.startswith(" " * 17)]


@pytestmark_terminal
def test_ctrl_c_at_a_prompt_does_nothing(tmp_path: Path) -> None:
    on = OnTerminal(tmp_path, "seed", "shop")
    on.until("not shown")
    on.until_hidden()
    on.process.send_signal(signal.SIGINT)  # a session without a controlling terminal gets none from a key
    assert on.end() == 1
    assert "Nothing was done." in on.shown


# The search for canaries itself.


def test_the_search_for_canaries_finds_them(terminal: Terminal) -> None:
    canary = terminal.world.amazon.newest.text
    terminal.type("check")
    terminal.said.append(f"xx{canary}xx")
    with pytest.raises(AssertionError):
        from tests.unit.support import assert_silent

        assert_silent(terminal.world, *terminal.said)
    terminal.said.pop()


def test_json_is_the_same_with_and_without_a_terminal(terminal: Terminal) -> None:
    refused(terminal.world)
    one = terminal.type("status", "--json")
    terminal.person = True
    assert json.loads(one.out) == terminal.type("status", "--json").document
    assert one.out.startswith("{\n")
    assert " ".join(FOUND) in one.out
