"""The component's resources as a CloudFormation template, which cfn-lint holds against AWS's own resource schemas.

A counterpart says what its resource says. An input that has no place in it is an error here, unless CloudFormation has
none for it: then it is in ``WITHOUT_COUNTERPART``, with the reason.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tests.component.recorder import Recording, Registered
from tests.security.stacks import aws_resources

Counterpart: TypeAlias = "tuple[str, dict[str, Any]]"
"""CloudFormation's type, and its properties."""

WITHOUT_COUNTERPART: Mapping[str, str] = {
    "aws:lambda/invocation:Invocation": "It calls the function; CloudFormation has no such resource.",
    "aws:sqs/redrivePolicy:RedrivePolicy": "It is about a queue of the user's, which has no counterpart.",
    "aws:secretsmanager/secret:Secret.recoveryWindowInDays": "It is about the deletion.",
}
"""Types and properties that CloudFormation does not know."""

_INTO_OTHERS = frozenset(
    {"aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "aws:cloudwatch/eventTarget:EventTarget", *WITHOUT_COUNTERPART}
)
"""Types whose counterpart is a part of another resource's."""

_JSON = frozenset({"policy", "assumeRolePolicy", "redrivePolicy", "redriveAllowPolicy", "eventPattern"})
"""Inputs that are JSON in a text, and an object in CloudFormation."""

_SAME = frozenset({"variables", "inputPaths"})
"""Inputs whose keys are the user's."""


class NoCounterpart(LookupError):
    """A resource or an input has no place in a template."""


def template(recording: Recording) -> dict[str, Any]:
    """The template with a counterpart of every resource that AWS gets.

    Raises:
        NoCounterpart: of a resource, or one of its inputs, it is not known what its counterpart is.
    """
    resources = aws_resources(recording)
    counterparts = {
        _logical(each.name): {"Type": kind, **_when_it_goes(each), "Properties": properties}
        for each in resources
        if each.type not in _INTO_OTHERS
        for kind, properties in [_counterpart(each)]
    }
    _add_parts(resources, counterparts)
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": counterparts}


def _when_it_goes(resource: Registered) -> dict[str, str]:
    """Whether losing the resource is refused, or it is left where it is; CloudFormation has one word for both."""
    policy = "Retain" if resource.protect or resource.retained else "Delete"
    return {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}


def _add_parts(resources: list[Registered], counterparts: dict[str, Any]) -> None:
    """Put what CloudFormation has inside of another resource there."""
    by = {str(each.outputs[name]): each for each in resources for name in ("url", "name") if name in each.outputs}
    for each in resources:
        inputs = dict(each.inputs)
        if each.type == "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy":
            queue = counterparts[_logical(by[inputs["queueUrl"]].name)]
            queue["Properties"]["RedriveAllowPolicy"] = json.loads(inputs["redriveAllowPolicy"])
        elif each.type == "aws:cloudwatch/eventTarget:EventTarget":
            rule = counterparts[_logical(by[inputs.pop("rule")].name)]
            inputs.pop("eventBusName", None)
            renamed = {"inputPaths": "InputPathsMap"}
            target = {"Id": each.name, **_properties(inputs, renamed)}
            rule["Properties"].setdefault("Targets", []).append(target)


def _counterpart(resource: Registered) -> Counterpart:
    make = _COUNTERPARTS.get(resource.type)
    if make is None:
        raise NoCounterpart(f"{resource.type} ({resource.name}) has no counterpart.")
    inputs = {
        name: value for name, value in resource.inputs.items() if f"{resource.type}.{name}" not in WITHOUT_COUNTERPART
    }
    return make(resource, inputs)


def _plain(kind: str, *, named: str = "", **renamed: str) -> Callable[[Registered, dict[str, Any]], Counterpart]:
    """A counterpart whose properties are the inputs, with other names for some.

    Args:
        named: the property that holds the resource's name, if Pulumi makes one.
    """

    def make(resource: Registered, inputs: dict[str, Any]) -> Counterpart:
        name = {named: resource.outputs["name"]} if named else {}
        return kind, {**name, **_properties(inputs, renamed)}

    return make


def _properties(inputs: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    return {renamed.get(name, _pascal(name)): _value(name, value, renamed) for name, value in inputs.items()}


def _value(name: str, value: Any, renamed: Mapping[str, str]) -> Any:
    if name in _JSON:
        return json.loads(value)
    if name in _SAME:
        return value
    match name, value:
        case "tags", dict():
            return [{"Key": key, "Value": text} for key, text in value.items()]
        case "dimensions", dict():
            return [{"Name": key, "Value": text} for key, text in value.items()]
        case _, dict():
            return _properties(value, renamed)
        case _, list():
            return [_value("", each, renamed) for each in value]
        case _, str() | int() | float() | bool():
            return value
    raise NoCounterpart(f"{name} is {type(value).__name__}.")


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def _logical(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-"))


def _alias(resource: Registered, inputs: dict[str, Any]) -> Counterpart:
    name = inputs.pop("name", f"alias/{resource.outputs['name']}")
    return "AWS::KMS::Alias", {"AliasName": name, **_properties(inputs, {})}


def _role_policy(resource: Registered, inputs: dict[str, Any]) -> Counterpart:
    name = inputs.pop("name", resource.outputs["name"])
    renamed = {"role": "RoleName", "policy": "PolicyDocument"}
    return "AWS::IAM::RolePolicy", {"PolicyName": name, **_properties(inputs, renamed)}


def _queue_policy(_resource: Registered, inputs: dict[str, Any]) -> Counterpart:
    queues = [inputs.pop("queueUrl")]
    return "AWS::SQS::QueuePolicy", {"Queues": queues, **_properties(inputs, {"policy": "PolicyDocument"})}


def _topic_policy(_resource: Registered, inputs: dict[str, Any]) -> Counterpart:
    topics = [inputs.pop("arn")]
    return "AWS::SNS::TopicPolicy", {"Topics": topics, **_properties(inputs, {"policy": "PolicyDocument"})}


def _function(resource: Registered, inputs: dict[str, Any]) -> Counterpart:
    del inputs["code"]
    code = {"S3Bucket": "bucket", "S3Key": "function.zip"}
    name = resource.outputs["name"]
    return "AWS::Lambda::Function", {"FunctionName": name, "Code": code, **_properties(inputs, {})}


def _function_events(_resource: Registered, inputs: dict[str, Any]) -> Counterpart:
    return "AWS::Lambda::EventInvokeConfig", {"Qualifier": "$LATEST", **_properties(inputs, {})}


def _alarm(_resource: Registered, inputs: dict[str, Any]) -> Counterpart:
    queries = inputs.pop("metricQueries", [])
    properties = _properties(inputs, {"name": "AlarmName"})
    if queries:
        properties["Metrics"] = [_query(dict(each)) for each in queries]
    return "AWS::CloudWatch::Alarm", properties


def _query(query: dict[str, Any]) -> dict[str, Any]:
    metric = dict(query.pop("metric", {}))
    made = _properties(query, {})
    if metric:
        outside = {name: metric.pop(name) for name in ("stat", "period", "unit") if name in metric}
        made["MetricStat"] = {"Metric": _properties(metric, {}), **_properties(outside, {})}
    return made


_COUNTERPARTS: Mapping[str, Callable[[Registered, dict[str, Any]], Counterpart]] = {
    "aws:cloudwatch/dashboard:Dashboard": _plain("AWS::CloudWatch::Dashboard"),
    "aws:cloudwatch/eventRule:EventRule": _plain("AWS::Events::Rule", named="Name"),
    "aws:cloudwatch/logGroup:LogGroup": _plain("AWS::Logs::LogGroup", name="LogGroupName"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:iam/role:Role": _plain("AWS::IAM::Role", named="RoleName", assumeRolePolicy="AssumeRolePolicyDocument"),
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:kms/alias:Alias": _alias,
    "aws:kms/key:Key": _plain("AWS::KMS::Key", policy="KeyPolicy", deletionWindowInDays="PendingWindowInDays"),
    "aws:lambda/eventSourceMapping:EventSourceMapping": _plain("AWS::Lambda::EventSourceMapping"),
    "aws:lambda/function:Function": _function,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _function_events,
    "aws:scheduler/schedule:Schedule": _plain("AWS::Scheduler::Schedule"),
    "aws:scheduler/scheduleGroup:ScheduleGroup": _plain("AWS::Scheduler::ScheduleGroup", named="Name"),
    "aws:secretsmanager/secret:Secret": _plain("AWS::SecretsManager::Secret", replicas="ReplicaRegions"),
    "aws:secretsmanager/secretPolicy:SecretPolicy": _plain(
        "AWS::SecretsManager::ResourcePolicy", secretArn="SecretId", policy="ResourcePolicy"
    ),
    "aws:sfn/stateMachine:StateMachine": _plain(
        "AWS::StepFunctions::StateMachine", named="StateMachineName", definition="DefinitionString"
    ),
    "aws:sns/topic:Topic": _plain("AWS::SNS::Topic", named="TopicName"),
    "aws:sns/topicPolicy:TopicPolicy": _topic_policy,
    "aws:sqs/queue:Queue": _plain(
        "AWS::SQS::Queue",
        named="QueueName",
        messageRetentionSeconds="MessageRetentionPeriod",
        visibilityTimeoutSeconds="VisibilityTimeout",
    ),
    "aws:sqs/queuePolicy:QueuePolicy": _queue_policy,
}
