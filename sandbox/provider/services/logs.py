"""CloudWatch Logs: log groups. Source: ``internal/service/logs`` of terraform-provider-aws."""

from collections.abc import Mapping
from typing import Any

from sandbox.provider.aws import Aws, says
from sandbox.provider.resource import Resource
from sandbox.provider.schema import Spec, choice, flag, integer, matching, text
from sandbox.provider.values import Props

_GONE = ("ResourceNotFoundException",)
_RETENTION_DAYS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


class LogGroup(Resource):
    """``aws.cloudwatch.LogGroup``; its id is its name."""

    spec = Spec(
        "aws:cloudwatch/logGroup:LogGroup",
        props={
            "name": text(
                matching(r"[0-9A-Za-z_./#-]{1,512}", "only alphanumeric characters and _./#- allowed, at most 512"),
                replaces=True,
            ),
            "kmsKeyId": text(),
            "logGroupClass": choice("STANDARD", "INFREQUENT_ACCESS", "DELIVERY", computed=True, replaces=True),
            "retentionInDays": integer(only=_RETENTION_DAYS, default=0),
            "skipDestroy": flag(default=False, write_only=True),
        },
        computed={"arn": ()},
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        name: str = inputs["name"]
        extra: dict[str, Any] = {
            wire: inputs[prop]
            for prop, wire in (("kmsKeyId", "kmsKeyId"), ("logGroupClass", "logGroupClass"), ("tagsAll", "tags"))
            if inputs.get(prop)
        }
        aws.call(
            f"creating cloudwatch.LogGroup ({name})",
            lambda: aws.client("logs").create_log_group(logGroupName=name, **extra),
        )
        return name

    def complete(self, aws: Aws, resource_id: str, inputs: Props) -> None:
        if inputs["retentionInDays"]:
            self._retain(aws, resource_id, inputs["retentionInDays"])

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        logs, doing = aws.client("logs"), f"reading cloudwatch.LogGroup ({resource_id})"
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=resource_id)
        groups = aws.call(doing, lambda: [item for page in pages for item in page["logGroups"]])
        found = next((group for group in groups if group["logGroupName"] == resource_id), None)
        if found is None:
            return None
        arn = found["arn"].removesuffix(":*")
        tags = aws.call(doing, lambda: logs.list_tags_for_resource(resourceArn=arn))
        return {
            "arn": arn,
            "name": resource_id,
            "kmsKeyId": found.get("kmsKeyId"),
            "logGroupClass": found.get("logGroupClass"),
            "retentionInDays": found.get("retentionInDays", 0),
            "tagsAll": tags.get("tags", {}),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        if "retentionInDays" in changed:
            self._retain(aws, resource_id, news["retentionInDays"])
        if "kmsKeyId" in changed:
            logs, doing = aws.client("logs"), f"updating cloudwatch.LogGroup ({resource_id})"
            key = news.get("kmsKeyId")
            if key:
                aws.call(doing, lambda: logs.associate_kms_key(logGroupName=resource_id, kmsKeyId=key))
            else:
                aws.call(doing, lambda: logs.disassociate_kms_key(logGroupName=resource_id))

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        if state.get("skipDestroy"):
            return
        aws.unless_missing(
            f"deleting cloudwatch.LogGroup ({resource_id})",
            lambda: aws.client("logs").delete_log_group(logGroupName=resource_id),
            *_GONE,
            retry=says("try again", code="OperationAbortedException"),
        )

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        logs, doing, arn = aws.client("logs"), f"tagging cloudwatch.LogGroup ({resource_id})", state["arn"]
        if drop:
            aws.call(doing, lambda: logs.untag_resource(resourceArn=arn, tagKeys=drop))
        if put:
            aws.call(doing, lambda: logs.tag_resource(resourceArn=arn, tags=put))

    def _retain(self, aws: Aws, name: str, days: int) -> None:
        logs, doing = aws.client("logs"), f"setting the retention of cloudwatch.LogGroup ({name})"
        if days:
            aws.call(doing, lambda: logs.put_retention_policy(logGroupName=name, retentionInDays=days))
        else:
            aws.call(doing, lambda: logs.delete_retention_policy(logGroupName=name))
