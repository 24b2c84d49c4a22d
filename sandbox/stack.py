"""A Pulumi stack of this project's own program, on a local backend, run by the real engine."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.paths import CHECKOUT
from sandbox.processes import scrubbed_environment

PROJECT = "spapi-rotation"


class PulumiFailed(Exception):
    """A Pulumi command did not end as it should; the text ends with what it printed last."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished Pulumi command.

    Attributes:
        code: its exit code.
        text: everything it printed.
    """

    code: int
    text: str


class Stack:
    """The program at the root of the checkout, deployed from a copy of its two files.

    The copy keeps the stack's configuration and state out of the checkout. What Pulumi prints goes to a log too.
    """

    def __init__(
        self, folder: Path, *, engine: Path, plugins: Path, environment: Mapping[str, str], name: str = "sandbox"
    ) -> None:
        """Prepare; nothing is run yet.

        Args:
            folder: where program copy, backend, Pulumi's home and log go; emptied.
            engine: the folder with the Pulumi CLI and its Python host.
            plugins: the folder with the AWS provider plugin.
            environment: the AWS settings for Pulumi and everything it starts; overrides what is set here.
            name: of the stack.
        """
        self.name = name
        self.folder = folder.absolute()
        self.project = self.folder / "project"
        self.backend = self.folder / "backend"
        self.log_file = self.folder / "pulumi.log"
        shutil.rmtree(self.folder, ignore_errors=True)
        for needed in (self.project, self.backend, self.folder / "home"):
            needed.mkdir(parents=True)
        for file in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(CHECKOUT / file, self.project)
        # Pulumi.yaml names it; a dynamic resource's provider runs there.
        (self.project / ".venv").symlink_to(sys.prefix)
        path = os.pathsep.join([str(engine), str(plugins), str(Path(sys.executable).parent), os.environ["PATH"]])
        own = {
            "HOME": str(self.folder / "home"),
            "PULUMI_HOME": str(self.folder / "home" / ".pulumi"),
            "PULUMI_BACKEND_URL": f"file://{self.backend}",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(24),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PYTHONPATH": os.pathsep.join([str(CHECKOUT / each) for each in ("", "components", "rotation_lambda")]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.environment = scrubbed_environment(**own | dict(environment)) | {"PATH": path}

    def init(self) -> None:
        """Make the stack."""
        self.run("stack", "init", self.name)

    def configure(self, config: Mapping[str, Any]) -> None:
        """Replace the program's configuration; keys without a namespace are the project's."""
        file = self.project / f"Pulumi.{self.name}.yaml"
        settings = yaml.safe_load(file.read_text()) if file.exists() else {}
        settings["config"] = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in config.items()}
        file.write_text(yaml.safe_dump(settings))

    def up(self, *, unchanged: bool = False, show: Callable[[str], None] | None = None) -> Run:
        """Run ``pulumi up``; with ``unchanged``, one that finds something to change fails."""
        return self._update("up", unchanged=unchanged, show=show)

    def preview(self, *, unchanged: bool = False) -> Run:
        """Run ``pulumi preview``."""
        return self._update("preview", unchanged=unchanged)

    def refresh(self, *, unchanged: bool = False) -> Run:
        """Run ``pulumi refresh``."""
        return self._update("refresh", unchanged=unchanged)

    def destroy(self) -> Run:
        """Run ``pulumi destroy``."""
        return self._update("destroy")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        found = json.loads(self.run("stack", "output", "--json").text)
        if not isinstance(found, dict):
            raise PulumiFailed("pulumi stack output is not an object.")
        return found

    def export(self) -> str:
        """The stack's state, with everything in it decrypted."""
        return self.run("stack", "export", "--show-secrets").text

    def _update(self, command: str, *, unchanged: bool = False, show: Callable[[str], None] | None = None) -> Run:
        flags = ["--non-interactive", "--color=never", "--suppress-permalink=true"]
        flags += [] if command == "preview" else ["--yes", "--skip-preview"]
        flags += ["--expect-no-changes"] if unchanged else []
        return self.run(command, *flags, show=show)

    def run(self, *arguments: str, show: Callable[[str], None] | None = None, check: bool = True) -> Run:
        """Run a Pulumi command, logging what it prints.

        Raises:
            PulumiFailed: it ended with another code than 0 (and ``check`` is set).
        """
        with self.start(*arguments) as process, self.log_file.open("a") as log:
            log.write(f"$ pulumi {' '.join(arguments)}\n")
            lines: list[str] = []
            assert process.stdout is not None  # noqa: S101  (start() makes it a pipe)
            try:
                for line in process.stdout:
                    log.write(line)
                    lines.append(line)
                    if show is not None:
                        show(line.rstrip())
                code = process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGTERM)
                raise
        text = "".join(lines)
        if check and code != 0:
            # The outputs follow the diagnostics, and are longer than these.
            said = text.partition("\nOutputs:\n")[0]
            raise PulumiFailed(f"pulumi {arguments[0]} ended with code {code}.\n{said[-4000:]}")
        return Run(code, text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a Pulumi command without waiting, in a process group of its own.

        Standard error comes with standard output.
        """
        pulumi = shutil.which("pulumi", path=self.environment["PATH"])
        if pulumi is None:
            raise PulumiFailed("There is no pulumi in the engine's folder.")
        return subprocess.Popen(
            [pulumi, *arguments, "--stack", self.name] if arguments[0] != "stack" else [pulumi, *arguments],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
