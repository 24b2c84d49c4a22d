"""A whole rotation on the real Pulumi engine: one stack, whose tests follow one another."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.amazon.contract import ROTATE_PATH
from sandbox.amazon.faults import Delay
from sandbox.processes import descendants
from sandbox.session import App, Sandbox, new_app
from sandbox.stack import PulumiFailed
from spapi_rotation_lambda.domain.sender_policy import AMAZON_ACCOUNT
from tests.engine.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.sample]

SHOP, OLD, EMPTY = new_app("shop"), new_app("old"), new_app("empty")
APPS = [SHOP, OLD, EMPTY]


class Scene:
    """The deployed stack with what the tests need to know of it."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        box.stack.configure(box.config(APPS))
        box.stack.up()
        self.outputs = box.stack.outputs()
        self.triggers: dict[str, str] = {}
        self.seeds: dict[App, dict[str, str]] = {}

    def arn(self, app: App) -> str:
        return str(self.outputs["secret_arns"][app.name])

    def seed(self, app: App, days: int) -> None:
        self.seeds[app] = self.box.seed(app, self.arn(app), age=timedelta(days=days))
        self.box.amazon.subscribe(app.client_id, self.outputs["queue_url"])

    def trigger(self, app: App, text: str | None) -> None:
        self.triggers = {**self.triggers, app.name: text} if text else {}
        self.box.stack.configure(self.box.config(APPS, self.triggers))

    def posts(self, app: App) -> int:
        calls = self.box.amazon.journal()
        return sum(call.client_id == app.client_id and call.path == ROTATE_PATH for call in calls)

    def in_use(self, app: App) -> bool:
        """Whether AWSCURRENT is the newest secret that Amazon made, and Amazon accepts it."""
        judged = self.box.amazon.judge(app.client_id, self.box.value(self.arn(app))["client_secret"])
        return judged is not None and judged.newest and judged.accepted_by_spapi


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("e2e") / "box"
    with Sandbox(folder, progress=print, hour_seconds=20, rate_period_seconds=1) as box:
        scene = Scene(box)
        scene.seed(SHOP, 10)
        yield scene
        box.stack.configure(box.config(APPS))
        box.stack.destroy()
        assert box.aws.client("sqs").list_queues().get("QueueUrls", []) == []


def test_preview_of_a_rotation_calls_nobody(scene: Scene) -> None:
    scene.trigger(SHOP, "first")
    scene.box.stack.preview()
    assert scene.posts(SHOP) == 0


def test_up_with_a_trigger_rotates_and_keeps_the_owners_keys(scene: Scene) -> None:
    run = scene.box.stack.up()
    assert scene.posts(SHOP) == 1
    assert scene.in_use(SHOP)
    value = scene.box.value(scene.arn(SHOP))
    assert value["client_secret"] != scene.seeds[SHOP]["client_secret"]
    assert value["owner_note"] == scene.seeds[SHOP]["owner_note"]
    assert f"{SHOP.name}: requested at" in run.text
    until(lambda: "AWSPENDING" not in str(scene.box.labels(scene.arn(SHOP))))


def test_the_same_trigger_changes_nothing(scene: Scene) -> None:
    scene.box.stack.up(unchanged=True)
    scene.box.stack.preview(unchanged=True)
    assert scene.posts(SHOP) == 1


def test_a_new_trigger_within_seven_days_says_until_when(scene: Scene) -> None:
    scene.trigger(SHOP, "second")
    with pytest.raises(PulumiFailed, match="forbids another one until"):
        scene.box.stack.up()
    assert scene.posts(SHOP) == 1
    scene.trigger(SHOP, "first")
    scene.box.stack.up(unchanged=True)


def test_an_unseeded_application_says_how_to_seed(scene: Scene) -> None:
    scene.trigger(EMPTY, "first")
    with pytest.raises(PulumiFailed, match="put-secret-value"):
        scene.box.stack.up()
    assert scene.box.labels(scene.arn(EMPTY)) == {}


def test_an_up_killed_after_the_post_does_not_post_again(scene: Scene) -> None:
    scene.seed(EMPTY, 10)
    scene.box.amazon.misbehave(EMPTY.client_id, Delay(seconds=15))
    with scene.box.stack.start("up", "--yes", "--skip-preview", "--non-interactive") as process:
        until(lambda: scene.posts(EMPTY) == 1)
        for pid in (process.pid, *descendants(process.pid)):
            os.kill(pid, signal.SIGKILL)
    scene.box.stack.run("cancel", "--yes")
    run = scene.box.stack.up()
    assert "not requested again" in run.text
    assert scene.posts(EMPTY) == 1
    assert scene.in_use(EMPTY)
    scene.box.stack.preview(unchanged=True)


def test_the_schedule_rotates_an_old_secret_by_itself(scene: Scene) -> None:
    scene.seed(OLD, 61)
    until(lambda: scene.posts(OLD) == 1 and scene.in_use(OLD))
    until(lambda: "AWSPENDING" not in str(scene.box.labels(scene.arn(OLD))))
    records = [vid for vid, labels in scene.box.labels(scene.arn(OLD)).items() if "ROTATION_REQUEST" in labels]
    assert len(records) == 1


def test_without_amazons_statement_nothing_is_delivered_and_the_preflight_says_which(scene: Scene) -> None:
    sqs = scene.box.aws.client("sqs")
    url = scene.outputs["queue_url"]
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    without = [statement for statement in policy["Statement"] if AMAZON_ACCOUNT not in str(statement["Principal"])]
    assert len(without) == len(policy["Statement"]) - 1
    app = new_app("late")
    scene.box.stack.configure(scene.box.config([*APPS, app], scene.triggers))
    scene.box.stack.up()
    arn = scene.box.stack.outputs()["secret_arns"][app.name]
    scene.box.seed(app, arn, age=timedelta(days=10))
    scene.box.amazon.subscribe(app.client_id, url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy | {"Statement": without})})
    try:
        scene.box.stack.configure(scene.box.config([*APPS, app], {**scene.triggers, app.name: "first"}))
        with pytest.raises(PulumiFailed, match="AllowAmazonToSend"):
            scene.box.stack.up()
        assert scene.posts(app) == 0
        scene.box.amazon.rotate_by_hand(app.client_id)
        until(lambda: len(scene.box.amazon.delivery_failures()) > 0)
        assert {failure.error_code for failure in scene.box.amazon.delivery_failures()} == {"AccessDenied"}
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})


def test_no_secret_or_token_is_in_state_outputs_or_logs(scene: Scene) -> None:
    control = scene.box.search_secrets({"Secrets Manager": str(scene.box.value(scene.arn(SHOP)))})
    assert control, "the search finds nothing even where a secret is"
    texts = scene.box.evidence()
    assert any("rotation_requested" in str(text) for text in texts.values())
    assert scene.box.search_secrets(texts) == []
