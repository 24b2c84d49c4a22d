"""Between the engine's property values and plain Python values.

The engine sends an unknown value (an output that exists only after the update) as one of seven fixed strings;
in plain values it is :data:`UNKNOWN`.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

import pulumi
from pulumi.provider.experimental.property_value import Computed, PropertyValue

from sandbox.provider.errors import StandInError, not_known

Props = dict[str, Any]
"""Plain properties by their camel-case names."""

SENTINEL: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's text for an unknown string, and what is sent for every unknown."""

_SENTINELS: Final = frozenset(
    {
        SENTINEL,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""Source: ``sdk/go/common/resource/plugin/rpc.go`` of pulumi/pulumi."""


class Unknown(Enum):
    """The type of :data:`UNKNOWN`."""

    UNKNOWN = "unknown until the update"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN


def to_plain(value: PropertyValue) -> Any:
    """The plain value; whole floats become integers, assets and archives stay Pulumi objects."""
    inner = value.value
    if isinstance(inner, Computed) or (isinstance(inner, str) and inner in _SENTINELS):
        return UNKNOWN
    if inner is None or isinstance(inner, bool | str | pulumi.Asset | pulumi.Archive):
        return inner
    if isinstance(inner, float):
        return int(inner) if inner.is_integer() else inner
    if isinstance(inner, Mapping):
        return {key: to_plain(item) for key, item in inner.items()}
    if isinstance(inner, tuple):
        return [to_plain(item) for item in inner]
    # Without accept_resources the engine sends a resource's id in its place.
    raise StandInError(not_known("resource references"))


def to_plain_map(values: Mapping[str, PropertyValue]) -> Props:
    """Plain properties, without those that are null."""
    plain = {key: to_plain(value) for key, value in values.items()}
    return {key: value for key, value in plain.items() if value is not None}


def to_property(value: Any) -> PropertyValue:
    """The engine's value for a plain one."""
    if value is UNKNOWN:
        return PropertyValue(SENTINEL)
    if value is None or isinstance(value, bool | str | pulumi.Asset | pulumi.Archive):
        return PropertyValue(value)
    if isinstance(value, int | float):
        return PropertyValue(float(value))
    if isinstance(value, Mapping):
        return PropertyValue({str(key): to_property(item) for key, item in value.items()})
    if isinstance(value, Sequence):
        return PropertyValue([to_property(item) for item in value])
    raise TypeError(f"no property value for a {type(value).__name__}")


def to_property_map(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """Engine values, without those that are None."""
    return {key: to_property(value) for key, value in values.items() if value is not None}


def has_unknown(value: Any) -> bool:
    """Whether any part of a plain value is unknown."""
    if value is UNKNOWN:
        return True
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(has_unknown(item) for item in value)
    return False
