"""Lambda: event source mappings from SQS, and what happens to asynchronous events that fail.

Source of defaults and ranges: ``internal/service/lambda`` of terraform-provider-aws; a concurrency of at most 1000
is AWS's own limit (Lambda API reference, ``ScalingConfig``).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.aws import Aws, AwsRefused, says
from sandbox.provider.resource import Resource
from sandbox.provider.schema import Spec, arn, block, flag, integer, one_of, required, text, text_set
from sandbox.provider.services.functions import GONE, not_yet, tag_by_arn
from sandbox.provider.values import Props

_SETTLED = {"Enabled": True, "Disabled": False}
_SQS_BATCH = 10


def _same_function(one: str, other: str) -> bool:
    """A function's ARN and its name name the same function."""
    return one.rpartition("function:")[2] == other.rpartition("function:")[2]


class EventSourceMapping(Resource):
    """``aws.lambda_.EventSourceMapping`` of a queue; its id is its UUID."""

    spec = Spec(
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        props={
            "batchSize": integer(1, 10_000, computed=True),
            "enabled": flag(default=True),
            "eventSourceArn": text(arn, required=True, replaces=True),
            "functionName": text(required=True, same=_same_function, canonical=True),
            "functionResponseTypes": text_set(one_of("ReportBatchItemFailures")),
            "maximumBatchingWindowInSeconds": integer(0, 300),
            "scalingConfig": block({"maximumConcurrency": integer(2, 1000)}),
        },
        computed={"arn": (), "uuid": (), "state": ("enabled",), "functionArn": ("functionName",)},
        autoname=None,
        tags=True,
    )

    def validate(self, inputs: Props) -> Iterator[tuple[str, str]]:
        size, window = inputs.get("batchSize"), inputs.get("maximumBatchingWindowInSeconds", 0)
        if isinstance(size, int) and size > _SQS_BATCH and window == 0:
            yield "maximumBatchingWindowInSeconds", "AWS wants at least 1 second for a batchSize above 10"

    def create(self, aws: Aws, inputs: Props) -> str:
        optional: dict[str, Any] = {
            "BatchSize": inputs.get("batchSize"),
            "FunctionResponseTypes": inputs.get("functionResponseTypes"),
            "MaximumBatchingWindowInSeconds": inputs.get("maximumBatchingWindowInSeconds"),
            "ScalingConfig": _scaling(inputs),
            "Tags": inputs["tagsAll"],
        }
        given = {key: value for key, value in optional.items() if value}
        source = inputs["eventSourceArn"]
        made = aws.call(
            f"creating lambda.EventSourceMapping ({source})",
            lambda: aws.client("lambda").create_event_source_mapping(
                EventSourceArn=source, FunctionName=inputs["functionName"], Enabled=inputs["enabled"], **given
            ),
            retry=not_yet,
        )
        return str(made["UUID"])

    def complete(self, aws: Aws, resource_id: str, inputs: Props) -> None:
        self._wait(aws, resource_id)

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = self._find(aws, resource_id)
        if found is None or found.get("State") == "Deleting":
            return None
        mapping_arn = found["EventSourceMappingArn"]
        tags = aws.call(
            f"reading lambda.EventSourceMapping ({resource_id})",
            lambda: aws.client("lambda").list_tags(Resource=mapping_arn),
        )
        concurrency = (found.get("ScalingConfig") or {}).get("MaximumConcurrency")
        return {
            "arn": mapping_arn,
            "uuid": resource_id,
            "state": found["State"],
            "functionArn": found["FunctionArn"],
            "functionName": found["FunctionArn"],
            "batchSize": found.get("BatchSize"),
            "enabled": _SETTLED.get(found["State"]),
            "eventSourceArn": found["EventSourceArn"],
            "functionResponseTypes": found.get("FunctionResponseTypes") or None,
            "maximumBatchingWindowInSeconds": found.get("MaximumBatchingWindowInSeconds", 0),
            "scalingConfig": {"maximumConcurrency": concurrency} if concurrency else None,
            "tagsAll": tags.get("Tags", {}),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        wanted: dict[str, tuple[str, Any]] = {
            "batchSize": ("BatchSize", news.get("batchSize", _SQS_BATCH)),
            "enabled": ("Enabled", news["enabled"]),
            "functionName": ("FunctionName", news["functionName"]),
            "functionResponseTypes": ("FunctionResponseTypes", news.get("functionResponseTypes", [])),
            "maximumBatchingWindowInSeconds": (
                "MaximumBatchingWindowInSeconds",
                news.get("maximumBatchingWindowInSeconds", 0),
            ),
            # An empty object takes the limit away; leaving it out would keep it.
            "scalingConfig": ("ScalingConfig", _scaling(news) or {}),
        }
        given = {wire: value for name, (wire, value) in wanted.items() if name in changed}
        aws.call(
            f"updating lambda.EventSourceMapping ({resource_id})",
            lambda: aws.client("lambda").update_event_source_mapping(UUID=resource_id, **given),
            retry=not_yet,
        )
        self._wait(aws, resource_id)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        doing = f"deleting lambda.EventSourceMapping ({resource_id})"
        aws.unless_missing(
            doing,
            lambda: aws.client("lambda").delete_event_source_mapping(UUID=resource_id),
            *GONE,
            retry=says(code="ResourceInUseException"),
        )
        aws.wait(doing, lambda: self._find(aws, resource_id) is None)

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        tag_by_arn(aws, state["arn"], put, drop)

    def _find(self, aws: Aws, resource_id: str) -> dict[str, Any] | None:
        return aws.unless_missing(
            f"reading lambda.EventSourceMapping ({resource_id})",
            lambda: dict(aws.client("lambda").get_event_source_mapping(UUID=resource_id)),
            *GONE,
        )

    def _wait(self, aws: Aws, resource_id: str) -> None:
        doing = f"waiting for lambda.EventSourceMapping ({resource_id})"
        aws.wait(doing, lambda: (self._find(aws, resource_id) or {}).get("State") in _SETTLED)


class FunctionEventInvokeConfig(Resource):
    """``aws.lambda_.FunctionEventInvokeConfig``; its id is the function's name as given."""

    spec = Spec(
        "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        props={
            "destinationConfig": block({"onFailure": block({"destination": required(text(arn))})}),
            "functionName": text(required=True, replaces=True),
            "maximumEventAgeInSeconds": integer(60, 21_600),
            "maximumRetryAttempts": integer(0, 2, default=2),
        },
        autoname=None,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        self._put(aws, inputs, "creating")
        return str(inputs["functionName"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = aws.unless_missing(
            f"reading lambda.FunctionEventInvokeConfig ({resource_id})",
            lambda: aws.client("lambda").get_function_event_invoke_config(FunctionName=resource_id),
            *GONE,
        )
        if found is None:
            return None
        destination = found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        age = found.get("MaximumEventAgeInSeconds")
        return {
            "functionName": resource_id,
            "destinationConfig": {"onFailure": {"destination": destination}} if destination else None,
            # Left out, AWS means six hours, and may say so.
            "maximumEventAgeInSeconds": None if age == 21_600 and not prior.get("maximumEventAgeInSeconds") else age,
            "maximumRetryAttempts": found.get("MaximumRetryAttempts"),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._put(aws, news, "updating")

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        aws.unless_missing(
            f"deleting lambda.FunctionEventInvokeConfig ({resource_id})",
            lambda: aws.client("lambda").delete_function_event_invoke_config(FunctionName=resource_id),
            *GONE,
        )

    def _put(self, aws: Aws, inputs: Props, doing: str) -> None:
        name = inputs["functionName"]
        extra: dict[str, Any] = {}
        failed = (inputs.get("destinationConfig") or {}).get("onFailure")
        if failed:
            extra["DestinationConfig"] = {"OnFailure": {"Destination": failed["destination"]}}
        if inputs.get("maximumEventAgeInSeconds"):
            extra["MaximumEventAgeInSeconds"] = inputs["maximumEventAgeInSeconds"]

        def not_seen(refused: AwsRefused) -> bool:
            words = ("destination ARN", "does not have permissions")
            return refused.code == "InvalidParameterValueException" and any(text in refused.message for text in words)

        aws.call(
            f"{doing} lambda.FunctionEventInvokeConfig ({name})",
            lambda: aws.client("lambda").put_function_event_invoke_config(
                FunctionName=name, MaximumRetryAttempts=inputs["maximumRetryAttempts"], **extra
            ),
            retry=not_seen,
        )


def _scaling(inputs: Props) -> dict[str, int] | None:
    concurrency = (inputs.get("scalingConfig") or {}).get("maximumConcurrency")
    return {"MaximumConcurrency": concurrency} if concurrency else None
