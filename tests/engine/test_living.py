"""Renaming, moving and doubling a deployment on the real engine, by the commands of docs/living.md.

One account; the tests follow one another. What a stack owned at the beginning it must own, unchanged, after each step.
"""

import copy
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.amazon.contract import ROTATE_PATH
from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.paths import CHECKOUT
from sandbox.session import App, Sandbox, new_app
from sandbox.stack import PulumiFailed, Stack
from tests.engine.inventory import inventory, physical_ids, urns

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

PAGE = (CHECKOUT / "docs" / "living.md").read_text()
SHOP, ORDERS, OTHER = new_app("shop"), new_app("orders"), new_app("other")

PROGRAM = """
import json
from pathlib import Path

import pulumi
from spapi_rotation import ClientSecretRotation

given = json.loads(Path("component.json").read_text())
opts = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=name) for name in given["aliases"]])
if given["name"]:
    rotation = ClientSecretRotation(given["name"], given["args"], opts)
    pulumi.export("secret_arns", rotation.secret_arns)
    pulumi.export("queue_url", rotation.queue_url)
    pulumi.export("alarm_topic_arn", rotation.alarm_topic_arn)
"""

SEVERAL = """
from spapi_rotation import ClientSecretRotation

for name, args in {several!r}.items():
    ClientSecretRotation(name, args)
"""


def block(heading: str) -> str:
    """The commands under a heading of the page."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (found,) = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    return str(found)


def type_in(stack: Stack, heading: str, *, code: int = 0, **environment: str) -> str:
    """Run the commands under a heading, as a person who answers yes; what they printed."""
    done = subprocess.run(
        ["bash", "-e", "-c", block(heading)],
        cwd=stack.project,
        env={**stack.environment, "PULUMI_SKIP_CONFIRMATIONS": "true", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def declare(
    stack: Stack, name: str, args: Mapping[str, Any] | None = None, *, project: str, aliases: tuple[str, ...] = ()
) -> None:
    """Make the stack's program one of somebody's own, with one component or (without a name) none."""
    stack.project.mkdir(exist_ok=True)
    (stack.project / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")
    settings = stack.project / f"Pulumi.{stack.name}.yaml"
    if not settings.exists():
        settings.write_text(f"config:\n  aws:region: {REGION}\n")
    (stack.project / "__main__.py").write_text(PROGRAM)
    (stack.project / "component.json").write_text(json.dumps({"name": name, "args": args, "aliases": aliases}))


def beside(stack: Stack, folder: str, name: str) -> Stack:
    """A stack of another program on the same backend."""
    other = copy.copy(stack)
    other.project, other.name = stack.folder / folder, name
    return other


class Deployed:
    """What a deployment owns, and that it goes on working."""

    def __init__(self, box: Sandbox, stack: Stack, app: App) -> None:
        self.box, self.app = box, app
        outputs = stack.outputs()
        self.arn, self.queue_url = str(outputs["secret_arns"][app.name]), outputs["queue_url"]
        box.seed(app, self.arn, age=timedelta(days=10))
        box.amazon.subscribe(app.client_id, self.queue_url)
        box.aws.client("sns").subscribe(
            TopicArn=outputs["alarm_topic_arn"],
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:of-a-person",
        )
        self.ids, self.holdings = physical_ids(stack), inventory(box.aws)

    def posts(self) -> int:
        calls = self.box.amazon.journal()
        return sum(call.client_id == self.app.client_id and call.path == ROTATE_PATH for call in calls)

    def untouched(self, stack: Stack, *, called: tuple[str, str] = ("", "")) -> None:
        """The stack owns the same things, and none of them was changed.

        Args:
            called: the component's old and new name, if it has another.
        """
        old, new = called
        expected = {name.replace(f" {old}-", f" {new}-") if old else name: owned for name, owned in self.ids.items()}
        assert physical_ids(stack) == expected
        now = inventory(self.box.aws)
        assert {name: now.get(name) for name in self.holdings} == self.holdings

    def in_use(self) -> bool:
        judged = self.box.amazon.judge(self.app.client_id, self.box.value(self.arn)["client_secret"])
        return judged is not None and judged.newest and judged.accepted_by_spapi


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("living") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield box


# The program of this project.


@pytest.fixture(scope="module")
def program(box: Sandbox) -> Deployed:
    box.stack.configure(box.config([SHOP], deletion_protection=True))
    box.stack.up()
    return Deployed(box, box.stack, SHOP)


def test_a_stack_renamed_without_its_identity_ends_with_an_error_and_loses_nothing(program: Deployed) -> None:
    stack = program.box.stack
    stack.run("stack", "rename", "wrong")
    stack.name = "wrong"
    before = inventory(program.box.aws)
    with pytest.raises(PulumiFailed, match="protect"):
        stack.up()
    after = inventory(program.box.aws)
    assert set(after) == set(before)
    kinds = (":secret:", ":alarm:", ":log-group:", ":schedule/")
    assert [name for name in before if any(kind in name for kind in kinds) and after[name] != before[name]] == []
    stack.run("stack", "rename", "sandbox")
    stack.name = "sandbox"
    stack.up()
    program.holdings = inventory(program.box.aws)
    program.untouched(stack)


def test_a_stack_renamed_by_the_page_keeps_everything(program: Deployed) -> None:
    stack = program.box.stack
    type_in(stack, "Rename a stack")
    stack.name = "blue"
    program.untouched(stack)
    stack.up(unchanged=True)
    stack.refresh(unchanged=True)
    assert all(urn.startswith("urn:pulumi:blue::spapi-rotation::") for urn in urns(stack))


def test_a_project_renamed_by_the_page_keeps_everything(program: Deployed) -> None:
    stack = program.box.stack
    type_in(stack, "Rename a project")
    program.untouched(stack)
    stack.up(unchanged=True)
    assert all(urn.startswith("urn:pulumi:blue::secrets::") for urn in urns(stack))


def test_after_all_of_it_a_rotation_goes_its_whole_way(program: Deployed) -> None:
    stack = program.box.stack
    settings = (stack.project / "Pulumi.blue.yaml").read_text()
    assert "identity: spapi-rotation/sandbox/rotation" in settings
    stack.run("config", "set", "--path", "applications.shop.rotate_on_up", "first")
    stack.up()
    assert program.posts() == 1
    assert program.in_use()


# A program of somebody's own.

IDENTITY = "orders/production/selling-partner"


@pytest.fixture(scope="module")
def orders(box: Sandbox) -> Stack:
    return beside(box.stack, "orders", "production")


def arguments(box: Sandbox, app: App, **more: object) -> dict[str, Any]:
    given = box.config([app], {app.name: "first"}, **{"deletion_protection": True, **more})
    return {key: value for key, value in given.items() if key != "aws:region"}


@pytest.fixture(scope="module")
def component(box: Sandbox, orders: Stack) -> Deployed:
    declare(orders, "selling-partner", {**arguments(box, ORDERS), "applications": plain(ORDERS)}, project="orders")
    orders.run("stack", "init", "production")
    orders.up()
    found = Deployed(box, orders, ORDERS)
    declare(orders, "selling-partner", arguments(box, ORDERS), project="orders")
    orders.up()
    assert (found.posts(), found.in_use()) == (1, True)
    found.ids, found.holdings = physical_ids(orders), inventory(box.aws)
    return found


def plain(app: App) -> dict[str, Any]:
    return {app.name: {"client_id": app.client_id}}


def test_a_component_renamed_by_an_alias_keeps_everything_and_rotates_nothing(
    box: Sandbox, orders: Stack, component: Deployed
) -> None:
    args = {**arguments(box, ORDERS), "identity": IDENTITY}
    declare(orders, "sp-api", args, project="orders", aliases=("selling-partner",))
    orders.preview(unchanged=True)
    orders.up(unchanged=True)
    component.untouched(orders, called=("selling-partner", "sp-api"))
    declare(orders, "sp-api", args, project="orders")
    orders.up(unchanged=True)
    component.untouched(orders, called=("selling-partner", "sp-api"))
    assert component.posts() == 1


def test_a_component_moved_to_another_project_by_the_page_keeps_everything_and_rotates_nothing(
    box: Sandbox, orders: Stack, component: Deployed
) -> None:
    platform = beside(orders, "platform", "production")
    declare(platform, "", project="platform")
    platform.run("stack", "init", "production")
    platform.up()
    type_in(orders, "Move a component to another stack or project")
    args = {**arguments(box, ORDERS), "identity": IDENTITY}
    declare(orders, "", project="orders")
    declare(platform, "sp-api", args, project="platform")
    for stack in (orders, platform):
        stack.preview(unchanged=True)
        stack.up(unchanged=True)
    component.untouched(platform, called=("selling-partner", "sp-api"))
    assert physical_ids(orders) == {}
    with pytest.raises(PulumiFailed, match="protected"):
        platform.destroy()
    assert component.posts() == 1
    orders.project = platform.project


def test_a_stack_moved_to_another_backend_by_the_page_keeps_everything(
    box: Sandbox, orders: Stack, component: Deployed
) -> None:
    new = orders.folder / "other-backend"
    new.mkdir()
    old = orders.environment["PULUMI_BACKEND_URL"]
    environment = {name: text for name, text in orders.environment.items() if name != "PULUMI_BACKEND_URL"}
    moved = copy.copy(orders)
    moved.environment = environment
    subprocess.run(["pulumi", "login", old], check=True, env=environment, cwd=orders.project, capture_output=True)
    type_in(moved, "Move a stack to another backend", OLD_BACKEND=old, NEW_BACKEND=f"file://{new}")
    moved.up(unchanged=True)
    component.untouched(moved, called=("selling-partner", "sp-api"))
    assert component.posts() == 1
    orders.environment = environment


def test_destroyed_by_the_page_nothing_is_left_but_what_can_be_restored(
    box: Sandbox, orders: Stack, component: Deployed
) -> None:
    args = {**arguments(box, ORDERS), "identity": IDENTITY, "deletion_protection": False}
    with pytest.raises(PulumiFailed, match="protected"):
        orders.destroy()
    declare(orders, "sp-api", args, project="platform")
    orders.up()
    orders.destroy()
    assert urns(orders) == []
    left = set(component.ids.values()) & set(inventory(box.aws))
    assert left == {component.arn}


# Two of the same.


@pytest.fixture
def second(box: Sandbox, tmp_path: Path) -> Stack:
    """The same project and stack on a backend of their own."""
    stack = Stack(
        tmp_path / "second",
        engine=box.engine.bin,
        plugins=box.folder / "plugins",
        environment=box.aws.environment(),
        name="sandbox",
    )
    stack.init()
    stack.configure(box.config([SHOP], deletion_protection=True))
    return stack


def test_a_second_deployment_of_the_same_identity_touches_nothing_of_the_first(
    box: Sandbox, program: Deployed, second: Stack
) -> None:
    first = inventory(box.aws)
    for flags in (("--skip-preview",), ()):
        run = second.run("up", "--yes", "--non-interactive", *flags, check=False)
        assert run.code != 0
        assert "ResourceAlreadyExistsException" in run.text
        after = inventory(box.aws)
        assert {name: after[name] for name in first} == first
        more = [name for name in after if name not in first]
        assert not [name for name in more if ":secret:" in name or ":alarm:" in name or ":function:" in name]
    type_in(second, "Two deployments with the same identity")
    after = inventory(box.aws)
    assert {name: after[name] for name in first} == first
    assert [name for name in after if name not in first and ":kms:" not in name] == []
    program.box.stack.preview(unchanged=True)


def test_with_an_identity_of_its_own_it_stands_beside_the_first(box: Sandbox, program: Deployed, second: Stack) -> None:
    with pytest.raises(PulumiFailed, match="ResourceAlreadyExistsException"):
        second.up()
    second.run("config", "set", "identity", "spapi-rotation/sandbox.rotation")
    second.up()
    second.preview(unchanged=True)
    program.box.stack.preview(unchanged=True)
    subprocess_destroy(second)


def test_identities_that_differ_in_punctuation_only_live_in_one_account(box: Sandbox) -> None:
    stack = beside(box.stack, "punctuation", "dev")
    args = arguments(box, OTHER, deletion_protection=False, applications=plain(OTHER))
    declare(stack, "", project="punctuation")
    names = ("shop.eu", "shop-eu", "shop_eu", "shop/eu")
    several = {f"rotation-{number}": {**args, "identity": name} for number, name in enumerate(names)}
    (stack.project / "__main__.py").write_text(SEVERAL.format(several=several))
    stack.run("stack", "init", "dev")
    stack.up()
    ids = physical_ids(stack).items()
    owned = [{thing for name, thing in ids if f" rotation-{number}-" in name} for number in range(len(names))]
    assert [f"/aws/lambda/{identity}" in things for identity, things in zip(names, owned, strict=True)] == [True] * 4
    assert len(set().union(*owned)) == sum(map(len, owned)) > 4 * 20
    stack.preview(unchanged=True)
    stack.destroy()


def test_a_project_named_aws_works(box: Sandbox) -> None:
    stack = beside(box.stack, "aws", "aws")
    args = arguments(box, OTHER, deletion_protection=False, applications=plain(OTHER))
    declare(stack, "aws", args, project="aws")
    stack.run("stack", "init", "aws")
    stack.up()
    stack.preview(unchanged=True)
    assert f"aws/aws/aws/{OTHER.client_id}" in stack.outputs()["secret_arns"][OTHER.name]
    stack.destroy()


def subprocess_destroy(stack: Stack) -> None:
    """Lift the protection and destroy, by the page."""
    type_in(stack, "Destroy it")
    assert urns(stack) == []
