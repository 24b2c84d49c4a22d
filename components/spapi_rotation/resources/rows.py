"""What belongs together among the alarms: the chapters of the runbook, which are the rows of the dashboard."""

from collections.abc import Mapping
from enum import StrEnum


class Row(StrEnum):
    """A chapter of the runbook, and the row of the dashboard with its title."""

    EVERYTHING = "Is everything all right"
    IN_USE = "The secret in use"
    REQUESTS = "Requests and deliveries"
    MESSAGES = "Messages"
    CHECKS = "Checks and the function"


ALARMS: Mapping[Row, tuple[str, ...]] = {
    Row.IN_USE: (
        "expired",
        "days-to-expiry",
        "denied",
        "rejected",
        "contradictory",
        "order-unknown",
        "overwritten",
        "unseen-rotation",
        "unseeded",
    ),
    Row.REQUESTS: ("stuck", "overdue", "refused"),
    Row.MESSAGES: ("dead-letters", "unknown-messages", "queue-age", "unclaimed"),
    Row.CHECKS: (
        "heartbeat",
        "operations",
        "errors",
        "throttles",
        "look-failed",
        "not-published",
        "restart-failed",
        "restart-not-started",
    ),
}
"""Every alarm's row, the most urgent first."""


def anchor(heading: str) -> str:
    """How a link names a heading of the runbook."""
    return heading.lower().replace(" ", "-")
