"""The Lambda handler: thin. It tells queue messages from checks and requests, and calls the use cases.

A queue message is acknowledged by returning normally (batch size 1) and kept by raising. Nothing of an event is
ever logged.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import boto3

from spapi_rotation_lambda.adapters.telemetry import PowertoolsTelemetry
from spapi_rotation_lambda.bootstrap import build
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import BadSettings, Declined
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.request_record import Trigger
from spapi_rotation_lambda.domain.times import parse_time
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.settings import Action, Env, Settings, validated_client_id
from spapi_rotation_lambda.use_cases import operator_events
from spapi_rotation_lambda.use_cases.check import check
from spapi_rotation_lambda.use_cases.message import handle_message
from spapi_rotation_lambda.use_cases.request import describe, report_declined, request


@cache
def _ports() -> Ports:
    settings = Settings.from_environment(os.environ)
    return build(boto3.Session(), settings, PowertoolsTelemetry(os.environ.get(Env.SERVICE, "spapi-rotation")))


def handler(event: object, context: object) -> dict[str, Any]:
    """Handle one invocation: an SQS batch of one, ``{"action": "check" | "request", ...}``, or an operator's event.

    Raises:
        RotationError: (typed) a defect, or a message that is to stay in the queue.
    """
    return dispatch(_ports(), event)


def dispatch(ports: Ports, event: object) -> dict[str, Any]:
    """Handle one event with the given ports.

    Raises:
        BadSettings: the event is none that this function knows.
    """
    if not isinstance(event, Mapping):
        raise _unknown_event()
    if operator_events.KEY in event:
        return operator_events.handle(ports, event)
    if "Records" in event:
        return _queue_message(ports, event["Records"])
    action = event.get("action")
    if action == Action.CHECK:
        application = replace(_application(ports, event), schedule_arn=_schedule_arn(event))
        return {"state": check(ports, application, _scheduled_at(event)).value}
    if action == Action.REQUEST:
        return _request(ports, _application(ports, event), event)
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
    return {"receipt": handle_message(ports, Sensitive(body))}


def _request(ports: Ports, application: Application, event: Mapping[str, Any]) -> dict[str, Any]:
    reference = event.get("reference")
    try:
        requested = request(
            ports,
            application,
            Trigger.PULUMI_UP,
            reference=reference if isinstance(reference, str) else None,
        )
    except Declined as declined:
        report_declined(ports, application, declined)
        return {"requested": False, "reason": type(declined).__name__, "detail": str(declined)}
    return {"requested": True, "detail": describe(requested)}


def _application(ports: Ports, event: Mapping[str, Any]) -> Application:
    client_id = validated_client_id(event.get("client_id"), "client_id")
    name = event.get("application")
    return ports.applications.find(client_id, name if isinstance(name, str) else None)


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
