"""The AWS session of a rotation during ``pulumi up``: the stack's settings, in the secret's account and region."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import StoreFailed

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

SETTINGS = ("region", "profile", "accessKey", "secretKey", "token", "assumeRoles")
"""The settings of pulumi-aws in the stack that are honoured."""


def session_for(aws: Mapping[str, str | None], application: Application) -> boto3.Session:
    """A session in the secret's region with the stack's AWS settings, proven to be in the secret's account.

    Raises:
        StoreFailed: the settings are not usable, or lead to another account or partition.
    """
    _, partition, _, region, account, *_ = application.secret_id.split(":")
    if partition != "aws":
        raise StoreFailed(f"{application.name}: partition {partition} is not served.", remedy="Use partition aws.")
    session = boto3.Session(
        region_name=region,
        profile_name=aws.get("profile") or None,
        aws_access_key_id=aws.get("accessKey") or None,
        aws_secret_access_key=aws.get("secretKey") or None,
        aws_session_token=aws.get("token") or None,
    )
    for role in _roles(aws.get("assumeRoles"), application):
        given = _sts(session).assume_role(**role)["Credentials"]
        session = boto3.Session(
            region_name=region,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
    own = _sts(session).get_caller_identity()["Account"]
    if own != account:
        raise StoreFailed(
            f"{application.name}: this update acts in AWS account {own}, but the secret is in {account}.",
            remedy="A dynamic resource does not see an explicit provider. Set aws:profile or aws:assumeRoles of the "
            "stack to credentials of the secret's account.",
        )
    return session


def _sts(session: boto3.Session) -> "STSClient":
    return session.client("sts")  # pyright: ignore[reportUnknownMemberType]  (boto3-stubs' overloads)


def _roles(text: str | None, application: Application) -> list[Any]:
    """The stack's ``aws:assumeRoles`` as arguments of sts:AssumeRole."""
    try:
        roles: list[dict[str, str]] = json.loads(text) if text else []
        return [
            {
                "RoleArn": role["roleArn"],
                "RoleSessionName": role.get("sessionName", "spapi-rotation"),
                **({"ExternalId": role["externalId"]} if "externalId" in role else {}),
            }
            for role in roles
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StoreFailed(
            f"{application.name}: aws:assumeRoles is not a list of objects with a roleArn.",
            remedy="Set it as pulumi-aws documents it.",
        ) from None
