"""The AWS adapters: what is sent, how refusals are told apart, and that no value gets into an error."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, EndpointConnectionError, HTTPClientError, NoCredentialsError
from botocore.stub import Stubber

from spapi_rotation_lambda import bootstrap
from spapi_rotation_lambda.adapters.eventbridge import EventBridgeAnnouncer
from spapi_rotation_lambda.adapters.secrets_manager import SecretsManagerStore
from spapi_rotation_lambda.adapters.sqs import SqsDeadLetterQueue, SqsQueue
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import NotPublished, QueueNotReady, RotationError, SecretMissing, StoreFailed
from spapi_rotation_lambda.domain.events import RotationEvent
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import (
    DeadMessage,
    Description,
    LabelMoved,
    QueueCounts,
    QueueState,
    VersionExists,
)
from spapi_rotation_lambda.settings import Settings
from tests.fakes.world import CLIENT_ID, QUEUE_ARN
from tests.unit.support import logged, shown

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prefix/name-AbCdEf"
NAME = "prefix/name"
ONE, TWO = "1" * 36, "2" * 36
CANARY = "canary-of-a-value"
AT = datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2)))
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"


@cache
def real_client(service: str) -> Any:
    """A client that must never reach the network; one for all tests, since making it is slow."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1")
    return session.client(service, endpoint_url="http://127.0.0.1:9")  # type: ignore[call-overload]


class Aws:
    """boto3 clients with their stubbers; whatever is not scripted is an error."""

    def __init__(self) -> None:
        self._stubs: dict[str, Stubber] = {}

    def client(self, service: str) -> Any:
        self.stub(service)
        return real_client(service)

    def stub(self, service: str) -> Stubber:
        if service not in self._stubs:
            self._stubs[service] = Stubber(real_client(service))
            self._stubs[service].activate()
        return self._stubs[service]

    def answer(self, service: str, operation: str, response: dict[str, Any], sent: dict[str, Any]) -> None:
        self.stub(service).add_response(operation, response, sent)

    def refuse(self, service: str, operation: str, code: str) -> None:
        """AWS's refusal; some services repeat what was sent in its message."""
        self.stub(service).add_client_error(operation, code, f"refused: {CANARY}")

    def done(self) -> None:
        for stubber in self._stubs.values():
            stubber.deactivate()
            stubber.assert_no_pending_responses()


@pytest.fixture
def aws(caplog: pytest.LogCaptureFixture) -> Iterator[Aws]:
    caplog.set_level(logging.DEBUG)
    made = Aws()
    yield made
    made.done()
    assert CANARY not in logged(caplog, without=("botocore", "boto3", "urllib3"))


@pytest.fixture
def store(aws: Aws) -> SecretsManagerStore:
    return SecretsManagerStore(aws.client("secretsmanager"))


@pytest.fixture
def queue(aws: Aws) -> SqsQueue:
    return SqsQueue(lambda: aws.client("sqs"), lambda: aws.client("kms"), "https://queue", "https://dead")


def failure(call: Callable[[], object], kind: type[RotationError] = StoreFailed) -> RotationError:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert CANARY not in shown(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None
    assert caught.value.remedy
    return caught.value


def version(name: str, *labels: str) -> dict[str, Any]:
    return {"VersionId": name, "CreatedDate": AT, **({"VersionStages": list(labels)} if labels else {})}


# Secrets Manager.


@pytest.mark.rule(id="LAB-1")
def test_versions_are_listed_over_all_pages(aws: Aws, store: SecretsManagerStore) -> None:
    asked = {"SecretId": NAME, "MaxResults": 100}
    pages = [[version(ONE, "AWSCURRENT", "X")], [], [version(TWO, "AWSPENDING")]]
    for number, entries in enumerate(pages):
        more = {"NextToken": f"page-{number}"} if number else {}
        following = {"NextToken": f"page-{number + 1}"} if number < 2 else {}
        aws.answer(
            "secretsmanager",
            "list_secret_version_ids",
            {"ARN": ARN, "Name": NAME, "Versions": entries, **following},
            {**asked, **more},
        )
    found = store.versions(NAME)
    assert found.arn == ARN
    assert {one.id: set(one.labels) for one in found.items} == {ONE: {"AWSCURRENT", "X"}, TWO: {"AWSPENDING"}}
    assert found.id_of(Label.PENDING) == TWO
    assert found.items[0].created_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert found.items[0].created_at.tzinfo is UTC


def test_a_secret_without_versions_is_listed(aws: Aws, store: SecretsManagerStore) -> None:
    asked = {"SecretId": NAME, "MaxResults": 100}
    aws.answer("secretsmanager", "list_secret_version_ids", {"ARN": ARN, "Name": NAME}, asked)
    assert store.versions(NAME).items == ()


def test_a_missing_secret_is_told_apart(aws: Aws, store: SecretsManagerStore) -> None:
    aws.refuse("secretsmanager", "list_secret_version_ids", "ResourceNotFoundException")
    assert NAME in str(failure(lambda: store.versions(NAME), SecretMissing))


def test_a_value_is_read_by_its_version(aws: Aws, store: SecretsManagerStore) -> None:
    asked = {"SecretId": NAME, "VersionId": ONE}
    aws.answer("secretsmanager", "get_secret_value", {"SecretString": CANARY}, asked)
    aws.answer("secretsmanager", "get_secret_value", {"SecretBinary": b"x"}, asked)
    value = store.read(NAME, ONE)
    assert value == Sensitive(CANARY)
    assert CANARY not in repr(value)
    assert store.read(NAME, ONE) == Sensitive("")


def test_a_value_is_written_under_one_label_with_its_id_as_token(aws: Aws, store: SecretsManagerStore) -> None:
    sent = {
        "SecretId": NAME,
        "ClientRequestToken": ONE,
        "SecretString": CANARY,
        "VersionStages": ["ROTATION_RECEIVED"],
    }
    aws.answer("secretsmanager", "put_secret_value", {"VersionId": ONE}, sent)
    store.write(NAME, ONE, Sensitive(CANARY), Label.RECEIVED)


def test_a_token_that_is_taken_is_told_apart(aws: Aws, store: SecretsManagerStore) -> None:
    aws.refuse("secretsmanager", "put_secret_value", "ResourceExistsException")
    with pytest.raises(VersionExists) as caught:
        store.write(NAME, ONE, Sensitive(CANARY), Label.RECEIVED)
    assert CANARY not in shown(caught.value)


@pytest.mark.rule(id="LAB-2")
@pytest.mark.parametrize(
    ("to", "away_from", "sent"),
    [
        (TWO, ONE, {"MoveToVersionId": TWO, "RemoveFromVersionId": ONE}),
        (TWO, None, {"MoveToVersionId": TWO}),
        (None, ONE, {"RemoveFromVersionId": ONE}),
    ],
)
def test_a_label_moves_from_exactly_where_it_was(
    aws: Aws, store: SecretsManagerStore, to: str | None, away_from: str | None, sent: dict[str, str]
) -> None:
    expected = {"SecretId": NAME, "VersionStage": "AWSPENDING", **sent}
    aws.answer("secretsmanager", "update_secret_version_stage", {}, expected)
    store.move(NAME, Label.PENDING, to=to, away_from=away_from)


@pytest.mark.rule(id="LAB-2")
def test_a_label_that_is_elsewhere_is_told_apart(aws: Aws, store: SecretsManagerStore) -> None:
    aws.refuse("secretsmanager", "update_secret_version_stage", "InvalidParameterException")
    with pytest.raises(LabelMoved):
        store.move(NAME, Label.PENDING, to=TWO, away_from=ONE)


def test_the_secrets_own_date_is_that_of_its_creation(aws: Aws, store: SecretsManagerStore) -> None:
    changed = AT + timedelta(days=5)
    described = {"ARN": ARN, "CreatedDate": AT, "LastChangedDate": changed}
    aws.answer("secretsmanager", "describe_secret", described, {"SecretId": NAME})
    assert store.created_at(NAME) == AT


@pytest.mark.rule(id="REC-19")
def test_a_description_tells_of_every_version_and_of_native_rotation(aws: Aws, store: SecretsManagerStore) -> None:
    stages = {ONE: ["AWSCURRENT", "X"], TWO: ["AWSPENDING"]}
    aws.answer(
        "secretsmanager", "describe_secret", {"VersionIdsToStages": stages, "RotationEnabled": True}, {"SecretId": NAME}
    )
    assert store.described(NAME) == Description({"AWSCURRENT": ONE, "X": ONE, "AWSPENDING": TWO}, rotates_natively=True)
    aws.answer("secretsmanager", "describe_secret", {"ARN": ARN}, {"SecretId": NAME})
    assert store.described(NAME) == Description({}, rotates_natively=False)

    def page(*hours: int) -> list[dict[str, object]]:
        return [{"VersionId": ONE, "CreatedDate": AT + timedelta(hours=each)} for each in hours]

    asked = {"SecretId": NAME, "MaxResults": 100, "IncludeDeprecated": True}
    first = {"ARN": ARN, "Versions": page(-1, 0, 1), "NextToken": "next"}
    aws.answer("secretsmanager", "list_secret_version_ids", first, asked)
    labelled = {"VersionId": TWO, "CreatedDate": AT, "VersionStages": ["AWSCURRENT"]}
    second = {"ARN": ARN, "Versions": [*page(2, -30), labelled]}
    aws.answer("secretsmanager", "list_secret_version_ids", second, {**asked, "NextToken": "next"})
    versions, young = store.versions_and_young(NAME, AT)
    assert [(version.id, version.labels) for version in versions.items] == [(TWO, frozenset({"AWSCURRENT"}))]
    assert young == 2


CALLS: list[tuple[str, str, Callable[[SecretsManagerStore], object]]] = [
    ("list_secret_version_ids", "ListSecretVersionIds", lambda store: store.versions(NAME)),
    ("get_secret_value", "GetSecretValue", lambda store: store.read(NAME, ONE)),
    ("put_secret_value", "PutSecretValue", lambda store: store.write(NAME, ONE, Sensitive(CANARY), "X")),
    (
        "update_secret_version_stage",
        "UpdateSecretVersionStage",
        lambda store: store.move(NAME, "X", to=ONE, away_from=TWO),
    ),
    ("describe_secret", "DescribeSecret", lambda store: store.created_at(NAME)),
    ("list_secret_version_ids", "ListSecretVersionIds", lambda store: store.versions_and_young(NAME, AT)),
]


@pytest.mark.parametrize(("operation", "name", "call"), CALLS, ids=[name for _, name, _ in CALLS])
@pytest.mark.parametrize("code", ["InternalServiceError", "AccessDeniedException", "LimitExceededException"])
def test_a_refusal_is_named_by_operation_and_code(
    aws: Aws, store: SecretsManagerStore, operation: str, name: str, call: Callable[..., object], code: str
) -> None:
    aws.refuse("secretsmanager", operation, code)
    error = failure(lambda: call(store))
    assert error.args[0] == f"AWS failed secretsmanager:{name}: {code}."
    assert ("permissions" in error.remedy) == ("AccessDenied" in code)


@pytest.mark.parametrize(("operation", "name", "call"), CALLS, ids=[name for _, name, _ in CALLS])
@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url=CANARY),
        HTTPClientError(error=CANARY),
        NoCredentialsError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_transport_failure_is_named_by_its_kind(
    aws: Aws,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    name: str,
    call: Callable[..., object],
    error: BotoCoreError,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    client = aws.client("secretsmanager")
    monkeypatch.setattr(client, "_make_api_call", fail)
    told = failure(lambda: call(SecretsManagerStore(client)))
    assert told.args[0] == f"AWS failed secretsmanager:{name}: {type(error).__name__}."


def test_a_value_that_botocore_refuses_is_not_repeated() -> None:
    """botocore's validation error holds the value."""
    wrong: Any = [CANARY]
    error = failure(lambda: SecretsManagerStore(real_client("secretsmanager")).write(NAME, ONE, Sensitive(wrong), "X"))
    assert "ParamValidationError" in str(error)


# SQS and KMS.

NAMES = [
    *("QueueArn", "Policy", "KmsMasterKeyId", "ApproximateNumberOfMessages"),
    *("ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"),
]


def attributes(aws: Aws, url: str, names: list[str], **values: str) -> None:
    aws.answer("sqs", "get_queue_attributes", {"Attributes": values}, {"QueueUrl": url, "AttributeNames": names})


def counts(visible: int, in_flight: int, delayed: int) -> dict[str, str]:
    return dict(zip(NAMES[3:], map(str, (visible, in_flight, delayed)), strict=True))


def test_both_queues_are_counted_whatever_their_messages_wait_for(aws: Aws, queue: SqsQueue) -> None:
    attributes(aws, "https://queue", NAMES, QueueArn=QUEUE_ARN, Policy="{}", KmsMasterKeyId=KEY, **counts(1, 2, 4))
    attributes(aws, "https://dead", NAMES[3:], **counts(8, 16, 32))
    aws.answer("kms", "get_key_policy", {"Policy": "key policy"}, {"KeyId": KEY, "PolicyName": "default"})
    assert queue.inspect() == QueueState(
        arn=QUEUE_ARN,
        policy="{}",
        key_arn=KEY,
        key_policy="key policy",
        waiting=7,
        in_flight=2,
        dead=56,
    )


def test_a_queue_without_policy_and_key_asks_kms_nothing(aws: Aws, queue: SqsQueue) -> None:
    attributes(aws, "https://queue", NAMES, QueueArn=QUEUE_ARN)
    attributes(aws, "https://dead", NAMES[3:])
    assert queue.inspect() == QueueState(QUEUE_ARN, None, None, None, waiting=0, in_flight=0, dead=0)


@pytest.mark.parametrize("code", ["AccessDeniedException", "NotFoundException"])
def test_a_key_that_cannot_be_read_is_said_and_no_failure(aws: Aws, queue: SqsQueue, code: str) -> None:
    attributes(aws, "https://queue", NAMES, QueueArn=QUEUE_ARN, KmsMasterKeyId=KEY)
    attributes(aws, "https://dead", NAMES[3:])
    aws.refuse("kms", "get_key_policy", code)
    state = queue.inspect()
    assert (state.key_arn, state.key_policy) == (KEY, None)


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"])
@pytest.mark.parametrize("gone", ["https://queue", "https://dead"])
def test_a_missing_queue_is_told_apart(aws: Aws, queue: SqsQueue, code: str, gone: str) -> None:
    if gone == "https://dead":
        attributes(aws, "https://queue", NAMES, QueueArn=QUEUE_ARN)
    aws.refuse("sqs", "get_queue_attributes", code)
    assert gone in str(failure(queue.inspect, QueueNotReady))


def test_a_queue_that_cannot_be_read_is_a_defect(aws: Aws, queue: SqsQueue) -> None:
    aws.refuse("sqs", "get_queue_attributes", "AccessDenied")
    assert failure(queue.inspect).args[0] == "AWS failed sqs:GetQueueAttributes: AccessDenied."


# The dead-letter queue.


@pytest.fixture
def dead(aws: Aws) -> SqsDeadLetterQueue:
    return SqsDeadLetterQueue(lambda: aws.client("sqs"), "https://dead")


def received(*names: str) -> dict[str, Any]:
    return {
        "Messages": [
            {"MessageId": name, "ReceiptHandle": f"h-{name}", "Body": CANARY, "Attributes": {"SentTimestamp": "1500"}}
            for name in names
        ]
    }


@pytest.mark.rule(id="OPS-5")
def test_every_dead_message_is_seen_once_and_its_body_is_not_shown(aws: Aws, dead: SqsDeadLetterQueue) -> None:
    for answer in (received("a", "b"), received("b", "c"), received("a")):
        aws.stub("sqs").add_response("receive_message", answer)
    found = dead.take(50, 5)
    assert [message.message_id for message in found] == ["a", "b", "c"]
    assert {message.sent_at for message in found} == {datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)}
    assert {message.size for message in found} == {len(CANARY)}
    assert CANARY not in repr(found)


def test_a_look_asks_all_of_sqss_servers(aws: Aws, dead: SqsDeadLetterQueue) -> None:
    """A short poll asks a few of them only, and may come back empty from a queue that is not."""
    sent = {
        "QueueUrl": "https://dead",
        "MaxNumberOfMessages": 10,
        "VisibilityTimeout": 5,
        "WaitTimeSeconds": 1,
        "MessageSystemAttributeNames": ["SentTimestamp"],
        "MessageAttributeNames": ["FirstSentTimestamp"],
    }
    aws.answer("sqs", "receive_message", {}, sent)
    assert dead.take(50, 5) == []


def test_a_dead_message_is_deleted_by_its_handle(aws: Aws, dead: SqsDeadLetterQueue) -> None:
    aws.answer("sqs", "delete_message", {}, {"QueueUrl": "https://dead", "ReceiptHandle": "h"})
    dead.delete(DeadMessage("a", "h", AT, 1, Sensitive(CANARY)))


def test_dead_messages_are_counted(aws: Aws, dead: SqsDeadLetterQueue) -> None:
    attributes(
        aws,
        "https://dead",
        [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ],
        ApproximateNumberOfMessages="3",
        ApproximateNumberOfMessagesNotVisible="2",
        ApproximateNumberOfMessagesDelayed="1",
    )
    assert dead.counts() == QueueCounts(visible=4, hidden=2)


def test_no_more_messages_are_taken_than_asked_for(aws: Aws, dead: SqsDeadLetterQueue) -> None:
    sent = {
        "QueueUrl": "https://dead",
        "MaxNumberOfMessages": 2,
        "VisibilityTimeout": 60,
        "WaitTimeSeconds": 1,
        "MessageSystemAttributeNames": ["SentTimestamp"],
        "MessageAttributeNames": ["FirstSentTimestamp"],
    }
    aws.answer("sqs", "receive_message", received("a", "b"), sent)
    assert [message.message_id for message in dead.take(2, 60)] == ["a", "b"]


@pytest.mark.parametrize(
    ("operation", "name", "call"),
    [
        ("receive_message", "ReceiveMessage", lambda dead: dead.take(50, 5)),
        ("delete_message", "DeleteMessage", lambda dead: dead.delete(DeadMessage("a", "h", AT, 1, Sensitive(CANARY)))),
        ("get_queue_attributes", "GetQueueAttributes", lambda dead: dead.counts()),
    ],
)
def test_a_refused_look_at_dead_messages_is_named(
    aws: Aws, dead: SqsDeadLetterQueue, operation: str, name: str, call: Callable[..., object]
) -> None:
    aws.refuse("sqs", operation, "AccessDenied")
    assert failure(lambda: call(dead)).args[0] == f"AWS failed sqs:{name}: AccessDenied."


# EventBridge.

EVENT = RotationEvent(Application("shop", CLIENT_ID, NAME), ARN, ONE, "rotation-1", AT, None)
DETAIL = {
    "component": "project/stack/name",
    "application": "shop",
    "client_id": CLIENT_ID,
    "secret_arn": ARN,
    "version_id": ONE,
    "rotation_id": "rotation-1",
    "expires_at": "2026-03-01T12:00:00.000Z",
    "previous_expires_at": None,
}


def test_the_event_holds_ids_and_times(aws: Aws) -> None:
    entry = {
        "Source": "spapi-rotation/project/stack/name",
        "DetailType": "SP-API client secret rotated",
        "Resources": [ARN],
        "EventBusName": "bus",
        "Detail": json.dumps(DETAIL),
    }
    aws.answer("events", "put_events", {"FailedEntryCount": 0, "Entries": [{}]}, {"Entries": [entry]})
    EventBridgeAnnouncer(lambda: aws.client("events"), "bus", "project/stack/name").rotated(EVENT)


def test_an_entry_that_is_refused_is_a_failure(aws: Aws) -> None:
    answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "NotAuthorized", "ErrorMessage": CANARY}]}
    aws.stub("events").add_response("put_events", answer)
    with pytest.raises(NotPublished, match="NotAuthorized") as caught:
        EventBridgeAnnouncer(lambda: aws.client("events"), "bus", "project/stack/name").rotated(EVENT)
    assert CANARY not in shown(caught.value)


def test_an_event_that_cannot_be_sent_is_a_failure(aws: Aws) -> None:
    aws.refuse("events", "put_events", "ThrottlingException")
    announcer = EventBridgeAnnouncer(lambda: aws.client("events"), "bus", "project/stack/name")
    error = failure(lambda: announcer.rotated(EVENT), NotPublished)
    assert error.args[0] == "AWS failed events:PutEvents: ThrottlingException."


# Wiring.


def test_the_ports_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    session = boto3.Session(region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    settings = Settings.from_environment(
        {
            "SECRET_PREFIX": "prefix",
            "QUEUE_URL": "https://queue",
            "DEAD_LETTER_QUEUE_URL": "https://dead",
            "UNCLAIMED_QUEUE_URL": "https://unclaimed",
            "SCHEDULE_GROUP": "group",
            "SPAPI_ENDPOINT": "https://spapi",
            "LWA_ENDPOINT": "https://lwa",
            "EVENT_BUS": "bus",
        }
    )
    ports = bootstrap.build(session, settings, telemetry=None)  # type: ignore[arg-type]
    assert isinstance(ports.store, SecretsManagerStore)
    assert isinstance(ports.queue, SqsQueue)
    assert isinstance(ports.announcer, EventBridgeAnnouncer)
    assert ports.policy is settings.policy
    assert ports.applications is settings.applications
    assert vars(ports.queue)["_url"] == "https://queue"
    assert vars(ports.queue)["_dead_letter_url"] == "https://dead"
    assert vars(ports.announcer)["_bus"] == "bus"
    assert {vars(ports.amazon())[name] for name in ("_lwa", "_spapi")} == {"https://lwa", "https://spapi"}
    client = vars(ports.store)["_client"]
    assert client.meta.region_name == "eu-west-1"
    assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": 5}
    naps: list[float] = []
    monkeypatch.setattr("time.sleep", naps.append)
    ports.clock.sleep(3)
    assert naps == [3]
    assert ports.clock.now().tzinfo is UTC
