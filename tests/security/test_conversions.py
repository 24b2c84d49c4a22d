"""What the tools are given: every resource that AWS gets, in Terraform's and CloudFormation's words; every policy."""

import dataclasses
import re
from collections.abc import Mapping

import pytest

from sandbox.paths import CHECKOUT
from tests.component.recorder import ACCOUNT, REGION, Recording
from tests.security import policies
from tests.security.cloudformation import WITHOUT_COUNTERPART, NoCounterpart, template
from tests.security.policies import Kind
from tests.security.stacks import aws_resources, stacks
from tests.security.terraform import resources


@pytest.fixture(scope="module")
def recordings() -> Mapping[str, Recording]:
    return stacks()


def test_every_type_of_the_component_is_in_a_stack(recordings: Mapping[str, Recording]) -> None:
    source = "".join(file.read_text() for file in (CHECKOUT / "components").rglob("*.py"))
    declared = {name for name in re.findall(r"\baws\.\w+\.([A-Z]\w+)\(", source) if not name.endswith("Args")}
    made = {each.type.rpartition(":")[2] for recording in recordings.values() for each in aws_resources(recording)}
    assert len(declared) > 20
    assert made == declared


def test_terraform_has_every_resource_with_its_properties(recordings: Mapping[str, Recording]) -> None:
    for recording in recordings.values():
        assert len(resources(recording)) == len(aws_resources(recording))
    of = {each.address: each for each in resources(recordings["defaults"])}
    queue = of["aws_sqs_queue.rotation-queue"]
    assert queue.values == {
        "message_retention_seconds": 1209600,
        "visibility_timeout_seconds": 360,
        "kms_master_key_id": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/rotation-queue-key-0000001",
        "redrive_policy": queue.values["redrive_policy"],
        "tags": queue.values["tags"],
    }
    key = "aws_kms_key.rotation-queue-key"
    assert queue.references == {"kms_master_key_id": [f"{key}.arn", key]}
    secrets = [each for each in resources(recordings["everything"]) if each.type == "aws_secretsmanager_secret"]
    assert [[one["region"] for one in each.values["replica"]] for each in secrets] == [["eu-west-1"]] * 3


def test_cloudformation_has_a_counterpart_of_every_resource(recordings: Mapping[str, Recording]) -> None:
    for recording in recordings.values():
        counterparts = template(recording)["Resources"]
        parts = [
            each
            for each in aws_resources(recording)
            if each.type in WITHOUT_COUNTERPART
            or each.type in ("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", "aws:cloudwatch/eventTarget:EventTarget")
        ]
        assert len(counterparts) + len(parts) == len(aws_resources(recording))
    counterparts = template(recordings["everything"])["Resources"]
    assert counterparts["RotationDeadLetterQueue"]["Properties"]["RedriveAllowPolicy"]["redrivePermission"] == "byQueue"
    rules = [each["Properties"] for each in counterparts.values() if each["Type"] == "AWS::Events::Rule"]
    assert [len(each["Targets"]) for each in rules] == [1, 1]


def test_a_resource_or_input_without_a_place_is_an_error(recordings: Mapping[str, Recording]) -> None:
    (topic,) = recordings["defaults"].of_type("aws:sns/topic:Topic")
    unknown = Recording([dataclasses.replace(topic, type="aws:sns/platform:Platform")])
    with pytest.raises(NoCounterpart, match="aws:sns/platform:Platform"):
        template(unknown)
    strange = Recording([dataclasses.replace(topic, inputs={"policy_": object()})])
    with pytest.raises(NoCounterpart, match="policy_ is object"):
        template(strange)


def test_every_exception_is_needed(recordings: Mapping[str, Recording]) -> None:
    resources = [each for recording in recordings.values() for each in aws_resources(recording)]
    used = {each.type for each in resources} | {f"{each.type}.{name}" for each in resources for name in each.inputs}
    assert WITHOUT_COUNTERPART.keys() - used == set()


def test_every_policy_is_there(recordings: Mapping[str, Recording]) -> None:
    made = [each for name, one in recordings.items() for each in policies.made(name, one)]
    written = str([each.inputs for one in recordings.values() for each in one.resources]).count("2012-10-17")
    assert len([each for each in made if each.of]) == written
    assert {each.kind for each in made} == set(Kind)
    documented = {each.name for each in policies.documented()}
    assert documented >= {
        f"docs/permissions/{name}.json"
        for name in ("restart", "up", "up-with-rotation", "up-with-rotation-via-function")
    }
    assert any(each.startswith("docs/operator-interface.md") for each in documented)


def test_no_placeholder_is_left() -> None:
    text = str([each.document for each in policies.documented()])
    assert [word for word in ("ACCOUNT", "REGION", "IDENTITY", "COMPONENT", "_ARN") if word in text] == []
