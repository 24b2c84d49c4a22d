"""EventBridge Scheduler: groups and schedules. Source: ``internal/service/scheduler`` of terraform-provider-aws.

What AWS refuses in an expression and the emulator may not is in :func:`wrong_expression`
(EventBridge Scheduler user guide, "Schedule types").
"""

import re
import zoneinfo
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from sandbox.provider.aws import Aws, says
from sandbox.provider.resource import Resource
from sandbox.provider.schema import Spec, arn, block, choice, integer, longest, matching, required, text
from sandbox.provider.services.tagging import as_list, as_map
from sandbox.provider.values import UNKNOWN, Props

_GONE = ("ResourceNotFoundException",)
_NAME = matching(r"[0-9A-Za-z_.-]{1,64}", "only alphanumeric characters and _.- allowed, at most 64")
_NOT_YET = says("must allow AWS EventBridge Scheduler to assume the role", code="ValidationException")
_RATE = re.compile(r"rate\([1-9]\d* (minute|minutes|hour|hours|day|days)\)")
_CRON = re.compile(r"cron\(\S+ \S+ \S+ \S+ \S+ \S+\)")
_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,50}")
_AT = re.compile(r"at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\)")


def wrong_expression(expression: str) -> str | None:
    """What is wrong with a schedule expression, None when its form is one that AWS takes."""
    if len(expression) > 256:
        return "expected at most 256 characters"
    if any(form.fullmatch(expression) for form in (_RATE, _CRON, _AT)):
        return None
    return "Invalid Schedule Expression: expected rate(<whole number> <unit>), cron(<six fields>) or at(<date>T<time>)"


_zones = cache(zoneinfo.available_timezones)


def _wrong_zone(name: str) -> str | None:
    """A machine without a time zone database takes any name of the right form."""
    formed = _ZONE.fullmatch(name) is not None and (not _zones() or name in _zones())
    return None if name == "UTC" or formed else "expected an IANA time zone"


class ScheduleGroup(Resource):
    """``aws.scheduler.ScheduleGroup``; its id is its name."""

    spec = Spec(
        "aws:scheduler/scheduleGroup:ScheduleGroup",
        props={"name": text(_NAME, replaces=True)},
        computed={"arn": (), "creationDate": (), "lastModificationDate": (), "state": ()},
        tags=True,
    )

    def create(self, aws: Aws, inputs: Props) -> str:
        name: str = inputs["name"]
        aws.call(
            f"creating scheduler.ScheduleGroup ({name})",
            lambda: aws.client("scheduler").create_schedule_group(Name=name, Tags=as_list(inputs["tagsAll"])),
        )
        return name

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        found = self._find(aws, resource_id)
        if found is None:
            return None
        tags = aws.call(
            f"reading scheduler.ScheduleGroup ({resource_id})",
            lambda: aws.client("scheduler").list_tags_for_resource(ResourceArn=found["Arn"]),
        )
        return {
            "arn": found["Arn"],
            "name": found["Name"],
            "state": found["State"],
            "creationDate": found["CreationDate"].isoformat(),
            "lastModificationDate": found["LastModificationDate"].isoformat(),
            "tagsAll": as_map(tags.get("Tags", [])),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        """Only tags can change."""

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        doing = f"deleting scheduler.ScheduleGroup ({resource_id})"
        aws.unless_missing(doing, lambda: aws.client("scheduler").delete_schedule_group(Name=resource_id), *_GONE)
        aws.wait(doing, lambda: self._find(aws, resource_id) is None)

    def tag(self, aws: Aws, resource_id: str, state: Props, put: Mapping[str, str], drop: list[str]) -> None:
        client, doing, group = aws.client("scheduler"), f"tagging scheduler.ScheduleGroup ({resource_id})", state["arn"]
        if drop:
            aws.call(doing, lambda: client.untag_resource(ResourceArn=group, TagKeys=drop))
        if put:
            aws.call(doing, lambda: client.tag_resource(ResourceArn=group, Tags=as_list(put)))

    def _find(self, aws: Aws, name: str) -> dict[str, Any] | None:
        return aws.unless_missing(
            f"reading scheduler.ScheduleGroup ({name})",
            lambda: dict(aws.client("scheduler").get_schedule_group(Name=name)),
            *_GONE,
        )


class Schedule(Resource):
    """``aws.scheduler.Schedule``; its id is ``<group>/<name>``."""

    spec = Spec(
        "aws:scheduler/schedule:Schedule",
        props={
            "name": text(_NAME, replaces=True),
            "description": text(longest(512)),
            "flexibleTimeWindow": block(
                {
                    "mode": choice("OFF", "FLEXIBLE", required=True),
                    "maximumWindowInMinutes": integer(1, 1440),
                },
                required=True,
            ),
            "groupName": text(_NAME, computed=True, replaces=True),
            "kmsKeyArn": text(arn),
            "scheduleExpression": text(wrong_expression, required=True),
            "scheduleExpressionTimezone": text(_wrong_zone, default="UTC"),
            "state": choice("ENABLED", "DISABLED", default="ENABLED"),
            "target": block(
                {
                    "arn": text(arn, required=True),
                    "roleArn": text(arn, required=True),
                    "input": text(),
                    "deadLetterConfig": block({"arn": required(text(arn))}),
                    "retryPolicy": block(
                        {
                            "maximumEventAgeInSeconds": integer(60, 86_400, default=86_400),
                            "maximumRetryAttempts": integer(0, 185, default=185),
                        },
                        computed=True,
                    ),
                },
                required=True,
            ),
        },
        computed={"arn": ()},
    )

    def validate(self, inputs: Props) -> Iterator[tuple[str, str]]:
        window = inputs.get("flexibleTimeWindow")
        if not isinstance(window, Mapping) or window.get("mode") is UNKNOWN:
            return
        minutes = "maximumWindowInMinutes"
        if window.get("mode") == "FLEXIBLE" and minutes not in window:
            yield f"flexibleTimeWindow.{minutes}", "AWS wants it with the mode FLEXIBLE"
        if window.get("mode") == "OFF" and minutes in window:
            yield f"flexibleTimeWindow.{minutes}", "AWS refuses it with the mode OFF"

    def create(self, aws: Aws, inputs: Props) -> str:
        name: str = inputs["name"]
        group = {"GroupName": inputs["groupName"]} if inputs.get("groupName") else {}
        made = aws.call(
            f"creating scheduler.Schedule ({name})",
            lambda: aws.client("scheduler").create_schedule(Name=name, **group, **_settings(inputs)),
            retry=_NOT_YET,
        )
        return str(made["ScheduleArn"]).partition(":schedule/")[2]

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        group, _, name = resource_id.partition("/")
        found = aws.unless_missing(
            f"reading scheduler.Schedule ({resource_id})",
            lambda: aws.client("scheduler").get_schedule(GroupName=group, Name=name),
            *_GONE,
        )
        if found is None:
            return None
        window = found["FlexibleTimeWindow"]
        return {
            "arn": found["Arn"],
            "name": found["Name"],
            "groupName": found["GroupName"],
            "description": found.get("Description"),
            "flexibleTimeWindow": _present(
                mode=window["Mode"], maximumWindowInMinutes=window.get("MaximumWindowInMinutes")
            ),
            "kmsKeyArn": found.get("KmsKeyArn"),
            "scheduleExpression": found["ScheduleExpression"],
            "scheduleExpressionTimezone": found.get("ScheduleExpressionTimezone", "UTC"),
            "state": found["State"],
            "target": _flat_target(found["Target"]),
        }

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        group, _, name = resource_id.partition("/")
        aws.call(
            f"updating scheduler.Schedule ({resource_id})",
            lambda: aws.client("scheduler").update_schedule(GroupName=group, Name=name, **_settings(news)),
            retry=_NOT_YET,
        )

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        group, _, name = resource_id.partition("/")
        aws.unless_missing(
            f"deleting scheduler.Schedule ({resource_id})",
            lambda: aws.client("scheduler").delete_schedule(GroupName=group, Name=name),
            *_GONE,
        )


def _settings(inputs: Props) -> dict[str, Any]:
    """Everything but the names; an update sends all of it, since what is left out falls back to its default."""
    window, target = inputs["flexibleTimeWindow"], inputs["target"]
    retry, dead = target.get("retryPolicy"), target.get("deadLetterConfig")
    return _present(
        Description=inputs.get("description"),
        FlexibleTimeWindow=_present(Mode=window["mode"], MaximumWindowInMinutes=window.get("maximumWindowInMinutes")),
        KmsKeyArn=inputs.get("kmsKeyArn"),
        ScheduleExpression=inputs["scheduleExpression"],
        ScheduleExpressionTimezone=inputs["scheduleExpressionTimezone"],
        State=inputs["state"],
        Target=_present(
            Arn=target["arn"],
            RoleArn=target["roleArn"],
            Input=target.get("input"),
            DeadLetterConfig={"Arn": dead["arn"]} if dead else None,
            RetryPolicy={
                "MaximumEventAgeInSeconds": retry["maximumEventAgeInSeconds"],
                "MaximumRetryAttempts": retry["maximumRetryAttempts"],
            }
            if retry
            else None,
        ),
    )


def _flat_target(target: Mapping[str, Any]) -> Props:
    retry, dead = target.get("RetryPolicy"), target.get("DeadLetterConfig")
    return _present(
        arn=target["Arn"],
        roleArn=target["RoleArn"],
        input=target.get("Input"),
        deadLetterConfig={"arn": dead["Arn"]} if dead else None,
        retryPolicy={
            "maximumEventAgeInSeconds": retry["MaximumEventAgeInSeconds"],
            "maximumRetryAttempts": retry["MaximumRetryAttempts"],
        }
        if retry
        else None,
    )


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != ""}
