"""Writes ``bundle.lock.json`` after a change of ``requirements.txt``.

``python -m spapi_rotation.function_archive.relock``, in a checkout. The wheels come through pip and are held to
their hashes.
"""

import tempfile
from pathlib import Path

from spapi_rotation.function_archive import vendored

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def relock(requirements: Path = REQUIREMENTS, lock_file: Path = vendored.LOCK_FILE) -> vendored.Lock:
    """Install the hash-locked wheels into a temporary folder and lock their contents.

    Raises:
        NotLocked: pip failed, or a distribution cannot be bundled.
    """
    with tempfile.TemporaryDirectory() as folder:
        vendored.install(requirements, Path(folder))
        lock = vendored.make_lock(Path(folder))
    lock_file.write_text(lock.to_json(), encoding="utf-8", newline="\n")
    return lock


if __name__ == "__main__":
    relock()
