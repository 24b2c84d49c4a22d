"""The stand-in provider's configuration, and the gates that keep it on loopback."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pulumi.provider.experimental import provider as api

from sandbox.paths import CHECKOUT
from sandbox.provider import checking
from sandbox.provider.aws import Aws, AwsRefused, says
from sandbox.provider.config import SERVICES, AssumeRole, ProviderConfig, parse
from sandbox.provider.errors import StandInError
from sandbox.provider.invokes import invoke
from sandbox.provider.loopback import is_loopback
from sandbox.provider.plugin import StandIn
from sandbox.provider.values import to_property_map
from tests.sandbox.provider_support import QUEUE, REGION, SEED, kind

LOOPBACK = "https://127.0.0.1:1"


@pytest.fixture(autouse=True)
def no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the surroundings' AWS settings; an endpoint where nobody listens."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", LOOPBACK)


def configured(**more: Any) -> Aws:
    """AWS without a look at the credentials."""
    return Aws(ProviderConfig(region=REGION, access_key="test", secret_key="test", validate_credentials=False, **more))


@pytest.mark.parametrize("url", ["http://127.0.0.1:4566", "https://localhost", "https://[::1]:1", "http://127.9.9.9"])
def test_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://sqs.us-east-1.amazonaws.com",
        "https://10.0.0.1",
        "https://localhost.example.com",
        "https://127.0.0.1.example.com",
        "https://user@example.com",
        "https://127.0.0.1@example.com",
        "http://[::1",
        "127.0.0.1",
        "",
    ],
)
def test_not_loopback(url: str) -> None:
    assert not is_loopback(url)


@pytest.mark.parametrize("url", [None, "https://example.com"])
def test_an_endpoint_elsewhere_is_refused(url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if url is None:
        monkeypatch.delenv("AWS_ENDPOINT_URL")
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(StandInError, match=r"refuses to talk to .*: it works on a loopback AWS endpoint only"):
        configured()


def test_an_endpoint_of_one_service_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://sqs.us-east-1.amazonaws.com")
    aws = configured()
    with pytest.raises(StandInError, match=r"refuses to talk to sqs\.us-east-1\.amazonaws\.com"):
        aws.client("sqs")


def test_a_request_that_would_leave_the_machine_is_stopped_before_the_wire() -> None:
    aws = configured()
    client = aws.client("sqs")

    def lead_elsewhere(request: Any, **_: Any) -> None:
        request.url = "https://sqs.us-east-1.amazonaws.com/"

    client.meta.events.register("request-created", lead_elsewhere)
    with pytest.raises(StandInError, match=r"refuses to talk to sqs\.us-east-1\.amazonaws\.com"):
        aws.call("listing", client.list_queues)


def test_a_refusal_does_not_repeat_credentials_in_a_url() -> None:
    with pytest.raises(StandInError) as refused:
        parse({"endpoints": {"sqs": "https://user:obviously-fake@example.com/"}})
    assert "obviously-fake" not in str(refused.value)


def test_configuration_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(StandInError, match="does not know the provider configuration insecure, useFipsEndpoint;"):
        parse({"region": REGION, "useFipsEndpoint": True, "insecure": "true"})


@pytest.mark.parametrize("as_json", [True, False])
def test_known_configuration_is_read(as_json: bool) -> None:
    def form(value: Any) -> Any:
        return json.dumps(value) if as_json else value

    assert parse(
        {
            "region": REGION,
            "profile": "sandbox",
            "accessKey": "test",
            "secretKey": "test",
            "token": "test",
            "assumeRoles": form([{"roleArn": "arn", "sessionName": "me", "externalId": "id", "duration": "30m"}]),
            "allowedAccountIds": form(["123456789012"]),
            "defaultTags": form({"tags": {"a": "b"}}),
            "endpoints": form([{"sqs": LOOPBACK}, {"sts": LOOPBACK}]),
            "skipCredentialsValidation": form(True),
            "skipMetadataApiCheck": form(True),
            "skipRegionValidation": form(True),
            "skipRequestingAccountId": form(True),
            "version": "7.51.1",
            "__internal": {},
        }
    ) == ProviderConfig(
        region=REGION,
        profile="sandbox",
        access_key="test",
        secret_key="test",
        token="test",
        assume_roles=(AssumeRole("arn", "me", "id", 1800),),
        allowed_account_ids=("123456789012",),
        default_tags={"a": "b"},
        endpoints={"sqs": LOOPBACK, "sts": LOOPBACK},
        validate_credentials=False,
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("region", 1),
        ("skipCredentialsValidation", "yes"),
        ("allowedAccountIds", [1]),
        ("defaultTags", {"other": {}}),
        ("defaultTags", {"tags": {"a": 1}}),
        ("assumeRoles", [{}]),
        ("assumeRoles", [{"roleArn": "arn", "policy": "{}"}]),
        ("assumeRoles", [{"roleArn": "arn", "duration": "1h30m"}]),
        ("endpoints", {"s3": LOOPBACK}),
        ("endpoints", [{"sqs": "https://example.com"}]),
    ],
)
def test_configuration_of_the_wrong_form_is_refused(key: str, value: Any) -> None:
    with pytest.raises(StandInError, match=key if key != "endpoints" else "endpoints|refuses"):
        parse({key: value})


def test_every_service_that_is_called_may_be_given_an_endpoint() -> None:
    called = {
        name
        for file in (CHECKOUT / "sandbox" / "provider").rglob("*.py")
        for name in re.findall(r'\.client\("(\w+)"\)', file.read_text())
    }
    assert set(parse({"endpoints": dict.fromkeys(called, LOOPBACK)}).endpoints) == SERVICES


def test_the_text_form_of_the_configuration_leaves_credentials_out() -> None:
    shown = repr(ProviderConfig(access_key="obviously-fake", secret_key="obviously-fake", token="obviously-fake"))
    assert "obviously-fake" not in shown


def test_a_missing_region_is_reported() -> None:
    with pytest.raises(StandInError, match="region is missing"):
        Aws(ProviderConfig())


def test_a_missing_profile_is_reported() -> None:
    with pytest.raises(StandInError, match=r"profile \(nobody\)"):
        Aws(ProviderConfig(region=REGION, profile="nobody"))


def test_missing_credentials_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StandInError, match="validating the provider's credentials: NoCredentialsError"):
        Aws(ProviderConfig(region=REGION))


def test_the_region_of_a_resource_must_be_the_providers() -> None:
    around = checking.Surroundings(REGION)
    spec = kind(QUEUE).spec
    same = checking.check(spec, "q", {}, {"region": REGION}, SEED, around)
    assert same.failures == []
    other = checking.check(spec, "q", {}, {"region": "eu-west-1"}, SEED, around)
    assert [failure.prop for failure in other.failures] == ["region"]
    assert "region us-east-1 only, not in eu-west-1" in other.failures[0].reason
    filled = checking.check(spec, "q", {}, {}, SEED, around)
    assert (filled.inputs["region"], "region" in filled.inputs["__defaults"]) == (REGION, True)


def test_iams_types_take_no_region() -> None:
    around = checking.Surroundings(REGION)
    result = checking.check(kind("aws:iam/role:Role").spec, "r", {}, {"region": REGION}, SEED, around)
    assert "region" in {failure.prop for failure in result.failures}


def test_default_tags_are_merged_under_a_resources_own() -> None:
    around = checking.Surroundings(REGION, {"owner": "platform", "kind": "default"})
    inputs = checking.check(kind(QUEUE).spec, "q", {}, {"tags": {"kind": "own"}}, SEED, around).inputs
    assert inputs["tagsAll"] == {"owner": "platform", "kind": "own"}
    assert inputs["tags"] == {"kind": "own"}


def test_functions_that_are_not_known_are_refused_by_name() -> None:
    aws = configured()
    with pytest.raises(StandInError, match="does not know the function aws:ec2/getVpc:getVpc"):
        invoke("aws:ec2/getVpc:getVpc", {}, aws)
    with pytest.raises(StandInError, match="does not know the argument 'endpoint' of aws:index/getRegion:getRegion"):
        invoke("aws:index/getRegion:getRegion", {"endpoint": "ec2"}, aws)
    with pytest.raises(StandInError, match="region us-east-1 only"):
        invoke("aws:index/getRegion:getRegion", {"region": "eu-west-1"}, aws)


def test_region_and_partition_need_no_aws() -> None:
    aws = configured()
    assert invoke("aws:index/getRegion:getRegion", {}, aws)["region"] == REGION
    assert invoke("aws:index/getPartition:getPartition", {}, aws)["partition"] == "aws"


async def _check_config(given: dict[str, Any]) -> list[str]:
    answer = await StandIn().check_config(api.CheckRequest("", {}, to_property_map(given), b""))
    return [failure.reason for failure in answer.failures or ()]


def test_the_engine_is_told_what_is_wrong_with_the_configuration() -> None:
    assert asyncio.run(_check_config({"region": REGION})) == []
    (reason,) = asyncio.run(_check_config({"insecure": "true"}))
    assert "insecure" in reason


def test_a_passing_error_is_tried_again_and_another_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.provider.aws._PAUSE_SECONDS", 0)
    aws = configured()
    tries: list[int] = []

    def action() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ClientError({"Error": {"Code": "NotYet", "Message": "be patient"}}, "Make")
        return "made"

    assert aws.call("making", action, retry=says("patient", code="NotYet")) == "made"
    tries.clear()
    with pytest.raises(AwsRefused, match="making: NotYet: be patient"):
        aws.call("making", action, retry=says("patient", code="Other"))
    assert len(tries) == 1
    tries.clear()
    assert aws.unless_missing("making", action, "NotYet") is None


def test_a_malformed_request_does_not_repeat_its_values() -> None:
    aws = configured()
    with pytest.raises(StandInError, match=r"^creating: ParamValidationError$"):
        aws.call("creating", lambda: aws.client("sqs").create_queue(QueueName=["obviously-fake"]))


@pytest.mark.parametrize(
    ("configured_region", "environment", "expected"),
    [
        (None, {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        (None, {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        (None, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        (REGION, {"AWS_REGION": "eu-west-1"}, REGION),
    ],
)
def test_the_region_is_the_configurations_else_the_environments(
    configured_region: str | None, environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = ProviderConfig(region=configured_region, access_key="test", secret_key="test", validate_credentials=False)
    aws = Aws(config)
    assert aws.region == aws.client("sqs").meta.region_name == expected


def test_the_region_is_the_profiles_if_nothing_else_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("[profile sandbox]\nregion = eu-west-3\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    config = ProviderConfig(profile="sandbox", access_key="test", secret_key="test", validate_credentials=False)
    assert Aws(config).region == "eu-west-3"
