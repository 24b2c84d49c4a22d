"""What CloudWatch takes for a dashboard's body: the rules of "Dashboard Body Structure and Syntax", API reference.

Only the widgets and fields that the page names; metrics explorers, dashboard variables and what is not on the page are
refused as unknown, so that nothing is silently passed over. Each problem is written as AWS writes it: path and message.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_Found = Iterator[tuple[str, str]]
_Rule = Callable[[str, Any], _Found]

MOST_WIDGETS = 500
MOST_METRICS = 500
MOST_ALARMS = 100
COLUMNS = 24

_STATISTIC = re.compile(r"SampleCount|Average|Sum|Minimum|Maximum|p\d{1,2}(\.\d+)?|p100")
_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{3}([0-9A-Fa-f]{3})?")
_RELATIVE = re.compile(r"-(PT\d+[MH]|P\d+[DWM])")
_ABSOLUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ALARM_ARN = re.compile(r"arn:aws:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.{1,255}")
_SOURCE = re.compile(r"SOURCE '[^']{1,512}'(\s*\|\s*SOURCE '[^']{1,512}')*\s*\|")


def problems(body: str) -> list[str]:
    """What is wrong with a body; nothing if CloudWatch takes it."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return ["/: The field DashboardBody must be a valid JSON object"]
    found = [*_object(_BODY, required=("widgets",))("", parsed)]
    if isinstance(parsed, dict) and "end" in parsed and not _ABSOLUTE.fullmatch(str(parsed.get("start", ""))):
        found.append(("", "Should have an absolute start beside end"))
    return [f"{path or '/'}: {message}" for path, message in found]


# Rules of single values.


def _typed(kind: type, name: str) -> _Rule:
    def rule(path: str, value: Any) -> _Found:
        # A boolean is a number to Python, and none to JSON.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            yield path, f"Should be {name}"

    return rule


_text = _typed(str, "string")
_flag = _typed(bool, "boolean")


def _number(path: str, value: Any) -> _Found:
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield path, "Should be number"


def _integer(low: int, high: int | None = None) -> _Rule:
    def rule(path: str, value: Any) -> _Found:
        if not isinstance(value, int) or isinstance(value, bool):
            yield path, "Should be integer"
        elif value < low:
            yield path, f"Should be >= {low}"
        elif high is not None and value > high:
            yield path, f"Should be <= {high}"

    return rule


def _matching(pattern: re.Pattern[str], what: str, *, whole: bool = True) -> _Rule:
    def rule(path: str, value: Any) -> _Found:
        if not isinstance(value, str) or not (pattern.fullmatch(value) if whole else pattern.match(value)):
            yield path, f"Should be {what}"

    return rule


def _one_of(*values: str) -> _Rule:
    def rule(path: str, value: Any) -> _Found:
        if value not in values:
            yield path, f"Should be one of {', '.join(values)}"

    return rule


def _period(path: str, value: Any) -> _Found:
    if not isinstance(value, int) or isinstance(value, bool) or value < 60 or value % 60:
        yield path, "Should be a multiple of 60, with 60 as the minimum"


# Rules of what is made of others.


def _object(fields: Mapping[str, _Rule], *, required: tuple[str, ...] = ()) -> _Rule:
    def rule(path: str, value: Any) -> _Found:
        if not isinstance(value, dict):
            yield path, "Should be object"
            return
        for name in required:
            if name not in value:
                yield path, f"Should have required property '{name}'"
        for name, inner in value.items():
            if name in fields:
                yield from fields[name](f"{path}/{name}", inner)
            else:
                yield path, f"Unknown property '{name}'"

    return rule


def _array(each: _Rule, low: int, high: int) -> _Rule:
    def rule(path: str, value: Any) -> _Found:
        if not isinstance(value, list):
            yield path, "Should be array"
        elif not low <= len(value) <= high:
            yield path, f"Should have {low} to {high} items"
        else:
            for index, inner in enumerate(value):
                yield from each(f"{path}/{index}", inner)

    return rule


_statistic = _matching(_STATISTIC, "a CloudWatch statistic")
_colour = _matching(_COLOUR, "a hex color code")
_region = _matching(_REGION, "a region")
_legend = _object({"position": _one_of("right", "bottom", "hidden")}, required=("position",))
_axis = _object({"label": _text, "min": _number, "max": _number, "showUnits": _flag})
_HORIZONTAL = {
    "value": _number,
    "label": _text,
    "color": _colour,
    "fill": _one_of("above", "below", "none"),
    "yAxis": _one_of("left", "right"),
    "visible": _flag,
}
_single_line = _object(_HORIZONTAL, required=("value",))


def _horizontal(path: str, value: Any) -> _Found:
    yield from (_array(_single_line, 2, 2) if isinstance(value, list) else _single_line)(path, value)


_annotations = _object(
    {
        "alarms": _array(_matching(_ALARM_ARN, "the ARN of an alarm"), 0, 1),
        "horizontal": _array(_horizontal, 0, MOST_METRICS),
    }
)
_rendering = _object(
    {
        "color": _colour,
        "label": _text,
        "period": _period,
        "stat": _statistic,
        "visible": _flag,
        "yAxis": _one_of("left", "right"),
        "id": _matching(_ID, "an id that starts with a lowercase letter"),
        "region": _region,
    }
)
_expression = _object(
    {
        "expression": _text,
        "label": _text,
        "id": _matching(_ID, "an id that starts with a lowercase letter"),
        "color": _colour,
        "period": _period,
        "region": _region,
        "visible": _flag,
        "yAxis": _one_of("left", "right"),
    },
    required=("expression",),
)


def _metric(path: str, value: Any) -> _Found:
    if not isinstance(value, list) or not value:
        yield path, "Should be array"
    elif isinstance(value[0], dict):
        if len(value) != 1:
            yield path, "An expression should stand alone"
        yield from _expression(f"{path}/0", value[0])
    else:
        words = value[:-1] if isinstance(value[-1], dict) else value
        if not all(isinstance(word, str) and word for word in words):
            yield path, "Should be namespace, metric name, dimension names and values"
        elif len(words) < 2:
            yield path, "Should have a namespace and a metric name"
        elif len(words) % 2:
            yield path, "Should have a value for each dimension"
        if isinstance(value[-1], dict):
            yield from _rendering(f"{path}/{len(value) - 1}", value[-1])


_METRIC_FIELDS: Mapping[str, _Rule] = {
    "accountId": _text,
    "annotations": _annotations,
    "liveData": _flag,
    "legend": _legend,
    "metrics": _array(_metric, 0, MOST_METRICS),
    "period": _period,
    "region": _region,
    "sparkline": _flag,
    "stacked": _flag,
    "stat": _statistic,
    "timezone": _matching(re.compile(r"[+-]\d{4}"), "a time zone"),
    "title": _text,
    "view": _one_of("timeSeries", "singleValue", "gauge", "bar", "pie", "table"),
    "yAxis": _object({"left": _axis, "right": _axis}),
}


def _metric_properties(path: str, value: Any) -> _Found:
    yield from _object(_METRIC_FIELDS, required=("region",))(path, value)
    if not isinstance(value, dict):
        return
    given = value.get("annotations")
    annotations = given if isinstance(given, dict) else {}
    alarms = annotations.get("alarms")
    if "metrics" not in value and not alarms:
        yield path, "Should have required property 'metrics'"
    if alarms and ("metrics" in value or "horizontal" in annotations):
        yield path, "An alarm annotation should stand alone"
    if value.get("view") == "gauge" and not {"min", "max"} <= set(value.get("yAxis", {}).get("left", {})):
        yield path, "A gauge should have yAxis.left.min and yAxis.left.max"


_PROPERTIES: Mapping[str, _Rule] = {
    "metric": _metric_properties,
    "text": _object({"markdown": _text, "background": _one_of("solid", "transparent")}, required=("markdown",)),
    "log": _object(
        {
            "accountId": _text,
            "region": _region,
            "title": _text,
            "query": _matching(_SOURCE, "a query that starts with SOURCE 'log group' |", whole=False),
            "view": _one_of("table", "timeSeries", "bar", "pie"),
            "stacked": _flag,
        },
        required=("region", "query"),
    ),
    "alarm": _object(
        {
            "alarms": _array(_matching(_ALARM_ARN, "the ARN of an alarm"), 1, MOST_ALARMS),
            "sortBy": _one_of("default", "stateUpdatedTimestamp", "timestamp"),
            "states": _array(_one_of("ALARM", "INSUFFICIENT_DATA", "OK"), 0, 3),
            "title": _text,
        },
        required=("alarms",),
    ),
}


def _anything(path: str, value: Any) -> _Found:
    yield from ()


_WIDGET = _object(
    {
        "type": _one_of(*_PROPERTIES),
        "x": _integer(0, COLUMNS - 1),
        "y": _integer(0),
        "width": _integer(1, COLUMNS),
        "height": _integer(1, 1000),
        "properties": _anything,
    },
    required=("type", "properties"),
)


def _widget(path: str, value: Any) -> _Found:
    yield from _WIDGET(path, value)
    if not isinstance(value, dict):
        return
    if ("x" in value) != ("y" in value):
        yield path, "Should have both x and y, or neither"
    kind = value.get("type")
    if isinstance(kind, str) and kind in _PROPERTIES and "properties" in value:
        yield from _PROPERTIES[kind](f"{path}/properties", value["properties"])


def _start(path: str, value: Any) -> _Found:
    if not isinstance(value, str) or not (_RELATIVE.fullmatch(value) or _ABSOLUTE.fullmatch(value)):
        yield path, "Should be a relative or an absolute time"


_BODY: Mapping[str, _Rule] = {
    "widgets": _array(_widget, 0, MOST_WIDGETS),
    "start": _start,
    "end": _matching(_ABSOLUTE, "an absolute time"),
    "periodOverride": _one_of("auto", "inherit"),
}
