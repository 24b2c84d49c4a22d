"""What an account brings: the roles' boundary and path, a network, runs that are kept free. A rotation goes its way."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.emulator import ACCOUNT
from sandbox.session import Sandbox, new_app
from tests.engine.operating import Operator

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP = new_app("shop")
PATH = "/platform/rotation/"


def boundary(box: Sandbox, *denied: str) -> str:
    """A managed policy that allows everything but this."""
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    statements += [{"Effect": "Deny", "Action": list(denied), "Resource": "*"}] if denied else []
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    name = f"boundary-{len(denied)}"
    return str(box.aws.client("iam").create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"])


def network(box: Sandbox) -> dict[str, list[str]]:
    """Two subnets and a security group of a new VPC."""
    ec2 = box.aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"] for number in range(2)
    ]
    group = ec2.create_security_group(GroupName="function", Description="Function", VpcId=vpc)["GroupId"]
    return {"subnet_ids": subnets, "security_group_ids": [group]}


class World:
    """A deployed stack with everything of it."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.network = box, network(box)
        self.deploy(boundary(box))
        self.outputs: dict[str, Any] = box.stack.outputs()
        self.arn = str(self.outputs["secret_arns"][SHOP.name])
        box.seed(SHOP, self.arn, age=timedelta(days=10))
        box.amazon.subscribe(SHOP.client_id, self.outputs["queue_url"])
        self.operator = Operator(box)

    def deploy(self, limit: str) -> None:
        config = self.box.config([SHOP], network=self.network, reserved_concurrency=4)
        self.box.stack.configure({**config, "roles": {"permissions_boundary": limit, "path": PATH}})
        self.box.stack.up()

    def in_use(self) -> str:
        return str(self.box.value(self.arn)["client_secret"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("own-parts") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield World(box)


def test_everything_is_where_it_should_be_and_a_rotation_goes_its_way(world: World) -> None:
    role = world.outputs["function_role_arn"]
    assert role.startswith(f"arn:aws:iam::{ACCOUNT}:role{PATH}")
    function = world.box.aws.client("lambda").get_function(FunctionName=world.outputs["function_name"])
    held = function["Configuration"]["VpcConfig"]
    assert (sorted(held["SubnetIds"]), held["SecurityGroupIds"]) == (
        sorted(world.network["subnet_ids"]),
        world.network["security_group_ids"],
    )
    assert function["Concurrency"]["ReservedConcurrentExecutions"] == 4
    old = world.in_use()
    world.operator.run("rotate", SHOP.name, "--yes", "--timeout", "120")
    assert world.in_use() != old
    world.box.stack.refresh(unchanged=True)


def test_a_boundary_that_is_too_narrow_is_seen_at_the_call_that_it_denies(world: World) -> None:
    world.deploy(boundary(world.box, "secretsmanager:GetSecretValue"))
    world.operator.run("status", SHOP.name, code=None)
    assert "AWS failed secretsmanager:GetSecretValue: AccessDeniedException" in "".join(world.operator.said[-2:])


def test_it_can_all_be_taken_away_again(world: World) -> None:
    world.box.stack.configure(world.box.config([SHOP]))
    world.box.stack.up()
    function = world.box.aws.client("lambda").get_function(FunctionName=world.outputs["function_name"])
    assert not function["Configuration"].get("VpcConfig", {}).get("SubnetIds")
    assert "Concurrency" not in function
    assert world.box.stack.outputs()["function_role_arn"].startswith(f"arn:aws:iam::{ACCOUNT}:role/rotation-")
    world.box.stack.preview(unchanged=True)
