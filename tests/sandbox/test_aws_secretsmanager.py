"""The emulator keeps Secrets Manager's rules for versions, labels and tokens."""

import inspect
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import AwsEmulator
from tests.sandbox.aws_support import refusal

pytestmark = pytest.mark.sandbox

NAME = "prefix/application"


def token() -> str:
    return str(uuid.uuid4())


class Secret:
    """A secret under test."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.arn = client.create_secret(Name=NAME)["ARN"]

    def put(self, value: str, *labels: str, version: str | None = None) -> str:
        more = {"VersionStages": list(labels)} if labels else {}
        answer = self.client.put_secret_value(
            SecretId=NAME, SecretString=value, ClientRequestToken=version or token(), **more
        )
        return str(answer["VersionId"])

    def move(self, label: str, to: str | None = None, source: str | None = None) -> None:
        more = {"MoveToVersionId": to, "RemoveFromVersionId": source}
        self.client.update_secret_version_stage(
            SecretId=NAME, VersionStage=label, **{key: value for key, value in more.items() if value}
        )

    def labels(self) -> dict[str, set[str]]:
        """Which labels each listed version has."""
        listed = self.client.list_secret_version_ids(SecretId=NAME)["Versions"]
        return {entry["VersionId"]: set(entry["VersionStages"]) for entry in listed}

    def value(self, **which: str) -> str:
        return str(self.client.get_secret_value(SecretId=NAME, **which)["SecretString"])


@pytest.fixture
def secret(aws: AwsEmulator) -> Secret:
    return Secret(aws.client("secretsmanager"))


def test_a_secret_made_without_a_value_has_no_version(secret: Secret) -> None:
    assert secret.labels() == {}
    with pytest.raises(ClientError) as error:
        secret.value()
    assert refusal(error) == "ResourceNotFoundException"


def test_the_first_version_gets_awscurrent_besides_the_label_asked_for(secret: Secret) -> None:
    first = secret.put("one", "OWN")
    second = secret.put("two", "AWSPENDING")
    assert secret.labels() == {first: {"AWSCURRENT", "OWN"}, second: {"AWSPENDING"}}


def test_the_token_becomes_the_version_id(aws: AwsEmulator) -> None:
    client, chosen = aws.client("secretsmanager"), token()
    answer = client.create_secret(Name=NAME, SecretString="one", ClientRequestToken=chosen)
    assert answer["VersionId"] == chosen


def test_create_with_the_same_token_and_value_changes_nothing(aws: AwsEmulator) -> None:
    client, chosen = aws.client("secretsmanager"), token()
    first = client.create_secret(Name=NAME, SecretString="one", ClientRequestToken=chosen)
    again = client.create_secret(Name=NAME, SecretString="one", ClientRequestToken=chosen)
    assert (again["ARN"], again["VersionId"]) == (first["ARN"], chosen)
    for other in ({"SecretString": "two", "ClientRequestToken": chosen}, {"SecretString": "one"}):
        with pytest.raises(ClientError) as error:
            client.create_secret(Name=NAME, **other)
        assert refusal(error) == "ResourceExistsException"


def test_create_over_a_secret_scheduled_for_deletion_is_refused(secret: Secret) -> None:
    secret.client.delete_secret(SecretId=NAME, RecoveryWindowInDays=7)
    with pytest.raises(ClientError) as error:
        secret.client.create_secret(Name=NAME)
    assert refusal(error) == "InvalidRequestException"
    with pytest.raises(ClientError) as error:
        secret.put("one")
    assert refusal(error) == "InvalidRequestException"


def test_put_replayed_does_nothing_not_even_attach_a_lost_label(secret: Secret) -> None:
    secret.put("zero")
    version = secret.put("one", "AWSPENDING")
    secret.move("OWN", to=version)
    secret.move("AWSPENDING", source=version)
    assert secret.put("one", "AWSPENDING", version=version) == version
    assert secret.labels()[version] == {"OWN"}


def test_put_with_a_used_token_and_another_value_is_refused(secret: Secret) -> None:
    version = secret.put("one")
    with pytest.raises(ClientError) as error:
        secret.put("two", version=version)
    assert refusal(error) == "ResourceExistsException"
    assert secret.value() == "one"


def test_put_takes_its_labels_off_every_other_version(secret: Secret) -> None:
    secret.put("zero")
    first = secret.put("one", "AWSPENDING", "OWN")
    second = secret.put("two", "AWSPENDING")
    labels = secret.labels()
    assert (labels[first], labels[second]) == ({"OWN"}, {"AWSPENDING"})


def test_put_without_labels_moves_awscurrent_and_awsprevious_follows(secret: Secret) -> None:
    first, second, third = secret.put("one"), secret.put("two"), secret.put("three")
    assert secret.labels() == {second: {"AWSPREVIOUS"}, third: {"AWSCURRENT"}}
    assert secret.value(VersionId=first) == "one", "an unlabelled version stays readable by its id"


def test_promotion_keeps_awspending_on_the_promoted_version(secret: Secret) -> None:
    first = secret.put("one")
    second = secret.put("two", "AWSPENDING")
    secret.move("AWSCURRENT", to=second, source=first)
    assert secret.labels() == {first: {"AWSPREVIOUS"}, second: {"AWSCURRENT", "AWSPENDING"}}


def test_going_back_to_awsprevious_exchanges_the_two_labels(secret: Secret) -> None:
    first, second = secret.put("one"), secret.put("two")
    secret.move("AWSCURRENT", to=first, source=second)
    assert secret.labels() == {first: {"AWSCURRENT"}, second: {"AWSPREVIOUS"}}


def test_a_label_elsewhere_moves_only_from_the_version_that_has_it(secret: Secret) -> None:
    first, second, third = secret.put("one"), secret.put("two", "OWN"), secret.put("three", "X")
    before = secret.labels()
    for source in (None, first):
        with pytest.raises(ClientError) as error:
            secret.move("OWN", to=third, source=source)
        assert refusal(error) == "InvalidParameterException"
    with pytest.raises(ClientError) as error:
        secret.move("AWSCURRENT", to=third, source=second)
    assert refusal(error) == "InvalidParameterException"
    assert secret.labels() == before


def test_a_label_already_there_may_be_attached_again(secret: Secret) -> None:
    version = secret.put("one", "OWN")
    secret.move("OWN", to=version)
    secret.move("OWN", to=version, source=version)
    assert "OWN" in secret.labels()[version]


def test_a_move_that_already_happened_is_refused_when_repeated(secret: Secret) -> None:
    first, second = secret.put("one", "OWN"), secret.put("two", "X")
    secret.move("OWN", to=second, source=first)
    with pytest.raises(ClientError) as error:
        secret.move("OWN", to=second, source=first)
    assert refusal(error) == "InvalidParameterException"


def test_awscurrent_cannot_be_removed_without_moving_it(secret: Secret) -> None:
    version = secret.put("one")
    with pytest.raises(ClientError) as error:
        secret.move("AWSCURRENT", source=version)
    assert refusal(error) == "InvalidParameterException"
    assert secret.labels() == {version: {"AWSCURRENT"}}


def test_an_unknown_version_is_not_found(secret: Secret) -> None:
    secret.put("one")
    with pytest.raises(ClientError) as error:
        secret.move("OWN", to=token())
    assert refusal(error) == "ResourceNotFoundException"


def test_unlabelled_versions_are_listed_only_when_asked_for(secret: Secret) -> None:
    secret.put("zero")
    version = secret.put("one", "OWN")
    secret.move("OWN", source=version)
    assert version not in secret.labels()
    listed = secret.client.list_secret_version_ids(SecretId=NAME, IncludeDeprecated=True)["Versions"]
    [entry] = [entry for entry in listed if entry["VersionId"] == version]
    assert entry["VersionStages"] == []
    assert entry["CreatedDate"]


def test_versions_are_listed_in_pages(secret: Secret) -> None:
    versions = {secret.put(str(number), f"L{number}") for number in range(5)}
    sizes, listed = [], set()
    more: dict[str, str] | None = {}
    while more is not None:
        page = secret.client.list_secret_version_ids(SecretId=NAME, MaxResults=2, **more)
        sizes.append(len(page["Versions"]))
        listed |= {entry["VersionId"] for entry in page["Versions"]}
        more = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    assert sizes == [2, 2, 1]
    assert listed == versions


def test_update_secret_makes_a_version_and_never_changes_one(secret: Secret) -> None:
    first, second = secret.put("one"), token()
    secret.client.update_secret(SecretId=NAME, SecretString="two", ClientRequestToken=second)
    assert secret.labels() == {first: {"AWSPREVIOUS"}, second: {"AWSCURRENT"}}
    with pytest.raises(ClientError) as error:
        secret.client.update_secret(SecretId=NAME, SecretString="two", ClientRequestToken=second)
    assert refusal(error) == "ResourceExistsException"


def test_more_than_20_labels_are_refused(secret: Secret) -> None:
    version = secret.put("one", *(f"L{number}" for number in range(19)))
    with pytest.raises(ClientError) as error:
        secret.move("L19", to=version)
    assert refusal(error) == "LimitExceededException"
    secret.move("L18", to=version)


def test_a_hundred_young_versions_use_the_quota_up(secret: Secret) -> None:
    for number in range(100):
        secret.put(str(number))
    with pytest.raises(ClientError) as error:
        secret.put("one too many")
    assert refusal(error) == "LimitExceededException"
    assert secret.value() == "99"


@pytest.fixture
def aging(tmp_path: Path) -> Iterator[Secret]:
    """A secret where a version may be removed as soon as it has no label."""
    with AwsEmulator(tmp_path / "aws", version_age_seconds=0) as emulator:
        yield Secret(emulator.client("secretsmanager"))


def test_old_unlabelled_versions_make_room_oldest_first(aging: Secret) -> None:
    kept = aging.put("kept", "OWN")
    first, *_ = [aging.put(str(number)) for number in range(100)]
    listed = aging.client.list_secret_version_ids(SecretId=NAME, IncludeDeprecated=True)["Versions"]
    versions = {entry["VersionId"] for entry in listed}
    assert len(versions) == 100
    assert first not in versions
    assert kept in versions, "a labelled version is never removed"


def test_the_defaults_are_those_of_aws() -> None:
    usual = inspect.signature(AwsEmulator).parameters
    assert usual["version_age_seconds"].default == 24 * 3600
    assert usual["hour_seconds"].default == 3600
