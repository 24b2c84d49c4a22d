"""``python -m docs.tools.recording``: run the demonstration, and keep what it shows as the source of its picture."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from docs.tools.pictures import DOCS

ROOT = DOCS.parent
DEMO = DOCS / "pictures" / "demo.ansi"
COLUMNS = 108
_PYTHONPATH = os.pathsep.join(str(ROOT / name) for name in ("", "cli", "components", "rotation_lambda"))
_STAMPED = re.compile(r"^(?:\x1b\[[\d;]*m)* *\d+\.\d s ")


def on_a_terminal(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command on a terminal of its own; its exit code, and all that it shows."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command, stdin=other, stdout=other, stderr=other, cwd=folder, env=environment, start_new_session=True
    )
    os.close(other)
    shown = b""
    while True:
        try:
            piece = os.read(main, 1 << 16)
        except OSError:  # the other side is closed
            piece = b""
        if not piece:
            break
        shown += piece
    os.close(main)
    return process.wait(), shown.decode().replace("\r\n", "\n")


def steps(shown: str) -> str:
    """The demonstration's steps and checks, without its tables."""
    return "".join(f"{line}\n" for line in shown.split("\n") if _STAMPED.match(line))


def status() -> str:
    """What ``spapi-rotation status`` shows of the example's component. Raises RuntimeError if it fails."""
    return _typed("status", "example", 4)  # one of them is stuck


def consumers(moment: str) -> str:
    """What ``spapi-rotation consumers`` shows before, during or after a rotation. Raises RuntimeError if it fails."""
    return _typed("consumers", moment, 3 if moment == "during" else 0)


def _typed(subcommand: str, world: str, expected: int) -> str:
    environment = {"PATH": os.defpath, "PYTHONPATH": _PYTHONPATH, "TERM": "xterm-256color", "WORLD": world}
    command = [sys.executable, "-m", "tests.cli.pty_program", os.devnull, subcommand]
    code, shown = on_a_terminal(command, ROOT, environment)
    if code != expected:
        raise RuntimeError(shown)
    return shown


def main() -> int:
    """Record the demonstration; returns its exit code."""
    code, shown = on_a_terminal([sys.executable, "-m", "sandbox.demo"], ROOT, os.environ)
    if code == 0:
        DEMO.write_text(steps(shown), encoding="utf-8")
    else:
        sys.stdout.write(shown)
    return code


if __name__ == "__main__":
    sys.exit(main())
