"""How rotations are to go: the owner's choices, the same for every application of a component."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spapi_rotation_lambda.domain.window import Window


class Verification(StrEnum):
    """How a received secret is proven before promotion."""

    CALL = "call"
    """A token and the verification call, with the current secret as control."""
    LWA = "lwa"
    """A token alone, after the promote delay."""


@dataclass(frozen=True, slots=True)
class RotationPolicy:
    """The owner's choices.

    Attributes:
        rotate_every: the age at which a secret is due.
        rotation_window: when the schedule may ask; None means at any time.
        paused: whether the schedule asks at all.
        check_interval: between two scheduled checks of an application.
        verification: how a received secret is proven.
        promote_delay: between a secret's issue, or its storing if that is later, and its promotion, when only a token
            proves it.
        delivery_deadline: after which an unanswered request is overdue.
        expiry_alarm: how long before its expiry a secret in use is said to expire soon.
        repost_after: after which an unanswered request is made once more, unless the secret in use dies sooner.
    """

    rotate_every: timedelta
    rotation_window: "Window | None"
    paused: bool
    check_interval: timedelta
    verification: Verification
    promote_delay: timedelta
    delivery_deadline: timedelta
    repost_after: timedelta
    expiry_alarm: timedelta
