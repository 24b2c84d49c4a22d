"""Validates the services that are redeployed when another secret is in use."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from spapi_rotation.args import RestartedService
from spapi_rotation.validation.applications import ValidApplication
from spapi_rotation.validation.inputs import MaybeOutput, is_list, is_map, known_keys, plain, validate_name, validated
from spapi_rotation.validation.names import did_you_mean
from spapi_rotation_lambda.domain.errors import BadSettings

_NAME = r"[A-Za-z0-9_-]{1,255}"
_SERVICE_ARN = re.compile(rf"arn:aws:ecs:[a-z0-9-]+:\d{{12}}:service/{_NAME}/{_NAME}")
_SHORT_ARN = re.compile(rf"arn:aws:ecs:[a-z0-9-]+:\d{{12}}:service/{_NAME}")
"""The form before 2018, which does not name the cluster. Source: ECS developer guide, "Amazon Resource Names"."""

_WHY = "it says which resources there are"


@dataclass(frozen=True, slots=True)
class ValidRestart:
    """A service that is redeployed.

    Attributes:
        name: its name in the arguments.
        service_arn: of the right form; whether it lies where the component does is validated later.
        client_ids: of the applications whose secrets it reads; empty stands for all.
    """

    name: str
    service_arn: MaybeOutput[str]
    client_ids: tuple[str, ...]


def validate_restart(value: object, applications: Sequence[ValidApplication]) -> tuple[ValidRestart, ...]:
    """The services, by their names.

    Raises:
        BadSettings: naming the entry.
    """
    plain(value, "restart", _WHY)
    if not is_map(value):
        raise BadSettings(
            "restart must be a plain map.", remedy="Map a name of your choice for each ECS service to its service_arn."
        )
    found: dict[str, ValidRestart] = {}
    for name, entry in value.items():
        one = _validate_one(name, entry, applications)
        other = next((each.name for each in found.values() if each.service_arn == one.service_arn), None)
        if other is not None:
            raise BadSettings(
                f"restart.{one.name}.service_arn is also that of restart.{other}.",
                remedy="Give each service once, with all the applications whose secrets it reads.",
            )
        found[one.name] = one
    return tuple(found.values())


def validate_service_arn(value: object, argument: str) -> str:
    """The ARN of an ECS service with its cluster's name.

    Raises:
        BadSettings: it is not one.
    """
    if isinstance(value, str) and _SERVICE_ARN.fullmatch(value):
        return value
    if isinstance(value, str) and _SHORT_ARN.fullmatch(value):
        raise BadSettings(
            f"{argument} is the old form of a service's ARN, which does not name the cluster.",
            remedy="Use arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME: put the cluster's name before the service's.",
        )
    raise BadSettings(
        f"{argument} is not the ARN of an ECS service.",
        remedy="Use arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME. Anything else is restarted by its own "
        "means on the rotation event: docs/consumers.md has examples.",
    )


def _validate_one(name: object, entry: object, applications: Sequence[ValidApplication]) -> ValidRestart:
    name = validate_name(name, "restart")
    where = f"restart.{name}"
    given = known_keys(plain(entry, where, _WHY), RestartedService.__annotations__, where)
    arn = given.get("service_arn")
    if arn is None:
        raise BadSettings(f"{where}.service_arn is missing.", remedy="Give the ARN of the ECS service.")
    argument = f"{where}.service_arn"
    return ValidRestart(
        name=name,
        service_arn=validated(arn, lambda v: validate_service_arn(v, argument)),
        client_ids=_client_ids(given.get("applications"), f"{where}.applications", applications),
    )


def _client_ids(value: object, argument: str, applications: Sequence[ValidApplication]) -> tuple[str, ...]:
    if value is None:
        return ()
    names = plain(value, argument, _WHY)
    if not is_list(names) or not names:
        raise BadSettings(
            f"{argument} must be a list of one or more names.",
            remedy=f"List names of applications, or leave {argument} out: then every application counts.",
        )
    known = {each.name: each.client_id for each in applications}
    for name in names:
        if not isinstance(name, str) or name not in known:
            near = did_you_mean(name, known) if isinstance(name, str) else ""
            raise BadSettings(
                f"{argument} has a name that is not in applications.",
                remedy=f"{near}There are: {', '.join(known)}.",
            )
    return tuple(sorted({known[name] for name in names}))
