"""The guards: what they hold, and what is protected beside them."""

from typing import Any

import pulumi
import pytest

from spapi_rotation.component import TYPE_TOKEN
from tests.component.recorder import Registered, client_id, deploy_component

GUARDS = ("rotation-guard", "rotation-triggers-guard")
SUFFIX = client_id(1).rpartition(".")[2]
TRIGGERS = frozenset({f"rotation-rotate-{SUFFIX}"})
WITH_A_TRIGGER = {"a": {"client_id": client_id(1), "rotate_on_up": "1"}, "b": {"client_id": client_id(2)}}


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"applications": WITH_A_TRIGGER},
        {"alarms": False},
        {"alarm_topic_arn": "arn:aws:sns:us-east-1:123456789012:pager"},
        {"deletion_protection": False},
    ],
)
def test_one_guard_holds_everything_but_the_triggers(args: dict[str, Any]) -> None:
    recording = deploy_component(**args)
    names = {each.name for each in recording.resources if each.type != TYPE_TOKEN}
    assert recording.named("rotation-guard").dependencies == names - {*GUARDS} - TRIGGERS


def test_the_other_one_holds_the_triggers() -> None:
    recording = deploy_component(applications=WITH_A_TRIGGER)
    assert recording.named("rotation-triggers-guard").dependencies == TRIGGERS


def test_it_is_there_without_a_trigger_too() -> None:
    guard = deploy_component().named("rotation-triggers-guard")
    assert guard.dependencies == frozenset()
    assert guard.protect


def guards(**args: Any) -> list[Registered]:
    recording = deploy_component(**args)
    return [recording.named(name) for name in GUARDS]


def test_both_are_empty_and_protected() -> None:
    assert all(guard.protect and guard.inputs == {} for guard in guards())


def test_without_deletion_protection_they_are_there_and_hold_nothing_back() -> None:
    assert not any(guard.protect for guard in guards(deletion_protection=False))


def test_without_deletion_protection_the_components_own_protect_is_inherited() -> None:
    opts = pulumi.ResourceOptions(protect=True)
    assert all(guard.protect for guard in guards(deletion_protection=False, opts=opts))
