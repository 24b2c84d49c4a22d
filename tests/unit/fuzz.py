"""Strategies for what nobody should send: any JSON, Amazon's sample messages with a few mutations, events, secrets.

Most of it is nearly right, since what is wrong at first sight reaches no code. Every text may hold the canary, which
must be in nothing that is said.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

DATA = Path(__file__).parents[1] / "data"
NEW, EXPIRY = "new-secret-notification.json", "secret-expiry-notification.json"
CANARY = "canary-of-the-fuzz"
LARGE = 256 * 1024
"""Bytes of the largest message that SQS took for long. Source: SQS developer guide, message quotas."""

Message = dict[str, Any]


def cases(count: int) -> settings:
    """So many cases, the same at every run; how long one takes says more of the machine than of the code."""
    return settings(max_examples=count, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


any_text = st.text(st.characters(codec=None), max_size=30)
_spiked_text = any_text | any_text.map(lambda text: f"{CANARY}{text}")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _spiked_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_spiked_text, inner, max_size=4),
    max_leaves=6,
)

_WRONG: list[Any] = [
    *(None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 10**400, "", " ", "null", "\x00", "\ud800", "ﬀ\u202e"),
    *([], {}, [None], [[[None]]], {"": None}, {CANARY: None}, [CANARY], CANARY, CANARY + "\ud800"),
]
"""Of each JSON type something that is no usable value, with nested nulls and odd Unicode."""

_DATES = st.sampled_from(
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1971-01-01T00:00:00Z", "8999-12-31T00:00:00+14:00", "2024-02-30"]
)
_SAMPLES = {name: json.loads((DATA / name).read_text()) for name in (NEW, EXPIRY)}


def sample(name: str) -> Message:
    """One of Amazon's two sample messages."""
    message: Message = copy.deepcopy(_SAMPLES[name])
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
    """A sample message with the canary in it, in either casing, with one to three mutations somewhere in it."""
    name = draw(st.sampled_from([NEW, NEW, EXPIRY]))
    message = sample(name)
    inner = part(message)
    inner["note"] = CANARY
    if name == NEW:
        inner["newClientSecret"] += CANARY
    if client_id is not None:
        inner["clientId"] = client_id
    if event_time is not None:
        message["eventTime"] = event_time
    if draw(st.booleans()):
        message = pascal(message)
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        mutate(draw, message)
    return message


def mutate(draw: st.DrawFn, message: Message) -> None:
    """Change one key, at any depth, in place."""
    spot, key = draw(st.sampled_from(_spots(message)))
    inner = spot[key]
    change = draw(st.sampled_from(["replace", "wrong", "wrong", "date", "remove", "wrap", "add", "twist", "large"]))
    if change == "remove" and len(spot) > 1:
        del spot[key]
    elif change == "wrap":
        spot[key] = {key: inner}
    elif change == "date":
        spot[key] = draw(_DATES)
    elif change == "wrong":
        spot[key] = copy.deepcopy(draw(st.sampled_from(_WRONG)))
    elif change == "add":
        spot[draw(_spiked_text)] = inner
    elif change == "large":
        spot[key + draw(st.sampled_from(["", CANARY]))] = CANARY * (LARGE // len(CANARY))
    elif change == "twist" and isinstance(inner, str) and inner:
        at = draw(st.integers(0, len(inner) - 1))
        spot[key] = inner[:at] + draw(st.characters(codec=None)) + inner[at + 1 :]
    else:
        spot[key] = draw(json_values)


def _spots(message: Message) -> list[tuple[Message, str]]:
    found = [(message, key) for key in sorted(message)]
    for key in sorted(message):
        if isinstance(message[key], dict):
            found += _spots(message[key])
    return found


@st.composite
def spelled(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> str:
    """A value as a JSON text, now and then in another spelling or broken."""
    value = draw(values)
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    how = draw(st.sampled_from([*["right"] * 12, "cut", "twice", "inside", "bom", "spaces"]))
    if how == "cut":
        return text[: draw(st.integers(0, len(text)))]
    forms: dict[str, Callable[[], str]] = {
        "twice": lambda: text + text,
        "inside": lambda: json.dumps({"Message": text}),
        "bom": lambda: "\ufeff" + text,
        "spaces": lambda: f"\r\n {text}\t",
    }
    return forms.get(how, lambda: text)()


_endless = st.builds(
    lambda start, count: start * count, st.sampled_from(["[", '{"a":', "9", " "]), st.integers(1, 9000)
)

bodies = spelled(json_values) | _spiked_text | st.text('{}[]":,\\u0d8 \x00', max_size=200) | _endless
"""Bodies that are no message of Amazon's: any JSON, any text, heaps of JSON's own characters, what never ends."""


@st.composite
def events(draw: st.DrawFn, client_id: str) -> Any:
    """What the function can be invoked with, beside messages: whole nonsense, records, checks, requests of ``up``.

    Args:
        client_id: that of an application that exists.
    """
    kind = draw(st.sampled_from(["any", "records", "record", *["action"] * 5]))
    if kind == "any":
        return draw(json_values)
    if kind == "records":
        return {"Records": draw(json_values)}
    if kind == "record":
        event = {"Records": [{"eventSource": "aws:sqs", "body": draw(bodies), "messageId": CANARY}]}
        if draw(st.booleans()):
            mutate(draw, event["Records"][0])
        return event
    action: Message = {
        "action": draw(st.sampled_from([*["check", "rotate_on_up"] * 4, "Check", CANARY, None])),
        "client_id": client_id,
        "scheduled_at": draw(st.sampled_from(["2026-03-02T12:00:00Z", CANARY, None, "9999-12-31T23:59:59-14:00"])),
        "schedule_arn": draw(st.sampled_from(["arn:aws:scheduler:::x", CANARY, None, 5])),
        "trigger": draw(st.sampled_from([*["first"] * 12, None, 5, " "])),
    }
    if draw(st.integers(0, 2)):
        mutate(draw, action)
    return action


def secrets_texts(good: Message) -> st.SearchStrategy[str]:
    """What an owner may have put into a secret instead of ``good``: no JSON, no object, none of our keys, or nearly."""

    @st.composite
    def nearly(draw: st.DrawFn) -> Message:
        data = copy.deepcopy(good) | {"note": CANARY}
        for _ in range(draw(st.sampled_from([1, 1, 2]))):
            mutate(draw, data)
        return data

    without = st.dictionaries(_spiked_text, json_values, max_size=3)
    return spelled(nearly()) | spelled(nearly()) | spelled(without) | bodies
