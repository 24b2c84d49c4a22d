"""From CloudTrail's events to who has followed: what counts as a read, whose it is, and when its reader breaks."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spapi_rotation_cli.following import InUse, followed
from spapi_rotation_cli.reads import Read, Reader, names_of, read_of
from spapi_rotation_cli.trail import function_name
from tests.cli.fake_trail import ACCOUNT, recorded, role

NAME = "project/stack/amzn1.application-oa2-client.0123456789abcdef"
ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{NAME}-AbCdEf"
CHANGED = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
IN_USE = InUse((CHANGED,), "new", CHANGED + 6 * DAY)


def read(at: datetime = CHANGED, identity: Any = None, **more: Any) -> Read:
    found = read_of(recorded(at, ARN, role("orders") if identity is None else identity, **more), "rotation")
    assert found is not None
    return found


def reader(identity: Any) -> Reader:
    return read(identity=identity).reader


# What is a read.


def test_a_read_and_what_it_asked_for() -> None:
    plain = read(CHANGED + timedelta(milliseconds=900))
    assert plain.at == CHANGED
    assert plain.names == {NAME, f"{NAME}-AbCdEf"}
    assert (plain.version_id, plain.label) == (None, None)
    assert plain.reader == Reader("role/orders", ACCOUNT, "consumer")
    fixed = read(versionId="old", versionStage="AWSPREVIOUS")
    assert (fixed.version_id, fixed.label) == ("old", "AWSPREVIOUS")


@pytest.mark.parametrize(
    "other",
    [
        {"errorCode": "AccessDenied", "errorMessage": "no"},
        {"errorCode": "ResourceNotFoundException"},
        {"eventName": "DescribeSecret"},
        {"eventSource": "kms.amazonaws.com"},
        {"eventTime": "yesterday"},
        {"eventTime": None},
        {"recipientAccountId": "999999999999"},
    ],
)
def test_what_is_no_read_of_ours(other: dict[str, Any]) -> None:
    """A denied call gave nothing; a secret of this name may be in another account too."""
    assert read_of(recorded(CHANGED, ARN, role("orders"), **other), "rotation") is None


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", "7", 7])
def test_an_event_that_holds_no_record(text: Any) -> None:
    assert read_of({"CloudTrailEvent": text}, "rotation") is None
    assert read_of({}, "rotation") is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (NAME, ARN, True),
        (NAME, f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{NAME}", True),
        (ARN, ARN, True),
        (ARN, NAME, True),
        (NAME, f"{NAME}0", False),
        (NAME, ARN.replace("-AbCdEf", "x-AbCdEf"), False),
        (NAME, "", False),
        ("", "", False),
    ],
)
def test_the_names_of_a_secret(one: str, other: str, same: bool) -> None:
    """By name, by ARN, and by an ARN without the six characters, as Secrets Manager takes it."""
    assert names_of(one).isdisjoint(names_of(other)) is not same


# Whose it is.


@pytest.mark.parametrize(
    ("identity", "principal", "kind"),
    [
        (role("orders", "task-1"), "role/orders", "consumer"),
        (role("team/orders"), "role/team/orders", "consumer"),
        (role("rotation-role-1", "rotation"), "role/rotation-role-1", "function"),
        (role("deployer", "spapi-rotation"), "role/deployer", "pulumi-up"),
        (role("aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1", "ann"), "sso.amazonaws.com", "person"),
        (role("admin", "ann", mfa=True), "role/admin", "person"),
        ({"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}, "root", "person"),
        ({"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ci", "userName": "ci"}, "user/ci", "consumer"),
        ({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}, "identity-center-user/u-1", "person"),
        ({"type": "AWSService", "invokedBy": "appflow.amazonaws.com"}, "appflow.amazonaws.com", "service"),
        ({"type": "AWSAccount", "principalId": "AROAOTHER:x", "accountId": "999999999999"}, "AROAOTHER", "consumer"),
        ({"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/bare/s"}, "role/bare", "consumer"),
        ({"type": "AssumedRole"}, "role/unknown", "consumer"),
        ({"type": "Unknown"}, "unknown", "consumer"),
        ({}, "unknown", "consumer"),
    ],
)
def test_whose_a_read_is(identity: dict[str, Any], principal: str, kind: str) -> None:
    found = reader(identity)
    assert principal in found.principal
    assert found.kind == kind


def test_a_record_without_an_identity_is_somebodys() -> None:
    found = read_of(recorded(CHANGED, ARN, None), "rotation")
    assert found is not None
    assert found.reader == Reader("unknown", "", "consumer")


def test_sessions_of_a_role_are_one_reader_and_accounts_are_not() -> None:
    assert reader(role("orders", "task-1")) == reader(role("orders", "task-2"))
    assert reader(role("orders")) != reader(role("orders", account="999999999999"))


@pytest.mark.parametrize(
    "given_",
    [
        "rotation",
        "rotation:live",
        f"{ACCOUNT}:function:rotation",
        f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:rotation",
        f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:rotation:7",
    ],
)
def test_the_functions_name_in_what_names_it(given_: str) -> None:
    assert function_name(given_) == "rotation"


# Who has followed.


def test_who_read_before_and_not_since_is_behind_until_the_old_one_dies() -> None:
    reads = [
        read(CHANGED - DAY, role("reports")),
        read(CHANGED - DAY, role("orders")),
        read(CHANGED + DAY, role("orders")),
        read(CHANGED + 2 * DAY, role("fresh")),
    ]
    found = {each.reader.principal: each for each in followed(reads, IN_USE)}
    assert next(iter(found)) == "role/reports"
    assert {name for name, each in found.items() if each.behind} == {"role/reports"}
    assert found["role/reports"].breaks_at == CHANGED + 6 * DAY
    assert (found["role/orders"].reads, found["role/orders"].last) == (2, CHANGED + DAY)


def test_a_read_within_the_second_of_the_change_is_not_believed() -> None:
    """The record says 9:30:00 for a read at any time within this second."""
    change = InUse((CHANGED + timedelta(milliseconds=1),), "new", None)
    assert followed([read(CHANGED + timedelta(milliseconds=999))], change)[0].behind
    assert not followed([read(CHANGED + timedelta(seconds=1))], change)[0].behind
    assert followed([read(CHANGED)], IN_USE)[0].behind


@pytest.mark.parametrize(
    "asked", [{"versionStage": "AWSPREVIOUS"}, {"versionId": "old"}, {"versionStage": "AWSPENDING"}]
)
def test_who_asks_for_another_version_has_not_followed(asked: dict[str, str]) -> None:
    (one,) = followed([read(CHANGED - DAY, **asked), read(CHANGED + DAY, **asked)], IN_USE)
    assert one.breaks_at == IN_USE.old_dies_at
    assert (one.last, one.last_in_use) == (CHANGED + DAY, None)


@pytest.mark.parametrize("asked", [{"versionStage": "AWSCURRENT"}, {"versionId": "new"}])
def test_who_asks_for_the_version_in_use_has(asked: dict[str, str]) -> None:
    assert not followed([read(CHANGED + DAY, **asked)], IN_USE)[0].behind


def test_the_version_in_use_read_before_it_came_into_use_is_the_new_value() -> None:
    assert not followed([read(CHANGED - DAY, versionId="new")], IN_USE)[0].behind


@pytest.mark.parametrize(
    "identity", [role("r", "rotation"), role("d", "spapi-rotation"), role("a", mfa=True), {"type": "AWSService"}]
)
def test_who_is_no_consumer_does_not_break(identity: dict[str, Any]) -> None:
    assert not followed([read(CHANGED - DAY, identity)], IN_USE)[0].behind


def test_without_a_change_nobody_is_behind() -> None:
    assert not followed([read(CHANGED)], InUse((), "new", CHANGED))[0].behind


def test_what_was_read_two_changes_ago_is_dead_already() -> None:
    earlier = CHANGED - 60 * DAY
    in_use = InUse((earlier, CHANGED), "new", CHANGED + 6 * DAY)
    (one,) = followed([read(earlier - DAY)], in_use)
    assert one.breaks_at == earlier + 7 * DAY
    assert in_use.dies(earlier + DAY) == CHANGED + 6 * DAY
    assert InUse((earlier, CHANGED), "new", None).dies(earlier + DAY) == CHANGED + 7 * DAY


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from(["arn", "attributes"]), SCALARS)
QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
PLACES = ("userIdentity", "requestParameters", "eventTime", "recipientAccountId", "errorCode")


@QUIET
@given(st.dictionaries(st.sampled_from(PLACES), JSON))
def test_no_record_however_odd_ends_the_run(odd: dict[str, Any]) -> None:
    found = read_of(recorded(CHANGED, ARN, role("orders"), **odd), "rotation")
    if found is not None:
        assert followed([found], IN_USE)[0].reads == 1


@QUIET
@given(JSON, st.sampled_from(["arn", "accountId", "type", "sessionContext", "principalId"]))
def test_no_identity_however_odd_ends_the_run(odd: Any, place: str) -> None:
    event = recorded(CHANGED, ARN, {**role("orders"), place: odd})
    found = read_of(event, "rotation")
    assert found is not None
    assert json.loads(event["CloudTrailEvent"])["userIdentity"][place] == odd


@QUIET
@given(st.lists(st.integers(-100, 100), min_size=1, max_size=8), st.lists(st.integers(-100, 100), max_size=4))
def test_whoever_read_the_value_in_use_after_every_change_has_followed_and_nobody_else(
    reads: list[int], changes: list[int]
) -> None:
    in_use = InUse(tuple(sorted(CHANGED + each * DAY for each in changes)), "new", None)
    (one,) = followed([read(CHANGED + each * DAY) for each in reads], in_use)
    assert one.behind is (bool(changes) and max(reads) <= max(changes))
    assert one.breaks_at is None or one.breaks_at > one.last
