"""The launcher that the engine starts."""

import socket
import subprocess
import sys
from pathlib import Path

from sandbox.provider.install import LAUNCHER, install
from tests.sandbox.aws_support import eventually


def test_the_launcher_serves_on_loopback_whatever_the_program_s_folder_holds(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.mkdir()
    for name in ("sandbox.py", "queue.py", "grpc.py"):
        (program / name).write_text("raise SystemExit('the program shadows the plugin')\n")
    launcher = install(tmp_path / "a folder", Path(sys.executable))
    assert launcher == tmp_path / "a folder" / LAUNCHER
    with subprocess.Popen(
        [str(launcher), "127.0.0.1:1", "--logtostderr"],
        cwd=program,
        env={"PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    ) as plugin:
        try:
            assert plugin.stdout is not None
            port = plugin.stdout.readline().strip()
        finally:
            plugin.terminate()
    assert port.isdigit()


def test_the_plugin_ends_when_the_engine_was_killed(tmp_path: Path) -> None:
    launcher = install(tmp_path, Path(sys.executable))
    engine = f"""
import os, subprocess
plugin = subprocess.Popen([{str(launcher)!r}, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True)
print(plugin.stdout.readline().strip(), flush=True)
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", engine], stdout=subprocess.PIPE, text=True, check=False)
    port = int(killed.stdout)

    def gone() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            return False  # it is ending as we ask
        return False

    eventually(gone, 30)


def test_the_launcher_keeps_the_interpreters_own_path(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    assert str(python) in install(tmp_path, python).read_text()
