"""EventBridge: rules and their targets. Source: ``internal/service/events`` of terraform-provider-aws.

Rules by a pattern only, and targets with the properties that the component uses; others are unknown and refused.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.provider.aws import Aws, says
from sandbox.provider.policy import same_json
from sandbox.provider.resource import Resource
from sandbox.provider.schema import (
    AutoName,
    Spec,
    arn,
    block,
    choice,
    integer,
    json_text,
    longest,
    matching,
    required,
    text,
    text_map,
)
from sandbox.provider.services.tagging import as_list, as_map
from sandbox.provider.values import Props

_GONE = ("ResourceNotFoundException",)
_NAME = matching(r"[0-9A-Za-z_.-]{1,64}", "only alphanumeric characters and _.- allowed, at most 64")
_BUS = matching(
    r"(arn:[\w-]+:events:[\w-]+:\d{12}:event-bus/)?[0-9A-Za-z/_.-]{1,256}", "expected a bus's name or its ARN"
)
_DEFAULT_BUS = "default"
_NOT_YET = says("cannot be assumed by principal", code="ValidationException")


class EventRule(Resource):
    """``aws.cloudwatch.EventRule``; its id is its name, after the bus if that is not the default one."""

    spec = Spec(
        "aws:cloudwatch/eventRule:EventRule",
        props={
            "name": text(_NAME, replaces=True),
            "description": text(longest(512)),
            "eventBusName": text(_BUS, default=_DEFAULT_BUS, replaces=True),
            "eventPattern": required(json_text(same_json)),
            "state": choice("ENABLED", "DISABLED", default="ENABLED"),
        },
        computed={"arn": ()},
        autoname=AutoName(longest=64),
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        name, bus = inputs["name"], inputs["eventBusName"]
        self._put(aws, inputs, Tags=as_list(inputs["tagsAll"]))
        return str(name) if bus == _DEFAULT_BUS else f"{bus}/{name}"

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        bus, name = _parts(resource_id)
        client, doing = aws.client("events"), f"reading cloudwatch.EventRule ({resource_id})"
        found = aws.unless_missing(doing, lambda: client.describe_rule(Name=name, EventBusName=bus), *_GONE)
        if found is None:
            return None
        tags = aws.call(doing, lambda: client.list_tags_for_resource(ResourceARN=found["Arn"]))
        return {
            "arn": found["Arn"],
            "name": found["Name"],
            "description": found.get("Description") or None,
            "eventBusName": bus,
            "eventPattern": found.get("EventPattern"),
            "state": found["State"],
            "tagsAll": as_map(tags.get("Tags", [])),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._put(aws, news)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        bus, name = _parts(resource_id)
        aws.unless_missing(
            f"deleting cloudwatch.EventRule ({resource_id})",
            lambda: aws.client("events").delete_rule(Name=name, EventBusName=bus),
            *_GONE,
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        client, doing = aws.client("events"), f"tagging cloudwatch.EventRule ({resource_id})"
        if drop:
            aws.call(doing, lambda: client.untag_resource(ResourceARN=state["arn"], TagKeys=drop))
        if put:
            aws.call(doing, lambda: client.tag_resource(ResourceARN=state["arn"], Tags=as_list(put)))

    def _put(self, aws: Aws, inputs: Props, **more: Any) -> None:
        aws.call(
            f"putting cloudwatch.EventRule ({inputs['name']})",
            lambda: aws.client("events").put_rule(
                Name=inputs["name"],
                Description=inputs.get("description", ""),
                EventBusName=inputs["eventBusName"],
                EventPattern=inputs["eventPattern"],
                State=inputs["state"],
                **more,
            ),
        )


class EventTarget(Resource):
    """``aws.cloudwatch.EventTarget``; its id is made of the bus, unless it is the default one, rule and target id."""

    spec = Spec(
        "aws:cloudwatch/eventTarget:EventTarget",
        props={
            "rule": text(_NAME, required=True, replaces=True),
            "eventBusName": text(_BUS, default=_DEFAULT_BUS, replaces=True),
            "targetId": text(_NAME, computed=True, replaces=True),
            "arn": text(arn, required=True),
            "roleArn": text(arn),
            "inputTransformer": block({"inputPaths": text_map(), "inputTemplate": text(longest(8192), required=True)}),
            "deadLetterConfig": block({"arn": required(text(arn))}),
            "retryPolicy": block(
                {"maximumEventAgeInSeconds": integer(60, 86_400), "maximumRetryAttempts": integer(0, 185)}
            ),
        },
        autoname=None,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        target_id = inputs.get("targetId") or f"terraform-{uuid.uuid4().hex}"
        self._put(aws, inputs, target_id)
        bus = "" if inputs["eventBusName"] == _DEFAULT_BUS else f"{inputs['eventBusName']}|"
        return f"{bus}{inputs['rule']}|{target_id}"

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        bus, rule, target_id = _target_parts(resource_id)
        listed = aws.unless_missing(
            f"reading cloudwatch.EventTarget ({resource_id})",
            lambda: aws.client("events").list_targets_by_rule(Rule=rule, EventBusName=bus),
            *_GONE,
        )
        found = next((each for each in (listed or {}).get("Targets", []) if each["Id"] == target_id), None)
        if found is None:
            return None
        transformer, dead, retry = (found.get(name) for name in ("InputTransformer", "DeadLetterConfig", "RetryPolicy"))
        return {
            "rule": rule,
            "eventBusName": bus,
            "targetId": target_id,
            "arn": found["Arn"],
            "roleArn": found.get("RoleArn"),
            "inputTransformer": {
                "inputPaths": transformer.get("InputPathsMap") or {},
                "inputTemplate": transformer["InputTemplate"],
            }
            if transformer
            else None,
            "deadLetterConfig": {"arn": dead["Arn"]} if dead else None,
            "retryPolicy": {name[0].lower() + name[1:]: value for name, value in retry.items()} if retry else None,
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._put(aws, news, _target_parts(resource_id)[2])

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        bus, rule, target_id = _target_parts(resource_id)
        aws.unless_missing(
            f"deleting cloudwatch.EventTarget ({resource_id})",
            lambda: aws.client("events").remove_targets(Rule=rule, EventBusName=bus, Ids=[target_id]),
            *_GONE,
        )

    def _put(self, aws: Aws, inputs: Props, target_id: str) -> None:
        transformer, dead, retry = (
            inputs.get(name) for name in ("inputTransformer", "deadLetterConfig", "retryPolicy")
        )
        target: dict[str, Any] = {"Id": target_id, "Arn": inputs["arn"]}
        if inputs.get("roleArn"):
            target["RoleArn"] = inputs["roleArn"]
        if transformer:
            target["InputTransformer"] = {
                "InputPathsMap": transformer.get("inputPaths") or {},
                "InputTemplate": transformer["inputTemplate"],
            }
        if dead:
            target["DeadLetterConfig"] = {"Arn": dead["arn"]}
        if retry:
            target["RetryPolicy"] = {name[0].upper() + name[1:]: value for name, value in retry.items()}
        aws.call(
            f"putting cloudwatch.EventTarget ({inputs['rule']})",
            lambda: aws.client("events").put_targets(
                Rule=inputs["rule"], EventBusName=inputs["eventBusName"], Targets=[target]
            ),
            retry=_NOT_YET,
        )


def _parts(rule_id: str) -> tuple[str, str]:
    bus, _, name = rule_id.rpartition("/")
    return bus or _DEFAULT_BUS, name


def _target_parts(target_id: str) -> tuple[str, str, str]:
    *bus, rule, own = target_id.split("|")
    return (bus[0] if bus else _DEFAULT_BUS), rule, own
