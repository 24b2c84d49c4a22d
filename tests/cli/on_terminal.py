"""The command in a process of its own, on a pseudo-terminal."""

import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


class OnTerminal:
    """The command in a process of its own, on a pseudo-terminal."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self.folder = folder
        self.file = folder / "canary"
        (folder / "home").mkdir(exist_ok=True)
        main, other = pty.openpty()
        command = [sys.executable, "-m", "tests.cli.pty_program", str(self.file), *words]
        path = os.pathsep.join([str(ROOT), *(str(ROOT / name) for name in ("cli", "components", "rotation_lambda"))])
        self.process = subprocess.Popen(
            command,
            stdin=other,
            stdout=other,
            stderr=other,
            cwd=folder / "home",
            start_new_session=True,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": path,
                "TERM": "xterm-256color",
                "HOME": str(folder / "home"),
                "COLUMNS": "80",
                **environment,
            },
        )
        os.close(other)
        self._main, self.shown = main, ""

    def until(self, text: str) -> None:
        """Read what is shown until a text, or the end."""
        deadline = time.monotonic() + 60
        while text not in self.shown and time.monotonic() < deadline:
            if not select.select([self._main], [], [], 1)[0]:
                continue
            try:
                piece = os.read(self._main, 4096)
            except OSError:
                break
            if not piece:
                break
            self.shown += piece.decode()

    def until_hidden(self) -> None:
        """Wait until what is typed is not shown."""
        deadline = time.monotonic() + 60
        while termios.tcgetattr(self._main)[3] & termios.ECHO and time.monotonic() < deadline:
            time.sleep(0.01)

    def enter(self, text: str) -> None:
        """Type a line."""
        os.write(self._main, f"{text}\n".encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        self.until("\0")
        code = self.process.wait(timeout=60)
        os.close(self._main)
        return code

    def kept(self) -> str:
        """What others can see of the process while it runs: its arguments, its environment, its files."""
        process = Path("/proc") / str(self.process.pid)
        files = [file.read_text() for file in (self.folder / "home").rglob("*") if file.is_file()]
        return "".join([(process / name).read_bytes().decode() for name in ("cmdline", "environ")] + files)
