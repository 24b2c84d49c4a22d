"""CloudWatch alarms judged as AWS does: by exact dimensions, period for period, as time passes.

Source: "Using Amazon CloudWatch alarms" and "Using metric math" of the CloudWatch user guide; PutMetricAlarm API
reference. Alarms on a single metric are judged, and those on the difference of two, `a - FILL(b, 0)`; those on other
metric math stay at INSUFFICIENT_DATA. Periods are as long as the sandbox's hour makes them.
"""

import logging
import operator
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

_log = logging.getLogger("sandbox.alarms")

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}

WORDS: Mapping[str, str] = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}

Alarm = dict[str, Any]

_DIFFERENCE = re.compile(r"(\w+) - FILL\((\w+), 0\)")
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")


def apply(settings: Settings) -> None:
    """Replace MiniStack's judgement, and judge every alarm every second."""
    scale = settings.hour_seconds / 3600
    exact = cloudwatch._dims_from_list
    replace(cloudwatch, "_dims_from_list", lambda listed: _Exact(exact(listed)))
    replace(cloudwatch, "_evaluate_alarm", lambda alarm: _judge(alarm, scale))
    replace(cloudwatch, "_put_metric_alarm", _keeping_queries(cloudwatch._put_metric_alarm))
    threading.Thread(target=_watch, args=(scale,), daemon=True, name="alarms").start()


class _Exact(dict[str, str]):
    """Dimensions. No dimensions are dimensions too: MiniStack takes an empty dict for any dimensions."""

    def __bool__(self) -> bool:
        return True


def _keeping_queries(put: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the queries of an alarm on metric math, which MiniStack drops."""

    def answer(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        queries = data.get("Metrics") if isinstance(data, dict) else None
        if not queries:
            return put(params, data, is_cbor, is_json)
        returned = [query for query in queries if query.get("ReturnData", True)]
        if len(returned) != 1 or any(data.get(name) for name in _OF_ONE_METRIC):
            problem = "Metrics must return data of exactly one query, and stand beside no metric of the alarm's own."
            return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)
        answered = put(params, data, is_cbor, is_json)
        if answered[0] == 200:
            alarm = cloudwatch._alarms[data["AlarmName"]]
            for name in _OF_ONE_METRIC:
                alarm.pop(name, None)
            alarm["Metrics"] = queries
        return answered

    return answer


def _watch(scale: float) -> None:
    while True:
        time.sleep(1)
        for (account, region, _), alarm in list(cloudwatch._alarms._data.items()):
            set_request_account_id(account)
            set_request_region(region)
            try:
                _judge(alarm, scale)
            except Exception:  # noqa: BLE001 - one odd alarm must not stop the others
                _log.exception("Alarm %s", alarm.get("AlarmName"))


def _judge(alarm: Alarm, scale: float) -> None:
    compare = COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    periods = alarm.get("EvaluationPeriods", 1)
    values = _of_queries(alarm["Metrics"], periods, scale) if alarm.get("Metrics") else _of_one(alarm, periods, scale)
    if compare is None or values is None:
        return
    breaching = [None if value is None else compare(value, alarm["Threshold"]) for value in values]
    needed = alarm.get("DatapointsToAlarm") or periods
    state = verdict(breaching, needed, alarm.get("TreatMissingData") or "missing")
    if state and state != alarm["StateValue"]:
        found = [value for value, breaches in zip(values, breaching, strict=True) if value is not None and breaches]
        _change(alarm, state, reason(alarm, state, found))


def reason(alarm: Alarm, state: str, found: list[float]) -> str:
    """Why a state changes, with the values that breach, as in the samples of the user guide ("Alarm events").

    The time of each value is left out: it tells nothing here, where an hour may last seconds.
    """
    if state != "ALARM" or not found:
        return f"Threshold {alarm.get('ComparisonOperator')} {alarm.get('Threshold')}: {state}"
    periods = alarm.get("EvaluationPeriods", 1)
    were = f"{'was' if len(found) == 1 else 'were'} {WORDS[alarm['ComparisonOperator']]}"
    return (
        f"Threshold Crossed: {len(found)} out of the last {periods} datapoints {found} {were} the threshold "
        f"({alarm['Threshold']}) (minimum {alarm.get('DatapointsToAlarm') or periods} datapoint for OK -> ALARM "
        "transition)."
    )


def verdict(breaching: list[bool | None], needed: int, missing: str) -> str | None:
    """The state that follows from the periods (None: no data); None if it stays as it is.

    Args:
        breaching: for each period whether it breaches.
        needed: how many must breach.
        missing: the alarm's treatment of missing data.
    """
    if missing in ("breaching", "notBreaching"):
        breaching = [missing == "breaching" if seen is None else seen for seen in breaching]
    known = [seen for seen in breaching if seen is not None]
    if not known:
        return None if missing == "ignore" else "INSUFFICIENT_DATA"
    return "ALARM" if sum(known) >= min(needed, len(known)) else "OK"


def _of_one(alarm: Alarm, periods: int, scale: float) -> list[float | None] | None:
    if not alarm.get("MetricName"):
        return None
    return _values(alarm, periods, max(1.0, alarm.get("Period", 60) * scale))


def _of_queries(queries: list[dict[str, Any]], periods: int, scale: float) -> list[float | None] | None:
    """The difference of two metrics, if that is what they ask for: nothing where the first one has no data."""
    stats = {query["Id"]: query["MetricStat"] for query in queries if "MetricStat" in query}
    expression = next((query["Expression"] for query in queries if query.get("ReturnData", True)), "")
    found = _DIFFERENCE.fullmatch(expression or "")
    if found is None or not set(found.groups()) <= stats.keys():
        return None
    one, other = (
        _values({**stat["Metric"], "Statistic": stat["Stat"]}, periods, max(1.0, stat["Period"] * scale))
        for stat in (stats[name] for name in found.groups())
    )
    return [None if a is None else a - (b or 0) for a, b in zip(one, other, strict=True)]


def _values(alarm: Alarm, periods: int, seconds: float) -> list[float | None]:
    """The metric's statistic in each of the last periods, the newest first."""
    dimensions = {entry["Name"]: entry["Value"] for entry in alarm.get("Dimensions") or ()}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    points, now = list(cloudwatch._metrics.get(key) or ()), time.time()
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    found: list[float | None] = []
    for number in range(periods):
        end = now - number * seconds
        inside = [point for point in points if end - seconds < point["Timestamp"] <= end]
        stats = cloudwatch._calc_stats(inside)
        found.append(cloudwatch._stat_value(stats, statistic, inside) if stats else None)
    return found


def _change(alarm: Alarm, state: str, why: str) -> None:
    old = alarm["StateValue"]
    alarm.update(StateValue=state, StateReason=why, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, state, why)
    cloudwatch._dispatch_alarm_actions(alarm, old, state, why)
    cloudwatch._evaluate_parent_alarms(alarm)
