"""The picture of the dashboard, drawn from the body that the component deploys. Its figures are made up."""

from html import escape
from typing import Any

from docs.tools.pictures import DOCS
from spapi_rotation.resources.alarm_catalog import ALARM_CATALOG
from spapi_rotation.resources.dashboard import COLUMNS, Shown, body
from spapi_rotation.validation.arguments import RUNBOOK
from spapi_rotation.validation.numbers import NUMBERS

FILE = DOCS / "dashboard.svg"

_COLUMN, _ROW, _GAP, _LINE = 46, 34, 5, 15
_COLOURS = ("#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b")
_STATES = (
    ("application", "state_now", "dies", "checked"),
    ("storefront", "CURRENT", "2026-08-29", "11:04"),
    ("outlet", "REQUESTED", "2026-07-02", "11:09"),
)


def picture() -> str:
    """The SVG of the whole dashboard."""
    identity, region = "shop/prod/rotation", "eu-west-1"
    prefix = f"arn:aws:cloudwatch:{region}:123456789012:alarm:{identity}"
    shown = Shown(
        identity=identity,
        region=region,
        function="rotation-function",
        log_group=f"/aws/lambda/{identity}",
        queues=(
            "rotation-queue",
            "rotation-dead-letter-queue",
            "rotation-unclaimed-queue",
            "rotation-operations-queue",
        ),
        alarm_arns={alarm.name: f"{prefix}/{alarm.name}" for alarm in ALARM_CATALOG},
        expiry_alarm_days=int(NUMBERS["expiry_alarm_days"].default),
        runbook=RUNBOOK,
    )
    widgets: list[dict[str, Any]] = body(shown)["widgets"]
    width = COLUMNS * _COLUMN
    height = max(each["y"] + each["height"] for each in widgets) * _ROW
    drawn = "\n".join(map(_widget, widgets))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11">\n<title>The dashboard, with made-up figures</title>\n'
        f'<rect width="{width}" height="{height}" fill="#f2f3f3"/>\n{drawn}\n</svg>\n'
    )


def _widget(widget: dict[str, Any]) -> str:
    left, top = widget["x"] * _COLUMN + _GAP, widget["y"] * _ROW + _GAP
    width, height = widget["width"] * _COLUMN - 2 * _GAP, widget["height"] * _ROW - 2 * _GAP
    properties = widget["properties"]
    if widget["type"] == "text":
        heading = properties["markdown"].removeprefix("## [").replace(f"]({RUNBOOK}", "\0")
        title, _, rest = heading.partition("\0")
        return _text(left, top + 17, title + rest.partition(")")[2], size=16, weight="bold")
    inside = {"alarm": _alarms, "log": _table, "metric": _metric}[widget["type"]](properties, width, height)
    return (
        f'<g transform="translate({left} {top})">\n<rect width="{width}" height="{height}" rx="3" fill="#fff" '
        f'stroke="#d5dbdb"/>\n{_text(10, 18, properties["title"], weight="bold")}\n{inside}\n</g>'
    )


def _text(x: float, y: float, text: str, *, size: int = 11, weight: str = "normal", fill: str = "#16191f") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" fill="{fill}">{escape(text)}</text>'


def _alarms(properties: dict[str, Any], width: int, height: int) -> str:
    """Every alarm in its box; none of them sounds, so that a list of those that sound is empty."""
    if properties.get("states") == ["ALARM"]:
        return _text(10, 44, "No alarm sounds.", fill="#687078")
    columns, size = 3, (width - 20) // 3
    drawn = []
    for index, arn in enumerate(properties["alarms"]):
        x, y = 10 + index % columns * size, 30 + index // columns * 46
        drawn.append(f'<rect x="{x}" y="{y}" width="{size - 6}" height="40" rx="2" fill="#e9f5ea" stroke="#1d8102"/>')
        drawn.append(_text(x + 6, y + 16, arn.rpartition("/")[2]))
        drawn.append(_text(x + 6, y + 32, "OK", fill="#1d8102"))
    return "\n".join(drawn)


def _table(properties: dict[str, Any], width: int, height: int) -> str:
    drawn = []
    for number, cells in enumerate(_STATES):
        y = 44 + number * 22
        weight = "normal" if number else "bold"
        drawn += [_text(10 + column * (width / 4), y, cell, weight=weight) for column, cell in enumerate(cells)]
        drawn.append(f'<line x1="10" y1="{y + 7}" x2="{width - 10}" y2="{y + 7}" stroke="#eaeded"/>')
    return "\n".join(drawn)


def _metric(properties: dict[str, Any], width: int, height: int) -> str:
    labels = [str(metric[-1]["label"]) for metric in properties["metrics"]]
    if properties["view"] == "singleValue":
        return f"{_text(10, 90, '83', size=44)}\n{_text(72, 90, labels[0], size=14, fill='#687078')}"
    across = 4 if max(map(len, labels)) < 16 or len(labels) == 1 else 2
    right, bottom = width - 14, height - 14 - _LINE * (1 + (len(labels) - 1) // across)
    drawn = [f'<path d="M34 34V{bottom}H{right}" fill="none" stroke="#aab7b8"/>']
    for line in properties.get("annotations", {}).get("horizontal", ()):
        y = bottom - 26 if line["fill"] == "below" else 48
        drawn.append(f'<path d="M34 {y}H{right}" stroke="{line["color"]}" stroke-dasharray="4 3"/>')
        drawn.append(_text(40, y - 4, f"{line['label']}: {line['value']:g}", fill=line["color"]))
    for index, metric in enumerate(properties["metrics"]):
        colour = metric[-1].get("color", _COLOURS[index])
        drawn.append(_curve(properties["title"], index, colour, right, bottom))
        x, y = 34 + index % across * ((right - 34) // across), bottom + 16 + index // across * _LINE
        drawn.append(f'<rect x="{x}" y="{y - 8}" width="8" height="8" fill="{colour}"/>')
        drawn.append(_text(x + 12, y, labels[index], size=9))
    return "\n".join(drawn)


def _curve(title: str, index: int, colour: str, right: int, bottom: int) -> str:
    if title == "Days left":
        high, middle = 58 - 6 * index, (34 + right) // 2
        path = f"M34 {high + 40}L{middle} {high + 64}V{high}L{right} {high + 24}"
    elif title == "Checks" and index == 0:
        path = f"M34 70H{right}"
    elif title == "Rotations" and index < 3:
        middle = (34 + right) // 2 + 5 * index
        path = f"M34 {bottom}H{middle - 4}L{middle} 60L{middle + 4} {bottom}H{right}"
    else:
        path = f"M34 {bottom - index}H{right}"
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
