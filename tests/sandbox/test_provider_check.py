"""The stand-in provider refuses what it does not know and fills in what the real one fills in."""

import json
import re
from typing import Any

import pulumi
import pytest

from sandbox.provider.errors import StandInError
from sandbox.provider.values import UNKNOWN
from tests.sandbox.provider_support import (
    ARN,
    FUNCTION,
    INVOCATION,
    MAPPING,
    MINIMAL,
    QUEUE,
    ROLE_TYPE,
    SCHEDULE,
    SECRET,
    check,
    checked,
    kind,
    minimal,
)

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
FAILURES = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
TARGET = MINIMAL[SCHEDULE]["target"]


def test_an_unknown_type_is_refused_by_name() -> None:
    with pytest.raises(StandInError, match=r"does not know the resource type aws:s3/bucket:Bucket; it knows .*Queue"):
        check("aws:s3/bucket:Bucket", {})


@pytest.mark.parametrize("token", MINIMAL)
def test_the_least_inputs_of_every_type_pass(token: str) -> None:
    _, failures = check(token, minimal(token))
    assert failures == {}


@pytest.mark.parametrize("token", MINIMAL)
def test_an_unknown_property_is_refused_by_name(token: str) -> None:
    _, failures = check(token, minimal(token, fifoQueue=True))
    assert f"does not know the property 'fifoQueue' of {token}" in failures["fifoQueue"]


@pytest.mark.parametrize(
    ("token", "prop", "value", "path"),
    [
        (SCHEDULE, "target", {**TARGET, "ecsParameters": {}}, "target.ecsParameters"),
        (SCHEDULE, "target", {**TARGET, "retryPolicy": {"jitter": 1}}, "target.retryPolicy.jitter"),
        (FUNCTION, "loggingConfig", {"logFormat": "JSON", "colour": "red"}, "loggingConfig.colour"),
        (MAPPING, "scalingConfig", {"minimumConcurrency": 2}, "scalingConfig.minimumConcurrency"),
        (FAILURES, "destinationConfig", {"onSuccess": {"destination": ARN}}, "destinationConfig.onSuccess"),
        (ALARM, "metricQueries", [{"id": "a", "accountId": "1"}], "metricQueries[0].accountId"),
    ],
)
def test_an_unknown_nested_property_is_refused_by_its_path(token: str, prop: str, value: Any, path: str) -> None:
    _, failures = check(token, minimal(token, **{prop: value}))
    assert f"does not know the property {path!r}" in failures[path]


@pytest.mark.parametrize("token", MINIMAL)
def test_what_is_required_is_reported_when_missing(token: str) -> None:
    for name, prop in kind(token).spec.props.items():
        if prop.required:
            _, failures = check(token, minimal(token, **{name: None}))
            assert failures[name] == f"Missing required argument: {name!r} is required"


def test_what_is_required_inside_another_property_is_reported_when_missing() -> None:
    _, failures = check(SCHEDULE, minimal(SCHEDULE, target={"arn": ARN}))
    assert failures == {"target.roleArn": "Missing required argument: 'target.roleArn' is required"}


@pytest.mark.parametrize(
    ("token", "prop", "good", "bad"),
    [
        (QUEUE, "messageRetentionSeconds", (60, 1_209_600), (59, 1_209_601)),
        (QUEUE, "visibilityTimeoutSeconds", (0, 43_200), (-1, 43_201)),
        (QUEUE, "kmsDataKeyReusePeriodSeconds", (60, 86_400), (59, 86_401)),
        (QUEUE, "receiveWaitTimeSeconds", (0, 20), (21,)),
        (QUEUE, "maxMessageSize", (1024, 1_048_576), (1023, 1_048_577)),
        (QUEUE, "delaySeconds", (0, 900), (901, 1.5)),
        (KEY, "deletionWindowInDays", (7, 30), (6, 31)),
        (SECRET, "recoveryWindowInDays", (0, 7, 30), (1, 6, 31)),
        (ROLE_TYPE, "maxSessionDuration", (3600, 43_200), (3599, 43_201)),
        (LOGS, "retentionInDays", (0, 1, 30, 3653), (2, 31, -1)),
        (FUNCTION, "timeout", (1, 900), (0, 901)),
        (FUNCTION, "memorySize", (128, 10_240), (127, 10_241)),
        (FUNCTION, "reservedConcurrentExecutions", (-1, 0), (-2,)),
        (MAPPING, "batchSize", (1, 10), (0, 10_001)),
        (MAPPING, "maximumBatchingWindowInSeconds", (0, 300), (-1, 301)),
        (MAPPING, "scalingConfig", ({"maximumConcurrency": 2}, {"maximumConcurrency": 1000}), ()),
        (FAILURES, "maximumRetryAttempts", (0, 2), (-1, 3)),
        (FAILURES, "maximumEventAgeInSeconds", (60, 21_600), (59, 21_601)),
        (QUEUE, "name", ("a" * 80, "a_b-C"), ("a" * 81, "a.fifo", "")),
        (SECRET, "name", ("a/b", "a" * 512), ("a b", "a" * 513)),
        (ROLE_TYPE, "name", ("a" * 64,), ("a" * 65, "a/b")),
        (ALIAS, "name", ("alias/a",), ("a", "alias/aws/sqs")),
        (LOGS, "name", ("/a/b",), ("a b",)),
        (FUNCTION, "name", ("a" * 64,), ("a" * 65, "a.b")),
        (SCHEDULE, "name", ("a" * 64,), ("a" * 65, "a/b")),
        (FUNCTION, "packageType", ("Zip",), ("Image",)),
        (FUNCTION, "architectures", (["arm64"],), (["arm"], ["arm64", "x86_64"])),
        (FUNCTION, "role", ("arn:aws:iam::123456789012:role/a",), ("a",)),
        (MAPPING, "functionResponseTypes", (["ReportBatchItemFailures"],), (["Other"],)),
        (INVOCATION, "input", ("{}", "1"), ("{",)),
        (INVOCATION, "lifecycleScope", ("CRUD",), ("OTHER",)),
        (SCHEDULE, "state", ("ENABLED", "DISABLED"), ("PAUSED",)),
        (SCHEDULE, "scheduleExpressionTimezone", ("UTC", "Europe/Berlin"), ("Mars/Phobos", "x y")),
        (ROLE_TYPE, "assumeRolePolicy", ("{}",), ("{'a'}",)),
        (ALARM, "period", (10, 60, 120), (0, 15, 61)),
        (ALARM, "treatMissingData", ("breaching",), ("green",)),
    ],
)
def test_values_that_aws_refuses_are_refused(token: str, prop: str, good: Any, bad: Any) -> None:
    for value in good:
        _, failures = check(token, minimal(token, **{prop: value}))
        assert failures == {}, value
    for value in bad:
        _, failures = check(token, minimal(token, **{prop: value}))
        assert list(failures) == [prop], value


@pytest.mark.parametrize("concurrency", [0, 1, 1001])
def test_a_mappings_concurrency_stays_within_aws_limits(concurrency: int) -> None:
    _, failures = check(MAPPING, minimal(MAPPING, scalingConfig={"maximumConcurrency": concurrency}))
    assert failures == {
        "scalingConfig.maximumConcurrency": f"expected to be in the range (2 - 1000), got {concurrency}"
    }


@pytest.mark.parametrize(
    "expression",
    ["rate(5.0 hours)", "rate(0 hours)", "rate(1)", "rate(1 week)", "cron(0 * * * *)", "at(2026-01-01)", "hourly", ""],
)
def test_a_wrong_schedule_expression_is_refused(expression: str) -> None:
    _, failures = check(SCHEDULE, minimal(SCHEDULE, scheduleExpression=expression))
    assert failures["scheduleExpression"].startswith("Invalid Schedule Expression")


@pytest.mark.parametrize("expression", ["rate(1 hours)", "rate(24 hours)", "cron(0 8 ? * MON-FRI *)"])
def test_a_right_schedule_expression_passes(expression: str) -> None:
    assert checked(SCHEDULE, scheduleExpression=expression)["scheduleExpression"] == expression


@pytest.mark.parametrize(
    ("token", "inputs", "prop"),
    [
        (SCHEDULE, {"flexibleTimeWindow": {"mode": "FLEXIBLE"}}, "flexibleTimeWindow.maximumWindowInMinutes"),
        (
            SCHEDULE,
            {"flexibleTimeWindow": {"mode": "OFF", "maximumWindowInMinutes": 5}},
            "flexibleTimeWindow.maximumWindowInMinutes",
        ),
        (MAPPING, {"batchSize": 11}, "maximumBatchingWindowInSeconds"),
        (INVOCATION, {"lifecycleScope": "CRUD", "input": "[1]"}, "input"),
        (FUNCTION, {"loggingConfig": {"logFormat": "Text", "systemLogLevel": "INFO"}}, "loggingConfig.systemLogLevel"),
        (ALARM, {"statistic": None}, "statistic"),
        (ALARM, {"extendedStatistic": "p99"}, "statistic"),
        (ALARM, {"metricQueries": [{"id": "a", "expression": "b"}], "statistic": None}, "metricName"),
    ],
)
def test_properties_that_do_not_go_together_are_refused(token: str, inputs: Any, prop: str) -> None:
    _, failures = check(token, minimal(token, **inputs))
    assert list(failures) == [prop]


def test_messages_do_not_repeat_a_text_value() -> None:
    _, failures = check(ROLE_TYPE, minimal(ROLE_TYPE, assumeRolePolicy="obviously-fake", name="obviously fake"))
    assert set(failures) == {"assumeRolePolicy", "name"}
    assert "obviously" not in "".join(failures.values())


@pytest.mark.parametrize("value", ["5", True, [5]])
def test_a_number_is_a_number(value: Any) -> None:
    _, failures = check(QUEUE, {"delaySeconds": value})
    assert failures == {"delaySeconds": "expected a whole number"}


def test_numbers_and_flags_become_texts_where_a_text_is_wanted() -> None:
    inputs = checked(FUNCTION, environment={"variables": {"HOURS": 5, "HALF": 0.5, "ON": True}})
    assert inputs["environment"] == {"variables": {"HOURS": "5", "HALF": "0.5", "ON": "true"}}


def test_a_policy_may_be_given_as_an_object() -> None:
    document = {"Version": "2012-10-17", "Statement": []}
    assert json.loads(checked(ROLE_TYPE, assumeRolePolicy=document)["assumeRolePolicy"]) == document


def test_defaults_are_those_of_the_real_provider() -> None:
    inputs = checked(QUEUE)
    assert {name: value for name, value in inputs.items() if name not in ("name", "region")} == {
        "delaySeconds": 0,
        "maxMessageSize": 262_144,
        "messageRetentionSeconds": 345_600,
        "receiveWaitTimeSeconds": 0,
        "visibilityTimeoutSeconds": 30,
        "tagsAll": {},
        "__defaults": [
            "delaySeconds",
            "maxMessageSize",
            "messageRetentionSeconds",
            "name",
            "receiveWaitTimeSeconds",
            "region",
            "visibilityTimeoutSeconds",
        ],
    }


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (SECRET, {"recoveryWindowInDays": 30, "forceOverwriteReplicaSecret": False}),
        (ROLE_TYPE, {"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False}),
        (LOGS, {"retentionInDays": 0, "skipDestroy": False}),
        (
            FUNCTION,
            {
                "memorySize": 128,
                "timeout": 3,
                "packageType": "Zip",
                "publish": False,
                "reservedConcurrentExecutions": -1,
                "skipDestroy": False,
            },
        ),
        (MAPPING, {"enabled": True}),
        (FAILURES, {"maximumRetryAttempts": 2}),
        (INVOCATION, {"lifecycleScope": "CREATE_ONLY", "qualifier": "$LATEST", "terraformKey": "tf"}),
        (SCHEDULE, {"state": "ENABLED", "scheduleExpressionTimezone": "UTC"}),
        (ALARM, {"actionsEnabled": True, "treatMissingData": "missing"}),
    ],
)
def test_every_type_gets_the_real_providers_defaults(token: str, expected: Any) -> None:
    inputs = checked(token)
    assert {name: inputs[name] for name in expected} == expected
    assert set(inputs["__defaults"]) >= set(expected)


def test_nested_defaults_are_filled_in() -> None:
    inputs = checked(SCHEDULE, target={**TARGET, "retryPolicy": {"maximumRetryAttempts": 0}})
    assert inputs["target"]["retryPolicy"] == {"maximumRetryAttempts": 0, "maximumEventAgeInSeconds": 86_400}


@pytest.mark.parametrize("token", [token for token in MINIMAL if kind(token).spec.autoname])
def test_a_missing_name_is_made(token: str) -> None:
    inputs = checked(token)
    lead = "alias/" if token == ALIAS else ""
    assert re.fullmatch(rf"{lead}thing-[0-9a-f]{{7}}", inputs["name"])
    assert "name" in inputs["__defaults"]


def test_a_made_name_is_the_same_for_the_same_seed_and_is_kept_later() -> None:
    first, again = checked(QUEUE), checked(QUEUE)
    assert first["name"] == again["name"]
    kept, _ = check(QUEUE, {}, {**first, "name": "thing-0000000"})
    assert kept["name"] == "thing-0000000"


def test_a_name_that_the_program_had_given_is_not_kept_when_it_is_taken_away() -> None:
    given = checked(QUEUE, name="mine")
    inputs, _ = check(QUEUE, {}, given)
    assert inputs["name"] != "mine"


def test_a_given_name_stays_as_it_is() -> None:
    inputs = checked(QUEUE, name="mine")
    assert inputs["name"] == "mine"
    assert "name" not in inputs["__defaults"]


def test_a_made_name_that_would_be_too_long_is_refused() -> None:
    _, failures = check(ROLE_TYPE, minimal(ROLE_TYPE), name="a" * 57)
    assert "plus 7 random chars is longer than maximum length 64" in failures["name"]
    _, failures = check(QUEUE, {}, name="a" * 73)
    assert failures == {"name": "invalid queue name"}


def test_unknown_values_pass() -> None:
    inputs = checked(
        FUNCTION, role=UNKNOWN, timeout=UNKNOWN, environment={"variables": {"A": UNKNOWN}}, tags={"a": UNKNOWN}
    )
    assert inputs["role"] is inputs["timeout"] is inputs["tagsAll"] is UNKNOWN
    assert inputs["environment"] == {"variables": {"A": UNKNOWN}}
    assert checked(SCHEDULE, target=UNKNOWN, flexibleTimeWindow={"mode": UNKNOWN})["target"] is UNKNOWN


def test_code_that_is_not_there_is_refused() -> None:
    code = pulumi.AssetArchive({"a.py": pulumi.FileAsset("/nowhere/a.py")})
    _, failures = check(FUNCTION, minimal(FUNCTION, code=code))
    assert failures == {"code": "cannot read /nowhere/a.py: No such file or directory"}
