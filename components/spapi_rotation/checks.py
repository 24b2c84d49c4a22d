"""Turns the component's arguments into checked ones, with defaults. Pure: no resource is made here.

A plain value is checked at once, so that a mistake fails the preview. A value that is an Output is checked when
it becomes known.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard, TypeVar

import pulumi

from rotation_lambda.errors import BadSettings
from rotation_lambda.settings import (
    DEFAULT_CHECK_HOURS,
    DEFAULT_ROTATE_EVERY_DAYS,
    LWA_ENDPOINT,
    MAX_CHECK_HOURS,
    MAX_ROTATE_EVERY_DAYS,
    MIN_CHECK_HOURS,
    MIN_ROTATE_EVERY_DAYS,
    Verification,
    checked_client_id,
    checked_endpoint,
    checked_number,
)
from spapi_rotation.args import Application, ClientSecretRotationArgs
from spapi_rotation.errors import InvalidArgument

T = TypeVar("T")
Late: TypeAlias = T | pulumi.Output[T]
"""A value, or an Output that gives it later; either is checked."""

Tags: TypeAlias = Mapping[str, pulumi.Input[str]]

DEFAULTS: Mapping[str, Any] = {
    "spapi_endpoint": "NA",
    "lwa_endpoint": LWA_ENDPOINT,
    "rotate_every_days": DEFAULT_ROTATE_EVERY_DAYS,
    "check_interval_hours": DEFAULT_CHECK_HOURS,
    "promote_delay_minutes": 45,
    "verification": Verification.CALL,
    "wait_seconds": 300,
    "deletion_protection": True,
    "secret_recovery_window_days": 30,
    "key_deletion_window_days": 30,
    "log_retention_days": 365,
}
"""The value of each optional argument that has a fixed default."""

LOG_RETENTION_DAYS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
"""The retention periods that CloudWatch Logs accepts. Source: its PutRetentionPolicy API reference."""

PARTITION = "aws"
MAX_TRIGGER_LENGTH = 128

_COMPONENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_APPLICATION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECRET_PREFIX = re.compile(r"(?=.{1,400}\Z)[A-Za-z0-9_+=.@-]+(/[A-Za-z0-9_+=.@-]+)*")


@dataclass(frozen=True, slots=True)
class CheckedApplication:
    """One application: its name in the arguments, its client id and its trigger, if any."""

    name: str
    client_id: str
    rotate_on_up: Late[str] | None

    @property
    def suffix(self) -> str:
        """The part of the client id that tells applications apart; names resources."""
        return self.client_id.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class CheckedArgs:
    """The arguments with defaults filled in. Every value is checked, or will be when it is known."""

    applications: tuple[CheckedApplication, ...]
    secret_prefix: Late[str]
    spapi_endpoint: Late[str]
    lwa_endpoint: Late[str]
    rotate_every_days: Late[int]
    check_interval_hours: Late[int]
    promote_delay_minutes: Late[int]
    verification: Late[str]
    wait_seconds: Late[int]
    deletion_protection: bool
    secret_recovery_window_days: Late[int]
    key_deletion_window_days: Late[int]
    log_retention_days: Late[int]
    tags: Late[Tags]


def check_args(args: ClientSecretRotationArgs, *, default_prefix: str) -> CheckedArgs:
    """Check every argument and fill in the defaults.

    Args:
        args: as the user gave them. Numbers may be floats, as YAML programs send them.
        default_prefix: the secrets' prefix when none is given.

    Raises:
        InvalidArgument: an argument is not usable; later, from an Output, if its value was not yet known.
    """
    given = _known_keys(args, ClientSecretRotationArgs.__annotations__, "args")

    defaults: dict[str, Any] = {**DEFAULTS, "secret_prefix": default_prefix, "tags": {}}

    def value(name: str) -> Any:
        found = given.get(name)
        return defaults.get(name) if found is None else found

    def whole(name: str, low: int, high: int, unit: str) -> Late[int]:
        return checked(value(name), lambda v: check_whole(v, name, low, high, unit))

    secret_window = checked(value("secret_recovery_window_days"), check_recovery_window)
    return CheckedArgs(
        applications=guarded(check_applications)(value("applications")),
        secret_prefix=checked(value("secret_prefix"), check_prefix),
        spapi_endpoint=checked(value("spapi_endpoint"), lambda v: checked_endpoint(v, "spapi_endpoint", regional=True)),
        lwa_endpoint=checked(value("lwa_endpoint"), check_lwa_endpoint),
        rotate_every_days=whole("rotate_every_days", MIN_ROTATE_EVERY_DAYS, MAX_ROTATE_EVERY_DAYS, "days"),
        check_interval_hours=whole("check_interval_hours", MIN_CHECK_HOURS, MAX_CHECK_HOURS, "hours"),
        promote_delay_minutes=whole("promote_delay_minutes", 0, 1440, "minutes"),
        verification=checked(value("verification"), check_verification),
        wait_seconds=whole("wait_seconds", 0, 3600, "seconds"),
        deletion_protection=guarded(check_deletion_protection)(value("deletion_protection")),
        secret_recovery_window_days=secret_window,
        key_deletion_window_days=_not_shorter(whole("key_deletion_window_days", 7, 30, "days"), secret_window),
        log_retention_days=checked(value("log_retention_days"), check_retention),
        tags=checked(value("tags"), check_tags),
    )


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
    if _is_late(value):
        return pulumi.Output.from_input(value).apply(guarded(check))
    return guarded(check)(value)


def check_component_name(name: str) -> str:
    """The component's name, which becomes part of names in AWS of at most 64 characters.

    Raises:
        InvalidArgument: it does not fit.
    """
    if _COMPONENT_NAME.fullmatch(name):
        return name
    raise InvalidArgument(
        "The component's name cannot be part of the names of AWS resources.",
        remedy="Use a letter followed by at most 31 letters, digits, hyphens and underscores.",
    )


def check_applications(value: object) -> tuple[CheckedApplication, ...]:
    """At least one application, each with its own client id.

    Raises:
        BadSettings: naming the entry.
    """
    if not _is_map(value) or not value:
        raise BadSettings(
            "applications must be a plain map with at least one entry.",
            remedy="Name at least one application: a map from a name of your choice to its client_id.",
        )
    found: dict[str, CheckedApplication] = {}
    for name, entry in value.items():
        application = _check_application(name, entry)
        if twin := found.get(application.client_id):
            raise BadSettings(
                f"applications.{name}.client_id is also that of applications.{twin.name}.",
                remedy="Give each application once: a rotation concerns the client id as a whole.",
            )
        found[application.client_id] = application
    return tuple(found.values())


def check_prefix(value: object) -> str:
    """A prefix of a secret's name: no wildcard, no empty part, short enough for a client id to follow.

    Raises:
        BadSettings: it is not one.
    """
    if isinstance(value, str) and _SECRET_PREFIX.fullmatch(value):
        return value
    raise BadSettings(
        "secret_prefix cannot be the first part of a secret's name.",
        remedy="Use at most 400 letters, digits and _+=.@- in parts divided by single slashes, "
        "without a slash at either end.",
    )


def check_lwa_endpoint(value: object) -> str:
    """A URL; SP-API's short names are no token endpoints.

    Raises:
        BadSettings: it is not a usable one.
    """
    return checked_endpoint(value, "lwa_endpoint", regional=False)


def check_whole(value: object, argument: str, low: int, high: int, unit: str) -> int:
    """A whole number within [low, high]; 5.0 counts as 5.

    Raises:
        BadSettings: it is not one.
    """
    number = checked_number(value, argument, low, high, unit)
    if not number.is_integer():
        raise BadSettings(f"{argument} must be a whole number of {unit}.", remedy=f"Set {argument} without a fraction.")
    return int(number)


def check_recovery_window(value: object) -> int:
    """Secrets Manager's recovery window: 0, or 7 to 30 days.

    Raises:
        BadSettings: it is neither.
    """
    days = check_whole(value, "secret_recovery_window_days", 0, 30, "days")
    if 0 < days < 7:
        raise BadSettings(
            "secret_recovery_window_days must be 0 or a number of days from 7 to 30.",
            remedy="Set secret_recovery_window_days to 0 (deleted at once) or within these limits.",
        )
    return days


def check_windows(key_days: int, secret_days: int) -> int:
    """The key must outlive every secret that can still be restored.

    Raises:
        BadSettings: it does not.
    """
    if key_days < secret_days:
        raise BadSettings(
            f"key_deletion_window_days ({key_days}) is shorter than secret_recovery_window_days "
            f"({secret_days}): a restored secret could not be decrypted.",
            remedy=f"Set key_deletion_window_days to {secret_days} or more.",
        )
    return key_days


def check_retention(value: object) -> int:
    """A retention period that CloudWatch Logs accepts.

    Raises:
        BadSettings: it is not one.
    """
    days = check_whole(value, "log_retention_days", 1, max(LOG_RETENTION_DAYS), "days")
    if days not in LOG_RETENTION_DAYS:
        raise BadSettings(
            "log_retention_days is not a period that CloudWatch Logs accepts.",
            remedy=f"Use one of {', '.join(map(str, sorted(LOG_RETENTION_DAYS)))}.",
        )
    return days


def check_verification(value: Any) -> str:
    """``call`` or ``lwa``.

    Raises:
        BadSettings: it is neither.
    """
    try:
        return Verification(value).value
    except ValueError:
        raise BadSettings("verification is neither call nor lwa.", remedy="Set verification to one of them.") from None


def check_deletion_protection(value: object) -> bool:
    """A plain boolean: it decides options of resources, which cannot wait for an Output.

    Raises:
        BadSettings: it is something else.
    """
    if isinstance(value, bool):
        return value
    raise BadSettings("deletion_protection must be true or false.", remedy="Use a plain boolean.")


def check_tags(value: object) -> Tags:
    """Texts by text keys.

    Raises:
        BadSettings: a key or value is something else.
    """
    if _is_map(value) and all(
        isinstance(key, str) and key and (isinstance(text, str) or _is_late(text)) for key, text in value.items()
    ):
        return value
    raise BadSettings("tags must be a map from texts to texts.", remedy="Put numbers and booleans in quotes.")


def check_trigger(value: object, argument: str) -> str:
    """A short text.

    Raises:
        BadSettings: it is empty, too long or no text.
    """
    if isinstance(value, str) and value.strip() and len(value) <= MAX_TRIGGER_LENGTH:
        return value
    raise BadSettings(
        f"{argument} must be a text of 1 to {MAX_TRIGGER_LENGTH} characters.",
        remedy="Use a date or a counter, in quotes; leave it out if `pulumi up` must not rotate.",
    )


def check_partition(partition: str) -> str:
    """Only the partition where Amazon's sender lives.

    Raises:
        InvalidArgument: it is another.
    """
    if partition == PARTITION:
        return partition
    raise InvalidArgument(
        f"The AWS provider's region lies in the partition {partition}, from which Amazon cannot be reached.",
        remedy="Use a region of the partition aws: Amazon sends the new secrets from there.",
    )


def _check_application(name: object, entry: object) -> CheckedApplication:
    if not isinstance(name, str) or not _APPLICATION_NAME.fullmatch(name):
        raise BadSettings(
            "A name in applications is not usable.",
            remedy="Use at most 64 letters, digits, dots, hyphens and underscores.",
        )
    where = f"applications.{name}"
    given = _known_keys(entry, Application.__annotations__, where)
    trigger = given.get("rotate_on_up")
    argument = f"{where}.rotate_on_up"
    return CheckedApplication(
        name=name,
        client_id=checked_client_id(given.get("client_id"), f"{where}.client_id"),
        rotate_on_up=None if trigger is None else checked(trigger, lambda v: check_trigger(v, argument)),
    )


def _known_keys(given: object, known: Mapping[str, object], where: str) -> Mapping[str, Any]:
    if not _is_map(given):
        raise InvalidArgument(f"{where} must be a plain map.", remedy=f"Give it by the keys {', '.join(known)}.")
    if unknown := sorted(str(key) for key in given if key not in known):
        raise InvalidArgument(f"{', '.join(unknown)}: unknown in {where}.", remedy=f"Known are {', '.join(known)}.")
    return given


def _is_map(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _is_late(value: object) -> bool:
    return isinstance(value, pulumi.Output) or inspect.isawaitable(value)


def _not_shorter(key_days: Late[int], secret_days: Late[int]) -> Late[int]:
    if isinstance(key_days, int) and isinstance(secret_days, int):
        return guarded(lambda _: check_windows(key_days, secret_days))(None)
    both = pulumi.Output.all(key_days, secret_days)
    return both.apply(guarded(lambda days: check_windows(int(days[0]), int(days[1]))))
