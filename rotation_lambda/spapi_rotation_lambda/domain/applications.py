"""The applications, and which secret belongs to which: the component's own by its name, an adopted one by a map."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

CLIENT_ID = re.compile(r"amzn1\.application-oa2-client\.[A-Za-z0-9]{10,64}")
"""Shape of an application's client id; nothing else ever becomes part of a secret's name."""


def schedule_name(client_id: str) -> str:
    """The name of an application's schedule in the component's group: what tells its client id apart."""
    return client_id.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class KeyNames:
    """Names of our keys in the secret's JSON; others than the defaults where its owner says so."""

    client_id: str = "client_id"
    client_secret: str = "client_secret"  # noqa: S105
    issued_at: str = "client_secret_issued_at"
    expires_at: str = "client_secret_expires_at"
    previous_expires_at: str = "previous_client_secret_expires_at"
    rotation_id: str = "rotation_id"
    fingerprint: str = "client_secret_fingerprint"
    replaces: str = "replaced_client_secrets"


@dataclass(frozen=True, slots=True)
class Application:
    """An SP-API application and the secret that holds its credentials.

    Attributes:
        name: what people call it; appears in logs.
        client_id: its LWA client id.
        secret_id: name or ARN of its secret.
        schedule_arn: its EventBridge schedule, if that called; when it was made is when the application was adopted.
    """

    name: str
    client_id: str
    secret_id: str
    keys: KeyNames = field(default_factory=KeyNames)
    schedule_arn: str | None = None


@dataclass(frozen=True, slots=True)
class AdoptedSecret:
    """An existing secret of an owner: its ARN, and the owner's names of our keys."""

    arn: str
    keys: KeyNames


@dataclass(frozen=True, slots=True)
class ApplicationDirectory:
    """Finds the application of a client id, at a cost that does not depend on how many there are.

    Attributes:
        secret_prefix: the component's own secrets are named ``<secret_prefix>/<client_id>``.
        adopted: the adopted secrets, by client id.
        key_names: how the keys of the component's own secrets are named where they differ, by the last part of the
            client id.
    """

    secret_prefix: str
    adopted: Mapping[str, AdoptedSecret] = field(default_factory=dict)
    key_names: Mapping[str, KeyNames] = field(default_factory=dict)

    def find(self, client_id: str, name: str | None = None) -> Application:
        """The application of a valid client id.

        Args:
            name: what people call it; the client id if not given.
        """
        adopted = self.adopted.get(client_id)
        if adopted is None:
            keys = self.key_names.get(schedule_name(client_id), KeyNames())
            return Application(name or client_id, client_id, f"{self.secret_prefix}/{client_id}", keys)
        return Application(name or client_id, client_id, adopted.arn, adopted.keys)
