"""Amazon's two messages, parsed without trust; and messages that are none, which say nothing of their content."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from spapi_rotation_lambda.domain.errors import UnknownMessage
from spapi_rotation_lambda.domain.labels import derived_id
from spapi_rotation_lambda.domain.messages import ExpiryNotice, NewSecret, Notification, parse
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time
from tests.unit.fuzz import EXPIRY, NEW, Message, part, pascal, sample
from tests.unit.support import shown

CANARY = "canary-of-a-body"


def read(message: Any) -> Notification:
    return parse(Sensitive(message if isinstance(message, str) else json.dumps(message)))


def read_new(message: Any) -> NewSecret:
    found = read(message)
    assert isinstance(found, NewSecret)
    return found


def refused(message: Any, match: str | None = None) -> None:
    with pytest.raises(UnknownMessage, match=match) as caught:
        read(message)
    assert CANARY not in shown(caught.value)
    assert caught.value.remedy


@pytest.mark.rule(id="REC-1")
@pytest.mark.parametrize("casing", [lambda m: m, pascal], ids=["camelCase", "PascalCase"])
def test_amazons_sample_of_a_new_secret(casing: Callable[[Message], Message]) -> None:
    message = read_new(casing(sample(NEW)))
    found = message.credentials
    assert message.client_id == found.client_id == "amzn1.application-oa2-client.6XXXXXXXXXXXXXXXXXXXXXXXXX"
    assert found.client_secret == Sensitive("amzn1.oa2-cs.v1.8b6XXXXXXXXXXXXXXXXXXXXXXXXX")
    assert message.notification_id == found.rotation_id == "b0805eb9-78f7-49bb-ac0e-XXXXXXXXXXX"
    dates = (found.issued_at, found.expires_at, found.previous_expires_at)
    assert [format_time(date) for date in dates if date] == [
        "2024-01-10T22:09:17.456Z",
        "2024-07-08T22:09:17.198Z",
        "2024-01-17T22:09:17.180Z",
    ]
    assert "8b6" not in repr(message)


@pytest.mark.parametrize("casing", [lambda m: m, pascal], ids=["camelCase", "PascalCase"])
def test_amazons_sample_of_an_expiry_notice(casing: Callable[[Message], Message]) -> None:
    message = read(casing(sample(EXPIRY)))
    assert isinstance(message, ExpiryNotice)
    assert message.client_id == "amzn1.application-oa2-client." + "x" * 28
    assert format_time(message.expires_at) == "2024-03-03T22:06:39.224Z"


@pytest.mark.rule(id="REC-1")
@pytest.mark.parametrize("name", [NEW, EXPIRY])
@pytest.mark.parametrize("version", ["1.0", "2099-01-01", None, 5])
def test_the_payloads_version_is_not_looked_at(name: str, version: object) -> None:
    assert read(sample(name) | {"payloadVersion": version, "notificationVersion": version, "more": {}})


def test_another_reason_of_an_expiry_is_an_expiry() -> None:
    message = sample(EXPIRY)
    part(message)["clientSecretExpiryReason"] = "SOMETHING_NEW"
    assert isinstance(read(message), ExpiryNotice)


@pytest.mark.rule(id="REC-2")
@pytest.mark.parametrize("metadata", [None, "text", {}, {"notificationId": 5}, {"notificationId": "line\nbreak"}])
def test_without_a_usable_id_every_copy_derives_the_same(metadata: object) -> None:
    message = read_new(sample(NEW) | {"notificationMetadata": metadata})
    assert message.notification_id == derived_id("notification", message.client_id, "2024-01-10T22:09:17.456Z")


@pytest.mark.rule(id="REC-1")
@pytest.mark.parametrize("name", [NEW, EXPIRY])
@pytest.mark.parametrize("value", [None, 5, [], {}, "", CANARY])
@pytest.mark.parametrize("field", ["notificationType", "payload"])
def test_an_envelope_with_something_else_is_unknown(name: str, field: str, value: object) -> None:
    refused(sample(name) | {field: value})


@pytest.mark.parametrize("value", [None, 5, [], {}, "", "amzn1.sp.solution.1234567890123", CANARY, "x" * 5000])
@pytest.mark.parametrize(
    ("name", "field"),
    [
        (NEW, "clientId"),
        (NEW, "newClientSecret"),
        (EXPIRY, "clientId"),
        (EXPIRY, "clientSecretExpiryTime"),
    ],
)
def test_a_part_with_something_else_is_named_and_not_repeated(name: str, field: str, value: object) -> None:
    if field == "newClientSecret" and value in ("amzn1.sp.solution.1234567890123", CANARY):
        return
    message = sample(name)
    part(message)[field] = value
    refused(message, match=field)


NOW = datetime(2024, 1, 10, 23, tzinfo=UTC)


def dates(message: Message, now: datetime = NOW) -> list[str]:
    """What is believed of a new secret's message: issue, expiry, and the end of the secret before."""
    found = read(message)
    assert isinstance(found, NewSecret)
    believed = found.believed(now).credentials
    assert believed.are_amazons
    return [
        format_time(date) for date in (believed.issued_at, believed.expires_at, believed.previous_expires_at) if date
    ]


TOLD = ["2024-01-10T22:09:17.456Z", "2024-07-08T22:09:17.198Z", "2024-01-17T22:09:17.180Z"]


@pytest.mark.rule(id="REC-18")
def test_a_whole_message_is_believed_as_it_is() -> None:
    assert dates(sample(NEW)) == TOLD


@pytest.mark.rule(id="REC-18")
@pytest.mark.parametrize("value", [None, 5, [], {}, "", CANARY, "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"])
def test_a_date_that_is_missing_or_cannot_be_is_derived(value: object) -> None:
    message = sample(NEW) | {"eventTime": value}
    assert dates(message) == ["2024-01-10T22:09:18.706Z", *TOLD[1:]], "publishTime"
    message["notificationMetadata"] = {"notificationId": "id"}
    assert dates(message) == ["2024-01-10T22:09:17.198Z", *TOLD[1:]], "the expiry less 180 days"
    part(message)["newClientSecretExpiryTime"] = value
    assert dates(message)[:2] == ["2024-01-10T23:00:00.000Z", "2024-07-08T23:00:00.000Z"], "when it arrived"
    part(message)["oldClientSecretExpiryTime"] = value
    assert dates(message)[2] == "2024-01-17T23:00:00.000Z"


@pytest.mark.rule(id="REC-18")
def test_a_time_more_than_65_minutes_ahead_is_not_believed() -> None:
    message = sample(NEW) | {"eventTime": "2024-01-11T00:05:00Z", "notificationMetadata": {}}
    assert dates(message)[0] == "2024-01-11T00:05:00.000Z"
    message["eventTime"] = "2024-02-10T00:05:01Z"
    part(message)["newClientSecretExpiryTime"] = "2024-08-08T00:05:01Z"
    assert dates(message)[:2] == ["2024-01-10T23:00:00.000Z", "2024-07-08T23:00:00.000Z"]


@pytest.mark.rule(id="REC-18")
@pytest.mark.parametrize(
    ("expires", "previous", "believed"),
    [
        ("2024-07-09T22:00:00Z", "2024-07-08T22:00:00Z", ["2024-07-09T22:00:00.000Z", "2024-07-08T22:00:00.000Z"]),
        ("2024-07-09T22:00:01Z", "2024-07-08T22:00:01Z", ["2024-07-08T22:00:00.000Z", "2024-01-17T22:00:00.000Z"]),
        ("2024-01-10T22:00:01Z", "2020-01-01T00:00:00Z", ["2024-01-10T22:00:01.000Z", "2020-01-01T00:00:00.000Z"]),
        ("2024-01-10T22:00:00Z", "2020-01-01T00:00:00Z", ["2024-07-08T22:00:00.000Z", "2020-01-01T00:00:00.000Z"]),
    ],
)
def test_an_expiry_is_believed_within_181_days_and_an_older_ones_within_180(
    expires: str, previous: str, believed: list[str]
) -> None:
    message = sample(NEW) | {"eventTime": "2024-01-10T22:00:00Z"}
    part(message).update(newClientSecretExpiryTime=expires, oldClientSecretExpiryTime=previous)
    assert dates(message) == ["2024-01-10T22:00:00.000Z", *believed]


@pytest.mark.rule(id="REC-2")
@pytest.mark.parametrize(
    ("event_time", "told"),
    [("2024-02-01T00:00:00Z", "2024-02-01T00:00:00.000Z"), (None, "2024-07-08T22:09:17.198Z")],
)
def test_a_derived_id_is_of_the_messages_time_or_else_of_the_expiry(event_time: str | None, told: str) -> None:
    message = read_new(sample(NEW) | {"notificationMetadata": None, "eventTime": event_time})
    assert message.notification_id == derived_id("notification", message.client_id, told)


@pytest.mark.rule(id="REC-2")
@pytest.mark.parametrize("own", ["i", "x" * 128])
def test_amazons_id_is_taken_up_to_128_plain_characters(own: str) -> None:
    assert read_new(sample(NEW) | {"notificationMetadata": {"notificationId": own}}).notification_id == own
    for odd in ("", "x" * 129, "é", "tab\t"):
        other = read_new(sample(NEW) | {"notificationMetadata": {"notificationId": odd}}).notification_id
        assert other == derived_id("notification", read(sample(NEW)).client_id, "2024-01-10T22:09:17.456Z")


@pytest.mark.rule(id="REC-1")
@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("{", "it is not JSON"),
        ([], "the message is not an object"),
        (sample(NEW) | {"payload": 5}, "payload is not an object"),
        (sample(NEW) | {"payload": {}}, "APPLICATION_OAUTH_CLIENT_NEW_SECRET is not an object"),
        (sample(EXPIRY) | {"payload": {}}, "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY is not an object"),
        (
            sample(EXPIRY)
            | {
                "payload": {
                    "applicationOAuthClientSecretExpiry": {"clientId": f"amzn1.application-oa2-client.{'x' * 10}"}
                }
            },
            "clientSecretExpiryTime is not a time",
        ),
        (sample(NEW) | {"notificationType": "x"}, "its notificationType is not one of the two about client secrets"),
    ],
)
def test_an_unknown_message_says_what_is_wrong_with_it(message: Any, problem: str) -> None:
    refused(message, match=f"^A queue message is not known: {problem}\\.")


@pytest.mark.rule(id="REC-2")
def test_without_any_time_two_secrets_have_two_ids() -> None:
    ids = set()
    for secret in ("one", "two"):
        message = sample(NEW) | {"eventTime": None, "notificationMetadata": None}
        part(message).update(newClientSecret=secret, newClientSecretExpiryTime=None)
        ids.add(read_new(message).notification_id)
    assert len(ids) == 2


@pytest.mark.rule(id="REC-2")
def test_without_any_time_an_id_follows_from_the_client_id_and_the_secret_alone() -> None:
    """Another release derives the same: it may get the next copy of this message."""
    message = sample(NEW) | {"eventTime": None, "notificationMetadata": None}
    part(message)["newClientSecretExpiryTime"] = None
    found = read(message)
    assert isinstance(found, NewSecret)
    assert found.notification_id == derived_id("notification", found.client_id, found.credentials.value_hash)


@pytest.mark.parametrize("name", [NEW, EXPIRY])
def test_a_byte_order_mark_is_passed_over(name: str) -> None:
    assert read("\ufeff" + json.dumps(sample(name))) == read(sample(name))


@pytest.mark.rule(id="REC-3")
@pytest.mark.parametrize(
    "client_id",
    [
        "amzn1.application-oa2-client.short",
        "amzn1.application-oa2-client." + "x" * 65,
        "amzn1.application-oa2-client.0123456789abcdef/../other",
        "amzn1.application-oa2-client.0123456789abcdef\n",
        "amzn1.application-oa2-client.0123456789abcdé",
        "amzn1xapplication-oa2-client.0123456789abcdef",
    ],
)
def test_a_client_id_of_another_shape_never_gets_near_a_secrets_name(client_id: str) -> None:
    message = sample(NEW)
    part(message)["clientId"] = client_id
    refused(message, match="clientId")


def test_a_secret_of_lone_surrogates_is_no_usable_text() -> None:
    message = sample(NEW)
    part(message)["newClientSecret"] = CANARY + "\ud800"
    refused(message, match="newClientSecret")


@pytest.mark.rule(id="REC-1")
@pytest.mark.parametrize("padded", [f" {CANARY}", f"{CANARY}\n", "\t", " "])
def test_a_secret_with_white_space_around_it_is_refused(padded: str) -> None:
    message = sample(NEW)
    part(message)["newClientSecret"] = padded
    refused(message, match="newClientSecret has white space around it")


def test_the_longest_secret_is_taken_and_one_more_is_not() -> None:
    message = sample(NEW)
    part(message)["newClientSecret"] = "x" * 4096
    assert isinstance(read(message), NewSecret)
    part(message)["newClientSecret"] = "x" * 4097
    refused(message, match="newClientSecret")


@pytest.mark.parametrize(
    "body",
    [
        *("", CANARY, f'"{CANARY}"', "[]", "null", "5", "[" * 100_000, '{"a":' * 100_000, "1" * 5000),
        *(json.dumps({"Message": json.dumps({"x": CANARY})}), f'{{"{CANARY}": ' + "x" * 256 * 1024),
    ],
)
def test_a_body_that_is_no_message_is_unknown(body: str) -> None:
    refused(body)
