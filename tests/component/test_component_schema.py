"""The package's schema: what programs in other languages see. A change of it is a change of the public interface."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.experimental.util import camel_case

from docs.tools.schema import FILE, document
from spapi_rotation import ClientSecretRotation
from spapi_rotation.args import PARTS, ClientSecretRotationArgs
from spapi_rotation.component import OUTPUTS
from spapi_rotation_lambda import __version__

COMPONENT = "spapi-rotation:index:ClientSecretRotation"

Place = tuple[str, ...]


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document())
    return found


def descriptions(part: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every description of a schema, and where it stands."""
    if isinstance(part, list):
        for number, each in enumerate(part):
            yield from descriptions(each, (*place, str(number)))
    elif isinstance(part, dict):
        for name, each in part.items():
            if name == "description" and isinstance(each, str):
                yield place, each
            else:
                yield from descriptions(each, (*place, name))


def bare(part: Any) -> Any:
    """A schema without its descriptions."""
    if isinstance(part, list):
        return [bare(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {name: bare(each) for name, each in part.items() if not (name == "description" and isinstance(each, str))}


def test_schema_is_the_recorded_one() -> None:
    """`make docs` writes the record anew, after a deliberate change and for another version."""
    assert FILE.read_text(encoding="utf-8") == document()


def test_it_is_that_of_the_python_class_but_for_what_the_package_says_of_itself() -> None:
    found, python = schema(), ComponentProvider([ClientSecretRotation], "spapi-rotation", None, __version__)
    inferred = bare(json.loads(str(python.schema)))
    assert {**bare(found), "displayName": ""} == {
        **inferred,
        "displayName": "",
        "keywords": found["keywords"],
        "license": "Apache-2.0",
        "language": {**inferred["language"], "go": {"respectSchemaVersion": True, "generateExtraInputTypes": True}},
    }


def test_everything_is_described_in_one_line() -> None:
    found = schema()
    component = found["resources"][COMPONENT]
    described = [component, *component["inputProperties"].values(), *component["properties"].values()]
    for each in found["types"].values():
        described += [each, *each.get("properties", {}).values(), *each.get("enum", ())]
    assert all(each["description"].strip() for each in described)
    assert not any("\n" in each["description"] for each in described)


SAID_IN_PYTHON = re.compile(r"pulumi\.|Output|``|TypedDict|None\b|True\b|False\b|docstring")


def test_every_description_reads_well_in_another_language() -> None:
    """No name of Python's, and nothing that only a Python program has. The secret's own keys are no arguments."""
    texts = dict(descriptions(schema()))
    assert len(texts) > 100
    keys = {place: text for place, text in texts.items() if "secretKeys" in place}
    assert all("`client_id`" in text for text in keys.values())
    names = {name for part in (ClientSecretRotationArgs, *PARTS.values()) for name in part.__annotations__} | {*OUTPUTS}
    assert [text for place, text in texts.items() if place not in keys and re.search(r"[a-z]_[a-z]", text)] == []
    assert [text for text in texts.values() if SAID_IN_PYTHON.search(text)] == []
    camel = {camel_case(name) for name in names}
    spelt = {word for text in texts.values() for word in re.findall(r"`<?([a-z]+[A-Z][A-Za-z]*)>?`", text)}
    assert spelt <= camel, "a name in backquotes is one of an argument or output"
    assert {"rotateOnUp", "promoteDelayMinutes"} <= spelt


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
        assert f'"{camel_case(name)}"' in found
