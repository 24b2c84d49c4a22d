"""The wheel carries the function's zip. Builds one, through pip: slow."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from spapi_rotation.function_archive import function_zip

ROOT = Path(__file__).parents[2]
ZIP = "spapi_rotation/function_archive/function.zip"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_the_wheels_zip_has_the_same_bytes_as_the_checkouts(wheel: Path) -> None:
    assert zipfile.ZipFile(wheel).read(ZIP) == function_zip.ZIP_FILE.read_bytes()


def test_wheel_holds_both_packages_and_no_bytecode(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        "spapi_rotation/py.typed",
        "spapi_rotation_lambda/py.typed",
        "spapi_rotation/component.py",
        "spapi_rotation_lambda/settings.py",
    } <= set(names)
    assert ZIP in names
    assert not any("__pycache__" in name for name in names)
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"spapi_rotation", "spapi_rotation_lambda"}


def test_wheel_has_the_same_bytes_when_built_again(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(command, capture_output=True, check=True, env=env)
    (again,) = tmp_path.glob("*.whl")
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()
