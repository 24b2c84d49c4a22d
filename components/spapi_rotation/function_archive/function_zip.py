"""The function's code as one zip file, ``function.zip`` beside this module: the same bytes on every machine.

It is made from the hash-locked wheels and the function's own modules, and never by `pulumi up`. Entries are stored,
because compressors differ from machine to machine; they are sorted, dated 1980, mode 0644, and none is bytecode.

Imports the standard library only: the build hook uses this module before anything is installed.
"""

import io
import os
import shlex
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from spapi_rotation.function_archive.third_party import (
    REQUIREMENTS,
    Lock,
    UnusableFiles,
    digest,
    install,
    locked_contents,
)

ZIP_FILE = Path(__file__).with_name("function.zip")

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip file can hold."""

_UNIX = 3
_MODE = 0o100644 << 16


def remedy() -> str:
    """The command that makes the zip anew, for any shell: the environment need not be activated."""
    return f"make it anew: {shlex.quote(sys.executable)} -m spapi_rotation.function_archive"


def own_modules(package: Path) -> dict[str, bytes]:
    """The function's own modules, by their path in the zip.

    Args:
        package: the folder of ``spapi_rotation_lambda``.
    """
    return {file.relative_to(package.parent).as_posix(): file.read_bytes() for file in package.rglob("*.py")}


def zipped(contents: Mapping[str, bytes]) -> bytes:
    """The zip of some contents. It depends on names and contents alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for path in sorted(contents):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            target.writestr(entry, contents[path])
    return buffer.getvalue()


def make(package: Path, zip_file: Path = ZIP_FILE) -> None:
    """Make the zip anew.

    Third-party files come from the zip that is there, if it has the locked ones; else the wheels are installed into a
    temporary folder.

    Args:
        package: the folder of ``spapi_rotation_lambda``.
        zip_file: what is written, all of it or nothing.

    Raises:
        UnusableFiles: the locked wheels could not be had.
    """
    lock = Lock.read()
    third_party = _third_party(_unzipped(zip_file), package)
    if digest(third_party) != lock.sha256:
        with tempfile.TemporaryDirectory() as folder:
            install(REQUIREMENTS, Path(folder))
            third_party = locked_contents(Path(folder), lock)
    fresh = zip_file.with_name(f"{zip_file.name}.{os.getpid()}")
    fresh.write_bytes(zipped({**third_party, **own_modules(package)}))
    fresh.replace(zip_file)


def validate(package: Path, zip_file: Path = ZIP_FILE) -> None:
    """See that the zip is made from the modules at hand and the locked third-party files, and in our way.

    Args:
        package: the folder of ``spapi_rotation_lambda``.
        zip_file: the zip.

    Raises:
        UnusableFiles: it is missing, or was made from something else.
    """
    if not zip_file.is_file():
        raise UnusableFiles("The function archive (function.zip) has not been built.", remedy=remedy())
    third_party = _third_party(_unzipped(zip_file), package)
    expected = zipped({**third_party, **own_modules(package)})
    if digest(third_party) != Lock.read().sha256 or expected != zip_file.read_bytes():
        raise UnusableFiles(
            "The function archive (function.zip) was not made from the modules and the lock beside it.", remedy=remedy()
        )


def _unzipped(zip_file: Path) -> dict[str, bytes]:
    """The contents of a zip; nothing if it is missing or no zip."""
    try:
        with zipfile.ZipFile(zip_file) as source:
            return {path: source.read(path) for path in source.namelist()}
    except (FileNotFoundError, zipfile.BadZipFile):
        return {}


def _third_party(contents: Mapping[str, bytes], package: Path) -> dict[str, bytes]:
    return {path: content for path, content in contents.items() if not path.startswith(f"{package.name}/")}
