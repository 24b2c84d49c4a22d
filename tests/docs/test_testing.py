"""The page about the tests names tests that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text()
ROW = re.compile(r"^\| [^|]+ \| `(test_\w+\.py)` \| ([^|]+) \|$", re.MULTILINE)


def test_each_test_of_a_stacks_life_is_in_its_file() -> None:
    rows = ROW.findall(PAGE.partition("### What a stack lives through")[2].partition("\n## ")[0])
    assert len(rows) > 20
    named = {(file, name) for file, names in rows for name in re.findall(r"`(\w+)`", names)}
    files = {file.name: file.read_text() for file in (ROOT / "tests").rglob("test_*.py")}
    assert [each for each in named if f"\ndef test_{each[1]}(" not in files[each[0]]] == []


def test_each_file_that_the_page_names_is_there() -> None:
    names = {name for name in re.findall(r"\btest_\w+\.py\b", PAGE) if not name.startswith("test__")}
    assert names - {file.name for file in (ROOT / "tests").rglob("test_*.py")} == set()
