"""What a release uploads: both distributions, from complete sources. Builds them, through pip: slow."""

import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from release import sbom
from spapi_rotation_lambda import __version__
from tests.installs.environments import ROOT, clone

pytestmark = pytest.mark.slow


def build(project: Path, out: Path, *what: str) -> None:
    command = [sys.executable, "-m", "build", *what, "--outdir", str(out), str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class Built:
    """One distribution, as `make dist` builds it, and its wheel built from the checkout itself."""

    sdist: Path
    by_way_of_sdist: Path
    from_checkout: Path


@pytest.fixture(scope="module", params=[".", "cli"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """From a clone: what lies about in a checkout, such as a made zip, must not help."""
    folder = tmp_path_factory.mktemp("build")
    project = clone(folder / "clone") / str(request.param)
    # A source distribution, and the wheel from it unpacked elsewhere.
    build(project, folder / "dist")
    build(project, folder / "direct", "--wheel")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    (direct,) = (folder / "direct").glob("*.whl")
    return Built(sdist, wheel, direct)


def test_a_wheel_by_way_of_the_source_distribution_has_the_same_bytes(built: Built) -> None:
    assert built.by_way_of_sdist.name == built.from_checkout.name
    assert contents(built.by_way_of_sdist) == contents(built.from_checkout)
    assert built.by_way_of_sdist.read_bytes() == built.from_checkout.read_bytes()


def test_they_bear_the_version_and_the_licence(built: Built) -> None:
    name = built.by_way_of_sdist.name.partition("-")[0]
    assert built.by_way_of_sdist.name == f"{name}-{__version__}-py3-none-any.whl"
    assert built.sdist.name == f"{name}-{__version__}.tar.gz"
    info = f"{name}-{__version__}.dist-info"
    packed = contents(built.by_way_of_sdist)
    assert packed[f"{info}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert "License-Expression: Apache-2.0" in packed[f"{info}/METADATA"].decode()


def test_the_wheel_with_the_function_carries_its_bill_of_materials(built: Built) -> None:
    packed = contents(built.by_way_of_sdist)
    found = {name: content for name, content in packed.items() if name.endswith(".cdx.json")}
    if built.by_way_of_sdist.name.startswith("spapi_rotation_cli-"):
        assert found == {}
    else:
        assert found == {f"spapi_rotation-{__version__}.dist-info/sboms/function.cdx.json": sbom.FILE.read_bytes()}


def test_a_source_distribution_holds_the_sources_and_nothing_made(built: Built) -> None:
    with tarfile.open(built.sdist) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO"} <= names
    assert not [name for name in names if name.endswith((".pyc", "function.zip")) or "/.venv/" in name]


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as packed:
        return {name: packed.read(name) for name in packed.namelist()}
