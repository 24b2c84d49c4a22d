"""What every tool returns, and how a tool of its own virtual environment is run."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.processes import scrubbed_environment
from tests.security.findings import Finding


class ToolFailed(RuntimeError):
    """A tool ended otherwise than by telling what it found; the message holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a tool looked at and found.

    Attributes:
        tool: its name in findings and decisions.
        looked_at: what it looked at, for the table.
        findings: what it does not like.
        not_looked_at: what it should have looked at and could not, with the reason.
    """

    tool: str
    looked_at: str
    findings: Sequence[Finding] = ()
    not_looked_at: Sequence[str] = field(default=())


def json_of(tool: str, command: Sequence[str | Path], codes: Sequence[int], *, network: bool = False) -> Any:
    """Run a tool that writes JSON, and read that.

    Args:
        codes: the exit codes of a tool that has looked at everything, whether or not it found something.
        network: whether it asks a package index, by the settings of this machine.

    Raises:
        ToolFailed: it ended with another code, or wrote something else.
    """
    environment = None if network else scrubbed_environment()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    try:
        if done.returncode in codes:
            return json.loads(done.stdout)
    except ValueError:
        pass
    tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
    raise ToolFailed(f"{tool} ended with {done.returncode}.\n{tail}")
