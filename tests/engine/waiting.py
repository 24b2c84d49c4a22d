"""Waiting for what happens in AWS by itself."""

import time
from collections.abc import Callable


def until(probe: Callable[[], object], seconds: float = 90) -> None:
    """Wait until ``probe`` is true. Raises AssertionError if it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.3)
