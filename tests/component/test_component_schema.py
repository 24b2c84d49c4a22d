"""The package's schema: what programs in other languages see. A change of it is a change of the public interface."""

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi.provider.experimental.component import ComponentProvider

from spapi_rotation import ClientSecretRotation
from spapi_rotation.args import PARTS, ClientSecretRotationArgs
from tests.component.recorder import ACCOUNT, REGION, client_id, deploy

GOLDEN = Path(__file__).parents[1] / "data" / "schema.json"
COMPONENT = "spapi-rotation:index:ClientSecretRotation"


def schema() -> dict[str, Any]:
    provider = ComponentProvider([ClientSecretRotation], "spapi-rotation", None, "0.0.0")
    document: dict[str, Any] = json.loads(str(provider.schema))
    return document


def test_schema_is_the_recorded_one() -> None:
    """After a deliberate change: `python -m tests.component.test_component_schema` writes the record anew."""
    assert schema() == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_everything_is_described_in_one_line() -> None:
    found = schema()
    component = found["resources"][COMPONENT]
    described = [component, *component["inputProperties"].values(), *component["properties"].values()]
    for each in found["types"].values():
        described += [each, *each.get("properties", {}).values(), *each.get("enum", ())]
    assert all(each["description"].strip() for each in described)
    assert not any("\n" in each["description"] for each in described)


def test_only_what_shapes_the_resources_must_be_plain_and_the_window_as_a_whole() -> None:
    inputs = schema()["resources"][COMPONENT]["inputProperties"]
    assert {name for name, each in inputs.items() if each.get("plain")} == {
        "alarms",
        "applications",
        "dashboard",
        "deletionProtection",
        "identity",
        "keys",
        "network",
        "queue",
        "restart",
        "roles",
        "rotationWindow",
        "runbookUrl",
        "via",
    }


@pytest.mark.parametrize("arguments", [*PARTS.values(), ClientSecretRotationArgs])
def test_every_argument_is_in_the_schema(arguments: type) -> None:
    found = json.dumps(schema())
    for name in arguments.__annotations__:
        head, *tail = name.split("_")
        assert f'"{head}{"".join(part.title() for part in tail)}"' in found


def test_a_program_in_another_language_reaches_every_part_of_the_arguments() -> None:
    provider = ComponentProvider([ClientSecretRotation], "spapi-rotation", None, "0.0.0")
    inputs: dict[str, Any] = {
        "applications": {
            "shop": {
                "clientId": client_id(1),
                "secretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop-AbC123",
                "secretKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
                "secretKeys": {"issued_at": "since"},
            }
        },
        "rotationWindow": {"start": "22:00", "end": "04:00", "days": ["MON"], "timeZone": "Europe/Berlin"},
        "restart": {
            "orders": {
                "serviceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/cluster/orders",
                "applications": ["shop"],
            }
        },
        "expiryAlarmDays": 30.0,
        "alarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:pager",
    }
    recording = deploy(lambda: provider.construct("rotation", COMPONENT, inputs))
    variables = recording.named("rotation-function").inputs["environment"]["variables"]
    assert json.loads(variables["ROTATION_WINDOW"])["time_zone"] == "Europe/Berlin"
    (rule,) = recording.of_type("aws:cloudwatch/eventRule:EventRule")
    assert rule.policy("eventPattern")["detail"] == {"client_id": [client_id(1)]}
    assert json.loads(variables["ADOPTED_SECRETS"])[client_id(1)]["keys"] == {"issued_at": "since"}
    assert recording.named("rotation-alarm-days-to-expiry").inputs["threshold"] == 30
    assert recording.outputs["alarm_topic_arn"] == inputs["alarmTopicArn"]


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8", newline="\n")
