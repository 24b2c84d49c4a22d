"""What an invocation writes is in its own log stream, all of it, however it ends."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.aws.emulator import AwsEmulator
from sandbox.aws.environment import ensure_environment
from sandbox.cache import silent
from sandbox.paths import CHECKOUT
from sandbox.processes import scrubbed_environment
from tests.sandbox.aws_support import allow, make_function, make_role

pytestmark = pytest.mark.sandbox

CODE = """
import os
def handler(event, context):
    for number in range(event["lines"]):
        print(event["name"], number)
    if event.get("exit"):
        os._exit(1)
    if event.get("fail"):
        raise RuntimeError("on purpose")
"""

SLOWLY_READ = """
import queue, threading, time
from types import SimpleNamespace
from ministack.core.lambda_runtime import Worker
from sandbox.aws import patches
from sandbox.aws.patches.functions import _END_OF_LOG
patches.apply_all(patches.Settings(3600, 86400, "python", None))
lines = queue.Queue()
def read():
    for line in ("first", "second", _END_OF_LOG, "of the next invocation"):
        time.sleep(0.4)
        lines.put(line)
threading.Thread(target=read).start()
print(Worker._drain_stderr_bounded(SimpleNamespace(_proc=object(), _stderr_queue=lines)).split())
"""

SEARCHED_WHILE_WRITTEN = """
import itertools, sys, threading
from ministack.services import cloudwatch_logs
from sandbox.aws import patches
patches.apply_all(patches.Settings(3600, 86400, "python", None))
sys.setswitchinterval(1e-6)
cloudwatch_logs._create_log_group({"logGroupName": "busy"})
streams = cloudwatch_logs._log_groups["busy"]["streams"]
streams.update({f"older-{number}": {"events": []} for number in range(5000)})

def write(writer):
    while True:
        if streams.pop(writer, None) is None:
            streams[writer] = {"events": []}

for writer in range(4):
    threading.Thread(target=write, args=(writer,), daemon=True).start()
answers = {cloudwatch_logs._filter_log_events({"logGroupName": "busy"})[0] for _ in range(100)}
print(*sorted(answers))
"""


def streams(aws: AwsEmulator, group: str) -> list[dict[str, int]]:
    """For each stream, how many lines each invocation has in it."""
    found: dict[str, dict[str, int]] = {}
    for event in aws.client("logs").filter_log_events(logGroupName=group)["events"]:
        names = found.setdefault(event["logStreamName"], {})
        if line := re.fullmatch(r"(\w+) \d+", event["message"]):
            names[line[1]] = names.get(line[1], 0) + 1
    return sorted(found.values(), key=str)


def in_the_emulators_python(code: str) -> str:
    done = subprocess.run(
        [ensure_environment(silent).python, "-c", code],
        env=scrubbed_environment(PYTHONPATH=str(CHECKOUT), PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("end", [{}, {"fail": True}, {"exit": True}])
def test_every_line_is_in_the_stream_of_its_invocation(aws: AwsEmulator, end: dict[str, bool]) -> None:
    log = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    make_function(aws, CODE, make_role(aws, allow(log)), FunctionName="chatty", Timeout=30)

    def invoke(number: int) -> None:
        event = {"name": f"n{number}", "lines": 500, **end}
        aws.client("lambda").invoke(FunctionName="chatty", Payload=json.dumps(event).encode())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(invoke, range(8)))
    invoke(8)
    assert streams(aws, "/aws/lambda/chatty") == [{f"n{number}": 500} for number in range(9)]


def test_output_that_is_read_slowly_is_waited_for() -> None:
    assert in_the_emulators_python(SLOWLY_READ) == "['first', 'second']"


def test_a_log_is_searched_while_functions_begin_streams_of_their_own() -> None:
    assert in_the_emulators_python(SEARCHED_WHILE_WRITTEN) == "200"
