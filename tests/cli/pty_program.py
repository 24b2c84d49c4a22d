"""The command over a world of its own, for a real terminal: ``python -m tests.cli.pty_program FILE WORDS...``.

Writes the client secret that Amazon accepts into FILE first.
"""

import os
import signal
import sys
from pathlib import Path

import boto3

from spapi_rotation_cli.main import main
from tests.cli.fake_aws import FakeAws, FakeLambda
from tests.fakes.world import World


def run() -> int:
    """Run the command; returns its exit code."""
    # A shell starts what runs in its background with Ctrl-C ignored; a person at a terminal has it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    world = World()
    world.write({"region": "eu"})
    Path(sys.argv[1]).write_text(world.amazon.newest.text)
    boto3.Session = FakeAws(FakeLambda(world))  # type: ignore[assignment,misc]
    os.environ["SPAPI_ROTATION_FUNCTION"] = "rotation"
    return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(run())
