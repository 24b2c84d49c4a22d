"""CloudTrail's record of reads, and LookupEvents: who read, what was asked for, page by page."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.sandbox.aws_support import acting_as, allow, make_function, make_role, refusal

pytestmark = pytest.mark.sandbox

READS = [{"AttributeKey": "EventName", "AttributeValue": "GetSecretValue"}]


def made(aws: AwsEmulator, name: str = "secret") -> str:
    return str(aws.client("secretsmanager").create_secret(Name=name, SecretString="{}")["ARN"])


def records(aws: AwsEmulator) -> list[dict[str, Any]]:
    """The records of all reads, the newest first."""
    found = aws.client("cloudtrail").lookup_events(LookupAttributes=READS)["Events"]
    assert all(isinstance(each["EventTime"], datetime) for each in found)
    return [json.loads(each["CloudTrailEvent"]) for each in found]


def test_a_read_by_a_role_tells_the_role_the_session_and_what_was_asked_for(aws: AwsEmulator) -> None:
    arn = made(aws)
    keys = acting_as(aws, allow("secretsmanager:GetSecretValue"))
    before = datetime.now(UTC).replace(microsecond=0)
    aws.client("secretsmanager", credentials=keys).get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
    (record,) = records(aws)
    assert record["eventName"] == "GetSecretValue"
    assert record["eventSource"] == "secretsmanager.amazonaws.com"
    assert record["requestParameters"] == {"secretId": arn, "versionStage": "AWSCURRENT"}
    assert (record["awsRegion"], record["recipientAccountId"]) == (REGION, ACCOUNT)
    assert before <= datetime.fromisoformat(record["eventTime"]) <= datetime.now(UTC)
    assert "errorCode" not in record
    identity = record["userIdentity"]
    caller = aws.client("sts", credentials=keys).get_caller_identity()["Arn"]
    assert (identity["type"], identity["arn"], identity["accountId"]) == ("AssumedRole", caller, ACCOUNT)
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert issuer["arn"] == f"arn:aws:iam::{ACCOUNT}:role/{caller.split('/')[1]}"
    assert identity["principalId"] == f"{issuer['principalId']}:session"


def test_a_secret_is_named_as_the_reader_named_it(aws: AwsEmulator) -> None:
    made(aws)
    aws.client("secretsmanager").get_secret_value(SecretId="secret")
    (record,) = records(aws)
    assert record["requestParameters"] == {"secretId": "secret"}
    assert record["userIdentity"]["type"] == "Root"


def test_a_function_reads_in_a_session_of_its_own_name(aws: AwsEmulator) -> None:
    arn = made(aws)
    code = f"import boto3\ndef handler(*_): boto3.client('secretsmanager').get_secret_value(SecretId='{arn}')\n"
    role = make_role(aws, allow("secretsmanager:GetSecretValue"))
    make_function(aws, code, role, FunctionName="rotation")
    assert "FunctionError" not in aws.client("lambda").invoke(FunctionName="rotation")
    (record,) = records(aws)
    assert record["userIdentity"]["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/rotation"


def test_a_read_that_is_denied_is_recorded_as_that(aws: AwsEmulator) -> None:
    arn = made(aws)
    stranger = aws.client("secretsmanager", credentials=acting_as(aws))
    with pytest.raises(ClientError) as denied:
        stranger.get_secret_value(SecretId=arn)
    assert refusal(denied) == "AccessDeniedException"
    (record,) = records(aws)
    assert record["errorCode"] == "AccessDenied"
    assert record["userIdentity"]["type"] == "AssumedRole"


def test_a_read_that_fails_is_recorded_with_its_code(aws: AwsEmulator) -> None:
    with pytest.raises(ClientError):
        aws.client("secretsmanager").get_secret_value(SecretId="nothing")
    (record,) = records(aws)
    assert record["errorCode"] == "ResourceNotFoundException"


def test_a_batch_is_recorded_secret_by_secret(aws: AwsEmulator) -> None:
    one, two = made(aws, "one"), made(aws, "two")
    aws.client("secretsmanager").batch_get_secret_value(SecretIdList=[one, two])
    assert [each["requestParameters"]["secretId"] for each in records(aws)] == [two, one]


def test_the_record_comes_in_pages_the_newest_first(aws: AwsEmulator) -> None:
    made(aws)
    secrets, trail = aws.client("secretsmanager"), aws.client("cloudtrail")
    for _ in range(5):
        secrets.get_secret_value(SecretId="secret")
    asked = {"LookupAttributes": READS, "MaxResults": 2, "EndTime": datetime.now(UTC) + timedelta(hours=1)}
    sizes, seen, token = list[int](), list[str](), dict[str, str]()
    while True:
        answer = trail.lookup_events(**asked, **token)
        sizes.append(len(answer["Events"]))
        seen += [each["EventId"] for each in answer["Events"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert sizes == [2, 2, 1]
    assert len(set(seen)) == 5
    with pytest.raises(ClientError) as other:
        trail.lookup_events(**{**asked, "MaxResults": 3}, **token)
    assert refusal(other) == "InvalidNextTokenException"


def test_what_lies_outside_the_time_is_not_found(aws: AwsEmulator) -> None:
    made(aws)
    aws.client("secretsmanager").get_secret_value(SecretId="secret")
    now, trail = datetime.now(UTC), aws.client("cloudtrail")
    hour = timedelta(hours=1)
    assert not trail.lookup_events(LookupAttributes=READS, EndTime=now - hour)["Events"]
    assert not trail.lookup_events(LookupAttributes=READS, StartTime=now + hour, EndTime=now + 2 * hour)["Events"]
    with pytest.raises(ClientError) as turned:
        trail.lookup_events(LookupAttributes=READS, StartTime=now, EndTime=now - hour)
    assert refusal(turned) == "InvalidTimeRangeException"


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ([*READS, {"AttributeKey": "ReadOnly", "AttributeValue": "true"}], "InvalidLookupAttributesException"),
        ([{"AttributeKey": "EventName", "AttributeValue": "PutSecretValue"}], "UnsupportedOperationException"),
        ([{"AttributeKey": "ResourceName", "AttributeValue": "secret"}], "UnsupportedOperationException"),
    ],
)
def test_other_lookups_are_refused(aws: AwsEmulator, attributes: Any, code: str) -> None:
    """The first by AWS, the others by the sandbox, which records nothing else."""
    with pytest.raises(ClientError) as refused:
        aws.client("cloudtrail").lookup_events(LookupAttributes=attributes)
    assert refusal(refused) == code


def test_looking_takes_its_right(aws: AwsEmulator) -> None:
    with pytest.raises(ClientError) as denied:
        aws.client("cloudtrail", credentials=acting_as(aws)).lookup_events(LookupAttributes=READS)
    assert refusal(denied) == "AccessDeniedException"
    seeing = acting_as(aws, allow("cloudtrail:LookupEvents"))
    assert aws.client("cloudtrail", credentials=seeing).lookup_events(LookupAttributes=READS)["Events"] == []
