"""CloudWatch: metric alarms and dashboards. Source: ``internal/service/cloudwatch`` of terraform-provider-aws."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.aws import Aws
from sandbox.provider.dashboard_body import problems
from sandbox.provider.errors import StandInError
from sandbox.provider.policy import same_json
from sandbox.provider.resource import Resource
from sandbox.provider.schema import (
    Spec,
    arn,
    block,
    blocks,
    choice,
    flag,
    integer,
    json_text,
    longest,
    matching,
    number,
    required,
    text,
    text_map,
    text_set,
)
from sandbox.provider.services.tagging import as_list, as_map
from sandbox.provider.values import Props

_OPERATORS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
)
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_MISSING = ("missing", "ignore", "breaching", "notBreaching")
_PLAIN = {
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}
_ACTIONS = {
    "alarmActions": "AlarmActions",
    "okActions": "OKActions",
    "insufficientDataActions": "InsufficientDataActions",
}
_SINGLE_METRIC = ("metricName", "namespace", "period", "statistic", "extendedStatistic", "dimensions", "unit")


def _wrong_period(seconds: int) -> str | None:
    good = seconds in (10, 20, 30) or (seconds > 0 and seconds % 60 == 0)
    return None if good else f"expected 10, 20, 30 or a multiple of 60, got {seconds}"


_PERIOD = integer()
_METRIC = {
    "metricName": text(longest(255), required=True),
    "namespace": text(longest(255)),
    "period": required(_PERIOD),
    "stat": required(text()),
    "dimensions": text_map(),
    "unit": text(),
}


class MetricAlarm(Resource):
    """``aws.cloudwatch.MetricAlarm``; its id is its name."""

    spec = Spec(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        props={
            "name": text(longest(255), replaces=True),
            "actionsEnabled": flag(default=True),
            "alarmActions": text_set(arn),
            "alarmDescription": text(longest(1024)),
            "comparisonOperator": choice(*_OPERATORS, required=True),
            "datapointsToAlarm": integer(1),
            "dimensions": text_map(),
            "evaluationPeriods": integer(1, required=True),
            "extendedStatistic": text(
                matching(r"(p|tm|wm|tc|ts)\d{1,3}(\.\d+)?|IQM|(TM|WM|PR|TC|TS)\(.*\)", "invalid statistic")
            ),
            "insufficientDataActions": text_set(arn),
            "metricName": text(longest(255)),
            "metricQueries": blocks(
                {
                    "id": text(longest(255), required=True),
                    "expression": text(longest(1024)),
                    "label": text(),
                    "metric": block(_METRIC),
                    "period": _PERIOD,
                    "returnData": flag(default=False),
                }
            ),
            "namespace": text(longest(255)),
            "okActions": text_set(arn),
            "period": _PERIOD,
            "statistic": choice(*_STATISTICS),
            "threshold": number(),
            "treatMissingData": choice(*_MISSING, default="missing"),
            "unit": text(),
        },
        computed={"arn": ()},
        tags=True,
    )

    def validate(self, inputs: Props) -> Iterator[tuple[str, str]]:
        queries = inputs.get("metricQueries")
        if queries:
            for name in _SINGLE_METRIC:
                if name in inputs:
                    yield name, f"{name!r} conflicts with 'metricQueries'"
        elif "metricName" in inputs and ("statistic" in inputs) == ("extendedStatistic" in inputs):
            yield "statistic", "One of 'statistic' or 'extendedStatistic' must be set for a cloudwatch metric alarm"
        elif "metricName" not in inputs:
            yield "metricName", "one of 'metricName' and 'metricQueries' must be set"
        period = inputs.get("period")
        if isinstance(period, int) and (wrong := _wrong_period(period)):
            yield "period", wrong

    def create(self, aws: Aws, inputs: Props) -> str:
        self._put(aws, inputs, "creating", Tags=as_list(inputs["tagsAll"]))
        return str(inputs["name"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        client, doing = aws.client("cloudwatch"), f"reading cloudwatch.MetricAlarm ({resource_id})"
        found = aws.call(doing, lambda: client.describe_alarms(AlarmNames=[resource_id], AlarmTypes=["MetricAlarm"]))[
            "MetricAlarms"
        ]
        if not found:
            return None
        alarm = found[0]
        tags = aws.call(doing, lambda: client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"]))
        math = bool(alarm.get("Metrics"))
        # An endpoint may fill in what belongs to an alarm on one metric; it means nothing beside queries.
        ignored = _SINGLE_METRIC if math else ()
        seen: Props = {name: alarm.get(wire) for name, wire in _PLAIN.items() if name not in ignored}
        seen.update((name, alarm.get(wire)) for name, wire in _ACTIONS.items())
        seen.update(
            arn=alarm["AlarmArn"],
            name=alarm["AlarmName"],
            actionsEnabled=alarm.get("ActionsEnabled"),
            dimensions=None if math else _flat_dimensions(alarm.get("Dimensions")),
            metricQueries=[_flat_query(item) for item in alarm.get("Metrics", [])] or None,
            tagsAll=as_map(tags.get("Tags", [])),
        )
        return seen

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._put(aws, news, "updating")

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting cloudwatch.MetricAlarm ({resource_id})",
            lambda: aws.client("cloudwatch").delete_alarms(AlarmNames=[resource_id]),
            "ResourceNotFound",
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        client, doing = aws.client("cloudwatch"), f"tagging cloudwatch.MetricAlarm ({resource_id})"
        if drop:
            aws.call(doing, lambda: client.untag_resource(ResourceARN=state["arn"], TagKeys=drop))
        if put:
            aws.call(doing, lambda: client.tag_resource(ResourceARN=state["arn"], Tags=as_list(put)))

    def _put(self, aws: Aws, inputs: Props, doing: str, **extra: Any) -> None:
        given = {wire: inputs[name] for name, wire in _PLAIN.items() if name in inputs}
        given.update((wire, inputs[name]) for name, wire in _ACTIONS.items() if name in inputs)
        if inputs.get("dimensions"):
            given["Dimensions"] = _dimensions(inputs["dimensions"])
        if inputs.get("metricQueries"):
            given["Metrics"] = [_query(item) for item in inputs["metricQueries"]]
        aws.call(
            f"{doing} cloudwatch.MetricAlarm ({inputs['name']})",
            lambda: aws.client("cloudwatch").put_metric_alarm(
                AlarmName=inputs["name"], ActionsEnabled=inputs["actionsEnabled"], **given, **extra
            ),
        )


class Dashboard(Resource):
    """``aws.cloudwatch.Dashboard``; its id is its name."""

    spec = Spec(
        "aws:cloudwatch/dashboard:Dashboard",
        props={
            "dashboardBody": required(json_text(same_json)),
            "dashboardName": text(
                matching(r"[0-9A-Za-z_-]{1,255}", "only alphanumeric characters and _- allowed, at most 255"),
                required=True,
                replaces=True,
            ),
        },
        computed={"dashboardArn": ()},
        autoname=None,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        self._put(aws, inputs, "creating")
        return str(inputs["dashboardName"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = aws.unless_missing(
            f"reading cloudwatch.Dashboard ({resource_id})",
            lambda: aws.client("cloudwatch").get_dashboard(DashboardName=resource_id),
            "ResourceNotFound",
        )
        if found is None:
            return None
        return {
            "dashboardArn": found["DashboardArn"],
            "dashboardBody": found["DashboardBody"],
            "dashboardName": found["DashboardName"],
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._put(aws, news, "updating")

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting cloudwatch.Dashboard ({resource_id})",
            lambda: aws.client("cloudwatch").delete_dashboards(DashboardNames=[resource_id]),
            "ResourceNotFound",
        )

    def _put(self, aws: Aws, inputs: Props, doing: str) -> None:
        name = inputs["dashboardName"]
        if wrong := problems(inputs["dashboardBody"]):
            raise StandInError(
                f"{doing} cloudwatch.Dashboard ({name}): PutDashboard: InvalidParameterInput: The dashboard body is "
                f"invalid, there are {len(wrong)} validation errors: {'; '.join(wrong)}"
            )
        aws.call(
            f"{doing} cloudwatch.Dashboard ({name})",
            lambda: aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=inputs["dashboardBody"]),
        )


def _query(item: Props) -> dict[str, Any]:
    query: dict[str, Any] = {"Id": item["id"], "ReturnData": item["returnData"]}
    for name, wire in (("expression", "Expression"), ("label", "Label"), ("period", "Period")):
        if item.get(name):
            query[wire] = item[name]
    metric = item.get("metric")
    if metric:
        named = {"MetricName": metric["metricName"], "Dimensions": _dimensions(metric.get("dimensions", {}))}
        if metric.get("namespace"):
            named["Namespace"] = metric["namespace"]
        query["MetricStat"] = {"Metric": named, "Period": metric["period"], "Stat": metric["stat"]}
        if metric.get("unit"):
            query["MetricStat"]["Unit"] = metric["unit"]
    return query


def _flat_query(query: Mapping[str, Any]) -> Props:
    flat: Props = {"id": query["Id"], "returnData": query.get("ReturnData", False)}
    for name, wire in (("expression", "Expression"), ("label", "Label"), ("period", "Period")):
        if query.get(wire):
            flat[name] = query[wire]
    stat = query.get("MetricStat")
    if stat:
        metric = {
            "metricName": stat["Metric"]["MetricName"],
            "namespace": stat["Metric"].get("Namespace"),
            "dimensions": _flat_dimensions(stat["Metric"].get("Dimensions")),
            "period": stat["Period"],
            "stat": stat["Stat"],
            "unit": stat.get("Unit"),
        }
        flat["metric"] = {key: value for key, value in metric.items() if value is not None}
    return flat


def _dimensions(given: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted(given.items())]


def _flat_dimensions(found: list[dict[str, str]] | None) -> dict[str, str] | None:
    return {item["Name"]: item["Value"] for item in found} if found else None
