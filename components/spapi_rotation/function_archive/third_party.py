"""The third-party files of the function: which ones, from where, and whether they are the locked ones.

Two locks guard them. ``requirements.txt`` names each distribution with the hashes of its
wheel; ``third_party.lock.json`` names the hash of the files that go from it into the function. The second is made
from the first (``python -m spapi_rotation.function_archive.lock``), never from what happens to be installed.

Imports the standard library only: the build hook loads this file by its path, before anything is installed.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path, PurePosixPath

FUNCTION_PYTHON = "3.13"
"""The Python of the function's runtime; dependency markers are resolved for it."""

FUNCTION_PLATFORM = "manylinux2014_aarch64"
"""The platform tag of wheels for the function's architecture."""

LOCK_FILE = Path(__file__).with_name("third_party.lock.json")
PACKAGED_FOLDER = Path(__file__).with_name("_third_party")
"""Where a wheel carries the third-party files; absent in a checkout."""

LICENCES = "licenses"
_LICENCE_NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE")


class NotLocked(Exception):
    """Files differ from the lock, or the locked files could not be had.

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
            NotLocked: it is missing or not a lock file.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            locked = {
                name: LockedDistribution(entry["version"], entry["sha256"])
                for name, entry in document["distributions"].items()
            }
            return cls(locked, document["sha256"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise NotLocked(
                f"{path.name} is missing or unusable.", remedy="Reinstall the package, or restore the file."
            ) from None

    def to_json(self) -> str:
        """The text of the lock file."""
        listed = {name: asdict(self.distributions[name]) for name in sorted(self.distributions)}
        return json.dumps({"distributions": listed, "sha256": self.sha256}, indent=2) + "\n"


def digest(files: Mapping[str, Path]) -> str:
    """SHA-256 over the sorted lines ``<sha256 of the file>  <path in the archive>``, as of sha256sum."""
    whole = sha256()
    for path in sorted(files):
        whole.update(f"{sha256(files[path].read_bytes()).hexdigest()}  {path}\n".encode())
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


def distribution_files(name: str, found: Distribution) -> dict[str, Path]:
    """The files of one installed distribution that belong into the archive, by their path in it.

    Raises:
        NotLocked: the distribution does not record its files, or a recorded file is missing.
    """
    files: dict[str, Path] = {}
    for recorded in found.files or ():
        path = archive_path(name, recorded)
        if path is not None:
            files[path] = Path(str(recorded.locate()))
    if not files or not all(file.is_file() for file in files.values()):
        raise NotLocked(f"The installed files of {name} are incomplete.", remedy=reinstall_remedy())
    return files


def installed_files(lock: Lock, search: Iterable[str] | None = None) -> dict[str, Path]:
    """The archive's third-party files from installed distributions, provided that they equal the lock.

    Args:
        lock: what they must equal.
        search: folders to look in; the interpreter's own path by default.

    Raises:
        NotLocked: a distribution is missing, has another version or other contents.
    """
    files: dict[str, Path] = {}
    for name, locked in lock.distributions.items():
        found = _find(name, search)
        if found is None:
            raise NotLocked(
                f"The function needs {name} {locked.version}, which is not installed.",
                remedy=reinstall_remedy(),
            )
        if found.version != locked.version:
            raise NotLocked(
                f"The function needs {name} {locked.version}, but {found.version} is installed.",
                remedy=reinstall_remedy(),
            )
        own = distribution_files(name, found)
        if digest(own) != locked.sha256:
            raise NotLocked(
                f"The installed files of {name} {locked.version} differ from the locked ones.",
                remedy=reinstall_remedy(),
            )
        files.update(own)
    return files


def packaged_files(lock: Lock, folder: Path = PACKAGED_FOLDER) -> dict[str, Path]:
    """The third-party files that a wheel carries, provided that they equal the lock.

    Bytecode that an installer compiled beside them is left out.

    Raises:
        NotLocked: a file was changed, added or removed.
    """
    files = {
        path: file
        for file in folder.rglob("*")
        if file.is_file() and (path := archive_path("", PurePosixPath(file.relative_to(folder).as_posix())))
    }
    if digest(files) != lock.sha256:
        raise NotLocked(
            "The function's third-party files in the installed package differ from the locked ones.",
            remedy="reinstall spapi-rotation with pip's --force-reinstall --no-deps.",
        )
    return files


def locked_files() -> dict[str, Path]:
    """The third-party files of the function: those of the wheel, else the installed ones.

    Raises:
        NotLocked: they differ from ``third_party.lock.json``.
    """
    lock = Lock.read()
    return packaged_files(lock) if PACKAGED_FOLDER.is_dir() else installed_files(lock)


def make_lock(folder: Path) -> Lock:
    """The lock of everything that is installed in a folder.

    Raises:
        NotLocked: a distribution is not pure Python. Its files would differ between the function's machine
            and a developer's, and a checkout could never equal the lock.
    """
    locked: dict[str, LockedDistribution] = {}
    everything: dict[str, Path] = {}
    for found in distributions(path=[str(folder)]):
        name = _normalised(found.metadata["Name"])
        if "Root-Is-Purelib: true" not in (found.read_text("WHEEL") or ""):
            raise NotLocked(f"{name} is not pure Python.", remedy="Replace it, or make room for it in the archive.")
        files = distribution_files(name, found)
        if clash := everything.keys() & files.keys():
            raise NotLocked(f"Two distributions hold {min(clash)}.", remedy="Remove one of them.")
        everything.update(files)
        locked[name] = LockedDistribution(found.version, digest(files))
    return Lock(locked, digest(everything))


def install(requirements: Path, folder: Path) -> None:
    """Install the hash-locked wheels, for the function's Python and platform, into a folder.

    Raises:
        NotLocked: pip failed; its own message has been printed.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", FUNCTION_PYTHON]
    command += ["--platform", FUNCTION_PLATFORM, "--no-compile", "--target", str(folder)]
    if subprocess.run([*command, "--requirement", str(requirements)], check=False).returncode != 0:
        raise NotLocked(
            "pip could not install the function's locked dependencies.",
            remedy="Read pip's message above; pip itself must be installed beside this Python.",
        )


def reinstall_remedy() -> str:
    """The command that installs exactly the locked distributions."""
    return (
        "install the locked versions: python -m pip install --force-reinstall --require-hashes --no-deps "
        "--only-binary :all: -r components/spapi_rotation/function_archive/requirements.txt."
    )


def _find(name: str, search: Iterable[str] | None) -> Distribution | None:
    if search is not None:
        return next(iter(distributions(name=name, path=list(search))), None)
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
