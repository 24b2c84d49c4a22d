"""The wheel carries the function's locked third-party files. Builds one, through pip: slow."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from spapi_rotation.function_archive import third_party

ROOT = Path(__file__).parents[2]
FOLDER = "spapi_rotation/function_archive/_third_party/"

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


def test_third_party_files_of_the_wheel_equal_the_lock(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    lock = third_party.Lock.read(tmp_path / "spapi_rotation" / "function_archive" / "third_party.lock.json")
    assert lock == third_party.Lock.read()
    files = third_party.packaged_files(lock, tmp_path / FOLDER)
    assert third_party.digest(files) == lock.sha256


def test_wheel_holds_both_packages_and_no_bytecode(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        "spapi_rotation/py.typed",
        "spapi_rotation_lambda/py.typed",
        "spapi_rotation/component.py",
        "spapi_rotation_lambda/settings.py",
    } <= set(names)
    assert FOLDER + "certifi/cacert.pem" in names
    assert not any("__pycache__" in name for name in names)
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"spapi_rotation", "spapi_rotation_lambda"}


def test_wheel_has_the_same_bytes_when_built_again(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(command, capture_output=True, check=True, env=env)
    (again,) = tmp_path.glob("*.whl")
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()
