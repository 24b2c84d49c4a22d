"""What is no region of the partition `aws` fails the preview; a region that is new does not."""

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from spapi_rotation import ClientSecretRotation, InvalidArgument
from spapi_rotation.validation.regions import listed_regions, unlisted_region, validate_region
from spapi_rotation_lambda.domain.errors import BadSettings
from tests.component.recorder import client_id, deploy, deploy_component


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Names the region of the default provider."""

    def name(region: str) -> None:
        monkeypatch.setenv("AWS_REGION", region)

    return name


def test_every_region_that_is_listed_is_accepted() -> None:
    assert {"us-east-1", "eu-west-1", "us-west-2", "af-south-1", "mx-central-1", "ap-southeast-5"} < listed_regions()
    assert not {"cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1", "eu-isoe-west-1"} & listed_regions()
    for region in listed_regions():
        assert validate_region(region) == region
        assert unlisted_region(region) is None


@pytest.mark.parametrize("region", ["sa-west-1", "me-west-1", "ap-southeast-12", "eu-east-1", "nz-north-1"])
def test_a_region_that_may_be_new_is_accepted_with_a_warning(region: str) -> None:
    """A list is out of date the day after; the names of the partition have kept to one pattern."""
    assert validate_region(region) == region
    assert f"The region {region} is not among those that this version of pulumi-aws lists" in str(
        unlisted_region(region)
    )


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("cn-north-1", "AWS China"),
        ("cn-northwest-1", "AWS China"),
        ("cn-south-9", "AWS China"),
        ("us-gov-west-1", "AWS GovCloud"),
        ("us-gov-east-1", "AWS GovCloud"),
        ("eusc-de-east-1", "the AWS European Sovereign Cloud"),
        ("us-iso-east-1", "an isolated partition of AWS"),
        ("us-isob-west-1", "an isolated partition of AWS"),
        ("eu-isoe-west-1", "an isolated partition of AWS"),
    ],
)
def test_a_region_of_another_partition_is_refused_by_its_name(region: str, partition: str) -> None:
    with pytest.raises(BadSettings, match=rf"^The region {region} is in {partition}, .* such as us-east-1"):
        validate_region(region)


@pytest.mark.parametrize(
    ("region", "meant"),
    [
        ("us-esat-1", "us-east-1"),
        ("us-east1", "us-east-1"),
        ("us-east-1a", "us-east-1"),
        ("us_east_1", "us-east-1"),
        ("US-EAST-1", "us-east-1"),
        ("us-east-1 ", "us-east-1"),
        ("eu-centrall-1", "eu-central-1"),
        ("eu-west-0", "eu-west-"),
        ("us-east", "us-east-"),
        ("N. Virginia", None),
        ("eu", None),
        ("EU (Ireland)", None),
        ("aws-global", None),
        ("", None),
        (5, None),
    ],
)
def test_what_cannot_be_a_region_is_refused(region: object, meant: str | None) -> None:
    with pytest.raises(BadSettings, match=r"^There is no AWS region") as refused:
        validate_region(region)
    assert meant is None or f"Did you mean {meant}" in refused.value.remedy
    assert "`pulumi config set aws:region`" in refused.value.remedy


@pytest.mark.parametrize("region", ["us-esat-1", "cn-north-1", "us-gov-west-1"])
def test_it_is_refused_before_anything_is_asked_of_aws(
    region: str, configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider would look for such a region for minutes, and name a host that is not found."""
    configured(region)
    for name in ("get_partition_output", "get_region_output", "get_caller_identity_output"):
        monkeypatch.setattr(f"spapi_rotation.scope.aws.{name}", lambda **_: pytest.fail("AWS was asked."))
    with pytest.raises(InvalidArgument, match=region):
        deploy_component(preview=True)


def test_the_region_of_a_provider_is_looked_at(configured: Any) -> None:
    """And not that of the default provider, which is not used."""
    configured("cn-north-1")

    def program(region: str) -> None:
        provider: Any = aws.Provider("here", region=region)
        args: Any = {"applications": {"shop": {"client_id": client_id(1)}}}
        ClientSecretRotation("rotation", args, pulumi.ResourceOptions(provider=provider))

    assert deploy(lambda: program("us-east-1")).named("rotation-function")
    with pytest.raises(InvalidArgument, match="There is no AWS region 'us-esat-1'"):
        deploy(lambda: program("us-esat-1"))


def test_a_region_from_elsewhere_is_looked_at_when_the_provider_tells_it(
    monkeypatch: pytest.MonkeyPatch, configured: Any
) -> None:
    """Such as from a profile, which only the provider reads."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    assert deploy_component().named("rotation-function")
    monkeypatch.setattr("tests.component.recorder.REGION", "cn-north-1")
    with pytest.raises(InvalidArgument, match="is in AWS China"):
        deploy_component()


def test_a_region_that_may_be_new_warns_once(monkeypatch: pytest.MonkeyPatch, configured: Any) -> None:
    warned: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", lambda text, *_: warned.append(text))
    monkeypatch.setattr("tests.component.recorder.REGION", "us-east-7")
    configured("us-east-7")
    assert deploy_component(preview=True).named("rotation-function")
    (text,) = warned
    assert "Did you mean us-east-" in text
