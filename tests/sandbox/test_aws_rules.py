"""The emulator enforces what AWS enforces: TLS, policies of queues and keys, roles."""

import json
import os
import ssl
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.amazon.delivery import AMAZON_ACCOUNT
from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator, isolated_session
from tests.sandbox.aws_support import allow, eventually, make_function, make_queue, make_role, receive, refusal

pytestmark = pytest.mark.sandbox

AMAZON = f"arn:aws:iam::{AMAZON_ACCOUNT}:root"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def for_amazon(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": AMAZON}, "Action": actions, "Resource": resource}


def status(url: str, context: ssl.SSLContext | None = None) -> int:
    with urllib.request.urlopen(url, context=context, timeout=10) as answer:  # noqa: S310
        return int(answer.status)


def send_as_amazon(aws: AwsEmulator, url: str) -> None:
    aws.client("sqs", AMAZON_ACCOUNT).send_message(QueueUrl=url, MessageBody="from Amazon")


# --- transport ---------------------------------------------------------------------------------------------------


def test_plain_http_is_not_served(aws: AwsEmulator) -> None:
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        status(aws.endpoint.replace("https:", "http:") + "/_ministack/ready")


def test_the_certificate_is_trusted_by_its_own_authority_only(aws: AwsEmulator) -> None:
    ready = aws.endpoint + "/_ministack/ready"
    assert status(ready, ssl.create_default_context(cafile=str(aws.ca_file))) == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        status(ready, ssl.create_default_context())


def test_it_listens_on_loopback_only(aws: AwsEmulator) -> None:
    port = f"{int(aws.endpoint.rpartition(':')[2]):04X}"
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):  # noqa: PTH110
            pytest.skip("needs Linux")
        with open(table) as lines:  # noqa: PTH123
            listening += [line.split()[1] for line in lines if line.split()[3] == "0A"]
    assert [address for address in listening if address.endswith(f":{port}")] == [f"0100007F:{port}"]


def test_it_is_one_account_in_one_region(aws: AwsEmulator) -> None:
    assert aws.client("sts").get_caller_identity()["Account"] == ACCOUNT
    assert aws.client("sts", AMAZON_ACCOUNT).get_caller_identity()["Account"] == AMAZON_ACCOUNT
    url, arn = make_queue(aws)
    assert url == f"{aws.endpoint}/{ACCOUNT}/queue"
    given = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    assert given["QueueArn"] == arn == f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"


def test_clients_and_children_ignore_the_machines_aws_settings(
    aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("AWS_PROFILE", "missing"),
        ("AWS_ENDPOINT_URL_STS", "https://127.0.0.1:1"),
        ("AWS_CA_BUNDLE", "/nonexistent"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("AWS_MAX_ATTEMPTS", "9"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "_session", isolated_session())
    assert aws.client("sts").get_caller_identity()["Account"] == ACCOUNT
    assert aws.environment()["AWS_ENDPOINT_URL"] == aws.endpoint
    assert aws.environment()["AWS_CA_BUNDLE"] == str(aws.ca_file)
    assert "AWS_PROFILE" not in aws.environment()


# --- queue policy ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actions", [[], ["sqs:GetQueueAttributes"]])
def test_without_its_statement_amazon_cannot_send(aws: AwsEmulator, actions: list[str]) -> None:
    url, arn = make_queue(aws)
    if actions:
        document = policy(for_amazon(actions, arn))
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    with pytest.raises(ClientError) as error:
        send_as_amazon(aws, url)
    assert refusal(error) == "AccessDenied"
    assert receive(aws, url) is None


def test_with_its_statement_and_a_tls_rule_amazon_can_send(aws: AwsEmulator) -> None:
    url, arn = make_queue(aws)
    tls_only = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = policy(for_amazon(["sqs:SendMessage", "sqs:GetQueueAttributes"], arn), tls_only)
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    send_as_amazon(aws, url)
    assert eventually(lambda: receive(aws, url))["Body"] == "from Amazon"


def test_a_policy_that_is_none_is_refused(aws: AwsEmulator) -> None:
    url, _ = make_queue(aws)
    for document in ("{", "[]", '{"Statement": [{"Effect": "Permit"}]}'):
        with pytest.raises(ClientError) as error:
            aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
        assert refusal(error) == "InvalidAttributeValue"


# --- keys --------------------------------------------------------------------------------------------------------


def make_key(aws: AwsEmulator, *statements: dict[str, Any]) -> str:
    owner = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    key = aws.client("kms").create_key(Policy=policy(owner, *statements))["KeyMetadata"]
    return str(key["Arn"])


@pytest.mark.parametrize("missing", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_an_encrypted_queue_needs_amazons_statement_on_its_key(aws: AwsEmulator, missing: str) -> None:
    both = ["kms:GenerateDataKey", "kms:Decrypt"]
    some = make_key(aws, for_amazon([action for action in both if action != missing], "*"))
    url, arn = make_queue(aws, KmsMasterKeyId=some)
    document = policy(for_amazon(["sqs:SendMessage"], arn))
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    with pytest.raises(ClientError, match=missing) as error:
        send_as_amazon(aws, url)
    assert refusal(error) == "KMS.AccessDeniedException"
    enough = make_key(aws, for_amazon(both, "*"))
    aws.client("kms").create_alias(AliasName="alias/enough", TargetKeyId=enough)
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": "alias/enough"})
    send_as_amazon(aws, url)
    assert eventually(lambda: receive(aws, url))["Body"] == "from Amazon"


READ_SECRET = """
import boto3, botocore.exceptions
def handler(event, context):
    client = boto3.client("secretsmanager")
    try:
        if event:
            client.put_secret_value(SecretId="mine", SecretString=event)
        return client.get_secret_value(SecretId="mine")["SecretString"]
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
"""


def test_a_secrets_key_is_needed_to_read_and_write_its_value(aws: AwsEmulator) -> None:
    key = make_key(aws)
    secret = aws.client("secretsmanager").create_secret(Name="mine", SecretString="one", KmsKeyId=key)["ARN"]
    use = allow(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], secret)
    expected = {
        (): ("AccessDeniedException", "AccessDeniedException"),
        ("kms:Decrypt",): ("one", "AccessDeniedException"),
        ("kms:Decrypt", "kms:GenerateDataKey"): ("one", "two"),
    }
    for actions, (read, written) in expected.items():
        granted = [allow(list(actions), key)] if actions else []
        function = make_function(aws, READ_SECRET, make_role(aws, use, *granted))
        for event, answer in ((None, read), ("two", written)):
            payload = json.dumps(event).encode()
            response = aws.client("lambda").invoke(FunctionName=function, Payload=payload)
            assert json.loads(response["Payload"].read()) == answer


def test_another_key_encrypts_anew_what_has_awss_own_labels_only(aws: AwsEmulator) -> None:
    old, new = make_key(aws), make_key(aws)
    client = aws.client("secretsmanager")
    secret = client.create_secret(Name="mine", SecretString="one", KmsKeyId=old)["ARN"]
    client.put_secret_value(SecretId="mine", SecretString="record", VersionStages=["RECORD"])
    client.update_secret(SecretId="mine", KmsKeyId=new)
    keys = {
        tuple(each["VersionStages"]): each["KmsKeyIds"]
        for each in client.list_secret_version_ids(SecretId="mine")["Versions"]
    }
    assert keys == {("AWSCURRENT",): [new], ("RECORD",): [old]}
    read = READ_SECRET.replace('SecretId="mine")["S', 'SecretId="mine", VersionStage=event or "AWSCURRENT")["S')
    read = read.replace("if event:", "if False:")
    role = make_role(aws, allow(["secretsmanager:GetSecretValue"], secret), allow(["kms:Decrypt"], new))
    function = make_function(aws, read, role)
    for label, answer in ((None, "one"), ("RECORD", "AccessDeniedException")):
        response = aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(label).encode())
        assert json.loads(response["Payload"].read()) == answer


def test_a_key_whose_policy_leaves_the_account_out_is_of_no_use_to_it(aws: AwsEmulator) -> None:
    document = policy(for_amazon(["kms:*"], "*"))
    kms = aws.client("kms")
    key = kms.create_key(Policy=document, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["Arn"]
    with pytest.raises(ClientError) as error:
        aws.client("secretsmanager").create_secret(Name="mine", SecretString="one", KmsKeyId=key)
    assert refusal(error) == "AccessDeniedException"
    assert aws.client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_mapping_reads_nothing_while_its_role_may_not_use_the_queues_key(aws: AwsEmulator) -> None:
    key = make_key(aws)
    url, arn = make_queue(aws, KmsMasterKeyId=key)
    read = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], arn)
    role = make_role(aws, read)
    function = make_function(aws, "def handler(event, context): pass", role)
    lambda_ = aws.client("lambda")
    mapping = lambda_.create_event_source_mapping(FunctionName=function, EventSourceArn=arn)["UUID"]
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="body")

    def result() -> str:
        return str(lambda_.get_event_source_mapping(UUID=mapping)["LastProcessingResult"])

    eventually(lambda: result().startswith("PROBLEM"))
    aws.client("iam").put_role_policy(
        RoleName=role.rpartition("/")[2], PolicyName="key", PolicyDocument=policy(allow("kms:Decrypt", key))
    )
    eventually(lambda: result().startswith("OK"))


# --- events ------------------------------------------------------------------------------------------------------

PUT_EVENT = """
import boto3, botocore.exceptions, json
def handler(event, context):
    entry = {"Source": "own.source", "DetailType": "Own", "Detail": json.dumps(event)}
    try:
        return boto3.client("events").put_events(Entries=[entry])["FailedEntryCount"]
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
"""


def test_a_role_may_put_events_and_a_rule_brings_them_to_a_queue(aws: AwsEmulator) -> None:
    url, arn = make_queue(aws)
    events = aws.client("events")
    events.put_rule(Name="own", EventPattern=json.dumps({"source": ["own.source"]}))
    events.put_targets(Rule="own", Targets=[{"Id": "queue", "Arn": arn}])
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    for statements, answer in (((), "AccessDeniedException"), ((allow("events:PutEvents", bus),), 0)):
        function = make_function(aws, PUT_EVENT, make_role(aws, *statements))
        payload = aws.client("lambda").invoke(FunctionName=function, Payload=b'{"a": 1}')["Payload"].read()
        assert json.loads(payload) == answer
    event = json.loads(eventually(lambda: receive(aws, url))["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == ("own.source", "Own", {"a": 1})
    assert receive(aws, url) is None
