"""Bad input of each kind, by name, at the function's own entry: a typed error, nothing written, nothing said of it.

The fuzz goes on from here (``test_fuzz_notification``, ``test_fuzz_handler``). A queue message is acknowledged by
returning, so an error keeps it.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from spapi_rotation_lambda import handler as module
from spapi_rotation_lambda.domain.errors import (
    BadSettings,
    MalformedSecret,
    RotationDeclined,
    RotationError,
    UnknownMessage,
)
from spapi_rotation_lambda.ports import Metric
from spapi_rotation_lambda.settings import NEEDED, Env
from tests.fakes.world import CLIENT_ID, World
from tests.unit.fuzz import CANARY, EXPIRY, LARGE, NEW, Message, part, pascal, sample
from tests.unit.invoking import Entry, Outcome, entry
from tests.unit.support import assert_silent, shown

WRONG: list[Any] = [
    None,
    True,
    0,
    -1.5,
    float("nan"),
    10**400,
    [],
    {},
    [None],
    [[[None]]],
    {"a": {"b": None}},
    [CANARY],
]
DEEP = "[" * 300 + "null" + "]" * 300
ODD = ["\x00", "\ud800", "\udfff\ud800", "\u202e", "é́", "\ufeff", "🔑" * 2000, CANARY + "\ud800"]


@pytest.fixture(scope="module")
def function() -> Iterator[Entry]:
    with entry() as made:
        yield made


def assert_refused(world: World, outcome: Outcome, kind: type[RotationError], match: str) -> None:
    assert type(outcome.error) is kind, outcome
    assert match in str(outcome.error)
    assert outcome.error.remedy in str(outcome.error)
    assert outcome.error.remedy
    assert (outcome.answer, outcome.written, outcome.posts) == (None, False, 0)
    assert CANARY not in outcome.said
    assert_silent(world, outcome.said)


def assert_stored(world: World, outcome: Outcome, text: str) -> None:
    """What Amazon sends is stored whatever is in use; that waits for a person."""
    assert (outcome.error, outcome.answer) == (None, {"receipt": "stored"})
    secret = world.store.secrets[world.secret_id]
    assert secret.versions[world.labels()["AWSCURRENT"]].text == text
    assert (world.value("AWSPENDING") or {})["client_secret"] == world.amazon.newest.text
    assert CANARY not in outcome.said
    assert_silent(world, outcome.said)


def assert_told(world: World, outcome: Outcome) -> None:
    """A notice is acknowledged: each check raises the error, and a message that waits holds up all applications."""
    assert (outcome.error, outcome.answer) == (None, {"receipt": "notice-unexplained"})
    assert (outcome.written, outcome.posts) == (False, 0)
    assert "expiry_notice_for_unreadable_secret" in outcome.said
    assert CANARY not in outcome.said
    assert_silent(world, outcome.said)


def message(name: str, **changed: Any) -> str:
    """A sample message for our application with some fields of its inner part changed."""
    made = sample(name)
    part(made).update({"clientId": CLIENT_ID} | changed)
    return json.dumps(made)


@pytest.mark.parametrize(
    "event",
    [
        *(None, [], {}, 5, CANARY, {CANARY: CANARY}, {"action": CANARY}, {"action": None}, {"detail-type": CANARY}),
        {"version": "0", "id": CANARY, "source": "aws.events", "detail": {}},
        {"Records": [{"eventSource": "aws:sns", "Sns": {"Message": CANARY}}]},
        {"Records": [{"eventSource": "aws:sqs", "body": None}]},
        {"Records": [{"eventSource": "aws:sqs"}]},
        {"Records": []},
        {"Records": [None]},
        {"Records": CANARY},
        {"SecretId": CANARY, "ClientRequestToken": CANARY, "Step": "createSecret"},
    ],
)
def test_an_unknown_event(world: World, function: Entry, event: Any) -> None:
    outcome = function(world, event)
    assert_refused(world, outcome, BadSettings, "The event ")


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_environment_variable_is_named_at_every_start(name: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any client of AWS is made: here there is no region, so that would be another error."""
    for needed in NEEDED:
        monkeypatch.setenv(needed, f"https://{CANARY}")
    monkeypatch.delenv(name)
    monkeypatch.setattr("boto3.Session", lambda: pytest.fail("AWS was asked."))
    module.function_ports.cache_clear()
    for _ in range(2):
        with pytest.raises(BadSettings, match=rf"^The environment lacks {name}\. What to do: Deploy") as caught:
            module.handler({"action": "check", "client_id": CLIENT_ID}, None)
        assert CANARY not in shown(caught.value)


NO_OBJECTS = ["", CANARY, f"{{{CANARY}", "null", "5", f'"{CANARY}"', f'["{CANARY}"]', "NaN", "[" * 60_000, "\x00"]


@pytest.mark.parametrize("text", NO_OBJECTS)
@pytest.mark.parametrize("asked", ["check", "rotate_on_up", "message", "notice"])
def test_a_secret_that_is_no_json_object(world: World, function: Entry, asked: str, text: str) -> None:
    outcome = ask(world, function, asked, text)
    if asked == "message":
        assert_stored(world, outcome, text)
    elif asked == "notice":
        assert_told(world, outcome)
    else:
        assert_refused(world, outcome, MalformedSecret, "is not a JSON object")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (json.dumps({"client_id": CLIENT_ID, "note": CANARY}), "needs both client_id and client_secret"),
        (json.dumps({"client_secret": CANARY}), "needs both client_id and client_secret"),
        (json.dumps({"client_id": CANARY, "client_secret": CANARY}), "another client_id"),
        (json.dumps({"client_id": CLIENT_ID, "client_secret": CANARY + "\ud800"}), "not valid Unicode"),
        *(
            (json.dumps({"client_id": CLIENT_ID, "client_secret": wrong}), "needs both client_id and client_secret")
            for wrong in WRONG
        ),
        (f'{{"client_id": "{CLIENT_ID}", "client_secret": "{CANARY}", "x": {DEEP}}}', "nested more than 100 levels"),
    ],
)
@pytest.mark.parametrize("asked", ["check", "rotate_on_up", "message", "notice"])
def test_a_secret_whose_keys_of_ours_are_wrong(
    world: World, function: Entry, asked: str, text: str, problem: str
) -> None:
    outcome = ask(world, function, asked, text)
    if asked == "message":
        assert_stored(world, outcome, text)
    elif asked == "notice":
        assert_told(world, outcome)
    else:
        assert_refused(world, outcome, MalformedSecret, problem)


def test_a_secret_as_deep_as_is_allowed_is_carried_over(world: World, function: Entry) -> None:
    deep = json.loads("[" * 99 + "5" + "]" * 99)
    world.seed(deep=deep)
    world.amazon.rotate_by_hand()
    assert function.message(world, world.queue.visible.pop()).answer == {"receipt": "stored"}
    assert (world.value() or {})["deep"] == deep


@pytest.mark.parametrize("text", ["{}", json.dumps({"note": CANARY}), '{"client_id": null, "client_secret": null}'])
def test_a_secret_without_our_keys_is_not_seeded(make_world: Callable[[], World], function: Entry, text: str) -> None:
    """That is no defect but a state with its metric; what is declined says why, with the remedy."""
    for asked, answer in (
        ("check", {"state": "UNSEEDED"}),
        ("notice", {"receipt": "notice-unexplained"}),
        ("rotate_on_up", None),
    ):
        world = make_world()
        outcome = ask(world, function, asked, text)
        assert (outcome.answer, outcome.written, outcome.posts) == (answer, False, 0)
        assert type(outcome.error) is (RotationDeclined if asked == "rotate_on_up" else type(None))
        assert CANARY not in outcome.said
        assert Metric.UNSEEDED.value in outcome.said if asked != "rotate_on_up" else "What to do" in outcome.said


def ask(world: World, function: Entry, asked: str, text: str) -> Outcome:
    """Put a text into the secret, then have a check, a request, a new secret's message or an expiry notice."""
    world.write(text)
    if asked in ("check", "rotate_on_up"):
        return function(world, {"action": asked, "client_id": CLIENT_ID, "trigger": "first"})
    world.amazon.rotate_by_hand()
    body = world.queue.visible.pop()
    return function.message(world, body if asked == "message" else world.amazon.expiry_notice(world.clock.now()))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (CANARY * (LARGE // len(CANARY)), "it is not JSON"),
        (json.dumps({"note": CANARY * (LARGE // len(CANARY))}), "payload is not an object"),
        (message(NEW, newClientSecret=CANARY * (LARGE // len(CANARY))), "newClientSecret"),
        (message(NEW, clientId="amzn1.application-oa2-client." + "x" * LARGE), "clientId"),
        (message(EXPIRY, clientSecretExpiryTime="2026-03-02T12:00:00Z" + " " * LARGE), "clientSecretExpiryTime"),
        ("[" * LARGE, "it is not JSON"),
        ('{"payload":' * (LARGE // 11), "it is not JSON"),
        ("9" * LARGE, "it is not JSON"),
    ],
)
def test_a_message_of_256_kilobytes(world: World, function: Entry, body: str, problem: str) -> None:
    assert_refused(world, function.message(world, body), UnknownMessage, problem)


def test_a_good_message_of_256_kilobytes_is_taken_and_not_said(world: World, function: Entry) -> None:
    world.amazon.rotate_by_hand()
    body = json.loads(world.queue.visible.pop()) | {"note": CANARY * (LARGE // len(CANARY))}
    outcome = function.message(world, json.dumps(body))
    assert outcome.answer == {"receipt": "stored"}
    assert CANARY not in outcome.said
    assert len(outcome.said) < 20_000


FIELDS = [
    *((NEW, "clientId"), (NEW, "newClientSecret")),
    *((EXPIRY, "clientId"), (EXPIRY, "clientSecretExpiryTime")),
]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("name", "field"), FIELDS)
@pytest.mark.parametrize("casing", [lambda made: made, pascal], ids=["camelCase", "PascalCase"])
def test_a_field_of_a_wrong_type(
    world: World, function: Entry, casing: Callable[[Message], Message], name: str, field: str, wrong: Any
) -> None:
    body = json.dumps(casing(json.loads(message(name, **{field: wrong, "note": CANARY}))))
    assert_refused(world, function.message(world, body), UnknownMessage, field)


@pytest.mark.parametrize("wrong", [*WRONG, CANARY])
@pytest.mark.parametrize("name", [NEW, EXPIRY])
@pytest.mark.parametrize("field", ["notificationType", "payload"])
def test_an_envelope_of_a_wrong_type(world: World, function: Entry, field: str, name: str, wrong: Any) -> None:
    body = json.dumps(sample(name) | {field: wrong, "note": CANARY})
    assert_refused(world, function.message(world, body), UnknownMessage, "is not" if isinstance(wrong, dict) else field)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(("name", "field"), [pair for pair in FIELDS if pair[1] != "newClientSecret"])
def test_odd_unicode_in_a_field(world: World, function: Entry, name: str, field: str, odd: str) -> None:
    known = part(sample(name))[field] if field != "clientId" else CLIENT_ID
    for text in (odd, known + odd, odd + known):
        body = message(name, **{field: text, "note": CANARY})
        assert_refused(world, function.message(world, body), UnknownMessage, field)


@pytest.mark.parametrize("odd", ["\ud800", CANARY + "\ud800", "\udfff\ud800"])
def test_a_secret_that_is_no_unicode(world: World, function: Entry, odd: str) -> None:
    assert_refused(world, function.message(world, message(NEW, newClientSecret=odd)), UnknownMessage, "newClientSecret")


@pytest.mark.parametrize(
    "body",
    [
        '{"payload": null}',
        '{"payload": {"applicationOAuthClientNewSecret": null}, "Payload": null}',
        json.dumps(dict.fromkeys(sample(NEW))),
        json.dumps(sample(NEW) | {"payload": {"applicationOAuthClientNewSecret": None}}),
        json.dumps(sample(EXPIRY) | {"payload": {"applicationOAuthClientSecretExpiry": {"clientId": None}}}),
        json.dumps(sample(NEW) | {"payload": {"applicationOAuthClientNewSecret": [[None]]}}),
        "[[[null]]]",
        f'{{"payload": {DEEP}}}',
    ],
)
def test_nested_nulls(world: World, function: Entry, body: str) -> None:
    outcome = function.message(world, body)
    assert_refused(world, outcome, UnknownMessage, "A queue message is not known")
