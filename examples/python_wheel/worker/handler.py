"""A Lambda function that reads its application's secret each time it runs."""

import json
import os
from typing import Any

import boto3

secrets_manager = boto3.client("secretsmanager")


def handle(event: dict[str, Any], context: object) -> dict[str, str]:
    """Call SP-API with the secret in use; says which version that was, and never the secret."""
    found = secrets_manager.get_secret_value(SecretId=os.environ["SECRET_ARN"])
    credentials = json.loads(found["SecretString"])
    return {"client_id": credentials["client_id"], "version": found["VersionId"]}
