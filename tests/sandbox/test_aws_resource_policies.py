"""Policies of secrets and keys: whom they may name, and who reads a secret, of the same account and of others."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.sandbox.aws_support import refusal

pytestmark = pytest.mark.sandbox

OTHER = "210987654321"
READ = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
SERVICE = {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}}


def statement(principal: object, actions: object = READ, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions, "Resource": "*", **more}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


OWNER = statement(f"arn:aws:iam::{ACCOUNT}:root", "kms:*")


def make_secret(aws: AwsEmulator, *readers: dict[str, Any], key: tuple[dict[str, Any], ...] = ()) -> str:
    """A secret with a value, its policy, and its key's statements beside the owner's."""
    key_arn = aws.client("kms").create_key(Policy=document(OWNER, *key))["KeyMetadata"]["Arn"]
    secrets = aws.client("secretsmanager")
    arn = str(secrets.create_secret(Name="shop", SecretString="value", KmsKeyId=key_arn)["ARN"])
    if readers:
        secrets.put_resource_policy(SecretId=arn, ResourcePolicy=document(*readers), BlockPublicPolicy=True)
    return arn


def make_role(aws: AwsEmulator, account: str, name: str = "reader", *allowed: dict[str, Any]) -> str:
    """A role that its account's root may take, and what its own policy allows."""
    iam = aws.client("iam", account)
    trust = document({**statement(f"arn:aws:iam::{account}:root", "sts:AssumeRole")})
    arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])
    if allowed:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*allowed))
    return arn


def read_as(aws: AwsEmulator, role: str, secret: str) -> str:
    """The secret's value, read by the role."""
    given = aws.client("sts", role.split(":")[4]).assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    client = aws.client("secretsmanager", credentials=given)
    client.describe_secret(SecretId=secret)
    return str(client.get_secret_value(SecretId=secret)["SecretString"])


def refused(aws: AwsEmulator, role: str, secret: str) -> str:
    with pytest.raises(ClientError) as error:
        read_as(aws, role, secret)
    return f"{error.value.operation_name}: {error.value.response['Error']['Message']}"


MAY_READ = (
    {"Effect": "Allow", "Action": READ, "Resource": "*"},
    {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
)
NO_KEY = "GetSecretValue: Access to KMS is not allowed"


def test_a_role_of_the_same_account_reads_by_the_policies_of_secret_and_key(aws: AwsEmulator) -> None:
    role = make_role(aws, ACCOUNT)
    secret = make_secret(aws, statement(role), key=(statement(role, "kms:Decrypt", Condition=SERVICE),))
    assert read_as(aws, role, secret) == "value"
    aws.client("secretsmanager").delete_resource_policy(SecretId=secret)
    assert refused(aws, role, secret).startswith("DescribeSecret: User:")


def test_without_the_keys_statement_it_cannot_read(aws: AwsEmulator) -> None:
    role = make_role(aws, ACCOUNT)
    assert refused(aws, role, make_secret(aws, statement(role))) == NO_KEY


def test_a_key_may_be_used_for_the_secret_that_its_statement_names_only(aws: AwsEmulator) -> None:
    role = make_role(aws, ACCOUNT)
    named = {
        "StringLike": {
            "kms:EncryptionContext:SecretARN": [f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:b2b-??????"]
        }
    }
    decrypt = statement(role, "kms:Decrypt", Condition=SERVICE | named)
    assert refused(aws, role, make_secret(aws, statement(role), key=(decrypt,))) == NO_KEY


@pytest.mark.parametrize("listed", ["role", OTHER, f"arn:aws:iam::{OTHER}:root"])
def test_a_role_of_another_account_needs_both_sides(aws: AwsEmulator, listed: str) -> None:
    role = make_role(aws, OTHER, "reader", *MAY_READ)
    bare = make_role(aws, OTHER, "bare")
    principals = [role, bare] if listed == "role" else listed
    key = statement(principals, "kms:Decrypt", Condition=SERVICE)
    secret = make_secret(aws, statement(principals), key=(key,))
    assert read_as(aws, role, secret) == "value"
    assert refused(aws, bare, secret).startswith("DescribeSecret: User:")


def test_who_is_not_listed_of_another_account_reads_nothing(aws: AwsEmulator) -> None:
    role, stranger = make_role(aws, OTHER, "reader", *MAY_READ), make_role(aws, OTHER, "stranger", *MAY_READ)
    secret = make_secret(aws, statement(role), key=(statement(role, "kms:Decrypt"),))
    assert "because no resource-based policy allows" in refused(aws, stranger, secret)
    with pytest.raises(ClientError) as error:
        aws.client("secretsmanager", OTHER).get_secret_value(SecretId=secret)
    assert refusal(error) == "AccessDeniedException"


def test_the_key_of_another_account_decides_too(aws: AwsEmulator) -> None:
    role = make_role(aws, OTHER, "reader", *MAY_READ)
    assert refused(aws, role, make_secret(aws, statement(role))) == NO_KEY


def test_another_accounts_secret_cannot_be_written(aws: AwsEmulator) -> None:
    role = make_role(aws, OTHER, "reader", *MAY_READ)
    secret = make_secret(aws, statement(role), key=(statement(role, "kms:Decrypt"),))
    with pytest.raises(ClientError):
        aws.client("secretsmanager", OTHER).put_secret_value(SecretId=secret, SecretString="other")


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ("{", "MalformedPolicyDocumentException"),
        (document(statement(f"arn:aws:iam::{ACCOUNT}:role/missing")), "MalformedPolicyDocumentException"),
        (document(statement(f"arn:aws:iam::{OTHER}:role/missing")), "MalformedPolicyDocumentException"),
        (document(statement(f"arn:aws:iam::{ACCOUNT}:role/*")), "MalformedPolicyDocumentException"),
        (document(statement("missing")), "MalformedPolicyDocumentException"),
        (document(statement("*")), "PublicPolicyException"),
        (document({**statement([]), "Principal": "*"}), "PublicPolicyException"),
    ],
)
def test_a_policy_that_a_secret_cannot_have(aws: AwsEmulator, policy: str, code: str) -> None:
    secret = make_secret(aws)
    with pytest.raises(ClientError) as error:
        aws.client("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=policy, BlockPublicPolicy=True)
    assert refusal(error) == code


def test_a_public_policy_is_taken_where_it_is_not_blocked(aws: AwsEmulator) -> None:
    aws.client("secretsmanager").put_resource_policy(SecretId=make_secret(aws), ResourcePolicy=document(statement("*")))


def test_a_key_policy_names_roles_that_there_are(aws: AwsEmulator) -> None:
    kms, missing = aws.client("kms"), document(OWNER, statement(f"arn:aws:iam::{ACCOUNT}:role/missing", "kms:Decrypt"))
    with pytest.raises(ClientError) as error:
        kms.create_key(Policy=missing)
    assert refusal(error) == "MalformedPolicyDocumentException"
    key = kms.create_key(Policy=document(OWNER))["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError) as error:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=missing)
    assert refusal(error) == "MalformedPolicyDocumentException"
    aws.client("iam").create_role(RoleName="missing", AssumeRolePolicyDocument=document(OWNER))
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=missing)
