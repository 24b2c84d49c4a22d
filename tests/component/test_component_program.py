"""The program: its typed configuration agrees with the component's arguments, and it exports every output."""

import json
import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from docs.tools import settings as project_file
from spapi_rotation.args import ClientSecretRotationArgs
from spapi_rotation.component import OUTPUTS
from spapi_rotation.validation.arguments import DEFAULTS
from spapi_rotation_lambda.domain.errors import BadSettings
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Recording, client_id, deploy

ROOT = Path(__file__).parents[2]


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return document


def run(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> tuple[Recording, dict[str, Any]]:
    """Run ``__main__.py`` with the defaults of Pulumi.yaml, as the engine passes them on."""
    defaults = {name: each["default"] for name, each in read("Pulumi.yaml")["config"].items() if "default" in each}
    config = {
        f"{PROJECT}:{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in {**defaults, **settings}.items()
    }
    exports: dict[str, Any] = {}
    monkeypatch.setattr(pulumi, "export", exports.__setitem__)

    def program() -> None:
        pulumi.runtime.set_all_config(config)
        runpy.run_path(str(ROOT / "__main__.py"))

    try:
        return deploy(program), exports
    finally:
        pulumi.runtime.set_all_config({})


def test_configuration_has_every_argument_described_and_with_the_components_default() -> None:
    config = read("Pulumi.yaml")["config"]
    assert set(config) == set(ClientSecretRotationArgs.__annotations__)
    assert all(each["description"] for each in config.values())
    expected = {
        **DEFAULTS,
        "identity": "",
        "secret_prefix": "",
        "rotation_window": {},
        "alarm_topic_arn": "",
        "event_bus_arn": "",
        "restart": {},
        "readers": [],
        "replica_regions": {},
        "roles": {},
        "network": {},
        "keys": {},
        "queue": {},
        "tags": {},
    }
    assert {name: each["default"] for name, each in config.items() if "default" in each} == expected


def test_the_configuration_is_made_from_the_arguments() -> None:
    text = project_file.FILE.read_text()
    assert project_file.with_configuration(text) == text, "run: make docs"


def test_what_stands_above_the_configuration_stays() -> None:
    made = project_file.with_configuration("name: mine\nruntime:\n  name: python\nconfig:\n  old:\n    type: string\n")
    assert made.startswith("name: mine\nruntime:\n  name: python\nconfig:\n")
    assert "old:" not in made


def test_the_parts_of_an_object_are_named() -> None:
    config = read("Pulumi.yaml")["config"]
    assert "Parts of each: client_id, rotate_on_up (optional), " in config["applications"]["description"]
    assert "Parts: start, end, days (optional), time_zone (optional)." in config["rotation_window"]["description"]


def test_types_of_the_configuration() -> None:
    words = {str: "string", int: "integer", bool: "boolean", dict: "object", list: "array"}
    for name, each in read("Pulumi.yaml")["config"].items():
        if "default" in each:
            assert each["type"] == words[type(each["default"])], name


def test_exports_every_output(monkeypatch: pytest.MonkeyPatch) -> None:
    recording, exports = run(monkeypatch, applications={"a": {"client_id": client_id(1)}})
    assert set(exports) == set(OUTPUTS)
    assert recording.named("rotation")


def test_every_setting_reaches_the_component(monkeypatch: pytest.MonkeyPatch) -> None:
    recording, _ = run(
        monkeypatch,
        applications={"a": {"client_id": client_id(1), "rotate_on_up": "1"}},
        identity="shop/eu",
        secret_prefix="shop",
        spapi_endpoint="FE",
        lwa_endpoint="https://login.example/token",
        rotate_every_days=10,
        check_interval_hours=11,
        promote_delay_minutes=12,
        verification="lwa",
        wait_seconds=13,
        deletion_protection=False,
        secret_recovery_window_days=14,
        key_deletion_window_days=15,
        log_retention_days=30,
        rotation_window={"start": "01:00", "end": "02:00"},
        paused=True,
        alarm_topic_arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:pager",
        expiry_alarm_days=16,
        runbook_url="https://wiki.example/runbook",
        dashboard=True,
        event_bus_arn=f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/shop",
        tags={"team": "shop"},
    )
    variables = recording.named("rotation-function").inputs["environment"]["variables"]
    assert variables["COMPONENT"] == "shop/eu"
    assert variables["SECRET_PREFIX"] == "shop"
    assert variables["SPAPI_ENDPOINT"] == "https://sellingpartnerapi-fe.amazon.com"
    assert variables["LWA_ENDPOINT"] == "https://login.example/token"
    assert (variables["ROTATE_EVERY_DAYS"], variables["PROMOTE_DELAY_MINUTES"]) == ("10", "12")
    assert variables["VERIFICATION"] == "lwa"
    assert variables["EVENT_BUS"] == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/shop"
    assert variables["EXPIRY_ALARM_DAYS"] == "16"
    (schedule,) = recording.of_type("aws:scheduler/schedule:Schedule")
    assert schedule.inputs["scheduleExpression"] == "rate(11 hours)"
    (secret,) = recording.of_type("aws:secretsmanager/secret:Secret")
    assert secret.inputs["recoveryWindowInDays"] == 14
    assert secret.inputs["tags"]["team"] == "shop"
    assert recording.named("rotation-key").inputs["deletionWindowInDays"] == 15
    assert recording.named("rotation-log").inputs["retentionInDays"] == 30
    assert not any(each.protect for each in recording.resources)
    assert '"start":"01:00"' in variables["ROTATION_WINDOW"]
    assert variables["PAUSED"] == "true"
    expiry = recording.named("rotation-alarm-days-to-expiry").inputs
    assert expiry["threshold"] == 16
    assert expiry["alarmDescription"].endswith(" Runbook: https://wiki.example/runbook#days-to-expiry")
    assert len(recording.of_type("aws:cloudwatch/dashboard:Dashboard")) == 1
    assert expiry["alarmActions"] == [f"arn:aws:sns:{REGION}:{ACCOUNT}:pager"]
    (rotation,) = recording.of_type("pulumi-python:dynamic/spapi-rotation:RotateOnUp")
    assert rotation.inputs["wait_seconds"] == 13


def test_an_empty_prefix_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    recording, _ = run(monkeypatch, applications={"a": {"client_id": client_id(1)}})
    variables = recording.named("rotation-function").inputs["environment"]["variables"]
    assert variables["SECRET_PREFIX"] == f"{PROJECT}/{STACK}/rotation"


def test_empty_settings_mean_no_window_and_a_topic_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    recording, exports = run(monkeypatch, applications={"a": {"client_id": client_id(1)}})
    assert "ROTATION_WINDOW" not in recording.named("rotation-function").inputs["environment"]["variables"]
    assert recording.named("rotation-alarm-topic")
    assert "alarm_topic_arn" in exports


def test_alarms_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    recording, _ = run(monkeypatch, applications={"a": {"client_id": client_id(1)}}, alarms=False)
    assert not recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")


def test_a_bad_setting_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSettings, match="verification"):
        run(monkeypatch, applications={"a": {"client_id": client_id(1)}}, verification="maybe")


def test_example_stack_holds_no_secret_and_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    example = read("Pulumi.example.yaml")
    assert set(example) == {"config"}, "an encryption salt or a secrets provider belongs to one user only"
    project = read("Pulumi.yaml")["name"]
    settings = {
        key.removeprefix(f"{project}:"): value
        for key, value in example["config"].items()
        if key.startswith(f"{project}:")
    }
    recording, _ = run(monkeypatch, **settings)
    assert len(recording.of_type("aws:secretsmanager/secret:Secret")) == len(settings["applications"])
    assert "secure:" not in (ROOT / "Pulumi.example.yaml").read_text()


def test_program_is_short() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 40
