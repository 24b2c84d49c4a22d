"""Keys that the component uses and does not make: where they lie, what they are, and what their policies must say."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.errors import InvalidArgument
from spapi_rotation.scope import Scope, here
from spapi_rotation.validation.inputs import MaybeOutput, is_map
from spapi_rotation_lambda.domain.sender_policy import Access, Statement, any_matches, key_access, listed, statements_of

USAGE = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
"""What the account's IAM policies must be able to grant on a key: to the component's roles, and to whoever deploys."""


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A key, made or existing.

    Attributes:
        arn: its ARN, validated.
        resource: what must exist before it can be used.
    """

    arn: pulumi.Output[str]
    resource: pulumi.Resource


def existing_key(
    scope: Scope,
    name: str,
    arn: MaybeOutput[str],
    *,
    argument: str,
    needed: pulumi.Input[Sequence[Statement]],
    for_amazon: bool,
) -> EncryptionKey:
    """Read a key, and compare its policy with what is needed; what it lacks is shown.

    Args:
        name: last part of its resource's name.
        argument: the argument that names it.
        needed: statements of which each must be said, in these or more general words.
        for_amazon: whether Amazon's sender must be able to use it.

    Raises:
        InvalidArgument: from the ARN, during the preview: it lies elsewhere, cannot encrypt, or keeps Amazon out.
    """
    placed = here(scope, arn, argument)
    found = aws.kms.Key.get(
        f"{scope.name}-own-{name}", placed.apply(lambda text: text.rpartition("/")[2]), opts=scope.options()
    )

    def validated(known: Mapping[str, Any]) -> str:
        its_arn, policy = str(known["arn"]), str(known["policy"] or "")
        validate_key(known, argument)
        if for_amazon:
            require_access(key_access(policy, its_arn), argument, scope.component)
        for statement in lacking(policy, its_arn, known["needed"]):
            pulumi.log.warn(
                f"{argument}: the policy of the key {its_arn} does not say this, in these words or more general ones: "
                f"{json.dumps(statement, sort_keys=True)}. Add it, unless the policy allows it in another way.",
                scope.component,
            )
        return its_arn

    known = pulumi.Output.all(
        arn=placed,
        policy=as_read(found.policy),
        usage=as_read(found.key_usage),
        spec=as_read(found.customer_master_key_spec),
        enabled=as_read(found.is_enabled),
        needed=needed,
    )
    return EncryptionKey(known.apply(validated), found)


def as_read(value: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """A property of something that was read: in a preview, too, one that is not there is None, and not unknown."""
    return pulumi.Output.from_input(value.future())


def validate_key(known: Mapping[str, Any], argument: str) -> None:
    """A key that encrypts and decrypts, and is enabled.

    Raises:
        InvalidArgument: it does not.
    """
    if known["usage"] != "ENCRYPT_DECRYPT" or known["spec"] != "SYMMETRIC_DEFAULT":
        raise InvalidArgument(
            f"{argument} is a key for {known['usage']} of the kind {known['spec']}: AWS services encrypt with "
            "symmetric keys only.",
            remedy="Use a key for ENCRYPT_DECRYPT of the kind SYMMETRIC_DEFAULT.",
        )
    if known["enabled"] is False:
        raise InvalidArgument(
            f"{argument} is disabled.",
            remedy=f"Enable it with `aws kms enable-key --key-id {known['arn']}`, or use another one.",
        )


def require_access(access: Access, argument: str, component: pulumi.Resource) -> None:
    """What Amazon's sender needs is allowed; what may deny it is a warning.

    Raises:
        InvalidArgument: a statement is missing, and shown; or one denies it, and is named.
    """
    if access.missing:
        raise InvalidArgument(
            f"{argument}: Amazon cannot deliver. Its policy lacks {'; '.join(access.missing)}",
            remedy="Add the statement to the policy as it is.",
        )
    if access.denials:
        raise InvalidArgument(
            f"{argument}: Amazon cannot deliver. Its policy denies it, in the statement {', '.join(access.denials)}.",
            remedy="Exempt Amazon's account from that statement.",
        )
    if access.unclear:
        pulumi.log.warn(
            f"{argument}: its policy may deny what Amazon needs, in the statement {', '.join(access.unclear)}.",
            component,
        )


def delegation(scope: Scope, *more: str) -> Statement:
    """What leaves the use of a key to IAM policies of the component's account."""
    return {
        "Sid": "AllowUseByPoliciesOfTheAccount",
        "Effect": "Allow",
        "Principal": {"AWS": pulumi.Output.concat("arn:aws:iam::", scope.account_id, ":root")},
        "Action": sorted((*USAGE, *more)),
        "Resource": "*",
    }


def lacking(policy: str, arn: str, needed: Sequence[Statement]) -> list[Statement]:
    """The needed statements that a key's policy does not say, each for the principals that it lacks.

    A statement is said by another one with the same principal, at least its actions, and the same condition or none.
    """
    given = [each for each in statements_of(policy) if each.get("Effect") == "Allow"]
    return [
        {**statement, "Principal": {kind: name}}
        for statement in needed
        for kind, name in _principals(statement)
        if not any(_says(each, statement, kind, name, arn) for each in given)
    ]


def _says(given: Mapping[str, Any], needed: Statement, kind: str, name: str, arn: str) -> bool:
    return (
        (kind, name) in _principals(given)
        and all(any_matches(given.get("Action"), str(each), fold=True) for each in listed(needed["Action"]))
        and any(each in ("*", arn) for each in listed(given.get("Resource")))
        and (not given.get("Condition") or _flat(given["Condition"]) == _flat(needed.get("Condition", {})))
    )


def _principals(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    principal: Any = statement.get("Principal")
    for kind, names in principal.items() if is_map(principal) else ():
        for name in map(str, listed(names)):
            yield str(kind), f"arn:aws:iam::{name}:root" if name.isdigit() else name


def _flat(condition: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (str(operator).lower(), str(key).lower(), str(value))
        for operator, keys in condition.items()
        for key, values in keys.items()
        for value in listed(values)
    }
