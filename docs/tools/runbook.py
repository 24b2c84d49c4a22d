"""``docs/runbook.md``, made from the alarm catalog and the runbook of the component."""

from textwrap import fill

from docs.tools.pictures import DOCS
from spapi_rotation.resources.alarm_catalog import EVERY_ALARM, AlarmDefinition
from spapi_rotation.resources.rows import ALARMS, Row, anchor
from spapi_rotation.resources.runbook import ALARM_SECTIONS, STATE_SECTIONS, Section, StateSection
from spapi_rotation_lambda.domain.state import State

FILE = DOCS / "runbook.md"

_HEAD = """\
# Runbook

This page has a section for each alarm and each state: what it means, its likely causes, what to type, and how to know
that it is over. Each alarm's text links to its section; set `runbook_url` to link to a page of your own instead.
`make docs` generates this page from the component's alarms and runbook.

Run the commands in the stack's folder, where `spapi-rotation` finds the function. Elsewhere, add `--function` with the
output `function_name`. Replace `NAME` by the application's name, `MESSAGE_ID` by what `spapi-rotation dead-letters`
prints, and other words in capitals by what the previous command prints. No command prints a secret. A command that
changes what is in use asks first.

"""

_EVERYTHING = f"""\
## {Row.EVERYTHING.value}

All is well if no alarm sounds and every application is `CURRENT`. With `dashboard: true` the component has a dashboard,
whose rows match the chapters of this page:

![The dashboard, with made-up figures](dashboard.svg)

```bash
spapi-rotation status   # every application: its state, its dates, and the next command to type
spapi-rotation doctor   # everything that a rotation needs; tries the secrets in use at Amazon, and changes nothing
spapi-rotation history  # what happened in the last 30 days
```

| alarm | sounds when |
|---|---|
"""


def document() -> str:
    """The whole page."""
    alarms = {alarm.name: alarm for alarm in EVERY_ALARM}
    rows = [(row, [alarms[name] for name in ALARMS[row]]) for row in Row if row in ALARMS]
    table = "".join(
        f"| [{each.name}](#{each.name}) | {_first(meaning(each))} |\n" for _, found in rows for each in found
    )
    chapters = "".join(f"\n## {row.value}\n" + "".join(map(_alarm, found)) for row, found in rows)
    return f"{_HEAD}{_EVERYTHING}{table}{chapters}\n## States\n\n{_state_table()}" + "".join(
        _state(state, each) for state, each in STATE_SECTIONS.items()
    )


def meaning(alarm: AlarmDefinition) -> str:
    """What an alarm means: its description up to the remedy."""
    return alarm.description.partition(" What to do: ")[0]


def heading_of(state: State) -> str:
    """What a state's section is called."""
    return f"State {state.value}"


def _first(text: str) -> str:
    return text.partition(": ")[0].partition(". ")[0].rstrip(".") + "."


def _paragraph(text: str) -> str:
    return fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _alarm(alarm: AlarmDefinition) -> str:
    return f"\n### {alarm.name}\n\n{_paragraph(meaning(alarm))}\n{_section(ALARM_SECTIONS[alarm.name])}"


def _state_table() -> str:
    rows = [
        f"| [{state.value}](#{anchor(heading_of(state))}) | {each.meaning} |" for state, each in STATE_SECTIONS.items()
    ]
    return "\n".join(["| state | meaning |", "|---|---|", *rows]) + "\n"


def _state(state: State, found: StateSection) -> str:
    if found.section is not None:
        return f"\n### {heading_of(state)}\n\n{found.meaning}\n{_section(found.section)}"
    link = f"See the alarm [{found.alarm}](#{found.alarm})."
    return f"\n### {heading_of(state)}\n\n{found.meaning} {link}\n"


def _section(section: Section) -> str:
    causes = "".join(f"{number}. {cause}\n" for number, cause in enumerate(section.causes, 1))
    width = max(len(command) for command, _ in section.commands)
    lines = "".join(f"{command.ljust(width)}  # {why}\n" for command, why in section.commands)
    over = _paragraph(f"Over when: {section.over}")
    return f"\nLikely causes, in this order:\n\n{causes}\n```bash\n{lines}```\n\n{over}\n"
