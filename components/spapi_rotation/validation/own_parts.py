"""Validates what an account brings: bounds of the roles, the function's network, keys, the destination queue."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spapi_rotation.args import DestinationQueue, Keys, Network, Roles
from spapi_rotation.validation.applications import validate_key_arn
from spapi_rotation.validation.inputs import (
    MaybeOutput,
    is_list,
    known_keys,
    of_form,
    plain,
    validated,
    validated_within,
)
from spapi_rotation_lambda.domain.errors import BadSettings

_BOUNDARY = re.compile(r"arn:aws:iam::(\d{12}|aws):policy/([\x21-\x7e]{1,510}/)?[\w+=,.@-]{1,128}", re.ASCII)
_PATH = re.compile(r"(?=.{1,512}\Z)/([\x21-\x2e\x30-\x7e]+/)*", re.ASCII)
"""Source: IAM API reference, CreateRole."""

_QUEUE = re.compile(r"arn:[a-z-]+:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}")
_SUBNET, _GROUP = re.compile(r"subnet-[0-9a-f]{8,17}"), re.compile(r"sg-[0-9a-f]{8,17}")
_MOST_SUBNETS, _MOST_GROUPS = 16, 5
"""Source: Lambda API reference, VpcConfig."""


@dataclass(frozen=True, slots=True)
class ValidRoles:
    """What bounds and places the component's roles; None where nothing does."""

    permissions_boundary: MaybeOutput[str] | None = None
    path: MaybeOutput[str] | None = None


@dataclass(frozen=True, slots=True)
class ValidKeys:
    """Keys of the user's, by their ARNs; None where the component makes one."""

    secrets: MaybeOutput[str] | None = None
    queue: MaybeOutput[str] | None = None


@dataclass(frozen=True, slots=True)
class ValidNetwork:
    """Where in a VPC the function works."""

    subnet_ids: MaybeOutput[Sequence[str]]
    security_group_ids: MaybeOutput[Sequence[str]]


def validate_roles(value: object) -> ValidRoles:
    """The parts of ``roles``, each validated now, or when it becomes known.

    Raises:
        BadSettings: a part is not usable.
        InvalidArgument: the same, or a part is not known.
    """
    given = _parts(value, "roles", Roles.__annotations__)
    boundary, path = given.get("permissions_boundary"), given.get("path")
    return ValidRoles(
        permissions_boundary=None if boundary is None else validated(boundary, validate_boundary),
        path=None if path is None else validated(path, validate_path),
    )


def validate_keys(value: object) -> ValidKeys:
    """The parts of ``keys``, each validated now, or when it becomes known.

    Raises:
        BadSettings: a part is not the ARN of a key.
        InvalidArgument: the same, or a part is not known.
    """
    given = _parts(value, "keys", Keys.__annotations__)
    secrets, queue = given.get("secrets"), given.get("queue")
    return ValidKeys(
        secrets=None if secrets is None else validated(secrets, lambda v: validate_key_arn(v, "keys.secrets")),
        queue=None if queue is None else validated(queue, lambda v: validate_key_arn(v, "keys.queue")),
    )


def validate_queue(value: object) -> MaybeOutput[str] | None:
    """The ARN of the queue; None if it is not given.

    Raises:
        BadSettings: it is missing, or not that of a standard queue.
        InvalidArgument: the same, or a part is not known.
    """
    given = _parts(value, "queue", DestinationQueue.__annotations__)
    if not given:
        return None
    if given.get("arn") is None:
        raise BadSettings("queue.arn is missing.", remedy="Give the ARN of the queue, or leave queue out.")
    return validated(given["arn"], validate_queue_arn)


def validate_queue_arn(value: object) -> str:
    """The ARN of a standard queue.

    Raises:
        BadSettings: it is not one.
    """
    if isinstance(value, str) and value.startswith("arn:") and value.endswith(".fifo"):
        raise BadSettings(
            "queue.arn is a FIFO queue, to which Amazon does not send.",
            remedy="Register a standard queue, and name that.",
        )
    return of_form(
        value,
        _QUEUE,
        "queue.arn is not the ARN of a queue.",
        remedy="Use arn:aws:sqs:REGION:ACCOUNT:NAME, as it is registered with Amazon; not its URL.",
    )


def validate_network(value: object) -> ValidNetwork | None:
    """The parts of ``network``; None if it is not given.

    Raises:
        BadSettings: a part is missing or not usable.
        InvalidArgument: the same, or a part is not known.
    """
    given = _parts(value, "network", Network.__annotations__)
    if not given:
        return None
    return ValidNetwork(
        subnet_ids=_ids(given.get("subnet_ids"), "subnet_ids", _SUBNET, _MOST_SUBNETS),
        security_group_ids=_ids(given.get("security_group_ids"), "security_group_ids", _GROUP, _MOST_GROUPS),
    )


def validate_boundary(value: object) -> str:
    """The ARN of a managed policy.

    Raises:
        BadSettings: it is not one.
    """
    return of_form(
        value,
        _BOUNDARY,
        "roles.permissions_boundary is not the ARN of a managed policy.",
        remedy="Use arn:aws:iam::ACCOUNT:policy/NAME, or leave it out.",
    )


def validate_boundary_account(arn: str, account: str) -> str:
    """A boundary is AWS's own policy, or one of the account of the roles.

    Raises:
        BadSettings: it is another account's.
    """
    its = arn.split(":")[4]
    if its in (account, "aws"):
        return arn
    raise BadSettings(
        f"roles.permissions_boundary is a policy of the account {its}, but the component is deployed to {account}.",
        remedy="Use a policy of that account: IAM takes no other as a boundary.",
    )


def validate_path(value: object) -> str:
    """A path of IAM.

    Raises:
        BadSettings: it is not one.
    """
    return of_form(
        value,
        _PATH,
        "roles.path is not an IAM path.",
        remedy="Begin and end it with a slash, such as /platform/rotation/, in at most 512 characters without spaces.",
    )


def _parts(value: object, argument: str, known: Mapping[str, object]) -> Mapping[str, Any]:
    why = "it says which resources there are (its parts may be Outputs)"
    return {} if value is None else known_keys(plain(value, argument, why), known, argument)


def _ids(value: object, name: str, pattern: re.Pattern[str], most: int) -> MaybeOutput[Sequence[str]]:
    def validate(ids: object) -> Sequence[str]:
        if (
            is_list(ids)
            and 0 < len(ids) <= most
            and all(isinstance(each, str) and pattern.fullmatch(each) for each in ids)
        ):
            return sorted(set(ids))
        example = pattern.pattern.partition("[")[0] + "0123456789abcdef0"
        raise BadSettings(
            f"network.{name} must be a list of 1 to {most} ids.",
            remedy=f"Give them as AWS shows them, such as {example}; subnets and security groups must be in one VPC.",
        )

    if value is None:
        raise BadSettings(
            f"network.{name} is missing.", remedy="Give subnet_ids and security_group_ids, or leave network out."
        )
    return validated_within(value, validate)
