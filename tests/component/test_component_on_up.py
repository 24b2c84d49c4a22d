"""How the component declares a rotation during `pulumi up`."""

import json
from typing import Any

import pulumi
import pytest

from spapi_rotation import InvalidArgument, Via
from spapi_rotation_lambda.settings import Settings
from tests.component.recorder import ACCOUNT, REGION, client_id, deploy_component
from tests.component.test_component_resources import OF_EVERY_COMPONENT, SHARED, SUFFIX, of_application


def test_rotation_on_up_is_declared_for_applications_with_a_trigger() -> None:
    applications = {"a": {"client_id": client_id(1), "rotate_on_up": "2026-01"}, "b": {"client_id": client_id(2)}}
    recording = deploy_component(applications=applications, wait_seconds=0)
    rotation = f"rotation-rotate-{SUFFIX}"
    assert {each.name for each in recording.resources} == {
        *(SHARED | of_application(1) | of_application(2)),
        rotation,
    }
    inputs = recording.named(rotation).inputs
    assert recording.named(rotation).parent.endswith("::rotation")
    assert (inputs["application"], inputs["client_id"]) == ("a", client_id(1))
    assert (inputs["trigger"], inputs["wait_seconds"]) == ("2026-01", 0)
    assert inputs["secret_arn"] == recording.outputs["secret_arns"]["a"]
    assert set(inputs["settings"]) == OF_EVERY_COMPONENT | {"ADOPTED_SECRETS", "SECRET_KEYS"}


def test_rotation_on_up_is_a_dynamic_resource_that_waits_for_everything_it_needs() -> None:
    applications = {"a": {"client_id": client_id(1), "rotate_on_up": "2026-01"}}
    rotation = deploy_component(applications=applications).named(f"rotation-rotate-{SUFFIX}")
    assert rotation.type == "pulumi-python:dynamic/spapi-rotation:RotateOnUp"
    assert rotation.dependencies >= {
        "rotation-queue-policy",
        "rotation-key",
        "rotation-function",
        "rotation-function-source",
        "rotation-function-policy",
        f"rotation-secret-{SUFFIX}",
    }
    assert rotation.inputs["trigger"] == "2026-01"


@pytest.mark.rule(id="UP-6")
def test_via_function_the_function_is_invoked_with_client_id_and_trigger_alone() -> None:
    applications = {
        "a": {"client_id": client_id(1), "rotate_on_up": "2026-01"},
        "b": {"client_id": client_id(2)},
    }
    recording = deploy_component(applications=applications, via="function")
    assert not [each for each in recording.resources if "RotateOnUp" in each.type]
    (invoked,) = recording.of_type("aws:lambda/invocation:Invocation")
    assert invoked.name == f"rotation-rotate-{SUFFIX}"
    assert json.loads(invoked.inputs["input"]) == {
        "action": "rotate_on_up",
        "client_id": client_id(1),
        "trigger": "2026-01",
    }
    assert {name: value for name, value in invoked.inputs.items() if name != "input"} == {
        "functionName": "rotation-function-0000001",
        "lifecycleScope": "CREATE_ONLY",
    }
    assert invoked.dependencies >= {
        "rotation-queue-policy",
        "rotation-key",
        "rotation-function",
        "rotation-function-source",
        "rotation-function-policy",
    }


@pytest.mark.parametrize("via", ["dynamic", "function", *Via])
def test_via_may_be_a_text_or_a_member(via: Any) -> None:
    applications = {"a": {"client_id": client_id(1), "rotate_on_up": "2026-01"}}
    declared = deploy_component(applications=applications, via=via).named(f"rotation-rotate-{SUFFIX}").type
    assert ("Invocation" in declared) is (via == "function")


@pytest.mark.parametrize("via", ["", "Function", "lambda", 5, ["function"], {}])
def test_another_via_is_refused(via: object) -> None:
    with pytest.raises(InvalidArgument, match=r"^via is neither dynamic nor function\. What to do: "):
        deploy_component(via=via)


def test_via_cannot_wait_for_an_output() -> None:
    with pytest.raises(InvalidArgument, match="as a plain text"):
        deploy_component(via=pulumi.Output.from_input("function"))


def secret(number: int) -> dict[str, Any]:
    return {
        "client_id": client_id(number),
        "secret_arn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:theirs{number}-AbCdEf",
        "secret_keys": {"client_id": f"id{number}"},
    }


@pytest.mark.rule(id="UP-1")
def test_another_applications_secret_changes_nothing_about_a_trigger() -> None:
    own = {"client_id": client_id(1), "rotate_on_up": "2026-01"}
    for trigger in (own, own | secret(1)):
        alone, beside = (
            deploy_component(applications={"a": trigger, **others}).named(f"rotation-rotate-{SUFFIX}").inputs
            for others in ({}, {"b": secret(2), "c": secret(3)})
        )
        assert alone["settings"] == beside["settings"]
        settings = Settings.from_environment(alone["settings"])
        adopted = settings.applications.find(client_id(1))
        assert (adopted.keys.client_id == "id1") is ("secret_arn" in trigger)
    function = deploy_component(applications={"a": own, "b": secret(2)}).named("rotation-function")
    assert client_id(2) in function.inputs["environment"]["variables"]["ADOPTED_SECRETS"]
