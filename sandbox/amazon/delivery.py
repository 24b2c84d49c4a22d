"""Sending: the port to a queue, its SQS form as Amazon's account, and the courier that empties the outbox."""

import threading
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.amazon.outbox import Parcel
from sandbox.amazon.world import World

# On purpose not taken from the function's sender policy: the judge must not share the defendant's constants.
AMAZON_ACCOUNT = "437568002678"
"""The account from which Amazon sends; a client of it acts as that account's root.

Source: "Set up credential rotation notifications".
"""


class DeliveryRefused(Exception):
    """The queue did not take a message. Carries the AWS operation and error code, never the body."""

    def __init__(self, operation: str, code: str) -> None:
        super().__init__(f"{operation}: {code}")
        self.operation = operation
        self.code = code


class Sender(Protocol):
    """How messages leave. Both methods raise DeliveryRefused."""

    def check(self, queue_url: str) -> None:
        """Read the queue's attributes, as Amazon is granted to."""

    def send(self, queue_url: str, body: str) -> None:
        """Send one message."""


class NoSender:
    """For a stand-in without a queue service: every delivery fails, and says so."""

    def check(self, queue_url: str) -> None:
        """Refuse."""
        raise DeliveryRefused("GetQueueAttributes", "NoQueueService")

    def send(self, queue_url: str, body: str) -> None:
        """Refuse."""
        raise DeliveryRefused("SendMessage", "NoQueueService")


@dataclass(frozen=True, slots=True)
class SqsTarget:
    """The SQS endpoint to send to. ``ca_file`` is the certificate to trust, for https."""

    endpoint_url: str
    region: str = "us-east-1"
    ca_file: str | None = None


class SqsClient(Protocol):
    """The two calls that Amazon is granted."""

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[Any]) -> Any:  # noqa: N803
        """As boto3's."""

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> Any:  # noqa: N803
        """As boto3's."""


def amazons_sqs_client(target: SqsTarget) -> SqsClient:
    """A boto3 client that is Amazon's account: the emulator takes an account id as that account's root key."""
    client: SqsClient = boto3.session.Session().client(
        "sqs",
        endpoint_url=target.endpoint_url,
        region_name=target.region,
        verify=target.ca_file or True,
        aws_access_key_id=AMAZON_ACCOUNT,
        aws_secret_access_key="stand-in",  # noqa: S106
        config=Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1}, proxies={}),
    )
    return client


class SqsSender:
    """Sends by SQS."""

    def __init__(self, client: SqsClient) -> None:
        self._client = client

    def check(self, queue_url: str) -> None:
        """Read the queue's ARN."""
        try:
            self._client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        except (ClientError, BotoCoreError) as error:
            raise DeliveryRefused("GetQueueAttributes", _code(error)) from None

    def send(self, queue_url: str, body: str) -> None:
        """Send one message."""
        try:
            self._client.send_message(QueueUrl=queue_url, MessageBody=body)
        except (ClientError, BotoCoreError) as error:
            # "from None": the original may carry the request, and with it the body.
            raise DeliveryRefused("SendMessage", _code(error)) from None


def _code(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


class Courier:
    """Sends what is due. Before the first message to a queue it reads the queue's attributes, as Amazon may."""

    def __init__(self, world: World, sender: Sender, poll_seconds: float = 0.05) -> None:
        self._world = world
        self._sender = sender
        self._poll_seconds = poll_seconds
        self._checked: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="amazon-courier", daemon=True)

    def start(self) -> None:
        """Send from now on, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the message at hand and end."""
        self._stop.set()
        self._thread.join(timeout=30)

    def run_once(self) -> int:
        """Send everything that is due now; returns how many were tried."""
        with self._world.lock:
            parcels = self._world.outbox.due(self._world.clock.now())
        for parcel in parcels:
            self._deliver(parcel)
        return len(parcels)

    def _run(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            self.run_once()

    def _deliver(self, parcel: Parcel) -> None:
        # The network is outside the lock: a slow queue must not hold up LWA.
        operation, code = "", ""
        try:
            self._send(parcel)
        except DeliveryRefused as refused:
            operation, code = refused.operation, refused.code
        except Exception as error:  # noqa: BLE001 - recorded like any refusal; the courier has to live on
            operation, code = "SendMessage", type(error).__name__
        with self._world.lock:
            now = self._world.clock.now()
            if code:
                self._world.outbox.failed(parcel, now, operation, code)
            else:
                self._world.outbox.delivered(parcel, now)

    def _send(self, parcel: Parcel) -> None:
        queue_url = parcel.notification.queue_url
        if queue_url not in self._checked:
            self._sender.check(queue_url)
            self._checked.add(queue_url)
        self._sender.send(queue_url, parcel.notification.body)
