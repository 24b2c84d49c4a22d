"""A switch that kills a function's process in the middle of its work. AWS has none: it is the sandbox's own.

A process dies right after the emulator has carried out a named call of it, before the call's answer is sent, or at
once while it works on a certain event. The invocation then fails as on AWS when a process dies. The switch is a
control call, ``POST /_sandbox/crash``; ``docs/scenarios.md`` shows what it is for.
"""

import itertools
import json
import logging
import signal
import subprocess
import threading
import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ministack import app
from ministack.core import lambda_runtime
from ministack.core.responses import json_response
from ministack.core.router import extract_access_key_id

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

_log = logging.getLogger("sandbox.crash")

PATH = "/_sandbox/crash"

ACTIONS = frozenset(
    {
        "events:PutEvents",
        "kms:GetKeyPolicy",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:ListSecretVersionIds",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
    }
)
"""The calls after which a process can be killed."""

_SERVICES = {"AWSEvents": "events", "TrentService": "kms", "secretsmanager": "secretsmanager", "AmazonSQS": "sqs"}
"""The names of services in the header ``X-Amz-Target``, before its dot."""

DIED = "Worker process died"
"""What MiniStack says of an invocation whose process ended."""

Match = Mapping[str, str | list[str]]


class _Refused(Exception):
    """Becomes an answer with status 400."""


@dataclass(slots=True)
class _Switch:
    """An armed crash: the function, the call after which it dies, and what the call's parameters must be."""

    function: str
    after: str
    match: Match
    times: int
    used: int = 0

    def fits(self, function: str, action: str, parameters: Mapping[str, Any]) -> bool:
        return (
            self.used < self.times
            and (self.function, self.after) == (function, action)
            and all(parameters.get(name) == value for name, value in self.match.items())
        )


@dataclass(slots=True)
class _Book:
    """The armed crashes, and which process calls with which access key or works on which event."""

    switches: list[_Switch] = field(default_factory=list)
    by_key: "weakref.WeakValueDictionary[str, Any]" = field(default_factory=weakref.WeakValueDictionary)
    at_work: dict[Any, str] = field(default_factory=dict)


def apply(_settings: Settings) -> None:
    """Give each process keys of its own, watch the calls, and serve the control call."""
    book = _Book()
    worker = lambda_runtime.Worker
    replace(worker, "_spawn", _remembering_spawned(worker._spawn))
    replace(worker, "invoke", _remembering_event(worker.invoke, book))
    replace(lambda_runtime, "execution_credentials", _own_keys(lambda_runtime.execution_credentials, book))
    replace(app, "_dispatch_service_request", _watching(app._dispatch_service_request, book))
    replace(app, "_handle_post_body_shortcuts", _controlled(app._handle_post_body_shortcuts, book))


_spawning: ContextVar[Any] = ContextVar("spawning", default=None)
_numbers = itertools.count(1)


def _remembering_spawned(spawn: Callable[..., Any]) -> Callable[..., Any]:
    def answer(worker: Any) -> Any:
        token = _spawning.set(worker)
        try:
            return spawn(worker)
        finally:
            _spawning.reset(token)

    return answer


def _own_keys(issue: Callable[..., dict[str, str]], book: _Book) -> Callable[..., dict[str, str]]:
    """Each process has a session of the role of its own, as on AWS; MiniStack gives all the same keys."""
    lock = threading.Lock()  # MiniStack looks through its sessions while it adds one

    def answer(config: Mapping[str, Any]) -> dict[str, str]:
        worker = _spawning.get()
        if worker is None:
            return issue(config)
        with lock:  # the keys are derived from the ARN; a qualifier makes them others
            keys = issue({**config, "FunctionArn": f"{config['FunctionArn']}:{next(_numbers)}"})
        book.by_key[keys["AWS_ACCESS_KEY_ID"]] = worker
        return keys

    return answer


def _remembering_event(invoke: Callable[..., Any], book: _Book) -> Callable[..., Any]:
    def answer(worker: Any, event: Any, request_id: str, **more: Any) -> Any:
        book.at_work[worker] = json.dumps(event)
        try:
            result = invoke(worker, event, request_id, **more)
        finally:
            del book.at_work[worker]
        if result.get("error") == DIED:
            # Source: the Lambda developer guide, "Runtime exited with error" in its troubleshooting pages.
            result["error"] = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
        return result

    return answer


def _watching(dispatch: Callable[..., Any], book: _Book) -> Callable[..., Any]:
    async def answer(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], request_id: str
    ) -> Any:
        response = await dispatch(method, path, headers, body, query, request_id)
        if response[0] == 200 and any(switch.used < switch.times for switch in book.switches):
            _strike(book, headers, body, query)
        return response

    return answer


def _strike(book: _Book, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> None:
    worker = book.by_key.get(extract_access_key_id(headers, query) or "")
    service, _, operation = headers.get("x-amz-target", "").rpartition(".")
    action = f"{_SERVICES.get(service, '?')}:{operation}"
    if worker is None or action not in ACTIONS:
        return
    parameters = json.loads(body or b"{}")
    for switch in book.switches:
        if switch.fits(worker.func_name, action, parameters):
            switch.used += 1
            _kill(worker, f"after {action}")
            return


def _kill(worker: Any, why: str) -> bool:
    process: subprocess.Popen[str] | None = worker._proc
    if process is None or process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    process.wait(5)
    _log.warning("Killed a process of %s %s", worker.func_name, why)
    return True


def _controlled(shortcuts: Callable[..., Any], book: _Book) -> Callable[..., Any]:
    async def answer(method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str) -> Any:
        if path != PATH:
            return await shortcuts(method, path, headers, body, query, request_id)
        try:
            return json_response(_control(method, body, book))
        except _Refused as refused:
            return json_response({"error": str(refused)}, 400)

    return answer


def _control(method: str, body: bytes, book: _Book) -> dict[str, Any]:
    if method == "DELETE":
        book.switches.clear()
    elif method == "POST":
        asked = _asked(body)
        if "handling" in asked:
            return {"killed": _kill_now(book, asked)}
        book.switches.append(_switch(asked))
    elif method != "GET":
        raise _Refused("Use GET, POST or DELETE.")
    return {
        "switches": [
            {"function": s.function, "after": s.after, "match": dict(s.match), "times": s.times, "used": s.used}
            for s in book.switches
        ]
    }


def _asked(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except ValueError:
        raise _Refused("The body is not JSON.") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("function"), str):
        raise _Refused('Name the function: {"function": NAME, ...}.')
    return asked


def _switch(asked: dict[str, Any]) -> _Switch:
    if unknown := asked.keys() - {"function", "after", "match", "times"}:
        raise _Refused(f"Unknown: {', '.join(sorted(unknown))}.")
    if asked.get("after") not in ACTIONS:
        raise _Refused(f"after must be one of {', '.join(sorted(ACTIONS))}.")
    match, times = asked.get("match", {}), asked.get("times", 1)
    if not isinstance(match, dict) or not all(isinstance(value, str | list) for value in match.values()):
        raise _Refused("match must map parameters of the call to texts or lists of texts.")
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        raise _Refused("times must be 1 or more.")
    return _Switch(asked["function"], asked["after"], match, times)


def _kill_now(book: _Book, asked: dict[str, Any]) -> int:
    if unknown := asked.keys() - {"function", "handling"}:
        raise _Refused(f"Unknown: {', '.join(sorted(unknown))}.")
    if not isinstance(asked["handling"], str) or not asked["handling"]:
        raise _Refused("handling must be a text that is in the event, as JSON.")
    struck = [
        worker
        for worker, event in list(book.at_work.items())
        if worker.func_name == asked["function"] and asked["handling"] in event
    ]
    return sum(_kill(worker, "at its work") for worker in struck)
