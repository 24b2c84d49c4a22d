"""Validates the component's arguments and fills in the defaults. No resource is made here.

A plain value is validated at once, so that a mistake fails the preview. A value that is an Output is validated
when it becomes known.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from spapi_rotation.args import ClientSecretRotationArgs, Via
from spapi_rotation.errors import InvalidArgument
from spapi_rotation.validation.applications import ValidApplication, validate_applications
from spapi_rotation.validation.credentials import exposed, find_client_secret
from spapi_rotation.validation.inputs import (
    MaybeOutput,
    known_keys,
    of_form,
    plain,
    raising_invalid_argument,
    validate_flag,
    validate_whole,
    validated,
    validated_pair,
    validated_within,
)
from spapi_rotation.validation.numbers import (
    NUMBERS,
    validate_concurrency,
    validate_expiry_alarm,
    validate_recovery_window,
    validate_retention,
    validate_windows,
)
from spapi_rotation.validation.own_parts import (
    ValidKeys,
    ValidNetwork,
    ValidRoles,
    validate_keys,
    validate_network,
    validate_queue,
    validate_roles,
)
from spapi_rotation.validation.paths import path_of
from spapi_rotation.validation.readers import validate_readers
from spapi_rotation.validation.replicas import validate_replica_regions
from spapi_rotation.validation.restart import ValidRestart, validate_restart
from spapi_rotation.validation.tags import Tags, validated_tags
from spapi_rotation.validation.window import validate_rotation_window
from spapi_rotation_lambda import settings
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.settings import validated_endpoint, validated_verification

T = TypeVar("T")

PARTITION = "aws"

RUNBOOK = "docs/runbook.md"
"""The project's runbook, from the root of its repository."""


_ARGUMENTS = ClientSecretRotationArgs.__annotations__


DEFAULTS: Mapping[str, Any] = {
    **{name.lower(): default for name, default in settings.DEFAULTS.items() if name.lower() in _ARGUMENTS},
    **{name: number.default for name, number in NUMBERS.items()},
    "via": Via.DYNAMIC.value,
    "deletion_protection": True,
    "alarms": True,
    "runbook_url": RUNBOOK,
    "dashboard": False,
}
"""The value of each optional argument that has a fixed default."""

_RUNBOOK_URL = re.compile(r"(?=.{1,150}\Z)https://[A-Za-z0-9.-]+(:\d+)?(/[^\s#<>\"()]*)?")
"""So short that it fits into an alarm's description, and with nothing that ends a link."""

_COMPONENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_IDENTITY = re.compile(r"(?=.{1,200}\Z)[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
"""What is allowed in the names of secrets, log groups and alarms alike and in tags, and leaves room in an alarm's."""

_SECRET_PREFIX = re.compile(r"(?=.{1,400}\Z)[A-Za-z0-9_+=.@-]+(/[A-Za-z0-9_+=.@-]+)*")
_BUS_ARN = re.compile(r"arn:aws:events:[a-z0-9-]+:\d{12}:event-bus/(?!aws\.)[A-Za-z0-9/._-]{1,256}")
"""Not a partner's (aws.partner/…), to which nobody else can put. Source: EventBridge API reference, CreateEventBus."""

_TOPIC_ARN = re.compile(r"arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")


@dataclass(frozen=True, slots=True)
class ValidArgs:
    """The arguments with defaults filled in. Every value is valid, or is validated when it becomes known.

    ``rotation_window`` is the text for the function's environment; None means that no window is set.
    """

    applications: tuple[ValidApplication, ...]
    identity: str
    secret_prefix: MaybeOutput[str]
    spapi_endpoint: MaybeOutput[str]
    lwa_endpoint: MaybeOutput[str]
    rotate_every_days: MaybeOutput[int]
    check_interval_hours: MaybeOutput[int]
    promote_delay_minutes: MaybeOutput[int]
    verification: MaybeOutput[str]
    via: Via
    wait_seconds: MaybeOutput[int]
    deletion_protection: bool
    secret_recovery_window_days: MaybeOutput[int]
    key_deletion_window_days: MaybeOutput[int]
    log_retention_days: MaybeOutput[int]
    rotation_window: MaybeOutput[str] | None
    paused: MaybeOutput[bool]
    alarms: bool
    alarm_topic_arn: MaybeOutput[str] | None
    expiry_alarm_days: MaybeOutput[int]
    runbook_url: str
    dashboard: bool
    event_bus_arn: MaybeOutput[str] | None
    restart: tuple[ValidRestart, ...]
    replica_regions: MaybeOutput[Mapping[str, str]] | None
    readers: MaybeOutput[Sequence[str]] | None
    roles: ValidRoles
    network: ValidNetwork | None
    keys: ValidKeys
    queue_arn: MaybeOutput[str] | None
    reserved_concurrency: MaybeOutput[int]
    tags: MaybeOutput[Tags]


def validate_args(args: ClientSecretRotationArgs, *, default_identity: str) -> ValidArgs:
    """Validate every argument and fill in the defaults.

    Args:
        args: as the user gave them. Numbers may be floats, as YAML programs send them.
        default_identity: the identity when none is given.

    Raises:
        InvalidArgument: an argument is not usable; later, from an Output, if its value was not yet known.
    """
    if (holder := find_client_secret(args)) is not None:
        raise exposed(path_of(holder) or "args", "pulumi config rm")
    given = known_keys(args, _ARGUMENTS, "args")

    identity = given.get("identity")
    identity = raising_invalid_argument(validate_identity)(default_identity if identity is None else identity)
    defaults: dict[str, Any] = {**DEFAULTS, "secret_prefix": identity, "tags": {}}

    def value(name: str) -> Any:
        found = given.get(name)
        return defaults.get(name) if found is None else found

    def whole(name: str) -> MaybeOutput[int]:
        return validated(value(name), lambda v: validate_whole(v, name, NUMBERS[name]))

    def flag(name: str) -> bool:
        why = "it says which resources there are, and how they are protected"
        return raising_invalid_argument(lambda v: validate_flag(plain(v, name, why), name))(value(name))

    def of_made_secrets(name: str, validate: Callable[[Any], T]) -> MaybeOutput[T] | None:
        """What concerns the secrets that the component makes; None if it is not given, or empty."""
        given_value = value(name)
        if given_value is None or given_value in ([], (), {}):
            return None
        validate_made(name, applications)
        return validated_within(given_value, validate)

    window, topic, bus = value("rotation_window"), value("alarm_topic_arn"), value("event_bus_arn")
    applications = raising_invalid_argument(validate_applications)(value("applications"))
    rotate_every = whole("rotate_every_days")
    expiry_alarm = whole("expiry_alarm_days")
    secret_window = validated(value("secret_recovery_window_days"), validate_recovery_window)
    return ValidArgs(
        applications=applications,
        identity=identity,
        secret_prefix=validated(value("secret_prefix"), validate_prefix),
        spapi_endpoint=validated(
            value("spapi_endpoint"), lambda v: validated_endpoint(v, "spapi_endpoint", regional=True)
        ),
        lwa_endpoint=validated(value("lwa_endpoint"), validate_lwa_endpoint),
        rotate_every_days=rotate_every,
        check_interval_hours=whole("check_interval_hours"),
        promote_delay_minutes=whole("promote_delay_minutes"),
        verification=validated(value("verification"), lambda v: validated_verification(v, "verification").value),
        via=raising_invalid_argument(validate_via)(value("via")),
        wait_seconds=whole("wait_seconds"),
        deletion_protection=flag("deletion_protection"),
        secret_recovery_window_days=secret_window,
        key_deletion_window_days=validated_pair(whole("key_deletion_window_days"), secret_window, validate_windows),
        log_retention_days=validated(value("log_retention_days"), validate_retention),
        rotation_window=None if window is None else validated_within(window, validate_rotation_window),
        paused=validated(value("paused"), lambda v: validate_flag(v, "paused")),
        alarms=flag("alarms"),
        alarm_topic_arn=None if topic is None else validated(topic, validate_topic_arn),
        expiry_alarm_days=validated_pair(expiry_alarm, rotate_every, validate_expiry_alarm),
        runbook_url=raising_invalid_argument(validate_runbook_url)(value("runbook_url")),
        dashboard=flag("dashboard"),
        event_bus_arn=None if bus is None else validated(bus, validate_bus_arn),
        restart=raising_invalid_argument(lambda v: validate_restart(v, applications))(value("restart") or {}),
        replica_regions=of_made_secrets("replica_regions", validate_replica_regions),
        readers=of_made_secrets("readers", lambda v: validate_readers(v, "readers")),
        roles=raising_invalid_argument(validate_roles)(value("roles")),
        network=raising_invalid_argument(validate_network)(value("network")),
        keys=raising_invalid_argument(validate_keys)(value("keys")),
        queue_arn=raising_invalid_argument(validate_queue)(value("queue")),
        reserved_concurrency=validated(value("reserved_concurrency"), validate_concurrency),
        tags=validated_tags(value("tags")),
    )


def validate_component_name(name: str) -> str:
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


def validate_identity(value: object) -> str:
    """What secrets, log group and alarms are named by, unchanged: two identities never give the same name.

    Raises:
        BadSettings: it cannot be part of these names.
    """
    return of_form(
        value,
        _IDENTITY,
        "identity cannot be the first part of the names of secrets, log group and alarms.",
        remedy="Set identity to a plain text of at most 200 letters, digits, dots, hyphens and underscores in parts "
        "divided by single slashes. By default it is <project>/<stack>/<component name>.",
    )


def validate_prefix(value: object) -> str:
    """A prefix of a secret's name: no wildcard, no empty part, short enough for a client id to follow.

    Raises:
        BadSettings: it is not one.
    """
    return of_form(
        value,
        _SECRET_PREFIX,
        "secret_prefix cannot be the first part of a secret's name.",
        remedy="Use at most 400 letters, digits and _+=.@- in parts separated by single slashes, "
        "without a slash at either end.",
    )


def validate_lwa_endpoint(value: object) -> str:
    """A URL; SP-API's short names are no token endpoints.

    Raises:
        BadSettings: it is not a usable one.
    """
    return validated_endpoint(value, "lwa_endpoint", regional=False)


def validate_via(value: object) -> Via:
    """Who rotates during `pulumi up`; it decides which resources there are, so that it cannot wait for an Output.

    Raises:
        BadSettings: it is not one of them.
    """
    try:
        return Via(value)  # type: ignore[arg-type]
    except ValueError:
        raise BadSettings(
            "via is neither dynamic nor function.", remedy="Set via to one of them, as a plain text."
        ) from None


def validate_topic_arn(value: object) -> str:
    """The ARN of an SNS topic.

    Raises:
        BadSettings: it is not one.
    """
    return of_form(
        value,
        _TOPIC_ARN,
        "alarm_topic_arn is not the ARN of an SNS topic.",
        remedy="Use arn:aws:sns:REGION:ACCOUNT:NAME, or leave it out: then the component creates a topic.",
    )


def validate_runbook_url(value: object) -> str:
    """Where the runbook is.

    Raises:
        BadSettings: it is not an https URL, or has a fragment: each alarm adds that of its section.
    """
    if value == RUNBOOK or (isinstance(value, str) and _RUNBOOK_URL.fullmatch(value)):
        return str(value)
    raise BadSettings(
        "runbook_url is not an https URL of at most 150 characters without spaces, brackets or a fragment.",
        remedy="Give the address of the page that holds the runbook, as a plain text; each alarm adds #SECTION to it.",
    )


def validate_bus_arn(value: object) -> str:
    """The ARN of an EventBridge bus.

    Raises:
        BadSettings: it is not one, or one to which nothing can be put.
    """
    return of_form(
        value,
        _BUS_ARN,
        "event_bus_arn is not the ARN of a custom EventBridge bus.",
        remedy="Use arn:aws:events:REGION:ACCOUNT:event-bus/NAME, or leave it out: then the default bus is used.",
    )


def validate_made(argument: str, applications: Sequence[ValidApplication]) -> None:
    """The component makes at least one secret, which the argument concerns.

    Raises:
        InvalidArgument: every application has an existing one.
    """
    if all(each.adoption is not None for each in applications):
        raise InvalidArgument(
            f"{argument} is set, but every application has an existing secret, which belongs to its owner.",
            remedy="Leave it out, and have the owners do this for their secrets; docs/consumers.md says how.",
        )


def validate_partition(partition: str) -> str:
    """Only the partition where Amazon's sender lives.

    Raises:
        InvalidArgument: it is another.
    """
    if partition == PARTITION:
        return partition
    raise InvalidArgument(
        f"The AWS provider's region is in the partition {partition}, from which Amazon cannot be reached.",
        remedy="Use a region of the partition aws: Amazon sends the new secrets from there.",
    )
