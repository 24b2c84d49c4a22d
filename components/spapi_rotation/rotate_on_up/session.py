"""The AWS session of a rotation during ``pulumi up``: the stack's settings, in the secret's account and region.

What pulumi-aws would do with a setting is done, or the setting is refused by its name: a role that was assumed without
its session policy would have more rights than configured. Source: pulumi-aws 7, provider configuration, and the
Security Token Service's API reference, AssumeRole.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import boto3

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import BadSettings

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

HONOURED = ("region", "profile", "accessKey", "secretKey", "token", "assumeRoles")
"""The settings of pulumi-aws in the stack that are honoured."""

REFUSED = (
    *("allowedAccountIds", "forbiddenAccountIds", "assumeRole", "assumeRoleWithWebIdentity"),
    *("sharedConfigFiles", "sharedCredentialsFiles", "stsRegion", "endpoints", "useDualstackEndpoint"),
    *("useFipsEndpoint", "ec2MetadataServiceEndpoint", "ec2MetadataServiceEndpointMode"),
    *("customCaBundle", "insecure", "httpProxy", "httpsProxy", "noProxy"),
)
"""Those that decide who acts, or where, and are not. (``assumeRole`` is that of pulumi-aws 6.)"""

IRRELEVANT = (
    *("defaultTags", "ignoreTags", "tagPolicyCompliance", "maxRetries", "retryMode", "userAgents"),
    *("tokenBucketRateLimiterCapacity", "s3UsEast1RegionalEndpoint", "s3UsePathStyle"),
    *("skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation", "skipRequestingAccountId"),
)
"""Those that change nothing here: tags, patience, S3, and checks that pulumi-aws leaves out."""

SETTINGS = (*HONOURED, *REFUSED)
"""The settings that are looked at."""

SESSION_NAME = "spapi-rotation"
SHORTEST_SESSION, LONGEST_SESSION = 15 * 60, 12 * 3600

_UNSET = ("false", "null", "[]", "{}")
_INSTEAD = (
    "Set `via` of the component to function: then the function rotates, and `pulumi up` calls it as it calls AWS "
    "otherwise."
)


def aws_settings(get: Callable[[str], Any]) -> dict[str, Any]:
    """The stack's settings of pulumi-aws that are looked at, by name without ``aws:``.

    Args:
        get: gives a value of the configuration by its whole name; None if it is not set.
    """
    found = {name: get(f"aws:{name}") for name in SETTINGS}
    return {name: value for name, value in found.items() if value and value not in _UNSET}


def session_for(aws: Mapping[str, Any], application: Application) -> boto3.Session:
    """A session in the secret's region with the stack's AWS settings, proven to be in the secret's account.

    Args:
        aws: as ``aws_settings`` gives them.

    Raises:
        BadSettings: the settings are not usable here, or lead to another account or partition.
    """
    _, partition, _, region, account, *_ = application.secret_id.split(":")
    if partition != "aws":
        raise BadSettings(
            f"{application.name}: the partition {partition} is not supported.", remedy="Use partition aws."
        )
    if refused := [f"aws:{name}" for name in REFUSED if name in aws]:
        raise BadSettings(
            f"{application.name}: a rotation by `pulumi up` itself does not honour {', '.join(refused)} of the stack.",
            remedy=_INSTEAD,
        )
    roles = _roles(aws.get("assumeRoles"), application)
    session = boto3.Session(
        region_name=region,
        profile_name=aws.get("profile"),
        aws_access_key_id=aws.get("accessKey"),
        aws_secret_access_key=aws.get("secretKey"),
        aws_session_token=aws.get("token"),
    )
    for role in roles:
        given = _sts(session).assume_role(**role)["Credentials"]
        session = boto3.Session(
            region_name=region,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
    own = _sts(session).get_caller_identity()["Account"]
    if own != account:
        raise BadSettings(
            f"{application.name}: this update acts in AWS account {own}, but the secret is in {account}.",
            remedy="A dynamic resource does not see an explicit provider. Set aws:profile or aws:assumeRoles of the "
            f"stack to credentials of the secret's account. Or: {_INSTEAD[0].lower()}{_INSTEAD[1:]}",
        )
    return session


def _sts(session: boto3.Session) -> "STSClient":
    return session.client("sts")  # pyright: ignore[reportUnknownMemberType]  (boto3-stubs' overloads)


def _roles(value: Any, application: Application) -> list[dict[str, Any]]:
    """The stack's ``aws:assumeRoles`` as arguments of sts:AssumeRole, one call after the other.

    Raises:
        BadSettings: it is not usable, or says something that is not known here.
    """
    try:
        given = _list(json.loads(value) if isinstance(value, str) else value or [])
        roles = [_object(each) for each in given]
    except (ValueError, TypeError):
        roles = None
    if roles is None or not all(role.get("roleArn") for role in roles):
        raise BadSettings(
            f"{application.name}: aws:assumeRoles is not a list of objects with a roleArn.",
            remedy="Set it as pulumi-aws documents it.",
        )
    return [_role(role, f"aws:assumeRoles[{number}]", application) for number, role in enumerate(roles)]


def _role(role: Mapping[str, Any], place: str, application: Application) -> dict[str, Any]:
    if unknown := [name for name in role if name not in _ARGUMENTS]:
        raise BadSettings(
            f"{application.name}: a rotation by `pulumi up` itself does not honour {place}.{unknown[0]} of the stack.",
            remedy=_INSTEAD,
        )
    arguments: dict[str, Any] = {"RoleSessionName": SESSION_NAME}
    for name, value in role.items():
        if not value:
            continue
        argument, read = _ARGUMENTS[name]
        try:
            arguments[argument] = read(value)
        except (ValueError, TypeError, AttributeError):
            raise BadSettings(
                f"{application.name}: {place}.{name} is not usable.",
                remedy="Set it as pulumi-aws documents it.",
            ) from None
    return arguments


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: Any) -> list[str]:
    return [_text(item) for item in _list(value)]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return dict[str, Any](value)  # pyright: ignore[reportUnknownArgumentType]


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return list[Any](value)  # pyright: ignore[reportUnknownArgumentType]


def _seconds(value: Any) -> int:
    """Seconds of a duration as Go writes it, such as ``1h30m``."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
    part = r"(\d+(?:\.\d*)?)(h|ms|m|s|us|µs|ns)"
    if not re.fullmatch(f"(?:{part})+", _text(value)):
        raise ValueError
    seconds = int(sum(float(number) * units[unit] for number, unit in re.findall(part, value)))
    if not SHORTEST_SESSION <= seconds <= LONGEST_SESSION:
        raise ValueError
    return seconds


_ARGUMENTS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "roleArn": ("RoleArn", _text),
    "sessionName": ("RoleSessionName", _text),
    "externalId": ("ExternalId", _text),
    "duration": ("DurationSeconds", _seconds),
    "policy": ("Policy", _text),
    "policyArns": ("PolicyArns", lambda value: [{"arn": arn} for arn in _texts(value)]),
    "sourceIdentity": ("SourceIdentity", _text),
    "tags": ("Tags", lambda value: [{"Key": key, "Value": _text(text)} for key, text in value.items()]),
    "transitiveTagKeys": ("TransitiveTagKeys", _texts),
}
"""A role's settings, by their names in the stack: the argument of sts:AssumeRole, and how its value is read."""
