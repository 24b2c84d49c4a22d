"""How the function is found: by name, by environment, by a stack; and what is said when it is not."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.fake_aws import FakeAws
from tests.cli.terminal import Terminal, parsed
from tests.unit.test_state import refused

OUTPUTS = {
    "function_name": "rotation",
    "queue_arn": "arn:aws:sqs:eu-west-1:123456789012:destination",
    "secret_arns": {"shop": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf"},
}


class Pulumi:
    """A ``pulumi`` on PATH that answers as it is told and writes down how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.says()

    def says(self, outputs: object = OUTPUTS, *, error: str = "", code: int = 0, script: str = "") -> None:
        text = outputs if isinstance(outputs, str) else json.dumps(outputs)
        (self.folder / "out").write_text(text)
        (self.folder / "err").write_text(error)
        here = self.folder
        body = script or f'echo "$@" > {here}/called\ncat {here}/out\ncat {here}/err >&2\nexit {code}\n'
        program = self.folder / "pulumi"
        program.write_text(f"#!/bin/sh\n{body}")
        program.chmod(0o755)

    @property
    def called(self) -> str:
        return (self.folder / "called").read_text().strip()


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Pulumi(tmp_path)


def test_the_project_in_the_current_folder_names_it(terminal: Terminal, pulumi: Pulumi) -> None:
    assert terminal.type("status", found=()).code == 0
    assert pulumi.called == "stack output --json --non-interactive"
    assert terminal.aws.sessions == [(None, "eu-west-1")]


def test_a_stack_names_it(terminal: Terminal, pulumi: Pulumi) -> None:
    assert terminal.type("status", "--stack", "production", found=()).code == 0
    assert pulumi.called == "stack output --json --non-interactive --stack production"


def test_a_region_that_is_given_goes_before_the_stacks(terminal: Terminal, pulumi: Pulumi) -> None:
    terminal.type("status", "--region", "us-west-2", "--profile", "operator", found=())
    assert terminal.aws.sessions == [("operator", "us-west-2")]


def test_the_environment_names_it_unless_a_stack_is_given(
    terminal: Terminal, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPAPI_ROTATION_FUNCTION", "rotation")
    assert terminal.type("status", found=()).code == 0
    assert not (pulumi.folder / "called").exists()
    assert terminal.type("status", "--stack", "production", found=()).code == 0
    assert pulumi.called.endswith("--stack production")
    monkeypatch.setenv("SPAPI_ROTATION_FUNCTION", "other")
    assert terminal.type("status").code == 0


def test_an_arn_names_the_region_too(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:rotation"
    monkeypatch.setattr(terminal.aws.function, "name", arn)
    assert terminal.type("status", found=("--function", arn)).code == 0
    assert terminal.aws.sessions == [(None, "eu-central-1")]


def test_the_region_is_that_of_the_environment_as_for_the_aws_cli(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "ap-northeast-1")
    terminal.type("status")
    assert terminal.aws.sessions == [(None, "ap-northeast-1")]


def test_both_a_function_and_a_stack_are_one_too_many(terminal: Terminal) -> None:
    typed = terminal.type("status", "--stack", "production", "--json")
    assert typed.error("TwoFunctions")
    assert typed.code == 2


def test_the_next_command_finds_the_same_function_again(terminal: Terminal, pulumi: Pulumi) -> None:
    refused(terminal.world)
    document = terminal.type("status", "--stack", "a b", "--region", "eu-west-1", "--json", found=()).document
    (command,) = document["applications"][0]["next"]
    assert command == "spapi-rotation rotate shop --stack 'a b' --region eu-west-1"
    parsed(command)
    document = terminal.type("status", "--json", found=()).document
    assert document["applications"][0]["next"] == ["spapi-rotation rotate shop"]


def test_the_secret_of_the_stack_is_named_where_the_function_does_not_answer(
    terminal: Terminal, pulumi: Pulumi, aws: FakeAws
) -> None:
    aws.function.fail("applications", {"errorMessage": "x"})
    said = terminal.type("status", found=()).err
    assert f"list-secret-version-ids --secret-id {OUTPUTS['secret_arns']['shop']}\n" in said  # type: ignore[index]
    assert "list-secrets" not in said


def test_no_pulumi_and_no_name(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    typed = terminal.type("status", found=())
    assert typed.code == 1
    assert "there is no pulumi on PATH to ask" in typed.err
    assert "--function NAME, or SPAPI_ROTATION_FUNCTION in the environment" in typed.err
    assert not terminal.aws.sessions
    assert terminal.type("status", "--json", found=()).error("FunctionNotFound")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("error: no Pulumi.yaml project file found\nmore", "pulumi says: no Pulumi.yaml project file found\n"),
        ("warning: x\nerror: no stack selected; please use", "pulumi says: no stack selected; please use\n"),
        ("something else\x1b[31m\n", "pulumi says: something else?[31m\n"),
        ("", "pulumi says: nothing\n"),
    ],
)
def test_what_pulumi_says_is_repeated(terminal: Terminal, pulumi: Pulumi, error: str, shown: str) -> None:
    pulumi.says(error=error, code=255)
    typed = terminal.type("status", found=())
    assert typed.code == 1
    assert shown in typed.err
    assert "\nWhat to do: Give the function's name" in typed.err


@pytest.mark.parametrize("outputs", ["", "[]", "no JSON"])
def test_what_is_no_output_of_a_stack_is_said_so(terminal: Terminal, pulumi: Pulumi, outputs: str) -> None:
    pulumi.says(outputs)
    assert "printed no JSON object" in terminal.type("status", "--json", found=()).error("FunctionNotFound")


@pytest.mark.parametrize("outputs", [{}, {"function_name": ""}, {"function_name": 7}])
def test_a_stack_that_does_not_export_it_is_named(terminal: Terminal, pulumi: Pulumi, outputs: object) -> None:
    pulumi.says(outputs)
    typed = terminal.type("status", "--stack", "production", "--json", found=())
    message = typed.error("NoFunctionName")
    assert "The stack production has no output function_name." in message
    assert 'pulumi.export("function_name", rotation.function_name)' in message


def test_a_pulumi_that_hangs_or_cannot_run_is_said_so(
    terminal: Terminal, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spapi_rotation_cli.discovery.PULUMI_SECONDS", 0.2)
    pulumi.says(script="exec sleep 30\n")
    assert "did not end within" in terminal.type("status", "--json", found=()).error("FunctionNotFound")
    (pulumi.folder / "pulumi").write_bytes(b"\x7fELF broken")
    assert "could not be run" in terminal.type("status", "--json", found=()).error("FunctionNotFound")


def test_where_it_was_found_is_told_on_debug(
    terminal: Terminal, pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = terminal.type("status", "--debug", found=()).err
    assert "debug: function rotation in eu-west-1, by the stack's outputs\n" in said
    assert "debug: status: request id request-1\n" in said
    monkeypatch.setenv("SPAPI_ROTATION_FUNCTION", "rotation")
    assert "by SPAPI_ROTATION_FUNCTION" in terminal.type("status", "--debug", found=()).err
    assert "debug" not in terminal.type("status", found=()).err


def test_the_environment_of_the_tests_names_no_function() -> None:
    assert not [name for name in os.environ if name.startswith(("SPAPI_", "AWS_"))]
