"""The alarms: what each watches, that none flaps between two checks, and what it says to whoever is woken by it."""

import fnmatch
import itertools
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest

import spapi_rotation_lambda
from spapi_rotation import InvalidArgument
from spapi_rotation.component import OUTPUTS
from spapi_rotation.resources.alarm_catalog import (
    ALARM_CATALOG,
    NEXT_CHECK,
    NEXT_DAILY,
    AlarmDefinition,
    Missing,
    Source,
    Span,
)
from spapi_rotation.resources.schedule import FLEXIBLE_WINDOW_MINUTES, RETRY_AGE_SECONDS
from spapi_rotation_lambda.adapters.telemetry import LambdaTelemetry
from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.daily_slot import is_daily_slot
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.ports import Metric
from spapi_rotation_lambda.settings import NUMBERS, Env
from spapi_rotation_lambda.use_cases.receive import Receipt
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Recording, client_id, deploy_component

SERVICE = f"{PROJECT}/{STACK}/rotation"
OWN = {"namespace": "SpApiRotation", "dimensions": {"service": SERVICE}}
PAGER = f"arn:aws:sns:{REGION}:{ACCOUNT}:pager"

CHECK_INTERVAL = NUMBERS[Env.CHECK_INTERVAL_HOURS]
CHECK_HOURS = range(int(CHECK_INTERVAL.low), int(CHECK_INTERVAL.high) + 1)
LATE_BY = timedelta(minutes=FLEXIBLE_WINDOW_MINUTES, seconds=RETRY_AGE_SECONDS)
"""By how much the schedule can be late with a check."""

named = pytest.mark.parametrize("alarm", ALARM_CATALOG, ids=lambda alarm: alarm.name)


def queue(name: str, metric: str) -> dict[str, Any]:
    return {"namespace": "AWS/SQS", "dimensions": {"QueueName": f"rotation-{name}-0000001"}, "metricName": metric}


def function(metric: str) -> dict[str, Any]:
    return {
        "namespace": "AWS/Lambda",
        "dimensions": {"FunctionName": "rotation-function-0000001"},
        "metricName": metric,
    }


def own(metric: str) -> dict[str, Any]:
    return {**OWN, "metricName": metric}


def judged(
    statistic: str, operator: str, threshold: float, breaches: int, periods: int, seconds: int
) -> dict[str, Any]:
    return {
        "statistic": statistic,
        "comparisonOperator": operator,
        "threshold": threshold,
        "datapointsToAlarm": breaches,
        "evaluationPeriods": periods,
        "period": seconds,
        "treatMissingData": "notBreaching",
    }


def difference(one: dict[str, Any], other: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
    """As CloudWatch judges the difference of two metrics."""
    how = dict(how)
    each = {"stat": how.pop("statistic"), "period": how.pop("period")}
    return {
        **how,
        "metricQueries": [
            {"id": "difference", "expression": "watched - FILL(less, 0)", "label": "errors", "returnData": True},
            {"id": "watched", "metric": {**one, **each}},
            {"id": "less", "metric": {**other, **each}},
        ],
    }


AT_LEAST, LESS = "GreaterThanOrEqualToThreshold", "LessThanThreshold"
VISIBLE = "ApproximateNumberOfMessagesVisible"
ONCE_IN_3_HOURS = judged("Sum", AT_LEAST, 1, 1, 3, 3600)
ANY_VALUE_IN_3_HOURS = judged("Minimum", LESS, 1000, 1, 3, 3600)
ONCE_IN_27_HOURS = judged("Sum", AT_LEAST, 1, 1, 27, 3600)
ONCE_IN_A_DAY = judged("Sum", AT_LEAST, 1, 1, 24, 3600)
ANY_NOW = judged("Maximum", AT_LEAST, 1, 1, 1, 300)

EXPECTED: dict[str, dict[str, Any]] = {
    "queue-age": {
        **queue("queue", "ApproximateAgeOfOldestMessage"),
        **judged("Maximum", AT_LEAST, 1800, 1, 1, 300),
    },
    "dead-letters": {**queue("dead-letter-queue", VISIBLE), **ANY_NOW},
    "unclaimed": {**queue("unclaimed-queue", VISIBLE), **ANY_NOW},
    "operations": {**queue("operations-queue", "NumberOfMessagesSent"), **ONCE_IN_3_HOURS},
    "errors": difference(function("Errors"), own("RotationsOnUpDeclined"), ONCE_IN_3_HOURS),
    "unknown-messages": {**own("UnknownMessages"), **judged("Sum", AT_LEAST, 1, 1, 2, 3600)},
    "throttles": {**function("Throttles"), **judged("Sum", AT_LEAST, 1, 3, 12, 300)},
    "heartbeat": {**own("Checks"), **judged("Sum", LESS, 1, 4, 4, 3600), "treatMissingData": "breaching"},
    "overdue": {**own("DaysLeftWhileOverdue"), **ANY_VALUE_IN_3_HOURS},
    "stuck": {**own("DaysLeftWhileStuck"), **ANY_VALUE_IN_3_HOURS},
    "expired": {**own("SecretsExpired"), **ONCE_IN_27_HOURS},
    "denied": {**own("SecretsDenied"), **ONCE_IN_27_HOURS},
    "contradictory": {**own("ContradictoryMessages"), **ONCE_IN_A_DAY},
    "order-unknown": {**own("SecretsOfUnknownOrder"), **ONCE_IN_3_HOURS},
    "overwritten": {**own("SecretsOverwritten"), **ONCE_IN_A_DAY},
    "rejected": {**own("SecretsRejected"), **ONCE_IN_3_HOURS},
    "unseen-rotation": {**own("UnseenRotations"), **ONCE_IN_A_DAY},
    "refused": {**own("RequestsRefused"), **ONCE_IN_27_HOURS},
    "look-failed": {**own("LooksFailed"), **ONCE_IN_27_HOURS},
    "not-published": {**own("EventsNotPublished"), **ONCE_IN_3_HOURS},
    "unseeded": {**own("SecretsUnseeded"), **judged("Sum", AT_LEAST, 1, 2, 3, 86_400)},
    "days-to-expiry": {**own("DaysToExpiry"), **judged("Minimum", LESS, 21, 1, 3, 3600)},
}


@pytest.fixture(scope="module")
def recording() -> Recording:
    return deploy_component()


def deployed(recording: Recording, name: str) -> dict[str, Any]:
    return dict(recording.named(f"rotation-alarm-{name}").inputs)


def test_every_alarm_is_expected() -> None:
    assert [alarm.name for alarm in ALARM_CATALOG] == list(EXPECTED)


@named
def test_alarm_is_exactly_this(recording: Recording, alarm: AlarmDefinition) -> None:
    inputs = deployed(recording, alarm.name)
    assert inputs.pop("tags")
    assert inputs == {
        **EXPECTED[alarm.name],
        "name": f"{SERVICE}/{alarm.name}",
        "alarmDescription": f"{alarm.description} Runbook: docs/runbook.md#{alarm.name}",
        "alarmActions": [f"arn:aws:sns:{REGION}:{ACCOUNT}:rotation-alarm-topic-0000001"],
    }


def test_alarms_do_not_scale_with_the_applications(recording: Recording) -> None:
    fleet = deploy_component(applications={f"app{n}": {"client_id": client_id(n)} for n in range(1, 21)})
    one, many = (
        {each.name: each.inputs for each in made.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")}
        for made in (recording, fleet)
    )
    assert one == many


OWN_METRICS = [
    *(alarm.metric for alarm in ALARM_CATALOG if alarm.source is Source.OWN),
    *(alarm.less.value for alarm in ALARM_CATALOG if alarm.less is not None),
]


def watched(inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm looks at."""
    return [each["metric"] for each in inputs.get("metricQueries", ()) if "metric" in each] or [inputs]


@pytest.mark.parametrize("metric", OWN_METRICS)
def test_function_writes_the_metric_where_the_alarm_looks(
    metric: str, recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = recording.named("rotation-function").inputs["environment"]["variables"]
    telemetry = LambdaTelemetry(variables["COMPONENT"])
    telemetry.count(Metric(metric), 1.0)
    written = json.loads(capsys.readouterr().out)
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    every = [each for alarm in ALARM_CATALOG for each in watched(deployed(recording, alarm.name))]
    (inputs,) = [each for each in every if each["metricName"] == metric]
    (dimensions,) = directive["Dimensions"]
    assert directive["Namespace"] == inputs["namespace"]
    assert {name: written[name] for name in dimensions} == inputs["dimensions"]
    assert [each["Name"] for each in directive["Metrics"]] == [metric]


def test_every_state_that_waits_for_a_person_has_an_alarm() -> None:
    quiet = {State.CURRENT, State.UNDATED, State.REQUESTED, State.RECEIVED}
    alarms = {
        State.UNSEEDED: "unseeded",
        State.EXPIRED: "expired",
        State.DENIED: "denied",
        State.STUCK: "stuck",
        State.OVERDUE: "overdue",
        State.REJECTED: "rejected",
        State.REFUSED: "refused",
    }
    assert quiet | set(alarms) == set(State)
    assert set(alarms.values()) <= set(EXPECTED)


@named
def test_cloudwatch_accepts_how_far_back_an_alarm_looks(alarm: AlarmDefinition) -> None:
    most = 7 * 86_400 if alarm.span.period_seconds >= 3600 else 86_400
    assert alarm.span.period_seconds % 60 == 0
    for hours in CHECK_HOURS:
        periods = alarm.span.periods(hours)
        assert periods * alarm.span.period_seconds <= most
        assert 1 <= (alarm.breaches or periods) <= periods


def reach(span: Span, hours: int) -> timedelta:
    """A datum younger than this is among the periods."""
    return timedelta(seconds=span.periods(hours) * span.period_seconds)


def test_what_each_check_reports_anew_keeps_its_alarm() -> None:
    for hours in CHECK_HOURS:
        assert timedelta(hours=hours) + LATE_BY < reach(NEXT_CHECK, hours)


@pytest.mark.parametrize("hours", CHECK_HOURS)
def test_what_the_daily_try_finds_keeps_its_alarm(hours: int) -> None:
    every = timedelta(hours=hours)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    checks = [start + every * number for number in range(1000)]
    tries = [each for each in checks if is_daily_slot(client_id(1), each, every)]
    longest = max(later - earlier for earlier, later in itertools.pairwise(tries))
    assert longest + LATE_BY < reach(NEXT_DAILY, hours)


def test_a_check_that_fails_each_time_keeps_the_operations_alarm_and_one_that_does_not_ends_it() -> None:
    (operations,) = [alarm for alarm in ALARM_CATALOG if alarm.name == "operations"]
    assert operations.missing is Missing.NOT_BREACHING
    for hours in CHECK_HOURS:
        assert timedelta(hours=hours) + LATE_BY < reach(operations.span, hours)
        assert reach(operations.span, hours) <= timedelta(hours=hours + 2)


def oldest_age(at: float, received: list[float], leaves: int) -> float:
    """The queue's ApproximateAgeOfOldestMessage for one message, sent at 0 and never deleted."""
    return 0 if sum(each <= at for each in received) >= leaves else at


LEAVES_THE_METRIC = pytest.mark.parametrize("leaves", [3, 4])
"""Received "three times (or more)", or "more than three times": the SQS developer guide has both."""


@LEAVES_THE_METRIC
@pytest.mark.parametrize(
    ("first", "deliveries", "sounds"),
    [
        pytest.param(0, 0, True, id="nobody takes it"),
        pytest.param(0, 1, True, id="taken once, then no more"),
        pytest.param(0, 2, True, id="taken twice, then no more"),
        pytest.param(0, 240, False, id="the function fails on it"),
        pytest.param(4 * 3600, 240, True, id="nobody takes it for 4 hours, then the function fails on it"),
    ],
)
def test_the_queue_age_alarm_tells_of_a_message_that_lambda_does_not_take(
    recording: Recording, leaves: int, first: int, deliveries: int, sounds: bool
) -> None:
    every = recording.named("rotation-queue").inputs["visibilityTimeoutSeconds"]
    alarm = deployed(recording, "queue-age")
    received = [first + number * every for number in range(deliveries)]
    ages = {at: oldest_age(at, received, leaves) for at in range(0, 86_400, 60)}
    over = [at for at, age in ages.items() if age >= alarm["threshold"]]
    assert bool(over) is sounds
    assert not over or over[0] == 30 * 60
    # It ends with the metric, although the message is there: the description says so.
    ends = first + (leaves - 1) * every
    assert not over or over[-1] == (ends - 60 if deliveries >= leaves else 86_340)


def test_the_queue_age_alarm_says_what_its_metric_leaves_out(recording: Recording) -> None:
    said = deployed(recording, "queue-age")["alarmDescription"]
    assert "received three times no longer counts in this alarm's metric, so this alarm may end" in said
    named = said.partition("still there: the alarms ")[2].partition(" cover that case")[0]
    assert re.split(", | and ", named) == ["errors", "throttles", "unknown-messages"]
    assert set(re.split(", | and ", named)) < set(EXPECTED)


def test_a_refused_request_that_is_repeated_keeps_its_alarm() -> None:
    for hours in CHECK_HOURS:
        assert rules.LATER_REFUSAL_WAIT + timedelta(hours=hours) + LATE_BY < reach(NEXT_DAILY, hours)


def test_the_heartbeat_forgives_one_lost_check_and_not_three() -> None:
    (heartbeat,) = [alarm for alarm in ALARM_CATALOG if alarm.name == "heartbeat"]
    for hours in CHECK_HOURS:
        assert 2 * timedelta(hours=hours) + LATE_BY < reach(heartbeat.span, hours)
        assert reach(heartbeat.span, hours) <= 4 * timedelta(hours=hours)


@pytest.mark.parametrize("late", [False, True])
def test_alarms_follow_the_check_interval_and_the_days_to_expiry(late: bool) -> None:
    give: Any = pulumi.Output.from_input if late else lambda value: value
    recording = deploy_component(check_interval_hours=give(24.0), expiry_alarm_days=give(30.0))
    periods = {name: deployed(recording, name)["evaluationPeriods"] for name in EXPECTED}
    assert periods == {
        name: {1: 1, 2: 2, 3: 26, 4: 50, 12: 12, 24: 24, 27: 50}[each["evaluationPeriods"]]
        for name, each in EXPECTED.items()
        if name != "unseeded"
    } | {"unseeded": 3}
    assert deployed(recording, "heartbeat")["datapointsToAlarm"] == 50
    assert deployed(recording, "overdue")["datapointsToAlarm"] == 1
    assert deployed(recording, "days-to-expiry")["threshold"] == 30


@named
def test_alarm_says_the_state_and_then_what_to_do(alarm: AlarmDefinition) -> None:
    state, _, remedy = alarm.description.partition(" What to do: ")
    assert state.endswith((".", ":"))
    assert remedy.endswith(".")
    longest_address = 150
    assert len(f"{alarm.description} Runbook: #{alarm.name}") + longest_address <= 1024
    assert "  " not in alarm.description
    assert alarm.description.isascii()


WAYS_OUT = {
    "overdue": (
        "replace_by of delivery_overdue in the log",
        "`spapi-rotation register`",
        "`spapi-rotation dead-letters`",
        "`spapi-rotation rotate --force`",
        "create a secret by hand in the Developer Console: its message comes",
        "`spapi-rotation seed`",
    ),
    "stuck": (
        "old_secret_dies_at of secret_stuck in the log",
        "Each check tries again",
        "`spapi-rotation promote`",
        "verification set to lwa",
        "`spapi-rotation reject`",
        "by hand in Amazon's Developer Console and `spapi-rotation seed` it",
        "`spapi-rotation rotate --force`",
    ),
}


@pytest.mark.rule(id="CHK-6")
@pytest.mark.parametrize("name", WAYS_OUT)
def test_who_has_to_act_in_time_is_told_the_day_and_every_way_out(recording: Recording, name: str) -> None:
    text = deployed(recording, name)["alarmDescription"]
    assert "The number in this alarm's reason is how many days" in text
    assert "of several applications, the fewest." in text
    assert "`spapi-rotation status`" in text
    for way in WAYS_OUT[name]:
        assert way in text


@named
def test_what_an_alarm_tells_to_look_for_in_the_log_is_logged(alarm: AlarmDefinition) -> None:
    code = "".join(file.read_text() for file in Path(spapi_rotation_lambda.__file__).parent.rglob("*.py"))
    logged = {f"secret_{each.value}" for each in Receipt} | set(OUTPUTS)
    for word in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", alarm.description):
        assert word in logged or f'"{word}"' in code or f"{word}=" in code, word
    for word in re.findall(r"\bstate ([A-Z]+)\b", alarm.description):
        assert State(word)


def test_alarms_and_topic_can_be_switched_off() -> None:
    recording = deploy_component(alarms=False)
    types = {each.type for each in recording.resources}
    assert not types & {"aws:cloudwatch/metricAlarm:MetricAlarm", "aws:sns/topic:Topic"}
    assert recording.outputs.get("alarm_topic_arn") is None


def test_switched_off_alarms_make_no_use_of_a_given_topic() -> None:
    recording = deploy_component(alarms=False, alarm_topic_arn=PAGER)
    assert recording.outputs.get("alarm_topic_arn") is None


@pytest.mark.parametrize("late", [False, True])
def test_a_given_topic_is_used_and_none_is_made(late: bool) -> None:
    recording = deploy_component(alarm_topic_arn=pulumi.Output.from_input(PAGER) if late else PAGER)
    assert not recording.of_type("aws:sns/topic:Topic")
    assert recording.outputs["alarm_topic_arn"] == PAGER
    for each in recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm"):
        assert each.inputs["alarmActions"] == [PAGER]


def test_a_topic_of_another_account_will_do() -> None:
    other = f"arn:aws:sns:{REGION}:999999999999:pager"
    assert deploy_component(alarm_topic_arn=other).outputs["alarm_topic_arn"] == other


def test_a_topic_of_another_region_is_refused_in_the_preview() -> None:
    with pytest.raises(InvalidArgument, match=r"alarm_topic_arn is in the region eu-west-1.*us-east-1"):
        deploy_component(alarm_topic_arn=f"arn:aws:sns:eu-west-1:{ACCOUNT}:pager", preview=True)


def test_topic_is_encrypted_by_the_components_key(recording: Recording) -> None:
    topic = dict(recording.named("rotation-alarm-topic").inputs)
    assert topic.pop("tags")
    assert topic == {"kmsMasterKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/rotation-key-0000001"}


def test_the_policies_name_every_alarm(recording: Recording) -> None:
    topic, key = recording.named("rotation-alarm-topic-policy"), recording.named("rotation-key")
    statements = [*topic.policy()["Statement"], *key.policy()["Statement"]]
    patterns = [each["Condition"]["ArnLike"]["aws:SourceArn"] for each in statements if each["Sid"] == "AllowAlarms"]
    assert len(patterns) == 2
    for each in recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm"):
        arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{each.inputs['name']}"
        assert all(fnmatch.fnmatchcase(arn, pattern) for pattern in patterns)
