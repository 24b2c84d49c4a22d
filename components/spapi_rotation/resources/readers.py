"""Who reads the secrets beside the function: the secrets' policies, the key's statements, and what a role needs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pulumi
import pulumi_aws as aws

from spapi_rotation.errors import InvalidArgument
from spapi_rotation.resources.iam import document
from spapi_rotation.resources.leaving import leaving_options, merged
from spapi_rotation.scope import Scope
from spapi_rotation.validation.applications import ValidApplication
from spapi_rotation.validation.inputs import MaybeOutput
from spapi_rotation.validation.names import did_you_mean
from spapi_rotation_lambda.domain.sender_policy import Statement

Principals: TypeAlias = MaybeOutput[Sequence[str]] | None

Encrypted: TypeAlias = tuple[str, str | None]
Replicas: TypeAlias = pulumi.Output[Mapping[str, str]] | None

READ_ACTIONS = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
"""What a reader needs: AWS's caching libraries look at the labels before they read the value. Both work across
accounts. Source: Secrets Manager user guide, "Access AWS Secrets Manager secrets from a different account"."""

KEY_POLICY_LIMIT = 32 * 1024
"""Bytes of a key's policy. Source: KMS developer guide, "Resource quotas"."""

OWN_STATEMENTS = 4096
"""More bytes than the component's own statements in it need."""

SECRET_POLICY_LIMIT = 20_480
"""Characters of a secret's policy. Source: Secrets Manager API reference, PutResourcePolicy."""

_SECRET_CONTEXT = "kms:EncryptionContext:SecretARN"  # noqa: S105
_ALL = "amzn1.application-oa2-client.*"
"""Every secret of the component, by the end of its name; Secrets Manager appends a hyphen and six characters."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something to read.

    Attributes:
        suffix: names resources.
        secrets: ARNs, or patterns of ARNs, each with the customer-managed key that encrypts it, if any: one secret or
            several, and the replicas.
        made: whether the component makes it.
    """

    suffix: str
    secrets: pulumi.Output[list[Encrypted]]
    made: bool


def key_statements(
    scope: Scope, applications: Sequence[ValidApplication], *, everywhere: Principals, prefix: pulumi.Input[str]
) -> pulumi.Output[list[Statement]] | None:
    """What the readers need in the secrets' key's policy: to decrypt, through Secrets Manager, what they may read.

    Every secret is named by its name, since it is made after its key. Readers of all applications take one statement,
    however many these are, and applications with the same readers share one.

    Raises:
        InvalidArgument: from the output: the statements do not fit into a key's policy.
    """
    named = [each for each in applications if each.readers is not None]
    if everywhere is None and not named:
        return None
    known = pulumi.Output.all(
        everywhere=everywhere or [],
        readers=[each.readers for each in named],
        patterns=[_pattern(scope, prefix, f"{each.client_id}-??????") for each in named],
        all=_pattern(scope, prefix, _ALL),
        service=pulumi.Output.concat("secretsmanager.", scope.region, ".amazonaws.com"),
    )
    return known.apply(_grouped)


def create_secret_policies(
    scope: Scope,
    applications: Sequence[ValidApplication],
    *,
    everywhere: Principals,
    secret_arns: Mapping[str, pulumi.Output[str]],
) -> None:
    """Give each secret that the component makes the policy that lets its readers read it, if it has any.

    A retired application's policy stays with its secret.
    """
    for application in applications:
        if application.adoption is not None or (everywhere is None and application.readers is None):
            continue
        principals = pulumi.Output.all(everywhere or [], application.readers or [])
        kept = pulumi.ResourceOptions(retain_on_delete=True) if application.retired else pulumi.ResourceOptions()
        aws.secretsmanager.SecretPolicy(
            f"{scope.name}-secret-{application.suffix}-readers",
            secret_arn=secret_arns[application.name],
            policy=principals.apply(secret_policy),
            block_public_policy=True,
            opts=merged(scope.options(), leaving_options(application), kept),
        )


def secret_policy(principals: Sequence[Sequence[str]]) -> str:
    """The policy of a secret, as JSON.

    Its resource is the secret that it is attached to: a replica has the same policy and another ARN.

    Raises:
        InvalidArgument: it is longer than Secrets Manager allows.
    """
    statement = {
        "Sid": "AllowReaders",
        "Effect": "Allow",
        "Principal": {"AWS": sorted({str(each) for group in principals for each in group})},
        "Action": list(READ_ACTIONS),
        "Resource": "*",
    }
    return _within_limit(document(statement), SECRET_POLICY_LIMIT, "a secret's policy")


def targets(
    applications: Sequence[ValidApplication],
    *,
    secret_arns: Mapping[str, pulumi.Output[str]],
    key_arn: pulumi.Output[str],
    replicas: Replicas,
) -> dict[str, Target]:
    """What a reader of each application reads, by the application's name."""
    return {
        each.name: Target(each.suffix, _with_replicas(secret_arns[each.name], key_arn, replicas), made=True)
        if each.adoption is None
        else Target(each.suffix, _with_replicas(secret_arns[each.name], each.adoption.key_arn, None), made=False)
        for each in applications
    }


def target_of_all(
    scope: Scope, prefix: pulumi.Input[str], key_arn: pulumi.Output[str], *, replicas: Replicas
) -> Target:
    """Every secret that the component makes, the later ones as well."""
    return Target("all", _with_replicas(_pattern(scope, prefix, _ALL), key_arn, replicas), made=True)


def _with_replicas(
    arn: pulumi.Output[str], key_arn: MaybeOutput[str] | None, replicas: Replicas
) -> pulumi.Output[list[Encrypted]]:
    """A secret's ARN and key, and those of its replicas.

    Source: Secrets Manager user guide, "Replicate AWS Secrets Manager secrets across Regions": the ARNs differ in the
    region only.
    """

    def pairs(known: Sequence[Any]) -> list[Encrypted]:
        own, key, regions = known
        start, _, end = str(own).partition(f":{str(own).split(':')[3]}:")
        return [(str(own), key), *((f"{start}:{region}:{end}", each) for region, each in sorted(regions.items()))]

    return pulumi.Output.all(arn, key_arn, replicas or {}).apply(pairs)


def reader_policy(wanted: Sequence[Target]) -> pulumi.Output[str]:
    """What a role needs in its own policies to read these, as JSON."""
    return pulumi.Output.all(*(each.secrets for each in wanted)).apply(
        lambda secrets: _identity_policy([pair for each in secrets for pair in each])
    )


def attach_reader_policy(
    component: pulumi.Resource,
    name: str,
    role: aws.iam.Role | str,
    application: str | None,
    *,
    readable: Mapping[str, Target],
    all_made: Target,
    opts: pulumi.ResourceOptions | None,
) -> aws.iam.RolePolicy:
    """Give a role the inline policy that it needs to read one application's secret, or all.

    The policy has a given name, for that is its own within the role, and the role's may be as long as a name can be.

    Raises:
        InvalidArgument: there is no such application, or the role is given by its ARN.
    """
    if isinstance(role, str) and role.startswith("arn:"):
        raise InvalidArgument(
            "grant_read was given the ARN of a role, but needs its name.",
            remedy="Give the role itself, or the last part of its ARN. A role of another account is named in readers.",
        )
    if application is not None and application not in readable:
        raise InvalidArgument(
            f"grant_read was given the application {application}, which does not exist.",
            remedy=f"{did_you_mean(application, readable)}Known are {', '.join(readable)}.",
        )
    adopted = [each for each in readable.values() if not each.made]
    wanted = [all_made, *adopted] if application is None else [readable[application]]
    suffix = wanted[0].suffix
    own, parent = (role, component) if isinstance(role, str) else (role.pulumi_resource_name, role)
    return aws.iam.RolePolicy(
        f"{name}-read-{suffix}-{own}",
        name=f"{name}-read-{suffix}",
        role=role if isinstance(role, str) else role.name,
        policy=reader_policy(wanted),
        opts=merged(pulumi.ResourceOptions(parent=parent), opts or pulumi.ResourceOptions()),
    )


def _identity_policy(wanted: Sequence[Encrypted]) -> str:
    secrets = sorted({str(arn) for arn, _ in wanted})
    statements: list[dict[str, Any]] = [
        {"Sid": "ReadSecrets", "Effect": "Allow", "Action": list(READ_ACTIONS), "Resource": secrets}
    ]
    keys = sorted({str(key) for _, key in wanted if key})
    if keys:
        encrypted = sorted({str(arn) for arn, key in wanted if key})
        statements.append(
            {
                "Sid": "DecryptSecrets",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": keys,
                "Condition": {"StringLike": {_SECRET_CONTEXT: encrypted}},
            }
        )
    return _compact(document(*statements))


def _grouped(known: Mapping[str, Any]) -> list[Statement]:
    patterns: dict[tuple[str, ...], list[str]] = {}
    if everywhere := tuple(known["everywhere"]):
        patterns[everywhere] = [str(known["all"])]
    for readers, pattern in zip(known["readers"], known["patterns"], strict=True):
        if further := tuple(each for each in readers if each not in everywhere):
            patterns.setdefault(further, []).append(str(pattern))
    statements = [
        _key_statement(f"AllowReaders{number or ''}", principals, sorted(secrets), str(known["service"]))
        for number, (principals, secrets) in enumerate(sorted(patterns.items(), key=lambda each: each[0] != everywhere))
    ]
    _within_limit(statements, KEY_POLICY_LIMIT - OWN_STATEMENTS, "the key's policy")
    return statements


def _key_statement(sid: str, principals: Sequence[str], secrets: list[str], service: str) -> Statement:
    """Decrypting for somebody, as far as it is Secrets Manager that asks, for these secrets.

    Source: KMS developer guide, "kms:ViaService"; Secrets Manager user guide, "Secret encryption and decryption in AWS
    Secrets Manager" (the encryption context).
    """
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": list(principals)},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": service}, "StringLike": {_SECRET_CONTEXT: secrets}},
    }


def _pattern(scope: Scope, prefix: pulumi.Input[str], end: str) -> pulumi.Output[str]:
    return scope.arn("secretsmanager", pulumi.Output.concat("secret:", prefix, "/", end))


def _within_limit(made: Any, limit: int, what: str) -> str:
    text = _compact(made)
    if len(text) > limit:
        raise InvalidArgument(
            f"readers needs {len(text)} bytes of {what}, which has room for {limit}.",
            remedy="Name accounts instead of their roles, name readers of all applications in `readers` of the "
            "component, or spread the applications over several components.",
        )
    return text


def _compact(made: Any) -> str:
    return json.dumps(made, separators=(",", ":"))
