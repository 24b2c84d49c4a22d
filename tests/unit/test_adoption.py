"""Adopted secrets: another name, other key names, the same rotation."""

import json
from dataclasses import replace

import pytest

from rotation_lambda.applications import adopted_secrets, application
from rotation_lambda.errors import BadSettings, MalformedSecret
from rotation_lambda.model import KeyNames, format_time
from rotation_lambda.settings import Settings
from rotation_lambda.settle import settle
from tests.model.world import CLIENT_ID, World
from tests.unit.conftest import MakeWorld

KEYS = {"client_id": "appId", "client_secret": "appSecret", "expires_at": "validUntil"}
ADOPTED = json.dumps({CLIENT_ID: {"secret_arn": "team/spapi", "keys": KEYS}})


def test_an_application_of_the_map_has_its_own_secret_and_names() -> None:
    settings = Settings("prefix", "queue", "dead", adopted_secrets=ADOPTED)
    found = application(settings, CLIENT_ID, "shop")
    assert (found.name, found.secret_id, found.keys) == ("shop", "team/spapi", KeyNames(**KEYS))


def test_any_other_has_the_components_name() -> None:
    settings = Settings("prefix", "queue", "dead", adopted_secrets=ADOPTED)
    other = CLIENT_ID.replace("0", "9")
    assert application(settings, other).secret_id == f"prefix/{other}"


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"a": 1}', '{"a": {}}', '{"a": {"secret_arn": "x", "keys": {"no": "y"}}}']
)
def test_a_map_that_somebody_edited_is_refused(text: str) -> None:
    with pytest.raises(BadSettings, match="ADOPTED_SECRETS"):
        adopted_secrets(text)


def test_a_rotation_writes_the_owners_names_and_keeps_the_rest(make_world: MakeWorld) -> None:
    world: World = make_world(adopted_secrets=ADOPTED)
    world.store.create("team/spapi")
    world.application = application(world.ports.settings, CLIENT_ID, "shop")
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
