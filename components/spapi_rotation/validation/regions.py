"""Validates the AWS region by its name, before AWS is asked: a name that cannot be one would only fail to be found."""

import re
from collections.abc import Mapping
from functools import cache

import pulumi_aws as aws

from spapi_rotation.validation.names import did_you_mean
from spapi_rotation_lambda.domain.errors import BadSettings

_OTHER_PARTITIONS: Mapping[str, str] = {
    r"cn-": "AWS China",
    r"us-gov-": "AWS GovCloud",
    r"eusc-": "the AWS European Sovereign Cloud",
    r"(us|eu)-iso[a-z]?-": "an isolated partition of AWS",
}
"""How the regions of other partitions begin. Source: botocore's partitions.json."""

_DIRECTIONS = "(north|south|east|west|central|northeast|northwest|southeast|southwest)"
_PATTERN = re.compile(rf"[a-z]{{2}}-{_DIRECTIONS}-[1-9][0-9]?")
"""How every region of the partition ``aws`` has been named so far, the ones that are still to come as well."""


def validate_region(value: object) -> str:
    """The name of a region of the partition ``aws``. A new one that no list has yet is accepted: AWS knows it.

    Raises:
        BadSettings: it lies in another partition, or cannot be a region.
    """
    text = value if isinstance(value, str) else ""
    for beginning, partition in _OTHER_PARTITIONS.items():
        if re.match(beginning, text):
            raise BadSettings(
                f"The region {text} is in {partition}, from which Amazon cannot be reached.",
                remedy="Use a region of the partition aws, such as us-east-1: Amazon sends the new secrets from there.",
            )
    if text in listed_regions() or _PATTERN.fullmatch(text):
        return text
    raise BadSettings(
        f"There is no AWS region {text!r}.",
        remedy=f"{did_you_mean(text, listed_regions())}Set the region of the AWS provider, by "
        "`pulumi config set aws:region` or where the provider is made.",
    )


def unlisted_region(region: str) -> str | None:
    """What to say about a region that may be new, or mistyped; None if it is known."""
    if region in listed_regions():
        return None
    return (
        f"The region {region} is not among those that this version of pulumi-aws lists. If it is new, that is fine; "
        f"if not, AWS cannot be reached there. {did_you_mean(region, listed_regions())}"
    ).rstrip()


@cache
def listed_regions() -> frozenset[str]:
    """The regions of the partition ``aws`` that the installed pulumi-aws lists."""
    others = re.compile("|".join(_OTHER_PARTITIONS))
    return frozenset(region.value for region in aws.Region if not others.match(region.value))
