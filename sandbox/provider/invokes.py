"""The provider's functions (``aws.get_region()`` and the like)."""

import functools
from collections.abc import Callable
from datetime import UTC
from typing import Any

from sandbox.provider.aws import Aws
from sandbox.provider.errors import StandInError, not_known
from sandbox.provider.values import Props


def invoke(token: str, given: Props, aws: Aws) -> Props:
    """Call a function.

    Raises:
        StandInError: the stand-in does not know the function, or one of its arguments.
    """
    if token not in _FUNCTIONS:
        raise StandInError(not_known(f"the function {token}", _FUNCTIONS))
    function, arguments = _FUNCTIONS[token]
    unknown = sorted(given.keys() - arguments)
    if unknown:
        raise StandInError(not_known(f"the argument {unknown[0]!r} of {token}"))
    asked = given.get("region", aws.region)
    if asked != aws.region:
        raise StandInError(
            f"the stand-in for pulumi-aws works in the provider's region {aws.region} only, not in {asked}"
        )
    return function(aws, given)


def _caller_identity(aws: Aws, given: Props) -> Props:
    found = aws.identity()
    return {"accountId": found["Account"], "arn": found["Arn"], "id": found["Account"], "userId": found["UserId"]}


def _region(aws: Aws, given: Props) -> Props:
    return {
        "description": aws.region,
        "endpoint": f"ec2.{aws.region}.amazonaws.com",
        "id": aws.region,
        "name": aws.region,
        "region": aws.region,
    }


def _partition(aws: Aws, given: Props) -> Props:
    """AWS's commercial partition, the only one that this project works in."""
    return {"dnsSuffix": "amazonaws.com", "id": "aws", "partition": "aws", "reverseDnsPrefix": "com.amazonaws"}


def _secret_versions(aws: Aws, given: Props) -> Props:
    """The labels of a secret's versions; times in whole seconds.

    Source: ``internal/service/secretsmanager/secret_versions_data_source.go`` of terraform-provider-aws.
    """
    secret, client = given["secretId"], aws.client("secretsmanager")
    deprecated = bool(given.get("includeDeprecated", False))
    pages: list[Any] = []
    while not pages or pages[-1].get("NextToken"):
        more = {"NextToken": pages[-1]["NextToken"]} if pages else {}
        pages.append(
            aws.call(
                f"reading Secrets Manager Secret Versions ({secret})",
                functools.partial(
                    client.list_secret_version_ids, SecretId=secret, IncludeDeprecated=deprecated, **more
                ),
            )
        )
    return {
        "arn": pages[0]["ARN"],
        "id": pages[0]["ARN"],
        "includeDeprecated": deprecated,
        "name": pages[0]["Name"],
        "region": aws.region,
        "secretArn": pages[0]["ARN"],
        "secretId": secret,
        "secretName": pages[0]["Name"],
        "versions": [
            {
                "createdTime": version["CreatedDate"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "lastAccessedDate": "",
                "versionId": version["VersionId"],
                "versionStages": version["VersionStages"],
            }
            for page in pages
            for version in page["Versions"]
        ],
    }


def _queue(aws: Aws, given: Props) -> Props:
    """A queue of the account, by its name. Source: ``internal/service/sqs/queue_data_source.go``."""
    name, client = given["name"], aws.client("sqs")
    url = aws.call(f"reading SQS Queue URL ({name})", lambda: client.get_queue_url(QueueName=name))["QueueUrl"]
    attributes = aws.call(
        f"reading SQS Queue ({url})",
        lambda: client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]),
    )["Attributes"]
    tags = aws.call(f"reading SQS Queue ({url})", lambda: client.list_queue_tags(QueueUrl=url)).get("Tags", {})
    return {"arn": attributes["QueueArn"], "id": url, "name": name, "region": aws.region, "tags": tags, "url": url}


_FUNCTIONS: dict[str, tuple[Callable[[Aws, Props], Props], frozenset[str]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": (_caller_identity, frozenset()),
    "aws:index/getRegion:getRegion": (_region, frozenset({"region"})),
    "aws:index/getPartition:getPartition": (_partition, frozenset()),
    "aws:sqs/getQueue:getQueue": (_queue, frozenset({"name", "region"})),
    "aws:secretsmanager/getSecretVersions:getSecretVersions": (
        _secret_versions,
        frozenset({"includeDeprecated", "region", "secretId"}),
    ),
}
