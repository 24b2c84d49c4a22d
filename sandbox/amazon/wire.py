"""Frozen dataclasses to JSON and back, strictly: an unknown field, a missing one or a wrong type is refused.

Both ends of the control API use it, so what the client can say and what the server understands cannot drift apart.
Error texts name fields and types, never values: a value may be a secret.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin

T = TypeVar("T")

KIND = "kind"
"""The JSON field that tells the members of a union of dataclasses apart; each member has it as a class variable."""


class BadField(ValueError):
    """A JSON value does not fit the dataclass that it should become. The text names the field, never the value."""


def timestamp(moment: datetime) -> str:
    """A UTC time as Amazon writes it: ``2024-01-10T22:09:17.456Z`` (milliseconds)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def encode(value: object) -> Any:
    """The JSON form of a dataclass, or of a list, tuple, enum or time in one."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = getattr(type(value), "kind", None)
        head = {KIND: kind} if isinstance(kind, str) else {}
        return head | {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form here.")


def decode(wanted: type[T], data: object, where: str = "the body") -> T:
    """Build the dataclass ``wanted`` from parsed JSON.

    Raises:
        BadField: a field is unknown, missing or of another type, or the dataclass itself refused its values.
    """
    if not isinstance(data, Mapping):
        raise BadField(f"{where} must be a JSON object.")
    hints = typing.get_type_hints(wanted)
    known = {f.name: f for f in fields(wanted)}  # type: ignore[arg-type]
    allowed = set(known) | ({KIND} if isinstance(getattr(wanted, KIND, None), str) else set())
    if unknown := sorted(set(map(str, data)) - allowed):
        # Names that are not ours are counted, not repeated: a mistaken caller may have put a secret there.
        raise BadField(f"{where} has {len(unknown)} unknown field(s); known: {', '.join(sorted(allowed))}.")
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in data:
            values[name] = _value(hints[name], data[name], f"{where}: {name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise BadField(f"{where} lacks {name}.")
    try:
        return wanted(**values)
    except ValueError as error:
        raise BadField(f"{where}: {error}") from None


def _value(hint: Any, data: object, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _one_of(get_args(hint), data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise BadField(f"{where} must be a list.")
        return tuple(_value(get_args(hint)[0], item, where) for item in data)
    if is_dataclass(hint):
        return decode(typing.cast(type[object], hint), data, where)
    return _scalar(hint, data, where)


def _one_of(options: tuple[Any, ...], data: object, where: str) -> Any:
    if data is None and type(None) in options:
        return None
    options = tuple(option for option in options if option is not type(None))
    if len(options) == 1:
        return _value(options[0], data, where)
    by_kind = {option.kind: option for option in options}
    kind = data.get(KIND) if isinstance(data, Mapping) else None
    if not isinstance(kind, str) or kind not in by_kind:
        raise BadField(f"{where} needs a {KIND}, one of: {', '.join(sorted(by_kind))}.")
    return decode(by_kind[kind], data, f"{where} ({kind})")


def _scalar(hint: Any, data: object, where: str) -> Any:
    if hint is datetime:
        return _moment(data, where)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        if data not in [member.value for member in hint]:
            raise BadField(f"{where} must be one of: {', '.join(member.value for member in hint)}.")
        return hint(data)
    if hint is float and type(data) in (int, float):
        return float(typing.cast(float, data))
    if type(data) is not hint:
        raise BadField(f"{where} must be of type {hint.__name__}.")
    return data


def _moment(data: object, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(data) if isinstance(data, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() != timedelta(0):
        raise BadField(f"{where} must be an RFC 3339 time in UTC.")
    return moment


def described(value: object) -> str:
    """One line for a person: the kind and the fields that differ from their defaults."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError("Only dataclasses are described.")
    defaults = {f.name: f.default for f in fields(value)}
    parts = [f"{name}={item}" for name, item in asdict(value).items() if item != defaults[name]]
    return " ".join([str(getattr(type(value), KIND)), *parts])
