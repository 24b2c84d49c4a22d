"""What the engine takes for resource plugins: the AWS provider, and nothing of ours.

Pulumi's Python host takes every distribution whose name begins with ``pulumi-`` for a resource plugin, unless it says
otherwise, and `pulumi install` then fails because there is none to download.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.engine import ensure_engine
from sandbox.provider.install import install
from sandbox.stack import Stack

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.sample]

NOWHERE = "http://127.0.0.1:1"
"""The AWS plugin's own download is not what is looked at: it fails at once, with or without a network."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    folder = tmp_path_factory.mktemp("plugins")
    plugins = folder / "plugins"
    plugins.mkdir()
    install(plugins, Path(sys.executable))
    made = Stack(folder / "pulumi", engine=ensure_engine(print).bin, plugins=plugins, environment={})
    del made.environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"]
    made.environment["PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES"] = f".*={NOWHERE}"
    made.init()
    return made


def pulumi(stack: Stack, *arguments: str, path: str = "") -> str:
    """Everything that a command prints, whatever its exit code."""
    program = shutil.which("pulumi", path=stack.environment["PATH"])
    assert program is not None
    environment = {**stack.environment, "PYTHONPATH": os.pathsep.join((path, stack.environment["PYTHONPATH"]))}
    done = subprocess.run(
        [program, *arguments], cwd=stack.project, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def resource_plugins(stack: Stack, path: str = "") -> list[str]:
    """The resource plugins that `pulumi about` names."""
    return re.findall(r"^resource +(\S+)", pulumi(stack, "about", path=path), re.MULTILINE)


def installed_by_the_engine(stack: Stack, path: str = "") -> set[str]:
    """The resource plugins that `pulumi plugin install` sets out to install, without their versions."""
    said = pulumi(stack, "plugin", "install", path=path)
    return {name.rpartition("-")[0] for name in re.findall(r"\[resource plugin (\S+)\]", said)}


def test_pulumi_about_names_the_aws_provider_only(stack: Stack) -> None:
    assert resource_plugins(stack) == ["aws"]


def test_pulumi_plugin_install_looks_for_the_aws_provider_only(stack: Stack) -> None:
    assert installed_by_the_engine(stack) == {"aws"}


def test_a_distribution_of_pulumis_prefix_would_be_named(stack: Stack, tmp_path: Path) -> None:
    """The control: the two tests above can fail."""
    metadata = tmp_path / "pulumi_spapi_rotation-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pulumi-spapi-rotation\nVersion: 0.1.0\n")
    (metadata / "RECORD").write_text("")
    assert "spapi-rotation" in resource_plugins(stack, str(tmp_path))
