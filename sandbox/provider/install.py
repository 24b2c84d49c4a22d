"""Putting the stand-in where the engine finds it: an executable ``pulumi-resource-aws`` in a folder on PATH."""

import shlex
from pathlib import Path

from sandbox.paths import CHECKOUT

LAUNCHER = "pulumi-resource-aws"


def install(folder: Path, python: Path) -> Path:
    """Write the launcher and return its path.

    Args:
        folder: where; made if missing. It must be on the engine's PATH.
        python: an interpreter whose environment holds ``pulumi``, ``pulumi_aws`` and ``boto3``.

    The launcher refers to this checkout and to that interpreter. It leaves the program's folder out of the
    interpreter's path, so a program's own modules can't shadow the plugin's.
    """
    return write_launcher(folder / LAUNCHER, "sandbox.provider.main", python)


def write_launcher(launcher: Path, module: str, python: Path) -> Path:
    """Write a program that runs the ``main`` of one of the sandbox's modules, and return its path."""
    launcher.parent.mkdir(parents=True, exist_ok=True)
    code = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); from {module} import main; main()"
    # A link to an interpreter is what makes its environment: it must not be resolved.
    command = shlex.join([str(python.absolute()), "-P", "-c", code])
    launcher.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    launcher.chmod(0o755)
    return launcher
