"""Build hook: puts the function's hash-locked third-party files into the wheel.

They become ``spapi_rotation/function_archive/_third_party``.

An editable install gets none: there the installed distributions serve, if they equal the lock.
"""

import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("components")
ARCHIVE = Path("spapi_rotation") / "function_archive"


class ThirdPartyHook(BuildHookInterface[Any]):
    """Installs the locked wheels into a temporary folder and adds their files, if they equal the content lock."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to the wheel.

        Raises:
            NotLocked: pip could not install the locked wheels, or their contents differ from the lock.
        """
        if self.target_name != "wheel" or version == "editable":
            return
        root = Path(self.root)
        third_party = _load(root / SOURCE / ARCHIVE / "third_party.py")
        self._folder = tempfile.TemporaryDirectory()
        third_party.install(root / SOURCE / ARCHIVE / "requirements.txt", Path(self._folder.name))
        files = third_party.installed_files(third_party.Lock.read(), [self._folder.name])
        for path, file in files.items():
            build_data["force_include"][str(file)] = f"{ARCHIVE.as_posix()}/{third_party.PACKAGED_FOLDER.name}/{path}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder."""
        folder: tempfile.TemporaryDirectory[str] | None = getattr(self, "_folder", None)
        if folder is not None:
            folder.cleanup()


def _load(path: Path) -> ModuleType:
    """Load a module by its path: the package itself is not importable in a build environment."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
