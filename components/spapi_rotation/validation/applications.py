"""Validates the arguments of the applications, each with its own secret or with one that exists already."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from spapi_rotation.args import Application
from spapi_rotation.validation.inputs import (
    MaybeOutput,
    is_map,
    known_keys,
    of_form,
    plain,
    validate_flag,
    validate_name,
    validated,
    validated_within,
)
from spapi_rotation.validation.readers import validate_readers
from spapi_rotation_lambda.domain.applications import KeyNames, schedule_name
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.settings import validated_client_id

MAX_TRIGGER_LENGTH = 128
MAX_KEY_LENGTH = 128
KEY_NAMES = tuple(each.name for each in fields(KeyNames))
"""What `secret_keys` can map: the names that this package uses."""

_APPLICATION_ID = "amzn1.sp.solution."
"""How the id of an application begins, which is not that of its client."""

# The six characters at the end are Secrets Manager's own. Without them an ARN in a policy fits no secret.
_SECRET_ARN = re.compile(
    r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}-[A-Za-z0-9]{6}"
)
_KEY_ARN = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Adoption:
    """An existing secret that an application keeps: the component uses it and does not own it.

    Attributes:
        secret_arn: the secret, of the right shape; whether it lies where the component does is validated later.
        key_arn: the customer-managed key that encrypts it, if any.
    """

    secret_arn: MaybeOutput[str]
    key_arn: MaybeOutput[str] | None


@dataclass(frozen=True, slots=True)
class ValidApplication:
    """One application: its name in the arguments, its client id, its trigger and its existing secret, if any.

    Attributes:
        retired: whether it is on its way out.
        keys: the owner's names of our keys in the secret, where they differ.
        readers: who may read its secret beside those who may read all.
    """

    name: str
    client_id: str
    rotate_on_up: MaybeOutput[str] | None
    adoption: Adoption | None = None
    retired: bool = False
    keys: MaybeOutput[Mapping[str, str]] = field(default_factory=dict[str, str])
    readers: MaybeOutput[Sequence[str]] | None = None

    @property
    def suffix(self) -> str:
        """The part of the client id that tells applications apart; names resources."""
        return schedule_name(self.client_id)


def validate_applications(value: object) -> tuple[ValidApplication, ...]:
    """At least one application, each with its own client id.

    Raises:
        BadSettings: naming the entry.
    """
    plain(value, "applications", "it says which resources there are")
    if not is_map(value) or not value:
        raise BadSettings(
            "applications must be a plain map with at least one entry.",
            remedy="Name at least one application: a map from a name of your choice to an entry with client_id.",
        )
    found: dict[str, ValidApplication] = {}
    for name, entry in value.items():
        application = _validate_application(name, entry)
        if other := found.get(application.client_id):
            raise BadSettings(
                f"applications.{name}.client_id is also that of applications.{other.name}.",
                remedy="Give each application once: a rotation concerns the client id as a whole.",
            )
        found[application.client_id] = application
    return tuple(found.values())


def validate_trigger(value: object, argument: str) -> str:
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


def validate_secret_arn(value: object, argument: str) -> str:
    """The complete ARN of a secret, without wildcards: it becomes the resource of a policy.

    Raises:
        BadSettings: it is not one.
    """
    return of_form(
        value,
        _SECRET_ARN,
        f"{argument} is not the complete ARN of a secret.",
        remedy="Use the ARN with its last six characters, as `aws secretsmanager describe-secret` shows it.",
    )


def validate_key_arn(value: object, argument: str) -> str:
    """The ARN of a key, not of an alias: policies do not follow aliases.

    Raises:
        BadSettings: it is not one.
    """
    return of_form(
        value,
        _KEY_ARN,
        f"{argument} is not the ARN of a key.",
        remedy="Use the ARN of the key itself (arn:aws:kms:REGION:ACCOUNT:key/ID), not an alias or an id.",
    )


def validate_key_names(value: object, argument: str) -> Mapping[str, str]:
    """The owner's names of our keys. Together with the names that stay, no two are the same.

    Raises:
        BadSettings: a name is not ours, not usable, or used twice.
    """
    if not is_map(value):
        raise BadSettings(f"{argument} must be a map.", remedy=f"Map any of {', '.join(KEY_NAMES)} to your key's name.")
    names: dict[str, str] = {}
    for ours, owners in value.items():
        if ours not in KEY_NAMES:
            raise BadSettings(f"{argument} maps an unknown name.", remedy=f"Known are {', '.join(KEY_NAMES)}.")
        if not _is_key(owners):
            raise BadSettings(
                f"{argument}.{ours} cannot be a key of the secret's JSON.",
                remedy=f"Use a text of 1 to {MAX_KEY_LENGTH} printable characters.",
            )
        names[str(ours)] = str(owners)
    used = KeyNames(**names)
    taken: dict[str, str] = {}
    for ours in KEY_NAMES:
        key = str(getattr(used, ours))
        if other := taken.get(key):
            raise BadSettings(
                f"{argument} gives {other} and {ours} the same key.",
                remedy="Give each its own key of the secret's JSON.",
            )
        taken[key] = ours
    return names


def _validate_application(name: object, entry: object) -> ValidApplication:
    name = validate_name(name, "applications")
    where = f"applications.{name}"
    given = known_keys(plain(entry, where, "it says which resources there are"), Application.__annotations__, where)
    trigger, keys = given.get("rotate_on_up"), given.get("secret_keys")
    argument = f"{where}.rotate_on_up"
    retired = validate_flag(given.get("retired") or False, f"{where}.retired")
    if retired and trigger is not None:
        raise BadSettings(
            f"{argument} is set for a retired application.",
            remedy="Leave one of them out: a retired application is not rotated.",
        )
    return ValidApplication(
        name=name,
        client_id=_validate_client_id(given.get("client_id"), f"{where}.client_id"),
        rotate_on_up=None if trigger is None else validated(trigger, lambda v: validate_trigger(v, argument)),
        adoption=_validate_adoption(given, where),
        retired=retired,
        keys=validated_within({} if keys is None else keys, lambda v: validate_key_names(v, f"{where}.secret_keys")),
        readers=_validate_readers(given, where),
    )


def _validate_client_id(value: object, argument: str) -> str:
    plain(value, argument, "it becomes part of resources' names")
    if value is None:
        raise BadSettings(
            f"{argument} is missing.",
            remedy="Give the LWA client id of the application, as the Developer Console shows it. If there is no such "
            "application, take the whole entry out.",
        )
    if isinstance(value, str) and value.startswith(_APPLICATION_ID):
        raise BadSettings(
            f"{argument} is an application id ({_APPLICATION_ID}…), not the client id.",
            remedy="Use the LWA client id: in the Developer Console it is shown beside the client secret.",
        )
    return validated_client_id(value, argument)


def _validate_adoption(given: Mapping[str, object], where: str) -> Adoption | None:
    arn, key = given.get("secret_arn"), given.get("secret_key_arn")
    if arn is None:
        if key is not None:
            raise BadSettings(
                f"{where}.secret_key_arn is given without {where}.secret_arn.",
                remedy="It is for an existing secret: set secret_arn as well, or leave both out.",
            )
        return None
    return Adoption(
        secret_arn=validated(arn, lambda v: validate_secret_arn(v, f"{where}.secret_arn")),
        key_arn=None if key is None else validated(key, lambda v: validate_key_arn(v, f"{where}.secret_key_arn")),
    )


def _validate_readers(given: Mapping[str, object], where: str) -> MaybeOutput[Sequence[str]] | None:
    readers, argument = given.get("readers"), f"{where}.readers"
    if readers in (None, [], ()):
        return None
    if given.get("secret_arn") is not None:
        raise BadSettings(
            f"{argument} is set for an existing secret, whose policy and key belong to its owner.",
            remedy="Leave it out, and have the owner add the readers there; docs/consumers.md says what they need.",
        )
    return validated_within(readers, lambda v: validate_readers(v, argument))


def _is_key(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_KEY_LENGTH and value.isprintable()
