"""``restart`` on a deployed stack: a rotation redeploys the services that read its secret, each once, and no others."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.session import Sandbox, new_app
from tests.engine.operating import Operator
from tests.sandbox.aws_support import eventually

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

SHOP, OUTLET = new_app("shop"), new_app("outlet")


class Services:
    """ECS services of one cluster, without tasks."""

    def __init__(self, box: Sandbox) -> None:
        self._ecs = box.aws.client("ecs")
        self._ecs.create_cluster(clusterName="cluster")
        container = {"name": "main", "image": "busybox", "memory": 64}
        self._ecs.register_task_definition(family="task", containerDefinitions=[container])

    def make(self, name: str) -> str:
        """Make a service; returns its ARN."""
        made = self._ecs.create_service(cluster="cluster", serviceName=name, taskDefinition="task", desiredCount=0)
        return str(made["service"]["serviceArn"])

    def remove(self, name: str) -> None:
        """Delete a service."""
        self._ecs.delete_service(cluster="cluster", service=name, force=True)

    def deployment(self, name: str) -> str:
        """The id of a service's newest deployment."""
        (found,) = self._ecs.describe_services(cluster="cluster", services=[name])["services"]
        (primary,) = [each for each in found["deployments"] if each["status"] == "PRIMARY"]
        return str(primary["id"])


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder: Path = tmp_path_factory.mktemp("restart") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        yield box


@pytest.fixture(scope="module")
def services(box: Sandbox) -> Services:
    return Services(box)


@pytest.fixture(scope="module")
def operator(box: Sandbox, services: Services) -> Operator:
    restart = {
        "orders": {"service_arn": services.make("orders")},
        "outlet-only": {"service_arn": services.make("outlet-only"), "applications": [OUTLET.name]},
    }
    services.make("not-named")
    box.stack.configure(box.config([SHOP, OUTLET], restart=restart))
    box.stack.up()
    made = Operator(box)
    for app in (SHOP, OUTLET):
        box.seed(app, made.outputs["secret_arns"][app.name], age=timedelta(days=10))
        box.amazon.subscribe(app.client_id, made.outputs["queue_url"])
    return made


def finished(box: Sandbox, machine: str) -> dict[str, str]:
    """The status of each execution that has ended, by its name."""
    found = box.aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return {each["name"]: each["status"] for each in found if each["status"] != "RUNNING"}


def test_a_rotation_redeploys_who_reads_its_secret_once(box: Sandbox, services: Services, operator: Operator) -> None:
    names = ("orders", "outlet-only", "not-named")
    before = {name: services.deployment(name) for name in names}
    operator.run("rotate", SHOP.name, "--yes", "--timeout", "120")
    machine = operator.outputs["restart_state_machine_arn"]
    assert set(eventually(lambda: finished(box, machine) if len(finished(box, machine)) == 2 else None).values()) == {
        "SUCCEEDED"
    }
    after = {name: services.deployment(name) for name in names}
    assert {name for name in names if after[name] != before[name]} == {"orders"}

    # The same event again, as it may come: it starts the machine once more, and that redeploys nothing.
    in_use = next(
        version
        for version, labels in box.labels(operator.outputs["secret_arns"][SHOP.name]).items()
        if "AWSCURRENT" in labels
    )
    assert len([name for name in finished(box, machine) if name.startswith(in_use)]) == 1
    detail = {"client_id": SHOP.client_id, "version_id": in_use}
    entry = {
        "Source": f"spapi-rotation/{operator.outputs['identity']}",
        "DetailType": "SP-API client secret rotated",
        "Detail": json.dumps(detail),
    }
    box.aws.client("events").put_events(Entries=[entry])
    eventually(lambda: len(finished(box, machine)) == 3)
    assert set(finished(box, machine).values()) == {"SUCCEEDED"}
    assert services.deployment("orders") == after["orders"]


def test_an_application_of_its_own_redeploys_both(box: Sandbox, services: Services, operator: Operator) -> None:
    before = {name: services.deployment(name) for name in ("orders", "outlet-only")}
    operator.run("rotate", OUTLET.name, "--yes", "--timeout", "120")
    eventually(lambda: all(services.deployment(name) != old for name, old in before.items()))


def test_nothing_is_left_to_do(box: Sandbox, operator: Operator) -> None:
    """What the rotations changed is no drift."""
    assert operator.outputs["alarm_names"]["restart-failed"]
    box.stack.refresh(unchanged=True)
    box.stack.preview(unchanged=True)


def test_a_service_that_is_gone_sounds_the_alarm(box: Sandbox, services: Services, operator: Operator) -> None:
    services.remove("orders")
    in_use = {"client_id": SHOP.client_id, "version_id": "another-version"}
    entry: dict[str, Any] = {
        "Source": f"spapi-rotation/{operator.outputs['identity']}",
        "DetailType": "SP-API client secret rotated",
        "Detail": json.dumps(in_use),
    }
    box.aws.client("events").put_events(Entries=[entry])
    machine = operator.outputs["restart_state_machine_arn"]
    eventually(lambda: "FAILED" in finished(box, machine).values())
    cloudwatch, name = box.aws.client("cloudwatch"), operator.outputs["alarm_names"]["restart-failed"]
    eventually(
        lambda: cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"] == "ALARM", seconds=90
    )


def test_without_services_all_of_it_goes(box: Sandbox, operator: Operator) -> None:
    box.stack.configure(box.config([SHOP, OUTLET]))
    box.stack.up()
    assert box.aws.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert box.aws.client("events").list_rules()["Rules"] == []
