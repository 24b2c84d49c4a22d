"""The Python that runs functions in the measurements, with boto3 as in Lambda's runtime, and the code as deployed."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from sandbox.cache import Progress, cached_folder, digest
from sandbox.paths import CHECKOUT
from spapi_rotation.function_archive import function_zip
from spapi_rotation.function_archive.archive import CODE_FOLDER
from spapi_rotation.function_archive.third_party import FUNCTION_PYTHON

VARIABLE = "FUNCTION_PYTHON"
"""The environment variable that names another interpreter."""

_LOCK = CHECKOUT / "requirements.txt"


class NoFunctionPython(Exception):
    """There is no interpreter of the function's version."""

    def __str__(self) -> str:
        return (
            f"There is no Python {FUNCTION_PYTHON}, the function's. What to do: install it by uv or pyenv, "
            f"or name it: {VARIABLE}=/path/to/python{FUNCTION_PYTHON}"
        )


def ensure_python(progress: Progress) -> Path:
    """An interpreter of the function's version where boto3 and what it needs are installed, with their bytecode.

    Raises:
        NoFunctionPython: there is no such interpreter.
    """
    base = _interpreter()
    version = _output([base, "-c", "import sys; print(sys.version)"])

    def build(folder: Path) -> None:
        progress(f"Making an environment of Python {FUNCTION_PYTHON} with boto3 (about 10 s, once).")
        _output([_uv(), "venv", "--quiet", "--clear", "--relocatable", "--python", base, folder])
        # Bytecode for the one, none for the other: the runtime's packages are compiled, the function's are not.
        options = ("--quiet", "--compile-bytecode", "--only-binary", ":all:", "--constraint", _constraints(folder))
        _output([_uv(), "pip", "install", "--python", folder / "bin" / "python", *options, "boto3"])

    recipe = digest(_LOCK.read_bytes(), version, str(base))
    return cached_folder(f"function-python-{FUNCTION_PYTHON}-{recipe}", build, progress) / "bin" / "python"


def unpack(folder: Path) -> Path:
    """The function's code as Lambda has it: from the zip that is deployed, read-only.

    Raises:
        UnusableFiles: the zip was not made from the modules at hand.
    """
    function_zip.validate(CODE_FOLDER)
    with zipfile.ZipFile(function_zip.ZIP_FILE) as made:
        made.extractall(folder)
    return folder


def third_party_only(code: Path, handler: Path, folder: Path) -> Path:
    """The same third-party files with another handler: what a program by hand would be deployed as."""
    shutil.copytree(code, folder, ignore=shutil.ignore_patterns(CODE_FOLDER.name))
    shutil.copy(handler, folder)
    return folder


def compiled(python: Path, code: Path, folder: Path) -> Path:
    """The same code with bytecode beside it that is never compared with its source."""
    shutil.copytree(code, folder)
    _output([python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", folder])
    return folder


def _interpreter() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    command = [_uv(), "python", "find", "--no-project", "--no-python-downloads", FUNCTION_PYTHON]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if found.returncode == 0:
        return Path(found.stdout.strip())
    for home in sorted((Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions").glob("*")):
        if home.name.startswith(f"{FUNCTION_PYTHON}.") and (home / "bin" / "python").exists():
            return home / "bin" / "python"
    raise NoFunctionPython


def _constraints(folder: Path) -> Path:
    """The versions of the project's own lock."""
    pinned = [line.split(" ")[0] for line in _LOCK.read_text().splitlines() if line[:1].isalnum()]
    file = folder / "constraints.txt"
    file.write_text("\n".join(pinned) + "\n")
    return file


def _uv() -> str:
    found = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    if found is None:
        raise RuntimeError("uv is part of requirements-dev.txt, and is not there.")
    return found


def _output(command: list[str | Path]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
