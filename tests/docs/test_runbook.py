"""``docs/runbook.md``: current, a section for each alarm and state, links that lead somewhere, usable commands."""

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from docs.tools import dashboard, runbook
from spapi_rotation.component import OUTPUTS
from spapi_rotation.resources.alarm_catalog import EVERY_ALARM
from spapi_rotation.resources.rows import ALARMS, anchor
from spapi_rotation.resources.runbook import ALARM_SECTIONS, STATE_SECTIONS, Section
from spapi_rotation.validation.arguments import RUNBOOK
from spapi_rotation_cli.advice import STATES, next_commands
from spapi_rotation_cli.answers import Application, Status
from spapi_rotation_lambda.domain.state import State

ROOT = Path(__file__).parents[2]
PAGE = runbook.FILE.read_text()
ANCHORS = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}
SECTIONS: dict[str, Section] = {
    **ALARM_SECTIONS,
    **{state.value: each.section for state, each in STATE_SECTIONS.items() if each.section is not None},
}


def test_the_page_is_made_from_the_catalogs() -> None:
    assert runbook.document() == PAGE, "run: make docs"


def test_the_picture_is_that_of_the_dashboard() -> None:
    assert dashboard.picture() == dashboard.FILE.read_text(), "run: make docs"
    assert f"]({dashboard.FILE.name})" in PAGE


def test_it_lies_where_alarms_and_dashboard_say() -> None:
    assert ROOT / RUNBOOK == runbook.FILE


def test_each_alarm_has_a_section_with_the_name_that_its_text_links() -> None:
    assert set(ALARM_SECTIONS) == {alarm.name for alarm in EVERY_ALARM}
    headings = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert headings == [
        *(name for names in ALARMS.values() for name in names),
        *(f"State {state.value}" for state in State),
    ]


def test_no_two_sections_share_an_anchor() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    assert len(ANCHORS) == len(headings)


def test_every_link_leads_to_a_section_or_a_file() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert len(links) > 40
    for link in links:
        file, _, fragment = link.partition("#")
        assert not file or (runbook.FILE.parent / file).is_file(), link
        assert not fragment or fragment in ANCHORS, link


def test_each_state_is_told_of_and_leads_to_a_section() -> None:
    assert list(STATE_SECTIONS) == list(State)
    for each in STATE_SECTIONS.values():
        assert (each.alarm is None) != (each.section is None)
        assert each.alarm is None or each.alarm in ALARM_SECTIONS


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_is_whole(name: str) -> None:
    section = SECTIONS[name]
    assert section.causes
    assert section.commands
    for text in (*section.causes, section.over):
        assert text.endswith((".", "`.")), text
        assert text.isascii()
    assert len({command for command, _ in section.commands}) == len(section.commands)
    for command, why in section.commands:
        assert why
        assert "#" not in command


@pytest.mark.parametrize("name", SECTIONS)
def test_its_commands_use_nothing_but_what_is_printed(name: str) -> None:
    """No endpoint, profile or name of the sandbox's: the stack's folder is enough."""
    for command, _ in SECTIONS[name].commands:
        assert command.split()[0] in ("spapi-rotation", "pulumi", "aws")
        assert set(re.findall(r"pulumi stack output (\w+)", command)) <= set(OUTPUTS)
        assert not re.search(r"--(endpoint-url|profile|region|function|stack)\b|https?://|127\.0\.0\.1", command)
        assert set(re.findall(r"\b[A-Z_]{3,}\b", command)) <= {
            *("NAME", "MESSAGE_ID"),
            *("FAILED", "EXECUTION_ARN", "CLUSTER", "SERVICE"),  # of AWS, and printed by the commands before
        }


def test_what_status_tells_to_type_stands_in_the_section() -> None:
    """A person who reads the status and one who reads the runbook type the same."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for state, each in STATE_SECTIONS.items():
        assert state.value in STATES
        section = each.section or ALARM_SECTIONS[str(each.alarm)]
        typed = {command for command, _ in section.commands}
        status = cast(Status, SimpleNamespace(state=state.value, pending=False, expires_at=None))
        advised = {
            " ".join(("spapi-rotation", *words)) for words in next_commands(Application("NAME", "id"), status, now)
        }
        assert advised <= typed, state
