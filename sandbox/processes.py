"""Child processes that never outlive the sandbox.

Each child runs in a process group of its own below a small guard, which watches a pipe held by the parent.
When the parent ends, in whatever way, the pipe closes and the guard ends the child's whole group. Run as a
script, this file is the guard; it needs nothing but the standard library.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

STOP_SECONDS = 5.0
"""How long a process has to end after TERM before it is killed."""


class ChildFailed(RuntimeError):
    """A child ended or did not become ready; the message ends with the tail of its log."""


class Child:
    """A running child process and its log.

    Attributes:
        name: how messages call it.
        pid: the guard's process id; TERM sent to it ends the child and everything the child started.
        log: the file with its output.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self.pid = process.pid
        self._process = process

    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the child and everything in its group: TERM, then KILL after STOP_SECONDS. Idempotent."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
            try:
                self._process.wait(STOP_SECONDS + 2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str = "be ready") -> None:
        """Wait until ``ready()`` is true.

        Raises:
            ChildFailed: the child ended first, or ``seconds`` passed. It is stopped then.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running():
                code = self._process.returncode
                self.stop()
                raise ChildFailed(f"{self.name} ended (exit code {code}).\n{self.tail()}")
            if time.monotonic() > deadline:
                self.stop()
                raise ChildFailed(f"{self.name} did not {what} within {seconds:g} s.\n{self.tail()}")
            time.sleep(0.02)

    def tail(self, lines: int = 25) -> str:
        """The last lines of its log, with the log's place."""
        with contextlib.suppress(OSError):
            text = self.log.read_text(errors="replace").splitlines()[-lines:]
            return "\n".join([f"Last lines of {self.log}:", *text])
        return f"No log at {self.log}."

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    log: Path,
    folder: Path | None = None,
) -> Child:
    """Start a child in a process group of its own.

    Args:
        name: how messages call it.
        command: the program's path and its arguments.
        environment: its whole environment; nothing is inherited.
        log: the file that its output goes to (overwritten).
        folder: its working directory; the log's folder if not given.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder or log.parent,
            start_new_session=True,
        )
    return Child(name, process, log)


def scrubbed_environment(**more: str) -> dict[str, str]:
    """A small environment for a child: PATH and language of this process, and ``more``. Nothing else is
    passed on.

    Certificates, proxies, credentials and AWS settings of the machine must not reach the sandbox.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, **more}


def descendants(pid: int) -> list[int]:
    """Every process below a process: a killed engine does not end the dynamic provider that it started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(fields[1])
    found: list[int] = []
    frontier = {pid}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier}
        found += sorted(frontier)
    return found


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies; elsewhere the guard's pipe is all there is."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _guard(command: list[str]) -> int:
    """Run the command in a group of its own until it ends, or TERM comes, or standard input closes.

    Returns:
        the command's exit code.
    """
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_die_with_parent,  # safe: the guard has no threads yet
    )

    def end(number: int, _frame: FrameType | None) -> None:
        _signal_group(child.pid, signal.SIGKILL if number == signal.SIGALRM else signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, STOP_SECONDS)

    def end_with_parent() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, end)
    threading.Thread(target=end_with_parent, daemon=True).start()
    code = child.wait()
    _signal_group(child.pid, signal.SIGKILL)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(_guard(sys.argv[1:]))
