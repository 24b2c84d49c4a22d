"""The command over a world of its own, as a process: ``python -m tests.cli.pty_program FILE WORDS...``.

Writes the client secrets that Amazon made into FILE first, each on a line, the newest last. The secret holds no
credentials; with ``WORLD=busy`` it does, the newest is pending, and its message is a dead letter as well. With
``WORLD=telling`` it shows the newest, so that a search for it can be tried. With ``SLOW=1`` each answer takes until
the person has been told what is waited for, which is soon. ``WORLD=example`` is that of the documents' pictures, and
``WORLD=before``, ``during`` and ``after`` those of the ones of consumers.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3

from spapi_rotation_cli import dead_letters, progress, rotating
from spapi_rotation_cli.main import main
from tests.cli import consumers_example
from tests.cli.fake_aws import FakeAws, FakeLambda
from tests.cli.fake_trail import FakeTrail
from tests.cli.report_example import component
from tests.fakes.world import World


def busy(world: World) -> None:
    """Give every subcommand something to do."""
    world.seed()
    world.clock.advance(days=30)
    world.amazon.rotate_by_hand()
    world.drain()
    world.clock.advance(days=30)
    world.amazon.usable_after = timedelta(hours=1)
    world.amazon.rotate_by_hand()
    world.queue.dead += world.queue.visible
    world.drain()
    world.clock.advance(hours=2)


class NotedLine(progress.ProgressLine):
    """It notes that something was written."""

    written: threading.Event | None = None

    def __init__(self, write: Callable[[str], object], width: Callable[[], int]) -> None:
        written = NotedLine.written = threading.Event()

        def noted(text: str) -> None:
            write(text)
            written.set()

        super().__init__(noted, width)


def until_told() -> None:
    """Wait until the line has been written since; half a second where there is none."""
    if NotedLine.written is None:
        time.sleep(0.5)
    else:
        NotedLine.written.clear()
        NotedLine.written.wait(10)


class SlowLambda(FakeLambda):
    """It takes its time to answer."""

    def invoke(self, **asked: Any) -> dict[str, Any]:
        until_told()
        return super().invoke(**asked)


class SlowTrail(FakeTrail):
    """It takes its time to answer."""

    def lookup_events(self, **asked: Any) -> dict[str, Any]:
        until_told()
        return super().lookup_events(**asked)


def run() -> int:
    """Run the command; returns its exit code."""
    # A shell starts what runs in its background with Ctrl-C ignored; a person at a terminal has it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    world = World()
    wanted = os.environ.get("WORLD")
    busy(world) if wanted == "busy" else world.write({"region": "eu"})
    if wanted == "telling":
        sys.stdout.write(world.amazon.newest.text)
    Path(sys.argv[1]).write_text("\n".join(issued.text for issued in world.amazon.ever))
    slow = "SLOW" in os.environ
    if slow:
        progress.SILENT_SECONDS, progress.REDRAW_SECONDS = 0.1, 0.05
        mock.patch("spapi_rotation_cli.output.ProgressLine", NotedLine).start()
        rotating.POLL_SECONDS, dead_letters.HIDDEN_SECONDS = 0.1, 1.5
    function = component() if wanted == "example" else (SlowLambda if slow else FakeLambda)(world)
    aws = consumers_example.at(wanted) if wanted in consumers_example.MOMENTS else FakeAws(function)
    if slow:
        aws.trail = SlowTrail()
    boto3.Session = aws  # type: ignore[assignment,misc]
    os.environ["SPAPI_ROTATION_FUNCTION"] = "rotation"
    return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(run())
