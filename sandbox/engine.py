"""Pulumi's real engine: found on PATH, else from the official installer's archive, else built from Go modules.

``python -m sandbox.engine`` makes sure that there is one and prints its folder.
"""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.cache import Progress, cached_folder, digest
from sandbox.paths import CHECKOUT, cache_dir

VERSION = "3.259.0"
"""What is downloaded or built."""

OLDEST = (3, 187, 0)
"""The oldest engine that reads Pulumi.yaml, which names it too: its settings of type ``object`` have defaults."""

HOST = "pulumi-language-python"
"""The engine's host for Python programs; an engine without it is of no use here."""

MODULES = CHECKOUT / "sandbox" / "engine_modules"
"""Go modules that pin, by hash, what is built."""

_CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_PYTHON_HOST = f"{_SDK}/python/cmd/pulumi-language-python"
_YAML_HOST = "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
_PARTS = ("cli", "python_host", "yaml_host")
_PINS = tuple(f"{part}/go.{kind}" for part in _PARTS for kind in ("mod", "sum"))
_SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
_LINK_FLAGS = f"-s -w -X {_SDK}/go/common/version.Version=v{VERSION}"

_ARCHIVES = "https://get.pulumi.com/releases/sdk"
_CONNECT_SECONDS = 5.0
_REPORT_SECONDS = 15.0

_REMEDY = (
    "Install Pulumi (https://www.pulumi.com/docs/install) so that pulumi and pulumi-language-python are on PATH, or "
    "install Go 1.25 or later (https://go.dev/dl) to have it built."
)


class EngineUnavailable(RuntimeError):
    """There is no usable engine and none could be made; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that runs.

    Attributes:
        bin: the folder with ``pulumi``, to be put first on PATH.
        version: its version, without a ``v``.
        origin: where it comes from.
    """

    bin: Path
    version: str
    origin: Literal["path", "installer", "built"]

    def search_path(self, *first: Path) -> str:
        """A PATH for programs run by it: ``first``, this Python's folder, the engine, then the present PATH.

        A built engine's Python host takes the first ``python3`` of PATH and ignores the project's ``virtualenv``.
        """
        python = Path(sys.executable).parent
        return os.pathsep.join(map(str, (*first, python, self.bin))) + os.pathsep + os.environ.get("PATH", "")


def ensure_engine(progress: Progress) -> Engine:
    """Return an engine, made now if there is none.

    Raises:
        EngineUnavailable: none of the three ways works here; the message holds the remedy.
    """
    return (
        _on_path(progress)
        or _usable(cache_dir() / _installer_name(), "installer")
        or _usable(cache_dir() / _built_name(), "built")
        or _from_installer(progress)
        or _built(progress)
    )


def _on_path(progress: Progress) -> Engine | None:
    found = shutil.which("pulumi")
    if not found:
        return None
    if not shutil.which(HOST):
        progress(f"{found} is not used: its Python host {HOST} is not on PATH.")
        return None
    version = _version_of(Path(found))
    if version is None or _numbers(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        progress(f"{found} is not used: it must run and be {oldest} or later (it is {version or 'unknown'}).")
        return None
    return Engine(Path(found).absolute().parent, version, "path")


def _usable(folder: Path, origin: Literal["installer", "built"]) -> Engine | None:
    version = _version_of(folder / "pulumi") if (folder / HOST).exists() else None
    return Engine(folder, version, origin) if version else None


def _from_installer(progress: Progress) -> Engine | None:
    """The archive that the official installer unpacks; None if it can't be had."""
    name = f"pulumi-v{VERSION}-{platform_name()}.tar.gz"

    def build(folder: Path) -> None:
        with tempfile.TemporaryFile() as archive:
            request = f"{_ARCHIVES}/{name}"
            with urllib.request.urlopen(request, timeout=_CONNECT_SECONDS) as answer:  # noqa: S310 - https
                progress(f"Downloading Pulumi {VERSION} (about 150 MB).")
                shutil.copyfileobj(answer, archive, 1 << 20)
            archive.seek(0)
            with tarfile.open(fileobj=archive) as content:
                content.extractall(folder, filter="data")
        for file in (folder / "pulumi").iterdir():
            file.rename(folder / f".{file.name}")
        (folder / "pulumi").rmdir()
        for file in folder.iterdir():
            file.rename(folder / file.name.removeprefix("."))
        if not _version_of(folder / "pulumi"):
            raise OSError("the downloaded engine does not run")

    try:
        return _usable(cached_folder(_installer_name(), build, progress), "installer")
    except (urllib.error.URLError, OSError, tarfile.TarError) as error:
        progress(f"Pulumi's download site can't be used ({_reason(error)}).")
        return None


def _built(progress: Progress) -> Engine:
    """Built from the Go modules that ``engine_modules`` pins. See pulumi/pulumi's own build for the flags."""
    go = shutil.which("go")
    if not go:
        raise EngineUnavailable(f"There is no Pulumi engine, and no Go to build one. {_REMEDY}")

    def build(folder: Path) -> None:
        progress("Building Pulumi's engine from Go modules: about 5 minutes, once.")
        for what, module, flags, package in (
            ("Building the CLI", "cli", _LINK_FLAGS, _CLI),
            ("Building the Python host", "python_host", "-s -w", _PYTHON_HOST),
            ("Building the YAML host", "yaml_host", "-s -w", _YAML_HOST),
        ):
            command = [go, "build", "-ldflags", flags, "-o", str(folder), package]
            run_go(command, MODULES / module, what, progress)
        run_go([go, "mod", "download", _SDK], MODULES / "cli", "Fetching the Python scripts", progress)
        listed = run_go([go, "list", "-m", "-f", "{{.Dir}}", _SDK], MODULES / "cli", "Listing", progress)
        for script in _SCRIPTS:
            target = folder / Path(script).name
            shutil.copyfile(Path(listed.strip()) / script, target)
            target.chmod(0o755)

    engine = _usable(cached_folder(_built_name(), build, progress), "built")
    if engine is None:
        raise EngineUnavailable(f"The engine that was built does not run. {_REMEDY}")
    return engine


def run_go(command: Sequence[str], folder: Path, what: str, progress: Progress) -> str:
    """Run Go and return its output; say now and then how long it has been at work.

    Raises:
        EngineUnavailable: it failed; the message ends with its last lines.
    """
    environment = {
        **os.environ,
        "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        while True:
            try:
                output, _ = process.communicate(timeout=_REPORT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                progress(f"{what}: {time.monotonic() - began:.0f} s so far.")
    finally:
        process.kill()
    if process.returncode:
        tail = "\n".join(output.splitlines()[-15:])
        raise EngineUnavailable(f"{' '.join(command)} failed. {_REMEDY}\n{tail}")
    return str(output)


def _installer_name() -> str:
    return f"engine-{VERSION}-installer-{platform_name()}"


def _built_name() -> str:
    pins = [(MODULES / name).read_bytes() for name in _PINS]
    return f"engine-{VERSION}-built-{platform_name()}-{digest(*pins, _LINK_FLAGS, *_SCRIPTS)}"


def platform_name() -> str:
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine())
    return f"{platform.system().lower()}-{machine}"


def _version_of(program: Path) -> str | None:
    """The version that an engine prints, or None if it does not run."""
    quiet = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=60, check=True, env=quiet)
        return done.stdout.strip().removeprefix("v") or None
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _reason(error: Exception) -> str:
    return str(error.reason if isinstance(error, urllib.error.URLError) else error) or type(error).__name__


def _main() -> None:
    try:
        engine = ensure_engine(lambda line: print(line, file=sys.stderr, flush=True))
    except EngineUnavailable as error:
        sys.exit(str(error))
    print(engine.bin)


if __name__ == "__main__":
    _main()
