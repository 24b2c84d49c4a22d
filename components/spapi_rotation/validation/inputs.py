"""A value that is there, or comes later as an Output, and how either is validated."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard, TypeVar

import pulumi

from spapi_rotation.errors import InvalidArgument
from spapi_rotation.validation.credentials import exposed, find_client_secret
from spapi_rotation.validation.names import unknown_names
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.settings import Number, environment_text, validated_number

T = TypeVar("T")
MaybeOutput: TypeAlias = T | pulumi.Output[T]
"""A value, or an Output that gives it later; either is valid."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def raising_invalid_argument(validate: Callable[[Any], T]) -> Callable[[Any], T]:
    """The same validation, raising InvalidArgument in place of BadSettings."""

    def run(value: Any) -> T:
        try:
            return validate(value)
        except BadSettings as error:
            raise InvalidArgument(error.args[0], remedy=error.remedy) from None

    return run


def validated(value: Any, validate: Callable[[Any], T]) -> MaybeOutput[T]:
    """Validate a value now, or when it becomes known if it is an Output or an awaitable."""
    if is_output(value):
        return _when_known(value, validate)
    return raising_invalid_argument(validate)(value)


def validated_within(value: Any, validate: Callable[[Any], T]) -> MaybeOutput[T]:
    """The same for a map or list, any part of which may come later; it is validated as a whole."""
    if _holds_output(value):
        return _when_known(value, validate)
    return raising_invalid_argument(validate)(value)


def validated_pair(
    one: MaybeOutput[int], other: MaybeOutput[int], validate: Callable[[int, int], int]
) -> MaybeOutput[int]:
    """Validate two numbers against each other; ``validate`` returns what to go on with."""
    validate_both = raising_invalid_argument(lambda both: validate(int(both[0]), int(both[1])))
    if isinstance(one, int) and isinstance(other, int):
        return validate_both((one, other))
    return pulumi.Output.all(one, other).apply(validate_both)


def validate_whole(value: object, argument: str, limits: Number) -> int:
    """A whole number within the limits; 5.0 counts as 5.

    Raises:
        BadSettings: it is not one.
    """
    number = validated_number(value, argument, limits)
    if not number.is_integer():
        raise BadSettings(
            f"{argument} must be a whole number of {limits.unit}.", remedy=f"Set {argument} without a fraction."
        )
    return int(number)


def validate_flag(value: object, argument: str) -> bool:
    """A boolean, and not a text or number that looks like one.

    Raises:
        BadSettings: it is something else.
    """
    if isinstance(value, bool):
        return value
    raise BadSettings(f"{argument} must be true or false.", remedy="Use a plain boolean, without quotes.")


def of_form(value: object, form: re.Pattern[str], problem: str, *, remedy: str) -> str:
    """A text of a form.

    Raises:
        BadSettings: it is not one; what the problem is, and its remedy.
    """
    if isinstance(value, str) and form.fullmatch(value):
        return value
    raise BadSettings(problem, remedy=remedy)


def validate_name(value: object, argument: str) -> str:
    """A name of the user's choice for an entry of an argument.

    Raises:
        BadSettings: it is not usable.
    """
    return of_form(
        value,
        _NAME,
        f"A name in {argument} is not usable.",
        remedy="Use at most 64 letters, digits, dots, hyphens and underscores, the first a letter or a digit.",
    )


def known_keys(given: object, known: Mapping[str, object], where: str) -> Mapping[str, Any]:
    """A map with no other keys than the known ones.

    Raises:
        InvalidArgument: it is no map, or a key is not known.
    """
    if not is_map(given):
        raise InvalidArgument(f"{where} must be a plain map.", remedy=f"Use the keys {', '.join(known)}.")
    if unknown := [key for key in given if key not in known]:
        raise unknown_names(unknown, known, where)
    return given


def plain(value: object, argument: str, why: str) -> Any:
    """A value that is there, and no Output.

    Raises:
        BadSettings: it comes later; ``why`` it cannot.
    """
    if is_output(value):
        raise BadSettings(
            f"{argument} is an Output. It must be known before anything is deployed: {why}.",
            remedy=f"Give {argument} as a plain value: write it into the program, or read it from the stack's "
            "configuration.",
        )
    return value


def in_own_region(argument: str, arn: MaybeOutput[str], region: pulumi.Output[str], remedy: str) -> pulumi.Output[str]:
    """An ARN of the component's own region; the account may be another.

    Raises:
        InvalidArgument: from the output, during the preview: it lies in another region.
    """

    def compared(both: Sequence[Any]) -> str:
        its_arn, own = str(both[0]), str(both[1])
        its = its_arn.split(":")[3]
        if its != own:
            raise InvalidArgument(
                f"{argument} is in the region {its}, but the component is deployed to the region {own}.",
                remedy=remedy,
            )
        return its_arn

    return pulumi.Output.all(arn, region).apply(compared)


def is_map(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether a value is a map that is there."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether a value is a list that is there, or a tuple."""
    return isinstance(value, list | tuple)


def is_output(value: object) -> bool:
    """Whether a value as a whole comes later."""
    return isinstance(value, pulumi.Output) or inspect.isawaitable(value)


def text_of(value: MaybeOutput[int] | MaybeOutput[bool]) -> MaybeOutput[str]:
    """A number or a flag as the function's environment holds it."""
    return value.apply(environment_text) if isinstance(value, pulumi.Output) else environment_text(value)


def _when_known(value: Any, validate: Callable[[Any], T]) -> pulumi.Output[T]:
    def run(known: Any) -> T:
        if find_client_secret(known) is not None:
            raise exposed("An argument that is an Output", "pulumi config rm")
        return raising_invalid_argument(validate)(known)

    return pulumi.Output.from_input(value).apply(run)


def _holds_output(value: Any) -> bool:
    if is_map(value):
        return any(_holds_output(part) for part in value.values())
    if is_list(value):
        return any(_holds_output(part) for part in value)
    return is_output(value)
