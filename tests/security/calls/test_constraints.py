"""What botocore does not enforce, and AWS does: each kind of constraint is broken once."""

from typing import Any

import botocore.session
import pytest

from tests.security.calls.constraints import compiled, violations


def broken(service: str, operation: str, parameters: dict[str, Any]) -> list[str]:
    """What a call breaks."""
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    assert model.input_shape is not None
    return sorted(violations(model.input_shape, parameters))


ALARM = {"AlarmName": "a", "EvaluationPeriods": 1, "ComparisonOperator": "LessThanThreshold"}
ROLE = {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}

MISTAKES: list[tuple[str, str, dict[str, Any], str]] = [
    ("scheduler", "GetSchedule", {"Name": "a b"}, r"Name: does not match [0-9a-zA-Z-_.]+"),
    ("scheduler", "GetSchedule", {"Name": "a" * 65}, "Name: 65 characters, and the most is 64"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "ComparisonOperator": "Less"},
     "ComparisonOperator: is none of GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, "
     "LessThanOrEqualToThreshold, LessThanLowerOrGreaterThanUpperThreshold, LessThanLowerThreshold, "
     "GreaterThanUpperThreshold"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "AlarmActions": ["a"] * 6},
     "AlarmActions: 6 entries, and the most is 5"),
    ("lambda", "PutFunctionEventInvokeConfig", {"FunctionName": "f", "MaximumRetryAttempts": 3},
     "MaximumRetryAttempts: 3, and the most is 2"),
    ("secretsmanager", "PutSecretValue", {"SecretId": "s", "ClientRequestToken": "short"},
     "ClientRequestToken: 5 characters, and the least is 32"),
    ("secretsmanager", "PutSecretValue", {"SecretId": "s", "VersionStages": ["x" * 257]},
     "VersionStages[]: 257 characters, and the most is 256"),
    ("sqs", "GetQueueAttributes", {"QueueUrl": "u", "AttributeNames": ["Size"]}, "AttributeNames[]: is none of "),
    ("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Size": "1"}}, "Attributes{key}: is none of "),
    ("iam", "CreateRole", {**ROLE, "Description": "日本"}, "Description: does not match "),
    ("iam", "CreateRole", {**ROLE, "Tags": [{"Key": "a;b", "Value": ""}]}, "Tags[].Key: does not match "),
    ("iam", "CreateRole", {"RoleName": "r"}, "AssumeRolePolicyDocument: is required"),
    ("iam", "CreateRole", {**ROLE, "Colour": "red"}, "Colour: CreateRoleRequest has no such member"),
    ("kms", "Encrypt", {"KeyId": "k", "Plaintext": b"x" * 4097}, "Plaintext: 4097 bytes, and the most is 4096"),
    ("sqs", "CreateQueue", {"QueueName": "q", "tags": []}, "tags: is no map"),
    ("sqs", "CreateQueue", {"QueueName": 1}, "QueueName: is no text"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "Threshold": "high"}, "Threshold: is no number"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "ActionsEnabled": "perhaps"},
     "ActionsEnabled: is neither true nor false"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "parameters", "expected"), MISTAKES, ids=lambda each: str(each)[:30])
def test_a_mistake_is_found_and_named(service: str, operation: str, parameters: dict[str, Any], expected: str) -> None:
    (found,) = broken(service, operation, parameters)
    assert found.startswith(expected)


def test_a_value_is_never_shown() -> None:
    secret = "amzn1.oa2-cs.v1.not-a-secret"
    given = {"SecretId": "s", "SecretString": secret, "ClientRequestToken": secret, "VersionStages": [secret * 10]}
    found = broken("secretsmanager", "PutSecretValue", given)
    assert len(found) == 2
    assert secret not in "".join(found)


def test_what_is_right_is_not_found() -> None:
    assert broken("iam", "CreateRole", {**ROLE, "Tags": [{"Key": "spapi-rotation:Größe", "Value": "日本 1"}]}) == []
    assert broken("cloudwatch", "PutMetricAlarm", {**ALARM, "Threshold": "1.5", "ActionsEnabled": "true"}) == []
    assert broken("kms", "Encrypt", {"KeyId": "k", "Plaintext": "eA=="}) == []


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "Größe 1/日本", "a;b"),
        (r"\p{ASCII}*", "abc", "é"),
        (r"[\w-_]*", "a-b_c", "a.b"),
        (r"[0-9a-zA-Z-_.]+", "a-b", "a b"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "a\U0001f600", "\x01"),
        (r"abc", "abc", "abcd"),
    ],
)
def test_a_pattern_of_java_is_one_of_python(pattern: str, good: str, bad: str) -> None:
    assert compiled(pattern).fullmatch(good)
    assert not compiled(pattern).fullmatch(bad)


@pytest.mark.slow
def test_every_pattern_of_the_services_in_use_can_be_read() -> None:
    services = (
        *("cloudtrail", "cloudwatch", "ec2", "ecs", "events", "iam", "kms", "lambda", "logs"),
        *("scheduler", "secretsmanager", "sns", "sqs", "stepfunctions", "sts"),
    )
    session = botocore.session.get_session()
    patterns = {
        shape.metadata["pattern"]
        for service in services
        for model in [session.get_service_model(service)]
        for shape in map(model.shape_for, model.shape_names)
        if "pattern" in shape.metadata
    }
    assert len(patterns) > 200
    for pattern in patterns:
        compiled(pattern)
