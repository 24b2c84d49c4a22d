"""Secrets Manager's version and label rules, as the AWS API reference states them, without AWS.

Modelled: a token is the version's id; the same token with the same content does nothing (not even labels), with
other content is refused; the first version gets AWSCURRENT besides what is asked for; a label sits on one version;
a label that sits elsewhere moves only with the right RemoveFromVersionId; AWSPREVIOUS follows AWSCURRENT; unlabelled
versions, and those without a value, are not listed, and those over 24 hours old are dropped beyond 100 versions.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spapi_rotation_lambda.domain.errors import SecretMissing, StoreFailed
from spapi_rotation_lambda.domain.labels import Label, Version, Versions
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import Description, LabelMoved, VersionExists
from tests.fakes.clock import VirtualClock

QUOTA = 100
YOUNG = timedelta(hours=24)


@dataclass
class FakeVersion:
    text: str
    labels: set[str]
    created_at: datetime
    has_value: bool = True
    """False after a native rotation that made it and failed before it gave it a value."""


@dataclass
class FakeSecret:
    arn: str
    created_at: datetime
    versions: dict[str, FakeVersion] = field(default_factory=dict)
    rotates_natively: bool = False

    def holder(self, label: str) -> str | None:
        return next((vid for vid, version in self.versions.items() if label in version.labels), None)


class FakeSecretsManager:
    """The SecretStore port with AWS's refusals; also what an owner does at the console."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.secrets: dict[str, FakeSecret] = {}

    def create(self, name: str) -> None:
        """CreateSecret without a value: no version."""
        self.secrets[name] = FakeSecret(
            arn=f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-AbCdEf", created_at=self.clock.now()
        )

    def _secret(self, secret_id: str) -> FakeSecret:
        for name, secret in self.secrets.items():
            if secret_id in (name, secret.arn):
                return secret
        raise SecretMissing(f"There is no secret {secret_id}.", remedy="none")

    # The port.

    def versions(self, secret_id: str) -> Versions:
        secret = self._secret(secret_id)
        return Versions(
            secret.arn,
            tuple(
                Version(vid, frozenset(version.labels), version.created_at)
                for vid, version in secret.versions.items()
                if version.labels and version.has_value
            ),
        )

    def read(self, secret_id: str, version_id: str) -> Sensitive:
        version = self._secret(secret_id).versions.get(version_id)
        if version is None or not version.has_value:
            raise StoreFailed("AWS failed secretsmanager:GetSecretValue: ResourceNotFoundException.", remedy="none")
        return Sensitive(version.text)

    def write(self, secret_id: str, version_id: str, text: Sensitive, label: str) -> None:
        assert version_id and Label(label)
        self.put(secret_id, version_id, text.reveal(), {label})

    def move(self, secret_id: str, label: str, *, to: str | None, away_from: str | None) -> None:
        secret = self._secret(secret_id)
        holder = secret.holder(Label(label))
        if any(version_id is not None and version_id not in secret.versions for version_id in (to, away_from)):
            raise StoreFailed("AWS failed secretsmanager:UpdateSecretVersionStage: ResourceNotFound.", remedy="none")
        if away_from != holder and not (holder == to and away_from is None):
            raise LabelMoved
        if to is None:
            if label == Label.CURRENT:
                raise LabelMoved  # AWSCURRENT can be moved, never removed
            if holder is not None:
                secret.versions[holder].labels.discard(label)
            return
        self._attach(secret, label, to)

    def created_at(self, secret_id: str) -> datetime:
        return self._secret(secret_id).created_at

    def described(self, secret_id: str) -> Description:
        secret = self._secret(secret_id)
        return Description(
            {label: vid for vid, version in secret.versions.items() for label in version.labels},
            secret.rotates_natively,
        )

    def versions_and_young(self, secret_id: str, since: datetime) -> tuple[Versions, int]:
        young = sum(version.created_at > since for version in self._secret(secret_id).versions.values())
        return self.versions(secret_id), young

    # What others do.

    def rotate_natively(self, secret_id: str) -> None:
        """A native rotation whose function fails before it puts a value in: AWSPENDING is on an empty version."""
        secret = self._secret(secret_id)
        token = f"native-{len(secret.versions)}"
        secret.versions[token] = FakeVersion("", set(), self.clock.now(), has_value=False)
        self._attach(secret, Label.PENDING.value, token)

    def put(self, secret_id: str, token: str, text: str, labels: set[str]) -> None:
        """PutSecretValue; the default labels are {AWSCURRENT}."""
        secret = self._secret(secret_id)
        if token in secret.versions:
            if secret.versions[token].text != text:
                raise VersionExists
            return
        self._drop_old(secret)
        first = not secret.versions
        secret.versions[token] = FakeVersion(text, set(), self.clock.now())
        for label in labels | ({Label.CURRENT.value} if first else set()):
            self._attach(secret, str(label), token)

    def _attach(self, secret: FakeSecret, label: str, to: str) -> None:
        holder = secret.holder(label)
        if holder == to:
            return
        if holder is not None:
            secret.versions[holder].labels.discard(label)
            if label == Label.CURRENT:
                before = secret.holder(Label.PREVIOUS)
                if before is not None:
                    secret.versions[before].labels.discard(Label.PREVIOUS)
                secret.versions[holder].labels.add(Label.PREVIOUS.value)
        secret.versions[to].labels.add(str(label))
        if label == Label.CURRENT:
            secret.versions[to].labels.discard(Label.PREVIOUS)

    def _drop_old(self, secret: FakeSecret) -> None:
        old = [
            vid
            for vid, version in secret.versions.items()
            if not version.labels and self.clock.now() - version.created_at > YOUNG
        ]
        while len(secret.versions) >= QUOTA and old:
            del secret.versions[old.pop(0)]
        if len(secret.versions) >= QUOTA:
            raise StoreFailed("AWS failed secretsmanager:PutSecretValue: LimitExceededException.", remedy="none")

    def labels(self, secret_id: str) -> dict[str, str]:
        """Label to version id, for assertions."""
        return {label: vid for vid, version in self._secret(secret_id).versions.items() for label in version.labels}
