"""Readers, of the component's account and another: who is listed reads each new secret.

Who is not, or without the statement of its key, does not.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT
from sandbox.session import Sandbox, new_app
from tests.engine.operating import Operator

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP, B2B = new_app("shop"), new_app("b2b")
OTHER = "210987654321"


class Reader:
    """A role that its account's root may take."""

    def __init__(self, box: Sandbox, account: str, name: str) -> None:
        self._box, self._account, self._name = box, account, name
        self.iam = box.aws.client("iam", account)
        root = {"AWS": f"arn:aws:iam::{account}:root"}
        trust = {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
        self.arn = str(made["Arn"])

    def may(self, policy: str) -> None:
        """Give it a policy of its own."""
        self.iam.put_role_policy(RoleName=self._name, PolicyName="read", PolicyDocument=policy)

    def session(self) -> dict[str, str]:
        """Credentials of the role."""
        sts = self._box.aws.client("sts", self._account)
        given: dict[str, str] = sts.assume_role(RoleArn=self.arn, RoleSessionName="reader")["Credentials"]
        return given

    def read(self, secret: str) -> str:
        """The client secret in use, or why it cannot be read."""
        try:
            found = self._box.aws.client("secretsmanager", credentials=self.session()).get_secret_value(SecretId=secret)
        except ClientError as error:
            return "no key" if "KMS" in str(error) else str(error.response["Error"]["Code"])
        return str(json.loads(found["SecretString"])["client_secret"])


class World:
    """A deployed stack, its readers, and two secrets in use."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.one, self.all = Reader(box, ACCOUNT, "one"), Reader(box, ACCOUNT, "all")
        self.foreign, self.of_account = Reader(box, OTHER, "foreign"), Reader(box, OTHER, "of-account")
        self.stranger, self.stranger_there = Reader(box, ACCOUNT, "stranger"), Reader(box, OTHER, "stranger")
        box.stack.configure(self.config())
        box.stack.up()
        self.outputs: dict[str, Any] = box.stack.outputs()
        self.shop, self.b2b = (str(self.outputs["secret_arns"][app.name]) for app in (SHOP, B2B))
        for app, arn in ((SHOP, self.shop), (B2B, self.b2b)):
            box.seed(app, arn, age=timedelta(days=10))
            box.amazon.subscribe(app.client_id, self.outputs["queue_url"])
        for reader in (self.foreign, self.of_account, self.stranger_there):
            reader.may(self.outputs["reader_policy_json"][SHOP.name])

    def config(self, **of_all: Any) -> dict[str, Any]:
        config = self.box.config([SHOP, B2B], readers=[self.all.arn], **of_all)
        config["applications"][SHOP.name]["readers"] = [self.one.arn, self.foreign.arn]
        return config

    def in_use(self, arn: str) -> str:
        return str(self.box.value(arn)["client_secret"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("readers") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield World(box)


def test_who_is_listed_reads_the_new_secret_after_a_rotation_and_who_is_not_cannot(world: World) -> None:
    old = world.in_use(world.shop)
    assert [each.read(world.shop) for each in (world.one, world.all, world.foreign)] == [old] * 3
    Operator(world.box).run("rotate", SHOP.name, "--yes", "--timeout", "120")
    new = world.in_use(world.shop)
    assert new != old
    assert [each.read(world.shop) for each in (world.one, world.all, world.foreign)] == [new] * 3
    denied = [each.read(world.shop) for each in (world.stranger, world.stranger_there, world.of_account)]
    assert denied == ["AccessDeniedException"] * 3


def test_a_reader_of_one_application_reads_no_other(world: World) -> None:
    assert world.all.read(world.b2b) == world.in_use(world.b2b)
    assert world.one.read(world.b2b) == world.foreign.read(world.b2b) == "AccessDeniedException"


def test_the_policy_of_the_output_is_enough_in_the_account_itself(world: World) -> None:
    world.stranger.may(world.outputs["reader_policy_json"][B2B.name])
    assert world.stranger.read(world.b2b) == world.in_use(world.b2b)
    assert world.stranger.read(world.shop) == "AccessDeniedException"


def test_without_the_keys_statement_nobody_listed_can_read(world: World) -> None:
    kms, key = world.box.aws.client("kms"), world.outputs["key_arn"]
    whole = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    policy = json.loads(whole)
    policy["Statement"] = [each for each in policy["Statement"] if not each["Sid"].startswith("AllowReaders")]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    assert [each.read(world.shop) for each in (world.one, world.all, world.foreign)] == ["no key"] * 3
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=whole)
    assert world.one.read(world.shop) == world.in_use(world.shop)


def test_a_reader_that_is_taken_off_the_list_reads_no_more(world: World) -> None:
    config = world.config()
    config["applications"][SHOP.name]["readers"] = [OTHER]
    world.box.stack.configure(config)
    world.box.stack.up()
    assert world.one.read(world.shop) == "AccessDeniedException"
    assert world.of_account.read(world.shop) == world.all.read(world.shop) == world.in_use(world.shop)
    world.box.stack.preview(unchanged=True)
