"""A rotation in a straight line, by boto3 and httpx: the same calls of Amazon, and nothing that makes it safe.

No request record, no look at the queue, no labels, no order of messages, no retry that starts from what is stored.
"""

import json
import os
import sys
from typing import Any

import boto3
import httpx
from botocore.config import Config

secrets = boto3.client(
    "secretsmanager",
    config=Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=15),
)
http = httpx.Client(timeout=15)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return receive(event["Records"][0]) if "Records" in event else request(event["client_id"])


def request(client_id: str) -> dict[str, Any]:
    value = json.loads(secrets.get_secret_value(SecretId=secret_of(client_id))["SecretString"])
    token = token_for(client_id, value["client_secret"], "sellingpartnerapi::client_credential:rotation")
    answer = http.post(
        f"{os.environ['SPAPI_ENDPOINT']}/applications/2023-11-30/clientSecret",
        headers={"x-amz-access-token": token, "User-Agent": "straight/1"},
    )
    answer.raise_for_status()
    sys.stdout.write(json.dumps({"message": "rotation_requested", "client_id": client_id}) + "\n")
    return {"requested": True}


def receive(record: dict[str, Any]) -> dict[str, Any]:
    payload = json.loads(record["body"])["payload"]["applicationOAuthClientNewSecret"]
    client_id, client_secret = payload["clientId"], payload["newClientSecret"]
    token = token_for(client_id, client_secret, "sellingpartnerapi::notifications")
    answer = http.get(
        f"{os.environ['SPAPI_ENDPOINT']}/notifications/v1/destinations",
        headers={"x-amz-access-token": token, "User-Agent": "straight/1"},
    )
    answer.raise_for_status()
    value = {
        "client_id": client_id,
        "client_secret": client_secret,
        "client_secret_expires_at": payload["newClientSecretExpiryTime"],
    }
    secrets.put_secret_value(SecretId=secret_of(client_id), SecretString=json.dumps(value))
    sys.stdout.write(json.dumps({"message": "secret_promoted", "client_id": client_id}) + "\n")
    return {"received": True}


def token_for(client_id: str, client_secret: str, scope: str) -> str:
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": scope,
    }
    answer = http.post(os.environ["LWA_ENDPOINT"], data=form, headers={"User-Agent": "straight/1"})
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def secret_of(client_id: str) -> str:
    return f"{os.environ['SECRET_PREFIX']}/{client_id}"
