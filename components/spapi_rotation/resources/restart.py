"""Services that read a secret at their start: redeployed once after each change of the secret in use.

A rule for each service brings the rotation event to one state machine, without code of ours. That starts itself anew
under a name made of the service and of the version in use: AWS takes a name once within 90 days, so that an event which
comes twice redeploys once.

Sources: Step Functions API reference, StartExecution (names, idempotence); Step Functions developer guide, "AWS SDK
service integrations" (names of errors); ECS API reference, UpdateService; EventBridge user guide, "Input
transformation".
"""

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.errors import InvalidArgument
from spapi_rotation.resources.function import bus_in_region
from spapi_rotation.resources.iam import allow, create_role, deny_plain_text, document, put_policy, trust_policy
from spapi_rotation.resources.queue import RETENTION_SECONDS
from spapi_rotation.scope import Scope, here
from spapi_rotation.validation.arguments import ValidArgs
from spapi_rotation.validation.restart import ValidRestart
from spapi_rotation_lambda.domain.events import RotationEvent, source

RETRY: dict[str, Any] = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 10,
    "BackoffRate": 2,
    "MaxDelaySeconds": 300,
    "MaxAttempts": 8,
}
"""About twenty minutes in all."""

HOPELESS: dict[str, Any] = {
    "ErrorEquals": [
        "Ecs.ClusterNotFoundException",
        "Ecs.InvalidParameterException",
        "Ecs.ServiceNotActiveException",
        "Ecs.ServiceNotFoundException",
    ],
    "MaxAttempts": 0,
}
"""What no further try mends."""


def machine_definition() -> dict[str, Any]:
    """The state machine: started by an event it starts itself once for each name, and then redeploys."""
    return {
        "Comment": "SP-API secret rotation: redeploys an ECS service, once for each version in use.",
        "StartAt": "Once",
        "States": {
            "Once": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.name", "IsPresent": True, "Next": "Start"}],
                "Default": "Redeploy",
            },
            "Start": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:sfn:startExecution",
                "Parameters": {
                    "StateMachineArn.$": "$$.StateMachine.Id",
                    "Name.$": "$.name",
                    # A text: only the optimized integration turns an object into one.
                    "Input.$": "States.JsonToString($.service)",
                },
                "Retry": [{"ErrorEquals": ["Sfn.ExecutionAlreadyExistsException"], "MaxAttempts": 0}, RETRY],
                "Catch": [{"ErrorEquals": ["Sfn.ExecutionAlreadyExistsException"], "Next": "Done"}],
                "End": True,
            },
            "Redeploy": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:ecs:updateService",
                "Parameters": {"Cluster.$": "$.cluster", "Service.$": "$.arn", "ForceNewDeployment": True},
                "ResultPath": None,
                "Retry": [HOPELESS, RETRY],
                "End": True,
            },
            "Done": {"Type": "Succeed"},
        },
    }


def event_pattern(identity: str, restart: ValidRestart) -> dict[str, Any]:
    """Which events redeploy a service."""
    which = {"detail": {"client_id": list(restart.client_ids)}} if restart.client_ids else {}
    return {"source": [source(identity)], "detail-type": [RotationEvent.DETAIL_TYPE], **which}


def digits_of(name: str) -> str:
    """What tells services apart where names must be short: those of executions, and those that Pulumi lengthens."""
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def start_input(name: str, service_arn: str) -> str:
    """What the state machine gets: EventBridge puts the version in use in."""
    cluster = service_arn.split("/")[1]
    return json.dumps({"name": f"<version>-{digits_of(name)}", "service": {"cluster": cluster, "arn": service_arn}})


@dataclass(frozen=True, slots=True)
class Restart:
    """What redeploys.

    Attributes:
        machine: the state machine.
        not_started: where an event goes that could not start it.
    """

    machine: aws.sfn.StateMachine
    not_started: aws.sqs.Queue


def create_restart(scope: Scope, args: ValidArgs) -> Restart | None:
    """Make the state machine, its role, and a rule for each service; nothing if there are no services.

    Raises:
        InvalidArgument: from the outputs, during the preview: a service or the bus lies elsewhere.
    """
    if not args.restart:
        return None
    arns = {each.name: here(scope, each.service_arn, f"restart.{each.name}.service_arn") for each in args.restart}
    role = create_role(
        scope,
        args.roles,
        "restart-role",
        description="SP-API secret rotation: the redeployments.",
        trust=_trust(scope, "states", "stateMachine:*"),
    )
    machine = aws.sfn.StateMachine(
        f"{scope.name}-restart",
        role_arn=role.arn,
        definition=json.dumps(machine_definition()),
        tags=scope.tags,
        opts=scope.options(),
    )
    policy = put_policy(
        scope,
        "restart-policy",
        role,
        document(
            allow("Redeploy", ("ecs:UpdateService",), list(arns.values())),
            allow("StartOnce", ("states:StartExecution",), machine.arn),
        ),
    )
    rule_role = create_role(
        scope,
        args.roles,
        "restart-rule-role",
        description="SP-API secret rotation: the rules of the redeployments.",
        trust=_trust(scope, "events", "rule/*"),
    )
    start = document(allow("Start", ("states:StartExecution",), machine.arn))
    rule_policy = put_policy(scope, "restart-rule-policy", rule_role, start)
    bus = _own_bus(scope, args)
    rules = {
        each.name: aws.cloudwatch.EventRule(
            f"{scope.name}-restart-{digits_of(each.name)}",
            event_bus_name=bus,
            description=f"Redeploys {each.name} when another secret is in use.",
            event_pattern=json.dumps(event_pattern(scope.identity, each)),
            tags=scope.tags,
            opts=scope.options(),
        )
        for each in args.restart
    }
    not_started, may_send = _not_started(scope, [rule.arn for rule in rules.values()])
    for each in args.restart:
        aws.cloudwatch.EventTarget(
            f"{scope.name}-restart-{digits_of(each.name)}-target",
            rule=rules[each.name].name,
            event_bus_name=bus,
            arn=machine.arn,
            role_arn=rule_role.arn,
            input_transformer={
                "input_paths": {"version": "$.detail.version_id"},
                "input_template": arns[each.name].apply(partial(start_input, each.name)),
            },
            dead_letter_config={"arn": not_started.arn},
            opts=scope.options(depends_on=[policy, rule_policy, may_send]),
        )
    return Restart(machine, not_started)


def _not_started(scope: Scope, rules: list[pulumi.Output[str]]) -> tuple[aws.sqs.Queue, aws.sqs.QueuePolicy]:
    """The queue for events that could not start the state machine. They hold no secret.

    SQS encrypts it by its own key: EventBridge tells a customer-managed one neither account nor rule, so that the
    component's key would have to let EventBridge in for everybody.
    """
    queue = aws.sqs.Queue(
        f"{scope.name}-restart-queue",
        message_retention_seconds=RETENTION_SECONDS,
        sqs_managed_sse_enabled=True,
        tags=scope.tags,
        opts=scope.options(),
    )
    send = {
        "Sid": "AllowOwnRules",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue.arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
    }
    policy = aws.sqs.QueuePolicy(
        f"{scope.name}-restart-queue-policy",
        queue_url=queue.url,
        policy=pulumi.Output.json_dumps(document(send, deny_plain_text("sqs:*", queue.arn))),
        opts=scope.options(),
    )
    return queue, policy


def _trust(scope: Scope, service: str, on_behalf_of: str) -> dict[str, Any]:
    """A service may take the role for something of its own in this account and region."""
    source = scope.arn(service, on_behalf_of)
    condition = {"StringEquals": {"aws:SourceAccount": scope.account_id}, "ArnLike": {"aws:SourceArn": source}}
    return trust_policy(f"{service}.amazonaws.com", condition)


def _own_bus(scope: Scope, args: ValidArgs) -> pulumi.Output[str] | None:
    """The component's bus; None for the default one. Rules can be made in one's own account only."""
    if args.event_bus_arn is None:
        return None

    def own(both: list[str]) -> str:
        arn, account = str(both[0]), str(both[1])
        if arn.split(":")[4] != account:
            raise InvalidArgument(
                f"event_bus_arn is in the account {arn.split(':')[4]}, and the rules of restart would be made in "
                f"{account}.",
                remedy="Leave restart out and make the rules in the bus's account (docs/consumers.md), or use a bus of "
                "the component's own account.",
            )
        return arn

    return pulumi.Output.all(bus_in_region(scope, args.event_bus_arn), scope.account_id).apply(own)
