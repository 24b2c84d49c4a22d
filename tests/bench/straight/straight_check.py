"""The two AWS calls of a check at rest, by boto3, and a line of log: what cannot be done without."""

import json
import os
import sys
from typing import Any

import boto3
from botocore.config import Config

secrets = boto3.client(
    "secretsmanager",
    config=Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=15),
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    secret_id = f"{os.environ['SECRET_PREFIX']}/{event['client_id']}"
    listed = secrets.list_secret_version_ids(SecretId=secret_id, MaxResults=100)
    in_use = next(each["VersionId"] for each in listed["Versions"] if "AWSCURRENT" in each["VersionStages"])
    value = secrets.get_secret_value(SecretId=secret_id, VersionId=in_use)
    expires_at = json.loads(value["SecretString"])["client_secret_expires_at"]
    sys.stdout.write(json.dumps({"message": "check", "client_id": event["client_id"], "expires_at": expires_at}) + "\n")
    return {"state": "CURRENT"}
