"""The secret's JSON, dates, ids and request records."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spapi_rotation_lambda.domain.applications import Application, KeyNames
from spapi_rotation_lambda.domain.credentials import Credentials, Document
from spapi_rotation_lambda.domain.errors import MalformedSecret
from spapi_rotation_lambda.domain.labels import Label, Version, Versions, derived_id
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import RequestRecord, Trigger
from spapi_rotation_lambda.domain.times import format_time, parse_time
from tests.fakes.world import CLIENT_ID, sealed
from tests.unit.fuzz import any_text, json_values
from tests.unit.support import shown

APPLICATION = Application("shop", CLIENT_ID, "prefix/name")
OWN = {"client_id": CLIENT_ID, "client_secret": "canary"}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEW = Credentials(CLIENT_ID, Sensitive("canary-new"), NOW, NOW + timedelta(days=180), None, "id")


def read(value: Any) -> Document:
    return Document.parse(Sensitive(value if isinstance(value, str) else json.dumps(value)), APPLICATION)


@pytest.mark.rule(id="SEC-1")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-10T22:09:17.456Z", "2024-01-10T22:09:17.456Z"),
        ("2024-01-10T22:09:17Z", "2024-01-10T22:09:17.000Z"),
        ("2024-01-10T22:09:17.456789+02:00", "2024-01-10T20:09:17.456Z"),
    ],
)
def test_times_are_read_with_any_offset_and_written_in_utc(text: str, expected: str) -> None:
    assert format_time(parse_time(text, "x")) == expected


@pytest.mark.rule(id="SEC-1")
@pytest.mark.parametrize(
    "value",
    [
        *(None, 5, True, [], "", "yesterday", "2024-01-10", "2024-01-10T22:09:17", "2024-13-10T22:09:17Z"),
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1970-01-01T00:00:00Z", "9000-01-01T00:00:00Z"),
        *("2024-01-10T22:09:17Z" + " " * 60, "2024-01-10T22:09:17\ud800Z"),
    ],
)
def test_what_is_no_time_is_named_and_not_repeated(value: object) -> None:
    with pytest.raises(ValueError, match=r"^canary-field ") as caught:
        parse_time(value, "canary-field")
    assert "2024" not in shown(caught.value).split("ValueError")[-1]


@pytest.mark.rule(id="LAB-3")
def test_a_derived_id_depends_on_every_part_and_never_changes() -> None:
    """Another release derives the same ids, or it would repeat what this one has done."""
    assert len({derived_id("a", "b"), derived_id("ab"), derived_id("a", "b", ""), derived_id("b", "a")}) == 4
    assert derived_id("a", "b") == "7005e50b-a2ea-5a3b-bb3d-181aca7259f5"


@pytest.mark.rule(id="SEC-5")
@pytest.mark.parametrize("value", ["", "no json", "[]", "5", "null", '"text"', "[" * 100_000])
def test_a_value_that_is_no_object_is_malformed(value: str) -> None:
    with pytest.raises(MalformedSecret, match="not a JSON object"):
        read(value)


@pytest.mark.rule(id="SEC-5")
@pytest.mark.parametrize(
    "change",
    [
        {"client_id": None},
        {"client_id": 5},
        {"client_id": "amzn1.application-oa2-client.other"},
        {"client_secret": None},
        {"client_secret": ""},
        {"client_secret": ["canary"]},
        {"client_secret": "canary\ud800"},
        {"client_secret": " canary"},
        {"client_secret": "canary\n"},
    ],
)
def test_our_keys_with_something_else_are_malformed_and_not_shown(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedSecret) as caught:
        read(OWN | change)
    assert "canary" not in shown(caught.value)
    assert "shop" in str(caught.value)
    assert caught.value.remedy


@pytest.mark.rule(id="SEC-1")
@pytest.mark.parametrize("bad", ["canary", 1, "9999-01-01T00:00:00Z", "2026-13-07", ["x"]])
@pytest.mark.parametrize(
    "key", ["client_secret_issued_at", "client_secret_expires_at", "previous_client_secret_expires_at"]
)
def test_a_date_that_cannot_be_read_is_unknown_and_no_fingerprint_fits_beside_it(key: str, bad: object) -> None:
    alone = read(sealed(OWN)).credentials
    assert alone is not None
    assert alone.are_amazons
    found = read(sealed(OWN) | {key: bad}).credentials
    assert found is not None
    assert (found.issued, found.expires, found.previous_expires_at, found.are_amazons) == (None, None, None, False)


@pytest.mark.rule(id="SEC-7")
@pytest.mark.parametrize(
    "change",
    [
        {"client_secret": "canary-other"},
        {"client_secret_issued_at": "2026-03-01T12:00:00Z"},
        {"client_secret_expires_at": "2026-08-28T23:59:59Z"},
        {"previous_client_secret_expires_at": "2026-03-08T12:00:00Z"},
        {"rotation_id": "another"},
        {"client_secret_fingerprint": "0" * 32},
        {"client_secret_fingerprint": None},
    ],
)
def test_the_fingerprint_fits_what_a_message_brought_and_nothing_else(change: dict[str, Any]) -> None:
    found = read(sealed(OWN) | change).credentials
    assert found is not None
    assert not found.are_amazons


@pytest.mark.rule(id="SEC-7")
def test_whether_dates_are_amazons_is_computed_once_and_not_for_other_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    known, computed, fingerprint = NEW.sealed(), list[Credentials](), Credentials._fingerprint

    def noted(each: Credentials) -> str:
        computed.append(each)
        return fingerprint(each)

    monkeypatch.setattr(Credentials, "_fingerprint", noted)
    assert (known.are_amazons, known.are_amazons, computed) == (True, True, [known])
    assert not replace(known, expires_at=NOW).are_amazons


@pytest.mark.rule(id="SEC-5")
@pytest.mark.parametrize("value", [{}, {"client_id": None, "client_secret": None}, {"other": 1}])
def test_without_our_keys_there_are_no_credentials(value: dict[str, Any]) -> None:
    assert read(value).credentials is None


@pytest.mark.rule(id="SEC-2")
def test_issue_and_expiry_follow_from_each_other() -> None:
    only_issued = read(OWN | {"client_secret_issued_at": "2026-03-01T12:00:00Z"}).credentials
    only_expires = read(OWN | {"client_secret_expires_at": "2026-08-28T12:00:00Z"}).credentials
    neither = read(OWN).credentials
    assert only_issued is not None
    assert only_expires is not None
    assert neither is not None
    assert only_issued.expires == only_expires.expires == NOW + timedelta(days=180)
    assert only_issued.issued == only_expires.issued == NOW
    assert (neither.issued, neither.expires) == (None, None)


@pytest.mark.rule(id="SEC-3")
@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.dictionaries(any_text, json_values, max_size=5))
def test_every_key_of_the_owner_is_carried_over_unchanged(others: dict[str, Any]) -> None:
    ours = set(KeyNames.__slots__) | {"client_secret_issued_at", "client_secret_expires_at"}
    others = {key: value for key, value in others.items() if key not in ours}
    written = read(OWN | others).with_credentials(NEW, APPLICATION).text().reveal()
    written.encode()  # what AWS is sent is valid Unicode
    kept = {key: value for key, value in json.loads(written).items() if key in others}
    assert json.dumps(kept, sort_keys=True) == json.dumps(others, sort_keys=True)
    assert read(written) == read(OWN | others).with_credentials(NEW, APPLICATION)


def test_optional_keys_that_are_unknown_are_taken_out() -> None:
    dated = read(OWN | {"previous_client_secret_expires_at": "2026-03-08T12:00:00Z", "rotation_id": "old"})
    bare = Credentials(CLIENT_ID, Sensitive("canary-new"))
    assert json.loads(dated.with_credentials(bare, APPLICATION).text().reveal()) == OWN | {
        "client_secret": "canary-new"
    }


@pytest.mark.rule(id="SEC-4")
def test_adopted_names_are_used_for_reading_and_writing() -> None:
    adopted = Application("shop", CLIENT_ID, "arn", KeyNames(client_id="id", client_secret="pw", rotation_id="n"))
    document = Document.parse(Sensitive(json.dumps({"id": CLIENT_ID, "pw": "canary", "client_secret": 5})), adopted)
    assert json.loads(document.with_credentials(NEW, adopted).text().reveal()) == {
        "id": CLIENT_ID,
        "pw": "canary-new",
        "client_secret": 5,
        "client_secret_issued_at": "2026-03-01T12:00:00.000Z",
        "client_secret_expires_at": "2026-08-28T12:00:00.000Z",
        "n": "id",
    }


def test_documents_are_equal_by_their_json_content_only() -> None:
    assert read('{"a": 1, "b": NaN}') == read('{"b": NaN, "a": 1}')
    assert read('{"a": 1}') != read('{"a": true}')
    assert read('{"a": 1}') != read('{"a": 1.0}')
    assert read("{}") != {}


def test_nothing_that_holds_a_secret_shows_it() -> None:
    document = read(OWN)
    assert "canary" not in f"{document}{document!r}{document.credentials}{document.credentials!r}"


def test_markers_are_written_and_read_back() -> None:
    record = RequestRecord(NOW, Trigger.PULUMI_UP, "nonce", "text", 1, 2, NOW - timedelta(days=1))
    assert RequestRecord.parse(record.text()) == record
    bare = RequestRecord(NOW.astimezone(timezone(timedelta(hours=5))), Trigger.SCHEDULE, "nonce")
    assert RequestRecord.parse(bare.text()) == bare


@pytest.mark.parametrize(
    "change",
    [
        {"requested_at": "canary"},
        {"trigger": "canary"},
        {"reposts": "canary"},
        {"refusals": None},
        {"reposts": float("inf")},
        {"standing_since": 5},
    ],
)
def test_a_body_that_is_no_record_is_malformed_and_not_shown(change: dict[str, Any]) -> None:
    good = json.loads(RequestRecord(NOW, Trigger.CLI, "nonce").text().reveal())
    for text in (json.dumps(good | change), "canary", "[]", "5", "null", "[" * 100_000):
        with pytest.raises(MalformedSecret) as caught:
            RequestRecord.parse(Sensitive(text))
        assert "canary" not in shown(caught.value)


def test_a_label_is_found_on_the_version_that_has_it() -> None:
    versions = Versions("arn", (Version("1", frozenset(), NOW), Version("2", frozenset({"AWSPENDING"}), NOW)))
    assert versions.id_of(Label.PENDING) == "2"
    assert versions.labelled(Label.CURRENT) is None


@pytest.mark.rule(id="SEC-1")
@pytest.mark.parametrize("typed", ["2026-12-07", "2026-12-07t00:00:00z", "2026-12-07T01:00:00+01:00"])
def test_what_a_person_types_as_a_date(typed: str) -> None:
    found = read(OWN | {"client_secret_expires_at": typed}).credentials
    assert found is not None
    assert found.expires_at == datetime(2026, 12, 7, tzinfo=UTC)


def test_a_byte_order_mark_before_the_json_is_passed_over() -> None:
    application = Application("shop", CLIENT_ID, "id")
    assert Document.parse(Sensitive("\ufeff" + json.dumps(OWN)), application).credentials is not None
