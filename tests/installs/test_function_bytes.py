"""The function's zip has the same bytes however, and under whichever Python, the package was installed.

Installs into fresh virtual environments, for which wheels are fetched through pip and uv.
"""

import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import Literal

import pytest

from spapi_rotation.function_archive import function_zip
from tests.installs.environments import Environment, Installer, clone

Source = Literal["wheel", "editable"]

PYTHONS = os.environ.get("PYTHONS", "python3.11 python3.12 python3.13").split()

pytestmark = pytest.mark.slow

INSTALLED = """
import hashlib, importlib.util, pathlib
(folder,) = importlib.util.find_spec("spapi_rotation").submodule_search_locations
zip_file = pathlib.Path(folder) / "function_archive" / "function.zip"
print(hashlib.sha256(zip_file.read_bytes()).hexdigest())
"""
"""Without importing the package: its dependencies need not be there."""

DEPLOYED = """
import hashlib, pathlib
from spapi_rotation.function_archive.archive import function_code
print(hashlib.sha256(pathlib.Path(function_code().path).read_bytes()).hexdigest())
"""


def here() -> str:
    return sha256(function_zip.ZIP_FILE.read_bytes()).hexdigest()


def test_this_environments_is_made_of_these_modules() -> None:
    """Else the comparisons below prove nothing."""
    function_zip.validate(Path(__file__).parents[2] / "rotation_lambda" / "spapi_rotation_lambda")


@pytest.mark.parametrize("installer", ["pip", "uv"])
@pytest.mark.parametrize("source", ["wheel", "editable"])
def test_this_python_installs_the_same_bytes(tmp_path: Path, installer: Installer, source: Source) -> None:
    environment, checkout = Environment.made(tmp_path / "venv", sys.executable, installer), clone(tmp_path / "clone")
    if source == "wheel":
        environment.install("--no-deps", str(environment.wheel(checkout)), cwd=tmp_path)
    else:
        environment.install("--no-deps", "-e", ".", cwd=checkout)
    assert environment.says(INSTALLED) == here()


@pytest.mark.installs
@pytest.mark.parametrize("installer", ["pip", "uv"])
@pytest.mark.parametrize("source", ["wheel", "editable"])
@pytest.mark.parametrize("python", PYTHONS)
def test_each_python_would_deploy_the_same_bytes(
    tmp_path: Path, python: str, installer: Installer, source: Source
) -> None:
    """With all dependencies: what a deployment hands to Pulumi, after all its checks."""
    environment, checkout = Environment.made(tmp_path / "venv", python, installer), clone(tmp_path / "clone")
    if source == "wheel":
        environment.install(str(environment.wheel(checkout)), cwd=tmp_path)
    else:
        environment.install("--require-hashes", "-r", "requirements.txt", cwd=checkout)
        environment.install("--no-deps", "-e", ".", cwd=checkout)
    assert environment.says(DEPLOYED) == here()
