"""A stand-in for Login with Amazon and the Selling Partner API's secret rotation, with misbehaviour on request.

``AmazonServer`` runs it inside this process, ``Amazon`` in one of its own, ``AmazonControl`` tells it what to do.
"""

from sandbox.amazon.caller import Caller
from sandbox.amazon.control import AmazonControl, ControlRefused
from sandbox.amazon.delivery import DeliveryRefused, Sender, SqsSender, SqsTarget
from sandbox.amazon.faults import (
    AcceptLate,
    Answer,
    Body,
    Close,
    CutShort,
    Delay,
    Duplicate,
    Hang,
    Hold,
    Lose,
    Point,
    RateHeader,
    RefuseDeadAtLwa,
    Slow,
    When,
)
from sandbox.amazon.outbox import NotificationType, State
from sandbox.amazon.process import Amazon
from sandbox.amazon.records import Clock, Scope, WorldSettings
from sandbox.amazon.server import AmazonServer

__all__ = [
    "AcceptLate",
    "Amazon",
    "AmazonControl",
    "AmazonServer",
    "Answer",
    "Body",
    "Caller",
    "Clock",
    "Close",
    "ControlRefused",
    "CutShort",
    "Delay",
    "DeliveryRefused",
    "Duplicate",
    "Hang",
    "Hold",
    "Lose",
    "NotificationType",
    "Point",
    "RateHeader",
    "RefuseDeadAtLwa",
    "Scope",
    "Sender",
    "Slow",
    "SqsSender",
    "SqsTarget",
    "State",
    "When",
    "WorldSettings",
]
