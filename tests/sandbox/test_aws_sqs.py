"""The emulator's SQS: attributes as AWS gives them, dead-letter queues and redrive."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.sandbox.aws_support import allow, eventually, make_function, make_queue, make_role, receive, refusal

pytestmark = pytest.mark.sandbox


def attributes(aws: AwsEmulator, url: str) -> dict[str, str]:
    return dict(aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])


def test_encryption_attributes_are_filled_in(aws: AwsEmulator) -> None:
    url, _ = make_queue(aws)
    assert attributes(aws, url)["SqsManagedSseEnabled"] == "true"
    sqs = aws.client("sqs")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    given = attributes(aws, url)
    assert (given["SqsManagedSseEnabled"], given["KmsDataKeyReusePeriodSeconds"]) == ("false", "300")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": "", "SqsManagedSseEnabled": "true"})
    given = attributes(aws, url)
    assert "KmsMasterKeyId" not in given
    assert given["SqsManagedSseEnabled"] == "true"


class Pair:
    """A queue with a dead-letter queue that holds a message of it."""

    def __init__(self, aws: AwsEmulator) -> None:
        self.aws, self.sqs = aws, aws.client("sqs")
        self.dead_url, self.dead = make_queue(aws, "dead")
        redrive = json.dumps({"deadLetterTargetArn": self.dead, "maxReceiveCount": 1})
        self.url, self.arn = make_queue(aws, "source", VisibilityTimeout="0", RedrivePolicy=redrive)

    def bury(self, body: str) -> None:
        named = {"own": {"DataType": "String", "StringValue": "kept"}}
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body, MessageAttributes=named)
        assert self.sqs.receive_message(QueueUrl=self.url)["Messages"]
        assert "Messages" not in self.sqs.receive_message(QueueUrl=self.url)
        assert attributes(self.aws, self.dead_url)["ApproximateNumberOfMessages"] == "1"


@pytest.fixture
def pair(aws: AwsEmulator) -> Pair:
    return Pair(aws)


def test_redrive_brings_messages_back_to_their_source_as_new_ones(pair: Pair) -> None:
    pair.bury("body")
    assert pair.sqs.start_message_move_task(SourceArn=pair.dead)["TaskHandle"]
    assert attributes(pair.aws, pair.dead_url)["ApproximateNumberOfMessages"] == "0"
    message = eventually(lambda: receive(pair.aws, pair.url))
    assert message["Body"] == "body"
    assert message["MessageAttributes"]["own"]["StringValue"] == "kept"
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    [task] = pair.sqs.list_message_move_tasks(SourceArn=pair.dead)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)


def test_redrive_may_go_to_another_queue(pair: Pair) -> None:
    pair.bury("body")
    url, arn = make_queue(pair.aws, "other")
    pair.sqs.start_message_move_task(SourceArn=pair.dead, DestinationArn=arn)
    assert eventually(lambda: receive(pair.aws, url))["Body"] == "body"


def test_redrive_wants_a_dead_letter_queue_of_a_queue(pair: Pair) -> None:
    _, plain = make_queue(pair.aws, "plain")
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue") as error:
        pair.sqs.start_message_move_task(SourceArn=plain)
    assert refusal(error) == "InvalidParameterValue"
    missing = f"arn:aws:sqs:{REGION}:{ACCOUNT}:missing"
    for call in (pair.sqs.start_message_move_task, pair.sqs.list_message_move_tasks):
        with pytest.raises(ClientError) as error:
            call(SourceArn=missing)
        assert refusal(error) == "ResourceNotFoundException"


def test_a_finished_move_cannot_be_cancelled(pair: Pair) -> None:
    handle = pair.sqs.start_message_move_task(SourceArn=pair.dead)["TaskHandle"]
    with pytest.raises(ClientError, match="Only active"):
        pair.sqs.cancel_message_move_task(TaskHandle=handle)


def test_the_queues_that_use_a_dead_letter_queue_are_listed(pair: Pair) -> None:
    make_queue(pair.aws, "plain")
    assert pair.sqs.list_dead_letter_source_queues(QueueUrl=pair.dead_url)["queueUrls"] == [pair.url]


REDRIVE = """
import boto3, botocore.exceptions
def handler(event, context):
    try:
        boto3.client("sqs").start_message_move_task(SourceArn=event)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "moved"
"""


def test_redrive_needs_rights_on_both_queues(pair: Pair) -> None:
    pair.bury("body")
    read = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    start, take = allow("sqs:StartMessageMoveTask", pair.dead), allow(read, pair.dead)
    send = allow("sqs:SendMessage", pair.arn)
    cases: list[tuple[list[dict[str, Any]], str]] = [
        ([take, send], "AccessDenied"),
        ([start, send], "AccessDenied"),
        ([start, take], "AccessDenied"),
        ([start, take, send], "moved"),
    ]
    for statements, answer in cases:
        function = make_function(pair.aws, REDRIVE, make_role(pair.aws, *statements))
        payload = json.dumps(pair.dead).encode()
        response = pair.aws.client("lambda").invoke(FunctionName=function, Payload=payload)
        assert json.loads(response["Payload"].read()) == answer


@pytest.mark.parametrize(
    ("permission", "accepted"),
    [
        ({"redrivePermission": "denyAll"}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": ["other"]}, False),
        ({"redrivePermission": "byQueue", "sourceQueueArns": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:new"]}, True),
        ({"redrivePermission": "allowAll"}, True),
    ],
)
def test_a_dead_letter_queue_decides_who_uses_it(
    aws: AwsEmulator, permission: dict[str, object], accepted: bool
) -> None:
    _, dead = make_queue(aws, "dead", RedriveAllowPolicy=json.dumps(permission))
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1})
    if accepted:
        make_queue(aws, "new", RedrivePolicy=redrive)
    else:
        with pytest.raises(ClientError) as error:
            make_queue(aws, "new", RedrivePolicy=redrive)
        assert refusal(error) == "InvalidParameterValue"
