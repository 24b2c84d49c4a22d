"""What may be said: log lines with their fields, and events of the right types. A fake that hears anything else fails.

In a list of fields ``|`` parts the ways in which a line is said, and ``?`` ends a field that may be unknown.
"""

from collections.abc import Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.events import Event
from spapi_rotation_lambda.ports import Metric

LINES: Mapping[str, str] = {
    "check": "state expires_at?",
    "current_secret_tried": "answer",
    "delivery_overdue": "requested_at? replace_by?",
    "event_not_published": "kind detail",
    "expiry_notice_for_unreadable_secret": "expires_at",
    "expiry_notice_for_unseeded_secret": "expires_at",
    "expiry_notice_not_acted_on": "error detail",
    "expiry_notice_of_unknown_secret": "expires_at",
    "expiry_notice_while_switched_off": "expires_at",
    "key_policy_unreadable": "key",
    "label_of_empty_version_removed": "label version_id",
    "look_failed": "look detail remedy",
    "look_unknown": "look detail needs",
    "message_claimed": "message_id kind result",
    "newer_secret_overwritten": "version_id",
    "operator_action": "action claimed_by? before after result",
    "order_unknown": "version_id",
    "pending_contradicts_current": "version_id",
    "pending_is_not_newer": "version_id",
    "pending_is_not_of_amazon": "version_id",
    "promoted_by_hand": "version_id",
    "refusal_not_labelled": "record_id",
    "rejected_by_hand": "version_id",
    "request_record_labelled_again": "record_id",
    "rolled_back_by_hand": "version_id",
    "rotation_declined": "reason detail",
    "rotation_refused": "status code cause request_id",
    "rotation_request_unclear": "trigger status code request_id mode",
    "rotation_requested": "trigger status code request_id mode",
    "secret_accepted": "version_id | notification_id",
    "secret_contradictory": "notification_id issued_at",
    "secret_duplicate": "notification_id issued_at",
    "secret_not_yet_accepted": "version_id old_secret_dies_at?",
    "secret_promoted": "version_id rotation_id?",
    "secret_received": "notification_id issued_at",
    "secret_stored": "notification_id issued_at",
    "secret_stuck": "version_id old_secret_dies_at",
    "secret_superseded": "notification_id issued_at",
    "seeded_by_hand": "version_id",
    "sender_may_be_denied": "policy_of statements",
    "settle_left_to_next_check": "error detail | error",
    "unclaimed_left_there": "error detail",
}
"""The lines about an application."""

OTHER_LINES: Mapping[str, str] = {
    "dead_letter_discarded": "message_id kind forced",
    "dead_letter_redriven": "message_id kind result",
    "message_unclaimed": "message_id? client_id kind",
    "message_unknown": "message_id? detail",
    "operator_action": "action claimed_by? messages | action claimed_by? found",
    "operator_action_failed": "action? error detail claimed_by? client_id?",
    "waiting_for_unread_messages_to_be_taken": "",
}
"""The lines about none."""


def require_line(event: str, application: Application | None, given: Mapping[str, object]) -> None:
    """Fail for a line that is not known, or whose fields are others."""
    ways = (LINES if application is not None else OTHER_LINES)[event].split(" | ")
    wanted = [{name.rstrip("?"): name.endswith("?") for name in way.split()} for way in ways]
    (way,) = (way for way in wanted if set(way) == set(given))
    assert [name for name, value in given.items() if value is None and not way[name]] == [], event


def require_metric(metric: Metric, value: float) -> None:
    """Fail for something that is no metric, or no number."""
    assert isinstance(metric, Metric), metric
    assert isinstance(value, int | float), metric


def require_event(event: Event) -> None:
    """Fail for an event with a field of another type."""
    hints: Mapping[str, Any] = get_type_hints(type(event))
    for field in fields(event):
        value, kinds = getattr(event, field.name), _kinds(hints[field.name])
        assert isinstance(value, kinds), (type(event).__name__, field.name)


def _kinds(hint: Any) -> tuple[type, ...]:
    if isinstance(hint, UnionType):
        return tuple(kind for each in get_args(hint) for kind in _kinds(each))
    return (NoneType if hint is None else hint,)
