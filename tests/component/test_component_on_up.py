"""How the component declares a rotation during `pulumi up`."""

from typing import Any

import pulumi

from spapi_rotation import ClientSecretRotation, Via
from tests.component.recorder import client_id, deploy, deploy_component
from tests.component.test_component_resources import OF_EVERY_COMPONENT, SHARED, SUFFIX, of_application


class Recorded(ClientSecretRotation):
    """Overrides the one method that declares the rotation during `up`."""

    calls: list[dict[str, Any]] = []  # noqa: RUF012

    def _rotate_on_up(self, resource_name: str, **given: Any) -> pulumi.Resource:
        self.calls.append({"resource_name": resource_name, **given})
        return self


def test_rotation_on_up_is_declared_in_one_method_for_applications_with_a_trigger() -> None:
    Recorded.calls.clear()
    applications: Any = {
        "a": {"client_id": client_id(1), "rotate_on_up": "2026-01"},
        "b": {"client_id": client_id(2)},
    }
    recording = deploy(lambda: Recorded("rotation", {"applications": applications, "wait_seconds": 0}))
    assert {each.name for each in recording.resources} == set(SHARED | of_application(1) | of_application(2))
    (call,) = Recorded.calls
    opts = call.pop("opts")
    assert {type(each).__name__ for each in opts.depends_on} == {
        "Key",
        "QueuePolicy",
        "Function",
        "RolePolicy",
        "EventSourceMapping",
    }
    assert isinstance(opts.parent, Recorded)
    assert (call["resource_name"], call["application"], call["client_id"]) == (
        f"rotation-rotate-{SUFFIX}",
        "a",
        client_id(1),
    )
    assert (call["trigger"], call["wait_seconds"]) == ("2026-01", 0)
    assert call["via"] is Via.DYNAMIC
    assert set(call["settings"]) == OF_EVERY_COMPONENT | {"ADOPTED_SECRETS"}


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
