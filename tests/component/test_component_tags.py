"""Tags that an AWS service would refuse in the middle of `pulumi up` fail the preview."""

import re
from collections.abc import Callable
from typing import Any

import botocore.session
import pulumi
import pytest

from spapi_rotation import InvalidArgument
from spapi_rotation.validation.tags import AWS_LIMIT, MAX_KEY, MAX_TAGS, MAX_VALUE, validate_tags
from spapi_rotation_lambda.domain.errors import BadSettings
from tests.component.recorder import Recording, client_id, deploy_component

ODD = "ä 中 ٣ a_b.c:d/e=f+g-h@i"
"""Every kind of character that is allowed."""


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"team": "shop"},
        {"k" * 128: "v" * 256},
        {ODD: ODD},
        {"awsome": "awsome", "aws": "aws", "x-aws:y": "see aws:z"},
        {"team": "shop", "team2": "shop", "Team3": "SHOP"},
        {"spapi-rotation:identity": "mine"},
        {str(number): "x" for number in range(MAX_TAGS)},
    ],
)
def test_accepted(tags: dict[str, str]) -> None:
    assert validate_tags(tags) == tags


BAD: list[tuple[Any, str, str]] = [
    (["team"], "tags must be a map from texts to texts", "its key with its value"),
    ("team=shop", "tags must be a map from texts to texts", "its key with its value"),
    ({"": "shop"}, "A key in tags is not a text, or is empty", "in quotes"),
    ({5: "shop"}, "A key in tags is not a text, or is empty", "in quotes"),
    ({True: "shop"}, "A key in tags is not a text, or is empty", "in quotes"),
    ({"team": 5}, "tags.team must be a text", "in quotes"),
    ({"team": True}, "tags.team must be a text", "in quotes"),
    ({"team": None}, "tags.team must be a text", "in quotes"),
    ({"team": ["a"]}, "tags.team must be a text", "in quotes"),
    ({"team": ""}, "tags.team has 0 characters; 1 to 256 are possible", "EventBridge Scheduler takes no empty value"),
    ({"team": "v" * 257}, "tags.team has 257 characters; 1 to 256", "Shorten"),
    ({"k" * 129: "v"}, "A key in tags has 129 characters; at most 128", "Shorten"),
    ({"aws:team": "v"}, "The key aws:team in tags begins with AWS's own prefix aws:", "another text"),
    ({"AWS:team": "v"}, "The key AWS:team in tags begins with AWS's own prefix aws:", "another text"),
    ({"Aws:": "v"}, "The key Aws: in tags begins with AWS's own prefix aws:", "another text"),
    ({"team": "aWS:v"}, "tags.team begins with AWS's own prefix aws:", "another text"),
    ({"team": "a,b"}, "tags.team holds a character that not every AWS service takes in a tag: ','", "_.:/=+-@"),
    ({"team": "R&D"}, "holds a character that not every AWS service takes in a tag: '&'", "_.:/=+-@"),
    ({"team": "a\tb"}, r"holds a character that not every AWS service takes in a tag: '\\t'", "_.:/=+-@"),
    ({"te*m": "v"}, "The key te*m in tags holds a character that not every AWS", "_.:/=+-@"),
    ({"team": "🔑"}, "tags.team holds a character that not every AWS service takes", "_.:/=+-@"),
    (
        {"team": "a", "Team": "b"},
        "tags.team and tags.Team differ only in upper and lower case",
        "to IAM they are the same",
    ),
    ({"Spapi-Rotation:identity": "b"}, "begins with the component's own prefix", "another text"),
    ({str(n): "x" for n in range(49)}, "tags has 49 entries; at most 48 are possible", "defaultTags count too"),
]


@pytest.mark.parametrize(("tags", "said", "remedy"), BAD)
def test_refused(tags: Any, said: str, remedy: str) -> None:
    with pytest.raises(BadSettings) as refused:
        validate_tags(tags)
    assert said.replace("\\\\", "\\") in refused.value.args[0]
    assert remedy in refused.value.remedy


@pytest.mark.parametrize(
    "tags",
    [
        lambda: {"team": pulumi.Output.from_input("a,b")},
        lambda: pulumi.Output.from_input({"team": "a,b"}),
        lambda: pulumi.Output.from_input({"team": pulumi.Output.from_input("a,b")}),
    ],
)
def test_a_tag_that_comes_later_is_refused_when_it_is_known(tags: Callable[[], Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"tags\.team holds a character"):
        deploy_component(tags=tags())


def test_a_tag_that_comes_later_reaches_the_resources() -> None:
    recording = deploy_component(tags={"team": pulumi.Output.from_input("shop"), "cost": "1"})
    assert recording.named("rotation-key").inputs["tags"]["team"] == "shop"


def tagged(recording: Recording) -> list[dict[str, str]]:
    return [each.inputs["tags"] for each in recording.resources if each.inputs.get("tags")]


def test_with_as_many_tags_as_are_possible_a_secret_has_as_many_as_aws_takes() -> None:
    recording = deploy_component(tags={str(number): "x" for number in range(48)})
    assert len(tagged(recording)) > 20
    assert max(map(len, tagged(recording))) == 50


def test_the_components_own_tags_are_within_the_limits_with_the_longest_names() -> None:
    name = "a" * 64
    recording = deploy_component(identity="i" * 200, applications={name: {"client_id": client_id(1)}})
    own: set[tuple[str, str]] = {tag for tags in tagged(recording) for tag in tags.items()}
    assert own == {("spapi-rotation:identity", "i" * 200), ("spapi-rotation:application", name)}
    for key, text in own:
        assert validate_tags({key: text})


SERVICES = {
    "kms:TagResource": "aws:kms/",
    "sqs:TagQueue": "aws:sqs/",
    "secretsmanager:TagResource": "aws:secretsmanager/",
    "iam:TagRole": "aws:iam/",
    "lambda:TagResource": "aws:lambda/",
    "logs:TagResource": "aws:cloudwatch/logGroup",
    "sns:TagResource": "aws:sns/",
    "cloudwatch:TagResource": "aws:cloudwatch/metricAlarm",
    "scheduler:TagResource": "aws:scheduler/",
}
"""The operations by which the tags are set, and the resources that get them."""


def test_these_are_the_services_that_get_tags() -> None:
    types = {each.type for each in deploy_component().resources if each.inputs.get("tags")}
    assert all(any(token.startswith(each) for each in SERVICES.values()) for token in types)
    assert all(any(token.startswith(each) for token in types) for each in SERVICES.values())


@pytest.mark.parametrize("operation", SERVICES)
def test_the_limits_are_within_those_of_each_services_model(operation: str) -> None:
    """As far as AWS's own description of the service tells them: number, lengths and characters."""
    service, _, name = operation.partition(":")
    model: Any = botocore.session.get_session().get_service_model(service).operation_model(name)
    (tags,) = (shape for member, shape in model.input_shape.members.items() if member.lower() == "tags")
    if tags.type_name == "map":
        key, value = tags.key, tags.value
    else:
        members = {member.lower().removeprefix("tag"): shape for member, shape in tags.member.members.items()}
        key, value = members["key"], members["value"]
    assert tags.metadata.get("max", AWS_LIMIT) >= AWS_LIMIT
    assert key.metadata.get("max", MAX_KEY) >= MAX_KEY
    assert value.metadata.get("max", MAX_VALUE) >= MAX_VALUE
    assert key.metadata.get("min", 1) <= 1
    assert value.metadata.get("min", 0) <= 1
    for shape in (key, value):
        if pattern := shape.metadata.get("pattern"):
            classes = {r"\p{L}": "a-zä中", r"\p{Z}": " ", r"\p{N}": "0-9٣"}
            for ours, theirs in classes.items():
                pattern = pattern.replace(ours, theirs)
            assert re.fullmatch(pattern, ODD)
