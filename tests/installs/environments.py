"""Clones as git would give them, and fresh virtual environments made and filled by pip or by uv."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from sandbox.engine import HOST, Engine

ROOT = Path(__file__).parents[2]

Installer = Literal["pip", "uv"]

OUTSIDE = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
"""Settings of whoever runs the tests that a fresh environment must not inherit."""


def run(command: list[str], cwd: Path, **more: str) -> str:
    """What a command prints; the test fails with it if the command fails."""
    environment = {name: value for name, value in os.environ.items() if name not in OUTSIDE} | more
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def clone(folder: Path) -> Path:
    """The project's files as git has them or would take them: nothing that was made of them."""
    listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    assert not list(folder.rglob("function.zip"))
    return folder


def own_environment(
    home: Path, path: Iterable[Path | str], *, backend: Path, packages: tuple[str, ...] = ("PIP_",), **more: str
) -> dict[str, str]:
    """All that a person's shell has: a home, Pulumi with a backend in a folder, and how packages are reached here.

    Args:
        path: the folders of ``PATH``; the system's own come last.
        packages: what this machine's settings for reaching packages begin with.
        more: what else is there.
    """
    return {
        **{name: value for name, value in os.environ.items() if name.startswith(packages)},
        "HOME": str(home),
        # By itself Pulumi takes the home of the machine's user.
        "PULUMI_HOME": str(home / ".pulumi"),
        "PATH": os.pathsep.join([*map(str, path), os.defpath]),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "not secret",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **more,
    }


def uv() -> str:
    """The uv of the project's own environment, else the one on PATH."""
    found = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    assert found, "uv is part of requirements-dev.txt"
    return found


@dataclass(frozen=True)
class Environment:
    """A virtual environment and what installs into it."""

    python: Path
    installer: Installer

    @classmethod
    def made(cls, folder: Path, python: str, installer: Installer) -> "Environment":
        """A new one, for an interpreter."""
        command = [python, "-m", "venv"] if installer == "pip" else [uv(), "venv", "--quiet", "--python", python]
        run([*command, str(folder)], folder.parent)
        return cls(folder / "bin" / "python", installer)

    def install(self, *arguments: str, cwd: Path) -> None:
        """Install something, as README.md says."""
        pip = [str(self.python), "-m", "pip", "install"]
        command = pip if self.installer == "pip" else [uv(), "pip", "install", "--python", str(self.python)]
        run([*command, "--quiet", *arguments], cwd)

    def wheel(self, checkout: Path) -> Path:
        """A wheel of a checkout, built by the installer."""
        out = checkout / "dist"
        pip = [str(self.python), "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), "."]
        run(pip if self.installer == "pip" else [uv(), "build", "--quiet", "--wheel", "--out-dir", str(out)], checkout)
        (built,) = out.glob("*.whl")
        return built

    def says(self, program: str) -> str:
        """What a program prints there, away from every checkout."""
        return run([str(self.python), "-I", "-W", "ignore", "-c", program], self.python.parent).strip()


def as_the_project_says(engine: Engine, folder: Path, project: Path) -> list[Path]:
    """PATH's folders for the engine. A built one has a Python host of a version that takes the project's options from
    its command line, where the engine no longer puts them: they are put there for it."""
    if engine.origin == "built":
        options = yaml.safe_load((project / "Pulumi.yaml").read_text())["runtime"]["options"]
        folder.mkdir()
        host = folder / HOST
        host.write_text(f'#!/bin/sh\nexec {engine.bin / HOST} -root "$PWD" -virtualenv {options["virtualenv"]} "$@"\n')
        host.chmod(0o755)
    return [folder, engine.bin]
