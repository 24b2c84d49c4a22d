"""Pulumi's engine is found, downloaded or built; and what was built really runs Python programs."""

import hashlib
import io
import os
import stat
import subprocess
import sys
import tarfile
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pulumi import automation as auto

from sandbox import engine
from sandbox.paths import CACHE_VARIABLE


@pytest.fixture(autouse=True)
def nothing_yet(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, an empty PATH and no download site, unless the test is one of the real engine."""
    if "engine" in request.keywords:
        return
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(engine, "_ARCHIVES", "http://127.0.0.1:1")


def program(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def pulumi(folder: Path, version: str) -> None:
    program(folder / "pulumi", f"echo v{version}")
    program(folder / engine.HOST, "")


class Heard(list[str]):
    """Progress lines."""

    def __call__(self, line: str) -> None:
        self.append(line)


# --- on PATH -----------------------------------------------------------------------------------------------------


def test_an_engine_on_path_is_used(tmp_path: Path) -> None:
    pulumi(tmp_path / "path", "3.187.0")
    found = engine.ensure_engine(Heard())
    assert found == engine.Engine(tmp_path / "path", "3.187.0", "path")


@pytest.mark.parametrize("version", ["3.186.9", "2.999.0", ""])
def test_an_old_engine_on_path_is_not_used(tmp_path: Path, version: str) -> None:
    pulumi(tmp_path / "path", version)
    heard = Heard()
    with pytest.raises(engine.EngineUnavailable):
        engine.ensure_engine(heard)
    assert "it must run and be 3.187.0 or later" in heard[0]


def test_an_engine_without_its_python_host_is_not_used(tmp_path: Path) -> None:
    program(tmp_path / "path" / "pulumi", "echo v3.259.0")
    heard = Heard()
    with pytest.raises(engine.EngineUnavailable):
        engine.ensure_engine(heard)
    assert "its Python host pulumi-language-python is not on PATH" in heard[0]


def test_a_broken_engine_on_path_is_not_used(tmp_path: Path) -> None:
    pulumi(tmp_path / "path", "3.259.0")
    program(tmp_path / "path" / "pulumi", "exit 1")
    with pytest.raises(engine.EngineUnavailable):
        engine.ensure_engine(Heard())


# --- downloaded --------------------------------------------------------------------------------------------------


class Site(ThreadingHTTPServer):
    """Pulumi's download site with one archive, which holds an engine of ``version``."""

    def __init__(self, version: str = engine.VERSION) -> None:
        self.asked: list[str] = []
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w:gz") as content:
            for name, text in (("pulumi", f"#!/bin/sh\necho v{version}\n"), (engine.HOST, "#!/bin/sh\n")):
                member = tarfile.TarInfo(f"pulumi/{name}")
                member.size, member.mode = len(text), 0o755
                content.addfile(member, io.BytesIO(text.encode()))
        asked, body = self.asked, archive.getvalue()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with Site() as server:
        monkeypatch.setattr(engine, "_ARCHIVES", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_official_archive_is_downloaded_once(tmp_path: Path, site: Site) -> None:
    first = engine.ensure_engine(Heard())
    assert (first.origin, first.version) == ("installer", engine.VERSION)
    assert first.bin.parent == tmp_path / "cache"
    assert engine.ensure_engine(Heard()) == first
    assert len(site.asked) == 1
    assert site.asked[0].startswith(f"/pulumi-v{engine.VERSION}-")


def test_an_archive_that_does_not_run_is_not_kept(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_version_of", lambda _: None)
    heard = Heard()
    with pytest.raises(engine.EngineUnavailable):
        engine.ensure_engine(heard)
    assert "the downloaded engine does not run" in heard[-1]
    assert [found for found in (tmp_path / "cache").iterdir() if found.is_dir()] == []


def test_an_unreachable_site_is_said_and_left(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(engine.EngineUnavailable):
        engine.ensure_engine(heard)
    assert heard[0].startswith("Pulumi's download site can't be used")


# --- built -------------------------------------------------------------------------------------------------------

GO = """
echo "$PWD $GOFLAGS $GOWORK $CGO_ENABLED $*" >> "$GO_CALLS"
case "$*" in
  build*pkg/v3/cmd/pulumi) for out; do case "$last" in -o) to=$out;; esac; last=$out; done
    printf '#!/bin/sh\\necho v3.259.0\\n' > "$to/pulumi"; /bin/chmod 755 "$to/pulumi";;
  build*) for out; do case "$last" in -o) to=$out;; esac; last=$out; done
    printf '#!/bin/sh\\n' > "$to/${last##*/}"; /bin/chmod 755 "$to/${last##*/}";;
  list*) echo "$GO_SDK";;
esac
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Go that makes empty programs; returns the file with its calls."""
    program(tmp_path / "path" / "go", GO)
    for script in engine._SCRIPTS:
        program(tmp_path / "sdk" / script, "")
        (tmp_path / "sdk" / script).chmod(0o444)
    calls = tmp_path / "calls"
    monkeypatch.setenv("GO_CALLS", str(calls))
    monkeypatch.setenv("GO_SDK", str(tmp_path / "sdk"))
    return calls


def test_it_is_built_from_pinned_modules_once(tmp_path: Path, go: Path) -> None:
    built = engine.ensure_engine(Heard())
    assert (built.origin, built.version) == ("built", engine.VERSION)
    assert built.bin.parent == tmp_path / "cache"
    programs = {file.name for file in built.bin.iterdir() if file.stat().st_mode & stat.S_IXUSR}
    assert programs == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-language-yaml",
        "pulumi-resource-pulumi-python",
    }
    calls = go.read_text().splitlines()
    assert all("-mod=readonly" in call and " off 0 " in call for call in calls)
    assert any(f"common/version.Version=v{engine.VERSION}" in call for call in calls)
    assert engine.ensure_engine(Heard()) == built
    assert go.read_text().splitlines() == calls, "nothing is built twice"


def test_a_failed_build_leaves_nothing_and_shows_its_last_lines(tmp_path: Path, go: Path) -> None:
    program(tmp_path / "path" / "go", "echo cannot find module\nexit 1")
    with pytest.raises(engine.EngineUnavailable, match=r"(?s)Install Pulumi.*cannot find module"):
        engine.ensure_engine(Heard())
    assert [found for found in (tmp_path / "cache").iterdir() if found.is_dir()] == []


def test_a_long_build_says_how_long_it_is_at_work(tmp_path: Path, go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_REPORT_SECONDS", 0.05)
    program(tmp_path / "path" / "go", f"/bin/sleep 0.2\n{GO}")
    heard = Heard()
    engine.ensure_engine(heard)
    assert any(line.startswith("Building the CLI:") and line.endswith("s so far.") for line in heard)


def test_without_go_the_remedy_is_said() -> None:
    with pytest.raises(engine.EngineUnavailable, match=r"no Go to build one. Install Pulumi .* or install Go"):
        engine.ensure_engine(Heard())


def test_the_pins_hold_the_versions_that_are_named() -> None:
    cli = (engine.MODULES / "cli" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{engine.VERSION}" in cli
    assert f"github.com/pulumi/pulumi/sdk/v3 v{engine.VERSION}" in cli
    yaml = (engine.MODULES / "yaml_host" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{engine.VERSION}" in yaml
    assert "github.com/pulumi/pulumi/sdk/v3 v3.76.0" in (engine.MODULES / "python_host" / "go.mod").read_text()


# --- the real one ------------------------------------------------------------------------------------------------

PROVIDER = """
from typing import Any

from pulumi import Input, Output, ResourceOptions
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class EchoProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("id", {**props, "echo": f"echo of {props['word']}"})


class Echo(Resource):
    echo: Output[str]

    def __init__(self, name: str, word: Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__(EchoProvider(), name, {"word": word, "echo": None}, opts)
"""


@pytest.mark.engine
@pytest.mark.slow
def test_a_python_program_with_a_dynamic_resource_goes_up_and_down(tmp_path: Path) -> None:
    """The dynamic provider lives in an importable module, as the component's does."""
    found = engine.ensure_engine(print)
    work = tmp_path / "program"
    (work / "library").mkdir(parents=True)
    (work / "library" / "echo_provider.py").write_text(PROVIDER)
    (work / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
    (work / "__main__.py").write_text(
        textwrap.dedent(
            """
            import pulumi
            from echo_provider import Echo

            pulumi.export("echo", Echo("echo", "hello").echo)
            """
        )
    )
    (tmp_path / "state").mkdir()
    stack = auto.create_stack(
        "dev",
        work_dir=str(work),
        opts=auto.LocalWorkspaceOptions(
            pulumi_command=auto.PulumiCommand(root=str(command_root(found.bin, tmp_path))),
            env_vars={
                "PATH": found.search_path(),
                "PYTHONPATH": str(work / "library"),
                "PULUMI_HOME": str(tmp_path / "home"),
                "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": hashlib.sha256(b"test").hexdigest(),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
            },
        ),
    )
    assert stack.up().outputs["echo"].value == "echo of hello"
    stack.up(expect_no_changes=True)
    stack.destroy()
    assert not (stack.export_stack().deployment or {}).get("resources")


def command_root(bin_folder: Path, tmp_path: Path) -> Path:
    """The Automation API wants a folder whose ``bin`` holds the engine."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "bin").symlink_to(bin_folder)
    return root


@pytest.mark.engine
@pytest.mark.slow
def test_the_command_prints_the_folder() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.engine"], capture_output=True, text=True, check=True, env=os.environ
    )
    assert (Path(done.stdout.strip()) / "pulumi").exists()
