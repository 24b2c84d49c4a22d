"""Whoever runs ``pulumi up`` and ``destroy`` needs exactly what the documents in ``docs/permissions`` allow.

A role begins with nothing and runs a stack's whole life. What it is denied, a run has visibly failed for; that it is
given then, on the resources and under the conditions of the document, and the run is repeated. In the end it has every
action of the document, but for those that the sandbox cannot show.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from docs.tools.permissions import DOCUMENTS, UNSEEN
from sandbox.amazon.faults import AcceptLate
from sandbox.aws.emulator import ACCOUNT
from sandbox.session import Sandbox, new_app
from tests.engine.deploying import Deployer, denied

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP, UP = new_app("shop"), new_app("up")
WHO = {"identity": "spapi-rotation/sandbox/rotation", "component": "rotation"}
BY_FUNCTION = DOCUMENTS["up-with-rotation-via-function.json"]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "box", progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield box


def ready(box: Sandbox) -> str:
    """The application that is to be rotated has a secret and gets messages; the secret's ARN.

    Amazon accepts the new secret a while after it has sent it: then it is `pulumi up` that puts it into use.
    """
    outputs = box.stack.outputs()
    arn = str(outputs["secret_arns"][UP.name])
    box.seed(UP, arn, age=timedelta(days=10))
    box.amazon.subscribe(UP.client_id, outputs["queue_url"])
    box.amazon.misbehave(UP.client_id, AcceptLate(spapi_seconds=10))
    return arn


def in_use(box: Sandbox, arn: str) -> str:
    return str(box.value(arn)["client_secret"])


def test_a_whole_life_needs_exactly_the_document(box: Sandbox) -> None:
    deployer = Deployer(box, DOCUMENTS["up-with-rotation.json"], **WHO)
    apps = [SHOP, UP]
    fixed: dict[str, Any] = {"secret_recovery_window_days": 0, "dashboard": True, "readers": [ACCOUNT]}
    box.stack.configure(box.config(apps, **fixed))
    deployer.allow(deployer.actions)
    assert deployer.run("up").code == 0
    deployer.allow(())
    deployer.grow("refresh")
    tags = {"team": "shop"}
    changed = box.config(apps, check_interval_hours=2, log_retention_days=30, paused=True, tags=tags, **fixed)
    box.stack.configure(changed)
    deployer.grow("up")
    box.stack.configure(box.config(apps, **fixed))
    deployer.grow("up")
    box.stack.configure(box.config(apps, alarms=False, **fixed))
    deployer.grow("up")
    arn = ready(box)
    before = in_use(box, arn)
    triggers = {UP.name: "first"}
    box.stack.configure(box.config(apps, triggers, alarms=False, **fixed))
    deployer.grow("up")
    assert in_use(box, arn) != before
    retired = box.config(apps, triggers, alarms=False, **fixed)
    retired["applications"][SHOP.name]["retired"] = True
    box.stack.configure(retired)
    deployer.grow("up")
    deployer.grow("destroy")
    # Again from nothing, now with what reads and updates: a failed step leaves nothing half made.
    box.aws.client("secretsmanager").delete_secret(
        SecretId=f"{WHO['identity']}/{SHOP.client_id}", ForceDeleteWithoutRecovery=True
    )
    box.stack.configure(box.config(apps, **fixed))
    deployer.grow("up")
    deployer.grow("destroy")
    assert deployer.may == deployer.actions - UNSEEN.keys()


def test_services_that_are_redeployed_need_exactly_their_document(box: Sandbox) -> None:
    ecs = box.aws.client("ecs")
    ecs.create_cluster(clusterName="cluster")
    ecs.register_task_definition(family="task", containerDefinitions=[{"name": "main", "image": "a", "memory": 64}])
    made = ecs.create_service(cluster="cluster", serviceName="orders", taskDefinition="task", desiredCount=0)
    restart = {"orders": {"service_arn": made["service"]["serviceArn"]}}
    own = DOCUMENTS["restart.json"]
    deployer = Deployer(box, (*DOCUMENTS["up.json"], *own), **WHO)
    needed = {f"{each.service}:{action}" for each in own for action in each.actions}
    beside = deployer.actions - needed | {"iam:PassRole"}
    fixed: dict[str, Any] = {"secret_recovery_window_days": 0}
    deployer.allow(beside)
    box.stack.configure(box.config([SHOP], **fixed, restart=restart))
    deployer.grow("up")
    box.stack.configure(box.config([SHOP], **fixed, restart=restart, tags={"team": "shop"}))
    deployer.grow("up")
    box.stack.configure(box.config([SHOP], **fixed, restart=restart))
    deployer.grow("up")
    deployer.grow("refresh")
    box.stack.configure(box.config([SHOP], **fixed))
    deployer.grow("up")
    assert needed - deployer.may == needed & UNSEEN.keys()


def test_a_rotation_by_the_function_needs_its_invocation_and_no_right_to_read_secrets(box: Sandbox) -> None:
    deployer = Deployer(box, BY_FUNCTION, **WHO)
    invoke = "lambda:InvokeFunction"
    deployer.allow(deployer.actions - {invoke})
    box.stack.configure(box.config([UP], via="function"))
    assert deployer.run("up").code == 0
    ready(box)
    box.stack.configure(box.config([UP], {UP.name: "first"}, via="function"))
    refused = deployer.run("up")
    assert (refused.code != 0, denied(refused.text)) == (True, {invoke})
    deployer.allow(deployer.actions)
    assert deployer.run("up").code == 0
    assert deployer.run("destroy").code == 0
    assert not {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"} & deployer.actions
