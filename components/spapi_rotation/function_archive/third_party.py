"""The third-party files of the function: which ones, from where, and whether they are the locked ones.

There are two locks. ``requirements.txt`` names each distribution with the hashes of its
wheel; ``third_party.lock.json`` names the hash of the files that go from it into the function. The second is made
from the first (``python -m spapi_rotation.function_archive.lock``), never from what happens to be installed.

Imports the standard library only: the build hook uses this module before anything is installed.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath

FUNCTION_PYTHON = "3.13"
"""The Python of the function's runtime; dependency markers are resolved for it."""

FUNCTION_PLATFORM = "manylinux2014_aarch64"
"""The platform tag of wheels for the function's architecture."""

UV_PLATFORM = "aarch64-manylinux2014"
"""The same platform, as uv calls it."""

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
LOCK_FILE = Path(__file__).with_name("third_party.lock.json")

LICENCES = "licenses"
_LICENCE_NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE")


class UnusableFiles(Exception):
    """Files of the function are missing or not the right ones, or could not be had.

    Attributes:
        remedy: what a person can do about it.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.args[0]} What to do: {self.remedy}"


@dataclass(frozen=True, slots=True)
class LockedDistribution:
    """One distribution of the archive: its version and the digest of its files."""

    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Lock:
    """The content lock: every distribution, and the digest of all files together."""

    distributions: Mapping[str, LockedDistribution]
    sha256: str

    @classmethod
    def read(cls, path: Path = LOCK_FILE) -> "Lock":
        """Read a lock file.

        Raises:
            UnusableFiles: it is missing or not a lock file.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            locked = {
                name: LockedDistribution(entry["version"], entry["sha256"])
                for name, entry in document["distributions"].items()
            }
            return cls(locked, document["sha256"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise UnusableFiles(
                f"{path.name} is missing or unusable.", remedy="Reinstall the package, or restore the file."
            ) from None

    def to_json(self) -> str:
        """The text of the lock file."""
        listed = {name: asdict(self.distributions[name]) for name in sorted(self.distributions)}
        return json.dumps({"distributions": listed, "sha256": self.sha256}, indent=2) + "\n"


def digest(contents: Mapping[str, bytes]) -> str:
    """SHA-256 over the sorted lines ``<sha256 of the file>  <path in the archive>``, as of sha256sum."""
    whole = sha256()
    for path in sorted(contents):
        whole.update(f"{sha256(contents[path]).hexdigest()}  {path}\n".encode())
    return whole.hexdigest()


def archive_path(name: str, recorded: PurePosixPath) -> str | None:
    """Where a file that a distribution records goes in the archive; None when it stays out.

    Code and data keep their place. Licence texts go to ``licenses/<name>/``. Installer metadata, scripts and
    bytecode stay out: they differ from machine to machine.
    """
    parts = recorded.parts
    if ".." in parts or parts[0] == "bin" or recorded.suffix == ".pyc":
        return None
    if not parts[0].endswith(".dist-info"):
        return recorded.as_posix()
    if parts[1] == "licenses":
        return "/".join((LICENCES, name, *parts[2:]))
    if len(parts) == 2 and parts[1].upper().startswith(_LICENCE_NAMES):
        return f"{LICENCES}/{name}/{parts[1]}"
    return None


def distribution_contents(name: str, found: Distribution) -> dict[str, bytes]:
    """What of one installed distribution belongs into the archive, by its path in it.

    Raises:
        UnusableFiles: the distribution does not record its files, or a recorded file is missing.
    """
    files: dict[str, Path] = {}
    for recorded in found.files or ():
        path = archive_path(name, recorded)
        if path is not None:
            files[path] = Path(str(recorded.locate()))
    if not files or not all(file.is_file() for file in files.values()):
        raise UnusableFiles(f"The installed files of {name} are incomplete.", remedy="Run the command again.")
    return {path: file.read_bytes() for path, file in files.items()}


def installed_contents(folder: Path) -> dict[str, dict[str, bytes]]:
    """What of everything that is installed in a folder belongs into the archive, by distribution.

    Raises:
        UnusableFiles: a distribution is not pure Python, so that it would run on one processor only; or two hold
            the same file.
    """
    found: dict[str, dict[str, bytes]] = {}
    seen: set[str] = set()
    for each in distributions(path=[str(folder)]):
        name = _normalised(each.metadata["Name"])
        if "Root-Is-Purelib: true" not in (each.read_text("WHEEL") or ""):
            raise UnusableFiles(f"{name} is not pure Python.", remedy="Replace it with one that is.")
        found[name] = distribution_contents(name, each)
        if clash := seen & found[name].keys():
            raise UnusableFiles(f"Two distributions hold {min(clash)}.", remedy="Remove one of them.")
        seen |= found[name].keys()
    return found


def make_lock(folder: Path) -> Lock:
    """The lock of everything that is installed in a folder.

    Raises:
        UnusableFiles: as of :func:`installed_contents`.
    """
    contents = installed_contents(folder)
    versions = {_normalised(each.metadata["Name"]): each.version for each in distributions(path=[str(folder)])}
    locked = {name: LockedDistribution(versions[name], digest(own)) for name, own in contents.items()}
    return Lock(locked, digest(_together(contents)))


def locked_contents(folder: Path, lock: Lock) -> dict[str, bytes]:
    """What is installed in a folder, provided that it equals the lock.

    Raises:
        UnusableFiles: it differs, or as of :func:`installed_contents`.
    """
    contents = _together(installed_contents(folder))
    if digest(contents) != lock.sha256:
        raise UnusableFiles(
            "The files of the function's locked wheels differ from third_party.lock.json.",
            remedy="Restore requirements.txt and third_party.lock.json, or run make lock in a checkout.",
        )
    return contents


def install(requirements: Path, folder: Path) -> None:
    """Install the hash-locked wheels, for the function's Python and platform, into a folder.

    With this Python's pip, or where there is none (uv makes such environments) with uv.

    Raises:
        UnusableFiles: there is no installer, or it failed; its own message has been printed.
    """
    installer = _pip() if importlib.util.find_spec("pip") else _uv()
    command = [*installer, "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", FUNCTION_PYTHON, "--target", str(folder), "--requirement", str(requirements)]
    if subprocess.run(command, check=False).returncode != 0:
        raise UnusableFiles(
            "The function's locked dependencies could not be installed.",
            remedy="Read the message of pip or uv above: it needs a package index, or a cache that has the wheels.",
        )


def _pip() -> list[str]:
    options = ["--implementation", "cp", "--platform", FUNCTION_PLATFORM, "--no-compile"]
    return [sys.executable, "-m", "pip", "install", *options]


def _uv() -> list[str]:
    uv = shutil.which("uv")
    if uv is None:
        raise UnusableFiles(
            "There is neither pip in this Python environment nor uv on PATH.",
            remedy=f"Put pip into it: {sys.executable} -m ensurepip",
        )
    return [uv, "pip", "install", "--python", sys.executable, "--python-platform", UV_PLATFORM]


def _together(contents: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    return {path: content for own in contents.values() for path, content in own.items()}


def _normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
