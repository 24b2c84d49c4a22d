"""The function's zip: the locked files and nothing else, the same bytes on every machine."""

import functools
import importlib.util
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import venv
import zipfile
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

import pulumi
import pytest
from packaging.requirements import Requirement

from spapi_rotation import UnusableArchive
from spapi_rotation.function_archive import function_zip, lock, third_party
from spapi_rotation.function_archive.archive import CODE_FOLDER, function_code

ROOT = Path(__file__).parents[2]

DISTRIBUTIONS = {
    "anyio",
    "certifi",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "typing-extensions",
    "tzdata",
}


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    with zipfile.ZipFile(function_zip.ZIP_FILE) as made:
        return {path: made.read(path) for path in made.namelist()}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The function's modules in another place."""
    folder = tmp_path / "source" / CODE_FOLDER.name
    shutil.copytree(CODE_FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def copied_zip(tmp_path: Path) -> Path:
    return Path(shutil.copy(function_zip.ZIP_FILE, tmp_path))


def own(contents: dict[str, bytes]) -> set[str]:
    return {path for path in contents if path.startswith("spapi_rotation_lambda/")}


def test_a_zip_has_these_bytes_whatever_python_made_it() -> None:
    made = function_zip.zipped({"pkg/b.py": b"B = 2\n", "a.py": b"", "licenses/x/LICENSE": b"Free.\n"})
    assert sha256(made).hexdigest() == "3e11f57d1dad61c9a0e22bb1f425b3f8c8a4c3578c5798524f458eec27c0bbe0"


def test_entries_are_stored_sorted_and_say_nothing_of_the_machine() -> None:
    with zipfile.ZipFile(function_zip.ZIP_FILE) as made:
        entries = made.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {oct(entry.external_attr >> 16) for entry in entries} == {"0o100644"}


def test_made_again_it_has_the_same_bytes_wherever_the_modules_lie(package: Path, copied_zip: Path) -> None:
    os.utime(package / "handler.py", (1, 1))
    (package / "handler.py").chmod(0o755)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "handler.cpython-313.pyc").write_bytes(b"compiled")
    function_zip.make(package, copied_zip)
    assert copied_zip.read_bytes() == function_zip.ZIP_FILE.read_bytes()
    assert [file.name for file in copied_zip.parent.iterdir() if file.is_file()] == ["function.zip"]


@pytest.mark.slow
def test_made_from_nothing_it_has_the_same_bytes(package: Path, tmp_path: Path) -> None:
    """Fetches the wheels through pip."""
    function_zip.make(package, tmp_path / "new.zip")
    assert (tmp_path / "new.zip").read_bytes() == function_zip.ZIP_FILE.read_bytes()


def test_third_party_files_equal_the_content_lock(contents: dict[str, bytes]) -> None:
    locked = {path: contents[path] for path in contents.keys() - own(contents)}
    assert third_party.digest(locked) == third_party.Lock.read().sha256


def pinned(requirements: Path) -> dict[str, str]:
    lines = requirements.read_text().splitlines()
    required = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalpha()]
    return {each.name: str(each.specifier) for each in required}


def test_locks_agree() -> None:
    """The content lock has the distributions and versions of the hash-locked requirements."""
    locked = {name: f"=={each.version}" for name, each in third_party.Lock.read().distributions.items()}
    assert locked == pinned(third_party.REQUIREMENTS)
    assert set(locked) == DISTRIBUTIONS


def test_every_requirement_is_hashed() -> None:
    text = third_party.REQUIREMENTS.read_text()
    assert all("--hash=sha256:" in entry for entry in text.split("==")[1:])


def test_holds_own_modules_data_and_licences_but_no_metadata_scripts_or_bytecode(
    contents: dict[str, bytes],
) -> None:
    assert {
        "spapi_rotation_lambda/settings.py",
        "certifi/cacert.pem",
        "httpx/py.typed",
        "typing_extensions.py",
    } <= set(contents)
    assert all(any(path.startswith(f"licenses/{name}/") for path in contents) for name in DISTRIBUTIONS)
    for path in contents:
        parts = PurePosixPath(path).parts
        assert not {"__pycache__", "bin", ".."} & set(parts[:1] + parts[-2:-1]), path
        assert ".dist-info" not in path
        assert not path.endswith((".pyc", ".so"))
    tops = {PurePosixPath(path).parts[0] for path in contents}
    assert tops == {
        "anyio",
        "certifi",
        "h11",
        "httpcore",
        "httpx",
        "idna",
        "licenses",
        "spapi_rotation_lambda",
        "typing_extensions.py",
        "tzdata",
    }


def test_own_files_are_the_packages_modules_only(contents: dict[str, bytes]) -> None:
    assert {path: contents[path] for path in own(contents)} == {
        f"spapi_rotation_lambda/{file.relative_to(CODE_FOLDER).as_posix()}": file.read_bytes()
        for file in CODE_FOLDER.rglob("*.py")
    }


def test_pulumi_gets_the_zip_alone_by_its_absolute_path() -> None:
    assert function_code().path == str(function_zip.ZIP_FILE.resolve())


@pytest.mark.parametrize("change", ["module changed", "module added", "module removed", "folder renamed"])
def test_a_zip_of_other_modules_than_those_beside_it_is_refused(package: Path, copied_zip: Path, change: str) -> None:
    function_zip.validate(package, copied_zip)
    if change == "module changed":
        (package / "handler.py").write_text("")
    elif change == "module added":
        (package / "domain" / "more.py").write_text("")
    elif change == "module removed":
        (package / "domain" / "window.py").unlink()
    else:
        (package / "domain").rename(package / "rules")
    with pytest.raises(third_party.UnusableFiles, match="not made from the modules and the lock beside it"):
        function_zip.validate(package, copied_zip)


def repacked(zip_file: Path, compression: int, changed: dict[str, bytes]) -> None:
    with zipfile.ZipFile(zip_file) as source:
        entries = {entry.filename: (entry, source.read(entry)) for entry in source.infolist()}
    with zipfile.ZipFile(zip_file, "w") as target:
        for path, (entry, content) in entries.items():
            entry.compress_type = compression
            target.writestr(entry, changed.get(path, content))


@pytest.mark.parametrize(
    ("compression", "changed"),
    [
        (zipfile.ZIP_STORED, {"certifi/cacert.pem": b"another authority"}),
        (zipfile.ZIP_STORED, {"spapi_rotation_lambda/handler.py": b""}),
        (zipfile.ZIP_DEFLATED, {}),
    ],
)
def test_a_zip_that_somebody_changed_or_packed_again_is_refused(
    copied_zip: Path, compression: int, changed: dict[str, bytes]
) -> None:
    repacked(copied_zip, zipfile.ZIP_STORED, {})
    function_zip.validate(CODE_FOLDER, copied_zip)
    repacked(copied_zip, compression, changed)
    with pytest.raises(third_party.UnusableFiles, match="not made from the modules and the lock beside it"):
        function_zip.validate(CODE_FOLDER, copied_zip)


def test_a_file_that_is_no_zip_is_refused(copied_zip: Path) -> None:
    copied_zip.write_bytes(b"half a download")
    with pytest.raises(third_party.UnusableFiles, match="not made from"):
        function_zip.validate(CODE_FOLDER, copied_zip)


def test_a_missing_zip_ends_the_program_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        function_zip, "validate", functools.partial(function_zip.validate, zip_file=tmp_path / "function.zip")
    )
    with pytest.raises(UnusableArchive, match="has not been built") as refused:
        function_code()
    assert isinstance(refused.value, pulumi.RunError), "else Pulumi prints a stack trace"
    assert refused.value.remedy == function_zip.remedy()


def test_the_remedys_command_makes_a_stale_zip_anew_without_a_network(tmp_path: Path) -> None:
    """In a checkout of its own, by the very words of the error."""
    for folder in ("components", "rotation_lambda"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "rotation_lambda" / "spapi_rotation_lambda" / "handler.py").open("a") as module:
        module.write("# changed\n")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(tmp_path / folder) for folder in ("components", "rotation_lambda")),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "",
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    deploy = "from spapi_rotation.function_archive.archive import function_code; print(function_code().path)"
    refused = run(sys.executable, "-W", "ignore", "-c", deploy)
    assert refused.returncode != 0
    command = re.search(r"What to do: make it anew: (.+)", refused.stderr)
    assert command, refused.stderr
    mended = run(*shlex.split(command[1]))
    assert (mended.returncode, mended.stdout) == (0, ""), mended.stderr
    accepted = run(sys.executable, "-W", "ignore", "-c", deploy)
    assert accepted.stdout.strip() == str(tmp_path / function_zip.ZIP_FILE.relative_to(ROOT)), accepted.stderr


def test_a_command_that_can_not_have_the_wheels_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(third_party.UnusableFiles, match="could not be installed"):
        function_zip.make(CODE_FOLDER, tmp_path / "function.zip")
    assert not list(tmp_path.iterdir())


def test_digest_depends_on_names_and_contents() -> None:
    digests = {
        third_party.digest({"a": b"1", "b": b"2"}),
        third_party.digest({"a": b"2", "b": b"1"}),
        third_party.digest({"a": b"1", "c": b"2"}),
        third_party.digest({"a": b"1"}),
    }
    assert len(digests) == 4
    assert third_party.digest({"b": b"2", "a": b"1"}) in digests


def test_digest_is_that_of_sha256sum() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert third_party.digest({"a": b""}) == sha256(f"{empty}  a\n".encode()).hexdigest()


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
def test_path_of_the_archive(recorded: str, expected: str | None) -> None:
    assert third_party.archive_path("x", PurePosixPath(recorded)) == expected


def installed_copy(name: str, folder: Path) -> None:
    """Copy an installed distribution, with its metadata."""
    for entry in distribution(name).files or ():
        if ".." not in entry.parts:
            target = folder / entry
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(str(entry.locate())), target)


def test_what_is_installed_in_a_folder_is_locked_by_its_contents(tmp_path: Path) -> None:
    installed_copy("h11", tmp_path)
    made = third_party.make_lock(tmp_path)
    assert made.distributions["h11"] == third_party.Lock.read().distributions["h11"]
    assert {"h11/__init__.py", "licenses/h11/LICENSE.txt"} <= set(third_party.locked_contents(tmp_path, made))
    with (tmp_path / "h11" / "__init__.py").open("a") as module:
        module.write("# changed\n")
    with pytest.raises(third_party.UnusableFiles, match=r"differ from third_party\.lock\.json"):
        third_party.locked_contents(tmp_path, made)


def test_a_missing_installed_file_is_refused(tmp_path: Path) -> None:
    installed_copy("h11", tmp_path)
    made = third_party.make_lock(tmp_path)
    (tmp_path / "h11" / "_util.py").unlink()
    # From Python 3.12 on, importlib.metadata leaves a missing file out, and the rest differs from what is locked.
    with pytest.raises(third_party.UnusableFiles, match=r"h11 are incomplete|differ from"):
        third_party.locked_contents(tmp_path, made)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"distributions": {"a": {}}, "sha256": "0"}'])
def test_an_unusable_lock_file_is_refused(tmp_path: Path, text: str) -> None:
    lock_file = tmp_path / "third_party.lock.json"
    lock_file.write_text(text)
    with pytest.raises(third_party.UnusableFiles, match="unusable"):
        third_party.Lock.read(lock_file)


def test_lock_file_is_as_written(tmp_path: Path) -> None:
    assert third_party.LOCK_FILE.read_text() == third_party.Lock.read().to_json()


def test_a_lock_is_made_of_pure_python_only(tmp_path: Path) -> None:
    installed_copy("h11", tmp_path)
    assert third_party.make_lock(tmp_path).distributions["h11"] == third_party.Lock.read().distributions["h11"]
    (wheel,) = tmp_path.glob("h11-*.dist-info/WHEEL")
    wheel.write_text(wheel.read_text().replace("Purelib: true", "Purelib: false"))
    with pytest.raises(third_party.UnusableFiles, match="h11 is not pure Python"):
        third_party.make_lock(tmp_path)


RUNTIME_OWN = ("boto3", "botocore", "s3transfer", "python-dateutil", "six", "urllib3", "jmespath")
"""boto3 with everything that it needs, as Lambda's runtime has it."""

IMPORTS = """
import sys
import httpx, spapi_rotation_lambda.handler, spapi_rotation_lambda.settings, zoneinfo
folder = sys.argv[1]
for module in (httpx, spapi_rotation_lambda.handler):
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
def test_runs_where_nothing_but_boto3_is_installed(tmp_path: Path) -> None:
    folder, home = tmp_path / "archive", tmp_path / "venv"
    with zipfile.ZipFile(function_zip.ZIP_FILE) as made:
        made.extractall(folder)
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
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_lock_is_that_of_the_hash_locked_wheels(
    installer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fetches the wheels through pip and through uv."""
    if installer == "uv":
        without_pip(monkeypatch)
    lock_file = tmp_path / "third_party.lock.json"
    lock.write_lock(lock_file=lock_file)
    assert lock_file.read_bytes() == third_party.LOCK_FILE.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_what_has_another_hash_is_refused(installer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if installer == "uv":
        without_pip(monkeypatch)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"h11==0.16.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(third_party.UnusableFiles, match="could not be installed"):
        third_party.install(requirements, tmp_path / "target")


def without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an environment that uv has made."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))


def test_without_pip_and_uv_the_error_says_how_to_have_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pip(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(third_party.UnusableFiles, match=r"neither pip .* nor uv") as refused:
        third_party.install(third_party.REQUIREMENTS, tmp_path / "target")
    assert refused.value.remedy.endswith(f"{sys.executable} -m ensurepip")


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_pip_is_held_to_the_functions_python_and_platform(
    installer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    if installer == "uv":
        without_pip(monkeypatch)
    third_party.install(tmp_path / "requirements.txt", tmp_path / "target")
    (command,) = commands
    text = " ".join(command)
    options = ["--require-hashes", "--no-deps", "--only-binary :all:", "--python-version 3.13"]
    if installer == "pip":
        assert command[:4] == [sys.executable, "-m", "pip", "install"]
        options += ["--platform manylinux2014_aarch64", "--no-compile"]
    else:
        assert [Path(command[0]).name, *command[1:3]] == ["uv", "pip", "install"]
        options += ["--python-platform aarch64-manylinux2014"]
    for option in options:
        assert option in text


def test_the_command_that_makes_the_zip_makes_it_of_our_modules_or_says_why_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(function_zip, "make", made.append)
    runpy.run_module("spapi_rotation.function_archive", run_name="__main__")
    assert made == [CODE_FOLDER]

    def refuse(_folder: Path) -> None:
        raise third_party.UnusableFiles("A wheel has other contents.", remedy="Run make lock.")

    monkeypatch.setattr(function_zip, "make", refuse)
    with pytest.raises(SystemExit, match=r"^A wheel has other contents\. What to do: Run make lock\.$"):
        runpy.run_module("spapi_rotation.function_archive", run_name="__main__")
