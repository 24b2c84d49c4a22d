"""The ports of the three queues on SQS: Queue, DeadLetterQueue and UnclaimedQueue."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from spapi_rotation_lambda.adapters.aws_failures import error_code, failed, named
from spapi_rotation_lambda.adapters.kms import key_policy
from spapi_rotation_lambda.domain.errors import QueueNotReady
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import DeadMessage, QueueCounts, QueueState

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef, MessageTypeDef

_FIRST_SENT = "FirstSentTimestamp"
"""Attribute of a message that was moved: SQS's SentTimestamp (milliseconds) of its first sending."""

_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsQueue:
    """The Queue port on SQS, with the queue's key from KMS. Each client is made only when it is needed."""

    def __init__(
        self, sqs: "Callable[[], SQSClient]", kms: "Callable[[], KMSClient]", url: str, dead_letter_url: str
    ) -> None:
        self._sqs, self._kms, self._url, self._dead_letter_url = sqs, kms, url, dead_letter_url

    def inspect(self) -> QueueState:
        """Read both queues and the key's policy."""
        queue = self._attributes(self._url, ("QueueArn", "Policy", "KmsMasterKeyId", *_COUNTS))
        dead = self._attributes(self._dead_letter_url, _COUNTS)
        key = queue.get("KmsMasterKeyId") or None
        return QueueState(
            arn=queue["QueueArn"],
            policy=queue.get("Policy"),
            key_arn=key,
            key_policy=key_policy(self._kms(), key) if key else None,
            waiting=sum(int(queue.get(name, 0)) for name in _COUNTS),
            in_flight=int(queue.get("ApproximateNumberOfMessagesNotVisible", 0)),
            dead=sum(int(dead.get(name, 0)) for name in _COUNTS),
        )

    def _attributes(self, url: str, names: tuple[str, ...]) -> dict[str, str]:
        try:
            answer = self._sqs().get_queue_attributes(QueueUrl=url, AttributeNames=list(names))  # type: ignore[arg-type]
        except (ClientError, BotoCoreError) as error:
            if "NonExistentQueue" in error_code(error) or "QueueDoesNotExist" in error_code(error):
                raise QueueNotReady(
                    f"There is no queue at {url}.", remedy="Run pulumi up, then register the new queue at Amazon."
                ) from None
            raise failed("sqs:GetQueueAttributes", error) from None
        return {str(name): value for name, value in answer.get("Attributes", {}).items()}


class SqsDeadLetterQueue:
    """The DeadLetterQueue port on SQS. The client is made only when it is needed."""

    def __init__(self, sqs: "Callable[[], SQSClient]", url: str) -> None:
        self._sqs, self._url = sqs, url

    def counts(self) -> QueueCounts:
        """Read them."""
        names = list(_COUNTS)
        with named("sqs:GetQueueAttributes"):
            answer = self._sqs().get_queue_attributes(QueueUrl=self._url, AttributeNames=names)  # type: ignore[arg-type]
        visible, hidden, delayed = (int(answer["Attributes"].get(name, 0)) for name in names)  # type: ignore[call-overload]
        return QueueCounts(visible + delayed, hidden)

    def take(self, limit: int, hidden_seconds: int) -> list[DeadMessage]:
        """Receive messages until there are no more, each once."""
        found: dict[str, DeadMessage] = {}
        while len(found) < limit:
            with named("sqs:ReceiveMessage"):
                answer = self._sqs().receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=min(10, limit - len(found)),
                    VisibilityTimeout=hidden_seconds,
                    WaitTimeSeconds=1,  # a short poll asks only some of SQS's servers
                    MessageSystemAttributeNames=["SentTimestamp"],
                    MessageAttributeNames=[_FIRST_SENT],
                )
            fresh = [message for message in answer.get("Messages", ()) if message.get("MessageId") not in found]
            if not fresh:
                break
            for message in fresh:
                sent = _sent(message)
                body = message.get("Body", "")
                found[message.get("MessageId", "")] = DeadMessage(
                    message_id=message.get("MessageId", ""),
                    handle=message.get("ReceiptHandle", ""),
                    sent_at=datetime.fromtimestamp(sent / 1000, UTC),
                    size=len(body),
                    body=Sensitive(body),
                )
        return list(found.values())

    def delete(self, message: DeadMessage) -> None:
        """Delete one message."""
        with named("sqs:DeleteMessage"):
            self._sqs().delete_message(QueueUrl=self._url, ReceiptHandle=message.handle)


class SqsUnclaimedQueue(SqsDeadLetterQueue):
    """The UnclaimedQueue port on SQS."""

    def put(self, body: Sensitive, sent_at: datetime | None) -> None:
        """Send a message, with the time of its first sending."""
        kept: dict[str, MessageAttributeValueTypeDef] = {}
        if sent_at is not None:
            kept[_FIRST_SENT] = {"DataType": "Number", "StringValue": str(round(sent_at.timestamp() * 1000))}
        with named("sqs:SendMessage"):
            self._sqs().send_message(QueueUrl=self._url, MessageBody=body.reveal(), MessageAttributes=kept)


def _sent(message: "MessageTypeDef") -> int:
    """When a message was first sent, in milliseconds."""
    kept = message.get("MessageAttributes", {})
    moved = kept[_FIRST_SENT].get("StringValue", "") if _FIRST_SENT in kept else ""
    return int(moved if moved.isdecimal() else message.get("Attributes", {}).get("SentTimestamp", 0))
