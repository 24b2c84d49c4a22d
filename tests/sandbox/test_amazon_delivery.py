"""What the stand-in Amazon sends: the two messages in Amazon's form; when, how often, in which order, or never."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.amazon import (
    Amazon,
    AmazonServer,
    Caller,
    Clock,
    ControlRefused,
    Delay,
    DeliveryRefused,
    Duplicate,
    Hold,
    Lose,
    NotificationType,
    SqsSender,
    SqsTarget,
    State,
    WorldSettings,
)
from sandbox.amazon.delivery import AMAZON_ACCOUNT, Courier
from sandbox.amazon.world import World
from sandbox.aws.emulator import AwsEmulator
from tests.sandbox.aws_support import make_queue, receive

CLIENT_ID = "amzn1.application-oa2-client.0123456789abcdef"
QUEUE_URL = "https://127.0.0.1:1/123456789012/queue"
SECRET = "first-secret-of-the-test"
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
DATA = Path(__file__).parents[1] / "data"


class FakeSender:
    """Keeps what was sent; refuses with the next of its codes, if any is left."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.checks: list[str] = []
        self.refuse_check: list[str] = []
        self.refuse_send: list[str] = []

    def check(self, queue_url: str) -> None:
        self.checks.append(queue_url)
        if self.refuse_check:
            raise DeliveryRefused("GetQueueAttributes", self.refuse_check.pop(0))

    def send(self, queue_url: str, body: str) -> None:
        if self.refuse_send:
            raise DeliveryRefused("SendMessage", self.refuse_send.pop(0))
        self.sent.append((queue_url, body))

    @property
    def secrets(self) -> list[str]:
        """The new secrets of the messages sent, in order."""
        payloads = [json.loads(body)["payload"] for _, body in self.sent]
        return [p["applicationOAuthClientNewSecret"]["newClientSecret"] for p in payloads]


class Post:
    """A world, its courier and a fake queue, turned by hand."""

    def __init__(self, settings: WorldSettings | None = None) -> None:
        self.world = World(settings or WorldSettings(), Clock(lambda: START))
        self.sender = FakeSender()
        self.courier = Courier(self.world, self.sender)
        self.world.register(CLIENT_ID, SECRET)
        self.world.subscribe(CLIENT_ID, QUEUE_URL, tuple(NotificationType))

    def rotate(self) -> str:
        return self.world.rotate(self.world.application(CLIENT_ID)).value

    def after(self, seconds: float) -> list[tuple[str, str]]:
        """What has been sent once the clock has moved."""
        self.world.clock.advance(seconds)
        while self.courier.run_once():
            pass
        return self.sender.sent

    def states(self) -> list[State]:
        return [delivery.state for delivery in self.world.outbox.deliveries()]


@pytest.fixture
def post() -> Post:
    return Post()


def shape(value: object) -> object:
    """Names and types, with the format of times."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value):
        return "time"
    return type(value).__name__


def constant(message: dict[str, Any]) -> dict[str, str]:
    return {name: message[name] for name in ("notificationVersion", "notificationType", "payloadVersion")}


def test_the_new_secret_message_is_of_amazons_form(post: Post) -> None:
    new = post.rotate()
    ((queue_url, body),) = post.after(1.25)
    message, sample = json.loads(body), json.loads((DATA / "new-secret-notification.json").read_text())
    assert queue_url == QUEUE_URL
    assert shape(message) == shape(sample)
    assert constant(message) == constant(sample)
    assert message["payload"]["applicationOAuthClientNewSecret"] == {
        "clientId": CLIENT_ID,
        "newClientSecret": new,
        "newClientSecretExpiryTime": "2026-07-01T03:04:05.678Z",
        "oldClientSecretExpiryTime": "2026-01-09T03:04:05.678Z",
    }
    assert message["eventTime"] == "2026-01-02T03:04:05.678Z"
    assert message["notificationMetadata"]["publishTime"] == "2026-01-02T03:04:06.928Z"
    assert message["notificationMetadata"]["applicationId"].startswith("amzn1.sp.solution.")
    assert SECRET not in body


def test_the_expiry_notice_is_of_amazons_form(post: Post) -> None:
    post.world.expiry_notice(CLIENT_ID, None, None, "PERIODIC_ROTATION")
    ((_, body),) = post.after(1.25)
    message, sample = json.loads(body), json.loads((DATA / "secret-expiry-notification.json").read_text())
    assert shape(message) == shape(sample)
    assert constant(message) == constant(sample)
    assert message["payload"]["applicationOAuthClientSecretExpiry"] == {
        "clientId": CLIENT_ID,
        "clientSecretExpiryTime": "2026-07-01T03:04:05.678Z",
        "clientSecretExpiryReason": "PERIODIC_ROTATION",
    }


def test_an_expiry_notice_of_an_older_secret_or_of_another_date(post: Post) -> None:
    post.rotate()
    post.after(2)
    post.world.expiry_notice(CLIENT_ID, 1, None, "PERIODIC_ROTATION")
    post.world.expiry_notice(CLIENT_ID, None, datetime(2030, 1, 1, tzinfo=UTC), "OTHER")
    payloads = [json.loads(body)["payload"] for _, body in post.after(2)[1:]]
    assert [p["applicationOAuthClientSecretExpiry"]["clientSecretExpiryTime"] for p in payloads] == [
        "2026-01-09T03:04:05.678Z",
        "2030-01-01T00:00:00.000Z",
    ]
    with pytest.raises(ValueError, match="no secret of that number"):
        post.world.expiry_notice(CLIENT_ID, 3, None, "PERIODIC_ROTATION")


def test_each_type_can_have_its_own_queue(post: Post) -> None:
    post.world.subscribe(CLIENT_ID, QUEUE_URL + "-2", (NotificationType.SECRET_EXPIRY,))
    post.rotate()
    post.world.expiry_notice(CLIENT_ID, None, None, "PERIODIC_ROTATION")
    assert [url for url, _ in post.after(2)] == [QUEUE_URL, QUEUE_URL + "-2"]
    assert post.sender.checks == [QUEUE_URL, QUEUE_URL + "-2"]


def test_nothing_leaves_before_its_time(post: Post) -> None:
    post.rotate()
    assert post.after(1.2) == []
    assert len(post.after(0.1)) == 1
    assert post.states() == [State.SENT]


def test_every_notification_has_an_id_of_its_own(post: Post) -> None:
    post.rotate()
    post.rotate()
    ids = [json.loads(body)["notificationMetadata"]["notificationId"] for _, body in post.after(2)]
    assert len(set(ids)) == 2
    assert ids == [delivery.notification_id for delivery in post.world.outbox.deliveries()]


def test_the_queue_is_read_once_before_the_first_message(post: Post) -> None:
    post.rotate()
    post.after(2)
    post.rotate()
    post.after(2)
    assert post.sender.checks == [QUEUE_URL]
    assert len(post.sender.sent) == 2


def test_a_delayed_message(post: Post) -> None:
    post.world.misbehave(CLIENT_ID, Delay(seconds=3600), 1)
    first, second = post.rotate(), post.rotate()
    post.after(2)
    assert post.sender.secrets == [second]
    post.after(3600)
    assert post.sender.secrets == [second, first]


def test_a_duplicated_message_is_the_same_message(post: Post) -> None:
    post.world.misbehave(CLIENT_ID, Duplicate(copies=2, seconds=100), 1)
    post.rotate()
    assert len(post.after(2)) == 1
    assert len(post.after(100)) == 2
    assert len(post.after(100)) == 3
    assert len({body for _, body in post.sender.sent}) == 1
    post.rotate()
    assert len(post.after(1000)) == 4


def test_a_held_message_comes_after_the_next(post: Post) -> None:
    post.world.misbehave(CLIENT_ID, Hold(), 1)
    first = post.rotate()
    assert post.after(10_000) == []
    assert post.states() == [State.HELD]
    second = post.rotate()
    post.after(2)
    assert post.sender.secrets == [second, first]


def test_a_held_message_does_not_wait_for_another_application(post: Post) -> None:
    other = CLIENT_ID + "2"
    post.world.register(other, SECRET)
    post.world.subscribe(other, QUEUE_URL, tuple(NotificationType))
    post.world.misbehave(CLIENT_ID, Hold(), 1)
    post.rotate()
    post.world.rotate(post.world.application(other))
    assert len(post.after(10_000)) == 1


def test_a_lost_message(post: Post) -> None:
    post.world.misbehave(CLIENT_ID, Lose(), 1)
    post.rotate()
    second = post.rotate()
    post.after(10_000)
    assert post.sender.secrets == [second]
    assert post.states() == [State.LOST, State.SENT]


def test_a_refused_message_is_recorded_and_tried_again(post: Post) -> None:
    post.sender.refuse_check = ["AccessDenied"]
    post.sender.refuse_send = ["AWS.SimpleQueueService.NonExistentQueue"]
    new = post.rotate()
    post.after(2)
    assert post.states() == [State.WAITING]
    post.after(1)
    post.after(2)
    assert post.sender.secrets == [new]
    failures = post.world.outbox.failures()
    assert [(f.operation, f.error_code, f.attempt) for f in failures] == [
        ("GetQueueAttributes", "AccessDenied", 1),
        ("SendMessage", "AWS.SimpleQueueService.NonExistentQueue", 2),
    ]
    assert post.world.outbox.deliveries()[0].attempts == 3


def test_a_message_refused_again_and_again_fails() -> None:
    post = Post(WorldSettings(delivery_seconds=0, retry_seconds=(1, 1)))
    post.sender.refuse_send = ["AccessDenied"] * 100
    post.rotate()
    for _ in range(10):
        post.after(1)
    assert post.states() == [State.FAILED]
    assert [failure.attempt for failure in post.world.outbox.failures()] == [1, 2, 3]


def test_a_sender_with_a_defect_is_recorded_too(post: Post) -> None:
    def broken(queue_url: str, body: str) -> None:
        raise RuntimeError(body)

    post.sender.send = broken  # type: ignore[method-assign]
    new = post.rotate()
    post.after(2)
    (failure,) = post.world.outbox.failures()
    assert failure.error_code == "RuntimeError"
    assert new not in repr(failure)


def test_any_text_can_be_sent(post: Post) -> None:
    post.world.misbehave(CLIENT_ID, Lose(), None)
    post.world.send_body(CLIENT_ID, "not JSON")
    assert post.after(0) == [(QUEUE_URL, "not JSON")]


def test_no_view_of_a_message_shows_its_body(post: Post) -> None:
    new = post.rotate()
    (parcel,) = post.world.outbox.due(post.world.clock.now().replace(year=2027))
    for view in (parcel, post.world.outbox.deliveries(), post.world.application(CLIENT_ID)):
        assert new not in repr(view)


def test_without_a_queue_service_every_delivery_fails_and_says_so() -> None:
    with AmazonServer(settings=WorldSettings(delivery_seconds=0, retry_seconds=())) as amazon:
        amazon.control.register(CLIENT_ID, SECRET)
        with pytest.raises(ControlRefused):
            amazon.control.send_body(CLIENT_ID, "x")
        amazon.control.subscribe(CLIENT_ID, QUEUE_URL)
        amazon.control.send_body(CLIENT_ID, "x")
        (delivery,) = amazon.control.wait_until_delivered()
        assert delivery.state is State.FAILED
        (failure,) = amazon.control.delivery_failures()
        assert (failure.operation, failure.error_code) == ("GetQueueAttributes", "NoQueueService")


def test_waiting_for_a_message_that_does_not_come_ends() -> None:
    with AmazonServer(clock=Clock(lambda: START)) as amazon:
        amazon.control.register(CLIENT_ID, SECRET)
        amazon.control.subscribe(CLIENT_ID, QUEUE_URL)
        amazon.control.expiry_notice(CLIENT_ID)
        with pytest.raises(TimeoutError):
            amazon.control.wait_until_delivered(timeout_seconds=0.1)


# --- with the sandbox's SQS ---


def statement(arn: str, *actions: str) -> str:
    principal = {"AWS": f"arn:aws:iam::{AMAZON_ACCOUNT}:root"}
    allow = {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": arn}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


@pytest.fixture
def sending(aws: AwsEmulator) -> Iterator[AmazonServer]:
    """A stand-in that sends to the emulator's SQS as Amazon's account, at once and without a second try."""
    sender = SqsSender(aws.client("sqs", account=AMAZON_ACCOUNT))
    with AmazonServer(settings=WorldSettings(delivery_seconds=0, retry_seconds=()), sender=sender) as amazon:
        amazon.control.register(CLIENT_ID, SECRET)
        yield amazon


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("actions", "refused"),
    [
        ((), "GetQueueAttributes"),
        (("sqs:GetQueueAttributes",), "SendMessage"),
        (("sqs:SendMessage",), "GetQueueAttributes"),
        (("sqs:GetQueueAttributes", "sqs:SendMessage"), None),
    ],
)
def test_the_queue_policy_decides(
    aws: AwsEmulator, sending: AmazonServer, actions: Sequence[str], refused: str | None
) -> None:
    url, arn = make_queue(aws)
    if actions:
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": statement(arn, *actions)})
    sending.control.subscribe(CLIENT_ID, url)
    sending.control.rotate_by_hand(CLIENT_ID)
    (delivery,) = sending.control.wait_until_delivered()
    failures = sending.control.delivery_failures()
    message = receive(aws, url)
    if refused:
        assert delivery.state is State.FAILED
        assert [failure.operation for failure in failures] == [refused]
        assert "AccessDenied" in failures[0].error_code
        assert message is None
    else:
        assert (delivery.state, failures) == (State.SENT, ())
        assert message
        assert message["Attributes"]["SenderId"]
        payload = json.loads(message["Body"])["payload"]["applicationOAuthClientNewSecret"]
        judged = sending.control.judge(CLIENT_ID, payload["newClientSecret"])
        assert judged
        assert judged.newest


@pytest.mark.sandbox
def test_a_queue_that_is_not_there(aws: AwsEmulator, sending: AmazonServer) -> None:
    sending.control.subscribe(CLIENT_ID, f"{aws.endpoint}/123456789012/none")
    sending.control.rotate_by_hand(CLIENT_ID)
    assert sending.control.wait_until_delivered()[0].state is State.FAILED
    assert "NonExistentQueue" in sending.control.delivery_failures()[0].error_code


@pytest.mark.sandbox
def test_the_process_sends_over_tls(aws: AwsEmulator, tmp_path: Path) -> None:
    url, arn = make_queue(aws)
    policy = statement(arn, "sqs:GetQueueAttributes", "sqs:SendMessage")
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    target = SqsTarget(aws.endpoint, ca_file=str(aws.ca_file))
    with Amazon(tmp_path, sqs=target, settings=WorldSettings(delivery_seconds=0)) as amazon:
        made = amazon.control.register(CLIENT_ID)
        assert made.client_secret
        amazon.control.subscribe(CLIENT_ID, url)
        with Caller(amazon.url, CLIENT_ID) as caller:
            assert caller.rotate(caller.token(made.client_secret)).status_code == 204
            assert amazon.control.wait_until_delivered()[0].state is State.SENT
            message = receive(aws, url)
            assert message
            payload = json.loads(message["Body"])["payload"]["applicationOAuthClientNewSecret"]
            assert caller.accepted(payload["newClientSecret"])
