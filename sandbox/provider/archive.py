"""A Pulumi archive: its hash, and the zip file that is uploaded.

As with Pulumi, both depend on the names and contents of its files only, not on times, modes or where they lie; but a
zip file is taken as it is, byte for byte. Source: ``sdk/go/common/resource/archive/archive.go`` of pulumi/pulumi.
"""

import hashlib
import io
import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi

from sandbox.provider.errors import StandInError, not_known


class SentArchive(pulumi.Archive):
    """An archive as the engine sent it, with the engine's hash.

    For a comparison the engine sends the hash alone; then ``inner`` is None.
    """

    def __init__(self, digest: str, inner: pulumi.Archive | None, wire: Any) -> None:
        """``wire`` is the engine's message, to be sent back unchanged."""
        self.digest = digest
        self.inner = inner
        self.wire = wire


_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip file can hold."""

_MODE = 0o100644 << 16


def files(archive: Any) -> dict[str, bytes]:
    """The contents by name (with ``/``), sorted by name.

    Raises:
        StandInError: a file that can't be read, or a kind of asset that the stand-in does not know.
    """
    found: dict[str, bytes] = {}
    for name, content in _walk("", archive):
        clean = posixpath.normpath(name)
        if clean.startswith(("/", "..")):
            raise StandInError(f"the archive's file {name} lies outside of it")
        found[clean] = content
    return dict(sorted(found.items()))


def hash_of(archive: Any) -> str:
    """The engine's hash of an archive; where it sent none, that of a zip file's bytes or of names and contents."""
    if isinstance(archive, SentArchive) and archive.digest:
        return archive.digest
    ready = _zip_file(archive)
    return hashlib.sha256(_read(ready)).hexdigest() if ready else content_hash(files(archive))


def upload(archive: Any) -> bytes:
    """The zip file that is sent to AWS.

    Raises:
        StandInError: as of :func:`files`.
    """
    ready = _zip_file(archive)
    return _read(ready) if ready else zipped(files(archive))


def content_hash(contents: dict[str, bytes]) -> str:
    """SHA-256 (hex) over names and contents."""
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{len(name.encode())}:{name}{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def zipped(contents: dict[str, bytes]) -> bytes:
    """A zip file of the contents: sorted names, fixed times and modes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as target:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = _MODE
            target.writestr(entry, content)
    return buffer.getvalue()


def _zip_file(archive: Any) -> Path | None:
    """The file of an archive that is nothing but a zip file."""
    inner = archive.inner if isinstance(archive, SentArchive) else archive
    path = Path(inner.path) if isinstance(inner, pulumi.FileArchive) else None
    return path if path and path.suffix == ".zip" else None


def _walk(prefix: str, item: Any) -> Iterator[tuple[str, bytes]]:
    if isinstance(item, SentArchive) and item.inner is not None:
        yield from _walk(prefix, item.inner)
    elif isinstance(item, pulumi.AssetArchive):
        for name, inner in item.assets.items():
            yield from _walk(f"{prefix}/{name}" if prefix else name, inner)
    elif isinstance(item, pulumi.FileArchive):
        yield from _folder(prefix, Path(item.path))
    elif isinstance(item, pulumi.StringAsset):
        yield prefix, item.text.encode()
    elif isinstance(item, pulumi.FileAsset):
        yield prefix, _read(Path(item.path))
    else:
        raise StandInError(not_known(f"a {type(item).__name__} as code"))


def _folder(prefix: str, path: Path) -> Iterator[tuple[str, bytes]]:
    lead = f"{prefix}/" if prefix else ""
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(_read(path))) as source:
            for name in source.namelist():
                if not name.endswith("/"):
                    yield lead + name, source.read(name)
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            # Pulumi leaves its own bookkeeping folder out of an archive.
            if file.is_file() and ".pulumi" not in file.relative_to(path).parts:
                yield lead + file.relative_to(path).as_posix(), _read(file)
    else:
        raise StandInError(f"{path} is neither a folder nor a .zip file")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StandInError(f"cannot read {path}: {error.strerror}") from None
