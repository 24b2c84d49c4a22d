"""The changelog, as far as a release needs it: the newest version's entries, and the links of its headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

UNRELEASED = "Unreleased"

_HEADING = re.compile(r"^## \[([^\]]+)\](?: - (\S+))?$", re.MULTILINE)
_DEFINITION = re.compile(r"^\[([^\]]+)\]: (\S+)$", re.MULTILINE)
_RELATIVE = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?://|#)([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Section:
    """What the changelog says of one version.

    Attributes:
        name: the version, or ``Unreleased``.
        day: the day of the release as it is written; None if there is none.
        entries: everything below the heading.
    """

    name: str
    day: str | None
    entries: str

    @property
    def dated(self) -> bool:
        """Whether the day is one."""
        try:
            return date.fromisoformat(self.day or "").isoformat() == self.day
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Changelog:
    """Its sections, newest first, and where the links of their headings lead."""

    sections: tuple[Section, ...]
    links: dict[str, str]

    @classmethod
    def read(cls, file: Path) -> "Changelog":
        """Read a file in the format of Keep a Changelog."""
        text = file.read_text(encoding="utf-8")
        return cls(tuple(_sections(_DEFINITION.sub("", text))), dict(_DEFINITION.findall(text)))

    @property
    def unreleased(self) -> str:
        """What is not part of a version yet; empty right after a release."""
        return "".join(each.entries for each in self.sections if each.name == UNRELEASED)

    @property
    def versions(self) -> tuple[Section, ...]:
        """The versions, newest first."""
        return tuple(each for each in self.sections if each.name != UNRELEASED)

    def expected_links(self) -> dict[str, str]:
        """Where the headings' links have to lead: to what changed since the version before.

        Relative to a file in the root of the repository, as GitHub shows it: so they hold wherever the repository is.
        """
        names = [each.name for each in self.versions]
        found = {UNRELEASED: f"../../compare/v{names[0]}...HEAD"} if names else {}
        for newer, older in pairwise(names):
            found[newer] = f"../../compare/v{older}...v{newer}"
        if names:
            found[names[-1]] = f"../../releases/tag/v{names[-1]}"
        return found


def notes(section: Section, repository: str | None = None) -> str:
    """A version's entries, to be shown away from the repository.

    Args:
        repository: the repository's https address. Links into it are made to lead to the version's files there.
    """
    entries = section.entries.strip()
    if repository is not None:
        entries = _RELATIVE.sub(rf"[\1]({repository}/blob/v{section.name}/\2)", entries)
    return entries + "\n"


def _sections(text: str) -> Iterator[Section]:
    headings = list(_HEADING.finditer(text))
    for number, heading in enumerate(headings):
        end = headings[number + 1].start() if number + 1 < len(headings) else len(text)
        yield Section(heading[1], heading[2], text[heading.end() : end].strip())
