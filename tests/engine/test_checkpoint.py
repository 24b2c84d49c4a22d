"""A stack that 0.1.0 or the last release deployed, previewed by the component at hand: nothing is lost."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.session import Sandbox
from tests.engine.checkpoint import ADOPTED, SHOP, Checkpoint

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.sample]

UNTOUCHED = {"same", "read", "refresh"}
HARMLESS = UNTOUCHED | {"update", "create"}

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
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """What a preview would do with each resource, by URN."""
    with Sandbox(tmp_path_factory.mktemp("checkpoint") / "box", progress=print) as box:
        Checkpoint.kept().put_into(box.stack)
        done = box.stack.run("preview", "--json", "--non-interactive", check=False)
        found: dict[str, list[str]] = {}
        told: dict[str, Any] = json.loads(done.text[done.text.index("{\n") :])
        assert done.code == 0, told.get("diagnostics")
        for step in told["steps"]:
            found.setdefault(step["urn"], []).append(step["op"])
        yield found


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


def test_nothing_is_replaced_or_deleted(steps: dict[str, list[str]]) -> None:
    lost = {urn: ops for urn, ops in steps.items() if not set(ops) <= HARMLESS}
    assert lost == {}


def test_what_holds_something_is_there_under_its_old_name(steps: dict[str, list[str]]) -> None:
    kept = [each["urn"] for each in deployed() if each["type"] in KEPT]
    assert {urn: steps.get(urn) for urn in kept if not set(steps.get(urn, ["gone"])) <= HARMLESS} == {}


def test_no_second_one_is_made_of_what_holds_something(steps: dict[str, list[str]]) -> None:
    made = [urn for urn, ops in steps.items() if "create" in ops and urn.split("::")[2].rpartition("$")[2] in KEPT]
    assert made == []


def test_no_rotation_is_asked_for(steps: dict[str, list[str]]) -> None:
    """An update of a trigger rotates only if its text has changed; the same text stays untouched altogether."""
    (trigger,) = [each["urn"] for each in deployed() if each["type"].endswith("RotateOnUp")]
    assert set(steps[trigger]) <= UNTOUCHED
