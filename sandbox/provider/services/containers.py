"""ECS: clusters, task definitions and services. Source: ``internal/service/ecs`` of terraform-provider-aws.

With the properties that a service on Fargate takes; others are unknown and refused. As with the real provider, nothing
waits until a service's tasks run.
"""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.provider.aws import Aws, says
from sandbox.provider.resource import Resource
from sandbox.provider.schema import (
    AutoName,
    Prop,
    Spec,
    arn,
    block,
    choice,
    flag,
    integer,
    json_text,
    longest,
    matching,
    required,
    text,
    text_set,
)
from sandbox.provider.services.tagging import as_small_list, as_small_map
from sandbox.provider.values import Props

_GONE = ("ClusterNotFoundException", "ServiceNotFoundException")
_NAME = matching(r"[A-Za-z0-9_-]{1,255}", "expected letters, digits, hyphens and underscores, at most 255")
_NEW_ROLE = says("unable to assume the role", code="InvalidParameterException")
_DEFAULTS = {"cpu": 0, "essential": True}
"""What ECS adds to a container that does not say it."""


def _same_end(one: str | None, other: str | None) -> bool:
    """An ARN and the name at its end mean the same."""
    return (one or "").rpartition("/")[2] == (other or "").rpartition("/")[2]


def _same_containers(one: Any, other: Any) -> bool:
    """Two lists of containers, without what ECS adds."""
    try:
        first, second = ([_DEFAULTS | each for each in json.loads(text or "[]")] for text in (one, other))
    except (TypeError, ValueError):
        return bool(one == other)
    return first == second


class Cluster(Resource):
    """``aws.ecs.Cluster``; its id is its ARN."""

    spec = Spec(
        "aws:ecs/cluster:Cluster",
        props={"name": text(_NAME, replaces=True)},
        computed={"arn": ()},
        autoname=AutoName(longest=255),
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        made = aws.call(
            f"creating ecs.Cluster ({inputs['name']})",
            lambda: aws.client("ecs").create_cluster(clusterName=inputs["name"], tags=as_small_list(inputs["tagsAll"])),
        )
        return str(made["cluster"]["clusterArn"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = aws.call(
            f"reading ecs.Cluster ({resource_id})",
            lambda: aws.client("ecs").describe_clusters(clusters=[resource_id], include=["TAGS"]),
        )["clusters"]
        if not found or found[0]["status"] == "INACTIVE":
            return None
        has = found[0]
        return {"arn": has["clusterArn"], "name": has["clusterName"], "tagsAll": _tags(aws, has["clusterArn"])}

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        """Nothing of it changes in place."""

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting ecs.Cluster ({resource_id})",
            lambda: aws.client("ecs").delete_cluster(cluster=resource_id),
            *_GONE,
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        _tag(aws, state["arn"], put, drop)


_OF_TASKS: dict[str, Prop] = {
    "family": required(text(_NAME, replaces=True)),
    "containerDefinitions": required(json_text(_same_containers, replaces=True)),
    "cpu": text(matching(r"\d+", "expected a number"), replaces=True),
    "executionRoleArn": text(arn, replaces=True),
    "memory": text(matching(r"\d+", "expected a number"), replaces=True),
    "networkMode": choice("awsvpc", "bridge", "host", "none", computed=True, replaces=True),
    "requiresCompatibilities": text_set(replaces=True),
    "taskRoleArn": text(arn, replaces=True),
}


class TaskDefinition(Resource):
    """``aws.ecs.TaskDefinition``; its id is its family. A change makes a new revision."""

    spec = Spec(
        "aws:ecs/taskDefinition:TaskDefinition",
        props=_OF_TASKS,
        computed={"arn": (), "arnWithoutRevision": (), "revision": ()},
        autoname=None,
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        asked = {name: inputs[name] for name in _OF_TASKS if name in inputs}
        asked["containerDefinitions"] = json.loads(inputs["containerDefinitions"])
        made = aws.call(
            f"creating ecs.TaskDefinition ({inputs['family']})",
            lambda: aws.client("ecs").register_task_definition(**asked, tags=as_small_list(inputs["tagsAll"])),
        )
        return str(made["taskDefinition"]["family"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        has = aws.call(
            f"reading ecs.TaskDefinition ({resource_id})",
            lambda: aws.client("ecs").describe_task_definition(taskDefinition=prior.get("arn") or resource_id),
        )["taskDefinition"]
        if has["status"] == "INACTIVE":
            return None
        seen = {name: has.get(name) or None for name in _OF_TASKS}
        its_arn = has["taskDefinitionArn"]
        return seen | {
            "containerDefinitions": json.dumps(has["containerDefinitions"]),
            "arn": its_arn,
            "arnWithoutRevision": its_arn.rpartition(":")[0],
            "revision": has["revision"],
            "tagsAll": _tags(aws, its_arn),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        """Nothing of it changes in place."""

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.call(
            f"deleting ecs.TaskDefinition ({resource_id})",
            lambda: aws.client("ecs").deregister_task_definition(taskDefinition=state["arn"]),
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        _tag(aws, state["arn"], put, drop)


class Service(Resource):
    """``aws.ecs.Service``; its id is its ARN."""

    spec = Spec(
        "aws:ecs/service:Service",
        props={
            "name": text(_NAME, replaces=True),
            "cluster": text(longest(2048), computed=True, replaces=True, same=_same_end),
            "desiredCount": integer(0, default=0),
            "launchType": choice("EC2", "EXTERNAL", "FARGATE", computed=True, replaces=True),
            "networkConfiguration": block(
                {
                    "assignPublicIp": flag(computed=True),
                    "securityGroups": text_set(),
                    "subnets": required(text_set()),
                }
            ),
            "taskDefinition": text(longest(2048), same=_same_end),
        },
        computed={"arn": ()},
        autoname=AutoName(longest=255),
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        extra = {name: inputs[name] for name in ("cluster", "launchType") if inputs.get(name)}
        made = aws.call(
            f"creating ecs.Service ({inputs['name']})",
            lambda: aws.client("ecs").create_service(
                serviceName=inputs["name"], **_changeable(inputs), **extra, tags=as_small_list(inputs["tagsAll"])
            ),
            retry=_NEW_ROLE,
        )
        return str(made["service"]["serviceArn"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = aws.unless_missing(
            f"reading ecs.Service ({resource_id})",
            lambda: aws.client("ecs").describe_services(
                cluster=prior.get("cluster") or resource_id.split("/")[-2], services=[resource_id]
            ),
            *_GONE,
        )
        has = found["services"][0] if found and found["services"] else None
        if has is None or has["status"] == "INACTIVE":
            return None
        network = (has.get("networkConfiguration") or {}).get("awsvpcConfiguration")
        return {
            "arn": has["serviceArn"],
            "name": has["serviceName"],
            "cluster": has["clusterArn"],
            "desiredCount": has["desiredCount"],
            "launchType": has["launchType"],
            "networkConfiguration": {
                "assignPublicIp": network.get("assignPublicIp") == "ENABLED",
                "securityGroups": network.get("securityGroups"),
                "subnets": network["subnets"],
            }
            if network
            else None,
            "taskDefinition": has["taskDefinition"],
            "tagsAll": _tags(aws, has["serviceArn"]),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        aws.call(
            f"updating ecs.Service ({resource_id})",
            lambda: aws.client("ecs").update_service(
                cluster=state["cluster"], service=resource_id, **_changeable(news)
            ),
            retry=_NEW_ROLE,
        )

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        client, doing, cluster = aws.client("ecs"), f"deleting ecs.Service ({resource_id})", state["cluster"]
        if state["desiredCount"]:
            aws.unless_missing(
                doing, lambda: client.update_service(cluster=cluster, service=resource_id, desiredCount=0), *_GONE
            )
        aws.unless_missing(doing, lambda: client.delete_service(cluster=cluster, service=resource_id), *_GONE)

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        _tag(aws, state["arn"], put, drop)


def _changeable(inputs: Props) -> dict[str, Any]:
    asked = {"desiredCount": inputs["desiredCount"]}
    if inputs.get("taskDefinition"):
        asked["taskDefinition"] = inputs["taskDefinition"]
    if network := inputs.get("networkConfiguration"):
        given = {name: network[name] for name in ("subnets", "securityGroups") if network.get(name)}
        public = "ENABLED" if network.get("assignPublicIp") else "DISABLED"
        asked["networkConfiguration"] = {"awsvpcConfiguration": {**given, "assignPublicIp": public}}
    return asked


def _tags(aws: Aws, resource_arn: str) -> dict[str, str]:
    found = aws.call(
        f"reading tags of {resource_arn}",
        lambda: aws.client("ecs").list_tags_for_resource(resourceArn=resource_arn),
    )
    return as_small_map(found.get("tags", []))


def _tag(aws: Aws, resource_arn: str, put: Mapping[str, str], drop: list[str]) -> None:
    client, doing = aws.client("ecs"), f"tagging {resource_arn}"
    if drop:
        aws.call(doing, lambda: client.untag_resource(resourceArn=resource_arn, tagKeys=drop))
    if put:
        aws.call(doing, lambda: client.tag_resource(resourceArn=resource_arn, tags=as_small_list(put)))
