"""CloudTrail's record of reads of secrets, and its LookupEvents.

MiniStack takes whoever calls for an IAM user of their access key, records only calls that are allowed, and gives one
page. Source: CloudTrail API reference, LookupEvents; user guide, "CloudTrail userIdentity element" and "record
contents"; Secrets Manager API reference, BatchGetSecretValue (recorded as GetSecretValue, secret by secret).
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import cloudtrail, iam
from ministack.services import secretsmanager as service

from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.secretsmanager import Refused, Response, answering
from sandbox.aws.patches.settings import Settings

READ = "GetSecretValue"
KEPT_SECONDS = 90 * 24 * 3600
PAGE = 50
_KEYS = ("AccessKeyId", "EventId", "EventName", "EventSource", "ReadOnly", "ResourceName", "ResourceType", "Username")
_ASKED = {"SecretId": "secretId", "VersionId": "versionId", "VersionStage": "versionStage"}


def apply(_settings: Settings) -> None:
    """Record reads, those that are refused too, and look them up page by page."""
    replace(service, "_get_secret_value", _recorded(service._get_secret_value))
    replace(iam_actions, "access_denied_response", _denial_recorded(iam_actions.access_denied_response))
    replace(cloudtrail, "_DISPATCH", {**cloudtrail._DISPATCH, "LookupEvents": answering(_lookup)})


def _recorded(read: Callable[[Any], Response]) -> Callable[[Any], Response]:
    def answer(data: Any) -> Response:
        found = read(data)
        asked = {theirs: data[ours] for ours, theirs in _ASKED.items() if data.get(ours)}
        body = json.loads(found[2] or b"{}")
        failed = {"errorCode": body.get("__type", "").rpartition("#")[2]} if found[0] != 200 else {}
        _record(iam_evaluator.caller_arn(), asked, failed)
        return found

    return answer


def _denial_recorded(denial: Callable[..., Any]) -> Callable[..., Any]:
    def answer(of: str, action: str, principal_arn: str, *rest: Any, **more: Any) -> Any:
        if action == f"secretsmanager:{READ}" and principal_arn:
            failed = {"errorCode": "AccessDenied", "errorMessage": f"{principal_arn} is not authorized"}
            _record(principal_arn, {"secretId": more.get("resource_arn", "*")}, failed)
        return denial(of, action, principal_arn, *rest, **more)

    return answer


def _record(caller: str, asked: Mapping[str, str], failed: Mapping[str, str]) -> None:
    now, event_id = int(time.time()), new_uuid()
    identity = _identity(caller)
    record = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": READ,
        "awsRegion": get_region(),
        "sourceIPAddress": "127.0.0.1",
        "requestParameters": dict(asked),
        "responseElements": None,
        "requestID": new_uuid(),
        "eventID": event_id,
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": get_account_id(),
        "eventCategory": "Management",
        **failed,
    }
    cloudtrail._get_event_queue().append(
        {
            "EventId": event_id,
            "EventName": READ,
            "ReadOnly": "true",
            "EventTime": now,
            "EventSource": record["eventSource"],
            "Username": caller.rpartition("/")[2] or "root",
            "Resources": [],
            "CloudTrailEvent": json.dumps(record),
        }
    )


def _identity(caller: str) -> dict[str, Any]:
    account, path = caller.split(":", 5)[4:]
    if path.startswith("assumed-role/"):
        _, name, session = path.split("/", 2)
        role = iam._roles.get_scoped(account, None, name) or {}
        return {
            "type": "AssumedRole",
            "principalId": f"{role.get('RoleId', name)}:{session}",
            "arn": caller,
            "accountId": account,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": role.get("RoleId", name),
                    "arn": role.get("Arn", f"arn:aws:iam::{account}:role/{name}"),
                    "accountId": account,
                    "userName": name,
                },
                "attributes": {"mfaAuthenticated": "false"},
            },
        }
    kind = "IAMUser" if path.startswith("user/") else "Root"
    named = {"userName": path.rpartition("/")[2]} if kind == "IAMUser" else {}
    return {"type": kind, "principalId": account, "arn": caller, "accountId": account, **named}


def _lookup(asked: Mapping[str, Any]) -> dict[str, Any]:
    """LookupEvents, the newest first. What is not recorded here is refused, not answered by nothing."""
    attributes = asked.get("LookupAttributes") or []
    if len(attributes) != 1 or attributes[0].get("AttributeKey") not in _KEYS:
        raise Refused("InvalidLookupAttributesException", "The list can contain only one item, of a valid attribute.")
    if attributes[0] != {"AttributeKey": "EventName", "AttributeValue": READ}:
        raise Refused("UnsupportedOperationException", f"The sandbox records {READ} only, looked up by its name.")
    now = time.time()
    start, end = float(asked.get("StartTime") or now - KEPT_SECONDS), float(asked.get("EndTime") or now)
    if start > end:
        raise Refused("InvalidTimeRangeException", "The start time is after the end time.")
    size = asked.get("MaxResults", PAGE)
    if not 1 <= size <= PAGE:
        raise Refused("InvalidMaxResultsException", f"MaxResults is between 1 and {PAGE}.")
    told = json.dumps([attributes, asked.get("StartTime"), asked.get("EndTime"), size])
    position, _, of = (asked.get("NextToken") or f"0 {told}").partition(" ")
    if of != told or not position.isdigit():
        raise Refused("InvalidNextTokenException", "The token is not one of a call with these parameters.")
    oldest = max(start, now - KEPT_SECONDS)
    found = [each for each in reversed(cloudtrail._get_event_queue()) if oldest <= each["EventTime"] <= end]
    last = int(position) + size
    more = {"NextToken": f"{last} {told}"} if last < len(found) else {}
    return {"Events": found[int(position) : last], **more}
