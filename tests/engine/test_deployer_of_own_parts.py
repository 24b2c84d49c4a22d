"""What a deployer needs beside for what a user brings: as docs/permissions/README.md says, and seen to be needed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.tools.permissions import DEPLOY, FOLDER, Statement
from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.session import Sandbox, new_app
from spapi_rotation_lambda.domain.sender_policy import key_statement, queue_statement
from tests.engine.deploying import Deployer
from tests.engine.test_own_parts import PATH, boundary, network

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP = new_app("shop")
WHO = {"identity": "spapi-rotation/sandbox/rotation", "component": "rotation"}
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:registered"
IRELAND, TOKYO = "eu-west-1", "ap-northeast-1"
KNOWN = {each.sid: each for each in DEPLOY}
PLACED = (f"arn:aws:iam::ACCOUNT:role{PATH}COMPONENT-*",)
BOUNDARY_ACTIONS = ("PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary")
REPLICA_ACTIONS = ("ReplicateSecretToRegions", "RemoveRegionsFromReplication")
QUEUE_ACTIONS = ("GetQueueUrl", "GetQueueAttributes", "ListQueueTags", "SetQueueAttributes")

BESIDE = (
    Statement("Replicate", "secretsmanager", REPLICA_ACTIONS, KNOWN["Secrets"].resources),
    Statement("ReplicaKeys", "kms", ("GenerateDataKey", "Encrypt"), ("arn:aws:kms:*:ACCOUNT:key/*",)),
    Statement("OwnKeys", "kms", KNOWN["Keys"].actions, ("arn:aws:kms:REGION:ACCOUNT:key/*",)),
    Statement("OwnQueue", "sqs", QUEUE_ACTIONS, (QUEUE_ARN,)),
    Statement("PlacedRoles", "iam", (*KNOWN["Roles"].actions, *BOUNDARY_ACTIONS), PLACED),
    Statement("PassPlacedRoles", "iam", KNOWN["PassRoles"].actions, PLACED, KNOWN["PassRoles"].condition),
    Statement(
        "Concurrency",
        "lambda",
        ("PutFunctionConcurrency", "DeleteFunctionConcurrency"),
        ("arn:aws:lambda:REGION:ACCOUNT:function:COMPONENT-*",),
    ),
)
"""The page's list, as statements. What EC2 is asked, the sandbox does not see."""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "box", progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield box


def keys(box: Sandbox) -> dict[str, str]:
    """Two keys, and a queue that Amazon may send to by the second."""
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    administers = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    kms = box.aws.client("kms")
    secrets, queue = (
        str(kms.create_key(Policy=document(administers, *more))["KeyMetadata"]["Arn"])
        for more in ((), (key_statement(),))
    )
    times = {"VisibilityTimeout": "360", "MessageRetentionPeriod": "1209600"}
    policy = document(queue_statement(QUEUE_ARN))
    box.aws.client("sqs").create_queue(
        QueueName="registered", Attributes={"KmsMasterKeyId": queue, "Policy": policy, **times}
    )
    return {"secrets": secrets, "queue": queue}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_what_is_brought_needs_what_the_page_says_beside(box: Sandbox) -> None:
    replicas = {
        each: box.aws.client("kms", region=each).create_key()["KeyMetadata"]["Arn"] for each in (IRELAND, TOKYO)
    }
    limits = [boundary(box), boundary(box, "s3:GetObject")]
    brought: dict[str, Any] = {
        "keys": keys(box),
        "queue": {"arn": QUEUE_ARN},
        "network": network(box),
        "deletion_protection": False,
        "secret_recovery_window_days": 0,
    }
    roles = [{"permissions_boundary": limit, "path": PATH} for limit in limits]
    deployer = Deployer(box, (*DEPLOY, *BESIDE), **WHO)
    documented = {f"{each.service}:{action}" for each in DEPLOY for action in each.actions}
    deployer.allow(documented)
    box.stack.configure(box.config([SHOP], roles=roles[0], replica_regions=replicas, reserved_concurrency=4, **brought))
    deployer.grow("up")
    fewer = {TOKYO: replicas[TOKYO]}
    box.stack.configure(box.config([SHOP], roles=roles[1], replica_regions=fewer, **brought))
    deployer.grow("up")
    box.stack.configure(box.config([SHOP], roles={"path": PATH}, replica_regions=fewer, **brought))
    deployer.grow("up")
    deployer.grow("destroy")
    assert deployer.may == deployer.actions


def test_the_page_names_each_of_them() -> None:
    page = (FOLDER / "README.md").read_text()
    new = {f"{each.service}:{action}" for each in BESIDE for action in each.actions}
    known = {f"{each.service}:{action}" for each in DEPLOY for action in each.actions}
    assert new - known <= set(re.findall(r"`([a-z]+:[A-Za-z]+)`", page))
