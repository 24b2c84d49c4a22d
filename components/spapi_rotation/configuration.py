"""The component's arguments as the settings of a Pulumi program, by their types: every argument is a setting.

Pulumi hands each setting over as a text, an object as JSON. What a nested text has become in the configuration (a
number, true or false) is refused: from 10 nobody can tell whether 10, 010 or 0xA was meant.
"""

import json
import re
import shlex
from collections.abc import Awaitable, Mapping, Sequence
from enum import Enum, StrEnum
from types import NoneType, UnionType
from typing import Any, ForwardRef, NotRequired, Union, cast, get_args, get_origin, is_typeddict

import pulumi
from pulumi.runtime.config import CONFIG

from spapi_rotation.args import ClientSecretRotationArgs
from spapi_rotation.errors import InvalidArgument
from spapi_rotation.validation.credentials import exposed, find_client_secret
from spapi_rotation.validation.inputs import is_list, is_map, known_keys
from spapi_rotation.validation.paths import Path, path_of

NAMESPACE = "spapi-rotation"
"""Of the settings, unless the project has been given another name."""


class Kind(StrEnum):
    """What a setting is, in the words of a project file's configuration."""

    TEXT = "string"
    WHOLE = "integer"
    FLAG = "boolean"
    OBJECT = "object"
    LIST = "array"


def configured_arguments() -> ClientSecretRotationArgs:
    """The arguments from the configuration of the running program. An empty setting counts as not given.

    Raises:
        InvalidArgument: a setting is not known, holds a client secret, or has the wrong type.
    """
    project = pulumi.get_project()
    settings: dict[str, str] = {}
    for key, text in CONFIG.get().items():
        namespace, _, name = key.partition(":")
        if namespace == project:
            settings[name] = text
        elif namespace == NAMESPACE or namespace.replace("_", "-") == project:
            pulumi.log.warn(f"The setting {key} is not read: the settings of this project begin with {project}:")
    return arguments_of(settings)


def arguments_of(settings: Mapping[str, str]) -> ClientSecretRotationArgs:
    """The arguments from a project's settings, by their names without the project's.

    Raises:
        InvalidArgument: a setting is not known, holds a client secret, or has the wrong type.
    """
    hints = ClientSecretRotationArgs.__annotations__
    values = {name: _parsed(text) if _is_compound(hints.get(name)) else text for name, text in settings.items()}
    if (holder := find_client_secret(values)) is not None:
        where = path_of(holder)
        raise exposed(where or "The name of a setting", f"pulumi config rm --path {shlex.quote(where or 'NAME')}")
    known_keys(values, hints, "the configuration")
    given = {name: _read(value, hints[name], (name,)) for name, value in values.items() if value not in ("", {}, [])}
    return cast(ClientSecretRotationArgs, given)


def plain_type(hint: Any) -> Any:
    """What an argument's type is apart from being optional, or coming later.

    Raises:
        TypeError: it can be several things.
    """
    origin = get_origin(hint)
    if origin is NotRequired:
        return plain_type(get_args(hint)[0])
    if origin in (Union, UnionType):
        plain = [each for each in get_args(hint) if each is not NoneType and not _comes_later(each)]
        if len(plain) != 1:
            raise TypeError(f"An argument of several types cannot be a setting: {hint}")
        return plain_type(plain[0])
    return hint


def kind_of(hint: Any) -> Kind:
    """What an argument of this type is as a setting.

    Raises:
        TypeError: it cannot be one.
    """
    plain = plain_type(hint)
    origin = get_origin(plain)
    if is_typeddict(plain) or origin in (dict, Mapping):
        return Kind.OBJECT
    if origin in (list, Sequence):
        return Kind.LIST
    if plain is bool:
        return Kind.FLAG
    if plain is int:
        return Kind.WHOLE
    if plain is str or (isinstance(plain, type) and issubclass(plain, Enum)):
        return Kind.TEXT
    raise TypeError(f"An argument of this type cannot be a setting: {hint}")


def _comes_later(hint: Any) -> bool:
    # Pulumi's Input names Output by a reference, for it is defined before it.
    return isinstance(hint, ForwardRef) or get_origin(hint) in (pulumi.Output, Awaitable)


def _is_compound(hint: Any) -> bool:
    return hint is not None and kind_of(hint) in (Kind.OBJECT, Kind.LIST)


def _parsed(text: str) -> object:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return text


def _read(value: Any, hint: Any, path: Path) -> Any:
    """A value as its type wants it. What has another form is left to the component, which refuses it."""
    plain = plain_type(hint)
    kind = kind_of(plain)
    if kind is Kind.OBJECT and is_map(value):
        if is_typeddict(plain):
            hints = plain.__annotations__
            return {n: _read(each, hints[n], (*path, n)) if n in hints else each for n, each in value.items()}
        return {name: _read(each, get_args(plain)[1], (*path, str(name))) for name, each in value.items()}
    if kind is Kind.LIST and is_list(value):
        return [_read(each, get_args(plain)[0], (*path, index)) for index, each in enumerate(value)]
    if kind is Kind.TEXT and isinstance(value, bool | int | float):
        raise _no_text(value, path)
    if kind is Kind.WHOLE and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value):
        return int(value)
    if kind is Kind.FLAG and value in ("true", "false"):
        return value == "true"
    return value


def _no_text(value: float, path: Path) -> InvalidArgument:
    place, stored = path_of(path), json.dumps(value)
    return InvalidArgument(
        f"{place} must be a text, but lies as {stored} in the configuration: without a type, `pulumi config set "
        "--path` makes numbers and booleans of such texts, and so does the file without quotes.",
        remedy=f"Set the text that you mean by `pulumi config set --path {shlex.quote(place)} --type string "
        f"{stored}`, or put it in quotes in the file.",
    )
