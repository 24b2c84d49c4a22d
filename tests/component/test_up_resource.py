"""The dynamic resource as the engine gets it."""

import base64
from typing import Any

import dill  # type: ignore[import-untyped]
import pulumi
import pytest

from spapi_rotation.rotate_on_up import RotateOnUp, RotateOnUpProvider, hook
from tests.component.recorder import deploy

INPUTS: dict[str, Any] = {
    "application": "shop",
    "client_id": "client",
    "secret_arn": "arn",
    "trigger": "one",
    "settings": {"QUEUE_URL": "queue"},
    "wait_seconds": 7,
}


@pytest.mark.rule(id="UP-1")
def test_its_inputs_are_those_that_the_provider_compares_and_the_times() -> None:
    made: list[RotateOnUp] = []

    def program() -> None:
        parent = pulumi.ComponentResource("a:b:C", "parent")
        made.append(RotateOnUp("rotation-rotate", **INPUTS, opts=pulumi.ResourceOptions(parent=parent)))

    declared = deploy(program).named("rotation-rotate")
    assert declared.type == "pulumi-python:dynamic/spapi-rotation:RotateOnUp"
    given = dict(declared.inputs)
    provider = base64.b64decode(given.pop("__provider")["value"])
    assert type(dill.loads(provider)) is RotateOnUpProvider  # noqa: S301  (it was just made)
    assert given == INPUTS
    assert declared.parent.endswith("::parent")
    assert declared.hooks == ("rotation-rotate-verdict",)
    assert isinstance(made[0].requested_at, pulumi.Output)
    assert isinstance(made[0].promoted_at, pulumi.Output)


@pytest.mark.rule(id="UP-2")
def test_its_hook_acts_with_the_stacks_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def note(name: str, aws: Any) -> pulumi.ResourceOptions:
        given.append((name, dict(aws)))
        return hook.before_hooks(name, aws)

    monkeypatch.setattr("spapi_rotation.rotate_on_up.get_config", {"aws:profile": "ops"}.get)
    monkeypatch.setattr("spapi_rotation.rotate_on_up.before_hooks", note)
    deploy(lambda: RotateOnUp("rotation-rotate", **INPUTS))
    assert given == [("rotation-rotate", {"profile": "ops"})]
