"""Replicas of a secret: they follow each rotation, under their own key, and come and go with the setting."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.session import Sandbox, new_app
from tests.engine.operating import Operator
from tests.engine.test_readers import Reader

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP = new_app("shop")
IRELAND, TOKYO = "eu-west-1", "ap-northeast-1"


class World:
    """A deployed stack with a secret in use and its replica."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.keys = {region: self._key(region) for region in (IRELAND, TOKYO)}
        self.deploy(IRELAND)
        self.outputs: dict[str, Any] = box.stack.outputs()
        self.arn = str(self.outputs["secret_arns"][SHOP.name])
        box.seed(SHOP, self.arn, age=timedelta(days=10))
        box.amazon.subscribe(SHOP.client_id, self.outputs["queue_url"])
        self.operator = Operator(box)

    def _key(self, region: str) -> str:
        return str(self.box.aws.client("kms", region=region).create_key()["KeyMetadata"]["Arn"])

    def deploy(self, *regions: str) -> None:
        replicas = {region: self.keys[region] for region in regions}
        self.box.stack.configure(self.box.config([SHOP], replica_regions=replicas))
        self.box.stack.up()

    def there(self, region: str = IRELAND) -> str:
        return self.arn.replace(f":{REGION}:", f":{region}:")

    def replica(self, region: str = IRELAND, credentials: dict[str, str] | None = None) -> str:
        """The client secret in use there, or why it cannot be read."""
        client = self.box.aws.client("secretsmanager", credentials=credentials, region=region)
        try:
            found = client.get_secret_value(SecretId=self.there(region))
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return str(json.loads(found["SecretString"])["client_secret"])

    def in_use(self) -> str:
        return str(self.box.value(self.arn)["client_secret"])

    def states(self) -> dict[str, str]:
        found = self.box.aws.client("secretsmanager").describe_secret(SecretId=self.arn)
        return {each["Region"]: each["Status"] for each in found.get("ReplicationStatus", [])}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("replicas") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield World(box)


def test_the_replica_has_the_new_secret_after_a_rotation_and_a_reader_reads_it_there(world: World) -> None:
    old = world.in_use()
    assert (world.replica(), world.states()) == (old, {IRELAND: "InSync"})
    world.operator.run("rotate", SHOP.name, "--yes", "--timeout", "120")
    assert world.in_use() != old
    assert (world.replica(), world.states()) == (world.in_use(), {IRELAND: "InSync"})
    reader = Reader(world.box, ACCOUNT, "task")
    assert world.replica(credentials=reader.session()) == "AccessDeniedException"
    reader.may(world.outputs["reader_policy_json"][SHOP.name])
    assert world.replica(credentials=reader.session()) == world.in_use()
    world.box.stack.refresh(unchanged=True)


def test_regions_come_and_go(world: World) -> None:
    world.deploy(IRELAND, TOKYO)
    assert world.replica(TOKYO) == world.replica(IRELAND) == world.in_use()
    world.deploy(TOKYO)
    assert (world.replica(IRELAND), world.replica(TOKYO)) == ("ResourceNotFoundException", world.in_use())
    world.box.stack.preview(unchanged=True)


def test_without_the_functions_right_to_the_key_the_replica_stays_behind(world: World) -> None:
    iam, role = world.box.aws.client("iam"), world.outputs["function_role_arn"].rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    lacking = [each for each in policy["Statement"] if each["Sid"] != "EncryptReplicas"]
    assert len(lacking) == len(policy["Statement"]) - 1
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps({**policy, "Statement": lacking}))
    old = world.in_use()
    world.operator.run("rotate", SHOP.name, "--force", "--yes", "--timeout", "120")
    assert world.in_use() != old
    assert (world.replica(TOKYO), world.states()) == (old, {TOKYO: "Failed"})


def test_everything_can_be_destroyed(world: World) -> None:
    config = world.box.config([SHOP], replica_regions={TOKYO: world.keys[TOKYO]}, deletion_protection=False)
    world.box.stack.configure(config)
    world.box.stack.up()
    world.box.stack.destroy()
    assert world.replica(TOKYO) == "ResourceNotFoundException"
