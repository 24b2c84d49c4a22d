"""The regular check of each application: one EventBridge Scheduler schedule, all in one group."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.existing import EncryptionKey
from spapi_rotation.resources.iam import allow, create_role, document, put_policy, trust_policy
from spapi_rotation.resources.leaving import (
    DISABLED,
    ENABLED,
    leaving_options,
    merged,
    say_what_stays,
    stop_while_in_flight,
)
from spapi_rotation.resources.queue import Queues
from spapi_rotation.scope import Scope
from spapi_rotation.validation.applications import ValidApplication
from spapi_rotation.validation.inputs import MaybeOutput
from spapi_rotation.validation.own_parts import ValidRoles
from spapi_rotation_lambda.settings import Action

FLEXIBLE_WINDOW_MINUTES = 15
"""Spreads the checks of a fleet; well below the shortest interval of an hour."""

RETRY_ATTEMPTS = 10
RETRY_AGE_SECONDS = 3600
"""How long Scheduler tries to hand a check over. The next one follows within 1 to 24 hours."""

SCHEDULED_TIME, SCHEDULE_ARN = "<aws.scheduler.scheduled-time>", "<aws.scheduler.schedule-arn>"
"""Replaced by Scheduler. Source: Scheduler guide, "Adding context attributes"."""


def rate(hours: int) -> str:
    """The schedule expression of every so many hours; the unit is singular for one."""
    return f"rate({hours} {'hour' if hours == 1 else 'hours'})"


def check_input(application: ValidApplication) -> str:
    """The event that the function gets."""
    return json.dumps(
        {
            "action": Action.CHECK.value,
            "application": application.name,
            "client_id": application.client_id,
            "scheduled_at": SCHEDULED_TIME,
            "schedule_arn": SCHEDULE_ARN,
        }
    )


def schedule_policy(
    *, function_arn: pulumi.Input[str], operations_queue_arn: pulumi.Input[str], key_arn: pulumi.Input[str]
) -> dict[str, Any]:
    """What the schedules may do: call the function, and report what could not be handed over."""
    return document(
        allow("Check", ("lambda:InvokeFunction",), function_arn),
        allow("ReportFailure", ("sqs:SendMessage",), operations_queue_arn),
        allow("EncryptReport", ("kms:Decrypt", "kms:GenerateDataKey"), key_arn),
    )


def create_group(scope: Scope) -> aws.scheduler.ScheduleGroup:
    """Make the group of all schedules."""
    return aws.scheduler.ScheduleGroup(f"{scope.name}-schedules", tags=scope.tags, opts=scope.options())


def create_schedules(
    scope: Scope,
    applications: Sequence[ValidApplication],
    *,
    group: aws.scheduler.ScheduleGroup,
    every_hours: MaybeOutput[int],
    function: aws.lambda_.Function,
    queues: Queues,
    key: EncryptionKey,
    secret_arns: Mapping[str, pulumi.Output[str]],
    roles: ValidRoles,
) -> dict[str, aws.scheduler.Schedule]:
    """Make the role that only this group may take, and one schedule per application (by its name)."""
    role = create_role(
        scope,
        roles,
        "schedule-role",
        description="SP-API secret rotation: the schedules.",
        trust=trust_policy(
            "scheduler.amazonaws.com",
            {"StringEquals": {"aws:SourceAccount": scope.account_id, "aws:SourceArn": group.arn}},
        ),
    )
    policy = schedule_policy(function_arn=function.arn, operations_queue_arn=queues.operations.arn, key_arn=key.arn)
    role_policy = put_policy(scope, "schedule-policy", role, policy)
    for application in applications:
        if application.retired:
            say_what_stays(scope, application, secret_arns[application.name])
    expression = pulumi.Output.from_input(every_hours).apply(rate)
    return {
        application.name: aws.scheduler.Schedule(
            f"{scope.name}-schedule-{application.suffix}",
            # Given, not generated: it is unique in its own group, and a generated one could grow too long.
            name=application.suffix,
            group_name=group.name,
            description=f"Checks {application.client_id}.",
            schedule_expression=expression,
            state=DISABLED if application.retired else ENABLED,
            flexible_time_window={
                "mode": "FLEXIBLE",
                "maximum_window_in_minutes": FLEXIBLE_WINDOW_MINUTES,
            },
            target={
                "arn": function.arn,
                "role_arn": role.arn,
                "input": check_input(application),
                "retry_policy": {
                    "maximum_retry_attempts": RETRY_ATTEMPTS,
                    "maximum_event_age_in_seconds": RETRY_AGE_SECONDS,
                },
                "dead_letter_config": {"arn": queues.operations.arn},
            },
            opts=merged(
                scope.options(protected=True, depends_on=[role_policy]),
                leaving_options(application),
                stop_while_in_flight(scope, application, secret_arns[application.name]),
            ),
        )
        for application in applications
    }
