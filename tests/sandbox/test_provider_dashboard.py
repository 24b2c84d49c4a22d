"""The stand-in takes a dashboard's body where CloudWatch's documentation says that CloudWatch does.

Source: CloudWatch API reference, "Dashboard Body Structure and Syntax"; the names in brackets are its sections.
"""

import copy
import json
from typing import Any

import pytest

from sandbox.provider.dashboard_body import problems

ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:one"
METRIC: dict[str, Any] = {"region": "us-east-1", "metrics": [["AWS/EC2", "CPUUtilization", "InstanceId", "i-012345"]]}


def widget(kind: str, properties: object, **more: Any) -> dict[str, Any]:
    return {"type": kind, "properties": properties, **more}


def found(*widgets: object, **more: Any) -> list[str]:
    return problems(json.dumps({"widgets": list(widgets), **more}))


GOOD: dict[str, list[object]] = {
    "an empty dashboard": [],
    "a metric and a text, as in [Overall Structure]": [
        widget(
            "metric",
            {
                **METRIC,
                "period": 300,
                "stat": "Average",
                "title": "EC2 Instance CPU",
                "liveData": False,
                "legend": {"position": "right"},
            },
            x=0,
            y=0,
            width=12,
            height=6,
        ),
        widget("text", {"markdown": "Hello world"}, x=0, y=7, width=3, height=3),
    ],
    "expressions": [
        widget(
            "metric",
            {
                "region": "us-east-1",
                "metrics": [
                    ["AWS/EC2", "DiskReadBytes", "InstanceId", "i-123", {"id": "m1"}],
                    [".", ".", ".", "i-abc", {"id": "m2"}],
                    [{"expression": "SUM(METRICS())", "label": "Sum of DiskReadbytes", "id": "e3"}],
                ],
                "view": "timeSeries",
                "stacked": False,
            },
        )
    ],
    "an alarm's graph": [widget("metric", {"region": "us-east-1", "annotations": {"alarms": [ARN]}})],
    "a metric without dimensions": [widget("metric", {"region": "us-east-1", "metrics": [["AWS/EC2", "CPU"]]})],
    "lines and a band": [
        widget(
            "metric",
            {
                **METRIC,
                "annotations": {
                    "horizontal": [
                        [
                            {"label": "top", "value": 200, "color": "#9467bd", "visible": True, "yAxis": "right"},
                            {"value": 95.5, "label": "bottom"},
                        ],
                        {"value": 20, "fill": "below", "color": "#aaa"},
                    ]
                },
                "yAxis": {"left": {"min": 0, "max": 100}, "right": {"min": 50}},
                "timezone": "+0300",
            },
        )
    ],
    "a gauge": [widget("metric", {**METRIC, "view": "gauge", "yAxis": {"left": {"min": 0, "max": 100}}})],
    "a query": [
        widget(
            "log",
            {
                "region": "us-east-1",
                "query": "SOURCE 'a' | SOURCE 'b' |filter x > 0\n| stats count(*) by y",
                "view": "pie",
            },
        )
    ],
    "alarms": [
        widget("alarm", {"alarms": [ARN], "sortBy": "stateUpdatedTimestamp", "states": ["ALARM", "INSUFFICIENT_DATA"]})
    ],
    "a transparent text": [widget("text", {"markdown": "x", "background": "transparent"})],
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_documented_is_taken(name: str) -> None:
    assert found(*GOOD[name]) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"start": "-PT6H"}, []),
        ({"start": "-P2W", "periodOverride": "inherit"}, []),
        ({"start": "2018-12-17T06:00:00.000Z", "end": "2018-12-18T06:00:00.000Z"}, []),
        ({"start": "-P6H"}, ["/start: Should be a relative or an absolute time"]),
        ({"start": "P2W"}, ["/start: Should be a relative or an absolute time"]),
        ({"end": "2018-12-18T06:00:00.000Z"}, ["/: Should have an absolute start beside end"]),
        ({"start": "-P2W", "end": "2018-12-18T06:00:00Z"}, ["/: Should have an absolute start beside end"]),
        ({"periodOverride": "never"}, ["/periodOverride: Should be one of auto, inherit"]),
        ({"title": "x"}, ["/: Unknown property 'title'"]),
    ],
)
def test_the_whole_has_a_documented_range_of_time(more: dict[str, Any], told: list[str]) -> None:
    assert found(**more) == told


def test_what_is_no_json_or_has_no_widgets_is_refused() -> None:
    assert problems("{") == ["/: The field DashboardBody must be a valid JSON object"]
    assert problems("[]") == ["/: Should be object"]
    assert problems("{}") == ["/: Should have required property 'widgets'"]
    assert problems('{"widgets": {}}') == ["/widgets: Should be array"]
    assert found(*[widget("text", {"markdown": "x"})] * 501) == ["/widgets: Should have 0 to 500 items"]
    assert found(*[widget("text", {"markdown": "x"})] * 500) == []
    assert found(1) == ["/widgets/0: Should be object"]


AT = "/widgets/0"
WIDGETS: list[tuple[dict[str, Any], str]] = [
    ({"properties": {}}, f"{AT}: Should have required property 'type'"),
    ({"type": "text"}, f"{AT}: Should have required property 'properties'"),
    (widget("explorer", {}), f"{AT}/type: Should be one of metric, text, log, alarm"),
    (widget("text", {"markdown": "x"}, x=1), f"{AT}: Should have both x and y, or neither"),
    (widget("text", {"markdown": "x"}, x=24, y=0), f"{AT}/x: Should be <= 23"),
    (widget("text", {"markdown": "x"}, x=0, y=-1), f"{AT}/y: Should be >= 0"),
    (widget("text", {"markdown": "x"}, width=25), f"{AT}/width: Should be <= 24"),
    (widget("text", {"markdown": "x"}, width=0), f"{AT}/width: Should be >= 1"),
    (widget("text", {"markdown": "x"}, height=1001), f"{AT}/height: Should be <= 1000"),
    (widget("text", {"markdown": "x"}, width=1.5), f"{AT}/width: Should be integer"),
    (widget("text", {"markdown": "x"}, width=True), f"{AT}/width: Should be integer"),
    (widget("text", {"markdown": "x"}, title="x"), f"{AT}: Unknown property 'title'"),
    (widget("text", {}), f"{AT}/properties: Should have required property 'markdown'"),
    (widget("text", {"markdown": 5}), f"{AT}/properties/markdown: Should be string"),
    (
        widget("text", {"markdown": "x", "background": "red"}),
        f"{AT}/properties/background: Should be one of solid, transparent",
    ),
    (widget("alarm", {}), f"{AT}/properties: Should have required property 'alarms'"),
    (widget("alarm", {"alarms": []}), f"{AT}/properties/alarms: Should have 1 to 100 items"),
    (widget("alarm", {"alarms": [ARN] * 101}), f"{AT}/properties/alarms: Should have 1 to 100 items"),
    (widget("alarm", {"alarms": ["one"]}), f"{AT}/properties/alarms/0: Should be the ARN of an alarm"),
    (
        widget("alarm", {"alarms": [ARN], "sortBy": "name"}),
        f"{AT}/properties/sortBy: Should be one of default, stateUpdatedTimestamp, timestamp",
    ),
    (
        widget("alarm", {"alarms": [ARN], "states": ["BAD"]}),
        f"{AT}/properties/states/0: Should be one of ALARM, INSUFFICIENT_DATA, OK",
    ),
    (widget("log", {"region": "us-east-1"}), f"{AT}/properties: Should have required property 'query'"),
    (widget("log", {"query": "SOURCE 'a' | limit 1"}), f"{AT}/properties: Should have required property 'region'"),
    (
        widget("log", {"region": "us-east-1", "query": "filter x = 1"}),
        f"{AT}/properties/query: Should be a query that starts with SOURCE 'log group' |",
    ),
]


@pytest.mark.parametrize(("given", "told"), WIDGETS)
def test_a_wrong_widget_is_refused(given: dict[str, Any], told: str) -> None:
    assert found(given) == [told]


METRICS: list[tuple[dict[str, Any], str]] = [
    ({"metrics": None}, "/metrics: Should be array"),
    ({"metrics": [["AWS/EC2"]]}, "/metrics/0: Should have a namespace and a metric name"),
    ({"metrics": [["AWS/EC2", "CPU", "InstanceId"]]}, "/metrics/0: Should have a value for each dimension"),
    (
        {"metrics": [["AWS/EC2", "CPU", "InstanceId", 5]]},
        "/metrics/0: Should be namespace, metric name, dimension names and values",
    ),
    ({"metrics": [["AWS/EC2", "CPU", {"stat": "Median"}]]}, "/metrics/0/2/stat: Should be a CloudWatch statistic"),
    ({"metrics": [["AWS/EC2", "CPU", {"colour": "#fff"}]]}, "/metrics/0/2: Unknown property 'colour'"),
    (
        {"metrics": [["AWS/EC2", "CPU", {"id": "M1"}]]},
        "/metrics/0/2/id: Should be an id that starts with a lowercase letter",
    ),
    ({"metrics": [[{"label": "x"}]]}, "/metrics/0/0: Should have required property 'expression'"),
    ({"metrics": [["a", "b"]] * 501}, "/metrics: Should have 0 to 500 items"),
    ({"period": 90}, "/period: Should be a multiple of 60, with 60 as the minimum"),
    ({"period": 0}, "/period: Should be a multiple of 60, with 60 as the minimum"),
    ({"region": "Virginia"}, "/region: Should be a region"),
    ({"view": "line"}, "/view: Should be one of timeSeries, singleValue, gauge, bar, pie, table"),
    ({"stat": "Sums"}, "/stat: Should be a CloudWatch statistic"),
    ({"stacked": "yes"}, "/stacked: Should be boolean"),
    ({"view": "gauge"}, ": A gauge should have yAxis.left.min and yAxis.left.max"),
    ({"yAxis": {"left": {"min": "0"}}}, "/yAxis/left/min: Should be number"),
    ({"yAxis": {"up": {}}}, "/yAxis: Unknown property 'up'"),
    (
        {"annotations": {"horizontal": [{"label": "x"}]}},
        "/annotations/horizontal/0: Should have required property 'value'",
    ),
    (
        {"annotations": {"horizontal": [{"value": 1, "fill": "before"}]}},
        "/annotations/horizontal/0/fill: Should be one of above, below, none",
    ),
    ({"annotations": {"alarms": [ARN]}}, ": An alarm annotation should stand alone"),
    ({"legend": {}}, "/legend: Should have required property 'position'"),
    ({"markdown": "x"}, ": Unknown property 'markdown'"),
]


@pytest.mark.parametrize(("more", "told"), METRICS)
def test_a_wrong_graph_is_refused(more: dict[str, Any], told: str) -> None:
    given = copy.deepcopy(METRIC) | more
    assert found(widget("metric", given)) == [f"{AT}/properties{told}"]


def test_a_graph_shows_metrics_or_one_alarm() -> None:
    at = f"{AT}/properties"
    assert found(widget("metric", {"region": "us-east-1"})) == [f"{at}: Should have required property 'metrics'"]
    two = {"region": "us-east-1", "annotations": {"alarms": [ARN, ARN]}}
    assert found(widget("metric", two)) == [f"{at}/annotations/alarms: Should have 0 to 1 items"]
