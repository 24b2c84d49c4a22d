"""Pytest fixtures for tests that need the AWS emulator. A ``conftest.py`` imports the ones that it offers."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, AwsEmulator

T = TypeVar("T")


@pytest.fixture(scope="session")
def aws_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsEmulator]:
    """One emulator for the whole session. An hour of ``rate(N hours)`` lasts two seconds in it."""
    with AwsEmulator(tmp_path_factory.mktemp("aws") / "emulator", hour_seconds=2) as emulator:
        yield emulator


@pytest.fixture
def aws(aws_emulator: AwsEmulator) -> Iterator[AwsEmulator]:
    """The session's emulator, emptied before the test."""
    aws_emulator.reset()
    yield aws_emulator
    aws_emulator.reset()


def eventually(probe: Callable[[], T | None], seconds: float = 20) -> T:
    """Call ``probe`` until it returns something true, and return that; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{getattr(probe, '__name__', 'the probe')} stayed {found!r} for {seconds:g} s")
        time.sleep(0.05)


def refusal(error: pytest.ExceptionInfo[ClientError]) -> str:
    """The code of the error with which AWS refused a call."""
    return str(error.value.response["Error"]["Code"])


def make_role(aws: AwsEmulator, *statements: dict[str, Any], service: str = "lambda.amazonaws.com") -> str:
    """Create a role that ``service`` may assume and that may do what the statements say; return its ARN."""
    name = f"role-{uuid.uuid4().hex[:8]}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    iam = aws.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
    return arn


def allow(actions: str | list[str], resource: str = "*") -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def acting_as(aws: AwsEmulator, *statements: dict[str, Any]) -> dict[str, str]:
    """Credentials of a session that may do what the statements say, for ``AwsEmulator.client``."""
    role, iam = make_role(aws, *statements), aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(
        RoleName=role.rpartition("/")[2], PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    given: dict[str, str] = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    return given


def make_function(aws: AwsEmulator, code: str, role: str | None = None, **settings: Any) -> str:
    """Create a Python function from the text of a module with ``handler(event, context)``; return its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("function.py", code)
    lambda_ = aws.client("lambda")
    name = settings.pop("FunctionName", f"function-{uuid.uuid4().hex[:8]}")
    arn: str = lambda_.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="function.handler",
        Role=role or make_role(aws),
        Code={"ZipFile": archive.getvalue()},
        **settings,
    )["FunctionArn"]
    eventually(lambda: lambda_.get_function(FunctionName=name)["Configuration"]["State"] == "Active")
    return arn


def make_queue(aws: AwsEmulator, name: str = "queue", **attributes: str) -> tuple[str, str]:
    """Create a queue; return its URL and ARN."""
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{sqs.meta.region_name}:{ACCOUNT}:{name}"


def make_heard_topic(aws: AwsEmulator, name: str, **attributes: str) -> tuple[str, str]:
    """Make a topic with a queue that hears it, raw; the topic's ARN and the queue's URL."""
    url, queue = make_queue(aws)
    allowed = {**allow("sqs:SendMessage", queue), "Principal": {"Service": "sns.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns = aws.client("sns")
    topic = str(sns.create_topic(Name=name, Attributes=attributes)["TopicArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    return topic, url


def receive(aws: AwsEmulator, url: str) -> dict[str, Any] | None:
    """One message of a queue with all its attributes, deleted there; None when it is empty."""
    sqs = aws.client("sqs")
    for message in sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
    ).get("Messages", ()):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return message  # type: ignore[no-any-return]
    return None
