"""Build hook: makes the function's zip, for a wheel that carries it and for an editable install that finds it beside
the modules."""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FunctionZipHook(BuildHookInterface[Any]):
    """Makes ``function.zip`` in the source tree; pyproject.toml names it as an artifact of the wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the zip.

        Raises:
            UnusableFiles: the locked wheels could not be had.
        """
        if self.target_name == "wheel":
            root = Path(self.root)
            _function_zip(root / "components" / "spapi_rotation").make(
                root / "rotation_lambda" / "spapi_rotation_lambda"
            )


def _function_zip(package: Path) -> ModuleType:
    """The module that makes the zip, imported without the package's own ``__init__``: that one needs Pulumi."""
    bare = ModuleType(package.name)
    bare.__path__ = [str(package)]
    sys.modules[package.name] = bare
    return importlib.import_module(f"{package.name}.function_archive.function_zip")
