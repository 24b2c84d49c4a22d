"""The package added to a program in YAML as a stranger adds it: from a git repository at a version, with all it needs.

The repository is served on loopback. Nothing of this environment is used but the engine.
"""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import spapi_rotation_lambda
from sandbox.engine import ensure_engine
from sandbox.plugin_host import install as install_host
from sandbox.provider.install import install as install_provider
from sandbox.provider.main import plugin_version
from tests.installs.environments import ROOT, clone, own_environment, run
from tests.installs.git_server import NAME, GitHost, serving

pytestmark = [pytest.mark.engine, pytest.mark.installs, pytest.mark.slow]

SOURCE = f"https://{NAME}/team/spapi-rotation.git/plugin@{spapi_rotation_lambda.__version__}"


@dataclass
class Stranger:
    """Somebody with a program of their own and Pulumi."""

    project: Path
    environment: dict[str, str]

    def pulumi(self, *words: str, code: int = 0) -> str:
        """What a command prints."""
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive", "--color=never"],
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHost]:
    """It has the project's repository, with a tag of its version."""
    folder = tmp_path_factory.mktemp("repository")
    checkout = clone(folder / "checkout")
    identity = ("-c", "user.name=team", "-c", "user.email=team@example.com")
    run(["git", "init", "--quiet", "--initial-branch=main"], checkout)
    run(["git", "add", "--all"], checkout)
    run(["git", *identity, "commit", "--quiet", "--message=all"], checkout)
    run(["git", "tag", f"v{spapi_rotation_lambda.__version__}"], checkout)
    run(["git", "clone", "--quiet", "--bare", str(checkout), "served/team/spapi-rotation.git"], folder)
    with serving(folder / "served") as made:
        yield made


@pytest.fixture(scope="module")
def stranger(host: GitHost, tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    folder = tmp_path_factory.mktemp("stranger")
    home, project = folder / "home", folder / "program"
    for each in (home, project, folder / "backend"):
        each.mkdir()
    install_provider(home / ".pulumi" / "plugins" / f"resource-aws-v{plugin_version()}", Path(sys.executable))
    authorities = folder / "authorities.pem"
    machines = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    authorities.write_text((Path(machines).read_text() if machines else "") + host.authority)
    path: list[Path | str] = [*install_host(folder / "host", ensure_engine(print)), f"{sys.base_prefix}/bin"]
    program = {
        "name": "marketplace",
        "runtime": "yaml",
        "config": {"aws:region": {"value": "us-east-1"}},
        "resources": {
            "rotation": {
                "type": "spapi-rotation:ClientSecretRotation",
                "properties": {"rotateEveryDays": 5, "applications": {"orders": {"clientId": "of the shop"}}},
            }
        },
    }
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(program))
    return Stranger(
        project,
        own_environment(
            home,
            path,
            backend=folder / "backend",
            SSL_CERT_FILE=str(authorities),
            HTTPS_PROXY=host.proxy,
        ),
    )


def test_it_is_added_from_a_repository_at_a_version(stranger: Stranger) -> None:
    stranger.pulumi("package", "add", SOURCE)
    (added,) = yaml.safe_load((stranger.project / "Pulumi.yaml").read_text())["packages"].values()
    assert NAME in str(added)
    (fetched,) = (Path(stranger.environment["PULUMI_HOME"]) / "plugins").glob(f"resource-{NAME}_*/plugin")
    (site,) = fetched.glob("venv/lib/python*/site-packages")
    assert (site / "spapi_rotation" / "function_archive" / "function.zip").exists()
    locked = (ROOT / "plugin" / "constraints.txt").read_text().splitlines()
    installed = run([str(fetched / "venv" / "bin" / "python"), "-m", "pip", "freeze"], fetched).splitlines()
    assert set(locked) - {each.lower().replace("_", "-") for each in installed} == set()


def test_its_schema_is_the_recorded_one(stranger: Stranger) -> None:
    """As the engine tells it, with its own order and without what is the default."""
    said = stranger.pulumi("package", "get-schema", SOURCE)
    found = json.loads(said[said.index("{") :])
    recorded = json.loads((ROOT / "plugin" / "schema.json").read_text())
    assert _described(found) == _described(recorded)


def _described(schema: dict[str, Any]) -> dict[str, str]:
    """The description of each argument, output and part of one."""
    (component,) = schema["resources"].values()
    parts = {
        "inputs": component["inputProperties"],
        "outputs": component["properties"],
        **{name: each.get("properties", {}) for name, each in schema["types"].items()},
    }
    return {f"{part} {name}": each["description"] for part, known in parts.items() for name, each in known.items()}


def test_the_component_itself_answers(stranger: Stranger) -> None:
    stranger.pulumi("stack", "init", "dev")
    said = stranger.pulumi("preview", code=1)
    assert "applications.orders.clientId is not a client id" in said
    assert "Traceback" not in said
