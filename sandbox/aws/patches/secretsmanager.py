"""Secrets Manager's rules for versions, staging labels and tokens, and its use of keys.

Source: the Secrets Manager API reference (CreateSecret, GetSecretValue, PutSecretValue, UpdateSecret,
UpdateSecretVersionStage, ListSecretVersionIds) and its quotas page. Where the documentation leaves a choice,
the stricter one is taken.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import secretsmanager as service

from sandbox.aws.patches.permissions import caller_may, customer_key, via
from sandbox.aws.patches.replacing import replace
from sandbox.aws.patches.settings import Settings

VERSION_QUOTA = 100
"""Secrets Manager removes unlabelled versions beyond this number, and fails when it can't."""

LABEL_QUOTA = 20
"""Staging labels attached across all versions of a secret."""

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"

_WRITING = ("kms:GenerateDataKey", "kms:Decrypt")
"""What a writer needs on the secret's key."""

Request = Mapping[str, Any]
Secret = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Operation = Callable[[Request], Response]


class Refused(Exception):
    """Becomes an error answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def apply(settings: Settings) -> None:
    """Replace the operations that differ from AWS."""
    rules = _Rules(settings.version_age_seconds, service._create_secret, service._get_secret_value)
    for name, operation in (
        ("_create_secret", rules.create_secret),
        ("_get_secret_value", rules.get_secret_value),
        ("_put_secret_value", rules.put_secret_value),
        ("_update_secret", rules.update_secret),
        ("_update_secret_version_stage", rules.update_secret_version_stage),
        ("_list_secret_version_ids", rules.list_secret_version_ids),
    ):
        replace(service, name, answering(operation))


def answering(operation: Callable[[Request], dict[str, Any]]) -> Operation:
    """An operation of MiniStack's kind from one that returns the answer's body, or raises Refused."""

    def answer(data: Request) -> Response:
        try:
            return json_response(operation(data))  # type: ignore[no-any-return]
        except Refused as refused:
            return error_response_json(refused.code, refused.message, 400)  # type: ignore[no-any-return]

    return answer


def add_operation(name: str, operation: Callable[[Request], dict[str, Any]]) -> None:
    """Answer an operation that MiniStack does not know."""
    handle, added = service.handle_request, answering(operation)

    async def answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(f".{name}"):
            return added(json.loads(body or b"{}"))
        return await handle(method, path, headers, body, query)

    replace(service, "handle_request", answer)


class _Rules:
    def __init__(self, version_age_seconds: float, create: Operation, get: Operation) -> None:
        self._version_age = version_age_seconds
        self._create = create
        self._get = get

    def create_secret(self, data: Request) -> dict[str, Any]:
        """CreateSecret. No value, no version; the token is the version's id; a replay changes nothing."""
        name, value = data.get("Name"), _value_in(data)
        existing = service._secrets.get(name)
        if existing and existing.get("DeletedDate"):
            raise Refused(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            )
        token = token_in(data)
        if existing:
            version = existing["Versions"].get(token)
            if version and _value_of(version) == value:
                return named(existing, VersionId=token)
            raise Refused(
                "ResourceExistsException",
                f"The operation failed because the secret {name} already exists.",
            )
        body_of(self._create(data))
        secret = service._secrets[name]
        secret["Versions"].clear()
        if value is None:
            return named(secret)
        try:
            self._add_version(secret, token, value, (CURRENT,))
        except Refused:
            del service._secrets[name]
            raise
        return named(secret, VersionId=token)

    def get_secret_value(self, data: Request) -> dict[str, Any]:
        """GetSecretValue, for those who may use the key that encrypts this version. A version may hold no value."""
        secret = _found(data)
        answer = body_of(self._get(data))
        _check_key(secret, ("kms:Decrypt",), secret["Versions"][answer["VersionId"]].get("KmsKeyId"))
        if not _value_of(answer):
            raise Refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret value.")
        return answer

    def put_secret_value(self, data: Request) -> dict[str, Any]:
        """PutSecretValue. The token of a version with a value is a replay or an error; one without is filled."""
        secret = writable(data)
        value, token = _value_in(data) or {}, token_in(data)
        if not value:
            raise Refused("InvalidParameterException", "You must provide either SecretString or SecretBinary.")
        labels = tuple(dict.fromkeys(data.get("VersionStages") or (CURRENT,)))
        existing = secret["Versions"].get(token)
        if existing is None:
            if not secret["Versions"] and CURRENT not in labels:
                labels = (*labels, CURRENT)
            self._add_version(secret, token, value, labels)
        elif not _value_of(existing):
            _check_key(secret, _WRITING, secret.get("KmsKeyId"))
            existing.update(value)
            for label in labels:
                attach(secret, token, label)
            touch(secret)
        elif _value_of(existing) != value:
            raise Refused(
                "ResourceExistsException",
                "A version with this ClientRequestToken as its id has another value, and can't be modified.",
            )
        return named(secret, VersionId=token, VersionStages=sorted(secret["Versions"][token]["Stages"]))

    def update_secret(self, data: Request) -> dict[str, Any]:
        """UpdateSecret. A value becomes a new version with AWSCURRENT; an existing token is an error."""
        secret = writable(data)
        value, token = _value_in(data), token_in(data)
        if value is not None and token in secret["Versions"]:
            raise Refused(
                "ResourceExistsException",
                "A version with this ClientRequestToken exists already: a version can't be modified.",
            )
        for key in ("Description", "KmsKeyId"):
            if key in data:
                secret[key] = data[key]
        for version in secret["Versions"].values():
            # UpdateSecret, KmsKeyId: what is labelled otherwise stays under the key that it was encrypted by.
            if "KmsKeyId" in data and {CURRENT, PREVIOUS, PENDING} & set(version["Stages"]):
                version["KmsKeyId"] = data["KmsKeyId"]
        if value is None:
            touch(secret)
            return named(secret)
        self._add_version(secret, token, value, (CURRENT,))
        return named(secret, VersionId=token)

    def update_secret_version_stage(self, data: Request) -> dict[str, Any]:
        """UpdateSecretVersionStage. A label that sits elsewhere moves only from the version named."""
        secret = writable(data)
        label, target, source = (data.get(key) for key in ("VersionStage", "MoveToVersionId", "RemoveFromVersionId"))
        if not label or not (target or source):
            raise Refused(
                "InvalidParameterException",
                "VersionStage and at least one of MoveToVersionId and RemoveFromVersionId are required.",
            )
        for version_id in filter(None, (target, source)):
            if version_id not in secret["Versions"]:
                raise Refused(
                    "ResourceNotFoundException",
                    f"Secrets Manager can't find the specified secret version: {version_id}.",
                )
        holder, _ = service._find_stage_version(secret, label)
        if source and source != holder:
            raise Refused(
                "InvalidParameterException",
                f"Staging label {label} isn't currently attached to version {source}.",
            )
        if target and holder and holder != target and not source:
            raise Refused(
                "InvalidParameterException",
                f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently "
                f"attached to version {holder}, so you must explicitly reference that version in "
                "RemoveFromVersionId.",
            )
        if not target and label == CURRENT:
            raise Refused(
                "InvalidParameterException",
                "You can't remove staging label AWSCURRENT without attaching it to another version.",
            )
        if target:
            _check_labels(secret, (label,))
            attach(secret, target, label)
        else:
            service._remove_stage(secret, source, label)
        touch(secret)
        return named(secret)

    def list_secret_version_ids(self, data: Request) -> dict[str, Any]:
        """ListSecretVersionIds. Versions without labels are listed only with IncludeDeprecated, empty ones never."""
        secret = _found(data)
        wanted = sorted(
            (version_id, version)
            for version_id, version in secret["Versions"].items()
            if _value_of(version) and (version["Stages"] or data.get("IncludeDeprecated"))
        )
        size = min(int(data.get("MaxResults", 100)), 100)
        start = _start_of_page(data.get("NextToken"))
        answer = named(
            secret,
            Versions=[
                {
                    "VersionId": version_id,
                    "VersionStages": sorted(version["Stages"]),
                    "CreatedDate": version["CreatedDate"],
                    "KmsKeyIds": [version.get("KmsKeyId") or "DefaultEncryptionKey"],
                }
                for version_id, version in wanted[start : start + size]
            ],
        )
        if start + size < len(wanted):
            answer["NextToken"] = base64.b64encode(str(start + size).encode()).decode()
        return answer

    def _add_version(self, secret: Secret, version_id: str, value: Mapping[str, Any], labels: Sequence[str]) -> None:
        _check_key(secret, _WRITING, secret.get("KmsKeyId"))
        _check_labels(secret, labels)
        self._make_room(secret)
        secret["Versions"][version_id] = {
            "SecretString": value.get("SecretString"),
            "SecretBinary": value.get("SecretBinary"),
            "CreatedDate": now(),
            "KmsKeyId": secret.get("KmsKeyId"),
            "Stages": [],
        }
        for label in labels:
            attach(secret, version_id, label)
        touch(secret)

    def _make_room(self, secret: Secret) -> None:
        """Remove the oldest removable versions beyond the quota.

        Raises:
            Refused: LimitExceededException, when the quota is used up and every version is labelled or too
                young.
        """
        removable = sorted(
            (version["CreatedDate"], version_id)
            for version_id, version in secret["Versions"].items()
            if not version["Stages"] and version["CreatedDate"] <= now() - self._version_age
        )
        for _, version_id in removable[: max(0, len(secret["Versions"]) + 1 - VERSION_QUOTA)]:
            del secret["Versions"][version_id]
        if len(secret["Versions"]) >= VERSION_QUOTA:
            raise Refused(
                "LimitExceededException",
                f"You've reached the quota of {VERSION_QUOTA} versions for this secret.",
            )


def body_of(response: Response) -> dict[str, Any]:
    """The answer of MiniStack's own operation, or its refusal."""
    status, _, body = response
    answer: dict[str, Any] = json.loads(body)
    if status != 200:
        raise Refused(answer.get("__type", "InternalServiceError"), answer.get("message", ""))
    return answer


def attach(secret: Secret, version_id: str, label: str) -> None:
    """Put a label on a version and take it off every other; AWSPREVIOUS follows AWSCURRENT."""
    holder, _ = service._find_stage_version(secret, label)
    if holder == version_id:
        return
    service._remove_stage_everywhere(secret, label, except_version_id=version_id)
    service._add_stage(secret, version_id, label)
    if label not in (PENDING, PREVIOUS):
        service._emit_secret_label_updated(secret, label, version_id)
    if label == CURRENT and holder:
        service._remove_stage_everywhere(secret, PREVIOUS)
        service._add_stage(secret, holder, PREVIOUS)


def _check_key(secret: Secret, actions: Sequence[str], key_id: str | None) -> None:
    """Who reads or writes a value must be allowed to use the customer managed key that encrypts it."""
    key = customer_key(key_id, secret["ARN"])
    keys = via("secretsmanager", secret["ARN"]) | {"kms:calleraccount": evaluator.caller_arn().split(":")[4]}
    for action in actions if key else ():
        if not caller_may(action, key or "", keys):
            raise Refused("AccessDeniedException", "Access to KMS is not allowed")


def _check_labels(secret: Secret, labels: Sequence[str]) -> None:
    attached = {label for version in secret["Versions"].values() for label in version["Stages"]}
    if len(attached.union(labels)) > LABEL_QUOTA:
        raise Refused("LimitExceededException", f"You've reached the quota of {LABEL_QUOTA} staging labels.")


def _found(data: Request) -> Secret:
    _, secret = service._resolve(data.get("SecretId"))
    if not secret:
        raise Refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    return secret  # type: ignore[no-any-return]


def writable(data: Request) -> Secret:
    """The secret of a request that changes it.

    Raises:
        Refused: it is not there, scheduled for deletion, or a replica.
    """
    secret = _found(data)
    if secret.get("DeletedDate"):
        raise Refused(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    if service._is_replica(secret):
        raise Refused("InvalidRequestException", "You can't perform this operation on a replica secret.")
    return secret


def _value_in(data: Request) -> dict[str, Any] | None:
    value = {key: data[key] for key in ("SecretString", "SecretBinary") if data.get(key) is not None}
    if len(value) > 1:
        raise Refused("InvalidParameterException", "You can't provide both SecretString and SecretBinary.")
    return value or None


def _value_of(version: Mapping[str, Any]) -> dict[str, Any]:
    return {key: version[key] for key in ("SecretString", "SecretBinary") if version.get(key) is not None}


def token_in(data: Request) -> str:
    """The request's token; a new one if it has none."""
    token = data.get("ClientRequestToken") or new_uuid()
    if not 32 <= len(token) <= 64:
        raise Refused("InvalidParameterException", "ClientRequestToken must have 32 to 64 characters.")
    return token  # type: ignore[no-any-return]


def _start_of_page(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token))
    except ValueError:
        raise Refused("InvalidNextTokenException", "The NextToken value is invalid.") from None


def named(secret: Secret, **more: Any) -> dict[str, Any]:
    """An answer that names the secret."""
    return {"ARN": secret["ARN"], "Name": secret["Name"], **more}


def touch(secret: Secret) -> None:
    """The secret has changed now."""
    secret["LastChangedDate"] = now()
    service._sync_replicas(secret)


def now() -> float:
    """AWS's time stamps have milliseconds."""
    return round(time.time(), 3)
