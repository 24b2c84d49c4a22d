"""The doctor: each thing that can be wrong is found by one look, the others stay as they are, nothing is changed."""

import copy
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.domain import sender_policy
from spapi_rotation_lambda.domain.errors import StoreFailed, TokenFault, TokenNotIssued
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.rotation_policy import Verification
from spapi_rotation_lambda.ports import CallAnswer
from spapi_rotation_lambda.surroundings import Alarm, QueueReader, Subscribers
from tests.fakes.world import CLIENT_ID, QUEUE_ARN, TOPIC_ARN, World
from tests.unit.conftest import MakeWorld
from tests.unit.requesting import ask
from tests.unit.test_operator_events import operate
from tests.unit.test_state import expired, overdue, put, refused, rejected, stuck, undated, unseeded

Break = Callable[[World], object]

COMPONENT = (
    "permissions",
    "queue",
    "key",
    "dead-letters",
    "unclaimed",
    "mapping",
    "schedules",
    "log-level",
    "alarms",
    "subscribers",
)
APPLICATION = (
    "permissions",
    "secret",
    "dates",
    "request",
    "rejected",
    "subscription",
    "accepted",
    "destination",
    "clock",
    *(DAILY := ("versions", "native-rotation", "records")),
)


def component(world: World) -> dict[str, dict[str, str]]:
    """The findings about the component, by what was looked at."""
    return {each["look"]: each for each in operate(world, "doctor", client_id=None)["findings"]}


def application(world: World) -> dict[str, dict[str, str]]:
    """The findings about the application."""
    return {each["look"]: each for each in operate(world, "doctor")["findings"]}


def not_ok(findings: dict[str, dict[str, str]]) -> dict[str, str]:
    return {look: each["verdict"] for look, each in findings.items() if each["verdict"] != "ok"}


def surroundings(world: World) -> Any:
    return world.ports.surroundings()


def denied(operation: str) -> Callable[..., Any]:
    def deny(*_args: object, **_named: object) -> Any:
        raise StoreFailed(f"AWS failed {operation}: AccessDenied.", remedy="none", denied=operation)

    return deny


def with_subscription(world: World) -> None:
    """Everything has been seen: a rotation came, and Amazon's list names the queue."""
    world.clock.advance(minutes=1)
    ask(world)
    world.drain()
    world.amazon.known_queues = [QUEUE_ARN]


def test_all_is_well(world: World) -> None:
    with_subscription(world)
    found = component(world)
    assert tuple(found) == COMPONENT
    assert not_ok(found) == {}
    found = application(world)
    assert tuple(found) == APPLICATION
    assert not_ok(found) == {}


def test_what_is_not_proven_is_unknown(world: World) -> None:
    assert not_ok(application(world)) == {"subscription": "unknown", "destination": "unknown"}


def test_the_component_is_counted(world: World) -> None:
    world.queue.visible += ["one", "two"]
    world.queue.in_flight, world.queue.dead = 1, ["dead"]
    surroundings(world).made_alarms = [
        Alarm("stuck", True, TOPIC_ARN),
        Alarm("errors", True, TOPIC_ARN),
        Alarm("x", False, TOPIC_ARN),
    ]
    found = operate(world, "doctor", client_id=None)
    assert found["queue"] == {"arn": QUEUE_ARN, "waiting": 3, "in_flight": 1, "dead": 1}
    assert found["sounding"] == ["errors", "stuck"]


def no_queue_policy(world: World) -> None:
    world.queue.policy = None


def no_key_grant(world: World) -> None:
    world.queue.key_policy = "{}"


def aws_own_key(world: World) -> None:
    world.queue.key_arn = sender_policy.AWS_OWN_KEY


def denied_by(condition: object) -> str:
    statement = {"Sid": "Perimeter", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    allowed = [sender_policy.queue_statement(QUEUE_ARN), sender_policy.key_statement()]
    return json.dumps({"Statement": [*allowed, {**statement, "Condition": condition}]})


OUTSIDERS = {"StringNotEquals": {"aws:PrincipalOrgID": "o-ours"}}


def queue_denies_outsiders(world: World) -> None:
    world.queue.policy = denied_by(OUTSIDERS)


def key_denies_outsiders(world: World) -> None:
    world.queue.key_policy = denied_by(OUTSIDERS)


def no_queue(world: World) -> None:
    world.queue.exists = False


def dead_letter(world: World) -> None:
    world.queue.dead = ["dead"]


def unclaimed(world: World) -> None:
    world.unclaimed.bodies = ["one", "two"]


def no_mapping(world: World) -> None:
    surroundings(world).readers = []


def mapping_off(world: World) -> None:
    surroundings(world).readers = [QueueReader(False, "")]


def mapping_in_trouble(world: World) -> None:
    surroundings(world).readers = [QueueReader(True, "PROBLEM: the role may not.")]


def schedule_off(world: World) -> None:
    world.ports.schedules.enabled = False  # type: ignore[attr-defined]


def quiet_log(world: World) -> None:
    surroundings(world).level = "WARN"


def no_alarms(world: World) -> None:
    surroundings(world).made_alarms = []


def mute_alarm(world: World) -> None:
    surroundings(world).made_alarms = [Alarm("expired", False, "")]


def sounding_alarm(world: World) -> None:
    surroundings(world).made_alarms = [Alarm("expired", True, TOPIC_ARN)]


def no_subscriber(world: World) -> None:
    surroundings(world).heard_by = Subscribers(0, 0)


def unconfirmed(world: World) -> None:
    surroundings(world).heard_by = Subscribers(0, 1)


MEND = "pulumi up --refresh"
SUBSCRIBE = f"aws sns subscribe --topic-arn {TOPIC_ARN} --protocol email --notification-endpoint you@example.com"

BROKEN_COMPONENT: list[tuple[Break, str, str, str]] = [
    (no_queue_policy, "queue", "AllowAmazonToSend", MEND),
    (queue_denies_outsiders, "queue", "in the statement Perimeter", MEND),
    (key_denies_outsiders, "key", "in the statement Perimeter", MEND),
    (no_queue, "queue", "There is no queue", ""),
    (no_key_grant, "key", "AllowAmazonToEncrypt", MEND),
    (aws_own_key, "key", "alias/aws/sqs", ""),
    (dead_letter, "dead-letters", "1 message(s)", "spapi-rotation redrive"),
    (unclaimed, "unclaimed", "2 message(s)", ""),
    (no_mapping, "mapping", "does not read the queue", MEND),
    (mapping_off, "mapping", "does not read the queue", MEND),
    (mapping_in_trouble, "mapping", "PROBLEM: the role may not.", ""),
    (schedule_off, "schedules", "for shop", MEND),
    (quiet_log, "log-level", "It is WARN", MEND),
    (no_alarms, "alarms", "There are none", MEND),
    (mute_alarm, "alarms", "These notify nobody: expired", MEND),
    (sounding_alarm, "alarms", "expired of 1 sound", ""),
    (no_subscriber, "subscribers", "has no subscriber", SUBSCRIBE),
    (unconfirmed, "subscribers", "wait to be confirmed", ""),
]


@pytest.mark.rule(id="OPS-9")
@pytest.mark.parametrize(
    ("broken", "look", "words", "command"), BROKEN_COMPONENT, ids=[each[0].__name__ for each in BROKEN_COMPONENT]
)
def test_what_is_wrong_with_the_component_is_found(
    world: World, broken: Break, look: str, words: str, command: str
) -> None:
    broken(world)
    found = component(world)
    hidden = {"subscribers": "unknown"} if broken in (no_alarms, mute_alarm) else {}
    assert not_ok(found) == {look: "failed", **hidden}
    assert words in found[look]["detail"]
    assert found[look]["remedy"]
    assert found[look]["command"] == command


def unreadable(world: World) -> None:
    world.write("no JSON")


def dead_in_use(world: World) -> None:
    for one in world.amazon.alive:
        one.expires_at = world.clock.now()


def other_client(world: World) -> None:
    world.seed(client_secret="canary-other")


def no_right_to_the_call(world: World) -> None:
    world.amazon.calls_allowed = False


def clocks_apart(world: World) -> None:
    world.amazon.ahead = timedelta(minutes=-6)


def not_accepted(world: World) -> None:
    world.amazon.usable_after = timedelta(hours=1)
    with_subscription(world)


def expired_with_pending(world: World) -> None:
    expired(world)
    put(world, Label.PENDING, "canary-p", client_secret_issued_at=world.clock.now() - timedelta(hours=1))


BROKEN_APPLICATION: list[tuple[Break, str, str, str]] = [
    (unseeded, "secret", "no credentials", "seed shop"),
    (unreadable, "secret", "is not a JSON object", "seed shop"),
    (undated, "dates", "It is unknown when", "rotate shop"),
    (expired, "dates", "died at", "seed shop"),
    (expired_with_pending, "dates", "died at", "promote shop"),
    (overdue, "request", "has not come since", "rotate shop --force"),
    (refused, "request", "refused the request", "rotate shop"),
    (rejected, "rejected", "is rejected", "promote shop"),
    (dead_in_use, "accepted", "does not accept the secret in use (the verification call: expired)", "seed shop"),
    (no_right_to_the_call, "accepted", "denies the verification call (the verification call: denied)", ""),
    (other_client, "accepted", "does not accept the secret in use (Login with Amazon: invalid_client)", "seed shop"),
    (stuck, "pending", "does not accept the pending secret", "promote shop"),
    (not_accepted, "pending", "does not accept the pending secret", "promote shop"),
    (clocks_apart, "clock", "6 minutes apart", ""),
]


@pytest.mark.rule(id="OPS-9")
@pytest.mark.parametrize(
    ("broken", "look", "words", "command"), BROKEN_APPLICATION, ids=[each[0].__name__ for each in BROKEN_APPLICATION]
)
def test_what_is_wrong_with_an_application_is_found(
    world: World, broken: Break, look: str, words: str, command: str
) -> None:
    broken(world)
    found = application(world)
    assert found[look]["verdict"] == "failed", found
    assert words in found[look]["detail"]
    assert found[look]["remedy"]
    assert found[look]["command"] == (f"spapi-rotation {command}" if command else "")


@pytest.mark.parametrize("broken", [unseeded, unreadable])
def test_without_credentials_amazon_is_not_asked(world: World, broken: Break) -> None:
    broken(world)
    assert tuple(application(world)) == (*APPLICATION[:6], *DAILY)


def test_a_command_names_an_application_without_a_name_by_its_client_id(make_world: MakeWorld) -> None:
    world = make_world()
    world.ports.schedules.is_there = False  # type: ignore[attr-defined]
    found = operate(world, "doctor", application=None)["findings"]
    commands = [each["command"] for each in found if each["look"] == "secret"]
    assert commands == [f"spapi-rotation seed --client-id {CLIENT_ID}"]


RIGHTS: list[tuple[str, str, str]] = [
    ("surroundings.queue_readers", "lambda:ListEventSourceMappings", "mapping"),
    ("surroundings.alarms", "cloudwatch:DescribeAlarms", "alarms"),
    ("surroundings.subscribers", "sns:ListSubscriptionsByTopic", "subscribers"),
    ("schedules.applications", "scheduler:ListSchedules", "schedules"),
    ("queue.inspect", "sqs:GetQueueAttributes", "queue"),
    ("unclaimed.counts", "sqs:GetQueueAttributes", "unclaimed"),
]


@pytest.mark.rule(id="OPS-9")
@pytest.mark.parametrize(("call", "right", "look"), RIGHTS)
def test_a_missing_right_makes_one_look_unknown_and_is_summed_up(
    world: World, monkeypatch: pytest.MonkeyPatch, call: str, right: str, look: str
) -> None:
    port, method = call.split(".")
    asked = world.ports.surroundings() if port == "surroundings" else getattr(world.ports, port)
    monkeypatch.setattr(type(asked), method, denied(right))
    found = component(world)
    hidden = {"subscribers": "unknown"} if look == "alarms" else {}
    assert not_ok(found) == {"permissions": "failed", look: "unknown", **hidden}
    assert found[look]["needs"] == right
    assert right in found["permissions"]["detail"]


def test_what_may_deny_amazon_is_unknown(world: World) -> None:
    world.queue.policy = world.queue.key_policy = denied_by({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    found = component(world)
    assert not_ok(found) == {"queue": "unknown", "key": "unknown"}
    assert "Perimeter" in found["queue"]["detail"]
    assert "10.0.0.0" not in str(found)


def test_an_unreadable_key_policy_is_unknown(world: World) -> None:
    world.queue.key_policy = None
    found = component(world)
    assert not_ok(found) == {"permissions": "failed", "key": "unknown"}
    assert found["key"]["needs"] == "kms:GetKeyPolicy"


def test_a_secret_that_may_not_be_read_is_unknown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(world.store), "versions", denied("secretsmanager:ListSecretVersionIds"))
    found = application(world)
    assert not_ok(found) == {"permissions": "failed", "secret": "unknown", "records": "unknown", "versions": "unknown"}


def test_one_defective_look_hides_no_other_and_no_text_of_it_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_args: object) -> Any:
        raise KeyError(world.amazon.newest.text)

    monkeypatch.setattr(type(world.ports.surroundings()), "log_level", defect)
    found = component(world)
    assert not_ok(found) == {"log-level": "unknown"}
    assert "Unexpected KeyError" in found["log-level"]["detail"]


def test_a_failure_that_is_no_matter_of_rights_is_unknown_without_a_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(*_args: object) -> Any:
        raise StoreFailed("AWS failed cloudwatch:DescribeAlarms: Throttling.", remedy="Wait.")

    monkeypatch.setattr(type(world.ports.surroundings()), "alarms", throttled)
    assert not_ok(component(world)) == {"alarms": "unknown", "subscribers": "unknown"}
    assert operate(world, "doctor", client_id=None)["sounding"] is None


def test_a_component_without_alarms_has_nobody_to_tell(world: World) -> None:
    surroundings(world).has_alarms = False
    surroundings(world).made_alarms, surroundings(world).heard_by = [], Subscribers(0, 0)
    assert not_ok(component(world)) == {}


@pytest.mark.parametrize("level", ["", "INFO", "DEBUG", "TRACE"])
def test_levels_that_keep_the_metrics_are_well(world: World, level: str) -> None:
    surroundings(world).level = level
    assert not_ok(component(world)) == {}


def test_a_queue_without_a_key_is_well(world: World) -> None:
    world.queue.key_arn = None  # type: ignore[assignment]
    assert not_ok(component(world)) == {}


def test_what_amazon_does_not_say_is_unknown(world: World) -> None:
    with_subscription(world)
    world.amazon.call_answer = CallAnswer.THROTTLED
    assert not_ok(application(world)) == {"accepted": "unknown", "destination": "unknown"}
    world.amazon.call_answer = None
    world.amazon.token_failures.append(
        TokenNotIssued("busy", remedy="none", code="http_503", fault=TokenFault.UNAVAILABLE)
    )
    found = application(world)
    assert not_ok(found) == {"accepted": "unknown", "destination": "unknown", "clock": "unknown"}
    assert "http_503" in found["accepted"]["detail"]


@pytest.mark.rule(id="LWA-2")
def test_a_fault_of_the_set_up_is_not_blamed_on_the_secret_and_brings_its_own_remedy(world: World) -> None:
    error = TokenNotIssued("refused", remedy="Mend the set-up.", code="invalid_scope", fault=TokenFault.SETUP)
    world.amazon.token_failures.append(error)
    found = application(world)["accepted"]
    assert (found["verdict"], found["remedy"]) == ("unknown", "Mend the set-up.")
    assert "invalid_scope" in found["detail"]


def test_where_the_verification_call_is_switched_off_it_is_not_made(make_world: MakeWorld) -> None:
    world = make_world(verification=Verification.LWA)
    world.seed()
    world.amazon.calls_allowed = False
    assert not_ok(application(world)) == {"subscription": "unknown", "destination": "unknown", "clock": "unknown"}


def test_the_clocks_may_be_five_minutes_apart(world: World) -> None:
    world.amazon.ahead = timedelta(minutes=5)
    assert application(world)["clock"]["verdict"] == "ok"
    world.amazon.ahead = timedelta(minutes=5, seconds=1)
    assert application(world)["clock"]["verdict"] == "failed"


@pytest.mark.rule(id="OPS-9")
@pytest.mark.parametrize("broken", [each[0] for each in BROKEN_APPLICATION], ids=lambda each: each.__name__)
def test_it_changes_nothing_and_never_rotates(world: World, broken: Break) -> None:
    broken(world)
    before, posts = copy.deepcopy(world.store.secrets), world.amazon.posts
    queue = copy.deepcopy(world.queue)
    world.recorder.metrics.clear()
    application(world)
    component(world)
    assert (world.store.secrets, world.amazon.posts, world.queue) == (before, posts, queue)
    assert world.recorder.metrics == []
