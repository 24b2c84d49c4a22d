"""The dashboard: what CloudWatch takes, every alarm on it, rows named as the runbook, and the same for a fleet."""

import json
from datetime import UTC, datetime
from typing import Any

import pulumi
import pytest

from sandbox.provider.dashboard_body import problems
from spapi_rotation.resources.alarm_catalog import ALARM_CATALOG, EVERY_ALARM, RESTART_ALARMS
from spapi_rotation.resources.dashboard import COLUMNS, dashboard_name
from spapi_rotation.resources.rows import ALARMS, Row
from spapi_rotation_lambda.adapters.telemetry import LambdaTelemetry
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.ports import Metric
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Recording, client_id, deploy_component

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
IDENTITY = f"{PROJECT}/{STACK}/rotation"
AT = datetime(2026, 1, 2, tzinfo=UTC)
URL = "https://wiki.example/runbook"


def body_of(recording: Recording) -> dict[str, Any]:
    (dashboard,) = recording.of_type(DASHBOARD)
    found: dict[str, Any] = json.loads(dashboard.inputs["dashboardBody"])
    return found


def of_kind(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["properties"] for each in body["widgets"] if each["type"] == kind]


@pytest.fixture(scope="module")
def recording() -> Recording:
    return deploy_component(dashboard=True, runbook_url=URL)


@pytest.fixture(scope="module")
def body(recording: Recording) -> dict[str, Any]:
    return body_of(recording)


def test_there_is_none_unless_it_is_asked_for() -> None:
    assert deploy_component().of_type(DASHBOARD) == []


@pytest.mark.parametrize("more", [{}, {"alarms": False}, {"expiry_alarm_days": pulumi.Output.from_input(30.0)}])
def test_cloudwatch_takes_it(more: dict[str, Any]) -> None:
    recording = deploy_component(dashboard=True, **more)
    (dashboard,) = recording.of_type(DASHBOARD)
    assert problems(dashboard.inputs["dashboardBody"]) == []


def test_its_name_is_the_components_and_waits_for_the_log_group(recording: Recording) -> None:
    (dashboard,) = recording.of_type(DASHBOARD)
    assert dashboard.inputs["dashboardName"] == dashboard_name(IDENTITY, REGION)
    assert dashboard.inputs["dashboardName"].startswith("orders-dev-rotation-us-east-1-")
    assert any("logGroup" in each or each.endswith("-log") for each in dashboard.dependencies)


def test_no_two_components_share_a_dashboard() -> None:
    """Dashboards of all regions are one account's, and PutDashboard replaces one of the same name."""
    names = [dashboard_name(*each) for each in (("a/b", "r-1"), ("a.b", "r-1"), ("a-b", "r-1"), ("a/b", "r-2"))]
    assert len(set(names)) == len(names)
    assert len(dashboard_name("x" * 200, "ap-southeast-2")) <= 255


def test_the_rows_are_named_and_linked_as_the_runbooks_chapters(body: dict[str, Any]) -> None:
    texts = [each["markdown"] for each in of_kind(body, "text")]
    assert texts == [
        f"## [Is everything all right]({URL}#is-everything-all-right) · {IDENTITY}",
        f"## [The secret in use]({URL}#the-secret-in-use)",
        f"## [Requests and deliveries]({URL}#requests-and-deliveries)",
        f"## [Messages]({URL}#messages)",
        f"## [Checks and the function]({URL}#checks-and-the-function)",
    ]


def test_every_alarm_is_in_one_row() -> None:
    listed = [name for names in ALARMS.values() for name in names]
    assert sorted(listed) == sorted(alarm.name for alarm in EVERY_ALARM)
    assert set(ALARMS) == set(Row) - {Row.EVERYTHING}


def test_it_begins_with_what_sounds_and_since_when(body: dict[str, Any]) -> None:
    arns = {f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{IDENTITY}/{alarm.name}" for alarm in ALARM_CATALOG}
    first, *rows = of_kind(body, "alarm")
    assert (set(first["alarms"]), first["states"], first["sortBy"]) == (arns, ["ALARM"], "stateUpdatedTimestamp")
    assert [{arn.rpartition("/")[2] for arn in each["alarms"]} for each in rows] == [
        set(names) - {each.name for each in RESTART_ALARMS} for names in ALARMS.values()
    ]
    assert not any("states" in each for each in rows)


def test_without_alarms_it_has_none_and_no_gap() -> None:
    body = body_of(deploy_component(dashboard=True, alarms=False))
    assert of_kind(body, "alarm") == []
    assert_without_gaps(body)


def assert_without_gaps(body: dict[str, Any]) -> None:
    """Each cell of the grid belongs to exactly one widget."""
    cells = [
        (x, y)
        for each in body["widgets"]
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells))
    assert len(cells) == COLUMNS * (max(y for _, y in cells) + 1)


def test_no_widget_lies_over_another(body: dict[str, Any]) -> None:
    assert_without_gaps(body)


def test_a_fleet_has_the_same_dashboard(body: dict[str, Any]) -> None:
    fleet = {f"app{n}": {"client_id": client_id(n)} for n in range(1, 41)}
    assert body_of(deploy_component(dashboard=True, runbook_url=URL, applications=fleet)) == body


def test_it_stays_within_the_metrics_of_a_free_dashboard(body: dict[str, Any]) -> None:
    """CloudWatch's pricing page: three dashboards of up to 50 metrics each are free."""
    metrics = [metric for each in of_kind(body, "metric") for metric in each["metrics"]]
    alarms = {arn for each in of_kind(body, "alarm") for arn in each["alarms"]}
    assert len(metrics) + len(alarms) <= 50


def test_it_tells_until_when(body: dict[str, Any]) -> None:
    until = [each for each in of_kind(body, "metric") if any("DaysToExpiry" in metric for metric in each["metrics"])]
    assert [each["view"] for each in until] == ["singleValue", "timeSeries"]
    assert until[1]["annotations"]["horizontal"][0]["value"] == 21


def test_its_metrics_are_those_that_the_function_writes(body: dict[str, Any]) -> None:
    own = [metric for each in of_kind(body, "metric") for metric in each["metrics"] if metric[0] == "SpApiRotation"]
    assert all(Metric(metric[1]) and metric[2:4] == ["service", IDENTITY] for metric in own)
    others = [metric for each in of_kind(body, "metric") for metric in each["metrics"] if metric[0] != "SpApiRotation"]
    assert {(metric[0], metric[2], metric[3]) for metric in others} == {
        ("AWS/SQS", "QueueName", "rotation-queue-0000001"),
        ("AWS/SQS", "QueueName", "rotation-dead-letter-queue-0000001"),
        ("AWS/SQS", "QueueName", "rotation-unclaimed-queue-0000001"),
        ("AWS/SQS", "QueueName", "rotation-operations-queue-0000001"),
        ("AWS/Lambda", "FunctionName", "rotation-function-0000001"),
    }


def test_its_query_reads_what_a_check_logs(body: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """The fields by which it asks are those of the function's own line."""
    (log,) = of_kind(body, "log")
    assert log["query"].startswith(f"SOURCE '/aws/lambda/{IDENTITY}' | filter message = 'check'\n")
    LambdaTelemetry("x").info("check", Application("shop", client_id(1), "s"), state="CURRENT", expires_at=AT)
    written = json.loads(capsys.readouterr().out)
    assert written["message"] == "check"
    assert {"state", "expires_at", "application"} <= set(written)
    assert all(name in log["query"] for name in ("latest(state)", "latest(expires_at)", "by application"))
