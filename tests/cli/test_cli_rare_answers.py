"""Answers that are seldom given: of another shape, without a date, or by an AWS that cannot be asked."""

import json
import runpy
import sys
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import BotoCoreError, NoCredentialsError, ParamValidationError, UnknownServiceError

from spapi_rotation_cli import client, dead_letters, failures, main, report_page, screen
from spapi_rotation_cli.answers import read_status
from spapi_rotation_cli.report_timeline import spans
from tests.cli.terminal import Terminal

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_module_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["spapi-rotation", "nonsense", "--json"])
    monkeypatch.delitem(sys.modules, "spapi_rotation_cli.__main__", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("spapi_rotation_cli", run_name="__main__")
    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "Usage"


def test_nothing_but_a_client_secret_is_revealed_to_the_function() -> None:
    with pytest.raises(TypeError, match="object"):
        client._reveal(object())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NoCredentialsError(), "NoCredentials"),
        (ParamValidationError(report="canary"), "BadFunctionName"),
        (UnknownServiceError(service_name="canary", known_service_names=""), "AwsFailed"),
    ],
)
def test_an_aws_that_cannot_be_asked_is_named_by_its_kind_alone(error: BotoCoreError, kind: str) -> None:
    told = failures.explain_session(error)
    assert told.kind == kind
    assert "canary" not in str(told)
    assert (type(error).__name__ in str(told)) is (kind == "AwsFailed")
    assert told.remedy


def test_a_discarded_message_is_one_json_document(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "time", terminal)
    terminal.world.queue.dead.append("canary-typed-garbage")
    typed = terminal.type("discard", "message-0", "--yes", "--json")
    assert (typed.code, typed.document) == (0, {"message_id": "message-0", "result": "discarded"})


def test_steps_of_a_registration_that_are_none_are_said(terminal: Terminal) -> None:
    terminal.aws.function.answers["registration"] = {"protocol": 1, "steps": ["one"]}
    typed = terminal.type("register", "--json")
    assert typed.code == 1
    assert "the steps of the registration" in typed.document["error"]["message"]


def test_a_component_that_cannot_be_read_is_said_on_the_page() -> None:
    told = str(
        report_page._component({"exit_code": 3, "error": {"message": "AWS failed.", "remedy": "Try again."}}, [])
    )
    assert "AWS failed. Try again." in told
    assert "Queue" not in told


def found(**more: object) -> dict[str, object]:
    return {"state": "CURRENT", "seen": "", "labels": {"AWSCURRENT": "second"}, **more}


def rotated(at: datetime, version: str) -> dict[str, object]:
    return {"event": "secret_promoted", "at": at.isoformat(), "version_id": version}


def test_without_a_date_of_the_next_secret_a_bar_has_no_end_and_without_a_status_it_is_the_logs() -> None:
    events = [rotated(NOW, "first"), rotated(NOW + timedelta(days=60), "second")]
    first, second = spans(read_status(found(labels={})), events)
    assert (first.version, first.begins, first.ends, first.dies) == ("first", NOW, second.begins, None)
    assert (second.ends, second.dies) == (None, None)


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ({"issued_at": "2026-02-27T12:00:00Z"}, "issued "),
        ({"in_use_since": "2026-02-27T12:00:00Z"}, "unknown; this version was written "),
        ({}, "unknown"),
    ],
)
def test_an_age_is_told_as_far_as_it_is_known(dates: dict[str, str], words: str) -> None:
    assert screen._age(read_status(found(**dates)), NOW).startswith(words)


def test_output_that_is_no_text_file_of_the_system_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Plain:
        """Such as a notebook's."""

        def __init__(self) -> None:
            self.text = ""

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            pass

        def isatty(self) -> bool:
            return False

    plain = Plain()
    monkeypatch.setattr(sys, "stdout", plain)
    assert main.main(["nonsense", "--json"]) == 2
    assert json.loads(plain.text)["error"]["type"] == "Usage"


@pytest.mark.parametrize("command", ["", "spapi-rotation doctor shop"])
def test_what_a_check_has_found_is_shown_with_its_remedy_or_its_command(terminal: Terminal, command: str) -> None:
    status = terminal.type("status", "--json").document["applications"][0]["status"]
    warning = {
        "look": "clock",
        "verdict": "failed",
        "detail": "6 minutes apart.",
        "remedy": "Ask AWS.",
        "command": command,
    }
    terminal.aws.function.answers["status"] = {"protocol": 1, "status": status, "warnings": [warning]}
    lines = [line.strip() for line in terminal.type("status", "shop").out.splitlines()]
    assert any(line.startswith("problem") and line.endswith("clock: 6 minutes apart.") for line in lines)
    assert ("Ask AWS." in lines) is (command == "")
    assert any(command in line for line in lines if line.startswith("next command"))
