"""What changes between a resource's state and what the program asks for now."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sandbox.provider.schema import Kind, Prop
from sandbox.provider.values import UNKNOWN, Props, has_unknown


class ChangeKind(Enum):
    """What happens to a property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Change:
    """One property that differs."""

    name: str
    kind: ChangeKind
    replaces: bool


def changes(props: Mapping[str, Prop], state: Props, news: Props) -> list[Change]:
    """The properties in which ``news`` (checked inputs) asks for something else than ``state`` holds.

    An unknown value counts as a change. A property that AWS fills in when it is left out does not.
    An archive is compared by the caller.
    """
    found = []
    for name, prop in props.items():
        old, new = state.get(name), news.get(name)
        if prop.kind is Kind.ARCHIVE or (new is None and prop.computed) or same(prop, old, new):
            continue
        kind = ChangeKind.ADD if old is None else ChangeKind.DELETE if new is None else ChangeKind.UPDATE
        found.append(Change(name, kind, prop.replaces))
    return found


def same(prop: Prop, old: Any, new: Any) -> bool:
    """Whether a property's two values mean the same; an absent value is the same as an empty one."""
    if has_unknown(new):
        return False
    if _empty(old) and _empty(new):
        return True
    if old is UNKNOWN:
        return False
    if prop.same is not None:
        return prop.same(old, new)
    if prop.kind is Kind.TEXT_SET:
        return sorted(old or ()) == sorted(new or ())
    if prop.kind is Kind.BLOCK:
        return _same_block(prop.fields, old or {}, new or {})
    if prop.kind is Kind.BLOCKS:
        return _same_blocks(prop.fields, list(old or ()), list(new or ()))
    return bool(old == new)


def _same_block(fields: Mapping[str, Prop], old: Props, new: Props) -> bool:
    return all(
        (new.get(name) is None and inner.computed) or same(inner, old.get(name), new.get(name))
        for name, inner in fields.items()
    )


def _same_blocks(fields: Mapping[str, Prop], old: list[Props], new: list[Props]) -> bool:
    if len(old) != len(new):
        return False
    left = list(old)
    for item in new:
        match = next((other for other in left if _same_block(fields, other, item)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == 0 or (isinstance(value, dict | list) and not value)
