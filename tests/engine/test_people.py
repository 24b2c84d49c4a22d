"""What people and their tools do to a secret, on the real engine: it never costs the newest secret."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.amazon.faults import AcceptLate
from sandbox.session import App, Sandbox, new_app
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Metric
from tests.engine.fault_scenarios.deployment import World
from tests.engine.fault_scenarios.runs import metrics_of

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

TYPED, AHEAD, TOOL, HAND, NOTICED, NIGHTLY = APPS = [
    new_app(name) for name in ("typed", "ahead", "tool", "hand", "noticed", "nightly")
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("people") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        box.stack.configure(box.config(APPS))
        box.stack.up()
        made = World(box, APPS)
        yield made
        made.close()


def put(world: World, app: App, **value: object) -> None:
    """The owner's PutSecretValue."""
    text = json.dumps({"client_id": app.client_id, **value})
    world.secrets.put_secret_value(SecretId=world.arn(app), SecretString=text)


def made_in_console(world: World, app: App) -> str:
    """A secret that a person makes, and whose message does not come."""
    before = set(world.box.amazon.canaries().secrets)
    world.box.amazon.rotate_by_hand(app.client_id, notify=False)
    (secret,) = set(world.box.amazon.canaries().secrets) - before
    return secret


def value(world: World, app: App) -> dict[str, object]:
    found = json.loads(world.secret_text(app))
    assert isinstance(found, dict)
    return found


def test_an_expiry_typed_as_the_end_of_that_day_then_a_rotation_on_up(world: World) -> None:
    """It is hours later than Amazon's, so that the new secret once seemed older than the one in use."""
    box, issued = world.box, datetime.now(UTC)
    made = box.amazon.register(TYPED.client_id, issued_at=issued, expires_at=issued + timedelta(days=180))
    world.subscribe(TYPED)
    end_of_day = (issued + timedelta(days=180)).replace(hour=23, minute=59, second=59)
    put(world, TYPED, client_secret=made.client_secret, client_secret_expires_at=format_time(end_of_day))
    box.stack.configure(box.config(APPS, {TYPED.name: "first"}))
    box.stack.up()
    assert world.in_use(TYPED) == "newest, accepted"
    assert value(world, TYPED)["client_secret"] != made.client_secret


def test_a_message_dated_a_month_ahead_then_a_real_one(world: World) -> None:
    world.begin(AHEAD, days=10)
    secret = made_in_console(world, AHEAD)
    sample = Path(__file__).parents[1] / "data" / "new-secret-notification.json"
    body, now = json.loads(sample.read_text()), datetime.now(UTC)
    body["eventTime"] = format_time(now + timedelta(days=30))
    body["payload"]["applicationOAuthClientNewSecret"] |= {
        "clientId": AHEAD.client_id,
        "newClientSecret": secret,
        "newClientSecretExpiryTime": format_time(now + timedelta(days=210)),
        "oldClientSecretExpiryTime": format_time(now + timedelta(days=37)),
    }
    world.box.amazon.send_body(AHEAD.client_id, json.dumps(body))
    assert world.until(lambda: world.rotated(AHEAD))
    world.box.amazon.rotate_by_hand(AHEAD.client_id)
    assert world.until(lambda: value(world, AHEAD)["client_secret"] != secret)
    assert world.until(lambda: world.rotated(AHEAD))


def test_a_tool_that_writes_the_old_value_back_every_night(world: World) -> None:
    world.begin(TOOL)
    old = value(world, TOOL)
    assert world.until(lambda: world.rotated(TOOL), checking=TOOL)
    new = value(world, TOOL)["client_secret"]
    for night in range(3):
        put(world, TOOL, client_secret=old["client_secret"], deploy=night)
        assert world.until(lambda: value(world, TOOL)["client_secret"] == new, checking=TOOL)
        assert value(world, TOOL)["deploy"] == night
    assert Metric.OVERWRITTEN.value in metrics_of(world, TOOL)
    assert world.posts(TOOL) == ("204",)


def test_after_a_secret_made_by_hand_the_schedule_asks_for_nothing(world: World) -> None:
    """Put in without dates, 40 days after adoption: from 30 days on one without dates is due."""
    world.begin(HAND, days=100)
    world.age(HAND, days=40)
    put(world, HAND, client_secret=made_in_console(world, HAND))
    for _ in range(2):
        world.check_through(HAND)
    assert world.posts(HAND) == ()
    in_a_week = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    assert f"not due before {in_a_week}" in str(world.operate("status", HAND)["status"]["next"]["detail"])


def test_a_notice_for_the_old_secret_while_the_new_one_is_pending(world: World) -> None:
    world.begin(NOTICED)
    world.box.amazon.misbehave(NOTICED.client_id, AcceptLate(spapi_seconds=3600))
    old = str(value(world, NOTICED)["client_secret_expires_at"])
    assert world.until(lambda: "AWSPENDING" in " ".join(world.versions(NOTICED)), checking=NOTICED)
    for expires in (datetime.fromisoformat(old), datetime.now(UTC) + timedelta(days=7)):
        world.box.amazon.expiry_notice(NOTICED.client_id, expires_at=expires)
    assert world.until(lambda: not any(world.messages_in(world.queue_url)))
    assert Metric.UNSEEN_ROTATION.value not in metrics_of(world, NOTICED)


def test_a_secret_whose_other_keys_are_rewritten_is_rotated_when_due(world: World) -> None:
    """By a tool that keeps our keys, and then by one that drops them."""
    world.begin(NIGHTLY)
    put(world, NIGHTLY, **{**value(world, NIGHTLY), "region": "eu"})
    assert world.until(lambda: world.rotated(NIGHTLY), checking=NIGHTLY)
    put(world, NIGHTLY, client_secret=value(world, NIGHTLY)["client_secret"], region="us")
    world.check_through(NIGHTLY)
    assert world.operate("status", NIGHTLY)["status"]["state"] == "CURRENT"
    assert (world.posts(NIGHTLY), value(world, NIGHTLY)["region"]) == (("204",), "us")
