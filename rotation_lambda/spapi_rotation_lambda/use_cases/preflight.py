"""What must be true of the destination queue before a rotation is requested."""

from collections.abc import Mapping
from datetime import timedelta

from spapi_rotation_lambda.domain import sender_policy
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import QueueNotReady, UnreadMessages
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.domain.rules import Asked, dies_soon
from spapi_rotation_lambda.ports import Ports, QueueState

LOOK_EVERY_SECONDS = 3.0
LOOK_SECONDS = 9.0
LOOK_SECONDS_ON_PURPOSE = 90.0
"""SQS's counts lag: a minute or more after the last message was sent, says its API reference (GetQueueAttributes)."""


def require_ready_queue(ports: Ports, application: Application, state: QueueState, *, forced: bool = False) -> None:
    """Require that Amazon's account may send to the queue, and through its key.

    A statement that may deny it, which depends on what is not known of Amazon's sender, is a warning.

    Args:
        forced: whether a person asks who knows better than a statement's condition, as it is read here.

    Raises:
        QueueNotReady: a statement is missing (the message holds it) or denies it (the message names it), or the key
            serves no sender elsewhere.
    """
    if sender_policy.is_aws_own_key(state.key_arn):
        raise QueueNotReady(
            f"{application.name}: Amazon cannot deliver to {state.arn}. It is encrypted with "
            f"{sender_policy.AWS_OWN_KEY}, which serves no other AWS account.",
            remedy="Encrypt the queue with a customer-managed key whose policy lets Amazon use it, or with SSE-SQS.",
        )
    accesses = {"queue": sender_policy.queue_access(state.policy, state.arn)}
    if state.key_arn is not None:
        if state.key_policy is not None:
            accesses["key"] = sender_policy.key_access(state.key_policy, state.key_arn)
        else:
            ports.telemetry.warning("key_policy_unreadable", application, key=state.key_arn)
    _require_no_denial(application, state, accesses, forced=forced)
    _warn_of_unclear(ports, application, accesses, forced=forced)
    missing = tuple(statement for access in accesses.values() for statement in access.missing)
    if missing:
        raise QueueNotReady(
            f"{application.name}: Amazon cannot deliver to {state.arn}. "
            f"Missing from the policies: {'; '.join(missing)}",
            remedy="Add the statement to the policy of the queue (sqs actions) or of its key (kms actions); "
            "pulumi up --refresh restores those of this package's own queue.",
        )


def _require_no_denial(
    application: Application, state: QueueState, accesses: Mapping[str, sender_policy.Access], *, forced: bool
) -> None:
    for what, access in accesses.items():
        if denials := access.denied if forced else access.denials:
            passes = (
                ""
                if access.denied
                else " If you know that it does not concern Amazon: `spapi-rotation rotate --force`."
            )
            raise QueueNotReady(
                f"{application.name}: Amazon cannot deliver to {state.arn}. The policy of the {what} denies it, in the "
                f"statement {', '.join(denials)}.",
                remedy=f"Exempt Amazon's account {sender_policy.AMAZON_ACCOUNT} from that statement.{passes}",
            )


def _warn_of_unclear(
    ports: Ports, application: Application, accesses: Mapping[str, sender_policy.Access], *, forced: bool
) -> None:
    for what, access in accesses.items():
        if unclear := (*access.unclear, *(access.denied_by_condition if forced else ())):
            ports.telemetry.warning("sender_may_be_denied", application, policy_of=what, statements=", ".join(unclear))


def require_empty_queues(ports: Ports, asked: Asked, state: QueueState) -> None:
    """Require that neither queue holds a message: a newer secret may lie there. Looks again for a while.

    A secret that dies within 30 days passes, so that one poison message cannot stop every application. The notice
    that a request comes from is itself in flight and is not counted.

    Raises:
        UnreadMessages: a message stays.
    """
    if dies_soon(asked):
        return
    trigger = asked.trigger
    patience = LOOK_SECONDS_ON_PURPOSE if trigger.on_purpose else LOOK_SECONDS
    deadline = ports.clock.now() + timedelta(seconds=patience)
    while _unread(state, trigger):
        if ports.clock.now() >= deadline:
            raise UnreadMessages(
                f"{asked.name}: {state.waiting} message(s) wait in the queue and {state.dead} in "
                "its dead-letter queue; a newer secret may be among them.",
                remedy="If a message has just been taken, try again in two minutes: SQS's counts lag a minute or more. "
                "Else the function's log says why it cannot take it; it is tried again for a day, and is a dead letter "
                "then. `spapi-rotation dead-letters` shows those, `spapi-rotation redrive` retries them.",
            )
        ports.clock.sleep(LOOK_EVERY_SECONDS)
        state = ports.queue.inspect()


def _unread(state: QueueState, trigger: Trigger) -> bool:
    own = min(1, state.in_flight) if trigger is Trigger.EXPIRY_NOTICE else 0
    return state.waiting - own > 0 or state.dead > 0
