"""A bad setting fails `pulumi preview` with one clear error, and the command that the error names mends it.

Only the engine is needed: all this is refused before AWS is asked for anything.
"""

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.engine import ensure_engine
from sandbox.provider.install import install
from sandbox.stack import PROJECT, Stack
from tests.component.recorder import client_id

pytestmark = [pytest.mark.engine, pytest.mark.slow]

CANARY = "amzn1.oa2-cs.v1.canary-canary-canary"
SHOP = {"client_id": client_id(1)}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    folder = tmp_path_factory.mktemp("settings")
    plugins = folder / "plugins"
    plugins.mkdir()
    install(plugins, Path(sys.executable))
    made = Stack(folder / "pulumi", engine=ensure_engine(print).bin, plugins=plugins, environment={})
    made.init()
    return made


@pytest.fixture
def refused(stack: Stack) -> Callable[[], str]:
    """Previews, and returns the one error of the program."""

    def preview() -> str:
        run = stack.run("preview", "--non-interactive", "--color=never", check=False)
        assert run.code != 0, run.text
        assert "Traceback" not in run.text
        assert "canary" not in run.text.lower()
        diagnostics = run.text.partition("Diagnostics:")[2]
        errors = re.findall(r"^    error: (.*)$", diagnostics, re.MULTILINE)
        assert errors[1:] == ["an unhandled error occurred: program exited with non-zero exit code: 1"], run.text
        return str(errors[0])

    return preview


def type_in(stack: Stack, command: str) -> None:
    """Run a command as the error writes it."""
    program, *arguments = shlex.split(command)
    assert program == "pulumi"
    stack.run(*arguments)


def command_in(error: str) -> str:
    (command,) = re.findall(r"`(pulumi config (?:set|rm) --path [^`]+)`", error)
    return str(command)


def configure(stack: Stack, **settings: Any) -> None:
    stack.configure({"aws:region": "cn-north-1", "applications": {"my.shop": SHOP}, **settings})


REGION = "The region cn-north-1 is in AWS China, from which Amazon cannot be reached."
"""The next thing to be refused, when a setting is mended."""


@pytest.mark.parametrize(("region", "where"), [("cn-north-1", "AWS China"), ("us-gov-west-1", "AWS GovCloud")])
def test_a_region_of_another_partition(stack: Stack, refused: Callable[[], str], region: str, where: str) -> None:
    configure(stack, **{"aws:region": region})
    assert refused().startswith(f"The region {region} is in {where}, from which Amazon cannot be reached.")


def test_a_region_that_there_is_not(stack: Stack, refused: Callable[[], str]) -> None:
    stack.configure({"aws:region": "us-esat-1", "applications": {"shop": SHOP}})
    assert refused().startswith("There is no AWS region 'us-esat-1'. What to do: Did you mean us-east-1?")


def test_an_unknown_setting(stack: Stack, refused: Callable[[], str]) -> None:
    configure(stack, pausd=True)
    assert refused() == "pausd: unknown in the configuration. What to do: pausd: did you mean paused?"


def test_a_number_in_place_of_a_text_and_the_command_that_mends_it(stack: Stack, refused: Callable[[], str]) -> None:
    configure(stack)
    stack.run("config", "set", "--path", 'applications["my.shop"].rotate_on_up', "2")
    error = refused()
    assert error.startswith('applications["my.shop"].rotate_on_up must be a text, but lies as 2 in the configuration')
    assert command_in(error).endswith("--type string 2")
    type_in(stack, command_in(error))
    assert 'rotate_on_up: "2"' in (stack.project / f"Pulumi.{stack.name}.yaml").read_text()
    assert refused().startswith(REGION)


def test_an_account_without_quotes_is_refused_by_the_engine_itself(stack: Stack, refused: Callable[[], str]) -> None:
    configure(stack)
    stack.run("config", "set", "--path", "readers[0]", "123456789012")
    run = stack.run("preview", "--non-interactive", "--color=never", check=False)
    assert "configuration key 'readers' must be of type 'array<string>'" in run.text
    stack.run("config", "set", "--path", "readers[0]", "--type", "string", "123456789012")
    assert refused().startswith(REGION)


def test_a_client_secret_in_place_of_a_client_id_and_the_command_that_takes_it_out(
    stack: Stack, refused: Callable[[], str]
) -> None:
    configure(stack)
    stack.run("config", "set", "--path", "applications.store.client_id", CANARY)
    error = refused()
    assert error.startswith("applications.store.client_id holds a client secret. It is now plain text")
    assert "the shell's history" in error
    assert "create another one in the Developer Console" in error
    type_in(stack, command_in(error))
    assert "canary" not in (stack.project / f"Pulumi.{stack.name}.yaml").read_text()
    error = refused()
    assert error.startswith("applications.store.client_id is missing. What to do: ")
    type_in(stack, "pulumi config rm --path applications.store")
    assert refused().startswith(REGION)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tags": {"aws:team": "shop"}}, "The key aws:team in tags begins with AWS's own prefix aws:"),
        ({"tags": {"team": "a", "Team": "b"}}, "tags.Team and tags.team differ only in upper and lower case."),
        ({"tags": {f"team{n}": "shop" for n in range(49)}}, "tags has 49 entries; at most 48 are possible."),
        ({"tags": {"k" * 129: "shop"}}, "A key in tags has 129 characters; at most 128 are possible"),
        ({"tags": {"team": "v" * 257}}, "tags.team has 257 characters; 1 to 256 are possible."),
        ({"rotation_window": {"start": "22:00", "end": "04:00", "days": ["mon"]}}, "rotation_window.days must be a"),
        ({"spapi_endpoint": "us-east-1"}, "spapi_endpoint is not a usable endpoint."),
        ({"readers": ["*"]}, "readers[0] has a wildcard: everybody who matches it could read the secret."),
        ({"replica_regions": {"eu-west-1": "alias/mine"}}, "replica_regions.eu-west-1 is not the ARN of a key."),
        ({"roles": {"path": "platform"}}, "roles.path is not an IAM path."),
        ({"network": {"subnet_ids": ["subnet-0123456789abcdef0"]}}, "network.security_group_ids is missing."),
        ({"keys": {"secrets": "alias/mine"}}, "keys.secrets is not the ARN of a key."),
        ({"queue": {"url": "https://sqs"}}, "url: unknown in queue."),
        ({"reserved_concurrency": 1}, "reserved_concurrency must be 0 or a number of concurrent runs from 3 to 1000."),
    ],
)
def test_other_settings(stack: Stack, refused: Callable[[], str], settings: dict[str, Any], said: str) -> None:
    configure(stack, **settings)
    assert refused().startswith(said)


def test_names_of_endpoints_in_lower_case_are_accepted(stack: Stack, refused: Callable[[], str]) -> None:
    configure(stack, spapi_endpoint="eu", verification="lwa")
    assert refused().startswith(REGION)


PROGRAM = """
import pulumi
from spapi_rotation import ClientSecretRotation

late = pulumi.Output.from_input("{client_id}")
ClientSecretRotation("rotation", {{"applications": {{"shop": {{"client_id": late}}}}}})
"""


def test_a_client_id_that_is_an_output(stack: Stack, refused: Callable[[], str]) -> None:
    """In a program of somebody's own."""
    configure(stack)
    program = stack.project / "__main__.py"
    text = program.read_text()
    program.write_text(PROGRAM.format(**SHOP))
    try:
        error = refused()
    finally:
        program.write_text(text)
    assert error.startswith("applications.shop.client_id is an Output. It must be known before anything is deployed")


def test_the_engine_itself_refuses_a_setting_of_the_wrong_type(stack: Stack) -> None:
    """In its own words, and before the program is started."""
    configure(stack, rotate_every_days="60 days")
    run = stack.run("preview", "--non-interactive", "--color=never", check=False)
    assert run.code != 0
    assert "configuration key 'rotate_every_days' must be of type 'integer'" in run.text
    assert PROJECT == "spapi-rotation"
