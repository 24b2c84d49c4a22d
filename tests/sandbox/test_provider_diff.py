"""What the stand-in provider updates in place, what it replaces, and what it leaves alone."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.provider import PropertyDiffKind

from sandbox.provider import resource
from sandbox.provider.archive import hash_of
from sandbox.provider.policy import same_json, same_policy
from sandbox.provider.values import UNKNOWN, Props
from tests.sandbox.provider_support import (
    ARN,
    CLUSTER,
    FUNCTION,
    INVOCATION,
    MACHINE,
    MAPPING,
    MINIMAL,
    POLICY,
    QUEUE,
    ROLE,
    ROLE_TYPE,
    RULE,
    SCHEDULE,
    SECRET,
    SERVICE,
    TARGET,
    TASK,
    TRUST,
    checked,
    diff,
    kind,
)

OTHER_ARN = ARN.replace("dead", "other")
OTHER_POLICY = POLICY.replace("SendMessage", "ReceiveMessage")


def state_of(token: str, **more: Any) -> Props:
    """The state after a creation from checked inputs."""
    state = checked(token, **more)
    del state["__defaults"]
    if "tagsAll" in state:
        state["tags"] = dict(state["tagsAll"])
    if token == FUNCTION:
        state[resource.CODE_HASH] = hash_of(state.pop("code"))
    return state


REPLACED = [
    ("aws:kms/alias:Alias", "name", "alias/other"),
    (QUEUE, "name", "other"),
    ("aws:sqs/queuePolicy:QueuePolicy", "queueUrl", "https://127.0.0.1/1/other"),
    ("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "queueUrl", "https://127.0.0.1/1/other"),
    ("aws:sqs/redrivePolicy:RedrivePolicy", "queueUrl", "https://127.0.0.1/1/other"),
    (SECRET, "name", "other"),
    ("aws:secretsmanager/secretPolicy:SecretPolicy", "secretArn", OTHER_ARN),
    (ROLE_TYPE, "name", "other"),
    (ROLE_TYPE, "path", "/other/"),
    ("aws:iam/rolePolicy:RolePolicy", "name", "other"),
    ("aws:iam/rolePolicy:RolePolicy", "role", "other"),
    ("aws:cloudwatch/logGroup:LogGroup", "name", "other"),
    ("aws:cloudwatch/logGroup:LogGroup", "logGroupClass", "INFREQUENT_ACCESS"),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "name", "other"),
    ("aws:cloudwatch/dashboard:Dashboard", "dashboardName", "other"),
    ("aws:sns/topic:Topic", "name", "other"),
    ("aws:sns/topicPolicy:TopicPolicy", "arn", OTHER_ARN),
    (FUNCTION, "name", "other"),
    (MAPPING, "eventSourceArn", OTHER_ARN),
    ("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "functionName", "other"),
    (INVOCATION, "functionName", "other"),
    (INVOCATION, "input", '{"a":2}'),
    (INVOCATION, "qualifier", "2"),
    (INVOCATION, "triggers", {"a": "b"}),
    ("aws:scheduler/scheduleGroup:ScheduleGroup", "name", "other"),
    (RULE, "name", "other"),
    (RULE, "eventBusName", "other"),
    (TARGET, "rule", "other"),
    (TARGET, "eventBusName", "other"),
    (TARGET, "targetId", "other"),
    (CLUSTER, "name", "other"),
    (TASK, "family", "other"),
    (TASK, "containerDefinitions", '[{"name":"main","image":"other"}]'),
    (TASK, "cpu", "256"),
    (TASK, "executionRoleArn", ROLE),
    (TASK, "memory", "512"),
    (TASK, "networkMode", "awsvpc"),
    (TASK, "requiresCompatibilities", ["FARGATE"]),
    (TASK, "taskRoleArn", ROLE),
    (SERVICE, "name", "other"),
    (SERVICE, "cluster", "other"),
    (SERVICE, "launchType", "FARGATE"),
    (MACHINE, "name", "other"),
    (MACHINE, "type", "EXPRESS"),
    (SCHEDULE, "name", "other"),
    (SCHEDULE, "groupName", "other"),
]

UPDATED = [
    ("aws:kms/key:Key", "description", "other"),
    ("aws:kms/key:Key", "deletionWindowInDays", 8),
    ("aws:kms/key:Key", "enableKeyRotation", True),
    ("aws:kms/key:Key", "policy", POLICY),
    ("aws:kms/alias:Alias", "targetKeyId", "other"),
    (QUEUE, "delaySeconds", 1),
    (QUEUE, "kmsDataKeyReusePeriodSeconds", 60),
    (QUEUE, "kmsMasterKeyId", "a-key"),
    (QUEUE, "maxMessageSize", 1024),
    (QUEUE, "messageRetentionSeconds", 60),
    (QUEUE, "receiveWaitTimeSeconds", 1),
    (QUEUE, "redrivePolicy", '{"maxReceiveCount":1}'),
    (QUEUE, "sqsManagedSseEnabled", True),
    (QUEUE, "visibilityTimeoutSeconds", 1),
    ("aws:sqs/queuePolicy:QueuePolicy", "policy", OTHER_POLICY),
    ("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "redriveAllowPolicy", '{"redrivePermission":"allowAll"}'),
    ("aws:sqs/redrivePolicy:RedrivePolicy", "redrivePolicy", '{"maxReceiveCount":2}'),
    (SECRET, "description", "other"),
    (SECRET, "kmsKeyId", "a-key"),
    (SECRET, "recoveryWindowInDays", 0),
    (SECRET, "forceOverwriteReplicaSecret", True),
    (SECRET, "replicas", [{"region": "eu-west-1", "kmsKeyId": "a-key"}]),
    ("aws:secretsmanager/secretPolicy:SecretPolicy", "policy", OTHER_POLICY),
    ("aws:secretsmanager/secretPolicy:SecretPolicy", "blockPublicPolicy", True),
    (ROLE_TYPE, "assumeRolePolicy", TRUST.replace("lambda", "scheduler")),
    (ROLE_TYPE, "description", "other"),
    (ROLE_TYPE, "forceDetachPolicies", True),
    (ROLE_TYPE, "maxSessionDuration", 7200),
    (ROLE_TYPE, "permissionsBoundary", "arn:aws:iam::123456789012:policy/boundary"),
    ("aws:iam/rolePolicy:RolePolicy", "policy", OTHER_POLICY),
    ("aws:cloudwatch/logGroup:LogGroup", "retentionInDays", 7),
    ("aws:cloudwatch/logGroup:LogGroup", "kmsKeyId", "a-key"),
    ("aws:cloudwatch/logGroup:LogGroup", "skipDestroy", True),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "threshold", 2.5),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "alarmActions", [ARN]),
    ("aws:cloudwatch/dashboard:Dashboard", "dashboardBody", '{"widgets":[1]}'),
    ("aws:sns/topic:Topic", "displayName", "other"),
    ("aws:sns/topicPolicy:TopicPolicy", "policy", OTHER_POLICY),
    (FUNCTION, "architectures", ["arm64"]),
    (FUNCTION, "description", "other"),
    (FUNCTION, "environment", {"variables": {"A": "b"}}),
    (FUNCTION, "handler", "other.handler"),
    (FUNCTION, "kmsKeyArn", ARN),
    (FUNCTION, "loggingConfig", {"logFormat": "JSON"}),
    (FUNCTION, "memorySize", 256),
    (FUNCTION, "publish", True),
    (FUNCTION, "reservedConcurrentExecutions", 0),
    (FUNCTION, "role", ROLE + "2"),
    (FUNCTION, "runtime", "python3.12"),
    (FUNCTION, "skipDestroy", True),
    (FUNCTION, "vpcConfig", {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}),
    (FUNCTION, "timeout", 4),
    (FUNCTION, "code", pulumi.AssetArchive({"handler.py": pulumi.StringAsset("other")})),
    (MAPPING, "batchSize", 1),
    (MAPPING, "enabled", False),
    (MAPPING, "functionName", "other"),
    (MAPPING, "functionResponseTypes", ["ReportBatchItemFailures"]),
    (MAPPING, "maximumBatchingWindowInSeconds", 1),
    (MAPPING, "scalingConfig", {"maximumConcurrency": 2}),
    ("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "maximumRetryAttempts", 0),
    ("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "maximumEventAgeInSeconds", 60),
    (INVOCATION, "lifecycleScope", "CRUD"),
    (INVOCATION, "terraformKey", "other"),
    (RULE, "description", "other"),
    (RULE, "eventPattern", '{"source":["other"]}'),
    (RULE, "state", "DISABLED"),
    (TARGET, "arn", OTHER_ARN),
    (TARGET, "roleArn", ROLE),
    (TARGET, "inputTransformer", {"inputPaths": {"a": "$.detail"}, "inputTemplate": "<a>"}),
    (TARGET, "deadLetterConfig", {"arn": ARN}),
    (TARGET, "retryPolicy", {"maximumRetryAttempts": 1}),
    (SERVICE, "desiredCount", 1),
    (SERVICE, "networkConfiguration", {"subnets": ["a-subnet"]}),
    (SERVICE, "taskDefinition", "other:1"),
    (MACHINE, "definition", '{"StartAt":"Other","States":{"Other":{"Type":"Succeed"}}}'),
    (MACHINE, "roleArn", ROLE + "2"),
    (SCHEDULE, "description", "other"),
    (SCHEDULE, "kmsKeyArn", ARN),
    (SCHEDULE, "scheduleExpression", "rate(2 hours)"),
    (SCHEDULE, "scheduleExpressionTimezone", "Europe/Berlin"),
    (SCHEDULE, "state", "DISABLED"),
    (SCHEDULE, "flexibleTimeWindow", {"mode": "FLEXIBLE", "maximumWindowInMinutes": 1}),
    (SCHEDULE, "target", {"arn": OTHER_ARN, "roleArn": ROLE}),
]


@pytest.mark.parametrize("token", MINIMAL)
def test_the_same_inputs_are_no_change(token: str) -> None:
    answer = diff(token, state_of(token), checked(token))
    assert (answer.changes, answer.diffs, answer.replaces) == (False, [], [])


@pytest.mark.parametrize(("token", "prop", "value"), REPLACED)
def test_what_forces_a_replacement(token: str, prop: str, value: Any) -> None:
    answer = diff(token, state_of(token), checked(token, **{prop: value}))
    assert (answer.changes, answer.diffs, answer.replaces) == (True, [prop], [prop])


@pytest.mark.parametrize(("token", "prop", "value"), UPDATED)
def test_what_is_updated_in_place(token: str, prop: str, value: Any) -> None:
    answer = diff(token, state_of(token), checked(token, **{prop: value}))
    assert (answer.changes, answer.diffs, answer.replaces) == (True, [prop], [])


def test_every_property_is_in_one_of_the_two_tables() -> None:
    tables = {(token, prop) for token, prop, _ in (*REPLACED, *UPDATED)}
    replaced = {(token, prop) for token, prop, _ in REPLACED} - {(INVOCATION, "input")}
    for token in MINIMAL:
        for name, prop in kind(token).spec.props.items():
            if prop.replaces and (token, name) != (FUNCTION, "packageType"):
                assert (token, name) in replaced
            if token.startswith(("aws:cloudwatch/metricAlarm", "aws:sns/")) or name in (
                "packageType",
                "destinationConfig",
            ):
                continue
            assert (token, name) in tables


def test_an_invocation_for_every_change_is_updated_and_not_replaced() -> None:
    state = state_of(INVOCATION, lifecycleScope="CRUD")
    answer = diff(INVOCATION, state, checked(INVOCATION, lifecycleScope="CRUD", input='{"a":2}'))
    assert (answer.diffs, answer.replaces) == (["input"], [])


@pytest.mark.parametrize(("name", "first"), [(None, False), ("mine", True)])
def test_a_resource_with_a_given_name_is_deleted_before_it_is_replaced(name: str | None, first: bool) -> None:
    given = {"name": name} if name else {}
    answer = diff(ROLE_TYPE, state_of(ROLE_TYPE, **given), checked(ROLE_TYPE, path="/other/", **given))
    assert answer.replaces == ["path"]
    assert answer.delete_before_replace is first


def test_an_update_in_place_deletes_nothing_first() -> None:
    answer = diff(ROLE_TYPE, state_of(ROLE_TYPE, name="mine"), checked(ROLE_TYPE, name="mine", description="new"))
    assert not answer.delete_before_replace


def test_the_kinds_of_changes_are_told_apart() -> None:
    state = state_of(SECRET, description="old", kmsKeyId="a-key")
    answer = diff(SECRET, state, checked(SECRET, description="new", name="other"))
    kinds = {name: detail.kind for name, detail in answer.detailed_diff.items()}
    assert kinds == {
        "description": PropertyDiffKind.UPDATE,
        "kmsKeyId": PropertyDiffKind.DELETE,
        "name": PropertyDiffKind.UPDATE_REPLACE,
    }
    state.pop("description")
    assert diff(SECRET, state, checked(SECRET, description="new")).detailed_diff["description"].kind is (
        PropertyDiffKind.ADD
    )


def test_drift_is_told_from_a_change_of_the_program() -> None:
    olds = checked(QUEUE)
    drifted = {**state_of(QUEUE), "delaySeconds": 5}
    assert diff(QUEUE, drifted, checked(QUEUE), olds).detailed_diff["delaySeconds"].input_diff is False
    changed = diff(QUEUE, state_of(QUEUE), checked(QUEUE, delaySeconds=5), olds)
    assert changed.detailed_diff["delaySeconds"].input_diff is True


def test_an_unknown_value_is_a_change() -> None:
    answer = diff(QUEUE, state_of(QUEUE), checked(QUEUE, kmsMasterKeyId=UNKNOWN, name=UNKNOWN))
    assert answer.diffs == ["name", "kmsMasterKeyId"]
    assert answer.replaces == ["name"]
    nested = diff(SCHEDULE, state_of(SCHEDULE), checked(SCHEDULE, target={"arn": UNKNOWN, "roleArn": ROLE}))
    assert nested.diffs == ["target"]


def test_what_aws_fills_in_is_not_compared_when_the_program_leaves_it_out() -> None:
    state = {**state_of(QUEUE), "redrivePolicy": "{}", "kmsDataKeyReusePeriodSeconds": 300}
    assert not diff(QUEUE, state, checked(QUEUE)).changes
    state = {**state_of(FUNCTION), "architectures": ["x86_64"], "loggingConfig": {"logFormat": "Text", "logGroup": "a"}}
    assert not diff(FUNCTION, state, checked(FUNCTION)).changes
    given = {"logFormat": "JSON"}
    state = {**state_of(FUNCTION, loggingConfig=given), "loggingConfig": {**given, "logGroup": "a"}}
    assert not diff(FUNCTION, state, checked(FUNCTION, loggingConfig=given)).changes


def test_what_the_program_takes_away_is_a_change() -> None:
    state = state_of(FUNCTION, environment={"variables": {"A": "b"}}, kmsKeyArn=ARN)
    assert diff(FUNCTION, state, checked(FUNCTION)).diffs == ["environment", "kmsKeyArn"]


def test_tags_are_compared_with_the_providers_default_tags() -> None:
    state = {**state_of(QUEUE, tags={"a": "b"}), "tagsAll": {"a": "b", "owner": "platform"}}
    news = {**checked(QUEUE, tags={"a": "b"}), "tagsAll": {"a": "b", "owner": "other"}}
    assert diff(QUEUE, state, news).diffs == ["tagsAll"]


def test_ignored_changes_are_left_alone() -> None:
    answer = diff(QUEUE, state_of(QUEUE), checked(QUEUE, delaySeconds=5, name="other"), ignored=("delaySeconds",))
    assert answer.diffs == ["name"]


def test_the_same_code_from_elsewhere_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("def handler(event, context): pass\n")
    for code in (
        pulumi.AssetArchive({"handler.py": pulumi.FileAsset(str(tmp_path / "handler.py"))}),
        pulumi.FileArchive(str(tmp_path)),
        pulumi.AssetArchive({".": pulumi.FileArchive(str(tmp_path))}),
    ):
        assert not diff(FUNCTION, state_of(FUNCTION), checked(FUNCTION, code=code)).changes


@pytest.mark.parametrize(
    ("token", "prop", "old", "new"),
    [
        (MAPPING, "functionName", "arn:aws:lambda:us-east-1:123456789012:function:f", "f"),
        ("aws:kms/alias:Alias", "targetKeyId", "1234", "arn:aws:kms:us-east-1:123456789012:key/1234"),
        (ROLE_TYPE, "assumeRolePolicy", TRUST, json.dumps(json.loads(TRUST), indent=4)),
    ],
)
def test_two_spellings_of_one_thing_are_no_change(token: str, prop: str, old: str, new: str) -> None:
    assert not diff(token, state_of(token, **{prop: old}), checked(token, **{prop: new})).changes


def statement(**more: Any) -> str:
    """A policy with one statement."""
    base = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sqs:SendMessage", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**base, **more}]})


@pytest.mark.parametrize(
    "other",
    [
        statement(Action=["SQS:SendMessage"]),
        statement(Resource=["*"]),
        statement(Principal={"AWS": ["arn:aws:iam::123456789012:root"]}),
        json.dumps({"Statement": json.loads(statement())["Statement"][0], "Version": "2012-10-17"}),
    ],
)
def test_policies_that_mean_the_same(other: str) -> None:
    assert same_policy(statement(), other)


@pytest.mark.parametrize(
    "other",
    [
        statement(Effect="Deny"),
        statement(Action="sqs:*"),
        statement(Principal={"AWS": "210987654321"}),
        statement(Principal={"Service": "123456789012"}),
        statement(Condition={"Bool": {"aws:SecureTransport": "true"}}),
        json.dumps({"Version": "2012-10-17", "Statement": []}),
        "{",
    ],
)
def test_policies_that_mean_something_else(other: str) -> None:
    assert not same_policy(statement(), other)


def test_the_order_of_statements_and_lists_does_not_matter_in_a_policy_but_does_in_json() -> None:
    one, two = json.loads(statement())["Statement"][0], json.loads(statement(Effect="Deny"))["Statement"][0]
    there, back = ({"Statement": order} for order in ([one, two], [two, one]))
    assert same_policy(json.dumps(there), json.dumps(back))
    assert not same_json(json.dumps(there), json.dumps(back))
    assert same_policy(statement(Action=["a:b", "c:d"]), statement(Action=["c:d", "a:b"]))


def test_a_preview_of_a_creation_knows_what_was_given_and_no_more() -> None:
    planned = resource.planned_create(kind(QUEUE), checked(QUEUE, delaySeconds=5))
    assert planned["delaySeconds"] == 5
    assert planned["arn"] is planned["url"] is planned["redrivePolicy"] is UNKNOWN
    assert "kmsMasterKeyId" not in planned
    assert "__defaults" not in planned


def test_a_preview_of_an_update_keeps_what_the_update_does_not_touch() -> None:
    state = {**state_of(FUNCTION), "arn": ARN, "codeSha256": "a", "version": "$LATEST"}
    same = resource.planned_update(kind(FUNCTION), state, checked(FUNCTION, timeout=9))
    assert (same["arn"], same["codeSha256"], same["timeout"]) == (ARN, "a", 9)
    code = pulumi.AssetArchive({"a.py": pulumi.StringAsset("other")})
    moved = resource.planned_update(kind(FUNCTION), state, checked(FUNCTION, code=code))
    assert moved["codeSha256"] is UNKNOWN
    assert moved["arn"] == ARN
