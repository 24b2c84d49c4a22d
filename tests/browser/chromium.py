"""A headless Chromium, spoken to over its DevTools protocol, by pipes: no port, no driver.

Source: https://chromedevtools.github.io/devtools-protocol/ and Chromium's switch --remote-debugging-pipe.
"""

import base64
import contextlib
import itertools
import json
import os
import select
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.browser.program import Program

SECONDS = 60.0
"""How long an answer is waited for."""

_SWITCHES = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # it may run as root, and shows pages of the tests alone
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--font-render-hinting=none",
)

Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Screen:
    """What a page is shown on; sizes in CSS pixels, of which each is ``scale`` pixels wide."""

    width: int
    height: int
    mobile: bool = False
    scheme: Scheme = "light"
    scale: int = 1


PHONE, DESKTOP = Screen(390, 844, mobile=True, scale=2), Screen(1000, 800)


@dataclass
class Page:
    """The one page of a browser.

    Attributes:
        requested: every address that was asked for.
        complaints: what the browser wrote into its console, and exceptions.
    """

    _to: int
    _from: int
    session: str = ""
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _left: bytes = b""
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _events: list[str] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol. Raises AssertionError for an error of the browser's, TimeoutError."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])

    def show(self, address: str, screen: Screen) -> None:
        """Load an address, and wait until it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=screen.width,
            height=screen.height,
            mobile=screen.mobile,
            deviceScaleFactor=screen.scale,
        )
        self.call("Emulation.setScrollbarsHidden", hidden=True)
        self.media("screen", screen.scheme)
        self._events.clear()
        self.call("Page.navigate", url=address)
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def media(self, kind: Literal["screen", "print"], scheme: Scheme = "light") -> None:
        """Show the page as on this medium."""
        self.call(
            "Emulation.setEmulatedMedia", media=kind, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def ask(self, expression: str) -> Any:
        """The value of an expression of JavaScript, in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, *, whole: bool = True) -> bytes:
        """A PNG of the page, or of what its screen shows of it."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(found["data"])

    def pdf(self) -> bytes:
        """The page as it is printed on A4."""
        found = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        return base64.b64decode(found["data"])

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            if not select.select([self._from], [], [], SECONDS)[0]:
                raise TimeoutError("The browser does not answer.")
            piece = os.read(self._from, 1 << 16)
            if not piece:
                raise EOFError("The browser has ended.")
            self._left += piece
        text, _, self._left = self._left.partition(b"\0")
        answer: dict[str, Any] = json.loads(text)
        self._events.append(str(answer.get("method")))
        match answer.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(answer["params"]["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(answer["params"]["entry"]["text"])
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(answer["params"]))
        return answer


@contextlib.contextmanager
def running(program: Program) -> Iterator[Page]:
    """Start a browser; it ends with the block."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()

    def take_pipes() -> None:  # the switch wants them as 3 and 4
        spare = [os.dup(to_read), os.dup(from_write)]
        os.dup2(spare[0], 3)
        os.dup2(spare[1], 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [program.file, *_SWITCHES, f"--user-data-dir={Path(home) / 'profile'}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=take_pipes,
            env={**os.environ, "HOME": home, **program.environment},
        )
        os.close(to_read)
        os.close(from_write)
        try:
            page = Page(to_write, from_read)
            (target,) = (each for each in page.call("Target.getTargets")["targetInfos"] if each["type"] == "page")
            page.session = page.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
            for domain in ("Page", "Network", "Log", "Runtime"):
                page.call(f"{domain}.enable")
            yield page
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(to_write)
            os.close(from_read)
