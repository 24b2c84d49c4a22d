"""Costly things made once: a cached folder is built by one process and appears complete or not at all."""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.paths import cache_dir

Progress = Callable[[str], None]
"""Takes one line for a person at a time."""


def silent(_: str) -> None:
    """A Progress that says nothing."""


def digest(*parts: str | bytes) -> str:
    """A short stable name for a recipe: the first 12 hex digits of the SHA-256 of its parts."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()[:12]


def cached_folder(name: str, build: Callable[[Path], None], progress: Progress) -> Path:
    """Return the cache's folder ``name``; when it is missing, have ``build`` fill a new folder and rename
    that to it.

    Two processes do not build at the same time: the second one waits and finds the first one's result. A
    build that fails leaves nothing behind. What is built must not depend on the folder's name while it is
    built.
    """
    final = cache_dir() / name
    if final.is_dir():
        return final
    with locked(cache_dir() / f"{name}.lock", progress):
        if final.is_dir():
            return final
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache_dir()))
        try:
            build(unfinished)
            unfinished.chmod(0o755)
            unfinished.rename(final)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return final


@contextmanager
def locked(file: Path, progress: Progress) -> Iterator[None]:
    """Hold an exclusive lock on a file; it ends with the process, however that ends."""
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"Another process makes {file.stem}; waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
