"""Policies of secrets and keys: whom they may name, and the reading of a secret by another account.

Source: the Secrets Manager API reference (PutResourcePolicy) and user guide ("Access AWS Secrets Manager secrets from a
different account"); the KMS API reference (CreateKey, PutKeyPolicy).
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import error_response_json
from ministack.services import iam, kms
from ministack.services import secretsmanager as service

from sandbox.aws.patches.permissions import caller_may, in_place_of, role_of
from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.secretsmanager import Operation, Refused, Request, Response, answering, named, writable
from sandbox.aws.patches.settings import Settings

ACROSS_ACCOUNTS = ("DescribeSecret", "GetSecretValue", "ListSecretVersionIds")
"""What works on another account's secret, as far as the sandbox knows it."""

_ACCOUNT = re.compile(r"(\d{12}|arn:aws:iam::\d{12}:root)")


def apply(_settings: Settings) -> None:
    """Validate what is put, and find secrets of other accounts by their ARNs."""
    replace(service, "_put_resource_policy", answering(_put_resource_policy))
    replace(service, "handle_request", _with_other_accounts(service.handle_request))
    for name in ("_create_key", "_put_key_policy"):
        replace(kms, name, _with_valid_principals(getattr(kms, name)))


def _put_resource_policy(data: Request) -> dict[str, Any]:
    secret, text = writable(data), data.get("ResourcePolicy") or ""
    if wrong := evaluator.validate_policy_document(text):
        raise Refused("MalformedPolicyDocumentException", f"This resource policy is malformed: {wrong}.")
    statements = list(_statements(text))
    if not all(_is_valid(each) for each in _principals(statements)):
        raise Refused("MalformedPolicyDocumentException", "This resource policy contains an unsupported principal.")
    if data.get("BlockPublicPolicy") and any(map(_is_public, statements)):
        raise Refused(
            "PublicPolicyException",
            "BlockPublicPolicy is set, and the resource policy grants broad access to the secret.",
        )
    service._resource_policies[secret["ARN"]] = text
    service._sync_replica_resource_policy(secret, text)
    return named(secret)


def _with_valid_principals(operation: Operation) -> Operation:
    def answer(data: Request) -> Response:
        if not all(_is_valid(each) for each in _principals(_statements(data.get("Policy") or "{}"))):
            return error_response_json(  # type: ignore[no-any-return]
                "MalformedPolicyDocumentException",
                "Policy contains a statement with one or more invalid principals.",
                400,
            )
        return operation(data)

    return answer


def _with_other_accounts(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """MiniStack asks the caller's own policies for the right; the secret's own must give it as well."""

    async def answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        arn = str(json.loads(body or b"{}").get("SecretId") or "") if action in ACROSS_ACCOUNTS else ""
        if not arn.startswith("arn:") or arn.split(":")[4] == evaluator.caller_arn().split(":")[4]:
            return await handle(method, path, headers, body, query)
        if not caller_may(f"secretsmanager:{action}", arn):
            said = f"User: {evaluator.caller_arn()} is not authorized to perform: secretsmanager:{action} on resource: "
            reason = f"{arn} because no resource-based policy allows the secretsmanager:{action} action"
            return error_response_json("AccessDeniedException", said + reason, 400)
        with in_place_of(arn):
            return await handle(method, path, headers, body, query)

    return answer


def _statements(text: str) -> Iterator[Mapping[str, Any]]:
    found = json.loads(text).get("Statement", [])
    yield from [found] if isinstance(found, dict) else found


def _principals(statements: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The AWS principals of a policy; a service is not looked at."""
    for statement in statements:
        principal = statement.get("Principal", {})
        named_ = principal.get("AWS", []) if isinstance(principal, dict) else principal
        yield from [named_] if isinstance(named_, str) else named_


def _is_valid(principal: str) -> bool:
    """An account, everybody, or a role or user that there is; a session of a role, if there is the role."""
    if principal == "*" or _ACCOUNT.fullmatch(principal):
        return True
    parts = principal.split(":", 5)
    if len(parts) < 6 or "*" in principal:
        return False
    kind, _, name = parts[5].partition("/")
    if kind == "assumed-role":
        return iam._roles.get_scoped(parts[4], None, name.partition("/")[0]) is not None
    if kind == "user":
        return iam._users.get_scoped(parts[4], None, name.rpartition("/")[2]) is not None
    return role_of(principal) is not None


def _is_public(statement: Mapping[str, Any]) -> bool:
    return (
        statement.get("Effect") == "Allow" and not statement.get("Condition") and "*" in list(_principals([statement]))
    )
