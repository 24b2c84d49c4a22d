"""The component as programs in other languages reach it: their names go in, and come back in what they are told."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from spapi_rotation.packaged import server
from spapi_rotation.packaged.naming import in_camel_case
from spapi_rotation.packaged.provider import PackagedComponent
from spapi_rotation.packaged.server import told
from tests.component.recorder import ACCOUNT, REGION, Recording, client_id, deploy

COMPONENT = "spapi-rotation:index:ClientSecretRotation"
ROOT = Path(__file__).parents[2]


def constructed(inputs: dict[str, Any]) -> Recording:
    """What a component of these inputs declares."""
    provider = PackagedComponent()
    return deploy(lambda: provider.construct("rotation", COMPONENT, inputs))


def refusal(**inputs: Any) -> str:
    """What is told of a component that cannot be made."""
    with pytest.raises(Exception) as refused:
        constructed({"applications": {"shop": {"clientId": client_id(1)}}, **inputs})
    return told(refused.value)


def test_a_program_in_another_language_reaches_every_part_of_the_arguments() -> None:
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
    recording = constructed(inputs)
    variables = recording.named("rotation-function").inputs["environment"]["variables"]
    assert json.loads(variables["ROTATION_WINDOW"])["time_zone"] == "Europe/Berlin"
    (rule,) = recording.of_type("aws:cloudwatch/eventRule:EventRule")
    assert rule.policy("eventPattern")["detail"] == {"client_id": [client_id(1)]}
    assert json.loads(variables["ADOPTED_SECRETS"])[client_id(1)]["keys"] == {"issued_at": "since"}
    assert recording.named("rotation-alarm-days-to-expiry").inputs["threshold"] == 30
    assert recording.outputs["alarm_topic_arn"] == inputs["alarmTopicArn"]


@pytest.mark.parametrize("via", [{}, {"via": None}, {"via": "function"}])
def test_a_rotation_on_up_is_always_the_functions(via: dict[str, Any]) -> None:
    recording = constructed({"applications": {"shop": {"clientId": client_id(1), "rotateOnUp": "1"}}, **via})
    (invocation,) = recording.of_type("aws:lambda/invocation:Invocation")
    assert json.loads(invocation.inputs["input"])["trigger"] == "1"
    assert not [each for each in recording.resources if each.type.startswith("pulumi-python:")]


def test_a_rotation_by_up_itself_is_refused() -> None:
    assert refusal(via="dynamic") == (
        "via is dynamic, but only the package for Python can rotate in `pulumi up` itself. "
        "What to do: Leave via out: then the rotation function rotates."
    )


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"rotateEveryDays": 5}, "rotateEveryDays must be a number of days from 8 to 150."),
        ({"rotateEveryDays": "soon"}, "rotateEveryDays must be"),
        ({"rotateEvryDays": 60}, "rotateEvryDays: did you mean rotateEveryDays?"),
        ({"rotateOnUp": "1"}, "rotateOnUp: did you mean applications.NAME.rotateOnUp?"),
        ({"applications": {"shop": {}}}, "applications.shop.clientId is missing."),
        ({"applications": {"shop": {"client": "x"}}}, "client: did you mean clientId?"),
        (
            {"applications": {"shop": client_id(1)}},
            "applications.shop must be a plain map. What to do: Use the keys ",
        ),
        ({"applications": {"my_shop": {"clientId": "x"}}}, "applications.my_shop.clientId is not a client id"),
        ({"rotationWindow": {"start": "22:00", "end": "04:00", "timeZone": "Berlin"}}, "Did you mean Europe/Berlin?"),
        ({"rotationWindow": {"start": "22:00", "end": "04:00", "timezone": "UTC"}}, "timezone: did you mean timeZone?"),
        ({"network": {"subnetIds": ["subnet-0123456789abcdef0"]}}, "network.securityGroupIds is missing."),
        ({"alarmTopicArn": pulumi.Output.from_input("pager")}, "alarmTopicArn is not the ARN of an SNS topic."),
        ({"verification": "none"}, "verification"),
        (
            {"applications": {"shop": {"clientId": client_id(1), "secretKeys": {"client_id": ""}}}},
            "applications.shop.secretKeys.client_id cannot be a key of the secret's JSON.",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_the_names_of_the_program(inputs: dict[str, Any], said: str) -> None:
    text = refusal(**inputs)
    assert said in text
    assert "\n" not in text
    assert "Traceback" not in text
    assert "<class" not in text
    assert " What to do: " in text


def test_a_client_secret_is_not_shown() -> None:
    canary = "amzn1.oa2-cs.v1.canary-canary-canary"
    text = refusal(applications={"shop": {"clientId": canary}})
    assert text.startswith("applications.shop.clientId holds a client secret.")
    assert "canary" not in text


def test_what_is_said_on_the_way_has_the_names_too() -> None:
    said: list[str] = []
    server._renaming(said.append)("keys.secrets: see rotate_on_up.")
    assert said == ["keys.secrets: see rotateOnUp."]


def test_a_defect_is_told_with_its_traceback() -> None:
    try:
        raise KeyError("shop")
    except KeyError as error:
        assert told(error).endswith("KeyError: 'shop'\n")
        assert "Traceback" in told(error)


@pytest.mark.parametrize(
    ("python", "others"),
    [
        ("Give rotate_on_up a text.", "Give rotateOnUp a text."),
        ("`<secret_prefix>/<client_id>`", "`<secretPrefix>/<clientId>`"),
        ("applications.shop.secret_keys gives client_id and fingerprint the same key.",
         "applications.shop.secretKeys gives client_id and fingerprint the same key."),
        ("applications.my_shop.client_id", "applications.my_shop.clientId"),
        ("See docs/queue_arn-notes.md", "See docs/queue_arn-notes.md"),
    ],
)  # fmt: skip
def test_names_in_a_text(python: str, others: str) -> None:
    assert in_camel_case(python) == others


def test_an_error_keeps_the_names_of_python_for_python() -> None:
    error = InvalidArgument("rotate_every_days is too small.", remedy="Set rotate_every_days higher.")
    assert "rotate_every_days" in str(error)


def test_it_is_installed_with_the_locked_versions() -> None:
    """Without their hashes: pip takes none beside a folder. `make lock` writes them."""
    locked = re.findall(r"^([a-z0-9][^ ;]*==[^ ;]*)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert len(locked) > 20
    assert (ROOT / "plugin" / "constraints.txt").read_text().splitlines() == locked
    assert (ROOT / "plugin" / "requirements.txt").read_text() == "-c constraints.txt\n..\n"


def test_its_folder_has_no_module_that_could_hide_another() -> None:
    """A folder that is run comes first on Python's path."""
    assert [file.name for file in (ROOT / "plugin").glob("*.py")] == ["__main__.py"]
