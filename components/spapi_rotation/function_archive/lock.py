"""Writes ``third_party.lock.json`` after a change of ``requirements.txt``.

``python -m spapi_rotation.function_archive.lock``, in a checkout. The wheels come through pip or uv and are held to
their hashes.
"""

import tempfile
from pathlib import Path

from spapi_rotation.function_archive import third_party


def write_lock(
    requirements: Path = third_party.REQUIREMENTS, lock_file: Path = third_party.LOCK_FILE
) -> third_party.Lock:
    """Install the hash-locked wheels into a temporary folder and lock their contents.

    Raises:
        UnusableFiles: the installer failed, or a distribution cannot go into the archive.
    """
    with tempfile.TemporaryDirectory() as folder:
        third_party.install(requirements, Path(folder))
        lock = third_party.make_lock(Path(folder))
    lock_file.write_text(lock.to_json(), encoding="utf-8", newline="\n")
    return lock


if __name__ == "__main__":
    write_lock()  # pragma: no cover, because it renews the lock; `make lock` runs it
