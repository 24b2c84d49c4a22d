"""The emulator's own virtual environment, made once from the locked requirements."""

import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from sandbox.cache import Progress, cached_folder, digest
from sandbox.paths import CHECKOUT
from sandbox.virtual_environment import EnvironmentFailed, make

REQUIREMENTS = CHECKOUT / "sandbox" / "requirements-aws.txt"

FUNCTION_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
"""What a function finds besides its own code: AWS's Python runtimes ship boto3 and what that needs."""

_FUNCTION_PYTHON = """\
#!/bin/sh
# Runs functions: the standard library and the packages of AWS's runtime, not the emulator's own.
here=$(dirname "$0")
export PYTHONPATH="$here/../function-packages${PYTHONPATH:+:$PYTHONPATH}"
exec "$here/python" -S "$@"
"""


@dataclass(frozen=True, slots=True)
class EmulatorEnvironment:
    """The virtual environment's interpreters.

    Attributes:
        python: runs the emulator.
        function_python: runs functions.
    """

    python: Path
    function_python: Path


def ensure_environment(progress: Progress) -> EmulatorEnvironment:
    """Return the virtual environment for the present lock file and Python, made now if it is missing.

    Raises:
        EnvironmentFailed: ``venv`` or ``pip`` failed, for instance because no package index can be reached.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    recipe = digest(REQUIREMENTS.read_bytes(), _FUNCTION_PYTHON, " ".join(FUNCTION_PACKAGES), sys.version)
    name = f"aws-emulator-py{version}-{sysconfig.get_platform()}-{recipe}"

    def build(folder: Path) -> None:
        progress("Making the AWS emulator's virtual environment (about 10 s, once).")
        make(folder, REQUIREMENTS)
        _add_function_python(folder)
        progress("The AWS emulator's virtual environment is ready.")

    folder = cached_folder(name, build, progress)
    return EmulatorEnvironment(folder / "bin" / "python", folder / "bin" / "function-python")


def _add_function_python(folder: Path) -> None:
    packages = next((folder / "lib").glob("python*/site-packages"))
    chosen = folder / "function-packages"
    chosen.mkdir()
    for package in FUNCTION_PACKAGES:
        target = packages / package
        if not target.exists():
            raise EnvironmentFailed(f"{package} is not among the locked packages.")
        (chosen / package).symlink_to(Path("..") / target.relative_to(folder))
    script = folder / "bin" / "function-python"
    script.write_text(_FUNCTION_PYTHON)
    script.chmod(0o755)
