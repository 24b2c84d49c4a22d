"""The sockets: one HTTP server on 127.0.0.1 for LWA, SP-API and the control API, and the ways in which it can fail.

The standard library's threading server: a framework would stand in the way of cutting an answer in the middle,
holding a connection open, or ending it with a reset. Nothing that a caller sent is ever printed.
"""

import socket
import struct
import sys
import threading
import traceback
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from sandbox.amazon.contract import MAX_BODY_BYTES, TOKEN_PATH, Contract, Ending, Reply
from sandbox.amazon.control import AmazonControl
from sandbox.amazon.control_api import CONTROL, ControlApi
from sandbox.amazon.delivery import Courier, NoSender, Sender
from sandbox.amazon.records import Clock, WorldSettings
from sandbox.amazon.request import BodyState, Request
from sandbox.amazon.world import World

_LOOPBACK = "127.0.0.1"
_KEPT_BYTES = 2 * 1024 * 1024
_BODILESS = (204, 304)


class _Handler(BaseHTTPRequestHandler):
    """One connection. It writes answers itself: the base class would print each request line, secrets and all."""

    protocol_version = "HTTP/1.1"
    server: "_HttpServer"

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        control = path.startswith(CONTROL)
        body, state = self._read_body(_KEPT_BYTES if control else MAX_BODY_BYTES)
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            # A header that comes twice becomes a value that nobody accepts, as behind a real gateway.
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        request = Request(self.command, path, query, headers, body, state)
        self._send(self.server.control.reply(request) if control else self.server.contract.reply(request))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _read_body(self, limit: int) -> tuple[bytes, BodyState]:
        if self.headers.get("Transfer-Encoding"):
            # No documented call sends one. It is not decoded; the connection ends after the answer.
            self.close_connection = True
            return b"", BodyState.UNREADABLE
        try:
            left = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            left = -1
        if left < 0:
            self.close_connection = True
            return b"", BodyState.UNREADABLE
        state = BodyState.READ if left <= limit else BodyState.TOO_LARGE
        body = b""
        while left > 0 and (piece := self.rfile.read(min(left, 65_536))):
            left -= len(piece)
            # Read to the end even if refused: closing with unread bytes would reset the answer away.
            body += piece if state is BodyState.READ else b""
        return body, state

    def _send(self, reply: Reply) -> None:
        if reply.ending is Ending.HANG:
            self.server.stopping.wait(reply.hang_seconds)
        if reply.ending is Ending.RESET:
            self._reset()
        if reply.ending is not Ending.WHOLE:
            self.close_connection = True
        if reply.status is None:
            return
        head = self._head(reply, reply.status)
        body = b"" if self.command == "HEAD" else reply.body
        data = head + body
        if reply.ending is Ending.CUT:
            data = data[: len(head) + len(body) // 2] if body else head[: len(head) // 2]
        self.wfile.write(data)

    def _head(self, reply: Reply, status: int) -> bytes:
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = "Unlisted"
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in reply.headers.items())]
        if status not in _BODILESS:
            lines.append(f"Content-Length: {len(reply.body)}")
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A request that is not HTTP, or of an unknown method: refused without repeating it."""
        self.close_connection = True
        self.server.world.note_call("(unreadable)", "(unreadable)", code)
        self._send(Reply(code))


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        self.stopping = threading.Event()
        self.contract = Contract(world, self.stopping.wait)
        self.control = ControlApi(world)
        self._open: set[socket.socket] = set()
        super().__init__((_LOOPBACK, port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End every connection, so that the threads that serve them end."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is nothing; anything else is a defect here, told without any value."""
        error = sys.exc_info()[1]
        if error is None or isinstance(error, ConnectionError):
            return
        where = " < ".join(f"{f.name}:{f.lineno}" for f in reversed(traceback.extract_tb(error.__traceback__)))
        print(f"Amazon's stand-in failed: {type(error).__name__} in {where}", file=sys.stderr, flush=True)


class AmazonServer:
    """The stand-in inside this process, as a context manager. ``process.Amazon`` is the same in one of its own."""

    def __init__(
        self,
        *,
        settings: WorldSettings | None = None,
        clock: Clock | None = None,
        sender: Sender | None = None,
        port: int = 0,
    ) -> None:
        """Bind 127.0.0.1 on ``port`` (0: a free one); ``sender`` None: every delivery fails, and says so."""
        self.world = World(settings, clock)
        self.courier = Courier(self.world, sender or NoSender())
        self._http = _HttpServer(self.world, port)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="amazon-http", daemon=True
        )
        self.url = f"http://{_LOOPBACK}:{self._http.server_address[1]}"
        self.control = AmazonControl(self.url)

    @property
    def spapi_endpoint(self) -> str:
        """The base URL of SP-API."""
        return self.url

    @property
    def lwa_endpoint(self) -> str:
        """The URL of LWA's token endpoint."""
        return self.url + TOKEN_PATH

    def start(self) -> None:
        """Serve and deliver from now on."""
        self._thread.start()
        self.courier.start()

    def stop(self) -> None:
        """End every connection and thread."""
        self._http.stopping.set()
        self.courier.stop()
        self.control.close()
        self._http.shutdown()
        self._thread.join()
        self._http.close_connections()
        self._http.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
