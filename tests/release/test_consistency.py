"""A tag may be released only if everything names its version; what was forgotten is named, with its remedy."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from release.changelog import Changelog, Section, notes
from release.consistency import ADDRESSES, REPOSITORY, ROOT, VERSION_FILE, problems, version

RELEASED = "9.8.7"
FILES = (
    VERSION_FILE,
    "CHANGELOG.md",
    "SECURITY.md",
    "tests/data/interface.json",
    "tests/data/checkpoint.json",
    "plugin/schema.json",
    "release/function.cdx.json",
    *ADDRESSES,
)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """This project's files as they are right before a release: step by step what docs/releasing.md says."""
    now = version()
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    change(tmp_path / VERSION_FILE, f'"{now}"', f'"{RELEASED}"')
    changelog = tmp_path / "CHANGELOG.md"
    before, _, rest = changelog.read_text().partition("## [Unreleased]\n")
    older = rest[rest.index(f"## [{now}]") :]
    changelog.write_text(f"{before}## [Unreleased]\n\n## [{RELEASED}] - 2030-01-31\n\n- A change.\n\n{older}")
    links = "".join(f"[{name}]: {link}\n" for name, link in Changelog.read(changelog).expected_links().items())
    changelog.write_text(changelog.read_text().partition("\n[Unreleased]: ")[0] + "\n" + links)
    change(tmp_path / "SECURITY.md", "|---|---|\n", "|---|---|\n| 9.8 | yes |\n")
    for name in ("tests/data/interface.json", "tests/data/checkpoint.json", "plugin/schema.json"):
        change(tmp_path / name, f'"version": "{now}"', f'"version": "{RELEASED}"')
    described = json.loads((tmp_path / "release/function.cdx.json").read_text())
    described["metadata"]["component"]["version"] = RELEASED
    (tmp_path / "release/function.cdx.json").write_text(json.dumps(described))
    (tmp_path / "examples" / "wheel").mkdir(parents=True)
    (tmp_path / "examples/wheel/requirements.txt").write_text(f"./wheels/spapi_rotation-{RELEASED}-py3-none-any.whl\n")
    for name in ADDRESSES:
        change(tmp_path / name, REPOSITORY, "somebody/something")
    return tmp_path


def test_a_tree_that_is_ready_may_be_released(tree: Path) -> None:
    assert problems(f"v{RELEASED}", tree) == []


def test_this_tree_lacks_what_only_a_release_brings() -> None:
    """Between two releases: entries under Unreleased at most, and until the first one the repository's address."""
    found = problems(f"v{version()}")
    assert [each for each in found if "Unreleased" not in each and REPOSITORY not in each] == []


@pytest.mark.parametrize(
    "tag", [RELEASED, f"v{RELEASED}-rc1", f"v{RELEASED}\n", f"V{RELEASED}", "v9.8", "v09.8.7a", ""]
)
def test_what_is_no_tag_of_a_release_is_refused(tree: Path, tag: str) -> None:
    (problem,) = problems(tag, tree)
    assert problem == f"{tag} is no tag of a release. Tag the commit v{RELEASED}."


def test_the_tag_of_another_version_is_refused(tree: Path) -> None:
    (problem,) = problems("v9.8.6", tree)
    assert problem.startswith(f"The tag v9.8.6 is not that of version {RELEASED}.")


FORGOTTEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "an entry under Unreleased": (
        lambda tree: change(tree / "CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- Another.\n"),
        "CHANGELOG.md has entries under Unreleased.",
    ),
    "the version's heading": (
        lambda tree: change(tree / "CHANGELOG.md", f"## [{RELEASED}] - 2030-01-31", "## [9.8.6] - 2030-01-31"),
        f"CHANGELOG.md's newest version is not {RELEASED}.",
    ),
    "the date": (
        lambda tree: change(tree / "CHANGELOG.md", f"[{RELEASED}] - 2030-01-31", f"[{RELEASED}]"),
        f"CHANGELOG.md has no date for {RELEASED}.",
    ),
    "a date that there is": (
        lambda tree: change(tree / "CHANGELOG.md", "2030-01-31", "2030-02-31"),
        f"CHANGELOG.md has no date for {RELEASED}.",
    ),
    "what is new": (
        lambda tree: change(tree / "CHANGELOG.md", "- A change.\n", ""),
        f"CHANGELOG.md says nothing of {RELEASED}.",
    ),
    "the version's link": (
        lambda tree: change(tree / "CHANGELOG.md", f"\n[{RELEASED}]: ", "\n[lost]: "),
        "CHANGELOG.md's links are not those of its versions.",
    ),
    "where Unreleased begins": (
        lambda tree: change(tree / "CHANGELOG.md", f"compare/v{RELEASED}...HEAD", "compare/v0.1.0...HEAD"),
        "CHANGELOG.md's links are not those of its versions.",
    ),
    "the supported version": (
        lambda tree: change(tree / "SECURITY.md", "| 9.8 | yes |\n", ""),
        "SECURITY.md does not list 9.8 as supported.",
    ),
    "the names that stay": (
        lambda tree: change(tree / "tests/data/interface.json", f'"{RELEASED}"', '"9.8.6"'),
        "tests/data/interface.json is of version 9.8.6.",
    ),
    "the state": (
        lambda tree: change(tree / "tests/data/checkpoint.json", f'"{RELEASED}"', '"9.8.6"'),
        "tests/data/checkpoint.json is of version 9.8.6.",
    ),
    "the schema": (
        lambda tree: change(tree / "plugin/schema.json", f'"version": "{RELEASED}"', '"version": "9.8.6"'),
        "plugin/schema.json is of version 9.8.6.",
    ),
    "the bill of materials": (
        lambda tree: change(tree / "release/function.cdx.json", f'"{RELEASED}"', '"9.8.6"'),
        "release/function.cdx.json is of another version.",
    ),
    "the example's wheel": (
        lambda tree: change(tree / "examples/wheel/requirements.txt", RELEASED, "9.8.6"),
        "examples/wheel/requirements.txt names the wheel of 9.8.6.",
    ),
    "an address": (
        lambda tree: change(tree / ADDRESSES[1], "somebody/something", REPOSITORY),
        f"{ADDRESSES[1]}: write the repository's owner and name",
    ),
}


@pytest.mark.parametrize("what", FORGOTTEN)
def test_what_was_forgotten_is_named(tree: Path, what: str) -> None:
    forget, expected = FORGOTTEN[what]
    forget(tree)
    found = problems(f"v{RELEASED}", tree)
    assert [each for each in found if each.startswith(expected)], found
    # A heading of another version makes its links wrong, too.
    assert len(found) <= 2


def test_every_page_that_names_no_repository_yet_is_one_that_a_release_asks_about() -> None:
    """Links of other pages lead within the repository; releasing.md tells of the words themselves."""
    places = (ROOT, *(ROOT / name for name in ("cli", "docs", "examples", "plugin")))
    pages = {page for place in places for page in place.glob("*.md" if place == ROOT else "**/*.md")}
    named = {page.relative_to(ROOT).as_posix() for page in pages if REPOSITORY in page.read_text()}
    assert named == {*ADDRESSES, "docs/releasing.md"}


def test_the_changelogs_links_are_those_of_its_versions() -> None:
    changelog = Changelog.read(ROOT / "CHANGELOG.md")
    assert changelog.links == changelog.expected_links()
    assert changelog.sections[0].name == "Unreleased"


def test_links_lead_from_each_version_to_the_one_before() -> None:
    three = tuple(Section(name, None, "") for name in ("Unreleased", "0.2.0", "0.1.1", "0.1.0"))
    assert Changelog(three, {}).expected_links() == {
        "Unreleased": "../../compare/v0.2.0...HEAD",
        "0.2.0": "../../compare/v0.1.1...v0.2.0",
        "0.1.1": "../../compare/v0.1.0...v0.1.1",
        "0.1.0": "../../releases/tag/v0.1.0",
    }


def test_notes_lead_to_the_versions_own_files() -> None:
    section = Section(
        "0.2.0", "2030-01-31", "\n- [Events](docs/events.md#due), [SemVer](https://semver.org), [it](#a)\n"
    )
    assert notes(section) == "- [Events](docs/events.md#due), [SemVer](https://semver.org), [it](#a)\n"
    there = "https://example.com/o/r"
    expected = f"- [Events]({there}/blob/v0.2.0/docs/events.md#due), [SemVer](https://semver.org), [it](#a)\n"
    assert notes(section, there) == expected


def asked(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, with Python alone: as in a fresh clone, before anything is installed."""
    shutil.copytree(ROOT / "release", tree / "release", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.json"))
    command = [sys.executable, "-S", "-m", "release", *arguments]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def test_the_command_prints_the_notes_of_this_version_alone(tree: Path) -> None:
    done = asked(tree, f"v{RELEASED}", "--repository", "https://example.com/o/r")
    assert (done.returncode, done.stdout) == (0, "- A change.\n"), done.stderr


def test_the_command_lists_everything_that_was_forgotten(tree: Path) -> None:
    for what in ("the supported version", "the date"):
        FORGOTTEN[what][0](tree)
    done = asked(tree, f"v{RELEASED}")
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(".")[0] for line in done.stderr.splitlines()] == ["CHANGELOG", "SECURITY"]
