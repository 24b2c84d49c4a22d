"""Starting, using and ending the AWS emulator."""

import os
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config

from sandbox.aws.environment import ensure_environment
from sandbox.cache import Progress, silent
from sandbox.paths import CHECKOUT
from sandbox.processes import Child, scrubbed_environment, start
from sandbox.tls import make_loopback_certificate

ACCOUNT = "123456789012"
REGION = "us-east-1"

CALLS_VARIABLE = "SPAPI_ROTATION_CALLS"
"""Names a file in which every request to every emulator is recorded, for ``tests.security.calls``."""

START_SECONDS = 60.0


class AwsEmulator:
    """MiniStack on a free loopback port, over TLS, with IAM enforced and the sandbox's corrections.

    A context manager. Everything in it is gone when it ends; its log stays in its folder. The functions that
    it runs see its certificate authority and nothing of this machine's environment.

    Args:
        folder: where its certificate, log and temporary files go; those of an earlier one are replaced. Two
            emulators at a time need two folders.
        progress: is told about what takes long.
        hour_seconds: how long an hour lasts for ``rate(N hours)`` and for the periods of alarms and queue
            metrics, in seconds.
        version_age_seconds: the age below which Secrets Manager removes no version; AWS's is 24 hours.
    """

    def __init__(
        self,
        folder: Path,
        *,
        progress: Progress = silent,
        hour_seconds: float = 3600,
        version_age_seconds: float = 24 * 3600,
    ) -> None:
        self._folder = folder.absolute()
        self._progress = progress
        self._hour_seconds = hour_seconds
        self._version_age_seconds = version_age_seconds
        self._child: Child | None = None
        self._port = 0
        self._session = isolated_session()
        self.log_file = self._folder / "aws.log"
        self.ca_file = self._folder / "tls" / "ca.pem"

    @property
    def endpoint(self) -> str:
        """The URL of every service, without a slash at the end."""
        return f"https://127.0.0.1:{self._port}"

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            EnvironmentFailed: its virtual environment could not be made.
            ChildFailed: it did not start; the message holds its log.
        """
        environment = ensure_environment(self._progress)
        for old in ("tmp", "tls"):
            shutil.rmtree(self._folder / old, ignore_errors=True)
        temporary = self._folder / "tmp"
        temporary.mkdir(parents=True, mode=0o700)
        certificate = make_loopback_certificate(self.ca_file.parent)
        port_file = temporary / "port"
        self._child = start(
            "The AWS emulator",
            [environment.python, CHECKOUT / "sandbox" / "aws" / "launcher.py"],
            environment=scrubbed_environment(
                **_trust(self.ca_file),
                HOME=str(temporary),
                TMPDIR=str(temporary),
                STATE_DIR=str(temporary),
                S3_DATA_DIR=str(temporary),
                PYTHONDONTWRITEBYTECODE="1",
                MINISTACK_HOST="127.0.0.1",
                MINISTACK_ACCOUNT_ID=ACCOUNT,
                MINISTACK_REGION=REGION,
                MINISTACK_SSL_CERT=str(certificate.certificate),
                MINISTACK_SSL_KEY=str(certificate.key),
                USE_SSL="1",
                AUTH="true",
                SFTP_ENABLED="0",
                IOT_MTLS_ENABLED="0",
                DOCKER_HOST="unix:///nonexistent",
                AWS_EC2_METADATA_DISABLED="true",
                SANDBOX_PORT_FILE=str(port_file),
                SANDBOX_HOUR_SECONDS=str(self._hour_seconds),
                SANDBOX_VERSION_AGE_SECONDS=str(self._version_age_seconds),
                SANDBOX_FUNCTION_PYTHON=str(environment.function_python),
                SANDBOX_CALLS_FILE=os.environ.get(CALLS_VARIABLE, ""),
            ),
            log=self.log_file,
        )
        try:
            self._child.wait_until(port_file.exists, START_SECONDS, "open its port")
            self._port = int(port_file.read_text())
            self._child.wait_until(self._answers, START_SECONDS, "answer")
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it, its functions included, and delete its temporary files. Idempotent."""
        if self._child:
            self._child.stop()
            self._child = None
            shutil.rmtree(self._folder / "tmp", ignore_errors=True)

    def client(
        self,
        service: str,
        account: str | None = None,
        *,
        credentials: Mapping[str, str] | None = None,
        region: str = REGION,
    ) -> Any:
        """A boto3 client that never retries.

        Args:
            service: boto3's name of the service.
            account: act as this account's root; the sandbox's own account if not given.
            credentials: act with these instead: an ``AccessKeyId``, ``SecretAccessKey`` and perhaps
                ``SessionToken``.
            region: of AWS; where the sandbox's stack is if not given.
        """
        keys = credentials or {"AccessKeyId": account or ACCOUNT, "SecretAccessKey": "test"}
        return self._session.client(  # type: ignore[call-overload]
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            verify=str(self.ca_file),
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken"),
            config=Config(retries={"total_max_attempts": 1}, read_timeout=120, proxies={}),
        )

    def environment(self) -> dict[str, str]:
        """What a child process needs to use the emulator, as the account's root, with any AWS SDK."""
        return {
            **_trust(self.ca_file),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def reset(self) -> None:
        """Delete everything in it, as if it were just started."""
        self._call("/_ministack/reset", "POST")

    def _answers(self) -> bool:
        try:
            self._call("/_ministack/ready", "GET")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    def _call(self, path: str, method: str) -> None:
        trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ca_file))
        opener = urllib.request.build_opener(trust, urllib.request.ProxyHandler({}))
        request = urllib.request.Request(self.endpoint + path, method=method)  # noqa: S310
        with opener.open(request, timeout=30):
            pass

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _trust(authority: Path) -> dict[str, str]:
    """Have AWS SDKs, requests and httpx trust the sandbox's authority and no other."""
    return dict.fromkeys(("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(authority))


def isolated_session() -> boto3.Session:
    """A session that reads no profile, configuration file or credentials of this machine."""
    session = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return boto3.Session(botocore_session=session)
