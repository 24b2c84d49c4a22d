"""After a rotation and after each operator action Pulumi finds nothing to do: neither `refresh` nor `preview`.

One stack; the tests follow one another. What moves while secrets rotate (labels, versions, messages) is no property of
a resource.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.amazon.faults import AcceptLate
from sandbox.session import Sandbox, new_app
from sandbox.stack import PulumiFailed
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.times import format_time
from tests.cli.test_cli_traces import WORDS
from tests.engine.fault_scenarios.runs import of_a_stranger
from tests.engine.operating import Operator
from tests.engine.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP, LATE, UP = new_app("shop"), new_app("late"), new_app("up")
LOOKING = {"consumers", "status", "doctor", "history", "register", "dead-letters"}


class Scene:
    """The stack and its operator."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.operator = box, Operator(box)
        self.outputs = self.operator.outputs

    def nothing_to_do(self) -> None:
        self.box.stack.refresh(unchanged=True)
        self.box.stack.preview(unchanged=True)

    def labels(self, app: str) -> set[str]:
        """Every label of an application's secret."""
        versions = self.box.labels(str(self.outputs["secret_arns"][app]))
        return {label for labels in versions.values() for label in labels}

    def secret(self, app: str) -> str:
        """The client secret in use."""
        return str(self.box.value(str(self.outputs["secret_arns"][app]))["client_secret"])

    def dead_letter(self) -> str:
        """Put a message into the dead-letter queue; its id."""
        sqs = self.box.aws.client("sqs")
        sent = sqs.send_message(QueueUrl=self.outputs["dead_letter_queue_url"], MessageBody="nothing of Amazon's")
        return str(sent["MessageId"])

    def visible(self, output: str) -> bool:
        """Whether a message lies in a queue and can be received."""
        counted = "ApproximateNumberOfMessages"
        sqs = self.box.aws.client("sqs")
        found = sqs.get_queue_attributes(QueueUrl=self.outputs[output], AttributeNames=[counted])["Attributes"]
        return int(found[counted]) > 0


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("quiet") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        box.stack.configure(box.config([SHOP, LATE, UP]))
        box.stack.up()
        yield Scene(box)


def test_after_the_first_up(scene: Scene) -> None:
    scene.nothing_to_do()


def test_refresh_reads_aws(scene: Scene) -> None:
    """The control: what somebody changes is found, and is put back."""
    logs = scene.box.aws.client("logs")
    logs.put_retention_policy(logGroupName=scene.outputs["log_group_name"], retentionInDays=7)
    with pytest.raises(PulumiFailed):
        scene.nothing_to_do()
    logs.put_retention_policy(logGroupName=scene.outputs["log_group_name"], retentionInDays=365)
    scene.box.stack.refresh()
    scene.nothing_to_do()


def test_after_a_seed(scene: Scene) -> None:
    issued = datetime.now(UTC) - timedelta(days=10)
    made = scene.box.amazon.register(SHOP.client_id, issued_at=issued)
    words = ("seed", SHOP.name, "--from-stdin", "--issued-at", format_time(issued), "--yes")
    scene.operator.run(*words, stdin=f"{made.client_secret}\n")
    assert scene.secret(SHOP.name) == made.client_secret
    scene.nothing_to_do()


def test_after_a_rotation(scene: Scene) -> None:
    before = scene.secret(SHOP.name)
    scene.box.amazon.subscribe(SHOP.client_id, scene.outputs["queue_url"])
    scene.operator.run("rotate", SHOP.name, "--yes", "--timeout", "120")
    assert scene.secret(SHOP.name) != before
    scene.nothing_to_do()


@pytest.mark.parametrize("word", ["rollback", "promote", "check"])
def test_after_a_decision(scene: Scene, word: str) -> None:
    before = scene.secret(SHOP.name)
    scene.operator.run(word, SHOP.name, *(() if word == "check" else ("--yes",)))
    assert (scene.secret(SHOP.name) == before) is (word == "check")
    scene.nothing_to_do()


def test_while_a_secret_is_pending_and_after_it_is_rejected(scene: Scene) -> None:
    scene.box.seed(LATE, str(scene.outputs["secret_arns"][LATE.name]), age=timedelta(days=10))
    scene.box.amazon.subscribe(LATE.client_id, scene.outputs["queue_url"])
    scene.box.amazon.misbehave(LATE.client_id, AcceptLate(spapi_seconds=timedelta(days=1).total_seconds()))
    scene.operator.run("rotate", LATE.name, "--yes", "--no-wait")
    until(lambda: Label.PENDING.value in scene.labels(LATE.name))
    scene.nothing_to_do()
    scene.operator.run("reject", LATE.name, "--yes")
    assert Label.REJECTED.value in scene.labels(LATE.name)
    scene.nothing_to_do()


def test_after_dead_letters_are_handled_again_and_discarded(scene: Scene) -> None:
    sent = scene.dead_letter()
    scene.operator.run("redrive", "--yes", code=None)
    scene.nothing_to_do()
    until(lambda: scene.visible("dead_letter_queue_url"))
    scene.operator.run("discard", sent, "--yes")
    scene.nothing_to_do()


def test_after_a_message_of_a_stranger(scene: Scene) -> None:
    sqs = scene.box.aws.client("sqs")
    sqs.send_message(QueueUrl=scene.outputs["queue_url"], MessageBody=of_a_stranger("canary-stranger"))
    until(lambda: scene.visible("unclaimed_queue_url"))
    scene.nothing_to_do()


def test_after_looking(scene: Scene, tmp_path: Path) -> None:
    for word in sorted(LOOKING):
        scene.operator.run(word, code=None)
    scene.operator.run("report", "--html", str(tmp_path / "report.html"))
    scene.nothing_to_do()


def test_after_a_rotation_by_up(scene: Scene) -> None:
    scene.box.seed(UP, str(scene.outputs["secret_arns"][UP.name]), age=timedelta(days=10))
    before = scene.secret(UP.name)
    scene.box.amazon.subscribe(UP.client_id, scene.outputs["queue_url"])
    scene.box.stack.configure(scene.box.config([SHOP, LATE, UP], {UP.name: "first"}))
    scene.box.stack.up()
    assert scene.secret(UP.name) != before
    scene.nothing_to_do()


def test_every_subcommand_was_typed(scene: Scene) -> None:
    assert scene.operator.typed == set(WORDS)
