"""Deletion protection on the real engine: whatever is typed, nothing leaves AWS or the state until it is lifted."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.amazon.contract import ROTATE_PATH
from sandbox.amazon.faults import Delay
from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.session import App, Sandbox, new_app
from sandbox.stack import PulumiFailed
from tests.engine.inventory import Inventory, inventory, resources, urns

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP, OTHER = new_app("shop"), new_app("other")
APPS = [SHOP, OTHER]
YES = ("--yes", "--non-interactive", "--color=never")

AUTOMATION = """
import sys
from pulumi import automation

stack = automation.select_stack(stack_name=sys.argv[1], work_dir=".")
try:
    stack.destroy()
except automation.CommandError as error:
    sys.exit(str(error))
"""


class Scene:
    """The deployed stack, protected, with a rotation in flight."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.configure()
        box.stack.up()
        self.outputs = box.stack.outputs()
        for app in APPS:
            box.seed(app, str(self.outputs["secret_arns"][app.name]), age=timedelta(days=10))
            box.amazon.subscribe(app.client_id, self.outputs["queue_url"])

    def configure(self, triggers: dict[str, str] | None = None, **more: object) -> None:
        given = {"deletion_protection": True, "wait_seconds": 0, **more}
        self.box.stack.configure(self.box.config(APPS, triggers, **given))

    def posts(self, app: App) -> int:
        calls = self.box.amazon.journal()
        return sum(call.client_id == app.client_id and call.path == ROTATE_PATH for call in calls)

    def protect(self) -> None:
        """From now on this is what has to stay."""
        self.protected = self._everything()
        self.urns = [urn for urn, _ in self.protected[1]]

    def nothing_is_gone(self) -> None:
        assert self._everything() == self.protected

    def _everything(self) -> tuple[Inventory, list[tuple[str, object]]]:
        return inventory(self.box.aws), sorted((each["urn"], each.get("id")) for each in resources(self.box.stack))

    def urn(self, name: str) -> str:
        (found,) = [urn for urn in self.urns if urn.endswith(f"::{name}")]
        return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("guards") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        scene = Scene(box)
        box.amazon.misbehave(SHOP.client_id, Delay(seconds=3600))
        scene.configure({SHOP.name: "first"})
        box.stack.up()
        assert scene.posts(SHOP) == 1
        scene.protect()
        yield scene


@pytest.mark.parametrize(
    "words",
    [
        ("destroy",),
        ("destroy", "--skip-preview"),
        ("destroy", "--exclude-protected"),
        ("destroy", "--exclude-protected", "--skip-preview"),
        ("destroy", "--refresh", "--skip-preview"),
        ("destroy", "--continue-on-error", "--skip-preview"),
        ("destroy", "--remove", "--skip-preview"),
    ],
    ids=" ".join,
)
def test_destroy_deletes_nothing(scene: Scene, words: tuple[str, ...]) -> None:
    run = scene.box.stack.run(*words, *YES, check=False)
    scene.nothing_is_gone()
    assert (run.code == 0) == ("--exclude-protected" in words)


TRIGGER = f"rotation-rotate-{SHOP.client_id.rpartition('.')[2]}"
TARGETS = {
    "component": "rotation",
    "key": "rotation-key",
    "queue": "rotation-queue",
    "policy": "rotation-operations-queue-policy",
    "alarm": "rotation-alarm-heartbeat",
    "trigger": TRIGGER,
}


@pytest.mark.parametrize("target", TARGETS)
def test_destroy_of_one_resource_and_of_what_depends_on_it_deletes_nothing(scene: Scene, target: str) -> None:
    words = ("destroy", "--target", scene.urn(TARGETS[target]), "--target-dependents", "--skip-preview")
    assert scene.box.stack.run(*words, *YES, check=False).code != 0
    scene.nothing_is_gone()


@pytest.mark.parametrize("target", ["policy", "trigger"])
@pytest.mark.parametrize("flags", [(), ("--skip-preview",)], ids=["", "--skip-preview"])
def test_destroy_of_one_resource_alone_deletes_nothing(scene: Scene, target: str, flags: tuple[str, ...]) -> None:
    run = scene.box.stack.run("destroy", "--target", scene.urn(TARGETS[target]), *flags, *YES, check=False)
    assert run.code != 0
    scene.nothing_is_gone()


def test_the_automation_api_deletes_nothing(scene: Scene) -> None:
    stack = scene.box.stack
    run = subprocess.run(
        [sys.executable, "-c", AUTOMATION, stack.name],
        cwd=stack.project,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "protect" in run.stderr
    scene.nothing_is_gone()


@pytest.mark.parametrize("flags", [(), ("--skip-preview",)], ids=["", "--skip-preview"])
def test_an_update_without_the_component_deletes_nothing(scene: Scene, flags: tuple[str, ...]) -> None:
    program = scene.box.stack.project / "__main__.py"
    text = program.read_text()
    program.write_text("")
    try:
        run = scene.box.stack.run("up", *flags, *YES, check=False)
    finally:
        program.write_text(text)
    assert run.code != 0
    scene.nothing_is_gone()


def test_alarms_topic_and_triggers_change_while_everything_is_protected(scene: Scene) -> None:
    stack, cloudwatch, sns = scene.box.stack, scene.box.aws.client("cloudwatch"), scene.box.aws.client("sns")
    own = scene.outputs["alarm_topic_arn"]
    pager = f"arn:aws:sns:{REGION}:{ACCOUNT}:pager"

    def topics() -> set[str]:
        return {each["TopicArn"] for each in sns.list_topics()["Topics"]}

    def actions() -> set[str]:
        return {action for each in cloudwatch.describe_alarms()["MetricAlarms"] for action in each["AlarmActions"]}

    assert (topics(), actions()) == ({own}, {own})
    scene.configure({SHOP.name: "first"}, alarms=False)
    stack.up()
    assert (topics(), actions()) == (set(), set())
    scene.configure({SHOP.name: "first"}, alarm_topic_arn=pager)
    stack.up()
    assert (topics(), actions()) == (set(), {pager})
    scene.configure({SHOP.name: "first"})
    stack.up()
    assert topics() == actions() != set()
    scene.configure({OTHER.name: "first"})
    stack.up()
    assert not [urn for urn in urns(stack) if urn.endswith(f"::{TRIGGER}")]
    assert (scene.posts(SHOP), scene.posts(OTHER)) == (1, 1)
    stack.preview(unchanged=True)
    scene.protect()


def test_it_still_holds_afterwards(scene: Scene) -> None:
    with pytest.raises(PulumiFailed, match="protected"):
        scene.box.stack.destroy()
    scene.nothing_is_gone()


def test_lifted_by_one_update_everything_can_be_destroyed(scene: Scene) -> None:
    stack = scene.box.stack
    scene.configure({OTHER.name: "first"}, deletion_protection=False)
    run = stack.up()
    assert "deleted" not in run.text
    stack.destroy()
    assert urns(stack) == []
    left = {name: value for name, value in dict(inventory(scene.box.aws)).items() if ":kms:" not in name}
    secrets = scene.outputs["secret_arns"].values()
    assert set(left) == set(secrets)
    deleted = scene.box.aws.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
    assert all(each["DeletedDate"] for each in deleted)
