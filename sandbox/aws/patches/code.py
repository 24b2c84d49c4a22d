"""Functions' code: unpacked once, and shared by all processes of a function, as AWS's ``/var/task`` is.

MiniStack unpacks it for each process and deletes each copy while every other call waits: a thousand files each.
"""

import hashlib
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings


def apply(_settings: Settings) -> None:
    """Have the runtime unpack archives by way of a folder for all."""
    folder, lock = Path(tempfile.mkdtemp(prefix="code-")), threading.Lock()

    class Archive(zipfile.ZipFile):
        """An archive whose content is unpacked once and then linked."""

        def extractall(self, path: Any = None, *_: Any, **__: Any) -> None:
            unpacked = folder / hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
            with lock:
                if not unpacked.exists():
                    fresh = tempfile.mkdtemp(dir=folder)
                    super().extractall(fresh)
                    Path(fresh).rename(unpacked)
            Path(path).rmdir()
            Path(path).symlink_to(unpacked)

    replace(lambda_runtime, "zipfile", SimpleNamespace(ZipFile=Archive, BadZipFile=zipfile.BadZipFile))
