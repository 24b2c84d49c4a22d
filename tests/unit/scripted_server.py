"""A real HTTP server on loopback that answers as a test has written it, and keeps what it was asked."""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Ending(StrEnum):
    """What becomes of the connection."""

    WHOLE = "whole"
    CUT = "cut"
    """The body ends before its announced length."""
    CLOSED = "closed"
    """Nothing is sent."""
    SILENT = "silent"
    """Nothing is sent, and the connection stays open."""


@dataclass(frozen=True)
class Reply:
    """One answer. ``body`` that is no text is sent as JSON."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    ending: Ending = Ending.WHOLE

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


@dataclass(frozen=True)
class Seen:
    """One request as it arrived. Header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int
    """The client's port, which tells connections apart."""


class ScriptedServer:
    """Answers with the replies in turn; a request that nothing is scripted for is answered 599."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.replies: deque[Reply] = deque()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                owner.seen.append(Seen(self.command, self.path, headers, body, self.client_address[1]))
                reply = owner.replies.popleft() if owner.replies else Reply(599, "not scripted")
                if reply.ending is Ending.SILENT:
                    owner._over.wait()
                if reply.ending in (Ending.SILENT, Ending.CLOSED):
                    self.close_connection = True
                    return
                content = reply.content()
                self.send_response_only(reply.status)  # without a Date of its own
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status != 204:
                    longer = 100 if reply.ending is Ending.CUT else 0
                    self.send_header("Content-Length", str(len(content) + longer))
                self.end_headers()
                self.wfile.write(content)
                if reply.ending is Ending.CUT:
                    self.close_connection = True

            do_GET = do_POST = _answer  # noqa: N815

        return Handler
