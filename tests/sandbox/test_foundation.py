"""The sandbox's folders, its cache of costly things and its certificate."""

import ssl
import stat
import threading
from pathlib import Path

import pytest

from sandbox.cache import cached_folder, digest, silent
from sandbox.paths import CACHE_VARIABLE, CHECKOUT, cache_dir, state_dir
from sandbox.tls import make_loopback_certificate


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "spapi-rotation"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home" / ".cache" / "spapi-rotation"
    assert cache_dir().is_dir()


def test_the_state_is_in_the_checkout_and_ignored_by_git() -> None:
    assert state_dir() == CHECKOUT / "sandbox" / ".state"
    assert "sandbox/.state/" in (CHECKOUT / ".gitignore").read_text().splitlines()


def test_a_cached_folder_is_built_once() -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "file").write_text("content")

    first = cached_folder("thing", build, silent)
    assert (first / "file").read_text() == "content"
    assert cached_folder("thing", build, silent) == first
    assert len(built) == 1


def test_a_failed_build_leaves_nothing(own_cache: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half").write_text("")
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        cached_folder("thing", build, silent)
    assert [found.name for found in own_cache.iterdir()] == ["thing.lock"]
    assert cached_folder("thing", lambda folder: None, silent).is_dir()


def test_a_second_builder_waits_and_takes_the_first_ones_result() -> None:
    heard, built = [], []
    waiting = threading.Event()

    def build(folder: Path) -> None:
        built.append(folder)
        assert waiting.wait(30)

    def say(line: str) -> None:
        heard.append(line)
        waiting.set()

    threads = [threading.Thread(target=cached_folder, args=("thing", build, say)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert heard == ["Another process makes thing; waiting for it."]


def test_a_digest_tells_apart_what_is_cut_differently() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("a", b"b") == digest("a", "b")


def test_a_certificate_serves_both_names_of_loopback(tmp_path: Path) -> None:
    files = make_loopback_certificate(tmp_path / "tls")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.certificate, files.key)
    for name in ("localhost", "127.0.0.1"):
        handshake(server, ssl.create_default_context(cafile=files.authority), name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(cafile=files.authority), "example.com")


def test_each_certificate_has_an_authority_of_its_own(tmp_path: Path) -> None:
    first, second = (make_loopback_certificate(tmp_path / name) for name in ("a", "b"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(first.certificate, first.key)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context(cafile=second.authority), "localhost")


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    files = make_loopback_certificate(tmp_path)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Have both ends meet in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
