"""Replicas of the secrets in other regions, and what function and readers need there."""

import json
from typing import Any

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Recording, client_id, deploy_component
from tests.component.test_component_misuse import refusal

IRELAND, TOKYO = (f"arn:aws:kms:{region}:{ACCOUNT}:key/mrk-1" for region in ("eu-west-1", "ap-northeast-1"))
REGIONS = {"eu-west-1": IRELAND, "ap-northeast-1": TOKYO}
ADOPTED = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/amazon-AbC123"
SECRET = "aws:secretsmanager/secret:Secret"


def statements(recording: Recording) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in recording.named("rotation-function-policy").policy()["Statement"]}


def test_there_are_none_by_default() -> None:
    for recording in (deploy_component(), deploy_component(replica_regions={})):
        assert "replicas" not in recording.of_type(SECRET)[0].inputs
        assert "EncryptReplicas" not in statements(recording)


@pytest.mark.parametrize("given", [REGIONS, pulumi.Output.from_input(REGIONS)])
def test_every_secret_that_is_made_has_them(given: Any) -> None:
    applications = {"a": {"client_id": client_id(1)}, "b": {"client_id": client_id(2)}}
    recording = deploy_component(applications=applications, replica_regions=given)
    expected = [{"region": "ap-northeast-1", "kmsKeyId": TOKYO}, {"region": "eu-west-1", "kmsKeyId": IRELAND}]
    assert [each.inputs["replicas"] for each in recording.of_type(SECRET)] == [expected] * 2


def test_the_function_may_have_them_encrypted_by_their_keys() -> None:
    assert statements(deploy_component(replica_regions=REGIONS))["EncryptReplicas"] == {
        "Sid": "EncryptReplicas",
        "Effect": "Allow",
        "Action": ["kms:Encrypt", "kms:GenerateDataKey"],
        "Resource": [TOKYO, IRELAND],
        "Condition": {
            "StringEquals": {
                "kms:ViaService": [
                    "secretsmanager.ap-northeast-1.amazonaws.com",
                    "secretsmanager.eu-west-1.amazonaws.com",
                ]
            }
        },
    }


def test_what_a_role_needs_covers_the_replicas() -> None:
    applications = {"own": {"client_id": client_id(1)}, "shop": {"client_id": client_id(2), "secret_arn": ADOPTED}}
    recording = deploy_component(applications=applications, replica_regions={"eu-west-1": IRELAND})
    policies = {name: json.loads(text) for name, text in recording.outputs["reader_policy_json"].items()}
    read, decrypt = policies["own"]["Statement"]
    name = f"{ACCOUNT}:secret:{PROJECT}/{STACK}/rotation/{client_id(1)}"
    both = [f"arn:aws:secretsmanager:eu-west-1:{name}", f"arn:aws:secretsmanager:{REGION}:{name}"]
    assert read["Resource"] == decrypt["Condition"]["StringLike"]["kms:EncryptionContext:SecretARN"] == both
    assert decrypt["Resource"] == [IRELAND, recording.outputs["key_arn"]]
    assert [each["Resource"] for each in policies["shop"]["Statement"]] == [[ADOPTED]]


def test_the_readers_policy_is_one_for_the_secret_and_its_replicas() -> None:
    reader = f"arn:aws:iam::{ACCOUNT}:role/task"
    (policy,) = deploy_component(replica_regions=REGIONS, readers=[reader]).of_type(
        "aws:secretsmanager/secretPolicy:SecretPolicy"
    )
    assert policy.policy()["Statement"][0]["Resource"] == "*"


def test_the_own_region_is_refused_in_the_preview() -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    with pytest.raises(InvalidArgument, match=f"names {REGION}, which is the component's own region"):
        deploy_component(replica_regions={REGION: key}, preview=True)


@pytest.mark.parametrize(
    ("given", "said", "remedy"),
    [
        (["eu-west-1"], "replica_regions must be a map", "Map each region to the ARN"),
        ("eu-west-1", "replica_regions must be a map", "Map each region to the ARN"),
        ({"eu-wset-1": IRELAND}, "replica_regions: There is no AWS region 'eu-wset-1'", "Did you mean eu-west-1?"),
        ({"cn-north-1": IRELAND}, "replica_regions: The region cn-north-1 is in AWS China", "of the partition aws"),
        ({5: IRELAND}, "replica_regions: There is no AWS region ''", "Name regions of the partition aws"),
        ({"eu-west-1": TOKYO}, "replica_regions.eu-west-1 is in the region ap-northeast-1", "a key in eu-west-1"),
        (
            {"eu-west-1": IRELAND.replace("arn:aws:", "arn:aws-cn:")},
            "replica_regions.eu-west-1 is in the region eu-west-1 of the partition aws-cn",
            "a key in eu-west-1",
        ),
        ({"eu-west-1": "alias/mine"}, "replica_regions.eu-west-1 is not the ARN of a key", "not an alias or an id"),
        ({"eu-west-1": None}, "replica_regions.eu-west-1 is not the ARN of a key", "not an alias or an id"),
    ],
)
def test_what_cannot_be_a_replica(given: object, said: str, remedy: str) -> None:
    error = refusal(replica_regions=given)
    assert error.args[0].startswith(said)
    assert remedy in error.remedy


def test_an_output_of_no_regions_is_refused_when_it_is_known_since_aws_takes_no_statement_for_no_key() -> None:
    with pytest.raises(InvalidArgument, match=r"replica_regions must be a map with at least one entry.* leave it out"):
        deploy_component(replica_regions=pulumi.Output.from_input({}), preview=True)


def test_existing_secrets_are_replicated_by_their_owner() -> None:
    error = refusal(applications={"shop": {"client_id": client_id(1), "secret_arn": ADOPTED}}, replica_regions=REGIONS)
    assert error.args[0].startswith("replica_regions is set, but every application has an existing secret")
