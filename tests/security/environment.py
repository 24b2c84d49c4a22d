"""The tools' virtual environments, one for each, so that they meet neither each other nor that of the development."""

import re
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from sandbox.cache import Progress, cached_folder, digest
from sandbox.virtual_environment import make

LOCKS = Path(__file__).with_name("requirements")

INSTALLED = ("checkov", "cfn-lint", "pip-audit")
"""The tools that come from a package index."""


def versions() -> Mapping[str, str]:
    """The version of each tool, as locked."""
    return {name: _locked(name) for name in INSTALLED}


def python_of(tool: str, progress: Progress) -> Path:
    """The interpreter with which a tool is run, made now if it is missing.

    A tool's own program names the folder in which it was installed, which has another name by now.

    Raises:
        EnvironmentFailed: it cannot be installed.
    """
    lock = _lock(tool)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    recipe = digest(lock.read_bytes(), sys.version)

    def build(folder: Path) -> None:
        progress(f"Installing {tool} {_locked(tool)} (once).")
        make(folder, lock)

    return cached_folder(f"{tool}-py{version}-{sysconfig.get_platform()}-{recipe}", build, progress) / "bin" / "python"


def _lock(tool: str) -> Path:
    return LOCKS / f"{tool}.txt"


def _locked(tool: str) -> str:
    found = re.search(rf"^{re.escape(tool)}==(\S+)", _lock(tool).read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{_lock(tool).name} does not lock {tool}")
    return found[1]
