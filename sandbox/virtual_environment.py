"""Virtual environments of a tool's own, made from a lock file with hashes."""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class EnvironmentFailed(RuntimeError):
    """A virtual environment could not be made; the message holds the failed tool's last lines."""


def make(folder: Path, requirements: Path) -> None:
    """Make a virtual environment with exactly the locked packages, from wheels only.

    Raises:
        EnvironmentFailed: ``venv`` or ``pip`` failed, for instance because no package index can be reached.
    """
    if importlib.util.find_spec("ensurepip") is None:
        raise EnvironmentFailed("This Python lacks ensurepip: install its venv package (python3-venv).")
    _run([sys.executable, "-m", "venv", folder])
    pip = (folder / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    locked = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", requirements)
    _run([*pip, "install", *locked])


def _run(command: Sequence[str | Path]) -> None:
    """Run a tool in the user's own environment, where package index and certificates are configured."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise EnvironmentFailed(f"{' '.join(map(str, command))} failed.\n{tail}")
