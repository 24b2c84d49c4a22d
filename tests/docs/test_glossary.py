"""The glossary and everything else agree: no retired word is used, and its tables are those of the code."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.state import State

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"

PRODUCT = ("*.md", "*.yaml", "__main__.py", "cli", "components", "docs", "examples", "plugin", "rotation_lambda")
"""What people read who use or change this; without `sandbox` and `tests`, which have words of their own trades."""

TESTS = ("tests/cli", "tests/component", "tests/docs", "tests/engine", "tests/unit")


@dataclass(frozen=True)
class Retired:
    """How a retired word is found.

    Attributes:
        pattern: sought without regard to case in words; `_` and inner capitals divide identifiers into words.
        places: what is searched.
        but: what may stay, as a pattern; the glossary says why.
    """

    pattern: str
    places: tuple[str, ...] = (*PRODUCT, *TESTS)
    but: str = ""


RETIRED: Mapping[str, Retired] = {
    "tick": Retired(r"\bticks?\b"),
    "check (of what a user gives)": Retired(r"\bdef check", ("components/spapi_rotation/validation",)),
    "verb": Retired(r"\bverbs?\b"),
    "guard (what forbids a rotation)": Retired(
        r"\bguards?\b",
        PRODUCT,
        r"deletion guards?|guard.components?|create guards|resources\.guards|test guards|type guard",
    ),
    "portal": Retired(r"\bportal\b", PRODUCT, r"solution provider portal"),
    "marker, `ROTATION_MARKER`": Retired(r"\bmarkers?\b", PRODUCT, r"dependency markers"),
    "grants (what Amazon may do)": Retired(r"\bgrants\b", PRODUCT),
    "bundle, vendored": Retired(r"\bbundles?\b|\bvendored\b", but=r"(custom|aws) ca bundle"),
    "relock": Retired(r"\brelock"),
    "watch (as a noun)": Retired(r"\b(an?|the|each|every|all) watch(es)?\b", PRODUCT),
    "`Late`": Retired(r"\bclass late\b|\bimport late\b"),
    "held": Retired(r"\bclass held\b|\bheld (version|secret|value)s?\b"),
    "twin": Retired(r"\btwins?\b"),
    "harmless call, probe": Retired(r"\bharmless call\b|\bprobes?\b", PRODUCT),
    "set aside": Retired(r"\bsets? aside\b|\bsetting aside\b"),
}
"""By its row in the glossary."""

NOT_SEARCHED = (GLOSSARY, Path(__file__), ROOT / "components" / "spapi_rotation" / "resources" / "guards.py")
"""The two that name the retired words, and the module of the deletion guards."""


@cache
def words_of(file: Path) -> str:
    """A file's text with its identifiers divided into words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", file.read_text()).lower()


def files(places: tuple[str, ...]) -> Iterator[Path]:
    for place in places:
        found = [ROOT / place] if (ROOT / place).is_file() else ROOT.glob(place)
        for each in found:
            inside = each.rglob("*") if each.is_dir() else [each]
            yield from (file for file in inside if file.suffix in {".py", ".md", ".yaml"} and file not in NOT_SEARCHED)


def uses(retired: Retired) -> Iterator[str]:
    """Where a retired word is used."""
    for file in files(retired.places):
        text = re.sub(retired.but, "", words_of(file)) if retired.but else words_of(file)
        for line in text.splitlines():
            if re.search(retired.pattern, line):
                yield f"{file.relative_to(ROOT)}: {line.strip()}"


def table(heading: str) -> list[list[str]]:
    """The rows of a section's table."""
    section = GLOSSARY.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip(" |") for cell in row] for row in rows[1:]]


@pytest.mark.parametrize("word", RETIRED)
def test_no_retired_word_is_used(word: str) -> None:
    assert list(uses(RETIRED[word])) == []


def test_the_retired_words_are_those_of_the_glossary_and_each_exception_has_its_reason_there() -> None:
    rows = {row[0]: row[2] if len(row) > 2 else "" for row in table("Not these words")}
    assert list(rows) == list(RETIRED)
    assert {word for word, reason in rows.items() if reason} == {word for word, each in RETIRED.items() if each.but}


def test_a_retired_word_is_found_in_text_and_identifiers(tmp_path: Path) -> None:
    """The check of the check."""
    for number, text in enumerate(("One tick later.", "def last_tick() -> None:", "class TickSource:")):
        file = tmp_path / f"{number}.py"
        file.write_text(text)
        assert re.search(RETIRED["tick"].pattern, words_of(file)), text
    assert len(list(files(PRODUCT))) > 200
    assert any(re.search(r"\bcomponent\b", words_of(file)) for file in files(PRODUCT))


def test_labels_and_states_are_those_of_the_code() -> None:
    assert {row[0].strip("`") for row in table("Labels")} == {label.value for label in Label}
    assert [row[0].strip("`") for row in table("States")] == [state.value for state in State]
