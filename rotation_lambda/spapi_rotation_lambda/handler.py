"""The Lambda handler: thin. It tells queue messages from checks and requests, and calls the use cases.

What a check at rest does not need is imported where it is used: a fresh process compiles all that it imports.
A queue message is acknowledged by returning normally (batch size 1) and kept by raising. Nothing of an event is
ever logged.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from spapi_rotation_lambda.adapters.aws_session import BotocoreSession
from spapi_rotation_lambda.adapters.telemetry import LambdaTelemetry
from spapi_rotation_lambda.bootstrap import build
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import BadSettings, RotationDeclined
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time, parse_time
from spapi_rotation_lambda.ports import Metric, Ports
from spapi_rotation_lambda.settings import OPERATOR, Action, Env, Settings, validated_client_id
from spapi_rotation_lambda.use_cases.check import check

_MESSAGE_ID = re.compile(r"[0-9a-fA-F-]{36}")
"""SQS's id of a message is a UUID."""

MOST_DIGITS = 14
"""Of a time in milliseconds, up to the year 5138."""


@cache
def _telemetry() -> LambdaTelemetry:
    return LambdaTelemetry(os.environ.get(Env.COMPONENT, "spapi-rotation"))


@cache
def function_ports() -> Ports:
    """The ports of this process. Raises BadSettings."""
    settings = Settings.from_environment(os.environ)
    return build(BotocoreSession(), settings, _telemetry())


def handler(event: object, context: object) -> dict[str, Any]:
    """Handle one invocation: an SQS batch of one, a check, a request of ``pulumi up``, or an operator's event.

    Raises:
        RotationError: (typed) a defect, a message that is to stay in the queue, or a declined request of ``pulumi up``.
    """
    _telemetry().begin(getattr(context, "aws_request_id", None))
    return dispatch(function_ports(), event)


def dispatch(ports: Ports, event: object) -> dict[str, Any]:
    """Handle one event with the given ports.

    Raises:
        BadSettings: the event is none that this function knows.
    """
    if not isinstance(event, Mapping):
        raise _unknown_event()
    if OPERATOR in event:
        from spapi_rotation_lambda.use_cases import operator_events

        return operator_events.handle(ports, event)
    if "Records" in event:
        return _queue_message(ports, event["Records"])
    action = event.get("action")
    if action == Action.CHECK:
        application = replace(_application(ports, event), schedule_arn=_schedule_arn(event))
        return {"state": check(ports, application, _scheduled_at(event)).value}
    if action == Action.ROTATE_ON_UP:
        return _rotate_on_up(ports, event)
    raise _unknown_event()


def _queue_message(ports: Ports, records: object) -> dict[str, Any]:
    if not isinstance(records, list) or len(records) != 1 or not isinstance(records[0], Mapping):
        raise BadSettings(
            "The event does not hold exactly one queue message.", remedy="Set the mapping's batch size to 1."
        )
    record = records[0]
    body = record.get("body")
    if record.get("eventSource") != "aws:sqs" or not isinstance(body, str):
        raise _unknown_event()
    message_id = str(record.get("messageId"))
    named = message_id if _MESSAGE_ID.fullmatch(message_id) else ""  # anything else could be a secret
    from spapi_rotation_lambda.use_cases.message import handle_message

    return {"receipt": handle_message(ports, Sensitive(body), named, _first_sent(record))}


def _first_sent(record: Mapping[str, Any]) -> datetime | None:
    """When SQS first got the message. Source: SQS API reference, ReceiveMessage (SentTimestamp, milliseconds)."""
    attributes = record.get("attributes")
    sent = attributes.get("SentTimestamp") if isinstance(attributes, Mapping) else None
    if not isinstance(sent, str) or not sent.isdecimal() or len(sent) > MOST_DIGITS:
        return None
    return datetime.fromtimestamp(int(sent) / 1000, UTC)


def _rotate_on_up(ports: Ports, event: Mapping[str, Any]) -> dict[str, Any]:
    application, trigger = _application(ports, event), event.get("trigger")
    if not isinstance(trigger, str) or not trigger.strip():
        raise BadSettings("The event names no trigger.", remedy="Let `pulumi up` call this function.")
    from spapi_rotation_lambda.use_cases.asking import report_declined
    from spapi_rotation_lambda.use_cases.request import describe
    from spapi_rotation_lambda.use_cases.rotate_on_up import rotate_on_up

    try:
        requested = rotate_on_up(ports, application, trigger)
    except RotationDeclined as error:
        report_declined(ports, application, error.declined)
        ports.telemetry.count(Metric.DECLINED_ON_UP)
        raise
    return {"requested_at": format_time(requested.requested_at), "detail": describe(requested)}


def _application(ports: Ports, event: Mapping[str, Any]) -> Application:
    client_id = validated_client_id(event.get("client_id"), "client_id")
    name = event.get("application")
    return ports.application(client_id, name if isinstance(name, str) else None)


def _scheduled_at(event: Mapping[str, Any]) -> datetime | None:
    try:
        return parse_time(event.get("scheduled_at"), "scheduled_at")
    except ValueError:
        return None  # a check by hand names no time; the clock's is used


def _schedule_arn(event: Mapping[str, Any]) -> str | None:
    arn = event.get("schedule_arn")
    return arn if isinstance(arn, str) and arn.startswith("arn:") else None


def _unknown_event() -> BadSettings:
    return BadSettings(
        "The event is not one that this function knows.",
        remedy='Send {"action": "check", "application": NAME, "client_id": ID}, or let the queue and the schedule '
        "call it.",
    )
