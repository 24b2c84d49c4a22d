"""A git host on loopback: a repository over https, by git's own program for that, under a name of its own.

The name leads there through a proxy for https, which passes everything else on to where it belongs. Under an address
with a port the engine would make a folder whose name Python takes for two.
"""

import os
import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import trustme

NAME = "git.example.com"


@dataclass(frozen=True)
class GitHost:
    """Where it is.

    Attributes:
        proxy: for the environment variable HTTPS_PROXY.
        authority: the certificate to trust, in PEM form.
    """

    proxy: str
    authority: str


@contextmanager
def serving(repositories: Path) -> Iterator[GitHost]:
    """Serve the bare repositories below a folder as https://NAME/…"""
    authority = trustme.CA(organization_name="spapi-rotation tests")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)

    class Repositories(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            place = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                capture_output=True,
                check=False,
                env={
                    "PATH": os.environ["PATH"],
                    "GIT_PROJECT_ROOT": str(repositories),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "REQUEST_METHOD": self.command,
                    "PATH_INFO": place.path,
                    "QUERY_STRING": place.query,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                },
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ExitStack() as open_:
        server = open_.enter_context(_served(Repositories))
        server.socket = context.wrap_socket(server.socket, server_side=True)

        class Proxy(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                name, _, port = self.path.rpartition(":")
                place = server.server_address[:2] if name == NAME else (name, int(port))
                with socket.create_connection((str(place[0]), int(place[1])), timeout=60) as there:
                    self.send_response(200)
                    self.end_headers()
                    _pass_on(self.connection, there)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        proxy = open_.enter_context(_served(Proxy))
        yield GitHost(f"http://127.0.0.1:{proxy.server_port}", authority.cert_pem.bytes().decode())


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Both ways, until one side has ended."""
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(1 << 16)
            if not data:
                return
            (other if ready is one else one).sendall(data)
