"""The example of another team's stack, from the package as a wheel: two regions, own parts, and everybody follows.

Each region has an Amazon of its own, because a stand-in sends to the queues of one region. ECS runs no tasks in the
sandbox: what ECS does at a task's start, to read the secret as the execution role, the test does.
"""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.amazon.delivery import SqsTarget
from sandbox.amazon.process import Amazon
from sandbox.amazon.records import WorldSettings
from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.session import App, Sandbox, new_app, seeded
from sandbox.stack import Stack
from tests.engine.operating import Operator
from tests.engine.test_own_parts import network as network_of
from tests.engine.test_readers import OTHER, Reader
from tests.examples.following import EXAMPLES, assumed
from tests.installs.environments import Environment, clone
from tests.sandbox.aws_support import allow, eventually

pytestmark = [
    pytest.mark.engine,
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.example("python_wheel", "run in the sandbox"),
]

EXAMPLE = EXAMPLES / "python_wheel"
EUROPE = "eu-west-1"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def installed(folder: Path, copy: Path) -> Path:
    """Where a copy of the example has the wheel, by its own requirements; all else is this environment's."""
    environment = Environment.made(folder / "venv", sys.executable, "uv")
    (copy / "wheels").mkdir()
    shutil.copy(environment.wheel(clone(folder / "clone")), copy / "wheels")
    environment.install("--no-deps", "-r", "requirements.txt", cwd=copy)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    return site


@dataclass(frozen=True)
class Half:
    """One of the two components."""

    name: str
    region: str
    app: App
    amazon: Amazon


class World:
    """What the team and its account have already, and the example's stack.

    Attributes:
        site: where the wheel is.
    """

    def __init__(self, box: Sandbox, europe: Amazon, folder: Path) -> None:
        self.box = box
        self.halves = (
            Half("america", REGION, new_app("orders"), box.own_amazon),
            Half("europe", EUROPE, new_app("prices"), europe),
        )
        self.kms, self.ecs, iam = (box.aws.client(each) for each in ("kms", "ecs", "iam"))
        self.key = str(self.kms.create_key(Policy=self._administered())["KeyMetadata"]["Arn"])
        everything = document(allow("*"))
        boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=everything)["Policy"]["Arn"]
        self.analysts, network = Reader(box, OTHER, "analysts"), network_of(box)
        self.config = {
            "aws:region": REGION,
            **{f"marketplace:{half.app.name}_client_id": half.app.client_id for half in self.halves},
            "marketplace:permissions_boundary": boundary,
            "marketplace:key_arn": self.key,
            "marketplace:analysts_role": self.analysts.arn,
            "marketplace:orders_image": "busybox",
            "marketplace:subnets": network["subnet_ids"],
            "marketplace:security_groups": network["security_group_ids"],
        }
        self.stack = Stack(
            folder / "example",
            engine=box.engine.bin,
            plugins=box.folder / "plugins",
            environment=box.aws.environment(),
        )
        shutil.copytree(EXAMPLE, self.stack.project, dirs_exist_ok=True)
        self.site = installed(folder, self.stack.project)
        self.stack.environment["PYTHONPATH"] = str(self.site)
        self._lead_to_the_sandbox()
        self.stack.init()
        self.stack.configure(self.config)

    @staticmethod
    def _administered(*statements: dict[str, Any]) -> str:
        return document({"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*"}, *statements)

    def _lead_to_the_sandbox(self) -> None:
        """Amazon's addresses, and no wait before the promotion: all that is changed of the example."""
        program = self.stack.project / "__main__.py"
        text = program.read_text()
        for half, endpoint in zip(self.halves, ("NA", "EU"), strict=True):
            written = f'"spapi_endpoint": "{endpoint}",'
            assert text.count(written) == 1
            here = {"spapi_endpoint": half.amazon.spapi_endpoint, "lwa_endpoint": half.amazon.lwa_endpoint}
            text = text.replace(written, f'**{here!r}, "promote_delay_minutes": 0,')
        program.write_text(text)

    def lacking(self) -> list[dict[str, Any]]:
        """The statements that a preview says the key's policy lacks."""
        lines = [line for line in self.stack.preview().text.splitlines() if "keys.secrets: the policy" in line]
        shown = {line[line.index("{") : line.rindex("}") + 1] for line in lines}
        return [json.loads(text) for text in sorted(shown)]

    def add_to_key(self, statements: list[dict[str, Any]]) -> None:
        self.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=self._administered(*statements))

    def use(self) -> None:
        """Seed and subscribe what has been deployed, and have the consumers know where it is."""
        self.outputs = self.stack.outputs()
        for half in self.halves:
            seeded(self.box.aws, half.amazon.control, half.app, self.arn(half), age=timedelta(days=10))
            half.amazon.control.subscribe(half.app.client_id, self.outputs[f"{half.name}_queue_url"])
        self.operators = {
            half.name: Operator(self.box, self.outputs[f"{half.name}_function_name"], half.region)
            for half in self.halves
        }
        iam = self.box.aws.client("iam")
        for each in self.operators.values():
            iam.put_role_policy(
                RoleName=each.role, PolicyName="look-up", PolicyDocument=document(allow("cloudtrail:LookupEvents"))
            )
        self.analysts.may(self.outputs["america_reader_policy_json"]["orders"])

    def arn(self, half: Half) -> str:
        return str(self.outputs[f"{half.name}_secret_arns"][half.app.name])

    def in_use(self, half: Half) -> tuple[str, str]:
        """Version and client secret under AWSCURRENT, read as the account's root."""
        client = self.box.aws.client("secretsmanager", region=half.region)
        found = client.get_secret_value(SecretId=self.arn(half))
        return found["VersionId"], json.loads(found["SecretString"])["client_secret"]

    def service(self) -> dict[str, Any]:
        (found,) = self.ecs.describe_services(cluster="marketplace", services=["orders"])["services"]
        return dict(found)

    def deployment(self) -> str:
        """The id of the service's newest deployment."""
        (primary,) = [each for each in self.service()["deployments"] if each["status"] == "PRIMARY"]
        return str(primary["id"])

    def a_task_starts(self) -> str:
        """What the task definition of the service's deployment names is read, as its execution role; the secret."""
        task = self.ecs.describe_task_definition(taskDefinition=self.service()["taskDefinition"])["taskDefinition"]
        (container,) = task["containerDefinitions"]
        given = {}
        with assumed(self.box.aws, task["executionRoleArn"].rpartition("/")[2]) as credentials:
            client = self.box.aws.client("secretsmanager", credentials=credentials)
            for each in container["secrets"]:
                arn, key, stage, version = each["valueFrom"].rsplit(":", 3)
                assert (stage, version) == ("", "")
                given[each["name"]] = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])[key]
        assert given["LWA_CLIENT_ID"] == self.halves[0].app.client_id
        return str(given["LWA_CLIENT_SECRET"])

    def the_function_runs(self) -> str:
        """The version that the Lambda function has read."""
        client = self.box.aws.client("lambda", region=EUROPE)
        answer = client.invoke(FunctionName=self.outputs["prices_function_name"])
        said = json.loads(answer["Payload"].read())
        assert said["client_id"] == self.halves[1].app.client_id, said
        return str(said["version"])

    def consumers(self, half: Half, *, code: int) -> dict[str, bool | None]:
        """Who has followed, by the names of those that count as consumers."""
        answer = json.loads(self.operators[half.name].run("consumers", "--json", code=code))
        (application,) = answer["applications"]
        return {
            each["principal"].rpartition("/")[2].partition("-")[0]: each["followed"]
            for each in application["readers"]
            if each["followed"] is not None
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("example")
    with Sandbox(folder / "box", progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        there = SqsTarget(box.aws.endpoint, EUROPE, str(box.aws.ca_file))
        with Amazon(folder / "europe", sqs=there, settings=WorldSettings(rate_period_seconds=1)) as europe:
            yield World(box, europe, folder)


def test_the_preview_says_what_the_key_lacks_and_up_brings_both_regions(world: World) -> None:
    statements = world.lacking()
    assert sorted(each["Sid"] for each in statements) == ["AllowAlarms", "AllowLogGroup", "AllowReaders"]
    world.add_to_key(statements)
    assert world.lacking() == []
    world.stack.up()
    world.use()
    assert str(world.site / "spapi_rotation") in world.stack.export(), "it really ran from the wheel"
    places = {half.name: world.arn(half).split(":")[3] for half in world.halves}
    assert places == {"america": REGION, "europe": EUROPE}


def test_a_rotation_redeploys_the_service_and_all_consumers_follow(world: World) -> None:
    america, europe = world.halves
    old = {half.name: world.in_use(half) for half in world.halves}
    assert world.a_task_starts() == world.analysts.read(world.arn(america)) == old["america"][1]
    assert world.the_function_runs() == old["europe"][0]
    deployment = world.deployment()

    for half in world.halves:
        world.operators[half.name].run("rotate", half.app.name, "--yes", "--timeout", "120")
    new = {half.name: world.in_use(half) for half in world.halves}
    assert all(new[name][1] != old[name][1] for name in new)
    eventually(lambda: world.deployment() != deployment)
    time.sleep(2)  # CloudTrail tells whole seconds.
    assert world.consumers(america, code=3) == {"orders": False, "analysts": False}
    assert world.consumers(europe, code=3) == {"prices": False}

    assert world.a_task_starts() == world.analysts.read(world.arn(america)) == new["america"][1]
    assert world.the_function_runs() == new["europe"][0]
    assert world.consumers(america, code=0) == {"orders": True, "analysts": True}
    assert world.consumers(europe, code=0) == {"prices": True}


def test_nothing_is_left_to_do_and_nothing_secret_was_left(world: World) -> None:
    world.stack.refresh(unchanged=True)
    world.stack.preview(unchanged=True)
    said = "".join(text for operator in world.operators.values() for text in operator.said)
    texts = {"state": world.stack.export(), "said": said}
    for half in world.halves:
        assert [name for name, text in texts.items() if world.in_use(half)[1] in text] == []


def test_everything_goes_but_what_was_there_before(world: World) -> None:
    world.stack.configure({**world.config, "marketplace:deletion_protection": False})
    world.stack.up()
    world.stack.destroy()
    assert json.loads(world.stack.export())["deployment"].get("resources") is None
    for region in (REGION, EUROPE):
        assert world.box.aws.client("lambda", region=region).list_functions()["Functions"] == []
    assert world.kms.describe_key(KeyId=world.key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert world.ecs.list_clusters()["clusterArns"] == []
