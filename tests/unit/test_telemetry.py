"""Log lines and metrics in AWS's own formats."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from spapi_rotation_lambda.adapters.telemetry import NAMESPACE, LambdaTelemetry, quiet_http_libraries
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import RotationDeclined
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.handler import dispatch
from spapi_rotation_lambda.ports import Answer, CallAnswer, Metric, RotateAnswer
from tests.fakes.world import CLIENT_ID, World
from tests.unit.conftest import MakeWorld
from tests.unit.support import assert_silent

APPLICATION = Application("shop", CLIENT_ID, "prefix/name")
Line = dict[str, Any]
Begin = Callable[[], LambdaTelemetry]


class Output:
    """What was written to standard output, as JSON lines."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.text = ""

    def lines(self) -> list[Line]:
        self.text = self._capsys.readouterr().out
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Iterator[Output]:
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore", "botocore", "boto3", "urllib3")}
    yield Output(capsys)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def begin(output: Output, request: pytest.FixtureRequest) -> Begin:
    """Begins telemetry, in the test itself."""
    return lambda: LambdaTelemetry(f"service-{request.node.name}")


def test_a_line_is_json_with_the_application_and_rfc_3339_times(begin: Begin, output: Output) -> None:
    telemetry = begin()
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    telemetry.info("secret_promoted", APPLICATION, version_id="v", at=at, nothing=None)
    telemetry.warning("queue_odd")
    first, second = output.lines()
    assert (first["level"], first["message"]) == ("INFO", "secret_promoted")
    assert (first["application"], first["client_id"], first["version_id"]) == ("shop", CLIENT_ID, "v")
    assert first["at"] == "2026-03-01T12:00:00.000Z"
    assert (second["level"], second["message"]) == ("WARNING", "queue_odd")
    assert "application" not in second


def test_a_line_begins_as_readme_shows_it_and_holds_no_needless_blank(begin: Begin, output: Output) -> None:
    begin().info("secret_stored")
    output.lines()
    assert output.text.startswith('{"level":"INFO","message":"secret_stored",')
    assert " " not in output.text


@pytest.mark.rule(id="REC-16")
def test_each_line_carries_the_id_of_its_invocation(begin: Begin, output: Output) -> None:
    telemetry = begin()
    for request_id in ("one", "two", None, 5):
        telemetry.begin(request_id)
        telemetry.info("x", APPLICATION, request_id="amazons")
    lines = output.lines()
    assert [line.get("function_request_id") for line in lines] == ["one", "two", None, None]
    assert {line["request_id"] for line in lines} == {"amazons"}


def test_a_sensitive_field_is_stars_even_so(begin: Begin, output: Output) -> None:
    begin().info("x", APPLICATION, token=Sensitive("canary-token"))
    (line,) = output.lines()
    assert line["token"] == "***"


@pytest.mark.parametrize("metric", list(Metric))
def test_each_metric_is_one_line_with_the_service_as_its_only_dimension(
    metric: Metric, begin: Begin, output: Output, request: pytest.FixtureRequest
) -> None:
    begin().count(metric, 2.5)
    (line,) = output.lines()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    unit = "None" if metric in (Metric.DAYS_TO_EXPIRY, Metric.OVERDUE, Metric.STUCK) else "Count"
    assert directive["Namespace"] == NAMESPACE == "SpApiRotation"
    assert directive["Dimensions"] == [["service"]]
    assert directive["Metrics"] == [{"Name": metric.value, "Unit": unit}]
    assert line[metric.value] == [2.5]
    assert line["service"] == f"service-{request.node.name}"


@pytest.mark.rule(id="UP-6")
def test_a_declined_request_of_up_bears_the_time_of_its_invocation_and_no_other_metric_does(
    begin: Begin, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Lambda's own Errors, from which an alarm subtracts it, so that both are in one period."""
    telemetry = begin()
    start = time.time() - 90
    with monkeypatch.context() as patched:
        patched.setattr("spapi_rotation_lambda.adapters.telemetry.time.time", lambda: start)
        telemetry.begin("one")
    for metric in Metric:
        telemetry.count(metric)
    began = [line["_aws"]["Timestamp"] == int(start * 1000) for line in output.lines()]
    assert began == [metric is Metric.DECLINED_ON_UP for metric in Metric]


def test_http_libraries_are_quiet_where_they_would_show_requests(output: Output) -> None:
    for name in ("httpx", "httpcore", "botocore", "boto3", "urllib3"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    quiet_http_libraries()
    for name in ("httpx", "httpcore.http11", "httpcore.connection", "botocore.endpoint", "urllib3.connectionpool"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_all_that_the_use_cases_say_can_be_written(make_world: MakeWorld, begin: Begin, output: Output) -> None:
    """None is something that JSON cannot hold, and no field hides one that each line has."""
    telemetry, worlds = begin(), list[World]()

    def fresh(**options: Any) -> World:
        world = make_world()
        world.ports = replace(world.ports, telemetry=telemetry)
        worlds.append(world)
        if options.get("seeded", True):
            world.seed(dated=options.get("dated", True))
        world.clock.advance(days=options.get("days", 60))
        return world

    plain = fresh()
    plain.check()
    body = plain.queue.visible[0]
    plain.drain()
    plain.hand_over(body)
    plain.run(hours=30)
    plain.seed(plain.amazon.ever[0])
    plain.check()
    plain.hand_over(plain.amazon.expiry_notice(plain.clock.now()))
    plain.hand_over(plain.amazon.expiry_notice(plain.amazon.newest.expires_at))

    refused = fresh()
    refused.queue.key_policy = None
    refused.amazon.answers.append((RotateAnswer(Answer.REFUSED, 400, "InvalidInput"), False))
    refused.check()
    refused.amazon.answers.append((RotateAnswer(Answer.UNKNOWN, 0, "ReadTimeout"), False))
    refused.run(hours=7)

    stuck = fresh()
    stuck.amazon.usable_after = timedelta(days=30)
    stuck.check()
    stuck.run(hours=24 * 6 + 12)
    stuck.store.move(stuck.secret_id, Label.REJECTED, to=stuck.labels()[Label.PENDING], away_from=None)
    stuck.check()

    undated = fresh(dated=False, days=0)
    undated.amazon.rotate_by_hand()
    undated.clock.advance(minutes=1)
    undated.drain()
    undated.amazon.call_answer = CallAnswer.ACCEPTED
    undated.run(hours=24 * 9)
    newest = undated.amazon.newest
    told = undated.amazon.message(newest, undated.clock.now(), "again").replace(newest.text, f"{newest.text}-not")
    undated.hand_over(told)

    unseeded = fresh(seeded=False)
    unseeded.check()
    unseeded.hand_over(unseeded.amazon.expiry_notice(unseeded.clock.now()))
    with pytest.raises(RotationDeclined):
        dispatch(unseeded.ports, {"action": "rotate_on_up", "client_id": CLIENT_ID, "trigger": "first"})

    lines = output.lines()
    said = {line["message"] for line in lines if "message" in line}
    assert {
        *("rotation_requested", "rotation_refused", "rotation_request_unclear", "rotation_declined"),
        *(
            "secret_stored",
            "secret_duplicate",
            "secret_contradictory",
            "secret_promoted",
            "order_unknown",
            "pending_contradicts_current",
        ),
        *("secret_not_yet_accepted", "secret_stuck", "newer_secret_overwritten", "current_secret_tried"),
        *("expiry_notice_of_unknown_secret", "expiry_notice_for_unseeded_secret", "key_policy_unreadable", "check"),
    } <= said
    assert {line["application"] for line in lines if "message" in line} == {"shop"}
    for world in worlds:
        assert_silent(world, output.text)
