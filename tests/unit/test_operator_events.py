"""The operator interface: every event, from the function's own entry; it answers and never raises."""

import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from spapi_rotation_lambda.adapters.scheduler import EventBridgeSchedules
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import CallAnswer, Ports
from spapi_rotation_lambda.use_cases.operator_events import PROTOCOL
from tests.fakes.interposer import Crash, interposed
from tests.fakes.world import CLIENT_ID, QUEUE_ARN, SCHEDULE_ARN, World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import UNCLEAR, answer_before, answer_next, ask
from tests.unit.support import assert_silent

ACTIONS = ("check", "request", "promote", "reject", "rollback", "seed")
QUESTIONS = (
    "applications",
    "dead_letters",
    "discard",
    "doctor",
    "history",
    "last_accepted",
    "redrive",
    "registration",
    "status",
)


def operate(world: World, action: object, *, ports: Ports | None = None, **more: Any) -> dict[str, Any]:
    """One event through the function's entry and back, as JSON both ways; nothing of it holds a secret."""
    event = {"operator": action, "protocol": PROTOCOL, "client_id": CLIENT_ID, "application": "shop", **more}
    answer = dispatch(ports or world.ports, json.loads(json.dumps(event)))
    assert_silent(world, json.dumps(answer))
    found = json.loads(json.dumps(answer))
    assert isinstance(found, dict)
    assert (found["protocol"], found["action"]) == (PROTOCOL, action if isinstance(action, str) else None)
    return found


def status(world: World) -> dict[str, Any]:
    found = operate(world, "status")["status"]
    assert isinstance(found, dict)
    return found


def failed(answer: dict[str, Any], kind: str) -> str:
    """The message of an error of this kind, which has a remedy."""
    error = answer["error"]
    assert error["type"] == kind, error
    assert error["remedy"]
    assert set(error) == {"type", "message", "remedy"}
    return str(error["message"])


# Status.


@pytest.mark.rule(id="OPS-6")
def test_status_of_a_secret_in_use(world: World) -> None:
    found = status(world)
    assert (found["application"], found["client_id"], found["state"]) == ("shop", CLIENT_ID, "CURRENT")
    assert found["secret_id"] == world.secret_id
    assert found["labels"] == world.labels()
    assert (found["pending_since"], found["last_request"], found["problem"]) == (None, None, "")
    assert found["next"] == {"verdict": "not-due", "detail": "shop: not due before 2026-04-30T12:00:00.000Z."}
    assert found["subscription_seen"] is False
    assert found["expires_at"] == "2026-08-28T12:00:00.000Z"


def test_status_of_a_rotation_on_its_way(world: World) -> None:
    world.amazon.usable_after = world.ports.policy.promote_delay
    ask(world)
    found = status(world)
    assert found["state"] == "REQUESTED"
    assert found["last_request"] == {
        "requested_at": "2026-03-02T12:00:00.000Z",
        "trigger": "cli",
        "reference": None,
        "outcome": "unanswered",
    }
    world.drain()
    found = status(world)
    assert (found["state"], found["next"]["verdict"]) == ("RECEIVED", "declined")
    assert found["last_request"]["outcome"] == "answered"
    assert (found["pending_since"], found["subscription_seen"]) == ("2026-03-02T12:00:00.000Z", True)
    assert found["old_secret_dies_at"] == "2026-03-09T12:00:00.000Z"


def test_status_says_why_the_schedule_will_not_request(make_world: MakeWorld) -> None:
    world = make_world(paused=True)
    assert status(world)["next"]["verdict"] == "declined"
    world.seed()
    world.clock.advance(days=61)
    assert "paused" in status(world)["next"]["detail"]


def test_status_says_that_the_next_check_requests(world: World) -> None:
    answer_before(world)
    assert status(world)["next"]["verdict"] == "due"
    answer_next(world, UNCLEAR)
    ask(world)
    world.clock.advance(days=5)
    assert "repost" in status(world)["next"]["detail"]


def test_status_of_a_malformed_value_says_what_is_wrong(world: World) -> None:
    world.write("no JSON")
    found = status(world)
    assert found["state"] == "MALFORMED"
    assert "is not a JSON object" in found["problem"]
    assert found["labels"] == world.labels()


def test_every_state_is_told(make_world: MakeWorld) -> None:
    """That of the use cases: nothing is derived anew."""
    world = make_world()
    assert status(world)["state"] == State.UNSEEDED.value
    world.seed(dated=False)
    assert status(world)["state"] == State.UNDATED.value


def test_seen_stands_for_every_label_and_nothing_else(world: World) -> None:
    before = status(world)["seen"]
    world.clock.advance(hours=1)
    assert status(world)["seen"] == before
    world.store.move(world.secret_id, Label.REJECTED, to=world.labels()["AWSCURRENT"], away_from=None)
    assert status(world)["seen"] != before
    assert len(before) == 16


def test_the_applications_are_those_of_the_schedules(world: World) -> None:
    listed = operate(world, "applications")["applications"]
    assert listed == [{"application": "shop", "client_id": CLIENT_ID, "schedule_arn": SCHEDULE_ARN, "enabled": True}]


def test_the_schedules_of_the_group_name_the_applications() -> None:
    client = boto3.client("scheduler", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")

    def schedule(name: str, text: str, state: str) -> dict[str, Any]:
        return {
            "Arn": f"arn:{name}",
            "Name": name,
            "State": state,
            "Target": {"Arn": "a", "RoleArn": "r", "Input": text},
        }

    ours = json.dumps({"action": "check", "application": "shop", "client_id": CLIENT_ID})
    with Stubber(client) as stub:
        first: dict[str, Any] = {"Schedules": [{"Name": "b"}, {"Name": "x"}], "NextToken": "more"}
        stub.add_response("list_schedules", first, {"GroupName": "group"})
        stub.add_response("get_schedule", schedule("b", ours, "DISABLED"), {"GroupName": "group", "Name": "b"})
        stub.add_response("get_schedule", schedule("x", "not ours", "ENABLED"), {"GroupName": "group", "Name": "x"})
        stub.add_response("list_schedules", {"Schedules": [{"Name": "a"}]}, {"GroupName": "group", "NextToken": "more"})
        nameless = json.dumps({"client_id": "c"})
        stub.add_response("get_schedule", schedule("a", nameless, "ENABLED"), {"GroupName": "group", "Name": "a"})
        found = EventBridgeSchedules(lambda: client, "group").applications()
    assert [(each.name, each.client_id, each.schedule_arn, each.enabled) for each in found] == [
        ("c", "c", "arn:a", True),
        ("shop", CLIENT_ID, "arn:b", False),
    ]


def test_the_registration_names_the_queue(world: World) -> None:
    answer = operate(world, "registration")
    assert answer["queue_arn"] == QUEUE_ARN
    assert QUEUE_ARN in answer["steps"]


# Actions.


def test_a_check_says_the_state(world: World) -> None:
    answer = operate(world, "check")
    assert answer["result"] == "checked: CURRENT"
    assert (answer["before"]["state"], answer["after"]["state"]) == ("CURRENT", "CURRENT")


def test_a_request_is_by_a_person_and_force_passes_the_7_days(world: World) -> None:
    answer = operate(world, "request")
    assert "Amazon confirmed it" in answer["result"]
    assert answer["after"]["last_request"]["trigger"] == "cli"
    world.drain()
    message = failed(operate(world, "request"), "TooSoon")
    assert "until 2026-03-09T12:00:00.000Z" in message
    assert "error" not in operate(world, "request", force=True)
    assert world.amazon.posts == 2


@pytest.mark.parametrize("force", ["true", 1, None, False])
def test_only_true_is_force(world: World, force: object) -> None:
    operate(world, "request")
    world.drain()
    failed(operate(world, "request", force=force), "TooSoon")


def pending(world: World) -> World:
    world.amazon.call_answer = CallAnswer.THROTTLED
    ask(world)
    world.drain()
    return world


def test_promote_reject_and_rollback_say_what_they_did(world: World) -> None:
    pending(world)
    version = world.labels()["AWSPENDING"]
    assert operate(world, "reject")["result"] == f"rejected: version {version}"
    assert status(world)["state"] == "REJECTED"
    answer = operate(world, "promote")
    assert answer["result"] == f"in use: version {world.labels()['AWSCURRENT']}"
    assert (answer["before"]["state"], answer["after"]["state"]) == ("REJECTED", "CURRENT")
    answer = operate(world, "rollback")
    assert answer["after"]["state"] == "REJECTED"
    assert (world.value() or {})["client_secret"] == world.amazon.ever[0].text


@pytest.mark.rule(id="OPS-7")
@pytest.mark.parametrize("action", ACTIONS)
def test_what_the_person_did_not_see_is_not_acted_on(world: World, action: str) -> None:
    seen = status(world)["seen"]
    pending(world)
    before = world.labels()
    assert "has changed since you looked" in failed(operate(world, action, expect=seen), "Changed")
    assert world.labels() == before
    assert world.amazon.posts == 1


def test_what_the_person_saw_is_acted_on(world: World) -> None:
    pending(world)
    assert "error" not in operate(world, "promote", expect=status(world)["seen"])


def test_who_asked_is_logged_as_a_claim(world: World) -> None:
    operate(world, "check", who="arn:aws:sts::123456789012:assumed-role/ops/ann")
    operate(world, "check", who="x" * 1000)
    operate(world, "check", who=5)
    claims = [fields["claimed_by"] for event, fields in world.recorder.lines if event == "operator_action"]
    assert claims == ["arn:aws:sts::123456789012:assumed-role/ops/ann", "", ""]


# Dead letters.


def test_dead_letters_are_shown_without_their_bodies(world: World) -> None:
    new = world.amazon.rotate_by_hand(message=False)
    world.queue.dead += ["canary-garbage", world.amazon.message(new, world.clock.now())]
    answer = operate(world, "dead_letters")
    assert (answer["visible"], answer["hidden"]) == (2, 0)
    garbage, secret = answer["messages"]
    assert set(garbage) == {"message_id", "kind", "client_id", "sent_at", "size", "needed", "problem"}
    assert (garbage["kind"], garbage["needed"]) == ("unknown", False)
    assert (secret["kind"], secret["client_id"], secret["needed"]) == ("new-secret", CLIENT_ID, True)
    assert "canary" not in json.dumps(answer)


def test_redrive_gives_one_result_for_each(world: World) -> None:
    new = world.amazon.rotate_by_hand(message=False)
    world.queue.dead += ["canary-garbage", world.amazon.message(new, world.clock.now())]
    garbage, secret = operate(world, "redrive")["messages"]
    assert (garbage["result"], secret["result"], secret["error"]) == ("", "stored", None)
    assert garbage["error"]["type"] == "UnknownMessage"
    assert (world.value() or {})["client_secret"] == new.text
    assert world.queue.dead == ["canary-garbage"]


def test_discard_needs_an_id_and_force_where_a_secret_would_be_lost(world: World) -> None:
    new = world.amazon.rotate_by_hand(message=False)
    world.queue.dead += [world.amazon.message(new, world.clock.now())]
    failed(operate(world, "discard"), "NothingToDo")
    failed(operate(world, "discard", message_id="message-7"), "NothingToDo")
    failed(operate(world, "discard", message_id="message-0"), "StillNeeded")
    failed(operate(world, "discard", message_id="message-0", force="true"), "StillNeeded")
    assert operate(world, "discard", message_id="message-0", force=True)["result"] == "discarded"
    assert world.queue.dead == []


# Seed.


def seed(world: World, *, ports: Ports | None = None, **more: Any) -> dict[str, Any]:
    return operate(world, "seed", ports=ports, **{"client_secret": world.amazon.newest.text, **more})


def test_seed_fills_an_empty_secret_after_amazon_has_accepted_it(make_world: MakeWorld) -> None:
    world = make_world()
    answer = seed(world, issued_at="2026-03-01")
    assert (answer["before"]["state"], answer["after"]["state"]) == ("UNSEEDED", "CURRENT")
    assert (world.value() or {})["client_secret_issued_at"] == "2026-03-01T00:00:00.000Z"
    assert world.recorder.events


def test_seed_takes_a_time_too(make_world: MakeWorld) -> None:
    world = make_world()
    seed(world, expires_at="2026-08-28T14:00:00+02:00")
    assert (world.value() or {})["client_secret_expires_at"] == "2026-08-28T12:00:00.000Z"


def test_a_secret_that_amazon_does_not_accept_is_not_written(make_world: MakeWorld) -> None:
    world = make_world()
    failed(operate(world, "seed", client_secret="canary-of-nobody"), "NotYetAccepted")
    assert world.labels() == {}


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"client_secret": None}, "not a usable text"),
        ({"client_secret": ""}, "not a usable text"),
        ({"client_secret": 5}, "not a usable text"),
        ({"client_secret": "x" * 5000}, "not a usable text"),
        ({"client_secret": "\ud800"}, "not a usable text"),
        ({"client_secret": " padded"}, "white space"),
        ({"client_secret": "padded\n"}, "white space"),
        ({"issued_at": "yesterday"}, "issued_at is neither a date nor a time"),
        ({"issued_at": "2026-13-01"}, "issued_at is neither a date nor a time"),
        ({"expires_at": "2026-03-01T10:00:00"}, "expires_at is neither a date nor a time"),
        ({"expires_at": 5}, "expires_at is neither a date nor a time"),
    ],
)
def test_what_cannot_be_seeded_is_said_and_nothing_is_written(
    make_world: MakeWorld, more: dict[str, Any], problem: str
) -> None:
    world = make_world()
    assert problem in failed(seed(world, **more), "BadSettings")
    assert world.labels() == {}


@pytest.mark.rule(id="OPS-4")
@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ('{"client_id": 5, "region": "eu"}', {"region": "eu"}),
        ('{"client_secret": "", "region": "eu", "client_secret_expires_at": "2026-12-07"}', {"region": "eu"}),
        ('["region", "eu"]', {}),
        ("region = eu", {}),
        ('{"region": ' + "[" * 200 + "]" * 200 + "}", {}),
    ],
    ids=["an object", "an object with a date of before", "a list", "no JSON", "nested too deep"],
)
def test_a_seed_over_a_malformed_value_keeps_the_owners_keys_and_it_stays_previous(
    world: World, value: str, kept: dict[str, str]
) -> None:
    world.write(value)
    broken = world.labels()["AWSCURRENT"]
    answer = seed(world)
    assert (answer["before"]["state"], answer["after"]["state"]) == ("MALFORMED", "UNDATED")
    assert world.value() == {"client_id": CLIENT_ID, "client_secret": world.amazon.newest.text} | kept
    assert world.labels()["AWSPREVIOUS"] == broken


def test_a_malformed_pending_value_does_not_stop_a_seed(world: World) -> None:
    world.store.put(world.secret_id, "broken", "no JSON", {Label.PENDING})
    assert "error" not in seed(world)
    assert "AWSPENDING" not in world.labels()


@pytest.mark.rule(id="OPS-4")
@pytest.mark.parametrize("begin", ["unseeded", "in use", "malformed"])
def test_a_seed_that_dies_anywhere_and_is_repeated_ends_well(make_world: MakeWorld, begin: str) -> None:
    def prepare() -> World:
        world = make_world()
        if begin != "unseeded":
            world.seed(region="eu")
            world.clock.advance(days=1)
        if begin == "malformed":
            world.write("no JSON")
        world.amazon.rotate_by_hand(message=False)
        world.clock.advance(minutes=1)
        return world

    def dying(world: World, at: int, calls: list[str]) -> Callable[[str], None]:
        def watch(name: str) -> None:
            calls.append(name)
            if len(calls) == at:
                raise Crash

        return watch

    calls: list[str] = []
    seed(world := prepare(), ports=interposed(world.ports, after=dying(world, 0, calls)))
    total = len(calls)
    assert total > 5
    for at in range(1, total + 1):
        world = prepare()
        with contextlib.suppress(Crash):
            seed(world, ports=interposed(world.ports, after=dying(world, at, [])))
        world.clock.advance(minutes=1)
        answer = seed(world)
        assert "error" not in answer, (at, answer)
        assert (world.value() or {})["client_secret"] == world.amazon.newest.text
        assert not {"AWSPENDING", "REJECTED"} & set(world.labels())
        assert world.recorder.events[-1].version_id == world.labels()["AWSCURRENT"]
        assert len(world.store.secrets[world.secret_id].versions) <= 6


# Never raises.


@pytest.mark.rule(id="OPS-8")
@pytest.mark.parametrize("protocol", [None, 0, PROTOCOL + 1, "1", True and "x"])
def test_another_version_of_the_interface_is_told_which_to_upgrade(world: World, protocol: object) -> None:
    answer = operate(world, "status", protocol=protocol)
    assert "pulumi up" in answer["error"]["remedy"]
    failed(answer, "ProtocolMismatch")


@pytest.mark.parametrize("action", [None, 5, "", "explode", ["seed"], {"a": 1}])
def test_an_action_that_is_not_known_is_an_answer(world: World, action: object) -> None:
    answer = operate(world, action)
    for known in (*ACTIONS, *QUESTIONS):
        assert known in answer["error"]["remedy"]
    failed(answer, "BadSettings")


@pytest.mark.parametrize("action", [*ACTIONS, "status"])
@pytest.mark.parametrize("client_id", [None, "", "canary", 5])
def test_a_client_id_of_another_shape_is_an_answer(world: World, action: str, client_id: object) -> None:
    failed(operate(world, action, client_id=client_id), "BadSettings")


@pytest.mark.parametrize("action", [*ACTIONS, "status"])
def test_an_application_that_is_not_there_is_an_answer(world: World, action: str) -> None:
    failed(operate(world, action, client_id=CLIENT_ID.replace("0", "9"), client_secret="x"), "SecretMissing")


@pytest.mark.rule(id="OPS-6")
@pytest.mark.parametrize("action", sorted({*ACTIONS, *QUESTIONS} - {"doctor"}))  # the doctor tells what it can
@pytest.mark.parametrize("error", [StoreFailed("AWS failed x:Y: Throttling.", remedy="Wait."), KeyError("canary-1")])
def test_a_call_that_fails_anywhere_is_an_answer(world: World, action: str, error: Exception) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            def fail(*_args: object, **_named: object) -> Any:
                raise error

            return fail

    broken = Broken()
    ports = Ports(
        clock=world.clock,
        store=broken,
        queue=broken,
        dead_letters=broken,
        unclaimed=broken,
        amazon=lambda: broken,
        announcer=broken,
        telemetry=world.recorder,
        schedules=broken,
        surroundings=lambda: broken,
        log=lambda: broken,
        policy=world.ports.policy,
        applications=world.ports.applications,
    )
    answer = operate(world, action, ports=ports, client_secret=world.amazon.newest.text, message_id="message-0")
    message = failed(answer, "StoreFailed" if isinstance(error, StoreFailed) else "Unexpected")
    assert "canary" not in message
    assert ("operator_action_failed", answer["error"]["type"]) in [
        (event, fields.get("error")) for event, fields in world.recorder.lines
    ]


@pytest.mark.rule(id="REQ-16")
def test_status_says_what_the_silence_may_mean_where_no_request_was_ever_answered(world: World) -> None:
    answer_next(world, UNCLEAR)
    ask(world)
    world.clock.advance(minutes=61)
    detail = status(world)["next"]["detail"]
    assert "None was ever answered through arn:aws:sqs:us-east-1:123456789012:destination" in detail
    assert "not subscribed" in detail
    assert "subscribed to another queue" in detail
    assert f"dies on {status(world)['expires_at']}" in detail


@pytest.mark.rule(id="REQ-16")
def test_status_says_when_an_unanswered_request_is_repeated_and_when_no_more(world: World) -> None:
    answer_before(world)
    answer_next(world, UNCLEAR)
    at = world.clock.now()
    ask(world)
    assert "forbids another" in status(world)["next"]["detail"]
    world.clock.advance(minutes=61)
    assert f"once more from {format_time(at + timedelta(days=5))} on" in status(world)["next"]["detail"]
    world.clock.advance(days=5)
    answer_next(world, UNCLEAR)
    world.check()
    world.clock.advance(minutes=61)
    assert "It is not repeated" in status(world)["next"]["detail"]
    world.clock.advance(days=8)
    assert status(world)["next"]["verdict"] == "due"
