"""What a run has made is told from what is gone, and from what AWS deletes by itself; on the emulator."""

import boto3
import pytest

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.acceptance.account import Account
from tests.acceptance.leftovers import KINDS, PENDING, Made, standing

pytestmark = pytest.mark.sandbox

NOWHERE = {
    "aws:iam/rolePolicy:RolePolicy": "role:policy",
    "aws:sqs/queue:Queue": f"https://127.0.0.1/{ACCOUNT}/nothing",
    "aws:sns/topic:Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:nothing",
    "aws:secretsmanager/secret:Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:nothing-AbCdEf",
    "aws:kms/alias:Alias": "alias/nothing",
    "aws:kms/key:Key": "01234567-89ab-cdef-0123-456789abcdef",
    "aws:lambda/eventSourceMapping:EventSourceMapping": "01234567-89ab-cdef-0123-456789abcdef",
}


@pytest.fixture
def account(aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch) -> Account:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    return Account("mine", REGION, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", True, boto3.Session())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_gone_is_not_standing(account: Account, kind: str) -> None:
    assert standing(account, [Made(kind, NOWHERE.get(kind, "nothing"))]) == {}


def test_what_is_there_is_told_from_what_is_deleted_later(account: Account, aws: AwsEmulator) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    secrets = aws.client("secretsmanager")
    kept, dying = (secrets.create_secret(Name=name, SecretString="x")["ARN"] for name in ("kept", "dying"))
    url = aws.client("sqs").create_queue(QueueName="queue")["QueueUrl"]
    aws.client("logs").create_log_group(logGroupName="/own/longer")
    aws.client("logs").create_log_group(logGroupName="/owned")
    made = {
        "key": Made("aws:kms/key:Key", key),
        "kept": Made("aws:secretsmanager/secret:Secret", kept),
        "dying": Made("aws:secretsmanager/secret:Secret", dying),
        "queue": Made("aws:sqs/queue:Queue", url),
        "group": Made("aws:cloudwatch/logGroup:LogGroup", "/own/longer"),
        "no group": Made("aws:cloudwatch/logGroup:LogGroup", "/own"),
        "policy": Made("aws:sqs/queuePolicy:QueuePolicy", url),
    }
    there = {made[name]: True for name in ("key", "kept", "dying", "queue", "group")}
    assert standing(account, made.values()) == there
    aws.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    secrets.delete_secret(SecretId=dying, RecoveryWindowInDays=7)
    assert standing(account, made.values()) == {**there, made["key"]: PENDING, made["dying"]: PENDING}
