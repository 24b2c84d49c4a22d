"""Adopted secrets: another name, other key names, the same rotation."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber

from spapi_rotation_lambda.adapters.scheduler import EventBridgeSchedules
from spapi_rotation_lambda.domain.applications import ApplicationDirectory, KeyNames
from spapi_rotation_lambda.domain.errors import BadSettings, MalformedSecret, StoreFailed
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.settings import parse_adopted_secrets, parse_secret_keys
from spapi_rotation_lambda.use_cases.settle import settle
from tests.fakes.world import CLIENT_ID, SCHEDULE_ARN, FakeSchedules, World
from tests.unit.conftest import MakeWorld

KEYS = {"client_id": "appId", "client_secret": "appSecret", "expires_at": "validUntil"}
ADOPTED = json.dumps({CLIENT_ID: {"secret_arn": "team/spapi", "keys": KEYS}})


def directory() -> ApplicationDirectory:
    return ApplicationDirectory("prefix", parse_adopted_secrets(ADOPTED))


@pytest.mark.rule(id="REC-3")
def test_an_application_of_the_map_has_its_own_secret_and_names() -> None:
    found = directory().find(CLIENT_ID, "shop")
    assert (found.name, found.secret_id, found.keys) == ("shop", "team/spapi", KeyNames(**KEYS))


@pytest.mark.rule(id="REC-3")
def test_any_other_has_the_components_name() -> None:
    other = CLIENT_ID.replace("0", "9")
    assert directory().find(other).secret_id == f"prefix/{other}"


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"a": 1}', '{"a": {}}', '{"a": {"secret_arn": "x", "keys": {"no": "y"}}}']
)
def test_a_map_that_somebody_edited_is_refused(text: str) -> None:
    with pytest.raises(BadSettings, match="ADOPTED_SECRETS"):
        parse_adopted_secrets(text)


@pytest.mark.rule(id="SEC-4")
def test_the_components_own_secret_can_have_other_names_of_keys() -> None:
    told = json.dumps([{"keys": KEYS, "of": [CLIENT_ID.rpartition(".")[2]]}])
    found = ApplicationDirectory("prefix", {}, parse_secret_keys(told)).find(CLIENT_ID)
    assert (found.secret_id, found.keys) == (f"prefix/{CLIENT_ID}", KeyNames(**KEYS))


@pytest.mark.parametrize("text", ["{", "5", '{"a": {}}', "[5]", "[{}]", '[{"keys": {"no": "y"}, "of": ["a"]}]'])
def test_names_of_keys_that_somebody_edited_are_refused(text: str) -> None:
    with pytest.raises(BadSettings, match="SECRET_KEYS"):
        parse_secret_keys(text)


@pytest.mark.rule(id="SEC-4")
def test_a_rotation_writes_the_owners_names_and_keeps_the_rest(make_world: MakeWorld) -> None:
    world: World = make_world(adopted_secrets=ADOPTED)
    world.store.create("team/spapi")
    world.application = world.ports.applications.find(CLIENT_ID, "shop")
    issued = world.amazon.newest
    world.write(
        {
            "appId": CLIENT_ID,
            "appSecret": issued.text,
            "validUntil": format_time(issued.expires_at),
            "client_secret": "x",
        }
    )
    world.clock.advance(days=61)
    world.run(hours=2)
    value = world.value() or {}
    assert value["appSecret"] == world.amazon.newest.text != issued.text
    assert value["validUntil"] == format_time(world.amazon.newest.expires_at)
    assert value["client_secret"] == "x"


def test_the_secret_of_another_application_is_refused(make_world: MakeWorld) -> None:
    world = make_world()
    world.seed()
    stranger = replace(world.application, client_id=CLIENT_ID.replace("0", "9"))
    with pytest.raises(MalformedSecret, match="another client_id"):
        settle(world.ports, stranger)


def undated(world: World, made_at: datetime) -> World:
    """A world whose secret has no dates, edited by its owner just now, and whose schedule was made then."""
    world.seed(dated=False)
    world.ports = replace(world.ports, schedules=FakeSchedules(world.application, made_at))
    return world


def scheduled_check(world: World) -> None:
    dispatch(world.ports, {"action": "check", "client_id": CLIENT_ID, "schedule_arn": SCHEDULE_ARN})


@pytest.mark.rule(id="REQ-4")
def test_an_undated_secret_is_due_thirty_days_after_its_schedule_was_made(make_world: MakeWorld) -> None:
    world = make_world()
    undated(world, world.clock.now() - timedelta(days=29))
    scheduled_check(world)
    assert world.amazon.posts == 0
    world.clock.advance(days=6)
    world.write({**(world.value() or {}), "note": "an edit does not start it anew"})
    scheduled_check(world)
    assert world.amazon.posts == 0, "it was first seen 6 days ago"
    world.clock.advance(days=1)
    scheduled_check(world)
    assert world.amazon.posts == 1


def test_an_old_secret_that_was_adopted_today_waits_thirty_days(make_world: MakeWorld) -> None:
    world = make_world()
    world.clock.advance(days=400)
    undated(world, world.clock.now())
    scheduled_check(world)
    assert world.amazon.posts == 0


def test_when_a_schedule_was_made_is_asked_of_the_scheduler() -> None:
    client = boto3.client("scheduler", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    schedules = EventBridgeSchedules(lambda: client, "group")
    made_at = datetime(2026, 1, 1, tzinfo=UTC)
    with Stubber(client) as stub:
        stub.add_response("get_schedule", {"CreationDate": made_at}, {"GroupName": "group", "Name": "name"})
        assert schedules.made_at(SCHEDULE_ARN) == made_at
        with pytest.raises(StoreFailed, match="names no schedule"):
            schedules.made_at("<aws.scheduler.schedule-arn>")
