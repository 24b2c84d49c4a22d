"""The SecretStore port on AWS Secrets Manager."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from spapi_rotation_lambda.adapters.aws_failures import error_code, failed, named
from spapi_rotation_lambda.domain.errors import SecretMissing
from spapi_rotation_lambda.domain.labels import Version, Versions
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import Description, LabelMoved, VersionExists

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class SecretsManagerStore:
    """The SecretStore port on Secrets Manager."""

    def __init__(self, client: "SecretsManagerClient") -> None:
        self._client = client

    def versions(self, secret_id: str) -> Versions:
        """List the labelled versions."""
        arn, versions = self._list(secret_id)
        return Versions(arn, tuple(versions))

    def versions_and_young(self, secret_id: str, since: datetime) -> tuple[Versions, int]:
        """List all versions (IncludeDeprecated: those without labels too)."""
        arn, versions = self._list(secret_id, IncludeDeprecated=True)
        labelled = tuple(version for version in versions if version.labels)
        return Versions(arn, labelled), sum(version.created_at > since for version in versions)

    def _list(self, secret_id: str, **what: bool) -> tuple[str, list[Version]]:
        items: list[Version] = []
        arn, token = "", ""
        try:
            while True:
                more = {"NextToken": token} if token else {}
                page = self._client.list_secret_version_ids(SecretId=secret_id, MaxResults=100, **what, **more)  # type: ignore[arg-type]
                arn = page["ARN"]
                items += [
                    Version(
                        id=entry["VersionId"],
                        labels=frozenset(entry.get("VersionStages", ())),
                        created_at=entry["CreatedDate"].astimezone(UTC),
                    )
                    for entry in page.get("Versions", ())
                ]
                token = page.get("NextToken", "")
                if not token:
                    return arn, items
        except (ClientError, BotoCoreError) as error:
            if error_code(error) == "ResourceNotFoundException":
                raise SecretMissing(
                    f"There is no secret {secret_id}.",
                    remedy="Add the application to the component and run pulumi up.",
                ) from None
            raise failed("secretsmanager:ListSecretVersionIds", error) from None

    def read(self, secret_id: str, version_id: str) -> Sensitive:
        """Read one version's text. A binary value reads as an empty text."""
        with named("secretsmanager:GetSecretValue"):
            answer = self._client.get_secret_value(SecretId=secret_id, VersionId=version_id)
        return Sensitive(answer.get("SecretString", ""))

    def write(self, secret_id: str, version_id: str, text: Sensitive, label: str) -> None:
        """Write a version under one label, with its id as the idempotency token."""
        try:
            self._client.put_secret_value(
                SecretId=secret_id,
                ClientRequestToken=version_id,
                SecretString=text.reveal(),
                VersionStages=[label],
            )
        except (ClientError, BotoCoreError) as error:
            if error_code(error) == "ResourceExistsException":
                raise VersionExists from None
            raise failed("secretsmanager:PutSecretValue", error) from None

    def move(self, secret_id: str, label: str, *, to: str | None, away_from: str | None) -> None:
        """Move a label by UpdateSecretVersionStage, whose RemoveFromVersionId is the compare-and-swap."""
        ends = {"MoveToVersionId": to, "RemoveFromVersionId": away_from}
        given = {name: version for name, version in ends.items() if version is not None}
        try:
            self._client.update_secret_version_stage(SecretId=secret_id, VersionStage=label, **given)
        except (ClientError, BotoCoreError) as error:
            if error_code(error) == "InvalidParameterException":
                raise LabelMoved from None
            raise failed("secretsmanager:UpdateSecretVersionStage", error) from None

    def created_at(self, secret_id: str) -> datetime:
        """When the secret was made (DescribeSecret)."""
        with named("secretsmanager:DescribeSecret"):
            return self._client.describe_secret(SecretId=secret_id)["CreatedDate"].astimezone(UTC)

    def described(self, secret_id: str) -> Description:
        """The labels of every version, those without a value among them (DescribeSecret)."""
        with named("secretsmanager:DescribeSecret"):
            answer = self._client.describe_secret(SecretId=secret_id)
        labelled = answer.get("VersionIdsToStages", {})
        return Description(
            {label: version_id for version_id, labels in labelled.items() for label in labels},
            answer.get("RotationEnabled", False),
        )
