"""Secrets Manager's own rotation in the emulator: an empty AWSPENDING version, four steps, what a failure leaves."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import AwsEmulator
from tests.sandbox.aws_support import allow, eventually, make_function, make_role, refusal

pytestmark = pytest.mark.sandbox

NAME = "prefix/application"

ROTATES = """
import boto3
def handler(event, context):
    store, arn, token = boto3.client("secretsmanager"), event["SecretId"], event["ClientRequestToken"]
    if event["Step"] == "createSecret":
        try:
            store.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except store.exceptions.ResourceNotFoundException:
            store.put_secret_value(
                SecretId=arn, ClientRequestToken=token, SecretString="two", VersionStages=["AWSPENDING"])
    elif event["Step"] == "finishSecret":
        stages = store.describe_secret(SecretId=arn)["VersionIdsToStages"]
        current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
        store.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current)
"""
FAILS = "def handler(event, context):\n    raise ValueError(event['Step'])"


class Rotated:
    """A secret with a value, and a function that Secrets Manager may call."""

    def __init__(self, aws: AwsEmulator, code: str) -> None:
        self.client = aws.client("secretsmanager")
        self.arn = self.client.create_secret(Name=NAME)["ARN"]
        self.first = self.client.put_secret_value(SecretId=NAME, SecretString="one")["VersionId"]
        self.function = make_function(aws, code, make_role(aws, allow("secretsmanager:*")))
        self._functions = aws.client("lambda")

    def permit(self) -> None:
        self._functions.add_permission(
            FunctionName=self.function,
            StatementId="rotation",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
        )

    def rotate(self, **more: Any) -> str:
        asked = {"RotationLambdaARN": self.function, "RotationRules": {"AutomaticallyAfterDays": 30}}
        return str(self.client.rotate_secret(SecretId=NAME, **asked | more)["VersionId"])

    def described(self) -> dict[str, set[str]]:
        stages = self.client.describe_secret(SecretId=NAME)["VersionIdsToStages"]
        return {version: set(labels) for version, labels in stages.items()}

    def listed(self) -> dict[str, set[str]]:
        found = self.client.list_secret_version_ids(SecretId=NAME, IncludeDeprecated=True)["Versions"]
        return {version["VersionId"]: set(version["VersionStages"]) for version in found}


@pytest.fixture
def failing(aws: AwsEmulator) -> Rotated:
    secret = Rotated(aws, FAILS)
    secret.permit()
    return secret


def test_a_failed_rotation_leaves_awspending_on_an_empty_version_that_no_list_shows(failing: Rotated) -> None:
    token = failing.rotate(ClientRequestToken=str(uuid.uuid4()))
    assert failing.described() == {failing.first: {"AWSCURRENT"}, token: {"AWSPENDING"}}
    assert failing.listed() == {failing.first: {"AWSCURRENT"}}
    assert failing.client.describe_secret(SecretId=NAME)["RotationEnabled"] is True
    for which in ({"VersionId": token}, {"VersionStage": "AWSPENDING"}):
        with pytest.raises(ClientError) as error:
            failing.client.get_secret_value(SecretId=NAME, **which)
        assert refusal(error) == "ResourceNotFoundException"


def test_while_a_rotation_is_not_complete_another_is_refused(failing: Rotated) -> None:
    failing.rotate()
    with pytest.raises(ClientError, match="A previous rotation isn't complete") as error:
        failing.rotate()
    assert refusal(error) == "InvalidRequestException"


def test_the_label_moves_from_the_empty_version_to_who_names_it(failing: Rotated) -> None:
    token = failing.rotate()
    other = failing.client.put_secret_value(SecretId=NAME, SecretString="two", VersionStages=["OWN"])["VersionId"]
    move = {"SecretId": NAME, "VersionStage": "AWSPENDING", "MoveToVersionId": other}
    with pytest.raises(ClientError) as error:
        failing.client.update_secret_version_stage(**move)
    assert refusal(error) == "InvalidParameterException"
    failing.client.update_secret_version_stage(**move, RemoveFromVersionId=token)
    assert failing.described() == {failing.first: {"AWSCURRENT"}, other: {"OWN", "AWSPENDING"}}


def test_switching_rotation_off_leaves_the_label(failing: Rotated) -> None:
    token = failing.rotate()
    failing.client.cancel_rotate_secret(SecretId=NAME)
    assert failing.client.describe_secret(SecretId=NAME)["RotationEnabled"] is False
    assert failing.described()[token] == {"AWSPENDING"}


def test_a_rotation_calls_the_four_steps_and_the_empty_version_is_filled(aws: AwsEmulator) -> None:
    secret = Rotated(aws, ROTATES)
    secret.permit()
    token = secret.rotate()
    eventually(lambda: "AWSCURRENT" in secret.described()[token])
    assert secret.listed() == {secret.first: {"AWSPREVIOUS"}, token: {"AWSCURRENT", "AWSPENDING"}}
    assert secret.client.get_secret_value(SecretId=NAME)["SecretString"] == "two"
    again = secret.rotate()
    assert again != token


def test_a_function_that_secrets_manager_may_not_call_is_refused(aws: AwsEmulator) -> None:
    secret = Rotated(aws, ROTATES)
    with pytest.raises(ClientError, match="cannot invoke the specified Lambda function") as error:
        secret.rotate()
    assert refusal(error) == "AccessDeniedException"
    assert secret.described() == {secret.first: {"AWSCURRENT"}}
    assert json.dumps(secret.client.describe_secret(SecretId=NAME)["RotationEnabled"]) == "false"


def test_without_a_function_there_is_no_rotation(aws: AwsEmulator) -> None:
    client = aws.client("secretsmanager")
    client.create_secret(Name=NAME, SecretString="one")
    with pytest.raises(ClientError, match="No Lambda rotation function") as error:
        client.rotate_secret(SecretId=NAME)
    assert refusal(error) == "InvalidRequestException"


def test_a_rotation_that_is_only_scheduled_is_refused(failing: Rotated) -> None:
    """A deviation of the sandbox: AWS would test the function and wait for the schedule."""
    with pytest.raises(ClientError, match="rotates at once only"):
        failing.rotate(RotateImmediately=False)
    assert failing.described() == {failing.first: {"AWSCURRENT"}}
