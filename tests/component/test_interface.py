"""The names that stay from 0.1.0 on: people, their programs, their alarms and their state files rely on them."""

import ast
import dataclasses
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import spapi_rotation_lambda
from spapi_rotation.args import NAMED, PARTS, ClientSecretRotationArgs, Via
from spapi_rotation.component import OUTPUTS
from spapi_rotation.resources.alarm_catalog import EVERY_ALARM
from spapi_rotation.rotate_on_up import RotateOnUp
from spapi_rotation_lambda.adapters.telemetry import NAMESPACE
from spapi_rotation_lambda.domain.applications import KeyNames
from spapi_rotation_lambda.domain.events import CATALOG, schema, source
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.request_record import RequestRecord, Trigger
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.ports import Metric
from spapi_rotation_lambda.use_cases.history import EVENTS
from tests.component.recorder import deploy_component

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "tests" / "data" / "interface.json"
COMMAND = "python -m tests.component.test_interface"

HOLDING = (
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:kms/key:Key",
    "aws:secretsmanager/secret:Secret",
    "aws:sns/topic:Topic",
    "aws:sqs/queue:Queue",
)
"""Types of what cannot be made again: messages, secrets, subscribers, a log, or what makes them readable."""

HOW = f"""
These names are not those of tests/data/interface.json, and CHANGELOG.md says nothing of it. From 0.1.0 on names stay,
since people rely on them. Whoever changes, adds or removes one names it under Unreleased, between backquotes, and says
what people have to do. `{COMMAND}` writes the record anew at a release; it is not for making this test pass."""


def interface() -> dict[str, list[str]]:
    """What the code has now, by kind."""
    found = {
        "labels": Label,
        "states": State,
        "triggers": Trigger,
        "fields of the secret": (field.default for field in dataclasses.fields(KeyNames)),
        "fields of secret_keys": (field.name for field in dataclasses.fields(KeyNames)),
        "fields of the request record": (field.name for field in dataclasses.fields(RequestRecord)),
        "metrics": (f"{NAMESPACE}/{metric}" for metric in Metric),
        "alarms": (alarm.name for alarm in EVERY_ALARM),
        "log lines": log_lines(),
        "arguments": arguments(),
        "choices": [f"{kind.__name__.lower()}: {each}" for kind in (Verification, Via) for each in kind],
        "outputs": OUTPUTS,
        "events": events(),
        "what the state names": (f"{RotateOnUp.__module__}.{RotateOnUp.__name__}", *types_and_names()),
    }
    return {kind: sorted(map(str, names)) for kind, names in found.items()}


def arguments() -> Iterator[str]:
    """Arguments of the component, and their parts; a required one ends with an exclamation mark."""
    parts: dict[str, Any] = {
        "": ClientSecretRotationArgs,
        **{f"{name}.{'*.' if name in NAMED else ''}": part for name, part in PARTS.items()},
    }
    for prefix, of in parts.items():
        for name in of.__annotations__:
            yield f"{prefix}{name}{'!' if name in of.__required_keys__ else ''}"


def log_lines() -> set[str]:
    """The names of the function's log lines: what its history knows, and all that its calls of the telemetry spell."""
    return set(EVENTS) | {
        node.args[0].value
        for module in Path(spapi_rotation_lambda.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("info", "warning", "error")
        and isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr == "telemetry"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def types_and_names() -> Iterator[str]:
    """Type and name of each resource that holds something: a change of them replaces it."""
    for made in deploy_component().resources:
        if made.type in HOLDING:
            yield f"{made.type} {made.name}"


def events() -> Iterator[str]:
    """What the component tells the event bus: source, detail types, and the fields of each."""
    yield f"source: {source('IDENTITY')}"
    for kind in CATALOG:
        yield f"detail-type: {kind.DETAIL_TYPE}"
        yield from (f"{kind.DETAIL_TYPE}: {name}" for name in schema(kind)["properties"])


def newer_entries(changelog: str, version: str) -> str:
    """What the changelog says about versions after this one."""
    return changelog.partition("## [Unreleased]")[2].partition(f"## [{version}]")[0]


def unnamed(recorded: Iterable[str], found: Iterable[str], entries: str) -> list[str]:
    """Which differences these entries do not name."""
    named = set(re.findall(r"`([^`]+)`", entries))
    return sorted(each for each in set(recorded) ^ set(found) if not (_spellings(each) & named))


def _spellings(name: str) -> set[str]:
    """A name as the record has it, and as a person would write it."""
    last = name.rstrip("!").rpartition(" ")[2]
    return {name, last, last.rpartition("/")[2], last.rpartition("*.")[2]}


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    return interface()


RECORDED: dict[str, Any] = json.loads(RECORD.read_text())


def test_every_kind_of_name_is_recorded_and_found(found: dict[str, list[str]]) -> None:
    assert found.keys() == RECORDED["names"].keys()
    assert all(found.values())


@pytest.mark.parametrize("kind", RECORDED["names"])
def test_names_stay_or_the_changelog_tells(kind: str, found: dict[str, list[str]]) -> None:
    entries = newer_entries((ROOT / "CHANGELOG.md").read_text(), RECORDED["version"])
    assert unnamed(RECORDED["names"][kind], found[kind], entries) == [], HOW


def test_the_record_is_of_a_version_that_the_changelog_has() -> None:
    """Of one that has been released, or of the one at hand."""
    assert f"\n## [{RECORDED['version']}] - " in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize(
    ("recorded", "now", "entries", "expected"),
    [
        ("queue_url", "queue_url", "", []),
        ("queue_url", "destination_url", "", ["destination_url", "queue_url"]),
        ("queue_url", "destination_url", "- Output `queue_url` is `destination_url` now.", []),
        ("queue_url", "destination_url", "- queue_url is destination_url now.", ["destination_url", "queue_url"]),
        ("SpApiRotation/Checks", "SpApiRotation/Looks", "- `Looks` in place of `Checks`", []),
        ("applications.*.client_id", "applications.*.client_id!", "- `client_id` must be given", []),
        (
            "aws:sqs/queue:Queue rotation-queue",
            "aws:sqs/queue:Queue rotation-q",
            "- `rotation-queue` is `rotation-q`",
            [],
        ),
    ],
)
def test_a_difference_must_be_named(recorded: str, now: str, entries: str, expected: list[str]) -> None:
    """The test of this test's own judgement."""
    assert unnamed([recorded], [now], entries) == expected


if __name__ == "__main__":
    record = {"version": spapi_rotation_lambda.__version__, "names": interface()}
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8", newline="\n")
