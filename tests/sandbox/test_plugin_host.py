"""The host that runs a package's folder: only where the engine has none, and refusing what it does not know.

That it makes a package ready and runs it is seen in tests/engine/test_example_yaml.py.
"""

from pathlib import Path

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import language_pb2

from sandbox.engine import Engine
from sandbox.plugin_host import PluginHost, _python, install


def folder_of(path: Path, **options: str) -> language_pb2.ProgramInfo:
    given = struct_pb2.Struct()
    given.update(options)
    return language_pb2.ProgramInfo(root_directory=str(path), program_directory=str(path), options=given)


@pytest.mark.parametrize("origin", ["path", "installer"])
def test_an_engine_that_was_not_built_has_its_own(tmp_path: Path, origin: str) -> None:
    assert install(tmp_path / "host", Engine(tmp_path, "3.259.0", origin)) == [tmp_path]  # type: ignore[arg-type]
    assert not (tmp_path / "host").exists()


def test_before_one_that_was_built_it_comes_first(tmp_path: Path) -> None:
    host, engine = install(tmp_path / "host", Engine(tmp_path, "3.259.0", "built"))
    assert engine == tmp_path
    assert (host / "pulumi-language-python").stat().st_mode & 0o100


def test_the_environment_is_that_of_the_manifest(tmp_path: Path) -> None:
    assert _python(folder_of(tmp_path)) == tmp_path / "venv" / "bin" / "python"
    assert _python(folder_of(tmp_path, toolchain="pip", virtualenv=".env")) == tmp_path / ".env" / "bin" / "python"


@pytest.mark.parametrize("options", [{"toolchain": "uv"}, {"typechecker": "mypy"}])
def test_an_option_that_it_does_not_know_is_refused(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="knows the toolchain pip and its virtualenv only"):
        _python(folder_of(tmp_path, **options))


def test_a_failed_installation_is_told(tmp_path: Path) -> None:
    """An environment that is none, and requirements that are not there."""
    (tmp_path / "venv").write_text("")
    request = language_pb2.InstallDependenciesRequest(info=folder_of(tmp_path))
    with pytest.raises(RuntimeError, match="ended with code"):
        list(PluginHost().InstallDependencies(request, None))
