"""The queue that Amazon sends new secrets to, and the three queues for what the function cannot handle."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.resources.iam import deny_plain_text, document
from spapi_rotation.scope import Scope
from spapi_rotation_lambda.domain.sender_policy import queue_statement

RETENTION_SECONDS = 14 * 24 * 3600
"""The longest that SQS allows. The old secret lives 7 days after a rotation, SQS's default is 4."""

MAX_RECEIVE_COUNT = 240
"""Deliveries before a message goes to the dead-letter queue: a day's, so that an outage of a day needs no person."""

VISIBILITY_SECONDS = 360
"""After this a message that was not taken comes again: twice the function's timeout. The Lambda guide asks for no less
than that timeout and recommends six times it, against throttling that uses deliveries up; here there are plenty."""


@dataclass(frozen=True, slots=True)
class Queues:
    """The four queues.

    Attributes:
        destination: where Amazon sends; its ARN is what a developer registers.
        dead_letter: messages that the function could not take; may hold a live secret.
        unclaimed: messages for applications that are not here; may hold a live secret.
        operations: checks and schedules that failed; never holds a secret.
        destination_policy: what lets Amazon send.
    """

    destination: aws.sqs.Queue
    dead_letter: aws.sqs.Queue
    unclaimed: aws.sqs.Queue
    operations: aws.sqs.Queue
    destination_policy: aws.sqs.QueuePolicy


def queue_policy(queue_arn: str, *, from_amazon: bool) -> dict[str, Any]:
    """TLS only, and for the destination queue what Amazon's sender needs; nothing else."""
    own = [queue_statement(queue_arn)] if from_amazon else []
    return document(*own, deny_plain_text("sqs:*", queue_arn))


def create_queues(scope: Scope, *, key: aws.kms.Key, queue_key: aws.kms.Key) -> Queues:
    """Make the four queues and their policies.

    Args:
        key: encrypts the three queues that Amazon does not send to.
        queue_key: encrypts the destination queue. SQS leaves a message that it moves to the dead-letter queue
            encrypted by it. Source: SQS developer guide, "Encryption at rest in Amazon SQS".
    """
    dead_letter = _queue(scope, "dead-letter-queue", key, protected=True)
    destination = _queue(
        scope,
        "queue",
        queue_key,
        protected=True,
        visibility_timeout_seconds=VISIBILITY_SECONDS,
        redrive_policy=pulumi.Output.json_dumps(
            {"deadLetterTargetArn": dead_letter.arn, "maxReceiveCount": MAX_RECEIVE_COUNT}
        ),
    )
    unclaimed = _queue(scope, "unclaimed-queue", key, protected=True)
    operations = _queue(scope, "operations-queue", key, protected=False)
    aws.sqs.RedriveAllowPolicy(
        f"{scope.name}-dead-letter-queue-sources",
        queue_url=dead_letter.url,
        redrive_allow_policy=pulumi.Output.json_dumps(
            {"redrivePermission": "byQueue", "sourceQueueArns": [destination.arn]}
        ),
        opts=scope.options(),
    )
    _policy(scope, "dead-letter-queue", dead_letter, from_amazon=False)
    _policy(scope, "unclaimed-queue", unclaimed, from_amazon=False)
    _policy(scope, "operations-queue", operations, from_amazon=False)
    return Queues(
        destination=destination,
        dead_letter=dead_letter,
        unclaimed=unclaimed,
        operations=operations,
        destination_policy=_policy(scope, "queue", destination, from_amazon=True),
    )


def _queue(
    scope: Scope,
    role: str,
    key: aws.kms.Key,
    *,
    protected: bool,
    visibility_timeout_seconds: int | None = None,
    redrive_policy: pulumi.Input[str] | None = None,
) -> aws.sqs.Queue:
    return aws.sqs.Queue(
        f"{scope.name}-{role}",
        message_retention_seconds=RETENTION_SECONDS,
        visibility_timeout_seconds=visibility_timeout_seconds,
        kms_master_key_id=key.arn,
        redrive_policy=redrive_policy,
        tags=scope.tags,
        opts=scope.options(protected=protected),
    )


def _policy(scope: Scope, role: str, queue: aws.sqs.Queue, *, from_amazon: bool) -> aws.sqs.QueuePolicy:
    return aws.sqs.QueuePolicy(
        f"{scope.name}-{role}-policy",
        queue_url=queue.url,
        policy=pulumi.Output.json_dumps(queue.arn.apply(lambda arn: queue_policy(arn, from_amazon=from_amazon))),
        opts=scope.options(),
    )
