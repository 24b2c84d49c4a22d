"""Hosts for TypeScript and Go are found beside the engine, or built; without Go a person is told what to install."""

from pathlib import Path

import pytest

from sandbox.cache import silent
from sandbox.engine import Engine, EngineUnavailable
from sandbox.language_hosts import ensure_language_hosts
from sandbox.paths import CACHE_VARIABLE


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """One without hosts, where nothing is cached and nothing is on PATH."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "engine").mkdir()
    return Engine(tmp_path / "engine", "3.259.0", "path")


def test_hosts_beside_the_engine_are_used(engine: Engine) -> None:
    for language in ("nodejs", "go"):
        (engine.bin / f"pulumi-language-{language}").touch()
    assert ensure_language_hosts(engine, silent) == engine.bin


@pytest.mark.parametrize("there", [(), ("nodejs",)])
def test_without_hosts_and_without_go_a_person_is_told_what_to_install(engine: Engine, there: tuple[str, ...]) -> None:
    for language in there:
        (engine.bin / f"pulumi-language-{language}").touch()
    with pytest.raises(EngineUnavailable, match=r"no hosts for TypeScript and Go, and no Go .* or Go 1\.25 or later"):
        ensure_language_hosts(engine, silent)


def test_what_go_says_is_told(engine: Engine, tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho no such module >&2\nexit 1\n")
    go.chmod(0o755)
    with pytest.raises(EngineUnavailable, match="no such module"):
        ensure_language_hosts(engine, silent)
    assert not list((tmp_path / "cache").glob("language-hosts-*/"))
