"""A value that is there, or comes later as an Output: how either is checked. The base of the arguments' checks."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeGuard, TypeVar

import pulumi

from spapi_rotation.errors import InvalidArgument
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.settings import checked_number

T = TypeVar("T")
Late: TypeAlias = T | pulumi.Output[T]
"""A value, or an Output that gives it later; either is checked."""


def guarded(check: Callable[[Any], T]) -> Callable[[Any], T]:
    """The same check, raising InvalidArgument in place of BadSettings."""

    def run(value: Any) -> T:
        try:
            return check(value)
        except BadSettings as error:
            raise InvalidArgument(error.args[0], remedy=error.remedy) from None

    return run


def checked(value: Any, check: Callable[[Any], T]) -> Late[T]:
    """Check a value now, or when it becomes known if it is an Output or an awaitable."""
    if is_late(value):
        return pulumi.Output.from_input(value).apply(guarded(check))
    return guarded(check)(value)


def checked_within(value: Any, check: Callable[[Any], T]) -> Late[T]:
    """The same for a map or list, any part of which may come later; it is checked as a whole."""
    if _holds_late(value):
        return pulumi.Output.from_input(value).apply(guarded(check))
    return guarded(check)(value)


def checked_pair(one: Late[int], other: Late[int], check: Callable[[int, int], int]) -> Late[int]:
    """Check two numbers against each other; the check returns what to go on with."""
    if isinstance(one, int) and isinstance(other, int):
        return guarded(lambda _: check(one, other))(None)
    return pulumi.Output.all(one, other).apply(guarded(lambda both: check(int(both[0]), int(both[1]))))


def check_whole(value: object, argument: str, low: int, high: int, unit: str) -> int:
    """A whole number within [low, high]; 5.0 counts as 5.

    Raises:
        BadSettings: it is not one.
    """
    number = checked_number(value, argument, low, high, unit)
    if not number.is_integer():
        raise BadSettings(f"{argument} must be a whole number of {unit}.", remedy=f"Set {argument} without a fraction.")
    return int(number)


def check_flag(value: object, argument: str) -> bool:
    """A boolean, and not a text or number that looks like one.

    Raises:
        BadSettings: it is something else.
    """
    if isinstance(value, bool):
        return value
    raise BadSettings(f"{argument} must be true or false.", remedy="Use a plain boolean, without quotes.")


def known_keys(given: object, known: Mapping[str, object], where: str) -> Mapping[str, Any]:
    """A map with no other keys than the known ones.

    Raises:
        InvalidArgument: it is no map, or a key is not known.
    """
    if not is_map(given):
        raise InvalidArgument(f"{where} must be a plain map.", remedy=f"Give it by the keys {', '.join(known)}.")
    if unknown := sorted(str(key) for key in given if key not in known):
        raise InvalidArgument(f"{', '.join(unknown)}: unknown in {where}.", remedy=f"Known are {', '.join(known)}.")
    return given


def is_map(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether a value is a map that is there."""
    return isinstance(value, Mapping)


def is_late(value: object) -> bool:
    """Whether a value as a whole comes later."""
    return isinstance(value, pulumi.Output) or inspect.isawaitable(value)


def text_of(number: Late[int]) -> Late[str]:
    """A number as a text."""
    return number.apply(str) if isinstance(number, pulumi.Output) else str(number)


def _holds_late(value: Any) -> bool:
    if is_map(value):
        return any(_holds_late(part) for part in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_late(part) for part in value)  # pyright: ignore[reportUnknownVariableType]
    return is_late(value)
