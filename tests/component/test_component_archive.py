"""The function's archive: the locked files and nothing else, the same on every machine."""

import shutil
import subprocess
import sys
import venv
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

import pulumi
import pytest
from packaging.requirements import Requirement

import spapi_rotation_lambda
from spapi_rotation import UnusableArchive
from spapi_rotation.function_archive import lock, third_party
from spapi_rotation.function_archive.archive import archive_files, function_code, own_files

DISTRIBUTIONS = {
    "anyio",
    "aws-lambda-powertools",
    "certifi",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "jmespath",
    "typing-extensions",
    "tzdata",
}


@pytest.fixture(scope="module")
def files() -> dict[str, Path]:
    return archive_files()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The third-party files as a wheel carries them."""
    folder = tmp_path / "_third_party"
    write(third_party.locked_files(), folder)
    return folder


def write(files: dict[str, Path], folder: Path) -> None:
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def test_is_the_same_twice_and_sorted(files: dict[str, Path]) -> None:
    again = archive_files()
    assert list(again.items()) == list(files.items())
    assert list(files) == sorted(files)
    assert third_party.digest(again) == third_party.digest(files)


def test_third_party_files_equal_the_content_lock(files: dict[str, Path]) -> None:
    own = own_files()
    locked = {path: file for path, file in files.items() if path not in own}
    assert third_party.digest(locked) == third_party.Lock.read().sha256


def pinned(requirements: Path) -> dict[str, str]:
    lines = requirements.read_text().splitlines()
    required = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalpha()]
    return {each.name: str(each.specifier) for each in required}


def test_locks_agree() -> None:
    """The content lock has the distributions and versions of the hash-locked requirements."""
    locked = {name: f"=={each.version}" for name, each in third_party.Lock.read().distributions.items()}
    assert locked == pinned(lock.REQUIREMENTS)
    assert set(locked) == DISTRIBUTIONS


def test_a_checkout_installed_from_the_projects_lock_has_the_functions_versions() -> None:
    project = pinned(Path(spapi_rotation_lambda.__file__).parents[2] / "requirements.txt")
    assert pinned(lock.REQUIREMENTS).items() <= project.items()


def test_every_requirement_is_hashed() -> None:
    text = lock.REQUIREMENTS.read_text()
    assert all("--hash=sha256:" in entry for entry in text.split("==")[1:])


def test_holds_own_modules_data_and_licences_but_no_metadata_scripts_or_bytecode(
    files: dict[str, Path],
) -> None:
    assert {
        "spapi_rotation_lambda/settings.py",
        "certifi/cacert.pem",
        "httpx/py.typed",
        "typing_extensions.py",
    } <= set(files)
    assert all(any(path.startswith(f"licenses/{name}/") for path in files) for name in DISTRIBUTIONS)
    for path in files:
        parts = PurePosixPath(path).parts
        assert not {"__pycache__", "bin", ".."} & set(parts[:1] + parts[-2:-1]), path
        assert ".dist-info" not in path
        assert not path.endswith((".pyc", ".so"))
    tops = {PurePosixPath(path).parts[0] for path in files}
    assert tops == {
        "anyio",
        "aws_lambda_powertools",
        "certifi",
        "h11",
        "httpcore",
        "httpx",
        "idna",
        "jmespath",
        "licenses",
        "spapi_rotation_lambda",
        "typing_extensions.py",
        "tzdata",
    }


def test_own_files_are_the_packages_modules_only() -> None:
    folder = Path(spapi_rotation_lambda.__file__).parent
    assert own_files() == {
        f"spapi_rotation_lambda/{file.relative_to(folder).as_posix()}": file for file in folder.rglob("*.py")
    }


def test_archive_names_every_file_absolutely(files: dict[str, Path]) -> None:
    assets = function_code().assets
    assert set(assets) == set(files)
    for path, asset in assets.items():
        assert isinstance(asset, pulumi.FileAsset)
        assert asset.path == str(files[path].resolve())


def test_digest_depends_on_names_and_contents(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    digests = {
        third_party.digest({"a": one, "b": two}),
        third_party.digest({"a": two, "b": one}),
        third_party.digest({"a": one, "c": two}),
        third_party.digest({"a": one}),
    }
    assert len(digests) == 4
    assert third_party.digest({"b": two, "a": one}) in digests


def test_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    line = tmp_path / "line"
    line.write_text(f"{empty}  a\n", newline="\n")
    assert third_party.digest({"a": tmp_path / "a"}) == sha256(line.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ("httpx/_client.py", "httpx/_client.py"),
        ("certifi/cacert.pem", "certifi/cacert.pem"),
        ("typing_extensions.py", "typing_extensions.py"),
        ("../../../bin/httpx", None),
        ("bin/httpx", None),
        ("httpx/__pycache__/_client.cpython-313.pyc", None),
        ("httpx-0.28.1.dist-info/RECORD", None),
        ("httpx-0.28.1.dist-info/INSTALLER", None),
        ("httpx-0.28.1.dist-info/direct_url.json", None),
        ("httpx-0.28.1.dist-info/licenses/LICENSE.md", "licenses/x/LICENSE.md"),
        ("jmespath-1.1.0.dist-info/LICENSE", "licenses/x/LICENSE"),
    ],
)
def test_bundle_path(recorded: str, expected: str | None) -> None:
    assert third_party.archive_path("x", PurePosixPath(recorded)) == expected


def installed_copy(name: str, folder: Path) -> None:
    """Copy an installed distribution, with its metadata."""
    for entry in distribution(name).files or ():
        if ".." not in entry.parts:
            target = folder / entry
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(str(entry.locate())), target)


@pytest.fixture
def h11_only() -> third_party.Lock:
    lock = third_party.Lock.read()
    return third_party.Lock({"h11": lock.distributions["h11"]}, lock.sha256)


def test_installed_files_that_equal_the_lock_serve(tmp_path: Path, h11_only: third_party.Lock) -> None:
    installed_copy("h11", tmp_path)
    files = third_party.installed_files(h11_only, [str(tmp_path)])
    assert {"h11/__init__.py", "licenses/h11/LICENSE.txt"} <= set(files)


def test_a_tampered_installed_file_is_refused_with_the_command_to_run(
    tmp_path: Path, h11_only: third_party.Lock
) -> None:
    installed_copy("h11", tmp_path)
    with (tmp_path / "h11" / "__init__.py").open("a") as module:
        module.write("# changed\n")
    with pytest.raises(third_party.NotLocked, match=r"h11 0\.16\.0 differ") as refused:
        third_party.installed_files(h11_only, [str(tmp_path)])
    command = "python -m pip install --force-reinstall --require-hashes --no-deps --only-binary :all: -r "
    assert command + "components/spapi_rotation/function_archive/requirements.txt" in str(refused.value)


def test_a_missing_installed_file_is_refused(tmp_path: Path, h11_only: third_party.Lock) -> None:
    installed_copy("h11", tmp_path)
    (tmp_path / "h11" / "_util.py").unlink()
    # From Python 3.12 on, importlib.metadata leaves a missing file out, and the rest differs from what is locked.
    with pytest.raises(third_party.NotLocked, match=r"h11 (are incomplete|0\.16\.0 differ)"):
        third_party.installed_files(h11_only, [str(tmp_path)])


def test_another_installed_version_is_refused(tmp_path: Path) -> None:
    installed_copy("h11", tmp_path)
    lock = third_party.Lock({"h11": third_party.LockedDistribution("0.15.0", "0")}, "0")
    with pytest.raises(third_party.NotLocked, match=r"needs h11 0\.15\.0, but 0\.16\.0 is installed"):
        third_party.installed_files(lock, [str(tmp_path)])


def test_a_missing_distribution_is_refused(tmp_path: Path, h11_only: third_party.Lock) -> None:
    with pytest.raises(third_party.NotLocked, match="not installed"):
        third_party.installed_files(h11_only, [str(tmp_path)])
    nowhere = third_party.Lock({"no-such-distribution": third_party.LockedDistribution("1", "0")}, "0")
    with pytest.raises(third_party.NotLocked, match="not installed"):
        third_party.installed_files(nowhere)


def test_the_files_of_a_wheel_serve(copy: Path, files: dict[str, Path]) -> None:
    compiled = copy / "httpx" / "__pycache__" / "_api.cpython-313.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"compiled by an installer")
    found = third_party.packaged_files(third_party.Lock.read(), copy)
    assert set(found) == set(files) - set(own_files())


@pytest.mark.parametrize("change", ["changed", "removed", "added"])
def test_a_tampered_wheel_is_refused(copy: Path, change: str) -> None:
    certificates = copy / "certifi" / "cacert.pem"
    if change == "changed":
        certificates.write_text(certificates.read_text() + "\n")
    elif change == "removed":
        certificates.unlink()
    else:
        (copy / "httpx" / "_extra.py").write_text("")
    with pytest.raises(third_party.NotLocked, match="differ from the locked ones"):
        third_party.packaged_files(third_party.Lock.read(), copy)


def test_a_wheel_uses_its_own_files_and_not_the_installed_ones(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(third_party, "PACKAGED_FOLDER", copy)
    monkeypatch.setattr(third_party, "packaged_files", lambda lock: {"h11/__init__.py": copy / "h11" / "__init__.py"})
    assert archive_files()["h11/__init__.py"] == copy / "h11" / "__init__.py"


def test_files_that_are_not_the_locked_ones_end_the_program_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(third_party.Lock, "read", lambda: third_party.Lock({}, "0"))
    monkeypatch.setattr(third_party, "PACKAGED_FOLDER", tmp_path)
    with pytest.raises(UnusableArchive, match="What to do: reinstall") as refused:
        function_code()
    assert isinstance(refused.value, pulumi.RunError), "else Pulumi prints a stack trace"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"distributions": {"a": {}}, "sha256": "0"}'])
def test_an_unusable_lock_file_is_refused(tmp_path: Path, text: str) -> None:
    lock_file = tmp_path / "third_party.lock.json"
    lock_file.write_text(text)
    with pytest.raises(third_party.NotLocked, match="unusable"):
        third_party.Lock.read(lock_file)


def test_lock_file_is_as_written(tmp_path: Path) -> None:
    assert third_party.LOCK_FILE.read_text() == third_party.Lock.read().to_json()


def test_a_lock_is_made_of_pure_python_only(tmp_path: Path) -> None:
    installed_copy("h11", tmp_path)
    assert third_party.make_lock(tmp_path).distributions["h11"] == third_party.Lock.read().distributions["h11"]
    (wheel,) = tmp_path.glob("h11-*.dist-info/WHEEL")
    wheel.write_text(wheel.read_text().replace("Purelib: true", "Purelib: false"))
    with pytest.raises(third_party.NotLocked, match="h11 is not pure Python"):
        third_party.make_lock(tmp_path)


RUNTIME_OWN = ("boto3", "botocore", "s3transfer", "python-dateutil", "six", "urllib3", "jmespath")
"""boto3 with everything that it needs, as Lambda's runtime has it."""

IMPORTS = """
import sys
import aws_lambda_powertools, httpx, spapi_rotation_lambda.handler, spapi_rotation_lambda.settings, zoneinfo
folder = sys.argv[1]
for module in (aws_lambda_powertools, httpx, spapi_rotation_lambda.handler):
    assert module.__file__.startswith(folder), module.__file__
with httpx.Client() as client:
    pass
assert "pulumi" not in sys.modules
zoneinfo.reset_tzpath(to=())
from spapi_rotation_lambda.domain.window import Window
window = Window.parse('{"start": "22:00", "end": "04:00", "time_zone": "Europe/Berlin"}', "it")
assert window.time_zone.key == "Europe/Berlin"
"""


@pytest.mark.slow
def test_runs_where_nothing_but_boto3_is_installed(tmp_path: Path, files: dict[str, Path]) -> None:
    folder, home = tmp_path / "archive", tmp_path / "venv"
    write(files, folder)
    venv.create(home, symlinks=True)
    (site,) = home.glob("lib/python*/site-packages")
    for name in RUNTIME_OWN:
        installed_copy(name, site)
    script = f"import sys; sys.path.insert(0, sys.argv[1])\n{IMPORTS}"
    done = subprocess.run(
        [home / "bin" / "python", "-I", "-c", script, str(folder)],
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_lock_is_that_of_the_hash_locked_wheels(tmp_path: Path) -> None:
    """Fetches the wheels through pip."""
    lock_file = tmp_path / "third_party.lock.json"
    lock.write_lock(lock_file=lock_file)
    assert lock_file.read_bytes() == third_party.LOCK_FILE.read_bytes()


@pytest.mark.slow
def test_pip_refuses_what_has_another_hash(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"h11==0.16.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(third_party.NotLocked, match="pip could not install"):
        third_party.install(requirements, tmp_path / "target")


def test_pip_is_held_to_the_functions_python_and_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    third_party.install(tmp_path / "requirements.txt", tmp_path / "target")
    (command,) = commands
    text = " ".join(command)
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    for option in (
        "--require-hashes",
        "--no-deps",
        "--only-binary :all:",
        "--python-version 3.13",
        "--platform manylinux2014_aarch64",
        "--no-compile",
    ):
        assert option in text
