"""CloudTrail's LookupEvents, and records of reads as CloudTrail makes them.

Source: CloudTrail API reference, LookupEvents, and user guide, "CloudTrail userIdentity element".
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ACCOUNT = "123456789012"


def role(name: str, session: str = "session", *, account: str = ACCOUNT, mfa: bool = False) -> dict[str, Any]:
    """The identity of a session of a role; the name may begin with a path."""
    short = name.rpartition("/")[2]
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{short}/{session}",
        "accountId": account,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLE",
                "arn": f"arn:aws:iam::{account}:role/{name}",
                "accountId": account,
                "userName": short,
            },
            "attributes": {"mfaAuthenticated": str(mfa).lower(), "creationDate": "2026-03-01T12:00:00Z"},
        },
    }


def recorded(at: datetime, secret: str, identity: Mapping[str, Any] | None, **more: Any) -> dict[str, Any]:
    """A read, as LookupEvents gives it.

    Args:
        more: ``versionId`` or ``versionStage`` of the request; everything else is of the record.
    """
    asked = {name: more.pop(name) for name in ("versionId", "versionStage") if name in more}
    at = at.astimezone(UTC).replace(microsecond=0)
    record: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": at.isoformat().replace("+00:00", "Z"),
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": "GetSecretValue",
        "awsRegion": "us-east-1",
        "requestParameters": {"secretId": secret, **asked},
        "responseElements": None,
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        **more,
    }
    return {
        "EventId": f"event-{at.timestamp()}",
        "EventName": record["eventName"],
        "EventSource": record["eventSource"],
        "EventTime": at,
        "ReadOnly": "true",
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }


@dataclass
class FakeTrail:
    """The CloudTrail client.

    Attributes:
        events: what was recorded, in any order.
        failures: what the next lookups raise; None for one that succeeds.
        asked: every lookup.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    failures: deque[Exception | None] = field(default_factory=deque)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def lookup_events(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(dict(asked))
        if self.failures and (failure := self.failures.popleft()) is not None:
            raise failure
        (attribute,) = asked["LookupAttributes"]
        assert attribute == {"AttributeKey": "EventName", "AttributeValue": "GetSecretValue"}
        assert asked["StartTime"] <= asked["EndTime"]
        assert 1 <= asked["MaxResults"] <= 50
        token = asked.pop("NextToken", None)
        begun = int(token.partition(" ")[0]) if token else 0
        # A token is good with the parameters of its first call only.
        assert token is None or token == f"{begun} {asked}"
        found = [each for each in self.events if asked["StartTime"] <= each["EventTime"] <= asked["EndTime"]]
        found.sort(key=lambda each: each["EventTime"], reverse=True)
        end = begun + asked["MaxResults"]
        return {"Events": found[begun:end], **({"NextToken": f"{end} {asked}"} if end < len(found) else {})}
