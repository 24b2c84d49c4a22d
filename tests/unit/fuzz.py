"""Strategies for what nobody should send: any JSON, and Amazon's sample messages with a few mutations."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

DATA = Path(__file__).parents[1] / "data"
NEW, EXPIRY = "new-secret-notification.json", "secret-expiry-notification.json"

Message = dict[str, Any]

any_text = st.text(st.characters(codec=None), max_size=30)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=10,
)

_DATES = st.sampled_from(
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1971-01-01T00:00:00Z", "8999-12-31T00:00:00+14:00", "2024-02-30"]
)


def sample(name: str) -> Message:
    """One of Amazon's two sample messages."""
    message: Message = json.loads((DATA / name).read_text())
    return message


def pascal(value: Any) -> Any:
    """The same message with every key in PascalCase."""
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: pascal(inner) for key, inner in value.items()}
    return value


def part(message: Message) -> Message:
    """The inner object with the client id."""
    (inner,) = message["payload"].values()
    return inner  # type: ignore[no-any-return]


@st.composite
def mutated_messages(draw: st.DrawFn, client_id: str | None = None, event_time: str | None = None) -> Message:
    """A sample message, in either casing, with one to three mutations somewhere in it."""
    message = sample(draw(st.sampled_from([NEW, EXPIRY])))
    if client_id is not None:
        part(message)["clientId"] = client_id
    if event_time is not None:
        message["eventTime"] = event_time
    if draw(st.booleans()):
        message = pascal(message)
    for _ in range(draw(st.integers(1, 3))):
        _mutate(draw, message)
    return message


def _spots(message: Message) -> list[tuple[Message, str]]:
    found = [(message, key) for key in sorted(message)]
    for key in sorted(message):
        if isinstance(message[key], dict):
            found += _spots(message[key])
    return found


def _mutate(draw: st.DrawFn, message: Message) -> None:
    spot, key = draw(st.sampled_from(_spots(message)))
    inner = spot[key]
    change = draw(st.sampled_from(["replace", "date", "remove", "wrap", "twist"]))
    if change == "remove" and len(spot) > 1:
        del spot[key]
    elif change == "wrap":
        spot[key] = {key: inner}
    elif change == "date":
        spot[key] = draw(_DATES)
    elif change == "twist" and isinstance(inner, str) and inner:
        at = draw(st.integers(0, len(inner) - 1))
        spot[key] = inner[:at] + draw(st.characters(codec=None)) + inner[at + 1 :]
    else:
        spot[key] = draw(json_values)
