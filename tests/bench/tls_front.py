"""TLS in front of a server that speaks plain HTTP, on loopback: Amazon is reached by https alone."""

import asyncio
import contextlib
import ssl
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 65_536


class TlsFront:
    """Passes on what it decrypts. A context manager; ``url`` is its base URL.

    Args:
        behind: the server's base URL.
        certificate, key: files in PEM form.
    """

    def __init__(self, behind: str, *, certificate: str, key: str) -> None:
        self._behind = urlsplit(behind)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tls-front", daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(30)
        self.url = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)

    async def _serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._behind.hostname is not None
        behind = await asyncio.open_connection(self._behind.hostname, self._behind.port)
        await asyncio.gather(_pump(reader, behind[1]), _pump(behind[0], writer), return_exceptions=True)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    target.close()
