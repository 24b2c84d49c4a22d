"""The CloudWatch alarms: one set for a component, however many applications it has."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.alarm_catalog import ALARM_CATALOG, EVERY_ALARM, AlarmDefinition, Source
from spapi_rotation.resources.existing import EncryptionKey
from spapi_rotation.resources.queue import Queues
from spapi_rotation.resources.restart import Restart
from spapi_rotation.resources.topic import create_topic
from spapi_rotation.scope import Scope
from spapi_rotation.validation.arguments import ValidArgs
from spapi_rotation.validation.inputs import MaybeOutput, in_own_region
from spapi_rotation_lambda.adapters.telemetry import DIMENSION, NAMESPACE

Metrics = tuple[str, Mapping[str, pulumi.Input[str]]]
"""Namespace and dimensions."""


def alarm_topic(scope: Scope, args: ValidArgs, key: EncryptionKey) -> pulumi.Output[str] | None:
    """The ARN of the alarms' topic, which is made unless one is given; None if alarms are switched off.

    Raises:
        InvalidArgument: from the output, during the preview: the given topic lies in another region.
    """
    if not args.alarms:
        return None
    if args.alarm_topic_arn is None:
        return create_topic(scope, key).arn
    remedy = "Use a topic in the component's region, or leave alarm_topic_arn out."
    return in_own_region("alarm_topic_arn", args.alarm_topic_arn, scope.region, remedy)


def create_alarms(
    scope: Scope,
    args: ValidArgs,
    *,
    queues: Queues,
    function: aws.lambda_.Function,
    log_group: aws.cloudwatch.LogGroup,
    topic_arn: pulumi.Output[str] | None,
    restart: Restart | None,
) -> dict[str, aws.cloudwatch.MetricAlarm]:
    """Make the alarms, unless there is no topic. Returns them by name."""
    if topic_arn is None:
        return {}
    sources: dict[Source, Metrics] = {
        Source.OWN: (NAMESPACE, {DIMENSION: scope.identity}),
        Source.QUEUE: ("AWS/SQS", {"QueueName": queues.destination.name}),
        Source.DEAD_LETTER: ("AWS/SQS", {"QueueName": queues.dead_letter.name}),
        Source.UNCLAIMED: ("AWS/SQS", {"QueueName": queues.unclaimed.name}),
        Source.OPERATIONS: ("AWS/SQS", {"QueueName": queues.operations.name}),
        Source.FUNCTION: ("AWS/Lambda", {"FunctionName": function.name}),
    }
    if restart is not None:
        sources[Source.RESTART] = ("AWS/States", {"StateMachineArn": restart.machine.arn})
        sources[Source.RESTART_QUEUE] = ("AWS/SQS", {"QueueName": restart.not_started.name})
    definitions = ALARM_CATALOG if restart is None else EVERY_ALARM
    return {each.name: _alarm(scope, args, each, sources, topic_arn, log_group) for each in definitions}


def _alarm(
    scope: Scope,
    args: ValidArgs,
    alarm: AlarmDefinition,
    sources: Mapping[Source, Metrics],
    topic_arn: pulumi.Output[str],
    log_group: aws.cloudwatch.LogGroup,
) -> aws.cloudwatch.MetricAlarm:
    periods = _periods(alarm, args.check_interval_hours)
    return aws.cloudwatch.MetricAlarm(
        f"{scope.name}-alarm-{alarm.name}",
        # Given, not generated: a notification then names the component, and the policies these alarms.
        name=f"{scope.alarm_prefix}{alarm.name}",
        alarm_description=f"{alarm.description} Runbook: {args.runbook_url}#{alarm.name}",
        evaluation_periods=periods,
        datapoints_to_alarm=periods if alarm.breaches is None else alarm.breaches,
        comparison_operator=alarm.operator.value,
        threshold=args.expiry_alarm_days if alarm.threshold is None else alarm.threshold,
        treat_missing_data=alarm.missing.value,
        alarm_actions=[topic_arn],
        tags=scope.tags,
        opts=scope.options(depends_on=[log_group]),
        **_watched(alarm, sources),
    )


def _watched(alarm: AlarmDefinition, sources: Mapping[Source, Metrics]) -> dict[str, Any]:
    """The one metric of an alarm, or the difference of two."""
    namespace, dimensions = sources[alarm.source]
    if alarm.less is None:
        return {
            "namespace": namespace,
            "metric_name": alarm.metric,
            "dimensions": dimensions,
            "statistic": alarm.statistic,
            "period": alarm.span.period_seconds,
        }
    return {
        "metric_queries": [
            # Where nothing was declined there is no datum, which must not hide the other metric's.
            {"id": "difference", "expression": "watched - FILL(less, 0)", "label": alarm.name, "return_data": True},
            _query("watched", alarm, alarm.metric, sources[alarm.source]),
            _query("less", alarm, alarm.less.value, sources[Source.OWN]),
        ]
    }


def _query(name: str, alarm: AlarmDefinition, metric: str, place: Metrics) -> dict[str, Any]:
    namespace, dimensions = place
    return {
        "id": name,
        "metric": {
            "namespace": namespace,
            "metric_name": metric,
            "dimensions": dimensions,
            "stat": alarm.statistic,
            "period": alarm.span.period_seconds,
        },
    }


def _periods(alarm: AlarmDefinition, check_hours: MaybeOutput[int]) -> MaybeOutput[int]:
    if isinstance(check_hours, pulumi.Output):
        return check_hours.apply(alarm.span.periods)
    return alarm.span.periods(check_hours)
