"""Whether a tag may become a release: what a person changes by hand at a release, and forgets."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from release.changelog import Changelog

ROOT = Path(__file__).parents[1]

VERSION_FILE = "rotation_lambda/spapi_rotation_lambda/__init__.py"
"""The version's one place."""

REPOSITORY = "OWNER/REPOSITORY"
"""What stands for the repository's owner and name, as long as the project has not been published."""

ADDRESSES = ("docs/_index.md", "docs/installation-configuration.md", "docs/other-languages.md")
"""The pages that name the repository: those of Pulumi's registry, and how to add the package from there."""

TAG = re.compile(r"v(\d+\.\d+\.\d+)")

_WHEEL = re.compile(r"\bspapi_rotation-([0-9.]+)-")
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


def version(root: Path = ROOT) -> str:
    """The version of a tree. Raises ValueError if it names none."""
    found = _VERSION.search((root / VERSION_FILE).read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{VERSION_FILE} names no version")
    return found[1]


def problems(tag: str, root: Path = ROOT) -> list[str]:
    """What keeps a tag of this tree from being released, each with its remedy; nothing if it may be.

    Needs nothing but the files: it runs before anything is installed.
    """
    known = version(root)
    return [
        *_tag(tag, known),
        *_changelog(Changelog.read(root / "CHANGELOG.md"), known),
        *_records(root, known),
        *_addresses(root),
    ]


def _tag(tag: str, known: str) -> Iterator[str]:
    found = TAG.fullmatch(tag)
    if found is None:
        yield f"{tag} is no tag of a release. Tag the commit v{known}."
    elif found[1] != known:
        yield f"The tag {tag} is not that of version {known}. Set the version in {VERSION_FILE}, or tag it v{known}."


def _changelog(changelog: Changelog, known: str) -> Iterator[str]:
    if changelog.unreleased:
        yield f"CHANGELOG.md has entries under Unreleased. Give them the version {known} and the date."
    newest = next(iter(changelog.versions), None)
    if newest is None or newest.name != known:
        yield f"CHANGELOG.md's newest version is not {known}. Add `## [{known}] - YYYY-MM-DD`."
    elif not newest.dated:
        yield f"CHANGELOG.md has no date for {known}. Write `## [{known}] - YYYY-MM-DD`."
    elif not newest.entries:
        yield f"CHANGELOG.md says nothing of {known}. Write what users notice."
    if changelog.links != changelog.expected_links():
        lines = "".join(f"\n[{name}]: {link}" for name, link in changelog.expected_links().items())
        yield f"CHANGELOG.md's links are not those of its versions. Its end must be:{lines}"


def _records(root: Path, known: str) -> Iterator[str]:
    policy = (root / "SECURITY.md").read_text(encoding="utf-8")
    minor = known.rpartition(".")[0]
    if f"\n| {minor} | yes" not in policy:
        yield f"SECURITY.md does not list {minor} as supported. Add its row."
    for file, command in (
        ("tests/data/interface.json", "python -m tests.component.test_interface"),
        ("tests/data/checkpoint.json", "python -m tests.engine.checkpoint"),
        ("plugin/schema.json", "make docs"),
    ):
        recorded = json.loads((root / file).read_text(encoding="utf-8"))["version"]
        if recorded != known:
            yield f"{file} is of version {recorded}. Run `{command}`."
    described = json.loads((root / "release/function.cdx.json").read_text(encoding="utf-8"))
    if described["metadata"]["component"]["version"] != known:
        yield "release/function.cdx.json is of another version. Run `make docs`."
    for example in sorted((root / "examples").glob("*/requirements.txt")):
        for named in _WHEEL.findall(example.read_text(encoding="utf-8")):
            if named != known:
                yield f"{example.relative_to(root)} names the wheel of {named}. Name that of {known}."


def _addresses(root: Path) -> Iterator[str]:
    pages = [name for name in ADDRESSES if REPOSITORY in (root / name).read_text(encoding="utf-8")]
    if pages:
        yield f"{', '.join(pages)}: write the repository's owner and name in the place of {REPOSITORY}."
