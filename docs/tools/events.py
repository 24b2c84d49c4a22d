"""``docs/events.md``: every event with its JSON Schema, made from the catalog in the function's code."""

import json

from docs.tools.pictures import DOCS
from spapi_rotation_lambda.domain.events import CATALOG, SOURCE, Event, schema

FILE = DOCS / "events.md"
CHAT = DOCS / "examples" / "chat_events.py"
"""A Pulumi program that brings the events to a chat channel; the page shows it as it is."""

_HEAD = f"""\
# Events

The component publishes what happens to the secrets as events on an EventBridge bus: the account's default bus, or the
one that the setting `event_bus_arn` names. `make docs` makes this page from the catalog in the function's code,
`rotation_lambda/spapi_rotation_lambda/domain/events.py`.

| field | holds |
|---|---|
| `source` | Which component: `{SOURCE}/` and its output `identity`. All of them: `{{"prefix": "{SOURCE}/"}}`. |
| `detail-type` | Which event. |
| `resources` | The ARN of the application's secret. |
| `detail` | What happened, as below. No event holds a secret, a token or a message of Amazon's. |

- An event may come twice. All but *rotated* may be missing: what EventBridge does not take is not repeated, and the
  alarm `not-published` sounds. *rotated* is repeated by each check until EventBridge takes it.
- So do not derive state from events: ask `spapi-rotation status --json`, or read the secret.
- What lasts is told when it begins, and then once a day.
- Nothing waits for an event, and no failed event stops a rotation.
- Fields may be added. Ignore those that you do not know.

A bus in another account must let the function's role put events: its policy needs `events:PutEvents` for that account
or role. The bus must be in the component's region.

"""

_CHAT_HEAD = """
## Bring them to a chat channel

The rule below sends the events of every component of the account to an SNS topic, in the form that Amazon Q Developer
in chat applications (once AWS Chatbot) shows in a channel. Authorize Slack in its console once; that gives the
workspace's id. With a bus of your own, give the rule and the target its name as `event_bus_name`.

"""


def document() -> str:
    """The whole page."""
    return _HEAD + _table() + "".join(map(_section, CATALOG)) + _chat()


def _table() -> str:
    rows = [f"| [{kind.DETAIL_TYPE}](#{anchor(kind.DETAIL_TYPE)}) | {kind.WHEN} |" for kind in CATALOG]
    return "\n".join(["| detail type | when |", "|---|---|", *rows]) + "\n"


def anchor(heading: str) -> str:
    """How a link names a heading."""
    return heading.lower().replace(" ", "-")


def _section(kind: type[Event]) -> str:
    text = json.dumps(schema(kind), indent=2)
    return f"\n## {kind.DETAIL_TYPE}\n\n{kind.WHEN}\n\n```json\n{text}\n```\n"


def _chat() -> str:
    return f"{_CHAT_HEAD}```python\n{CHAT.read_text()}```\n"
