"""Triggers on the real engine: what a preview says, what `up` then does, and `via: function`. One stack, in order."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.amazon.contract import ROTATE_PATH
from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.session import App, Sandbox, new_app
from sandbox.stack import PulumiFailed, Stack
from tests.engine.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP, OUTLET, EMPTY, KEPT = new_app("shop"), new_app("outlet"), new_app("empty"), new_app("kept")


class Scene:
    """The deployed stack."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.apps = box, [SHOP, OUTLET, EMPTY]
        self.triggers: dict[str, str] = {}
        self.more: dict[str, Any] = {}
        self.kept = ""
        self.configure()
        box.stack.up()
        self.outputs = box.stack.outputs()

    def configure(self, triggers: Mapping[str, str] | None = None, **more: Any) -> None:
        """Set triggers and other settings; those that are not named stay."""
        self.triggers |= triggers or {}
        self.more |= more
        config = self.box.config(self.apps, self.triggers, **{k: v for k, v in self.more.items() if v is not None})
        if KEPT in self.apps:
            config["applications"][KEPT.name]["secret_arn"] = self.kept
        self.box.stack.configure(config)

    def drop(self, app: App) -> None:
        """Take a trigger away again."""
        del self.triggers[app.name]
        self.configure()

    def seed(self, app: App) -> None:
        self.box.seed(app, str(self.outputs["secret_arns"][app.name]), age=timedelta(days=10))
        self.box.amazon.subscribe(app.client_id, self.outputs["queue_url"])

    def preview(self) -> str:
        """Everything that a preview prints; it does not fail."""
        return self.box.stack.preview().text

    def refused(self) -> str:
        """Everything that an update prints which fails."""
        with pytest.raises(PulumiFailed) as caught:
            self.box.stack.up()
        return str(caught.value)

    def posts(self, app: App) -> int:
        calls = self.box.amazon.journal()
        return sum(call.client_id == app.client_id and call.path == ROTATE_PATH for call in calls)

    def calls(self, app: App) -> int:
        return sum(call.client_id == app.client_id for call in self.box.amazon.journal())

    def labels(self, app: App) -> set[str]:
        found = self.box.labels(str(self.outputs["secret_arns"][app.name]))
        return {label for labels in found.values() for label in labels}

    def in_use(self, app: App) -> bool:
        value = self.box.value(str(self.outputs["secret_arns"][app.name]))
        judged = self.box.amazon.judge(app.client_id, value["client_secret"])
        return judged is not None and judged.newest

    def alarm(self, name: str) -> str:
        found = self.box.aws.client("cloudwatch").describe_alarms(
            AlarmNames=[f"spapi-rotation/sandbox/rotation/{name}"]
        )
        return str(found["MetricAlarms"][0]["StateValue"])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("triggers") / "box"
    with Sandbox(folder, progress=print, hour_seconds=20, rate_period_seconds=1) as box:
        yield Scene(box)


def one_line(text: str, words: str) -> str:
    """The line that holds these words; there is no traceback."""
    assert "Traceback" not in text, text
    found = [line for line in text.splitlines() if words in line]
    assert found, text
    return found[0]


@pytest.mark.rule(id="UP-7")
def test_a_preview_says_what_is_declined_and_up_ends_with_that_in_one_line(scene: Scene) -> None:
    scene.configure({EMPTY.name: "first"})
    assert "declines this rotation" in one_line(scene.preview(), "empty: the secret holds no credentials yet.")
    told = one_line(scene.refused(), "empty: the secret holds no credentials yet.")
    assert "put-secret-value" in told and "leave it out if it had none" in told
    assert scene.labels(EMPTY) == set()
    scene.drop(EMPTY)
    scene.box.stack.up(unchanged=True)


@pytest.mark.rule(id="UP-1")
@pytest.mark.rule(id="UP-7")
def test_a_preview_says_what_rotates_writes_nothing_and_asks_nobody_at_amazon(scene: Scene) -> None:
    scene.seed(SHOP)
    until(lambda: "ROTATION_FIRST_SEEN" in scene.labels(SHOP))
    labels, calls = scene.labels(SHOP), scene.calls(SHOP)
    scene.configure({SHOP.name: "first"})
    assert "shop: `pulumi up` rotates the client secret now" in scene.preview()
    assert (scene.labels(SHOP), scene.calls(SHOP)) == (labels, calls)
    scene.box.stack.up()
    assert scene.posts(SHOP) == 1
    scene.box.stack.preview(unchanged=True)


@pytest.mark.rule(id="UP-5")
@pytest.mark.rule(id="UP-7")
def test_a_changed_trigger_within_seven_days_is_declined_beforehand_and_the_old_text_unblocks_the_stack(
    scene: Scene,
) -> None:
    scene.configure({SHOP.name: "second"})
    assert "shop: `pulumi up` declines this rotation" in one_line(scene.preview(), "forbids another one until 20")
    told = one_line(scene.refused(), "forbids another one until 20")
    assert "give rotate_on_up its old text again" in told
    assert scene.posts(SHOP) == 1
    scene.configure({SHOP.name: "first"})
    scene.box.stack.up(unchanged=True)


@pytest.mark.rule(id="UP-2")
@pytest.mark.rule(id="UP-7")
def test_a_setting_that_is_not_honoured_is_named_in_preview_and_up(scene: Scene) -> None:
    scene.seed(OUTLET)
    scene.configure({OUTLET.name: "first"}, **{"aws:allowedAccountIds": json.dumps([ACCOUNT])})
    assert "declines this rotation" in one_line(scene.preview(), "does not honour aws:allowedAccountIds")
    assert "Set `via` of the component to function" in one_line(scene.refused(), "aws:allowedAccountIds")
    assert scene.calls(OUTLET) == 0


@pytest.mark.rule(id="UP-6")
@pytest.mark.rule(id="UP-7")
def test_via_function_honours_it_posts_once_and_repeats_no_text_of_the_dynamic_resource(scene: Scene) -> None:
    scene.configure(via="function")
    said = scene.preview()
    for app in (SHOP, OUTLET):
        assert f"{app.name}: whether `pulumi up` rotates is unknown, because with via: function" in said
    scene.box.stack.up()
    assert (scene.posts(SHOP), scene.posts(OUTLET)) == (1, 1)
    scene.box.stack.preview(unchanged=True)
    scene.box.stack.refresh(unchanged=True)
    until(lambda: scene.in_use(OUTLET))
    results = [
        json.loads(each["outputs"]["result"])
        for each in json.loads(scene.box.stack.export())["deployment"]["resources"]
        if each["type"] == "aws:lambda/invocation:Invocation"
    ]
    assert sorted(each.keys() for each in results) == [{"detail", "requested_at"}] * 2
    assert sorted("already requested" in each["detail"] for each in results) == [False, True]


@pytest.mark.rule(id="UP-5")
@pytest.mark.rule(id="UP-6")
def test_what_the_function_declines_fails_the_update_uses_no_trigger_up_and_is_no_error_of_the_alarm(
    scene: Scene,
) -> None:
    until(lambda: scene.alarm("errors") == "OK")
    scene.configure({OUTLET.name: "second"})
    for _ in range(2):
        said = scene.refused()
        assert "errorType" in said  # its class, RotationDeclined on AWS, is lost in the emulator
        assert "forbids another one until 20" in said and "give rotate_on_up its old text again" in said
    assert scene.posts(OUTLET) == 1
    time.sleep(3)  # each alarm is judged every second
    assert scene.alarm("errors") == "OK"
    scene.box.aws.client("lambda").invoke(FunctionName=scene.outputs["function_name"], Payload=b"{}")
    until(lambda: scene.alarm("errors") == "ALARM")
    scene.configure({OUTLET.name: "first"})
    scene.box.stack.up(unchanged=True)


@pytest.mark.rule(id="UP-1")
def test_going_back_to_the_dynamic_resource_posts_nothing_and_adopting_another_secret_updates_no_trigger(
    scene: Scene,
) -> None:
    scene.configure(via=None, **{"aws:allowedAccountIds": None})
    assert "this text of rotate_on_up was requested before" in scene.preview()
    scene.box.stack.up()
    assert (scene.posts(SHOP), scene.posts(OUTLET)) == (1, 1)
    made = scene.box.aws.client("secretsmanager").create_secret(Name=f"kept-{uuid.uuid4()}", SecretString="{}")
    scene.kept, scene.apps = made["ARN"], [*scene.apps, KEPT]
    scene.configure()
    said = scene.box.stack.up().text
    assert "rotation-function " in said
    assert "RotateOnUp" not in said


PROGRAM = """
import json
import pulumi
import pulumi_aws as aws
from spapi_rotation import ClientSecretRotation

config = pulumi.Config()
keys = {"access_key": "test", "secret_key": "test", "region": config.require("region")}
provider = aws.Provider("own", **keys)
rotation = ClientSecretRotation(
    "elsewhere", config.require_object("args"), pulumi.ResourceOptions(providers=[provider])
)
pulumi.export("secret_arns", rotation.secret_arns)
pulumi.export("queue_url", rotation.queue_url)
"""


@pytest.mark.rule(id="UP-2")
@pytest.mark.rule(id="UP-6")
def test_an_explicit_provider_rotates_via_function_and_the_stacks_own_credentials_cannot(scene: Scene) -> None:
    box, app = scene.box, new_app("elsewhere")
    nobody = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nobody"}
    stack = Stack(
        box.folder / "explicit",
        engine=box.engine.bin,
        plugins=box.folder / "plugins",
        environment={**box.aws.environment(), **nobody},
        name="explicit",
    )
    (stack.project / "Pulumi.yaml").write_text("name: spapi-rotation\nruntime: python\n")
    (stack.project / "__main__.py").write_text(PROGRAM)
    stack.init()

    def configure(**more: Any) -> None:
        args = {key: value for key, value in box.config([app], **more).items() if not key.startswith("aws:")}
        stack.configure({"region": REGION, "args": args})

    configure()
    stack.up()
    outputs = stack.outputs()
    box.seed(app, outputs["secret_arns"][app.name], age=timedelta(days=10))
    box.amazon.subscribe(app.client_id, outputs["queue_url"])
    configure(applications={app.name: {"client_id": app.client_id, "rotate_on_up": "first"}})
    assert "elsewhere: whether `pulumi up` rotates is unknown, because elsewhere: AWS" in stack.preview().text
    with pytest.raises(PulumiFailed, match="check the stack's AWS credentials") as caught:
        stack.up()
    assert "Traceback" not in str(caught.value)
    configure(applications={app.name: {"client_id": app.client_id, "rotate_on_up": "first"}}, via="function")
    stack.up()
    assert scene.posts(app) == 1
    stack.destroy()
