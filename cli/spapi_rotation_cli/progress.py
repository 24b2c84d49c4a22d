"""What a person sees while they wait: one line on a terminal, which goes when the waiting ends."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

SILENT_SECONDS = 1.0
"""Whoever waits no longer than this is told nothing."""

REDRAW_SECONDS = 0.5

T = TypeVar("T")


class Waiting:
    """One line: what is waited for, how much of it is done, and how long it takes so far."""

    def __init__(self, text: str, of: int = 0) -> None:
        self._text, self._of, self._done = text, of, 0
        self._since = time.monotonic()
        self._lock = threading.Lock()

    def over(self, result: T) -> T:
        """Count one thing more as done, and hand its result on."""
        with self._lock:
            self._done += 1
        return result

    def line(self) -> str:
        """What to show now; empty at first."""
        seconds = time.monotonic() - self._since
        if seconds < SILENT_SECONDS:
            return ""
        counted = f" {self._done} of {self._of}," if self._of > 1 else ""
        return f"{self._text}:{counted} {seconds:.0f} s"


class ProgressLine:
    """The place where it is shown. The outermost of several is shown; what else is written clears it first.

    It is written over with spaces: a terminal without colours knows no other way.

    Attributes:
        write: writes to the terminal.
        width: of the terminal, at present.
    """

    def __init__(self, write: Callable[[str], object], width: Callable[[], int]) -> None:
        self.write, self.width = write, width
        self._lock = threading.RLock()
        self._all: list[Waiting] = []
        self._shown = 0
        self._stop = threading.Event()

    def begin(self, waiting: Waiting) -> None:
        """Show it from now on."""
        with self._lock:
            if not self._all:
                self._stop = threading.Event()
                threading.Thread(target=self._redraw, args=(self._stop,), daemon=True).start()
            self._all.append(waiting)

    def end(self, waiting: Waiting) -> None:
        """Show it no longer."""
        with self._lock:
            self._all.remove(waiting)
            self.clear()
            if not self._all:
                self._stop.set()

    def clear(self) -> None:
        """Take the line off, so that something else can be written."""
        with self._lock:
            if self._shown:
                self.write("\r" + " " * self._shown + "\r")
                self._shown = 0

    def _redraw(self, stop: threading.Event) -> None:
        while not stop.wait(REDRAW_SECONDS):
            with self._lock:
                if stop.is_set():
                    return
                line = self._all[0].line()[: self.width() - 1]
                if line:
                    self.write("\r" + line.ljust(self._shown))
                    self._shown = len(line)
