"""Applications that leave and come back, on the real engine with deletion protection: nothing loses a secret."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.amazon.contract import ROTATE_PATH
from sandbox.amazon.faults import Delay
from sandbox.paths import CHECKOUT
from sandbox.session import App, Sandbox, new_app
from sandbox.stack import PulumiFailed, Run
from tests.cli.aws_cli import ensure_aws_cli
from tests.engine.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP, OTHER, KEPT = new_app("shop"), new_app("other"), new_app("kept")
"""The last one keeps its owner's secret."""

COMPONENT = "urn:pulumi:sandbox::spapi-rotation::spapi-rotation:index:ClientSecretRotation::rotation"
PAGE = (CHECKOUT / "docs" / "leaving.md").read_text()


def block(heading: str) -> str:
    """The commands under a heading of the page."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (found,) = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    return str(found)


class Scene:
    """The deployed stack, and its applications as the configuration names them."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.entries: dict[str, dict[str, Any]] = {app.name: {"client_id": app.client_id} for app in (SHOP, OTHER)}
        self.more: dict[str, Any] = {"deletion_protection": True, "wait_seconds": 0}
        self.adopted: str = box.aws.client("secretsmanager").create_secret(Name="of-its-owner")["ARN"]
        self.up(KEPT, {"secret_arn": self.adopted})
        self.outputs = box.stack.outputs()
        self.arns: dict[str, str] = self.outputs["secret_arns"]
        for app in (SHOP, OTHER, KEPT):
            box.seed(app, self.arns[app.name], age=timedelta(days=10))
            box.amazon.subscribe(app.client_id, self.outputs["queue_url"])

    def configure(self, app: App | None = None, entry: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Change an application's entry (None removes it), or other settings."""
        if app is not None:
            self.entries.pop(app.name, None)
            if entry is not None:
                self.entries[app.name] = {"client_id": app.client_id, **entry}
        self.more |= more
        self.box.stack.configure(self.box.config([], applications=self.entries, **self.more))

    def up(self, app: App | None = None, entry: Mapping[str, Any] | None = None, **more: Any) -> Run:
        self.configure(app, entry, **more)
        return self.box.stack.up()

    def refused(self, app: App, entry: Mapping[str, Any] | None) -> str:
        """What `up` says that fails."""
        with pytest.raises(PulumiFailed) as failed:
            self.up(app, entry)
        return " ".join(str(failed.value).split())

    def schedules(self) -> dict[str, str]:
        """State by application."""
        scheduler = self.box.aws.client("scheduler")
        found: dict[str, str] = {}
        for each in scheduler.list_schedules()["Schedules"]:
            schedule = scheduler.get_schedule(GroupName=each["GroupName"], Name=each["Name"])
            found[json.loads(schedule["Target"]["Input"])["application"]] = schedule["State"]
        return found

    def state(self, app: App) -> Mapping[str, Any]:
        """The secret as Pulumi's state holds it."""
        resources = json.loads(self.box.stack.export())["deployment"]["resources"]
        name = f"::rotation-secret-{app.client_id.rpartition('.')[2]}"
        return next((each for each in resources if each["urn"].endswith(name)), {})

    def described(self, arn: str) -> Mapping[str, Any]:
        """Everything about a secret but its value, and when that was read last."""
        told = self.box.aws.client("secretsmanager").describe_secret(SecretId=arn)
        return {name: value for name, value in told.items() if name not in ("ResponseMetadata", "LastAccessedDate")}

    def posts(self, app: App) -> int:
        calls = self.box.amazon.journal()
        return sum(call.client_id == app.client_id and call.path == ROTATE_PATH for call in calls)

    def type(self, command: str) -> str:
        """Run a command that was shown, word for word."""
        words = shlex.split(command)
        if words[0] == "pulumi":
            return self.box.stack.run(*words[1:], "--yes").text
        assert words[0] == "aws"
        done = subprocess.run(
            [ensure_aws_cli(), *words[1:]],
            capture_output=True,
            text=True,
            check=False,
            env={**self.box.stack.environment, "AWS_PAGER": ""},
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def script(self, text: str, **environment: str) -> str:
        """Run a script of the page, as a person who answers yes."""
        program = ensure_aws_cli().parent
        given = self.box.stack.environment | {"AWS_PAGER": "", "PULUMI_SKIP_CONFIRMATIONS": "true", **environment}
        given["PATH"] = f"{program}:{given['PATH']}"
        done = subprocess.run(
            ["bash", "-e", "-c", text],
            cwd=self.box.stack.project,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def take_back(self, told: str) -> None:
        """Do what the error says: the command that shows the ARN, then the import with it."""
        shows, imports = re.findall(r"`((?:aws secretsmanager|pulumi import) [^`]*)`", told)[:2]
        arn = json.loads(self.type(shows))["ARN"]
        self.type(imports.replace(" ARN ", f" {arn} "))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("leaving") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield Scene(box)


@pytest.mark.rule(id="OUT-2")
def test_retiring_is_refused_while_a_rotation_is_in_flight(scene: Scene) -> None:
    scene.box.amazon.misbehave(SHOP.client_id, Delay(seconds=20))
    scene.up(SHOP, {"rotate_on_up": "first"})
    assert scene.posts(SHOP) == 1
    told = scene.refused(SHOP, {"retired": True})
    assert "shop cannot be retired yet: a new client secret was requested at" in told
    assert "Traceback" not in told
    assert scene.schedules() == {"shop": "ENABLED", "other": "ENABLED", "kept": "ENABLED"}
    until(lambda: scene.posts(SHOP) == 1 and "AWSPREVIOUS" in str(scene.box.labels(scene.arns["shop"])))
    until(lambda: "AWSPENDING" not in str(scene.box.labels(scene.arns["shop"])))


@pytest.mark.rule(id="OUT-1")
def test_a_retired_application_is_switched_off_and_shown_with_what_stays(scene: Scene) -> None:
    scene.configure(KEPT, {"secret_arn": scene.adopted, "retired": True})
    run = scene.up(SHOP, {"retired": True})
    assert scene.schedules() == {"shop": "DISABLED", "other": "ENABLED", "kept": "DISABLED"}
    assert f"Its secret stays: {scene.arns['shop']}." in run.text
    assert (scene.state(SHOP).get("protect", False), scene.state(SHOP)["retainOnDelete"]) == (False, True)
    assert scene.state(OTHER)["protect"] is True
    scene.box.stack.preview(unchanged=True)
    scene.box.stack.refresh(unchanged=True)


@pytest.mark.rule(id="NOT-5")
def test_a_notice_for_it_is_only_logged(scene: Scene) -> None:
    posts = scene.posts(SHOP)
    scene.box.amazon.expiry_notice(SHOP.client_id)
    until(lambda: "expiry_notice_while_switched_off" in "".join(scene.box.function_log()))
    assert scene.posts(SHOP) == posts


@pytest.mark.rule(id="OUT-1")
def test_its_entry_can_be_removed_and_the_secret_stays_as_it_is(scene: Scene) -> None:
    arns = (scene.arns["shop"], scene.adopted)
    before = [(scene.described(arn), scene.box.value(arn)) for arn in arns]
    scene.configure(KEPT)
    scene.up(SHOP)
    assert scene.schedules() == {"other": "ENABLED"}
    assert scene.state(SHOP) == {}
    assert [(scene.described(arn), scene.box.value(arn)) for arn in arns] == before
    scene.box.stack.preview(unchanged=True)


@pytest.mark.rule(id="OUT-3")
def test_it_comes_back_by_the_commands_that_the_error_names(scene: Scene) -> None:
    before = scene.box.labels(scene.arns["shop"]), scene.box.value(scene.arns["shop"])
    told = scene.refused(SHOP, {})
    assert "exists already and is not in this stack" in told
    scene.take_back(told)
    scene.up()
    assert scene.schedules() == {"shop": "ENABLED", "other": "ENABLED"}
    assert (scene.box.labels(scene.arns["shop"]), scene.box.value(scene.arns["shop"])) == before
    assert scene.state(SHOP)["protect"] is True
    scene.box.stack.preview(unchanged=True)
    scene.box.stack.refresh(unchanged=True)


@pytest.mark.rule(id="OUT-1")
def test_an_entry_that_is_removed_at_once_is_refused_and_nothing_is_lost(scene: Scene) -> None:
    scene.refused(OTHER, None)
    assert scene.schedules() == {"shop": "ENABLED", "other": "ENABLED"}
    assert scene.box.labels(scene.arns["other"])
    scene.up(OTHER, {})


@pytest.mark.rule(id="OUT-4")
def test_the_components_own_secret_cannot_be_adopted(scene: Scene) -> None:
    told = scene.refused(OTHER, {"secret_arn": scene.arns["other"]})
    assert "is the secret that the component itself creates for other" in told
    scene.up(OTHER, {})


@pytest.mark.rule(id="OUT-3")
def test_a_secret_that_is_scheduled_for_deletion_comes_back_by_the_commands_that_the_error_names(scene: Scene) -> None:
    before = scene.box.labels(scene.arns["other"]), scene.box.value(scene.arns["other"])
    scene.up(deletion_protection=False)
    scene.up(OTHER)
    told = scene.refused(OTHER, {})
    assert "was deleted and can be restored" in told
    scene.take_back(told)
    scene.up(deletion_protection=True)
    assert (scene.box.labels(scene.arns["other"]), scene.box.value(scene.arns["other"])) == before
    scene.box.stack.preview(unchanged=True)


@pytest.mark.rule(id="OUT-3")
def test_a_destroyed_component_comes_back_with_its_secrets_and_labels(scene: Scene) -> None:
    box, arn = scene.box, scene.arns["shop"]
    before = box.labels(arn), box.value(arn)
    key = scene.outputs["key_arn"]
    scene.up(OTHER, {"retired": True})
    scene.up(OTHER)
    scene.up(deletion_protection=False)
    box.stack.destroy()
    secrets = box.aws.client("secretsmanager")
    assert "DeletedDate" in secrets.describe_secret(SecretId=arn)
    told = scene.refused(SHOP, {})
    assert "was deleted and can be restored" in told
    assert "docs/leaving.md" in told
    box.stack.destroy()
    scene.script(
        block("A destroyed component is brought up again"),
        SECRET_NAME=secrets.describe_secret(SecretId=arn)["Name"],
        SUFFIX=SHOP.client_id.rpartition(".")[2],
        COMPONENT=COMPONENT,
    )
    assert (box.labels(arn), box.value(arn)) == before
    assert box.stack.outputs()["key_arn"] == key
    box.stack.preview(unchanged=True)
    box.stack.refresh(unchanged=True)
    name = box.stack.outputs()["function_name"]
    event = {"action": "check", "application": "shop", "client_id": SHOP.client_id}
    answer = box.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    assert json.loads(answer["Payload"].read()) == {"state": "CURRENT"}
