"""Fuzz of the handler: whatever comes in, a typed error, nothing written, nothing acknowledged, nothing of it said."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spapi_rotation_lambda.domain.applications import CLIENT_ID as SHAPE
from spapi_rotation_lambda.domain.errors import (
    BadSettings,
    MalformedSecret,
    RotationDeclined,
    RotationError,
    SecretMissing,
    UnknownMessage,
)
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.messages import parse
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time
from tests.fakes.world import CLIENT_ID, World
from tests.unit.fuzz import CANARY, bodies, cases, events, mutated_messages, secrets_texts, spelled
from tests.unit.invoking import Entry, Outcome, entry
from tests.unit.support import assert_silent
from tests.unit.test_fuzz_messages import ANYTHING, MUTATED

pytestmark = pytest.mark.no_cover

EVENTS, FOREIGN, MESSAGES, SECRETS = 1_500, 500, 2_000, 2_000
"""Cases of each fuzz."""

STRANGER = "amzn1.application-oa2-client.ffffffffffffffff"
GOOD = {
    "client_id": CLIENT_ID,
    "client_secret": "canary-abcdef-1",
    "client_secret_issued_at": "2026-03-01T12:00:00Z",
    "client_secret_expires_at": "2026-08-28T12:00:00Z",
}


@pytest.fixture(scope="module")
def function() -> Iterator[Entry]:
    with entry() as made:
        yield made


def new_world() -> World:
    world = World()
    world.seed()
    world.clock.advance(days=1)
    world.check()
    world.recorder.metrics.clear()
    return world


def refused(world: World, outcome: Outcome, *kinds: type[RotationError]) -> str:
    """Assert that it was refused as everything bad must be; returns the kind of error."""
    assert type(outcome.error) in kinds, outcome
    assert isinstance(outcome.error, RotationError)
    assert outcome.error.remedy
    assert (outcome.answer, outcome.written, outcome.posts) == (None, False, 0)
    silent(world, outcome)
    return type(outcome.error).__name__


def silent(world: World, outcome: Outcome) -> None:
    assert CANARY not in outcome.said
    assert_silent(world, outcome.said)


def test_the_cases_are_ten_thousand_or_more() -> None:
    """Each fuzz counts those that it has really run, too."""
    assert ANYTHING + MUTATED + EVENTS + FOREIGN + MESSAGES + SECRETS >= 10_000


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def test_an_event_is_answered_or_refused(function: Entry) -> None:
    """It is answered exactly if it names one of the two actions and an application that there is."""
    seen: Counter[str] = Counter()

    @cases(EVENTS)
    @given(events(CLIENT_ID))
    def case(event: Any) -> None:
        world = new_world()
        outcome = function(world, event)
        if not isinstance(event, dict) or "Records" in event or event.get("action") not in ("check", "rotate_on_up"):
            seen[refused(world, outcome, BadSettings, UnknownMessage)] += 1
            return
        client_id = event.get("client_id")
        if not (isinstance(client_id, str) and SHAPE.fullmatch(client_id)):
            seen["client id: " + refused(world, outcome, BadSettings)] += 1
        elif client_id != CLIENT_ID:
            errors = (SecretMissing, BadSettings) if event["action"] == "rotate_on_up" else (SecretMissing,)
            seen["stranger: " + refused(world, outcome, *errors)] += 1
        elif event["action"] == "rotate_on_up" and not is_text(event.get("trigger")):
            seen["trigger: " + refused(world, outcome, BadSettings)] += 1
        else:
            assert outcome.error is None, outcome
            assert outcome.posts == int(event["action"] == "rotate_on_up")
            silent(world, outcome)
            seen[event["action"]] += 1

    case()
    assert seen.total() >= EVENTS
    assert min(seen["check"], seen["rotate_on_up"]) >= EVENTS / 10, seen
    assert seen["client id: BadSettings"] >= EVENTS / 100, seen
    assert seen["trigger: BadSettings"] >= EVENTS / 100, seen
    assert seen["UnknownMessage"] >= EVENTS / 20, seen


def test_a_body_that_is_no_message_is_kept(function: Entry) -> None:
    seen: Counter[str] = Counter()

    @cases(FOREIGN)
    @given(bodies)
    def case(body: str) -> None:
        world = new_world()
        seen[refused(world, function.message(world, body), UnknownMessage)] += 1

    case()
    assert seen.total() >= FOREIGN


def test_a_message_is_taken_or_kept_and_the_application_lives_on(function: Entry) -> None:
    """Even one that is believed, with absurd dates, leads to no untyped error in this call or a later one."""
    seen: Counter[str] = Counter()
    client_ids = st.sampled_from([CLIENT_ID] * 9 + [STRANGER])
    messages = client_ids.flatmap(lambda client_id: spelled(mutated_messages(client_id, "2026-03-02T12:00:00Z")))

    @cases(MESSAGES)
    @given(messages)
    def case(body: str) -> None:
        world = new_world()
        outcome = function.message(world, body)
        if outcome.error is not None:
            seen[refused(world, outcome, UnknownMessage)] += 1
        elif outcome.answer["receipt"] == "unclaimed":
            assert parse(Sensitive(body)).client_id != CLIENT_ID
            assert (outcome.written, world.unclaimed.bodies) == (False, [body])
            seen["stranger"] += 1
        else:
            seen[believed(world, body, outcome)] += 1
        later = function(world, {"action": "check", "client_id": CLIENT_ID})
        assert later.error is None, later
        assert (world.value() or {})["client_secret"] == world.amazon.ever[0].text
        silent(world, later)

    case()
    assert seen.total() >= MESSAGES
    assert seen["stored"] >= MESSAGES / 8, seen
    assert seen["notice-unexplained"] >= MESSAGES / 20, seen
    assert seen["stranger"] >= MESSAGES / 50, seen
    assert seen["UnknownMessage"] >= MESSAGES / 4, seen


def believed(world: World, body: str, outcome: Outcome) -> str:
    """Assert of an acknowledged message that it is one, and that its secret is where it cannot be lost."""
    message = json.loads(body.removeprefix("\ufeff"))
    inner = either(either(message, "payload"), "applicationOAuthClientNewSecret")
    receipt = outcome.answer["receipt"]
    if receipt.startswith("notice-"):
        assert either(either(either(message, "payload"), "applicationOAuthClientSecretExpiry"), "clientId") == CLIENT_ID
        assert not outcome.written
    else:
        assert receipt in ("stored", "superseded", "contradictory")
        assert either(inner, "clientId") == CLIENT_ID
        stored = [json.loads(version.text) for version in world.store.secrets[world.secret_id].versions.values()]
        known = either(inner, "newClientSecret") in [document["client_secret"] for document in stored]
        assert known
    # Amazon's id of a message is said on purpose; it is no part of what must not be.
    notification_id = either(either(message, "notificationMetadata"), "notificationId")
    said = outcome.said
    if isinstance(notification_id, str) and notification_id:
        said = said.replace(notification_id, "").replace(json.dumps(notification_id)[1:-1], "")
    assert CANARY not in said
    return str(receipt)


def either(data: Any, name: str) -> Any:
    """A key in camelCase or PascalCase; None if neither is there."""
    if not isinstance(data, dict):
        return None
    return data.get(name, data.get(name[0].upper() + name[1:]))


@st.composite
def askings(draw: st.DrawFn) -> tuple[str, str, str]:
    """What an owner has put in, under which label it is, and what then comes."""
    label = draw(st.sampled_from([Label.CURRENT, Label.CURRENT, Label.CURRENT, Label.PENDING, Label.REQUEST]))
    return draw(secrets_texts(GOOD)), label, draw(st.sampled_from(["check", "rotate_on_up", "message", "notice"]))


def usable(text: str) -> bool | None:
    """Whether a secret's text is usable; None if it holds neither of our two keys. Not the product's own judgement."""
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return False
    if not isinstance(data, dict):
        return False
    pair = data.get("client_id"), data.get("client_secret")
    if pair == (None, None):
        return None
    return pair == (CLIENT_ID, pair[1]) and isinstance(pair[1], str) and pair[1] != "" and pair[1] == pair[1].strip()


def test_a_secret_that_is_not_as_it_should_be_is_left_alone(function: Entry) -> None:
    seen: Counter[str] = Counter()

    @cases(SECRETS)
    @given(askings())
    def case(asking: tuple[str, str, str]) -> None:
        text, label, comes = asking
        world = new_world()
        message = world.amazon.message(world.amazon.newest, world.clock.now())
        world.store.put(world.secret_id, "the-owners", text, {label})
        event: Any = {"action": comes, "client_id": CLIENT_ID, "application": "shop", "trigger": "first"}
        if comes == "message":
            world.amazon.rotate_by_hand()
            message = world.queue.visible.pop()
        elif comes == "notice":
            message = world.amazon.expiry_notice(world.amazon.newest.expires_at)
        body = comes in ("message", "notice")
        outcome = function.message(world, message) if body else function(world, event)
        silent(world, outcome)
        fine = usable(text)
        if outcome.error is not None:
            if isinstance(outcome.error, RotationDeclined):
                assert (comes, outcome.posts, outcome.answer) == ("rotate_on_up", 0, None)
                seen[f"{label} {type(outcome.error.declined).__name__}"] += 1
            else:
                seen[f"{label} {refused(world, outcome, MalformedSecret)}"] += 1
        elif label == Label.CURRENT:
            kept = {"message": "stored", "notice": "notice-unexplained"}
            assert fine is not False or outcome.answer == {"receipt": kept[comes]}, outcome
            kinds = {None: "none of our keys", True: "usable", False: "unreadable, and the message kept or told of"}
            seen[f"{label} {kinds[fine]}"] += 1
            if fine is None:
                assert outcome.posts == 0
                assert outcome.answer in (
                    {"state": "UNSEEDED"},
                    {"receipt": "stored"},
                    {"receipt": "notice-unexplained"},
                )
        else:
            seen[f"{label} passed"] += 1
        world.store.put(world.secret_id, "mended", json.dumps(GOOD), {label})
        if label == Label.CURRENT:
            assert function(world, {"action": "check", "client_id": CLIENT_ID}).error is None

    case()
    assert seen.total() >= SECRETS
    assert seen["AWSCURRENT MalformedSecret"] >= SECRETS / 8, seen
    assert seen["AWSCURRENT none of our keys"] >= SECRETS / 50, seen
    assert seen["AWSCURRENT usable"] >= SECRETS / 20, seen
    assert seen["AWSPENDING passed"] >= SECRETS / 20, seen
    assert seen["ROTATION_REQUEST MalformedSecret"] >= SECRETS / 50, seen


def test_the_good_secret_of_the_fuzz_is_good(function: Entry) -> None:
    world = new_world()
    assert format_time(world.amazon.newest.issued_at) == "2026-03-01T12:00:00.000Z"
    world.store.put(world.secret_id, "the-owners", json.dumps(GOOD), {Label.CURRENT})
    outcome = function(world, {"action": "check", "client_id": CLIENT_ID})
    assert outcome.answer == {"state": "CURRENT"}
