"""Amazon's stand-in in a process of its own, started and ended by a context manager."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.amazon.contract import TOKEN_PATH
from sandbox.amazon.control import AmazonControl
from sandbox.amazon.delivery import SqsTarget
from sandbox.amazon.records import WorldSettings
from sandbox.paths import CHECKOUT
from sandbox.processes import Child, scrubbed_environment, start

_START_SECONDS = 30.0


class Amazon:
    """The stand-in as a child process, which ends when this object does, or when this process dies.

    The child gets an environment of its own: nothing of the caller's certificate, proxy or credential settings.
    """

    def __init__(
        self, folder: Path, *, sqs: SqsTarget | None = None, settings: WorldSettings | None = None, port: int = 0
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            folder: where its log (``amazon.log``) goes.
            sqs: where its messages go. None: every delivery fails, and says so.
            settings: how fast its world turns.
            port: on 127.0.0.1; 0 for a free one.
        """
        settings = settings or WorldSettings()
        self._folder = folder.absolute()
        self._ready_file = self._folder / "amazon.url"
        self.log_file = self._folder / "amazon.log"
        self._command = [
            sys.executable,
            "-m",
            "sandbox.amazon",
            f"--port={port}",
            f"--ready-file={self._ready_file}",
            f"--rate-period-seconds={settings.rate_period_seconds}",
            f"--delivery-seconds={settings.delivery_seconds}",
            f"--retry-seconds={','.join(map(str, settings.retry_seconds))}",
        ]
        if sqs:
            self._command += [f"--sqs-endpoint={sqs.endpoint_url}", f"--region={sqs.region}"]
            self._command += [f"--ca-file={sqs.ca_file}"] if sqs.ca_file else []
        self._child: Child | None = None
        self._control: AmazonControl | None = None
        self.url = ""

    @property
    def control(self) -> AmazonControl:
        """What the stand-in is told by.

        Raises:
            RuntimeError: it does not run.
        """
        if self._control is None:
            raise RuntimeError("Amazon's stand-in does not run.")
        return self._control

    @property
    def spapi_endpoint(self) -> str:
        """The base URL of SP-API."""
        return self.url

    @property
    def lwa_endpoint(self) -> str:
        """The URL of LWA's token endpoint."""
        return self.url + TOKEN_PATH

    @property
    def pid(self) -> int | None:
        """The process id that ends it on TERM; None when it does not run."""
        return self._child.pid if self._child else None

    def start(self) -> Self:
        """Start the process and wait until it serves.

        Raises:
            ChildFailed: it did not; the message holds its log.
        """
        self._ready_file.unlink(missing_ok=True)
        self._child = start(
            "Amazon's stand-in",
            self._command,
            environment=scrubbed_environment(
                PYTHONPATH=str(CHECKOUT),
                PYTHONDONTWRITEBYTECODE="1",
                AWS_CONFIG_FILE=os.devnull,
                AWS_SHARED_CREDENTIALS_FILE=os.devnull,
                AWS_EC2_METADATA_DISABLED="true",
            ),
            log=self.log_file,
        )
        self._child.wait_until(self._ready_file.exists, _START_SECONDS)
        self.url = self._ready_file.read_text()
        self._control = AmazonControl(self.url)
        return self

    def stop(self) -> None:
        """End the process. Idempotent."""
        if self._control:
            self._control.close()
            self._control = None
        if self._child:
            self._child.stop()
            self._child = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
