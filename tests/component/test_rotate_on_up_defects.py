"""Deliberate defects of the waiting `up`, which the exploration does not reach: the rule's own tests must fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exploration.defects import ROOT, copy_changed

TESTS = "tests/component/test_rotate_on_up.py"


@pytest.mark.slow
@pytest.mark.rule(id="UP-8")
@pytest.mark.parametrize(
    ("old", "new", "caught_by"),
    [
        (
            "min(2 * self._pause, LONGEST_PAUSE)",
            "timedelta(seconds=3)",
            "test_waiting_looks_at_labels_and_asks_amazon_ever_more_rarely",
        ),
        (
            "FIRST_PAUSE if pending != self._tried else min(2 * self._pause, LONGEST_PAUSE)",
            "LONGEST_PAUSE",
            "test_waiting_looks_at_labels_and_asks_amazon_ever_more_rarely",
        ),
        (
            "return pending != self._tried or self._ports",
            "return self._ports",
            "test_another_pending_secret_is_tried_at_once",
        ),
    ],
    ids=["Amazon is asked at every look", "the first pauses are long", "another pending secret waits"],
)
def test_a_defect_of_the_waiting_is_caught(tmp_path: Path, old: str, new: str, caught_by: str) -> None:
    copy_changed(ROOT / "components" / "spapi_rotation", "rotate_on_up/waiting.py", [(old, new)], tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", TESTS]
    command += ["-o", f"pythonpath={tmp_path}"]
    done = subprocess.run(
        [*command, "-k", "waiting_looks or another_pending"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    assert f"FAILED {TESTS}::{caught_by}" in done.stdout
