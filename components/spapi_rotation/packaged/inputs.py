"""What a program in another language gives, as the component takes it: the names of Python, and who rotates."""

from collections.abc import Mapping
from typing import Any, cast

from spapi_rotation.args import NAMED, PARTS, ClientSecretRotationArgs, Via
from spapi_rotation.errors import InvalidArgument
from spapi_rotation.packaged.naming import NAMES
from spapi_rotation.validation.inputs import is_map


def arguments(given: Mapping[str, Any]) -> ClientSecretRotationArgs:
    """The component's arguments. A name that is not known keeps its spelling, for the component to refuse it.

    Raises:
        InvalidArgument: rotation by `pulumi up` itself is asked for.
    """
    named: Any = _named(given, ClientSecretRotationArgs)
    for name, part in PARTS.items():
        value = named.get(name)
        if is_map(value):
            named[name] = (
                {key: _named(entry, part) for key, entry in value.items()} if name in NAMED else _named(value, part)
            )
    if named.get("via") == Via.DYNAMIC:
        raise InvalidArgument(
            "via is dynamic, but only the package for Python can rotate in `pulumi up` itself.",
            remedy="Leave via out: then the rotation function rotates.",
        )
    return cast(ClientSecretRotationArgs, {**named, "via": named.get("via") or Via.FUNCTION})


def _named(given: Any, part: type) -> Any:
    if not is_map(given):
        return given
    python = {NAMES[name]: name for name in part.__annotations__}
    return {python.get(name, name): value for name, value in given.items()}
