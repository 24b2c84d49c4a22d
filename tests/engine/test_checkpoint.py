"""A stack that 0.1.0 or the last release deployed, previewed by the component at hand: nothing is lost."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.session import Sandbox
from tests.engine.checkpoint import ADOPTED, SHOP, Checkpoint

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.sample]

HARMLESS = {"same", "update", "create"}
"""What an update may do with a resource. A preview tells only of those with which it does something."""

KEPT = {
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:kms/key:Key",
    "aws:lambda/function:Function",
    "aws:scheduler/schedule:Schedule",
    "aws:secretsmanager/secret:Secret",
    "aws:sns/topic:Topic",
    "aws:sqs/queue:Queue",
    "pulumi-python:dynamic/spapi-rotation:RotateOnUp",
}
"""Types of which a stack has something to lose, or whose replacement asks Amazon for a new secret."""


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the component at hand would do to the deployed stack."""
    with Sandbox(tmp_path_factory.mktemp("checkpoint") / "box", progress=print) as box:
        Checkpoint.kept().put_into(box.stack)
        done = box.stack.run("preview", "--json", "--non-interactive", check=False)
        told: dict[str, Any] = json.loads(done.text[done.text.index("{\n") :])
        assert done.code == 0, told.get("diagnostics")
        yield told


def deployed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Checkpoint.kept().state["deployment"]["resources"]
    return found


def test_the_checkpoint_is_what_it_should_be() -> None:
    types = [each["type"] for each in deployed()]
    assert set(types) >= KEPT
    assert types.count("aws:secretsmanager/secret:Secret") == 1, "the other application is adopted"
    assert types.count("aws:scheduler/schedule:Schedule") == 2
    (trigger,) = [each for each in deployed() if each["type"].endswith("RotateOnUp")]
    assert trigger["outputs"]["client_id"] == SHOP.client_id
    assert trigger["outputs"]["promoted_at"], "it was rotated once"
    assert ADOPTED.name in Checkpoint.kept().config["applications"]
    assert any(each.get("protect") for each in deployed())


def test_nothing_is_replaced_or_deleted(preview: dict[str, Any]) -> None:
    assert {step["urn"]: step["op"] for step in preview["steps"] if step["op"] not in HARMLESS} == {}
    summary = preview["changeSummary"]
    assert set(summary) <= HARMLESS
    counted = [each for each in deployed() if not each["type"].startswith("pulumi:providers:")]
    assert summary["same"] + summary.get("update", 0) == len(counted), "each one of the state is looked at"


def test_nothing_is_made_a_second_time(preview: dict[str, Any]) -> None:
    """What has another name now would be made anew beside the old one, without what that holds."""
    made = [step["urn"] for step in preview["steps"] if step["op"] == "create"]
    assert [urn for urn in made if urn.split("::")[2].rpartition("$")[2] in KEPT] == []


def test_no_rotation_is_asked_for(preview: dict[str, Any]) -> None:
    """A trigger rotates when it is made, and when its text changes; other settings of it may change."""
    (trigger,) = [each["urn"] for each in deployed() if each["type"].endswith("RotateOnUp")]
    for step in preview["steps"]:
        if step["urn"] == trigger:
            assert step["op"] == "update"
            assert step["newState"]["inputs"]["trigger"] == step["oldState"]["inputs"]["trigger"]
