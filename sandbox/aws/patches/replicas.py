"""Replicas of secrets in other regions: with which key, by whose right, and how they end.

Source: the Secrets Manager API reference (CreateSecret, ReplicateSecretToRegions, RemoveRegionsFromReplication,
DeleteSecret). Who needs the replica's key when a value is written later is not documented: here it is whoever writes.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import error_response_json, get_account_id
from ministack.services import kms
from ministack.services import secretsmanager as service

from sandbox.aws.patches.permissions import caller_may, in_place_of, via
from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.secretsmanager import (
    Operation,
    Refused,
    Request,
    Response,
    Secret,
    add_operation,
    answering,
    body_of,
    writable,
)
from sandbox.aws.patches.settings import Settings

REPLICATING = ("kms:GenerateDataKey", "kms:Encrypt")
"""What it takes on the replica's key."""


def apply(_settings: Settings) -> None:
    """Replicate at the creation too, mind the keys, remove replicas, and keep their primary until then."""
    rules = _Replicas(service._replicate_secret_to_regions, service._sync_replicas)
    replace(service, "_sync_replicas", rules.sync)
    replace(service, "_replicate_secret_to_regions", answering(rules.replicate))
    replace(service, "_create_secret", _replicating(service._create_secret))
    replace(service, "_delete_secret", _keeping(service._delete_secret))
    add_operation("RemoveRegionsFromReplication", _remove)


class _Replicas:
    def __init__(self, replicate: Operation, sync: Callable[[Secret], None]) -> None:
        self._replicate, self._sync = replicate, sync

    def replicate(self, data: Request) -> dict[str, Any]:
        """ReplicateSecretToRegions. A replica that cannot be encrypted is no error: its status tells."""
        secret = writable(data)
        if not data.get("AddReplicaRegions"):
            raise Refused("InvalidParameterException", "AddReplicaRegions must have at least one member.")
        answer = body_of(self._replicate(data))
        for each in data["AddReplicaRegions"]:
            status = _status(secret, each["Region"])
            if not _judged(secret, status):
                _drop(secret, status["Region"])
        self.sync(secret)
        return {"ARN": answer["ARN"], "ReplicationStatus": secret["ReplicationStatus"]}

    def sync(self, secret: Secret) -> None:
        """Bring the replicas to the primary's state, each encrypted by its own key."""
        every = secret.get("ReplicationStatus", [])
        fit = [status for status in every if status["Status"] == "InSync" and _judged(secret, status)]
        secret["ReplicationStatus"] = fit
        try:
            self._sync(secret)
        finally:
            secret["ReplicationStatus"] = every
        for status in fit:
            replica = service._secrets.get_scoped(_owner(secret), status["Region"], secret["Name"])
            for version in replica["Versions"].values():
                version["KmsKeyId"] = status.get("KmsKeyId")


def _judged(secret: Secret, status: dict[str, Any]) -> bool:
    """Whether who asks may encrypt by the replica's key; the status says it."""
    arn, name = service._secret_arn_for_region(secret, status["Region"]), status.get("KmsKeyId")
    fit = True
    if name and not name.startswith("alias/aws/"):
        with in_place_of(arn):
            key = kms._resolve_key(name)
        fit = key is not None and all(
            caller_may(action, str(key["Arn"]), via("secretsmanager", arn)) for action in REPLICATING
        )
    status["Status"] = "InSync" if fit else "Failed"
    status["StatusMessage"] = "Replication succeeded" if fit else "The KMS key can't be used in the replica Region."
    return fit


def _replicating(create: Operation) -> Operation:
    """CreateSecret with AddReplicaRegions needs the right to replicate as well."""

    def answer(data: Request) -> Response:
        made = create(data)
        if made[0] != 200 or not data.get("AddReplicaRegions"):
            return made
        arn = json.loads(made[2])["ARN"]
        asked = {name: data[name] for name in ("AddReplicaRegions", "ForceOverwriteReplicaSecret") if name in data}
        answered = _refusing(arn) or service._replicate_secret_to_regions({"SecretId": arn, **asked})
        if answered[0] != 200:
            del service._secrets[data["Name"]]
            return answered
        return made

    return answer


def _refusing(arn: str) -> Response | None:
    action = "secretsmanager:ReplicateSecretToRegions"
    if caller_may(action, arn):
        return None
    said = f"User: {evaluator.caller_arn()} is not authorized to perform: {action} on resource: {arn}"
    return error_response_json("AccessDeniedException", said, 400)  # type: ignore[no-any-return]


def _keeping(delete: Operation) -> Operation:
    def answer(data: Request) -> Response:
        _, secret = service._resolve(data.get("SecretId"))
        regions = [status["Region"] for status in (secret or {}).get("ReplicationStatus", [])]
        if not regions:
            return delete(data)
        said = f"You can't delete secret {secret['Name']} that still has replica regions {regions}."
        return error_response_json("InvalidRequestException", said, 400)  # type: ignore[no-any-return]

    return answer


def _remove(data: Request) -> dict[str, Any]:
    secret = writable(data)
    for region in data.get("RemoveReplicaRegions") or ():
        status = _status(secret, region)
        _drop(secret, region)
        secret["ReplicationStatus"].remove(status)
    return {"ARN": secret["ARN"], "ReplicationStatus": secret["ReplicationStatus"]}


def _status(secret: Secret, region: str) -> dict[str, Any]:
    found = next((each for each in secret.get("ReplicationStatus", []) if each["Region"] == region), None)
    if found is None:
        raise Refused("InvalidParameterException", f"The secret has no replica in the Region {region}.")
    return found  # type: ignore[no-any-return]


def _drop(secret: Secret, region: str) -> None:
    service._secrets.pop_scoped(_owner(secret), region, secret["Name"], None)
    service._resource_policies.pop_scoped(_owner(secret), region, service._secret_arn_for_region(secret, region), None)


def _owner(secret: Secret) -> str:
    return str(secret["ARN"].split(":")[4]) or str(get_account_id())
