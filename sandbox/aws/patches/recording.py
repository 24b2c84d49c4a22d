"""The record of every request, for whoever looks at the calls of a run afterwards.

One line of JSON for each, with what says what was asked for. A signature is not kept, nor is a session's token; a body
is, and may hold a secret of the sandbox's world.
"""

import base64
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ministack import app

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_NOT_KEPT = ("authorization", "x-amz-security-token")


def apply(settings: Settings) -> None:
    """Record, if a file is given."""
    if settings.calls_file is not None:
        replace(app, "app", _recorded(app.app, settings.calls_file))


def _recorded(serve: Callable[..., Awaitable[None]], file: Path) -> Callable[..., Awaitable[None]]:
    async def answer(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await serve(scope, receive, send)
            return
        body = bytearray()

        async def reading() -> dict[str, Any]:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def sending(message: Mapping[str, Any]) -> None:
            # Before whoever asked has the answer, and may look into the record.
            if message["type"] == "http.response.start":
                _write(file, _line(scope, bytes(body), message["status"]))
            await send(message)

        await serve(scope, reading, sending)

    return answer


def _line(scope: Mapping[str, Any], body: bytes, status: int) -> dict[str, Any]:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
    scoped = headers.get("authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
    return {
        "service": scoped[3] if len(scoped) > 3 else "",
        "method": scope["method"],
        "path": (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0],
        "query": scope.get("query_string", b"").decode("latin-1"),
        "headers": {name: value for name, value in headers.items() if name not in _NOT_KEPT},
        "body": base64.b64encode(body).decode(),
        "status": status,
    }


def _write(file: Path, line: Mapping[str, Any]) -> None:
    """One write: two emulators may have the same file."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
    finally:
        os.close(descriptor)
