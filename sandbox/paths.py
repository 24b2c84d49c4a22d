"""Where the sandbox keeps its files."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
"""The folder that holds ``sandbox/``."""

CACHE_VARIABLE = "SPAPI_ROTATION_CACHE"


def cache_dir() -> Path:
    """The folder for what is costly to make and the same for every checkout; created if missing.

    ``$SPAPI_ROTATION_CACHE``, else ``spapi-rotation`` below ``$XDG_CACHE_HOME`` or ``~/.cache``.
    It can be deleted at any time while no sandbox runs.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        folder = Path(chosen).expanduser().absolute()
    else:
        base = os.environ.get("XDG_CACHE_HOME")
        folder = (Path(base) if base else Path.home() / ".cache") / "spapi-rotation"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def state_dir() -> Path:
    """The folder in the checkout for one sandbox's own files (logs, certificate, Pulumi state); created if
    missing.

    It is ignored by git and readable by its owner only.
    """
    folder = CHECKOUT / "sandbox" / ".state"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
