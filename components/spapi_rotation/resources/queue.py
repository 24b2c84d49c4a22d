"""The queue that Amazon sends new secrets to, and the three queues for what the function cannot handle."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.errors import InvalidArgument
from spapi_rotation.resources.existing import EncryptionKey, as_read, require_access
from spapi_rotation.resources.iam import deny_plain_text, document
from spapi_rotation.scope import Scope, here
from spapi_rotation.validation.inputs import MaybeOutput
from spapi_rotation_lambda.domain.sender_policy import AWS_OWN_KEY, is_aws_own_key, queue_access, queue_statement

RETENTION_SECONDS = 14 * 24 * 3600
"""The longest that SQS allows. The old secret lives 7 days after a rotation, SQS's default is 4."""

MAX_RECEIVE_COUNT = 240
"""Deliveries before a message goes to the dead-letter queue: a day's, so that an outage of a day needs no person."""

FUNCTION_TIMEOUT_SECONDS = 180
"""A request on purpose looks at the queues for 90 seconds, then calls Amazon and AWS with their own timeouts."""

VISIBILITY_SECONDS = 2 * FUNCTION_TIMEOUT_SECONDS
"""After this a message that was not taken comes again. Lambda refuses to read a queue where that is sooner than the
function's timeout, and its guide recommends six times it, against throttling that uses deliveries up; here there are
plenty."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The destination queue, made or the user's."""

    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    name: pulumi.Output[str]


@dataclass(frozen=True, slots=True)
class Queues:
    """The four queues.

    Attributes:
        destination: where Amazon sends; its ARN is what a developer registers.
        dead_letter: messages that the function could not take; may hold a live secret.
        unclaimed: messages for applications that are not here; may hold a live secret.
        operations: checks and schedules that failed; never holds a secret.
        destination_policy: what lets Amazon send; None if the destination queue is the user's.
    """

    destination: Destination
    dead_letter: aws.sqs.Queue
    unclaimed: aws.sqs.Queue
    operations: aws.sqs.Queue
    destination_policy: aws.sqs.QueuePolicy | None


def queue_policy(queue_arn: str, *, from_amazon: bool) -> dict[str, Any]:
    """TLS only, and for the destination queue what Amazon's sender needs; nothing else."""
    own = [queue_statement(queue_arn)] if from_amazon else []
    return document(*own, deny_plain_text("sqs:*", queue_arn))


def create_queues(
    scope: Scope, *, key: EncryptionKey, queue_key: EncryptionKey | None, own: MaybeOutput[str] | None
) -> Queues:
    """Make the four queues and their policies, or three if the destination queue is the user's.

    Args:
        own: the user's destination queue, if there is one. Its redrive policy is set, and nothing else.
        key: encrypts the three queues that Amazon does not send to.
        queue_key: encrypts the destination queue. SQS leaves a message that it moves to the dead-letter queue
            encrypted by it. Source: SQS developer guide, "Encryption at rest in Amazon SQS".
    """
    dead_letter = _queue(scope, "dead-letter-queue", key, protected=True)
    redrive = pulumi.Output.json_dumps({"deadLetterTargetArn": dead_letter.arn, "maxReceiveCount": MAX_RECEIVE_COUNT})
    if own is not None:
        destination = existing_queue(scope, own, key=queue_key)
        aws.sqs.RedrivePolicy(
            f"{scope.name}-own-queue-redrive",
            queue_url=destination.url,
            redrive_policy=redrive,
            opts=scope.options(),
        )
        destination_policy = None
    else:
        made = _queue(
            scope,
            "queue",
            queue_key,
            protected=True,
            visibility_timeout_seconds=VISIBILITY_SECONDS,
            redrive_policy=redrive,
        )
        destination = Destination(made.arn, made.url, made.name)
        destination_policy = _policy(scope, "queue", made, from_amazon=True)
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
        destination_policy=destination_policy,
    )


def existing_queue(scope: Scope, arn: MaybeOutput[str], *, key: EncryptionKey | None) -> Destination:
    """Read the user's queue, and compare it with what is needed; what differs and does no harm is shown.

    Raises:
        InvalidArgument: from the ARN, during the preview: it lies elsewhere, keeps Amazon out, or its key is another.
    """
    placed = here(scope, arn, "queue.arn")
    name = placed.apply(lambda text: text.rpartition(":")[2])
    url = aws.sqs.get_queue_output(name=name, opts=pulumi.InvokeOutputOptions(parent=scope.component)).url
    found = aws.sqs.Queue.get(f"{scope.name}-own-queue", url, opts=scope.options())
    known = pulumi.Output.all(
        arn=placed,
        url=url,
        policy=as_read(found.policy),
        encrypted_by=as_read(found.kms_master_key_id),
        visibility=as_read(found.visibility_timeout_seconds),
        retention=as_read(found.message_retention_seconds),
        key=key.arn if key is not None else None,
    )
    return Destination(known.apply(lambda all_: _validated_arn(all_, scope.component)), url, name)


def _validated_arn(known: Mapping[str, Any], component: pulumi.Resource) -> str:
    arn, its_key, named = str(known["arn"]), str(known["encrypted_by"] or ""), str(known["key"] or "")
    require_access(queue_access(known["policy"], arn), "queue.arn", component)
    if is_aws_own_key(its_key):
        raise InvalidArgument(
            f"queue.arn is encrypted with {AWS_OWN_KEY}, which serves no other AWS account: Amazon cannot deliver.",
            remedy="Encrypt the queue with a customer-managed key, and name that by keys.queue, or with SSE-SQS.",
        )
    if its_key and not named:
        raise InvalidArgument(
            f"queue.arn is encrypted with the key {its_key}, which keys.queue does not name.",
            remedy="Set keys.queue to the ARN of the key.",
        )
    if named and not its_key:
        raise InvalidArgument(
            "keys.queue is given, but queue.arn is not encrypted with a key.",
            remedy="Leave keys.queue out, or encrypt the queue with the key.",
        )
    if "alias/" not in its_key and its_key.rpartition("/")[2] != named.rpartition("/")[2]:
        raise InvalidArgument(
            f"queue.arn is encrypted with the key {its_key}, but keys.queue is {named}.",
            remedy="Set keys.queue to the ARN of the queue's key.",
        )
    _validate_times(int(known["visibility"] or 0), int(known["retention"] or 0), str(known["url"]), component)
    return arn


def _validate_times(visibility: int, retention: int, url: str, component: pulumi.Resource) -> None:
    """How long a message is hidden, and kept.

    Raises:
        InvalidArgument: so shortly hidden that Lambda does not read the queue.
    """
    hide = f"`aws sqs set-queue-attributes --queue-url {url} --attributes VisibilityTimeout={VISIBILITY_SECONDS}`"
    keep = f"`aws sqs set-queue-attributes --queue-url {url} --attributes MessageRetentionPeriod={RETENTION_SECONDS}`"
    if visibility < FUNCTION_TIMEOUT_SECONDS:
        raise InvalidArgument(
            f"queue.arn has a visibility timeout of {visibility} seconds, but the function may run "
            f"{FUNCTION_TIMEOUT_SECONDS}: Lambda does not read it.",
            remedy=f"{hide}.",
        )
    if visibility != VISIBILITY_SECONDS:
        pulumi.log.warn(
            f"queue.arn has a visibility timeout of {visibility} seconds: a message that cannot be handled "
            f"becomes a dead letter after {MAX_RECEIVE_COUNT} times that. The component's own queue has "
            f"{VISIBILITY_SECONDS} seconds, which makes a day: {hide}.",
            component,
        )
    if retention < RETENTION_SECONDS:
        pulumi.log.warn(
            f"queue.arn keeps a message for {retention} seconds, after which an unread new secret is lost. "
            f"The component's own queue keeps it for 14 days: {keep}.",
            component,
        )


def _queue(
    scope: Scope,
    name: str,
    key: EncryptionKey | None,
    *,
    protected: bool,
    visibility_timeout_seconds: int | None = None,
    redrive_policy: pulumi.Input[str] | None = None,
) -> aws.sqs.Queue:
    return aws.sqs.Queue(
        f"{scope.name}-{name}",
        message_retention_seconds=RETENTION_SECONDS,
        visibility_timeout_seconds=visibility_timeout_seconds,
        kms_master_key_id=key.arn if key is not None else None,
        redrive_policy=redrive_policy,
        tags=scope.tags,
        opts=scope.options(protected=protected),
    )


def _policy(scope: Scope, name: str, queue: aws.sqs.Queue, *, from_amazon: bool) -> aws.sqs.QueuePolicy:
    return aws.sqs.QueuePolicy(
        f"{scope.name}-{name}-policy",
        queue_url=queue.url,
        policy=pulumi.Output.json_dumps(queue.arn.apply(lambda arn: queue_policy(arn, from_amazon=from_amazon))),
        opts=scope.options(),
    )
