"""KMS: the policy of the queue's key."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


def key_policy(client: "KMSClient", key: str) -> str | None:
    """A key's policy, JSON text; None when it can't be read, as with a user's own key. The caller warns."""
    try:
        return client.get_key_policy(KeyId=key, PolicyName="default").get("Policy")
    except (ClientError, BotoCoreError):
        return None
