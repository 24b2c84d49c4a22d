"""A user's typed program: what mypy and pyright accept of the arguments, and what they refuse.

The checkers see the package as a user's do: installed, with its py.typed, and without this project's settings.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

import spapi_rotation
from spapi_rotation import Verification
from spapi_rotation.args import PARTS, Application, ClientSecretRotationArgs, RotationWindow
from spapi_rotation.configuration import plain_type

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

HEAD = """\
import pulumi

from spapi_rotation import Application, ClientSecretRotation, ClientSecretRotationArgs, RotationWindow, Verification
"""

GOOD = """
window: RotationWindow = {"start": "22:00", "end": pulumi.Output.from_input("04:00"), "days": ["MON"]}
shop: Application = {"client_id": "x", "rotate_on_up": pulumi.Output.from_input("first"), "secret_keys": {"a": "b"}}
every: ClientSecretRotationArgs = {
    "applications": {"shop": shop, "store": {"client_id": "y"}},
    "verification": pulumi.Output.from_input(Verification.LWA),
    "rotate_every_days": pulumi.Output.from_input(60),
    "rotation_window": window,
    "alarm_topic_arn": None,
    "event_bus_arn": pulumi.Output.from_input("arn"),
    "readers": ["123456789012", pulumi.Output.from_input("arn")],
    "replica_regions": {"eu-west-1": pulumi.Output.from_input("arn")},
    "roles": {"permissions_boundary": pulumi.Output.from_input("arn"), "path": "/platform/"},
    "network": {"subnet_ids": ["subnet-1"], "security_group_ids": pulumi.Output.from_input(["sg-1"])},
    "keys": {"secrets": "arn", "queue": pulumi.Output.from_input("arn")},
    "queue": {"arn": pulumi.Output.from_input("arn")},
    "reserved_concurrency": pulumi.Output.from_input(5),
    "tags": {"team": pulumi.Output.from_input("shop"), "cost": "1"},
}
every["verification"] = Verification.CALL
every["verification"] = "lwa"
rotation = ClientSecretRotation("every", every, pulumi.ResourceOptions(protect=True))
pulumi.export("secret_arns", rotation.secret_arns)
pulumi.export("policy", rotation.reader_policy_json["shop"])
rotation.grant_read("a-role", "shop", opts=pulumi.ResourceOptions(protect=True))
rotation.grant_read("a-role")
"""

BAD = {
    "another text": '"verification": "lwaa"',
    "a number": '"verification": 1',
    "an argument that is not there": '"rotate_evry_days": 60',
    "a text in place of a number": '"rotate_every_days": "60"',
    "a number in place of a text": '"tags": {"team": 5}',
    "a flag that comes later": '"alarms": pulumi.Output.from_input(True)',
    "a window without its end": '"rotation_window": {"start": "22:00"}',
    "a network without its groups": '"network": {"subnet_ids": ["subnet-1"]}',
    "a queue by its URL": '"queue": {"url": "https://sqs"}',
    "regions without their keys": '"replica_regions": ["eu-west-1"]',
}
"""Each is one line of a program, and one error of either checker."""

BAD_APPLICATIONS = {
    "a list": '["x"]',
    "no client id": '{"shop": {}}',
    "a client id that comes later": '{"shop": {"client_id": pulumi.Output.from_input("x")}}',
    "an argument of another place": '{"shop": {"client_id": "x", "paused": True}}',
}


def test_the_types_of_all_arguments_are_imported_from_the_package_itself() -> None:
    for each in (ClientSecretRotationArgs, *PARTS.values()):
        assert getattr(spapi_rotation, each.__name__, None) is each


def choices() -> Iterator[tuple[type, str, str]]:
    """Each argument that is one of a few texts, with each of them."""
    for arguments in (ClientSecretRotationArgs, Application, RotationWindow):
        for name, hint in arguments.__annotations__.items():
            plain = plain_type(hint)
            if get_origin(plain) is Literal:
                yield from ((arguments, name, text) for text in get_args(plain))
            elif isinstance(plain, type) and issubclass(plain, Enum):
                yield from ((arguments, name, each.value) for each in plain)


def with_choice(arguments: type, name: str, text: str) -> str:
    """The arguments, as they are written, with one more in its place."""
    parts: dict[type, dict[str, Any]] = {
        ClientSecretRotationArgs: {},
        Application: {"client_id": "x"},
        RotationWindow: {"start": "22:00", "end": "04:00"},
    }
    parts[arguments][name] = text
    whole = {"applications": {"shop": parts[Application]}, "rotation_window": parts[RotationWindow]}
    return json.dumps({**whole, **parts[ClientSecretRotationArgs]})


def program_of_choices() -> str:
    """Each choice given inline, and in a variable that has the arguments' type."""
    lines = []
    for number, choice in enumerate(choices()):
        written = with_choice(*choice)
        lines += [
            f'ClientSecretRotation("inline-{number}", {written})',
            f"given_{number}: ClientSecretRotationArgs = {written}",
            f'ClientSecretRotation("given-{number}", given_{number})',
        ]
    return "\n".join(lines) + "\n"


def program_of_mistakes() -> str:
    """Each mistake on a line of its own, inline."""
    good = '"applications": {"shop": {"client_id": "x"}}'
    lines = [f'ClientSecretRotation("x", {{{good}, {mistake}}})' for mistake in BAD.values()]
    lines += [f'ClientSecretRotation("x", {{"applications": {mistake}}})' for mistake in BAD_APPLICATIONS.values()]
    return "\n".join(lines) + "\n"


def mypy(program: Path) -> dict[int, str]:
    """mypy's errors by their lines. What it has found out about Pulumi is kept: that takes it a minute."""
    arguments = ["--strict", "--no-error-summary", "--config-file=", f"--cache-dir={ROOT / '.mypy_cache' / 'users'}"]
    command: list[str | Path] = [BIN / "mypy", *arguments, "--python-executable", sys.executable, program.name]
    done = subprocess.run(command, cwd=program.parent, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    errors = [line.split(":", 2) for line in done.stdout.splitlines() if ": error:" in line]
    assert done.returncode == bool(errors), done.stdout
    return {int(line): text for _, line, text in errors}


def pyright(program: Path) -> dict[int, str]:
    """pyright's errors by their lines."""
    (program.parent / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    command: list[str | Path] = [BIN / "pyright", "--outputjson", "--pythonpath", sys.executable, program.name]
    done = subprocess.run(command, cwd=program.parent, capture_output=True, text=True, check=False)
    said = json.loads(done.stdout)
    assert said["summary"]["filesAnalyzed"] == 1
    errors = [each for each in said["generalDiagnostics"] if each["severity"] == "error"]
    return {each["range"]["start"]["line"] + 1: each["message"] for each in errors}


def written(folder: Path, *texts: str) -> Path:
    program = folder / "user_program.py"
    program.write_text("".join(texts))
    return program


pytestmark = pytest.mark.slow
CHECKERS = pytest.mark.parametrize("checker", [mypy, pyright], ids=lambda each: each.__name__)


@CHECKERS
def test_a_typed_program_is_accepted(checker: Any, tmp_path: Path) -> None:
    assert checker(written(tmp_path, HEAD, program_of_choices(), GOOD)) == {}


@CHECKERS
def test_each_mistake_of_a_typed_program_is_refused(checker: Any, tmp_path: Path) -> None:
    head = "import pulumi\n\nfrom spapi_rotation import ClientSecretRotation\n"
    refused = checker(written(tmp_path, head, program_of_mistakes()))
    first = head.count("\n") + 1
    assert set(refused) == set(range(first, first + len(BAD) + len(BAD_APPLICATIONS)))


def test_the_choices_are_found() -> None:
    """The check of the check."""
    found = set(choices())
    assert {(ClientSecretRotationArgs, "verification", each.value) for each in Verification} <= found
    assert '"verification": "lwa"' in program_of_choices()
