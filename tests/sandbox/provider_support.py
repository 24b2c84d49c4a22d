"""Helpers for the tests of the stand-in provider."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.provider.experimental import provider as api

from sandbox.provider import registry
from sandbox.provider.plugin import FullDiffRequest, StandIn
from sandbox.provider.resource import Resource
from sandbox.provider.values import Props, to_plain_map, to_property_map

REGION = "us-east-1"
ACCOUNT = "123456789012"
SEED = b"seed"
ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/role"
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}'
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)

QUEUE = "aws:sqs/queue:Queue"
SECRET = "aws:secretsmanager/secret:Secret"
FUNCTION = "aws:lambda/function:Function"
INVOCATION = "aws:lambda/invocation:Invocation"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
SCHEDULE = "aws:scheduler/schedule:Schedule"
ROLE_TYPE = "aws:iam/role:Role"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
CLUSTER, SERVICE, TASK = "aws:ecs/cluster:Cluster", "aws:ecs/service:Service", "aws:ecs/taskDefinition:TaskDefinition"
MACHINE = "aws:sfn/stateMachine:StateMachine"

MINIMAL: Mapping[str, Mapping[str, Any]] = {
    "aws:kms/key:Key": {},
    "aws:kms/alias:Alias": {"targetKeyId": "a-key"},
    QUEUE: {},
    "aws:sqs/queuePolicy:QueuePolicy": {"queueUrl": "https://127.0.0.1/1/q", "policy": POLICY},
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": {
        "queueUrl": "https://127.0.0.1/1/q",
        "redriveAllowPolicy": '{"redrivePermission":"denyAll"}',
    },
    "aws:sqs/redrivePolicy:RedrivePolicy": {
        "queueUrl": "https://127.0.0.1/1/q",
        "redrivePolicy": '{"maxReceiveCount":1}',
    },
    SECRET: {},
    "aws:secretsmanager/secretPolicy:SecretPolicy": {"secretArn": ARN, "policy": POLICY},
    ROLE_TYPE: {"assumeRolePolicy": TRUST},
    "aws:iam/rolePolicy:RolePolicy": {"role": "role", "policy": POLICY},
    "aws:cloudwatch/logGroup:LogGroup": {},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 1,
        "metricName": "Failures",
        "statistic": "Sum",
    },
    "aws:cloudwatch/dashboard:Dashboard": {"dashboardName": "d", "dashboardBody": '{"widgets":[]}'},
    "aws:sns/topic:Topic": {},
    "aws:sns/topicPolicy:TopicPolicy": {"arn": ARN, "policy": POLICY},
    FUNCTION: {
        "role": ROLE,
        "handler": "handler.handler",
        "runtime": "python3.13",
        "code": pulumi.AssetArchive({"handler.py": pulumi.StringAsset("def handler(event, context): pass\n")}),
    },
    MAPPING: {"eventSourceArn": ARN, "functionName": "function"},
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": {"functionName": "function"},
    INVOCATION: {"functionName": "function", "input": '{"a":1}'},
    "aws:scheduler/scheduleGroup:ScheduleGroup": {},
    RULE: {"eventPattern": '{"source":["mine"]}'},
    TARGET: {"rule": "rule", "arn": ARN},
    MACHINE: {"roleArn": ROLE, "definition": '{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}'},
    CLUSTER: {},
    TASK: {
        "family": "task",
        "containerDefinitions": '[{"name":"main","image":"busybox","memory":64}]',
    },
    SERVICE: {},
    SCHEDULE: {
        "scheduleExpression": "rate(1 hour)",
        "flexibleTimeWindow": {"mode": "OFF"},
        "target": {"arn": ARN, "roleArn": ROLE},
    },
}
"""The least that each type takes."""


def kind(token: str) -> Resource:
    """A type of the stand-in."""
    return registry.find(registry.all_resources(), token)


def urn(token: str, name: str = "thing") -> str:
    """A resource's URN."""
    return f"urn:pulumi:stack::project::{token}::{name}"


def minimal(token: str, **more: Any) -> Props:
    """The least inputs of a type, and more; a value of None takes one away."""
    given = {**MINIMAL[token], **more}
    return {name: value for name, value in given.items() if value is not None}


def check(
    token: str, inputs: Props, olds: Props | None = None, *, name: str = "thing", provider: StandIn | None = None
) -> tuple[Props, dict[str, str]]:
    """Checked inputs and failures by property, from the provider's own method (unconfigured, so without a region)."""
    asked = api.CheckRequest(urn(token, name), to_property_map(olds or {}), to_property_map(inputs), SEED)
    answer = asyncio.run((provider or StandIn()).check(asked))
    failures = {failure.property: failure.reason for failure in answer.failures or ()}
    return to_plain_map(answer.inputs or {}), failures


def checked(token: str, **more: Any) -> Props:
    """Checked inputs without failures."""
    inputs, failures = check(token, minimal(token, **more))
    assert failures == {}
    if "region" in inputs:
        inputs["region"] = REGION
    return inputs


def diff(token: str, state: Props, news: Props, olds: Props | None = None, ignored: tuple[str, ...] = ()) -> Any:
    """The answer of the provider's own diff."""
    asked = FullDiffRequest(urn(token), "an-id", to_property_map(state), to_property_map(news), list(ignored))
    asked.old_inputs = olds
    return asyncio.run(StandIn().diff(asked))
