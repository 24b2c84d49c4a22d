"""What botocore's own serializers make of a call is read back as the same call."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.security.calls.requests import Request, UnreadableRequest, call_of

ARN = "arn:aws:lambda:us-east-1:123456789012:function:rotation"

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"VisibilityTimeout": "360"}, "tags": {"a": "b"}}),
    ("secretsmanager", "PutSecretValue", {"SecretId": "shop", "SecretString": "x", "VersionStages": ["A", "B"]}),
    ("kms", "CreateKey", {"Description": "d", "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    ("logs", "FilterLogEvents", {"logGroupName": "/aws/lambda/x", "limit": 50}),
    ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": ARN, "InputTransformer": {
        "InputPathsMap": {"v": "$.detail.v"}, "InputTemplate": "<v>"}}]}),
    ("stepfunctions", "StartExecution", {"stateMachineArn": ARN, "name": "n", "input": "{}"}),
    ("ecs", "UpdateService", {"cluster": "c", "service": "s", "forceNewDeployment": True}),
    ("cloudtrail", "LookupEvents", {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "x"}]}),
    ("cloudwatch", "PutMetricAlarm", {"AlarmName": "a", "EvaluationPeriods": 2, "Threshold": 1.5,
        "ComparisonOperator": "LessThanThreshold", "Dimensions": [{"Name": "service", "Value": "x"}]}),
    ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": "{}", "Tags": [
        {"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}]}),
    ("iam", "ListRolePolicies", {"RoleName": "r"}),
    ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "ann"}),
    ("sns", "CreateTopic", {"Name": "t", "Attributes": {"KmsMasterKeyId": "k", "DisplayName": "d"}, "Tags": []}),
    ("sns", "Subscribe", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Protocol": "sqs", "Endpoint": "e"}),
    ("ec2", "DescribeSubnets", {"SubnetIds": ["subnet-1", "subnet-2"], "Filters": [
        {"Name": "vpc-id", "Values": ["vpc-1", "vpc-2"]}]}),
    ("lambda", "CreateFunction", {"FunctionName": "f", "Role": "r", "Runtime": "python3.13", "Timeout": 180,
        "Code": {"S3Bucket": "bucket", "S3Key": "k"}, "Environment": {"Variables": {"A": "b"}}, "Tags": {"a": "b"}}),
    ("lambda", "GetFunction", {"FunctionName": ARN}),
    ("lambda", "ListEventSourceMappings", {"EventSourceArn": ARN, "MaxItems": 50}),
    ("lambda", "TagResource", {"Resource": ARN, "Tags": {"a": "b"}}),
    ("lambda", "UntagResource", {"Resource": ARN, "TagKeys": ["a", "b"]}),
    ("lambda", "Invoke", {"FunctionName": "f", "InvocationType": "RequestResponse", "Payload": b'{"a": 1}'}),
    ("lambda", "PutFunctionEventInvokeConfig", {"FunctionName": "f", "MaximumRetryAttempts": 0}),
    ("scheduler", "CreateSchedule", {"Name": "s", "GroupName": "g", "ScheduleExpression": "rate(1 hour)",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}, "Target": {
            "Arn": ARN, "RoleArn": "r"}}),
    ("scheduler", "GetSchedule", {"Name": "s", "GroupName": "g"}),
]  # fmt: skip


class Sent(Exception):
    """Carries a request instead of sending it."""


def sent(service: str, operation: str, parameters: dict[str, Any]) -> Request:
    """The request that botocore makes of a call."""
    client = boto3.client(service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")  # type: ignore[call-overload]
    caught: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        caught.append(request)
        raise Sent

    client.meta.events.register("before-send", catch)
    with pytest.raises(Sent):
        client._make_api_call(operation, parameters)
    (request,) = caught
    path, _, query = request.url.partition("amazonaws.com")[2].partition("?")
    body: Any = request.body or b""
    return Request(
        service=str(client.meta.service_model.signing_name),
        method=str(request.method),
        path=path,
        query=query,
        headers={name.lower(): _text(value) for name, value in request.headers.items()},
        body=body if isinstance(body, bytes) else body.encode(),
        status=200,
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    """Numbers and truth values as the texts that some protocols make of them."""
    match value:
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
    return value


@pytest.mark.parametrize(("service", "operation", "parameters"), CALLS, ids=lambda value: str(value)[:24])
def test_a_call_is_read_back(service: str, operation: str, parameters: dict[str, Any]) -> None:
    found = call_of(sent(service, operation, parameters))
    assert found.name == f"{service}.{operation}"
    assert _plain(found.parameters) == _plain(parameters)


def test_a_blob_of_a_json_body_stays_in_base64() -> None:
    found = call_of(sent("lambda", "UpdateFunctionCode", {"FunctionName": "f", "ZipFile": b"zip"}))
    assert base64.b64decode(found.parameters["ZipFile"]) == b"zip"


def unknown() -> Iterator[Request]:
    """Requests that are none of a model's."""
    known = sent("sqs", "ListQueues", {})
    fields = {name: getattr(known, name) for name in Request.__slots__}
    yield Request(**{**fields, "service": ""})
    yield Request(**{**fields, "service": "nothing"})
    yield Request(**{**fields, "headers": {"x-amz-target": "AmazonSQS.Nothing"}})
    yield Request(**{**fields, "body": b"{"})
    yield Request(**{**fields, "service": "lambda", "headers": {}, "path": "/2015-03-31/nothing"})


@pytest.mark.parametrize("request_", list(unknown()), ids=lambda each: f"{each.service} {each.path}")
def test_what_no_model_has_is_told(request_: Request) -> None:
    with pytest.raises(UnreadableRequest):
        call_of(request_)


def test_what_no_member_takes_is_kept() -> None:
    form = sent("iam", "ListRolePolicies", {"RoleName": "r"})
    fields = {name: getattr(form, name) for name in Request.__slots__}
    assert call_of(Request(**{**fields, "body": form.body + b"&Nothing=1"})).parameters["Nothing"] == "1"
    text = sent("sqs", "ListQueues", {})
    fields = {name: getattr(text, name) for name in Request.__slots__}
    assert call_of(Request(**{**fields, "body": b'{"Nothing": 1}'})).parameters == {"Nothing": 1}


def test_a_line_of_the_record_is_a_request() -> None:
    line = json.dumps({"service": "sqs", "method": "POST", "path": "/", "query": "", "headers": {}, "body": "e30=",
                       "status": 200})  # fmt: skip
    assert Request.from_line(line) == Request("sqs", "POST", "/", "", {}, b"{}", 200)
