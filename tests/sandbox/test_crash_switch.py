"""The crash switch: a process dies at the instant that was asked for, and the invocation fails as on AWS."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.aws.emulator import AwsEmulator
from tests.engine.fault_scenarios.crash import CrashRefused, CrashSwitch
from tests.sandbox.aws_support import allow, eventually, make_function, make_queue, make_role, receive

pytestmark = pytest.mark.sandbox

WRITE = ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
LOG = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]

CODE = """
import json, os, time, boto3
def handler(event, context):
    if "Records" in event:
        event = json.loads(event["Records"][0]["body"])
    print("working on", event["token"][-1])
    secrets = boto3.client("secretsmanager")
    for label in event["labels"]:
        secrets.put_secret_value(
            SecretId="mine", ClientRequestToken=event["token"], SecretString="value", VersionStages=[label]
        )
    if event.get("sleep"):
        time.sleep(event["sleep"])
    secrets.update_secret_version_stage(SecretId="mine", VersionStage=event["after"], MoveToVersionId=event["token"])
    return os.getpid()
"""


def event(number: int, *labels: str, sleep: float = 0, after: str = "") -> dict[str, Any]:
    return {"token": f"{number:032d}", "labels": labels, "sleep": sleep, "after": after or f"AFTER-{number}"}


def invoke(aws: AwsEmulator, function: str, payload: object) -> tuple[str | None, Any]:
    """The kind of the function's error, and what it answered."""
    answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload).encode())
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def labels(aws: AwsEmulator) -> dict[str, list[str]]:
    versions = aws.client("secretsmanager").list_secret_version_ids(SecretId="mine", IncludeDeprecated=True)["Versions"]
    return {version["VersionId"][-1]: version["VersionStages"] for version in versions}


@pytest.fixture
def function(aws: AwsEmulator) -> str:
    secret = aws.client("secretsmanager").create_secret(Name="mine")["ARN"]
    name = "crashing"
    make_function(aws, CODE, make_role(aws, allow(WRITE, secret), allow(LOG)), FunctionName=name, Timeout=20)
    return name


@pytest.fixture
def switch(aws: AwsEmulator) -> Iterator[CrashSwitch]:
    switch = CrashSwitch(aws)
    switch.disarm()
    yield switch
    switch.disarm()
    switch.close()


def test_the_process_dies_after_the_call_is_carried_out_and_before_the_next(
    aws: AwsEmulator, function: str, switch: CrashSwitch
) -> None:
    _, before = invoke(aws, function, event(1, "FIRST"))
    switch.after(function, "secretsmanager:PutSecretValue", {"VersionStages": ["SECOND"]})
    error, answer = invoke(aws, function, event(2, "SECOND", "THIRD"))
    assert error == "Unhandled"
    assert "Runtime exited with error: signal: killed" in answer["errorMessage"]
    assert labels(aws)["2"] == ["SECOND"]
    error, after = invoke(aws, function, event(3, "THIRD"))
    assert error is None
    assert after != before, "the next invocation has a process of its own"


def test_it_strikes_only_what_fits_and_only_so_often(aws: AwsEmulator, function: str, switch: CrashSwitch) -> None:
    match = {"SecretId": "mine", "VersionStages": ["THIS"]}
    switch.after(function, "secretsmanager:PutSecretValue", match, times=2)
    switch.after("another", "secretsmanager:PutSecretValue")
    switch.after(function, "secretsmanager:DescribeSecret")
    outcomes = [
        invoke(aws, function, event(number, label))[0]
        for number, label in enumerate(["THAT", "THIS", "THAT", "THIS", "THIS"])
    ]
    assert outcomes == [None, "Unhandled", None, "Unhandled", None]
    assert switch.used(match) == switch.used() == 2
    switch.disarm()
    assert switch.used() == 0


def test_a_call_that_aws_refuses_kills_nobody(aws: AwsEmulator, function: str, switch: CrashSwitch) -> None:
    invoke(aws, function, event(1, "FIRST"))
    switch.after(function, "secretsmanager:UpdateSecretVersionStage")
    error, answer = invoke(aws, function, event(2, "SECOND", after="FIRST"))
    assert error == "Unhandled"
    assert "InvalidParameterException" in answer["errorMessage"]
    assert switch.used() == 0


def test_only_the_process_that_made_the_call_dies(aws: AwsEmulator, function: str, switch: CrashSwitch) -> None:
    invoke(aws, function, event(1, "FIRST"))
    outcomes: dict[str, str | None] = {}

    def slowly() -> None:
        outcomes["slow"], _ = invoke(aws, function, event(2, "SLOW", sleep=3))

    thread = threading.Thread(target=slowly)
    thread.start()
    eventually(lambda: "2" in labels(aws))
    switch.after(function, "secretsmanager:PutSecretValue", {"VersionStages": ["QUICK"]})
    outcomes["quick"], _ = invoke(aws, function, event(3, "QUICK"))
    thread.join()
    assert outcomes == {"quick": "Unhandled", "slow": None}


def test_a_process_can_be_killed_at_its_work_on_one_event(aws: AwsEmulator, function: str, switch: CrashSwitch) -> None:
    assert switch.now(function, event(7)["token"]) == 0
    outcomes: list[str | None] = []
    thread = threading.Thread(target=lambda: outcomes.append(invoke(aws, function, event(7, "SLOW", sleep=15))[0]))
    thread.start()
    eventually(lambda: "7" in labels(aws))
    assert switch.now(function, event(8)["token"]) == 0
    assert switch.now("another", event(7)["token"]) == 0
    assert switch.now(function, event(7)["token"]) == 1
    thread.join()
    assert outcomes == ["Unhandled"]
    assert "AFTER-7" not in labels(aws)["7"]


def test_a_queue_message_comes_back_after_its_visibility_timeout(aws: AwsEmulator, switch: CrashSwitch) -> None:
    secret = aws.client("secretsmanager").create_secret(Name="mine")["ARN"]
    url, queue = make_queue(aws, VisibilityTimeout="3")
    read = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue)
    name = "reader"
    make_function(aws, CODE, make_role(aws, allow(WRITE, secret), read), FunctionName=name, Timeout=2)
    aws.client("lambda").create_event_source_mapping(FunctionName=name, EventSourceArn=queue, BatchSize=1)
    switch.after(name, "secretsmanager:PutSecretValue")
    aws.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(event(1, "FIRST")))
    eventually(lambda: switch.used() == 1)
    waiting = {"AttributeNames": ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]}

    def left() -> int:
        counts = aws.client("sqs").get_queue_attributes(QueueUrl=url, **waiting)["Attributes"]
        return sum(map(int, counts.values()))

    assert left() == 1
    eventually(lambda: "AFTER-1" in labels(aws).get("1", ()))
    eventually(lambda: left() == 0)


def test_an_asynchronous_call_goes_to_the_failure_destination(aws: AwsEmulator, switch: CrashSwitch) -> None:
    secret = aws.client("secretsmanager").create_secret(Name="mine")["ARN"]
    url, queue = make_queue(aws)
    name = "told"
    make_function(aws, CODE, make_role(aws, allow(WRITE, secret), allow("sqs:SendMessage", queue)), FunctionName=name)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    switch.after(name, "secretsmanager:PutSecretValue")
    payload = event(1, "FIRST")
    aws.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(payload).encode())
    record = json.loads(eventually(lambda: receive(aws, url))["Body"])
    assert record["requestPayload"]["token"] == payload["token"]
    assert "signal: killed" in record["responsePayload"]["errorMessage"]
    assert "AFTER-1" not in labels(aws)["1"]


def test_what_was_logged_before_the_crash_is_kept(aws: AwsEmulator, function: str, switch: CrashSwitch) -> None:
    switch.after(function, "secretsmanager:PutSecretValue")
    invoke(aws, function, event(1, "FIRST"))
    events = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    lines = [entry["message"] for entry in events]
    assert "working on 1" in lines
    assert any("signal: killed" in line for line in lines)
    assert any(line.startswith("REPORT RequestId") for line in lines)


@pytest.mark.parametrize(
    "asked",
    [
        {"after": "secretsmanager:PutSecretValue"},
        {"function": "f", "after": "secretsmanager:Unknown"},
        {"function": "f"},
        {"function": "f", "after": "sqs:SendMessage", "matching": {}},
        {"function": "f", "after": "sqs:SendMessage", "match": {"a": 1}},
        {"function": "f", "after": "sqs:SendMessage", "times": 0},
        {"function": "f", "handling": ""},
        {"function": "f", "handling": "x", "times": 2},
    ],
)
def test_what_is_not_understood_is_refused(switch: CrashSwitch, asked: dict[str, object]) -> None:
    with pytest.raises(CrashRefused):
        switch._ask("POST", asked)
    assert switch._ask("GET") == {"switches": []}


def test_other_methods_are_refused(switch: CrashSwitch) -> None:
    with pytest.raises(CrashRefused):
        switch._ask("PUT", {})
