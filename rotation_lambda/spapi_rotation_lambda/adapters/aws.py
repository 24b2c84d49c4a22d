"""The AWS adapters of the ports: Secrets Manager, SQS with KMS, EventBridge.

Errors keep AWS's error code and the operation; the original exceptions are dropped, since some of them carry what
was sent.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from spapi_rotation_lambda.domain.errors import QueueNotReady, RotationError, SecretMissing, StoreFailed
from spapi_rotation_lambda.domain.model import Version, Versions, format_time
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import DeadMessage, LabelMoved, QueueState, RotationEvent, VersionExists

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

EVENT_SOURCE = "spapi-rotation"
EVENT_TYPE = "SP-API client secret rotated"


def failed(operation: str, error: Exception) -> StoreFailed:
    """A StoreFailed that names the operation and AWS's error code, and nothing else of the error."""
    code = error_code(error)
    return StoreFailed(
        f"AWS failed {operation}: {code}.",
        remedy="Check the permissions of the caller's role for this operation."
        if "AccessDenied" in code
        else "Nothing at first: it is tried again. If it goes on, look at the service's health and quotas.",
    )


def error_code(error: Exception) -> str:
    """AWS's error code, or the kind of a transport failure."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


@contextmanager
def _named(operation: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise failed(operation, error) from None


class SecretsManagerStore:
    """The SecretStore port on Secrets Manager."""

    def __init__(self, client: "SecretsManagerClient") -> None:
        self._client = client

    def versions(self, secret_id: str) -> Versions:
        """List the labelled versions."""
        items: list[Version] = []
        arn, token = "", ""
        try:
            while True:
                more = {"NextToken": token} if token else {}
                page = self._client.list_secret_version_ids(SecretId=secret_id, MaxResults=100, **more)  # type: ignore[arg-type]
                arn = page["ARN"]
                items += [
                    Version(
                        id=entry["VersionId"],
                        labels=frozenset(entry.get("VersionStages", ())),
                        created_at=entry["CreatedDate"].astimezone(UTC),
                    )
                    for entry in page.get("Versions", ())
                ]
                token = page.get("NextToken", "")
                if not token:
                    return Versions(arn, tuple(items))
        except (ClientError, BotoCoreError) as error:
            if error_code(error) == "ResourceNotFoundException":
                raise SecretMissing(
                    f"There is no secret {secret_id}.",
                    remedy="Add the application to the component and run pulumi up.",
                ) from None
            raise failed("secretsmanager:ListSecretVersionIds", error) from None

    def read(self, secret_id: str, version_id: str) -> Sensitive:
        """Read one version's text. A binary value reads as an empty text."""
        with _named("secretsmanager:GetSecretValue"):
            answer = self._client.get_secret_value(SecretId=secret_id, VersionId=version_id)
        return Sensitive(answer.get("SecretString", ""))

    def write(self, secret_id: str, version_id: str, text: Sensitive, label: str) -> None:
        """Write a version under one label, with its id as the idempotency token."""
        try:
            self._client.put_secret_value(
                SecretId=secret_id,
                ClientRequestToken=version_id,
                SecretString=text.reveal(),
                VersionStages=[label],
            )
        except (ClientError, BotoCoreError) as error:
            if error_code(error) == "ResourceExistsException":
                raise VersionExists from None
            raise failed("secretsmanager:PutSecretValue", error) from None

    def move(self, secret_id: str, label: str, *, to: str | None, away_from: str | None) -> None:
        """Move a label by UpdateSecretVersionStage, whose RemoveFromVersionId is the compare-and-swap."""
        ends = {"MoveToVersionId": to, "RemoveFromVersionId": away_from}
        given = {name: version for name, version in ends.items() if version is not None}
        try:
            self._client.update_secret_version_stage(SecretId=secret_id, VersionStage=label, **given)
        except (ClientError, BotoCoreError) as error:
            if error_code(error) == "InvalidParameterException":
                raise LabelMoved from None
            raise failed("secretsmanager:UpdateSecretVersionStage", error) from None

    def created_at(self, secret_id: str) -> datetime:
        """When the secret was made (DescribeSecret)."""
        with _named("secretsmanager:DescribeSecret"):
            return self._client.describe_secret(SecretId=secret_id)["CreatedDate"].astimezone(UTC)


SCHEDULE_ARN = re.compile(r"arn:aws:scheduler:[a-z0-9-]+:\d{12}:schedule/(?P<group>[\w.-]+)/(?P<name>[\w.-]+)")


def schedule_made_at(client: "EventBridgeSchedulerClient", arn: str) -> datetime:
    """When a schedule was made. Raises StoreFailed."""
    match = SCHEDULE_ARN.fullmatch(arn)
    if match is None:
        raise StoreFailed(
            "The event names no schedule.", remedy="Leave schedule_arn out of an event that is sent by hand."
        )
    with _named("scheduler:GetSchedule"):
        found = client.get_schedule(GroupName=match["group"], Name=match["name"])
    return found["CreationDate"].astimezone(UTC)


_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsQueue:
    """The Queue port on SQS, with the queue's key from KMS."""

    def __init__(self, sqs: "SQSClient", kms: "KMSClient", url: str, dead_letter_url: str) -> None:
        self._sqs, self._kms, self._url, self._dead_letter_url = sqs, kms, url, dead_letter_url

    def inspect(self) -> QueueState:
        """Read both queues and the key's policy."""
        queue = self._attributes(self._url, ("QueueArn", "Policy", "KmsMasterKeyId", *_COUNTS))
        dead = self._attributes(self._dead_letter_url, _COUNTS)
        key = queue.get("KmsMasterKeyId")
        key_policy = self._key_policy(key) if key else None
        return QueueState(
            arn=queue["QueueArn"],
            policy=queue.get("Policy"),
            key_arn=key,
            key_policy=key_policy,
            key_readable=not key or key_policy is not None,
            waiting=sum(int(queue.get(name, 0)) for name in _COUNTS),
            in_flight=int(queue.get("ApproximateNumberOfMessagesNotVisible", 0)),
            dead=sum(int(dead.get(name, 0)) for name in _COUNTS),
        )

    def _attributes(self, url: str, names: tuple[str, ...]) -> dict[str, str]:
        try:
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))  # type: ignore[arg-type]
        except (ClientError, BotoCoreError) as error:
            if "NonExistentQueue" in error_code(error) or "QueueDoesNotExist" in error_code(error):
                raise QueueNotReady(
                    f"There is no queue at {url}.", remedy="Run pulumi up, then register the new queue at Amazon."
                ) from None
            raise failed("sqs:GetQueueAttributes", error) from None
        return {str(name): value for name, value in answer.get("Attributes", {}).items()}

    def _key_policy(self, key: str) -> str | None:
        try:
            return self._kms.get_key_policy(KeyId=key, PolicyName="default").get("Policy")
        except (ClientError, BotoCoreError):
            # A brought queue's key may be unreadable to us; the caller warns about it.
            return None


_PEEK_SECONDS = 30


class SqsDeadLetterQueue:
    """The DeadLetterQueue port on SQS, with the caller's own permissions: the function has none of these."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs, self._url = sqs, url

    def peek(self) -> list[DeadMessage]:
        """Receive every message once; each is visible to others again after half a minute."""
        found: dict[str, DeadMessage] = {}
        while True:
            with _named("sqs:ReceiveMessage"):
                answer = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=10,
                    VisibilityTimeout=_PEEK_SECONDS,
                    WaitTimeSeconds=1,  # a short poll asks only some of SQS's servers
                    MessageSystemAttributeNames=["SentTimestamp"],
                )
            fresh = [message for message in answer.get("Messages", ()) if message.get("MessageId") not in found]
            if not fresh:
                return list(found.values())
            for message in fresh:
                sent = int(message.get("Attributes", {}).get("SentTimestamp", 0))
                body = message.get("Body", "")
                found[message.get("MessageId", "")] = DeadMessage(
                    message_id=message.get("MessageId", ""),
                    handle=message.get("ReceiptHandle", ""),
                    sent_at=datetime.fromtimestamp(sent / 1000, UTC),
                    size=len(body),
                    body=Sensitive(body),
                )

    def delete(self, message: DeadMessage) -> None:
        """Delete one message."""
        with _named("sqs:DeleteMessage"):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.handle)

    def redrive(self) -> None:
        """Start a message move task to where the messages came from."""
        with _named("sqs:StartMessageMoveTask"):
            arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
            self._sqs.start_message_move_task(SourceArn=arn["QueueArn"])


class EventBridgeAnnouncer:
    """The Announcer port on EventBridge."""

    def __init__(self, client: "EventBridgeClient", bus: str) -> None:
        self._client, self._bus = client, bus

    def rotated(self, event: RotationEvent) -> None:
        """Publish ids and times; consumers use ``rotation_id`` to drop repetitions.

        The application is named by its client id alone: a message from Amazon tells the function no other name.
        """
        detail = {
            "client_id": event.application.client_id,
            "secret_arn": event.secret_arn,
            "version_id": event.version_id,
            "rotation_id": event.rotation_id,
            "client_secret_expires_at": event.expires_at and format_time(event.expires_at),
            "previous_client_secret_expires_at": event.previous_expires_at and format_time(event.previous_expires_at),
        }
        with _named("events:PutEvents"):
            answer = self._client.put_events(
                Entries=[
                    {
                        "Source": EVENT_SOURCE,
                        "DetailType": EVENT_TYPE,
                        "Resources": [event.secret_arn],
                        "EventBusName": self._bus,
                        "Detail": json.dumps(detail),
                    }
                ]
            )
        if answer["FailedEntryCount"]:
            raise _entry_failed(answer["Entries"][0].get("ErrorCode", "Unknown"))


def _entry_failed(code: str) -> RotationError:
    return StoreFailed(
        f"EventBridge did not take the rotation event: {code}.",
        remedy="Check that the event bus exists and may be written.",
    )
