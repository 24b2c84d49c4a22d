"""Fuzz of the message parser: Amazon's messages are read, all else is an ``UnknownMessage`` that says nothing of it."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given

from spapi_rotation_lambda.domain.errors import UnknownMessage
from spapi_rotation_lambda.domain.messages import ExpiryNotice, NewSecret, parse
from spapi_rotation_lambda.domain.redaction import Sensitive
from tests.unit.fuzz import CANARY, EXPIRY, NEW, Message, bodies, cases, mutated_messages, part, sample, spelled
from tests.unit.support import shown

pytestmark = pytest.mark.no_cover

ANYTHING, MUTATED = 1_500, 3_000
"""Cases of each fuzz. With those of ``test_fuzz_handler`` they are 10,000 or more."""

COMPLAINTS = (
    *("the message is not", "it is not JSON", "payload is not", "notificationType is not"),
    *("APPLICATION_OAUTH_CLIENT", "clientId", "newClientSecret", "clientSecretExpiryTime"),
)
"""Words of each refusal; all but the first can befall a mutated sample, those from the fifth on in its inner part."""


def complaint(error: UnknownMessage) -> str:
    """Which refusal it is."""
    return next(words for words in COMPLAINTS if words in error.args[0])


def values(data: Any) -> list[Any]:
    """Every value in a message, at any depth, that is no object."""
    if isinstance(data, dict):
        return [value for inner in data.values() for value in values(inner)]
    return [data]


def test_anything_at_all_is_unknown_and_nothing_else() -> None:
    seen: Counter[str] = Counter()

    @cases(ANYTHING)
    @given(bodies)
    def case(body: str) -> None:
        try:
            parse(Sensitive(body))
        except UnknownMessage as error:
            assert error.remedy
            assert CANARY not in shown(error)
            seen[complaint(error)] += 1
        else:
            raise AssertionError("It was read.")

    case()
    assert seen.total() >= ANYTHING
    assert seen["it is not JSON"] >= ANYTHING / 4
    assert seen["the message is not"] + seen["payload is not"] >= ANYTHING / 10


def test_a_mutated_sample_is_read_or_unknown() -> None:
    seen: Counter[str] = Counter()

    @cases(MUTATED)
    @given(spelled(mutated_messages()))
    def case(body: str) -> None:
        try:
            found = parse(Sensitive(body))
        except UnknownMessage as error:
            assert error.remedy
            assert not [canary for canary in (CANARY, "8b6X", "PERIODIC", "oa2", "8594") if canary in shown(error)]
            seen[complaint(error)] += 1
            return
        in_words = repr(found)
        if isinstance(found, NewSecret):
            assert found.notification_id.isprintable()
            in_words = in_words.replace(found.notification_id, "")
        assert CANARY not in in_words
        assert found.client_id.startswith("amzn1.application-oa2-client.")
        # What is read is what the body says, and never a value made up for a missing one.
        said = values(json.loads(body.removeprefix("\ufeff")))
        assert found.client_id in said
        if isinstance(found, NewSecret):
            assert found.credentials.client_secret.reveal() in said
            assert found.credentials.client_secret.reveal().encode()
        else:
            assert isinstance(found, ExpiryNotice)
        seen[type(found).__name__] += 1

    case()
    assert seen.total() >= MUTATED
    reaches(seen)


def reaches(seen: Counter[str]) -> None:
    """Assert that the cases are not trivially refused: many are read, many fail deep inside, each refusal occurs."""
    whole = seen.total()
    assert seen["NewSecret"] >= whole / 8, seen
    assert seen["ExpiryNotice"] >= whole / 16, seen
    assert sum(seen[words] for words in COMPLAINTS[4:]) >= whole / 7, seen
    assert all(seen[words] >= whole / 200 for words in COMPLAINTS[1:]), seen


@pytest.mark.parametrize(
    "degraded",
    [
        Counter({"it is not JSON": 1000}),
        Counter({"NewSecret": 900, "ExpiryNotice": 100}),
        Counter(dict.fromkeys(COMPLAINTS, 100)),
    ],
)
def test_a_strategy_that_does_not_reach_every_part_is_noticed(degraded: Counter[str]) -> None:
    with pytest.raises(AssertionError):
        reaches(degraded)


def test_samples_that_are_mutated_where_nobody_looks_are_read() -> None:
    for name, kind in ((NEW, NewSecret), (EXPIRY, ExpiryNotice)):
        message: Message = sample(name)
        for key in ("notificationVersion", "payloadVersion", "notificationMetadata"):
            message[key] = [CANARY]
        part(message)["note"] = {"nested": [[[None]]]}
        assert isinstance(parse(Sensitive(json.dumps(message))), kind)
