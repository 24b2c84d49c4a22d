"""Every command that a text of the project names is parsed by the real parser: alarms, errors, documentation."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from spapi_rotation.resources.alarm_catalog import EVERY_ALARM, AlarmDefinition
from spapi_rotation_cli.main import app
from tests.cli.terminal import parsed

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "cli/README.md", "docs", "examples")
CODE = ("components", "rotation_lambda", "cli")

IN_CODE = re.compile(r"`(spapi-rotation [^`]+)`")
"""A command in a code span."""


def commands(text: str) -> Iterator[str]:
    """The commands in the code spans and code blocks of a page."""
    blocks = re.findall(r"^ *```(?:bash|console)?\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    for block in blocks:
        for line in block.splitlines():
            if (line := line.strip()).startswith("spapi-rotation "):
                yield line.partition(" #")[0].strip()
    yield from IN_CODE.findall(re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


def pages() -> Iterator[Path]:
    for name in PAGES:
        path = ROOT / name
        yield from sorted(path.rglob("*.md")) if path.is_dir() else [path]


def exists(command: str) -> None:
    """Have the real parser take it, with a word where the text has a placeholder or leaves one out."""
    typed = command.replace("…", "shop").removesuffix(" --help")
    if typed == "spapi-rotation":
        return
    if typed.startswith("spapi-rotation --"):
        options = {option for each in typer.main.get_command(app).params for option in each.opts}
        assert set(typed.split()[1:]) <= options
        return
    parsed(f"{typed} message-id" if typed == "spapi-rotation discard" else typed)


@pytest.mark.parametrize("alarm", EVERY_ALARM, ids=lambda alarm: alarm.name)
def test_the_commands_of_an_alarm_exist(alarm: AlarmDefinition) -> None:
    named = IN_CODE.findall(alarm.description)
    assert ("spapi-rotation" in alarm.description) == bool(named)
    for command in named:
        exists(command)


def test_most_alarms_name_a_command() -> None:
    """The check of the check: the pattern finds something."""
    assert sum(bool(IN_CODE.search(alarm.description)) for alarm in EVERY_ALARM) >= 10


@pytest.mark.parametrize("page", list(pages()), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_of_a_page_exist(page: Path) -> None:
    for command in commands(page.read_text()):
        exists(command)


def test_the_readme_names_commands() -> None:
    named = list(commands((ROOT / "README.md").read_text()))
    assert {"spapi-rotation seed shop", "spapi-rotation rotate shop", "spapi-rotation status"} <= set(named)


def test_the_commands_of_the_code_exist() -> None:
    """In errors and their remedies, in docstrings and in the command's own advice."""
    found = [
        (file, command)
        for folder in CODE
        for file in (ROOT / folder).rglob("*.py")
        for command in IN_CODE.findall(file.read_text())
    ]
    assert found
    for _, command in found:
        if "{" not in command:
            exists(command)
