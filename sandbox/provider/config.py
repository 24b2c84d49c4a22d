"""The provider's configuration: what pulumi-aws calls ``aws:region``, ``aws:defaultTags`` and so on.

The engine hands over each value as the program gave it, or as JSON text.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.provider.errors import StandInError, not_known
from sandbox.provider.loopback import refuse_elsewhere
from sandbox.provider.values import Props

SERVICES = frozenset(
    {
        "cloudwatch",
        "ecs",
        "events",
        "iam",
        "kms",
        "lambda",
        "logs",
        "scheduler",
        "secretsmanager",
        "sns",
        "sqs",
        "stepfunctions",
        "sts",
    }
)
"""The AWS services that the stand-in calls, in boto3's names (the same as in ``aws:endpoints``)."""

_ENGINE_KEYS = frozenset({"version", "pluginDownloadURL", "pluginChecksums", "__internal"})
"""Keys that the engine adds."""

_ROLE_FIELDS = frozenset({"roleArn", "sessionName", "externalId", "duration"})


@dataclass(frozen=True)
class AssumeRole:
    """One role to assume, on top of the one before it."""

    role_arn: str
    session_name: str
    external_id: str | None = None
    seconds: int | None = None


@dataclass(frozen=True)
class ProviderConfig:
    """A provider's configuration, checked.

    Its text form (``repr``) leaves the credentials out.
    """

    region: str | None = None
    profile: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    assume_roles: tuple[AssumeRole, ...] = ()
    allowed_account_ids: tuple[str, ...] = ()
    default_tags: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    validate_credentials: bool = True


def parse(given: Props) -> ProviderConfig:
    """The configuration from plain values.

    Raises:
        StandInError: a key that the stand-in does not know, a value of the wrong form, or an endpoint elsewhere.
    """
    values = {key: value for key, value in given.items() if key not in _ENGINE_KEYS}
    unknown = sorted(values.keys() - _READERS.keys())
    if unknown:
        raise StandInError(not_known(f"the provider configuration {', '.join(unknown)}", _READERS))
    read = {key: _READERS[key](key, value) for key, value in values.items()}
    return ProviderConfig(
        region=read.get("region"),
        profile=read.get("profile"),
        access_key=read.get("accessKey"),
        secret_key=read.get("secretKey"),
        token=read.get("token"),
        assume_roles=read.get("assumeRoles", ()),
        allowed_account_ids=read.get("allowedAccountIds", ()),
        default_tags=read.get("defaultTags", {}),
        endpoints=read.get("endpoints", {}),
        validate_credentials=not read.get("skipCredentialsValidation", False),
    )


def _wrong(key: str, expected: str) -> StandInError:
    return StandInError(f"the provider configuration {key} must be {expected}")


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(key, "a text")
    return value


def _decoded(key: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise _wrong(key, "JSON") from None


def _flag(key: str, value: Any) -> bool:
    decoded = _decoded(key, value)
    if not isinstance(decoded, bool):
        raise _wrong(key, "true or false")
    return decoded


def _account_ids(key: str, value: Any) -> tuple[str, ...]:
    decoded = _decoded(key, value)
    if not isinstance(decoded, list) or not all(isinstance(item, str) for item in decoded):
        raise _wrong(key, "a list of account ids")
    return tuple(decoded)


def _default_tags(key: str, value: Any) -> dict[str, str]:
    decoded = _decoded(key, value)
    if not isinstance(decoded, Mapping) or not decoded.keys() <= {"tags"}:
        raise _wrong(key, "an object with tags")
    tags = decoded.get("tags") or {}
    if not isinstance(tags, Mapping) or not all(isinstance(item, str) for item in tags.values()):
        raise _wrong(f"{key}.tags", "texts by name")
    return dict(tags)


def _assume_roles(key: str, value: Any) -> tuple[AssumeRole, ...]:
    decoded = _decoded(key, value)
    if not isinstance(decoded, list):
        raise _wrong(key, "a list of roles")
    return tuple(_assume_role(f"{key}[{index}]", item) for index, item in enumerate(decoded))


def _assume_role(key: str, item: Any) -> AssumeRole:
    if not isinstance(item, Mapping) or not isinstance(item.get("roleArn"), str):
        raise _wrong(key, "an object with roleArn")
    unknown = sorted(item.keys() - _ROLE_FIELDS)
    if unknown:
        raise StandInError(not_known(f"{key}.{unknown[0]}"))
    return AssumeRole(
        role_arn=item["roleArn"],
        session_name=item.get("sessionName") or "pulumi-stand-in",
        external_id=item.get("externalId"),
        seconds=_seconds(f"{key}.duration", item["duration"]) if item.get("duration") else None,
    )


def _seconds(key: str, duration: Any) -> int:
    """Seconds in a Go duration of one unit, as ``30m`` or ``3600s``."""
    units = {"s": 1, "m": 60, "h": 3600}
    if not isinstance(duration, str) or duration[-1:] not in units or not duration[:-1].isdigit():
        raise _wrong(key, "a duration like 30m")
    return int(duration[:-1]) * units[duration[-1]]


def _endpoints(key: str, value: Any) -> dict[str, str]:
    decoded = _decoded(key, value)
    items = [decoded] if isinstance(decoded, Mapping) else decoded
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise _wrong(key, "a list of URLs by service")
    merged: dict[str, str] = {}
    for service, url in ((service, url) for item in items for service, url in item.items()):
        if service not in SERVICES:
            raise StandInError(not_known(f"{key}.{service}", SERVICES))
        refuse_elsewhere(_text(f"{key}.{service}", url))
        merged[service] = url
    return merged


# The last three skip what the stand-in never does.
_READERS: dict[str, Callable[[str, Any], Any]] = {
    "region": _text,
    "profile": _text,
    "accessKey": _text,
    "secretKey": _text,
    "token": _text,
    "assumeRoles": _assume_roles,
    "allowedAccountIds": _account_ids,
    "defaultTags": _default_tags,
    "endpoints": _endpoints,
    "skipCredentialsValidation": _flag,
    "skipMetadataApiCheck": _flag,
    "skipRegionValidation": _flag,
    "skipRequestingAccountId": _flag,
}
