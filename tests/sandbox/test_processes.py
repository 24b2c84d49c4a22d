"""Children get only what they are given, and never outlive the sandbox."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.processes import Child, ChildFailed, scrubbed_environment, start
from tests.sandbox.aws_support import eventually

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def python(code: str, log: Path, **environment: str) -> Child:
    return start("The child", [sys.executable, "-c", code], environment=scrubbed_environment(**environment), log=log)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    status = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            return status.read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_in(log: Path) -> int:
    return int(eventually(lambda: log.read_text().strip() if log.exists() else ""))


def test_a_child_gets_the_given_environment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "HTTPS_PROXY", "AWS_PROFILE", "PYTHONPATH"):
        monkeypatch.setenv(name, "of the machine")
    log = tmp_path / "log"
    with python("import os, json; print(json.dumps(dict(os.environ)))", log, OWN="given") as child:
        eventually(lambda: not child.running())
    seen = json.loads(log.read_text())
    assert seen["OWN"] == "given"
    assert seen["PATH"] == os.environ["PATH"]
    assert "of the machine" not in seen.values()


def test_stopping_a_child_ends_its_children_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = python(FAMILY, log)
    grandchild = pid_in(log)
    assert alive(grandchild)
    child.stop()
    assert not child.running()
    eventually(lambda: not alive(grandchild))
    child.stop()


def test_a_child_that_ends_takes_its_children_along(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = python(FAMILY.replace("time.sleep(600)\n", "sys.exit(3)\n"), log)
    eventually(lambda: not child.running())
    eventually(lambda: not alive(pid_in(log)))
    child.stop()


@pytest.mark.slow
def test_a_child_that_ignores_term_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = "import signal, os; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), flush=True)\n"
    child = python(code + "import time; time.sleep(600)", log)
    pid = pid_in(log)
    child.stop()
    assert not alive(pid)


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_parent_dies(tmp_path: Path, way: signal.Signals) -> None:
    log = tmp_path / "log"
    code = f"""
import sys
from pathlib import Path
from sandbox.processes import start
child = start("x", [sys.executable, "-c", {FAMILY!r}], environment={{}}, log=Path({str(log)!r}))
print(child.pid, flush=True)
import time; time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent.stdout:
        guard = int(parent.stdout.readline())
        grandchild = pid_in(log)
        assert alive(guard)
        assert alive(grandchild)
        parent.send_signal(way)
        parent.wait()
    eventually(lambda: not alive(guard))
    eventually(lambda: not alive(grandchild))


def test_term_to_the_guard_ends_the_child(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with python(FAMILY, log) as child:
        grandchild = pid_in(log)
        os.kill(child.pid, signal.SIGTERM)
        eventually(lambda: not child.running())
        eventually(lambda: not alive(grandchild))


def test_waiting_ends_with_the_log_when_the_child_ends(tmp_path: Path) -> None:
    child = python("import sys; print('the reason'); sys.exit(7)", tmp_path / "log")
    with pytest.raises(ChildFailed, match=r"(?s)The child ended \(exit code 7\).*the reason"):
        child.wait_until(lambda: False, 30)


def test_waiting_stops_a_child_that_does_not_become_ready(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = python(SLEEPER, log)
    eventually(lambda: "up" in log.read_text())
    with pytest.raises(ChildFailed, match=r"(?s)did not be ready within 0.1 s.*up"):
        child.wait_until(lambda: False, 0.1)
    assert not child.running()
