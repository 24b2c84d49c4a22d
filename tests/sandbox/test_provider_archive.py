"""The zip of a function's code depends on names and contents only."""

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pulumi
import pytest

from sandbox.provider.archive import content_hash, files, hash_of, upload, zipped
from sandbox.provider.errors import StandInError

CONTENTS = {"pkg/b.py": b"B = 2\n", "a.py": b"A = 1\n"}


def write(folder: Path) -> Path:
    """The contents as files."""
    for name, content in CONTENTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_the_order_of_the_files_does_not_matter() -> None:
    backwards = dict(reversed(CONTENTS.items()))
    assert zipped(CONTENTS) == zipped(backwards)
    assert content_hash(CONTENTS) == content_hash(backwards)


def test_times_and_modes_do_not_matter(tmp_path: Path) -> None:
    folder = write(tmp_path)
    before = zipped(files(pulumi.FileArchive(str(folder))))
    os.utime(folder / "a.py", (1, 1))
    (folder / "a.py").chmod(0o755)
    assert zipped(files(pulumi.FileArchive(str(folder)))) == before


@pytest.mark.parametrize("other", [{"a.py": b"A = 1\n"}, {**CONTENTS, "a.py": b"A = 2\n"}, {**CONTENTS, "c.py": b""}])
def test_names_and_contents_matter(other: dict[str, bytes]) -> None:
    assert zipped(CONTENTS) != zipped(other)
    assert content_hash(CONTENTS) != content_hash(other)


def test_a_name_does_not_run_into_the_contents() -> None:
    assert content_hash({"a": b"bc"}) != content_hash({"ab": b"c"})


def test_the_zip_holds_the_files_sorted_at_a_fixed_time() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(CONTENTS))) as found:
        assert found.namelist() == ["a.py", "pkg/b.py"]
        assert {entry.date_time for entry in found.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in found.infolist()} == {0o100644}
        assert {name: found.read(name) for name in found.namelist()} == CONTENTS


def test_every_kind_of_archive_gives_the_same_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "files")
    (folder / ".pulumi").mkdir()
    (folder / ".pulumi" / "note").write_text("not code")
    packed = tmp_path / "code.zip"
    packed.write_bytes(zipped(CONTENTS))
    for archive in (
        pulumi.FileArchive(str(folder)),
        pulumi.FileArchive(str(packed)),
        pulumi.AssetArchive({".": pulumi.FileArchive(str(folder))}),
        pulumi.AssetArchive(
            {"a.py": pulumi.FileAsset(str(folder / "a.py")), "pkg": pulumi.FileArchive(str(folder / "pkg"))}
        ),
        pulumi.AssetArchive(
            {"pkg": pulumi.AssetArchive({"b.py": pulumi.StringAsset("B = 2\n")}), "a.py": pulumi.StringAsset("A = 1\n")}
        ),
    ):
        assert files(archive) == CONTENTS


def test_a_zip_file_is_uploaded_and_hashed_byte_for_byte(tmp_path: Path) -> None:
    """Another packing of the same files is another code, as for the engine and AWS."""
    ready = tmp_path / "code.zip"
    with zipfile.ZipFile(ready, "w", zipfile.ZIP_STORED) as target:
        for name, content in CONTENTS.items():
            target.writestr(name, content)
    archive = pulumi.FileArchive(str(ready))
    assert upload(archive) == ready.read_bytes() != zipped(CONTENTS)
    assert hash_of(archive) == hashlib.sha256(ready.read_bytes()).hexdigest()
    assert upload(pulumi.AssetArchive({".": archive})) == zipped(CONTENTS)


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (pulumi.AssetArchive({"a.py": pulumi.FileAsset("/nowhere/a.py")}), "cannot read /nowhere/a.py"),
        (pulumi.FileArchive("/nowhere"), "neither a folder nor a .zip file"),
        (pulumi.AssetArchive({"a": pulumi.RemoteAsset("https://example.com/a")}), "does not know a RemoteAsset"),
        (pulumi.AssetArchive({"../a.py": pulumi.StringAsset("")}), "lies outside of it"),
    ],
)
def test_what_can_not_be_packed_is_refused(archive: pulumi.Archive, words: str) -> None:
    with pytest.raises(StandInError, match=words):
        files(archive)
