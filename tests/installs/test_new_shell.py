"""A clone on the real engine, in a shell where nothing is activated: what `pulumi install` does, and what it leaves.

Fetches everything that the project needs through pip. The AWS provider's plugin is not fetched: the stand-in serves.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws.emulator import REGION, AwsEmulator
from sandbox.engine import ensure_engine
from sandbox.provider.install import install
from tests.installs.environments import as_the_project_says, clone, own_environment

pytestmark = [pytest.mark.engine, pytest.mark.installs, pytest.mark.slow]

CLIENT_ID = f"amzn1.application-oa2-client.{'0' * 32}"


class Shell:
    """A new shell in the clone. No virtual environment is on its PATH."""

    def __init__(self, folder: Path, path: list[Path]) -> None:
        self.folder = folder
        self._environment = own_environment(
            folder.parent,
            [*path, f"{sys.base_prefix}/bin"],
            backend=folder.parent,
            PULUMI_HOME=str(folder.parent / "pulumi"),  # the backend's own folder is called .pulumi
            PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION="true",
        )

    def run(self, line: str, **more: str) -> tuple[int, str]:
        """The exit code of a line and what it shows."""
        done = subprocess.run(
            ["bash", "-c", line.replace("pulumi install", "pulumi install --no-plugins")],
            cwd=self.folder,
            env=self._environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def succeeds(self, line: str, **more: str) -> str:
        """What a line shows that must end well."""
        code, shown = self.run(line, **more)
        assert code == 0, shown
        return shown

    def remedy(self, line: str, **more: str) -> str:
        """The command that the error of a line names."""
        code, shown = self.run(line, **more)
        assert code != 0
        assert "Traceback" not in shown, shown
        found = re.search(r"What to do\S*(?: [^:]+)?: (?:make it anew: )?(.+)$", shown, re.MULTILINE)
        assert found, shown
        return found[1]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsEmulator]:
    with AwsEmulator(tmp_path_factory.mktemp("aws")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("shell")
    checkout = clone(folder / "clone")
    plugins = folder / "plugins"
    install(plugins, Path(sys.executable))
    return Shell(checkout, [*as_the_project_says(ensure_engine(print), folder / "host", checkout), plugins])


def test_pulumi_install_makes_the_environment_with_the_locked_dependencies(shell: Shell) -> None:
    shell.succeeds("pulumi install")
    listed = shell.succeeds(".venv/bin/python -m pip freeze --exclude pip --exclude setuptools --exclude wheel")
    installed = set(listed.lower().replace("_", "-").split())
    locked = set(re.findall(r"^([\w-]+==\S+) ", (shell.folder / "requirements.txt").read_text(), re.MULTILINE))
    assert installed <= locked
    assert {"pulumi", "pulumi-aws", "boto3", "httpx"} <= {each.partition("==")[0] for each in installed}


def test_what_is_left_to_do_is_said_and_suffices(shell: Shell, aws: AwsEmulator) -> None:
    shell.succeeds("pulumi stack init test")
    shell.succeeds(f"pulumi config set aws:region {REGION}")
    shell.succeeds("pulumi config set spapi_endpoint EU")
    shell.succeeds(f"pulumi config set --path applications.shop.client_id {CLIENT_ID}")
    # With a trigger, the dynamic resource's own process must find the environment, too.
    shell.succeeds("pulumi config set --path applications.shop.rotate_on_up first")
    left = shell.remedy("pulumi preview", **aws.environment())
    assert left == "pulumi install && .venv/bin/python -m pip install --no-deps -e ."
    shell.succeeds(left)
    shown = shell.succeeds("pulumi preview", **aws.environment())
    assert re.search(r"aws:lambda:Function +rotation-function +create", shown), shown


def test_after_a_change_of_the_functions_code_the_error_names_the_command(shell: Shell, aws: AwsEmulator) -> None:
    with (shell.folder / "rotation_lambda" / "spapi_rotation_lambda" / "handler.py").open("a") as module:
        module.write("# pulled\n")
    shell.succeeds(shell.remedy("pulumi preview", **aws.environment()))
    shell.succeeds("pulumi preview", **aws.environment())


def test_after_git_clean_the_error_names_the_command(shell: Shell, aws: AwsEmulator) -> None:
    (shell.folder / "components" / "spapi_rotation" / "function_archive" / "function.zip").unlink()
    shell.succeeds(shell.remedy("pulumi preview", **aws.environment()))
    shell.succeeds("pulumi preview", **aws.environment())
