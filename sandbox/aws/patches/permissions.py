"""What somebody may do, by MiniStack's own evaluation of policies.

MiniStack checks the callers of its API. These checks are for services that act by themselves with a role, and for
what a call needs besides its own action, such as the use of a key.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ministack.core import iam_evaluator as evaluator
from ministack.core import responses
from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import iam, kms, sqs
from ministack.services.tagging import resource_tags

Keys = Mapping[str, str]
"""Values of condition keys, by their names in lower case."""


def role_trusts(role_arn: str, service: str, keys: Keys) -> bool:
    """Whether the role exists and its trust policy lets a service (``scheduler.amazonaws.com``) assume it."""
    role = role_of(role_arn)
    if role is None:
        return False
    trust = json.loads(role.get("AssumeRolePolicyDocument") or "{}")
    statements = trust.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        statement.setdefault("Resource", "*")
    asked = _asked("*", "Service", "", "sts:AssumeRole", "*", keys)
    return bool(evaluator.evaluate_resource_policy(trust, asked, service=service).decision == "Allow")


def role_may(role_arn: str, action: str, resource: str, keys: Keys | None = None) -> bool:
    """Whether the role exists, and its policies and the resource's own allow an action over TLS."""
    role = role_of(role_arn)
    if role is None:
        return False
    account, name = role_arn.split(":")[4], role["RoleName"]
    principal = f"arn:aws:sts::{account}:assumed-role/{name}/service"
    return _may(principal, "AssumedRole", account, action, resource, keys or {})


def caller_may(action: str, resource: str, keys: Keys | None = None) -> bool:
    """The same for the caller of the request at work."""
    principal = evaluator.caller_arn()
    account, kind = principal.split(":")[4], principal.split(":")[5].partition("/")[0]
    kinds = {"assumed-role": "AssumedRole", "user": "User"}
    return _may(principal, kinds.get(kind, "Root"), account, action, resource, keys or {})


def service_may(service: str, action: str, resource: str, keys: Keys | None = None) -> bool:
    """Whether the resource's own policy lets a service act on it, for a resource of the account at work."""
    found = evaluator._resource_policy(action.partition(":")[0], resource)
    if not found:
        return False
    asked = _asked(
        "*", "Service", "", action, resource, {"aws:sourceaccount": responses.get_account_id(), **(keys or {})}
    )
    return bool(evaluator.evaluate_resource_policy(found[0], asked, service=service).decision == "Allow")


def role_may_send(role_arn: str, queue_arn: str) -> bool:
    """Whether the role may send to a queue, and use the queue's own key if it has one."""
    keys = via("sqs", queue_arn)
    key = queue_key(queue_arn)
    return role_may(role_arn, "sqs:SendMessage", queue_arn) and (
        key is None or all(role_may(role_arn, action, key, keys) for action in SENDING_KEY_ACTIONS)
    )


SENDING_KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
"""What a sender needs on the key of an encrypted queue. Source: SQS developer guide, "Key management"."""


def queue_key(queue_arn: str) -> str | None:
    """The ARN of the customer managed key that encrypts a queue; None if there is none."""
    queue = sqs._queue_by_arn(queue_arn)
    return customer_key(queue["attributes"].get("KmsMasterKeyId"), queue_arn) if queue else None


def customer_key(name: str | None, owner_arn: str) -> str | None:
    """The ARN of a customer managed key by its id, ARN or alias, in the account of the resource that uses it.

    A name that no key has is returned as it is: nobody may use that.
    """
    if not name or name.startswith("alias/aws/"):
        return None
    with in_place_of(owner_arn):
        key = kms._resolve_key(name)
    return str(key["Arn"]) if key else name


def via(service: str, resource: str) -> dict[str, str]:
    """The condition keys of a key's use by a service for one of its resources."""
    spec = parse_arn(resource)
    context = {"sqs": "aws:sqs:arn", "secretsmanager": "secretarn"}[service]
    return {
        "kms:viaservice": f"{service}.{spec.region}.amazonaws.com",
        "kms:calleraccount": responses.get_account_id(),
        f"kms:encryptioncontext:{context}": resource,
    }


def _may(principal: str, kind: str, account: str, action: str, resource: str, keys: Keys) -> bool:
    with in_place_of(resource):
        tags = {f"aws:resourcetag/{name}".lower(): value for name, value in (resource_tags(resource) or {}).items()}
    asked = _asked(principal, kind, account, action, resource, {**tags, **keys})
    name = principal.split("/")[-1] if kind == "User" else principal.partition("/")[2].partition("/")[0]
    limits: list[Any] = []
    if kind == "Root":
        result = evaluator.EvalResult("Allow", principal)
    else:
        gather = evaluator._gather_user_policies if kind == "User" else evaluator._gather_role_policies
        limits = evaluator._permissions_boundary(iam._users if kind == "User" else iam._roles, name, account)
        result = evaluator.evaluate(asked, gather(name, account), *limits)
    service = action.partition(":")[0]
    with in_place_of(resource):
        found = evaluator._resource_policy(service, resource)
    if found is not None:
        required = service in evaluator._POLICY_REQUIRED
        result = evaluator.combine_resource_policy(result, asked, *found, required=required, limits=limits)
    elif service == "kms":
        return False
    return bool(result.decision == "Allow")


def role_of(role_arn: str) -> dict[str, Any] | None:
    """The role, if there is one of this ARN, in whatever account."""
    parts = role_arn.split(":", 5)
    if len(parts) < 6 or not parts[5].startswith("role/"):
        return None
    role: dict[str, Any] | None = iam._roles.get_scoped(parts[4], None, parts[5].rsplit("/", 1)[-1])
    return role if role and role.get("Arn") == role_arn else None


def _asked(principal: str, kind: str, account: str, action: str, resource: str, keys: Keys) -> Any:
    return evaluator.EvalContext(
        principal_arn=principal,
        principal_type=kind,
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=responses.get_region(),
        secure_transport=True,
        service_context=dict(keys),
    )


@contextmanager
def in_place_of(resource: str) -> Iterator[None]:
    """Look resources up as their owner, in their region; MiniStack finds only those of the request at work."""
    try:
        spec = parse_arn(resource)
        owner, region = spec.account_id, spec.region
    except ArnParseError:
        owner = region = ""
    account_token = responses._request_account_id.set(owner or responses.get_account_id())
    region_token = responses._request_region.set(region or responses.get_region())
    try:
        yield
    finally:
        responses._request_account_id.reset(account_token)
        responses._request_region.reset(region_token)
