"""Replicas of a secret: values and labels follow, each under its own key, as far as who writes may use that."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from tests.sandbox.aws_support import acting_as, allow, refusal

pytestmark = pytest.mark.sandbox

THERE = "eu-west-1"
SECRETS = "secretsmanager:*"


def make_key(aws: AwsEmulator, region: str = THERE, **given: Any) -> str:
    return str(aws.client("kms", region=region).create_key(**given)["KeyMetadata"]["Arn"])


def make_secret(aws: AwsEmulator, key: str, **more: Any) -> str:
    secrets = aws.client("secretsmanager")
    replicas = [{"Region": THERE, "KmsKeyId": key}]
    return str(secrets.create_secret(Name="shop", SecretString="old", AddReplicaRegions=replicas, **more)["ARN"])


def there(arn: str) -> str:
    return arn.replace(f":{REGION}:", f":{THERE}:")


def replica(aws: AwsEmulator, arn: str, **more: str) -> str:
    return str(aws.client("secretsmanager", region=THERE).get_secret_value(SecretId=there(arn), **more)["SecretString"])


def status(aws: AwsEmulator, arn: str) -> list[str]:
    found = aws.client("secretsmanager").describe_secret(SecretId=arn).get("ReplicationStatus", [])
    return [f"{each['Region']}: {each['Status']}" for each in found]


def test_values_labels_and_policy_follow(aws: AwsEmulator) -> None:
    arn = make_secret(aws, make_key(aws))
    here, other = aws.client("secretsmanager"), aws.client("secretsmanager", region=THERE)
    assert (replica(aws, arn), status(aws, arn)) == ("old", [f"{THERE}: InSync"])
    pending = here.put_secret_value(SecretId=arn, SecretString="new", VersionStages=["AWSPENDING"])["VersionId"]
    assert (replica(aws, arn), replica(aws, arn, VersionStage="AWSPENDING")) == ("old", "new")
    current = next(
        each for each in here.list_secret_version_ids(SecretId=arn)["Versions"] if each["VersionId"] != pending
    )
    here.update_secret_version_stage(
        SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=pending, RemoveFromVersionId=current["VersionId"]
    )
    assert (replica(aws, arn), replica(aws, arn, VersionStage="AWSPREVIOUS")) == ("new", "old")
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allow(SECRETS), "Principal": root}]})
    here.put_resource_policy(SecretId=arn, ResourcePolicy=policy)
    assert other.get_resource_policy(SecretId=there(arn))["ResourcePolicy"] == policy


def test_a_replica_cannot_be_changed(aws: AwsEmulator) -> None:
    arn = make_secret(aws, make_key(aws))
    other = aws.client("secretsmanager", region=THERE)
    for change, given in (
        (other.put_secret_value, {"SecretString": "own"}),
        (other.put_resource_policy, {"ResourcePolicy": "{}"}),
        (other.delete_secret, {}),
    ):
        with pytest.raises(ClientError) as error:
            change(SecretId=there(arn), **given)
        assert refusal(error) == "InvalidRequestException"


def test_a_replica_is_read_by_who_may_use_its_own_key(aws: AwsEmulator) -> None:
    key = make_key(aws)
    arn = make_secret(aws, key)
    may_not, may = acting_as(aws, allow(SECRETS)), acting_as(aws, allow(SECRETS), allow("kms:Decrypt", key))
    with pytest.raises(ClientError, match="Access to KMS is not allowed"):
        aws.client("secretsmanager", credentials=may_not, region=THERE).get_secret_value(SecretId=there(arn))
    found = aws.client("secretsmanager", credentials=may, region=THERE).get_secret_value(SecretId=there(arn))
    assert found["SecretString"] == "old"


@pytest.mark.parametrize("lacking", ["kms:GenerateDataKey", "kms:Encrypt"])
def test_it_does_not_follow_who_may_not_use_its_key(aws: AwsEmulator, lacking: str) -> None:
    key = make_key(aws)
    arn = make_secret(aws, key)
    rights = [action for action in ("kms:GenerateDataKey", "kms:Encrypt") if action != lacking]
    writer = acting_as(aws, allow(SECRETS), allow(rights, key))
    aws.client("secretsmanager", credentials=writer).put_secret_value(SecretId=arn, SecretString="new")
    assert (replica(aws, arn), status(aws, arn)) == ("old", [f"{THERE}: Failed"])


def test_a_key_that_is_not_there_is_told_by_the_status_only(aws: AwsEmulator) -> None:
    arn = make_secret(aws, f"arn:aws:kms:{THERE}:{ACCOUNT}:key/missing")
    assert status(aws, arn) == [f"{THERE}: Failed"]
    with pytest.raises(ClientError) as error:
        replica(aws, arn)
    assert refusal(error) == "ResourceNotFoundException"


def test_making_one_needs_the_right_to_replicate(aws: AwsEmulator) -> None:
    creator = acting_as(aws, allow("secretsmanager:CreateSecret"))
    secrets, replicas = aws.client("secretsmanager", credentials=creator), [{"Region": THERE}]
    with pytest.raises(ClientError) as error:
        secrets.create_secret(Name="shop", AddReplicaRegions=replicas)
    assert refusal(error) == "AccessDeniedException"
    secrets.create_secret(Name="shop")


def test_a_replica_is_added_and_removed_and_keeps_its_primary(aws: AwsEmulator) -> None:
    secrets, key = aws.client("secretsmanager"), make_key(aws)
    arn = secrets.create_secret(Name="shop", SecretString="old")["ARN"]
    with pytest.raises(ClientError) as error:
        secrets.replicate_secret_to_regions(SecretId=arn, AddReplicaRegions=[{"Region": REGION}])
    assert refusal(error) == "InvalidParameterException"
    secrets.replicate_secret_to_regions(SecretId=arn, AddReplicaRegions=[{"Region": THERE, "KmsKeyId": key}])
    assert replica(aws, arn) == "old"
    for how in ({"RecoveryWindowInDays": 7}, {"ForceDeleteWithoutRecovery": True}):
        with pytest.raises(ClientError, match="still has replica regions"):
            secrets.delete_secret(SecretId=arn, **how)
    secrets.remove_regions_from_replication(SecretId=arn, RemoveReplicaRegions=[THERE])
    with pytest.raises(ClientError) as error:
        replica(aws, arn)
    assert refusal(error) == "ResourceNotFoundException"
    secrets.delete_secret(SecretId=arn)
