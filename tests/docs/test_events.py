"""``docs/events.md``: current, valid JSON Schema, and an example that is a working program."""

import json
import re
import runpy
from datetime import UTC, datetime
from typing import Any

import pulumi
import pytest

from docs.tools import events
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.events import CATALOG, SecretExpiring, detail, schema, source
from tests.component.recorder import Recording, deploy

PAGE = events.FILE.read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EVENT = SecretExpiring(Application('a "quoted" shop', "amzn1.id", "s"), "arn:s", datetime(2026, 1, 2, tzinfo=UTC), 3.5)


def test_the_page_is_made_from_the_catalog() -> None:
    assert events.document() == PAGE, "run: make docs"


def test_every_event_has_a_section_that_the_table_links() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert headings == [*(kind.DETAIL_TYPE for kind in CATALOG), "Bring them to a chat channel"]
    links = re.findall(r"\]\(#([a-z-]+)\)", PAGE)
    assert links == [events.anchor(heading) for heading in headings[:-1]]


def test_the_schemas_are_those_of_the_catalog() -> None:
    shown = [json.loads(text) for language, text in BLOCKS if language == "json"]
    assert shown == [schema(kind) for kind in CATALOG]
    for each in shown:
        assert set(each["required"]) == set(each["properties"])
        assert all(described["description"] for described in each["properties"].values())


@pytest.fixture(scope="module")
def recording() -> Recording:
    """The program of the page, run."""
    (program,) = [text for language, text in BLOCKS if language == "python"]
    assert program == events.CHAT.read_text()
    pulumi.runtime.set_all_config({"chat:workspace": "T07EA123LEP", "chat:channel": "C07EZ1ABC23"})
    return deploy(lambda: runpy.run_path(str(events.CHAT)))


def test_the_example_makes_all_that_a_channel_needs(recording: Recording) -> None:
    assert sorted(each.type for each in recording.resources) == [
        "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:iam/role:Role",
        "aws:sns/topic:Topic",
        "aws:sns/topicPolicy:TopicPolicy",
    ]
    (channel,) = recording.of_type("aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration")
    (target,) = recording.of_type("aws:cloudwatch/eventTarget:EventTarget")
    assert channel.inputs["snsTopicArns"] == [target.inputs["arn"]]
    (policy,) = recording.of_type("aws:sns/topicPolicy:TopicPolicy")
    (statement,) = policy.policy()["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Resource"] == target.inputs["arn"]


def test_its_rule_matches_the_events_of_every_component(recording: Recording) -> None:
    (rule,) = recording.of_type("aws:cloudwatch/eventRule:EventRule")
    pattern = json.loads(rule.inputs["eventPattern"])
    assert set(pattern) == {"source", "detail-type"}
    ((prefix,), (left_out,)) = (pattern["source"], pattern["detail-type"])
    assert source("shop/prod/rotation").startswith(prefix["prefix"])
    assert {*left_out["anything-but"]} < {kind.DETAIL_TYPE for kind in CATALOG}


def test_its_message_is_one_that_the_channel_takes(recording: Recording) -> None:
    """Its form: user guide of Amazon Q Developer in chat applications, "Custom notifications"."""
    (target,) = recording.of_type("aws:cloudwatch/eventTarget:EventTarget")
    transformer = target.inputs["inputTransformer"]
    event: dict[str, Any] = {"detail-type": EVENT.DETAIL_TYPE, "detail": detail(EVENT, "shop/prod")}
    text = transformer["inputTemplate"]
    for name, path in transformer["inputPaths"].items():
        found: Any = event
        for part in path.removeprefix("$.").split("."):
            found = found[part]
        assert f"<{name}>" in text
        text = text.replace(f"<{name}>", json.dumps(found)[1:-1])
    message = json.loads(text)
    assert (message["version"], message["source"]) == ("1.0", "custom")
    assert message["content"] == {
        "textType": "client-markdown",
        "title": 'SP-API client secret expiring: a "quoted" shop',
        "description": "Component shop/prod, client id amzn1.id. `spapi-rotation status` tells more.",
    }
