"""Names: what Pulumi can name by itself has none from us, and the others come from the identity, unchanged."""

import re
from typing import Any

import pulumi
import pytest

from spapi_rotation import ClientSecretRotation
from spapi_rotation.resources.alarm_catalog import ALARM_CATALOG
from tests.component.recorder import PROJECT, STACK, Recording, client_id, deploy, deploy_component

APPLICATIONS = {"a": {"client_id": client_id(1), "rotate_on_up": "1"}, "b": {"client_id": client_id(2)}}
ALARM, SECRET, LOG_GROUP, SCHEDULE = (
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:secretsmanager/secret:Secret",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:scheduler/schedule:Schedule",
)
PUNCTUATION = ("shop.eu", "shop-eu", "shop_eu", "shop/eu", "shop--eu", "shop-eu-", "Shop-eu", "shop/e-u")


def given_names(recording: Recording) -> dict[str, str]:
    """The given physical name of each resource that has one, by its logical name."""
    named = ("name", "namePrefix", "dashboardName", "bucket")
    return {each.name: str(each.inputs[key]) for each in recording.resources for key in named if key in each.inputs}


def test_nothing_has_a_given_name_but_what_something_must_know_beforehand() -> None:
    recording = deploy_component(applications=APPLICATIONS)
    given = given_names(recording)
    assert {each.type for each in recording.resources if each.name in given} == {ALARM, SECRET, LOG_GROUP, SCHEDULE}


def test_given_names_come_from_the_identity() -> None:
    given = given_names(deploy_component(applications={"a": {"client_id": client_id(1)}}, identity="shop/eu"))
    suffix = client_id(1).rpartition(".")[2]
    assert given == {
        "rotation-log": "/aws/lambda/shop/eu",
        f"rotation-secret-{suffix}": f"shop/eu/{client_id(1)}",
        # In a group whose name is generated.
        f"rotation-schedule-{suffix}": suffix,
        **{f"rotation-alarm-{each.name}": f"shop/eu/{each.name}" for each in ALARM_CATALOG},
    }


def test_a_schedule_lives_in_a_group_with_a_generated_name() -> None:
    recording = deploy_component()
    (schedule,) = recording.of_type(SCHEDULE)
    assert schedule.inputs["groupName"] == "rotation-schedules-0000001"
    assert "name" not in recording.named("rotation-schedules").inputs


def test_everything_with_a_given_name_waits_for_the_log_group() -> None:
    recording = deploy_component(applications=APPLICATIONS)
    behind = {each.name: each.dependencies for each in recording.resources}

    def waits(name: str) -> bool:
        return "rotation-log" in behind[name] or any(waits(other) for other in behind[name])

    assert {name for name in given_names(recording) if not waits(name)} == {"rotation-log"}
    assert not behind["rotation-log"] & set(given_names(recording))


def test_identities_that_differ_in_punctuation_only_share_no_name() -> None:
    seen: list[str] = []
    for identity in PUNCTUATION:
        recording = deploy_component(identity=identity)
        names = [name for logical, name in given_names(recording).items() if "-schedule-" not in logical]
        services = recording.named("rotation-function").inputs["environment"]["variables"]["COMPONENT"]
        seen += [*names, services]
    assert len(seen) == len(set(seen))


def test_names_have_only_what_aws_allows_in_them_and_fit_the_longest_identity() -> None:
    longest = "a.-_/" * 39 + "zz.AZ"
    assert len(longest) == 200
    given = given_names(deploy_component(identity=longest))
    assert all(len(name) <= 255 for logical, name in given.items() if "-alarm-" in logical)
    assert re.fullmatch(r"[.\-_/#A-Za-z0-9]{1,512}", given["rotation-log"])
    (secret,) = [name for logical, name in given.items() if "-secret-" in logical]
    assert re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", secret)


def declared(name: str = "rotation", *, stack: str = STACK, identity: str | None) -> dict[str, dict[str, Any]]:
    """The inputs of each resource, by what follows the component's name."""
    args: Any = {"applications": APPLICATIONS, "identity": identity}

    def program() -> None:
        ClientSecretRotation(name, args)

    found = deploy(program, stack=stack).resources
    assert all(each.name.startswith(name) for each in found)
    return {
        each.name.removeprefix(name): {
            key: repr(value).replace(f"{name}-", "rotation-")
            for key, value in each.inputs.items()
            if not isinstance(value, pulumi.Archive)
        }
        for each in found
    }


@pytest.mark.parametrize("renamed", [{"stack": "other"}, {"name": "sp-api"}])
def test_with_its_identity_kept_a_renamed_component_asks_for_the_same(renamed: dict[str, str]) -> None:
    kept = f"{PROJECT}/{STACK}/rotation"
    before = declared(identity=None)
    assert declared(**renamed, identity=kept) == before
    assert declared(**renamed, identity=None) != before
