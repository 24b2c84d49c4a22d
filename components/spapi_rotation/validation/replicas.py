"""Validates in which other regions the secrets are to be readable, each under a key of its own there."""

from collections.abc import Mapping

from spapi_rotation.validation.applications import validate_key_arn
from spapi_rotation.validation.inputs import is_map
from spapi_rotation.validation.names import did_you_mean
from spapi_rotation.validation.regions import listed_regions, validate_region
from spapi_rotation_lambda.domain.errors import BadSettings

ARGUMENT = "replica_regions"


def validate_replica_regions(value: object) -> Mapping[str, str]:
    """Keys by their regions; whether one is the component's own region is validated later.

    Raises:
        BadSettings: naming the region that is none, or whose key is not one of that region.
    """
    if not is_map(value) or not value:
        raise BadSettings(
            f"{ARGUMENT} must be a map with at least one entry.",
            remedy="Map each region to the ARN of a customer-managed key in that region, or leave it out.",
        )
    return {_region(name): _key(arn, f"{ARGUMENT}.{name}", str(name)) for name, arn in value.items()}


def _region(name: object) -> str:
    try:
        return validate_region(name)
    except BadSettings as error:
        hint = did_you_mean(str(name), listed_regions())
        raise BadSettings(
            f"{ARGUMENT}: {error.args[0]}", remedy=f"{hint}Name regions of the partition aws, such as eu-west-1."
        ) from None


def _key(value: object, argument: str, region: str) -> str:
    arn = validate_key_arn(value, argument)
    _, partition, _, its_region, *_ = arn.split(":")
    if (partition, its_region) != ("aws", region):
        raise BadSettings(
            f"{argument} is in the region {its_region} of the partition {partition}.",
            remedy=f"Use the ARN of a key in {region}: a replica is encrypted there.",
        )
    return arn
