"""The record of a request, written before it is made."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from spapi_rotation_lambda.domain.errors import MalformedSecret
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.domain.times import format_time, parse_time


class Trigger(StrEnum):
    """Who asks for a rotation."""

    SCHEDULE = "schedule"
    PULUMI_UP = "pulumi-up"
    CLI = "cli"
    EXPIRY_NOTICE = "expiry-notice"

    @property
    def on_purpose(self) -> bool:
        """Whether somebody asked for this rotation, so that it is due whatever the secret's age."""
        return self in (Trigger.PULUMI_UP, Trigger.CLI)


class Mode(StrEnum):
    """What a request may pass."""

    ORDINARY = "ordinary"
    """Nothing: every rule holds."""
    REPOST = "repost"
    """The one automatic repetition of an unanswered request: the 7 days since that request."""
    FORCED = "forced"
    """A person's decision: all but missing credentials (REQ-1), a trigger text used already (REQ-2) and REQ-8."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """The write-ahead record of one request.

    Attributes:
        requested_at: when, by our clock (UTC).
        trigger: who asked.
        reference: the last trigger text of ``pulumi up``, carried along by later requests, so that an interrupted or
            repeated one finds that it has been requested.
        reposts: how many automatic (or forced) repetitions are already spent.
        refusals: how many refused requests came directly before this one.
        standing_since: ``requested_at`` of the last request that was not refused, when the records after it
            were: the 7 days are counted from it although its record has lost its label.
        queue_arn: the destination queue at that time; None in records that do not tell.
        answered_through: the queue of the last request that was answered, as far as the records tell.
        nonce: makes every requester's body different, so that only one can write a given record.
    """

    requested_at: datetime
    trigger: Trigger
    nonce: str
    reference: str | None = None
    reposts: int = 0
    refusals: int = 0
    standing_since: datetime | None = None
    queue_arn: str | None = None
    answered_through: str | None = None

    @property
    def queue_has_answered(self) -> bool:
        """Whether an earlier request was answered through the same queue: then Amazon does send to it."""
        return self.queue_arn is not None and self.queue_arn == self.answered_through

    def text(self) -> Sensitive:
        """The JSON text to store."""
        return Sensitive(
            json.dumps(
                {
                    "requested_at": format_time(self.requested_at),
                    "trigger": self.trigger.value,
                    "reference": self.reference,
                    "reposts": self.reposts,
                    "refusals": self.refusals,
                    "standing_since": self.standing_since and format_time(self.standing_since),
                    "queue_arn": self.queue_arn,
                    "answered_through": self.answered_through,
                    "nonce": self.nonce,
                },
                sort_keys=True,
            )
        )

    @classmethod
    def parse(cls, text: Sensitive) -> "RequestRecord":
        """Read a request record. Raises MalformedSecret when somebody else wrote it."""
        try:
            data = json.loads(text.reveal())
            standing = data["standing_since"]
            return cls(
                requested_at=parse_time(data["requested_at"], "requested_at"),
                trigger=Trigger(data["trigger"]),
                reference=data["reference"],
                reposts=int(data["reposts"]),
                refusals=int(data["refusals"]),
                standing_since=None if standing is None else parse_time(standing, "standing_since"),
                queue_arn=data.get("queue_arn"),
                answered_through=data.get("answered_through"),
                nonce=str(data["nonce"]),
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise MalformedSecret(
                f"The version labelled {Label.REQUEST} is not a request record of this package.",
                remedy=f"Move the label {Label.REQUEST} back to the version that this package wrote.",
            ) from None
