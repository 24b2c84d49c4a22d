"""The emulator runs functions as AWS does: their world, their role, their event sources and destinations."""

import io
import json
import uuid
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.sandbox.aws_support import acting_as, allow, eventually, make_function, make_queue, make_role, receive

pytestmark = pytest.mark.sandbox

READ_QUEUE = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
WRITE_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]


def invoke(aws: AwsEmulator, function: str, event: object = None) -> Any:
    answer = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read())


def log_lines(aws: AwsEmulator, group: str) -> list[str]:
    logs = aws.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    return [event["message"].strip() for event in logs.filter_log_events(logGroupName=group)["events"]]


def test_a_function_sees_only_the_sandbox(aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    function = make_function(
        aws,
        "import os\ndef handler(event, context):\n    return dict(os.environ)",
        Environment={"Variables": {"A": "b"}},
    )
    seen = invoke(aws, function)
    assert seen["AWS_ENDPOINT_URL"] == aws.endpoint
    assert seen["AWS_CA_BUNDLE"] == seen["SSL_CERT_FILE"] == seen["REQUESTS_CA_BUNDLE"] == str(aws.ca_file)
    assert seen["AWS_REGION"] == REGION
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert seen["A"] == "b"
    assert not [name for name in seen if name.startswith("SANDBOX_")]
    assert "HTTPS_PROXY" not in seen


def test_a_function_finds_boto3_and_not_the_emulators_own_packages(aws: AwsEmulator) -> None:
    code = """
import importlib.util
def handler(event, context):
    return [name for name in event if importlib.util.find_spec(name)]
"""
    shipped = ["boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"]
    assert invoke(aws, make_function(aws, code), [*shipped, "ministack", "hypercorn", "h11", "pip"]) == shipped


def test_a_function_acts_over_tls_with_its_own_role(aws: AwsEmulator) -> None:
    code = """
import boto3, botocore.exceptions
def handler(event, context):
    try:
        return boto3.client("secretsmanager").get_secret_value(SecretId="mine")["SecretString"]
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
"""
    arn = aws.client("secretsmanager").create_secret(Name="mine", SecretString="value")["ARN"]
    read = allow("secretsmanager:GetSecretValue", arn)
    assert invoke(aws, make_function(aws, code, make_role(aws, read))) == "value"
    assert invoke(aws, make_function(aws, code, make_role(aws))) == "AccessDeniedException"


def test_a_role_that_lambda_may_not_assume_is_refused(aws: AwsEmulator) -> None:
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        make_function(aws, "", make_role(aws, service="scheduler.amazonaws.com"))
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        make_function(aws, "", f"arn:aws:iam::{ACCOUNT}:role/missing")


@pytest.mark.parametrize("service", ["lambda", "scheduler"])
def test_a_function_gets_its_role_from_who_may_pass_it_to_lambda(aws: AwsEmulator, service: str) -> None:
    role = make_role(aws)
    passed = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
    session = acting_as(aws, allow("lambda:CreateFunction"), {**allow("iam:PassRole", role), "Condition": passed})
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as content:
        content.writestr("function.py", "")
    asked = {"Runtime": "python3.13", "Handler": "function.handler", "Code": {"ZipFile": code.getvalue()}}
    create = aws.client("lambda", credentials=session).create_function
    if service == "lambda":
        assert create(FunctionName="passed", Role=role, **asked)["Role"] == role
        return
    with pytest.raises(ClientError, match="not authorized to perform: iam:PassRole"):
        create(FunctionName="passed", Role=role, **asked)


@pytest.mark.parametrize("lacking", [None, "kms:CreateGrant", "kms:Encrypt"])
def test_an_environment_is_written_with_a_key_by_who_may_use_it(aws: AwsEmulator, lacking: str | None) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    function = make_function(aws, "", Environment={"Variables": {"A": "b"}}, KMSKeyArn=key).rpartition(":")[2]
    may = ["kms:CreateGrant", "kms:Encrypt", "lambda:UpdateFunctionConfiguration"]
    session = acting_as(aws, allow([action for action in may if action != lacking]))
    update = aws.client("lambda", credentials=session).update_function_configuration
    if lacking is None:
        update(FunctionName=function, Environment={"Variables": {"A": "c"}})
        return
    update(FunctionName=function, Description="needs no key")
    for written in ({"Environment": {"Variables": {"A": "c"}}}, {"KMSKeyArn": key}):
        with pytest.raises(ClientError, match=f"invalid for {lacking.partition(':')[2]}"):
            update(FunctionName=function, **written)


@pytest.mark.parametrize("lacking", [None, "kms:Decrypt"])
def test_an_encrypted_environment_is_shown_to_who_may_decrypt_it(aws: AwsEmulator, lacking: str | None) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    code = "import os\ndef handler(event, context):\n    return os.environ['A']"
    function = make_function(aws, code, Environment={"Variables": {"A": "b"}}, KMSKeyArn=key).rpartition(":")[2]
    may = ["kms:Decrypt", "lambda:GetFunction", "lambda:GetFunctionConfiguration"]
    session = acting_as(aws, allow([action for action in may if action != lacking]))
    client = aws.client("lambda", credentials=session)
    for shown in (
        client.get_function_configuration(FunctionName=function),
        client.get_function(FunctionName=function)["Configuration"],
    ):
        assert shown["KMSKeyArn"] == key
        assert shown["Environment"].get("Variables") == (None if lacking else {"A": "b"})
        assert ("Error" in shown["Environment"]) == bool(lacking)
    # By its grant, with a role that may nothing.
    assert invoke(aws, function) == "b"


def test_logs_go_to_the_configured_group_if_the_role_may_write_them(aws: AwsEmulator) -> None:
    code = "def handler(event, context):\n    print('a line')"
    aws.client("logs").create_log_group(logGroupName="/own/group")
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/own/group:*"
    config = {"LogFormat": "JSON", "LogGroup": "/own/group"}
    mute = make_function(aws, code, LoggingConfig=config)
    invoke(aws, mute)
    assert log_lines(aws, "/own/group") == []
    heard = make_function(aws, code, make_role(aws, allow(WRITE_LOGS[1:], stream)), LoggingConfig=config)
    invoke(aws, heard)
    assert "a line" in log_lines(aws, "/own/group")
    groups = aws.client("logs").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["/own/group"]


FAILING = "def handler(event, context):\n    raise RuntimeError('on purpose')"


def with_destination(aws: AwsEmulator, queue: str, role: str, code: str = FAILING, retries: int = 0) -> str:
    function = make_function(aws, code, role)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=retries,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    return function


def test_a_failed_asynchronous_call_goes_to_the_failure_destination(aws: AwsEmulator) -> None:
    url, queue = make_queue(aws)
    function = with_destination(aws, queue, make_role(aws, allow("sqs:SendMessage", queue)))
    answer = aws.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b'{"a": 1}')
    assert answer["StatusCode"] == 202
    record = json.loads(eventually(lambda: receive(aws, url))["Body"])
    assert record["requestPayload"] == {"a": 1}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responsePayload"]["errorMessage"] == "on purpose"
    assert receive(aws, url) is None, "one record for one event"


def test_a_destination_that_the_role_may_not_reach_is_refused(aws: AwsEmulator) -> None:
    _, queue = make_queue(aws)
    with pytest.raises(ClientError, match="does not have permissions to call SendMessage"):
        with_destination(aws, queue, make_role(aws))


def mapping(aws: AwsEmulator, function: str, queue: str, **settings: Any) -> None:
    aws.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=queue, BatchSize=10, **settings
    )


@pytest.mark.parametrize("missing", READ_QUEUE)
def test_an_event_source_needs_each_permission_of_the_role(aws: AwsEmulator, missing: str) -> None:
    _, queue = make_queue(aws)
    role = make_role(aws, allow([action for action in READ_QUEUE if action != missing], queue))
    function = make_function(aws, FAILING, role)
    with pytest.raises(ClientError, match=missing.removeprefix("sqs:")):
        mapping(aws, function, queue)


def test_an_event_source_must_hide_messages_as_long_as_the_function_may_run(aws: AwsEmulator) -> None:
    _, queue = make_queue(aws, VisibilityTimeout="30")
    function = make_function(aws, FAILING, make_role(aws, allow(READ_QUEUE, queue)), Timeout=31)
    with pytest.raises(ClientError, match="less than Function timeout"):
        mapping(aws, function, queue)


ANSWERS: dict[str, object] = {
    "nothing": None,
    "empty": {},
    "none failed": {"batchItemFailures": []},
    "unknown key": {"failures": []},
    "unknown item": {"batchItemFailures": [{"itemIdentifier": "x"}]},
    "item without its key": {"batchItemFailures": [{"id": "x"}]},
    "not an object": [],
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_not_understood_fails_the_whole_batch(aws: AwsEmulator, answer: str) -> None:
    url, queue = make_queue(aws, VisibilityTimeout="3")
    code = f"def handler(event, context):\n    return {ANSWERS[answer]!r}"
    function = make_function(aws, code, make_role(aws, allow(READ_QUEUE, queue)))
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="body")
    mapping(aws, function, queue, FunctionResponseTypes=["ReportBatchItemFailures"])
    result = eventually(lambda: last_result(aws))
    left = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    fine = answer in ("nothing", "empty", "none failed")
    assert result.startswith("OK") is fine
    assert left["ApproximateNumberOfMessagesNotVisible"] == ("0" if fine else "1")


def last_result(aws: AwsEmulator) -> str:
    [found] = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    result = str(found["LastProcessingResult"])
    return "" if result == "No records processed" else result


def test_one_failed_item_comes_back_alone_until_the_dead_letter_queue(aws: AwsEmulator) -> None:
    dead_url, dead = make_queue(aws, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2})
    url, queue = make_queue(aws, VisibilityTimeout="1", RedrivePolicy=redrive)
    code = """
def handler(event, context):
    bad = [{"itemIdentifier": r["messageId"]} for r in event["Records"] if r["body"] == "bad"]
    return {"batchItemFailures": bad}
"""
    function = make_function(aws, code, make_role(aws, allow(READ_QUEUE, queue)), Timeout=1)
    for body in ("good", "bad", "good"):
        aws.client("sqs").send_message(QueueUrl=url, MessageBody=body)
    mapping(aws, function, queue, FunctionResponseTypes=["ReportBatchItemFailures"])
    message = eventually(lambda: receive(aws, dead_url))
    assert message["Body"] == "bad"
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == queue
    assert receive(aws, url) is None


def test_every_execution_is_counted(aws: AwsEmulator) -> None:
    url, queue = make_queue(aws, VisibilityTimeout="30")
    name = f"counted-{uuid.uuid4().hex[:8]}"
    function = make_function(aws, FAILING, make_role(aws, allow(READ_QUEUE, queue)), FunctionName=name)
    aws.client("lambda").put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    aws.client("lambda").invoke(FunctionName=function)
    aws.client("lambda").invoke(FunctionName=function, InvocationType="Event")
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="body")
    mapping(aws, function, queue)

    def total(metric: str) -> float:
        statistics = aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}],
            StartTime="2020-01-01",
            EndTime="2100-01-01",
            Period=86400,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in statistics["Datapoints"]))

    eventually(lambda: total("Errors") == 3)
    assert total("Invocations") == 3
    assert total("Throttles") == 0
