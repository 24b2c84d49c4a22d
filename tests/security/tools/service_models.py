"""botocore's service models on every AWS call of whole runs in the sandbox.

The runs are tests on the real engine: their emulator records each request, whoever makes it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import botocore

from sandbox.aws.emulator import CALLS_VARIABLE
from sandbox.cache import Progress, silent
from sandbox.paths import CHECKOUT
from tests.security.calls.constraints import violations
from tests.security.calls.requests import Request, UnreadableRequest, call_of
from tests.security.findings import Finding
from tests.security.tools.scan import Scan, ToolFailed

NAME = "botocore"

RUNS = ("test_operator.py", "test_rotation.py", "test_restart.py", "test_own_parts.py", "test_replicas.py")
"""Files of ``tests/engine``. The first deploys, rotates, types every subcommand, and destroys."""

_CONTROL = "/_"
"""Where the emulator's own control paths begin."""


@dataclass
class Seen:
    """What a record holds.

    Attributes:
        calls: how many there are.
        operations: which operations, such as ``sqs.SendMessage``.
        findings: what breaks its service's model, each once.
    """

    calls: int = 0
    operations: set[str] = field(default_factory=set)
    findings: set[Finding] = field(default_factory=set)


def version() -> str:
    """The version of the models."""
    return str(botocore.__version__)


def scan(progress: Progress = silent, runs: Sequence[str] = RUNS) -> Scan:
    """Make the runs, and hold their calls against the models.

    Raises:
        ToolFailed: a run failed.
    """
    with tempfile.TemporaryDirectory() as name:
        record = Path(name) / "calls.jsonl"
        for run in runs:
            progress(f"Recording the AWS calls of {run}.")
            _run(run, record)
        with record.open() as lines:
            seen = seen_in(map(Request.from_line, lines))
    progress(f"{seen.calls:,} calls were recorded.")
    services = {each.partition(".")[0] for each in seen.operations}
    looked_at = f"each call of {len(runs)} runs: {len(seen.operations)} operations of {len(services)} services"
    return Scan(NAME, looked_at, sorted(seen.findings))


def seen_in(requests: Iterable[Request]) -> Seen:
    """Hold recorded requests against the models."""
    seen = Seen()
    for request in requests:
        if request.path.startswith(_CONTROL):
            continue
        seen.calls += 1
        try:
            call = call_of(request)
        except UnreadableRequest as problem:
            seen.findings.add(Finding(NAME, "unreadable", f"{request.method} {request.service}", str(problem)))
            continue
        seen.operations.add(call.name)
        shape = call.operation.input_shape
        if shape is None:
            continue
        for text in violations(shape, call.parameters):
            place, _, what = text.partition(": ")
            seen.findings.add(Finding(NAME, call.name, place, what))
    return seen


def _run(file: str, record: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", f"tests/engine/{file}"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        env={**os.environ, CALLS_VARIABLE: str(record)},
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise ToolFailed(f"{file} failed, so that its calls were not all seen.\n{tail}")
