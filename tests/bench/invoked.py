"""One process of a function, as Lambda's runtime client would run it: imports the handler, then takes events.

Run as a script by the function's Python. The first argument is the code's folder, the second the handler's dotted name,
the third the descriptor for results. Each line of standard input is an event; each result is a line of JSON. With
``observe`` as the fourth argument, calls of AWS and Amazon are counted and timed. Needs the standard library only.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class Calls:
    """Counts the calls of boto3's and httpx's clients, and the processor time inside them."""

    def __init__(self) -> None:
        self.aws: list[str] = []
        self.amazon = 0
        self.seconds = 0.0

    def watch(self) -> None:
        """From now on."""
        from botocore import client as botocore_client

        clients: Any = botocore_client.BaseClient
        aws = clients._make_api_call

        def aws_call(client: Any, operation: str, parameters: Any) -> Any:
            self.aws.append(operation)
            return self._timed(aws, client, operation, parameters)

        clients._make_api_call = aws_call
        try:
            import httpx
        except ImportError:
            return
        amazon: Any = httpx.Client
        request = amazon.request

        def amazon_call(client: Any, *given: Any, **more: Any) -> Any:
            self.amazon += 1
            return self._timed(request, client, *given, **more)

        amazon.request = amazon_call

    def _timed(self, call: Callable[..., Any], *given: Any, **more: Any) -> Any:
        began = time.process_time()
        try:
            return call(*given, **more)
        finally:
            self.seconds += time.process_time() - began


def peak_kb() -> int:
    """The most memory that this process has had. getrusage would tell that of the process that has forked it, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Import, then one event after the other."""
    folder, name, results, *observed = sys.argv[1:]
    sys.path.insert(0, folder)
    calls = Calls()
    began = time.process_time()
    module, _, function = name.rpartition(".")
    handler = getattr(importlib.import_module(module), function)
    started = time.process_time() - began
    if observed:
        calls.watch()
    with os.fdopen(int(results), "w") as out:
        out.write(json.dumps({"seconds": started, "modules": sorted(sys.modules)}) + "\n")
        out.flush()
        for line in sys.stdin:
            before, inside, counted, amazon = time.process_time(), calls.seconds, len(calls.aws), calls.amazon
            answer = handler(json.loads(line), SimpleNamespace(aws_request_id="00000000-0000-0000-0000-000000000000"))
            result = {
                "seconds": time.process_time() - before,
                "in_calls": calls.seconds - inside,
                "aws": calls.aws[counted:],
                "amazon": calls.amazon - amazon,
                "answer": answer,
                "modules": sorted(sys.modules),
                "peak_kb": peak_kb(),
            }
            out.write(json.dumps(result) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
