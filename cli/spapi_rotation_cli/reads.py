"""One read of a secret, as CloudTrail records it: who, when, which secret, which version of it.

Sources: CloudTrail user guide, "CloudTrail userIdentity element" and "record contents"; Secrets Manager user guide,
"AWS CloudTrail entries"; Secrets Manager API reference: BatchGetSecretValue is recorded as one GetSecretValue for each
secret.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spapi_rotation_cli.answers import CURRENT, moment

EVENT_NAME = "GetSecretValue"
_SOURCE = "secretsmanager.amazonaws.com"

UP_SESSION = "spapi-rotation"
"""The session's name when `pulumi up` assumes a role to rotate."""

FUNCTION, UP, PERSON, SERVICE, CONSUMER = "function", "pulumi-up", "person", "service", "consumer"
"""What a reader is. Only a consumer breaks with the secret that it has read."""

_PERSON_ROLE = re.compile(r"AWSReservedSSO_")
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")
"""What Secrets Manager puts behind a secret's name in its ARN."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: all sessions of a role are one reader.

    Attributes:
        principal: such as ``role/orders``, ``user/ci``.
        account: its AWS account; empty if the record does not tell.
        kind: ``function`` (the rotation function itself), ``pulumi-up``, ``person``, ``service`` or ``consumer``.
    """

    principal: str
    account: str
    kind: str


@dataclass(frozen=True, slots=True)
class Read:
    """One successful read.

    Attributes:
        at: in whole seconds, rounded down.
        names: what the secret may be called by; empty if the record does not tell.
        version_id, label: what was asked for beside the secret; None where nothing was.
    """

    at: datetime
    reader: Reader
    names: frozenset[str]
    version_id: str | None
    label: str | None

    def got(self, in_use: str | None) -> bool:
        """Whether it gave the value in use at its time, or that of the version which is in use now."""
        if self.version_id is not None:
            return self.version_id == in_use
        return self.label in (None, CURRENT)


def names_of(secret: str) -> frozenset[str]:
    """What may stand for a secret: its name; of an ARN the name in it, with and without AWS's six characters."""
    if not secret.startswith("arn:"):
        return frozenset({secret} - {""})
    name = secret.split(":", 6)[-1]
    return frozenset({name, _SUFFIX.sub("", name)} - {""})


def read_of(event: Mapping[str, Any], function: str) -> Read | None:
    """The read that an event of LookupEvents tells of.

    None if it tells of none: another call, a call that failed, a secret of another account, or nothing that can be
    read.

    Args:
        function: the rotation function's name.
    """
    record = _record(event)
    at = moment(record.get("eventTime"))
    if at is None or record.get("eventName") != EVENT_NAME or record.get("eventSource") != _SOURCE:
        return None
    if record.get("errorCode") or record.get("errorMessage"):
        return None
    asked = _mapping(record.get("requestParameters"))
    secret = _text(asked.get("secretId"))
    if secret.startswith("arn:") and secret.split(":")[4:5] != [_text(record.get("recipientAccountId"))]:
        return None
    return Read(
        at,
        _reader(_mapping(record.get("userIdentity")), function),
        names_of(secret),
        _text(asked.get("versionId")) or None,
        _text(asked.get("versionStage")) or None,
    )


def _record(event: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(_text(event.get("CloudTrailEvent")) or "{}"))
    except ValueError:
        return {}


def _reader(identity: Mapping[str, Any], function: str) -> Reader:
    arn, kind = _text(identity.get("arn")), _text(identity.get("type"))
    account = _text(identity.get("accountId"))
    context = _mapping(identity.get("sessionContext"))
    issuer = _mapping(context.get("sessionIssuer"))
    path = arn.split(":", 5)[-1] if arn.startswith("arn:") else ""
    if kind == "AssumedRole":
        parts = path.split("/")
        session = parts[-1] if len(parts) > 2 else _text(identity.get("principalId")).partition(":")[2]
        role = _text(issuer.get("arn")).split(":", 5)[-1] or (f"role/{parts[1]}" if len(parts) > 1 else "")
        return Reader(role or "role/unknown", account, _of_session(role, session, context, function))
    if kind == "Root":
        return Reader("root", account, PERSON)
    if kind == "IdentityCenterUser":
        user = _text(_mapping(identity.get("onBehalfOf")).get("userId"))
        return Reader(f"identity-center-user/{user or 'unknown'}", account, PERSON)
    if kind == "AWSService":
        return Reader(_text(identity.get("invokedBy")) or "an AWS service", account, SERVICE)
    if kind == "AWSAccount":
        # Of another account's principal AWS tells the id, not the name.
        return Reader(_text(identity.get("principalId")).partition(":")[0] or "unknown", account, CONSUMER)
    named = path or _text(identity.get("userName")) or _text(identity.get("principalId")) or "unknown"
    return Reader(named, account, PERSON if _is_person(context) else CONSUMER)


def _of_session(role: str, session: str, context: Mapping[str, Any], function: str) -> str:
    if session == function:  # Lambda names its sessions after the function
        return FUNCTION
    if session == UP_SESSION:
        return UP
    return PERSON if _PERSON_ROLE.search(role) or _is_person(context) else CONSUMER


def _is_person(context: Mapping[str, Any]) -> bool:
    """Whether somebody has signed in with a second factor."""
    return _text(_mapping(context.get("attributes")).get("mfaAuthenticated")) == "true"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
