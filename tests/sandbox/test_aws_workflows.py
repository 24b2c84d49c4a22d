"""Step Functions and EventBridge, as far as a redeployment takes: whose rights, once by a name, measured failures."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from spapi_rotation.resources.restart import event_pattern, machine_definition, start_input
from spapi_rotation.validation.restart import ValidRestart
from spapi_rotation_lambda.domain.events import RotationEvent
from tests.sandbox.aws_support import allow, eventually, make_queue, make_role, receive, refusal

pytestmark = pytest.mark.sandbox

SOURCE = "spapi-rotation/project/stack/rotation"


class Service:
    """An ECS service without tasks."""

    def __init__(self, aws: AwsEmulator) -> None:
        self._ecs = aws.client("ecs")
        name = f"orders-{uuid.uuid4().hex[:8]}"
        self._ecs.create_cluster(clusterName="shop")
        container = {"name": "main", "image": "busybox", "memory": 64}
        self._ecs.register_task_definition(family=name, containerDefinitions=[container])
        made = self._ecs.create_service(cluster="shop", serviceName=name, taskDefinition=name, desiredCount=0)
        self.arn: str = made["service"]["serviceArn"]

    def deployment(self) -> str:
        """The id of its newest deployment."""
        (found,) = self._ecs.describe_services(cluster="shop", services=[self.arn])["services"]
        (primary,) = [each for each in found["deployments"] if each["status"] == "PRIMARY"]
        return str(primary["id"])


@pytest.fixture
def service(aws: AwsEmulator) -> Service:
    return Service(aws)


def machine(aws: AwsEmulator, *statements: dict[str, Any], definition: dict[str, Any] | None = None) -> str:
    """A state machine whose role may start it, and do what the statements say."""
    name = f"restart-{uuid.uuid4().hex[:8]}"
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
    role = make_role(aws, allow("states:StartExecution", arn), *statements, service="states.amazonaws.com")
    text = json.dumps(definition or machine_definition())
    aws.client("stepfunctions").create_state_machine(name=name, definition=text, roleArn=role)
    return arn


def executions(aws: AwsEmulator, arn: str) -> dict[str, str]:
    """The status of each execution, by its name; none while one runs."""
    found = aws.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    statuses = {each["name"]: each["status"] for each in found}
    return {} if "RUNNING" in statuses.values() else statuses


def event(version: str, **detail: str) -> dict[str, Any]:
    return {
        "Source": SOURCE,
        "DetailType": RotationEvent.DETAIL_TYPE,
        "Detail": json.dumps({"client_id": "mine", "version_id": version, **detail}),
    }


@pytest.fixture
def ruled(aws: AwsEmulator, service: Service) -> Iterator[str]:
    """A rule that brings rotations of one application to a state machine, whose ARN is given."""
    arn = machine(aws, allow("ecs:UpdateService", service.arn))
    role = make_role(aws, allow("states:StartExecution", arn), service="events.amazonaws.com")
    put_rule(aws, arn, role, service)
    yield arn


def put_rule(aws: AwsEmulator, machine_arn: str, role: str, service: Service, dead_letters: str | None = None) -> None:
    events = aws.client("events")
    one = ValidRestart("orders", service.arn, ("mine",))
    pattern = json.dumps(event_pattern("project/stack/rotation", one))
    events.put_rule(Name="restart", EventPattern=pattern)
    transformer = {
        "InputPathsMap": {"version": "$.detail.version_id"},
        "InputTemplate": start_input("orders", service.arn),
    }
    target: Any = {"Id": "restart", "Arn": machine_arn, "RoleArn": role, "InputTransformer": transformer}
    if dead_letters is not None:
        target["DeadLetterConfig"] = {"Arn": dead_letters}
    assert events.put_targets(Rule="restart", Targets=[target])["FailedEntryCount"] == 0


def put(aws: AwsEmulator, *entries: dict[str, Any]) -> None:
    assert aws.client("events").put_events(Entries=list(entries))["FailedEntryCount"] == 0


def test_an_event_redeploys_the_service_once_however_often_it_comes(
    aws: AwsEmulator, service: Service, ruled: str
) -> None:
    before = service.deployment()
    put(aws, event("version-1"), event("version-1"))
    eventually(lambda: len(executions(aws, ruled)) == 3)
    first = service.deployment()
    put(aws, event("version-1"))
    found = eventually(lambda: executions(aws, ruled) if len(executions(aws, ruled)) == 4 else None)
    assert set(found.values()) == {"SUCCEEDED"}
    assert len([name for name in found if name.startswith("version-1-")]) == 1
    assert before != first == service.deployment()
    put(aws, event("version-2"))
    eventually(lambda: len(executions(aws, ruled)) == 6)
    assert service.deployment() not in (before, first)


def test_other_events_redeploy_nothing(aws: AwsEmulator, service: Service, ruled: str) -> None:
    before = service.deployment()
    others = (
        event("version-1", client_id="another"),
        {**event("version-1"), "Source": "spapi-rotation/another"},
        {**event("version-1"), "DetailType": "SP-API client secret received"},
    )
    put(aws, *others)
    put(aws, event("version-1"))
    eventually(lambda: len(executions(aws, ruled)) == 2)
    assert service.deployment() != before


def test_a_rule_starts_nothing_by_a_role_that_may_not(aws: AwsEmulator, service: Service) -> None:
    arn = machine(aws, allow("ecs:UpdateService", service.arn))
    for role in (
        make_role(aws, service="events.amazonaws.com"),
        make_role(aws, allow("states:StartExecution", arn), service="lambda.amazonaws.com"),
    ):
        put_rule(aws, arn, role, service)
        put(aws, event("version-1"))
    assert eventually(lambda: counted(aws, "AWS/Events", "FailedInvocations", "RuleName", "restart")) == 2
    assert executions(aws, arn) == {}


@pytest.mark.parametrize(("rule", "kept"), [("restart", True), ("another", False)])
def test_what_a_rule_could_not_start_goes_to_a_queue_that_lets_it(
    aws: AwsEmulator, service: Service, rule: str, kept: bool
) -> None:
    url, queue = make_queue(aws)
    source = {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"}}
    send = {**allow("sqs:SendMessage", queue), "Principal": {"Service": "events.amazonaws.com"}, "Condition": source}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [send]})
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    arn = machine(aws, allow("ecs:UpdateService", service.arn))
    put_rule(aws, arn, make_role(aws, service="events.amazonaws.com"), service, queue)
    put(aws, event("version-1"))
    eventually(lambda: counted(aws, "AWS/Events", "FailedInvocations", "RuleName", "restart"))
    message = receive(aws, url)
    assert (message is not None) is kept
    if message is not None:
        assert json.loads(message["Body"])["detail"]["version_id"] == "version-1"
        assert message["MessageAttributes"]["RULE_ARN"]["StringValue"].endswith(":rule/restart")
        assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_a_machine_updates_nothing_without_its_right_and_the_failure_is_counted(
    aws: AwsEmulator, service: Service
) -> None:
    definition = machine_definition()
    del definition["States"]["Redeploy"]["Retry"]
    arn, before = machine(aws, definition=definition), service.deployment()
    given = json.loads(start_input("orders", service.arn).replace("<version>", "version-1"))
    aws.client("stepfunctions").start_execution(stateMachineArn=arn, input=json.dumps(given))
    found = eventually(lambda: executions(aws, arn) if len(executions(aws, arn)) == 2 else None)
    assert sorted(found.values()) == ["FAILED", "SUCCEEDED"]
    assert failure(aws, arn) == "Ecs.AccessDeniedException"
    assert service.deployment() == before
    assert eventually(lambda: counted(aws, "AWS/States", "ExecutionsFailed", "StateMachineArn", arn)) == 1


@pytest.mark.parametrize("deleted", [False, True])
def test_a_service_that_is_gone_fails_at_once(aws: AwsEmulator, service: Service, deleted: bool) -> None:
    gone = service.arn if deleted else f"{service.arn}-gone"
    if deleted:
        aws.client("ecs").delete_service(cluster="shop", service=service.arn, force=True)
    arn = machine(aws, allow("ecs:UpdateService"))
    given = json.loads(start_input("orders", gone).replace("<version>", "version-1"))
    aws.client("stepfunctions").start_execution(stateMachineArn=arn, input=json.dumps(given))
    eventually(lambda: len(executions(aws, arn)) == 2)
    assert failure(aws, arn) == ("Ecs.ServiceNotActiveException" if deleted else "Ecs.ServiceNotFoundException")


def test_a_machine_starts_itself_by_its_own_right_only(aws: AwsEmulator, service: Service) -> None:
    definition = machine_definition()
    del definition["States"]["Start"]["Retry"]
    name = f"restart-{uuid.uuid4().hex[:8]}"
    role = make_role(aws, service="states.amazonaws.com")
    states = aws.client("stepfunctions")
    made = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    given = start_input("orders", service.arn).replace("<version>", "version-1")
    states.start_execution(stateMachineArn=made["stateMachineArn"], input=given)
    eventually(lambda: len(executions(aws, made["stateMachineArn"])) == 1)
    assert failure(aws, made["stateMachineArn"]) == "Sfn.AccessDeniedException"


def test_a_role_that_step_functions_may_not_take_is_refused(aws: AwsEmulator) -> None:
    with pytest.raises(ClientError) as refused:
        aws.client("stepfunctions").create_state_machine(
            name="mine", definition=json.dumps(machine_definition()), roleArn=make_role(aws)
        )
    assert refusal(refused) == "AccessDeniedException"


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:ecs:deleteService", "End": True},
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:ecs:updateService",
            "Parameters": {"Service": "a", "forceNewDeployment": True},
            "End": True,
        },
    ],
)
def test_tasks_that_the_sandbox_does_not_know_are_refused(aws: AwsEmulator, state: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        machine(aws, definition={"StartAt": "One", "States": {"One": state}})
    assert refusal(refused) == "InvalidDefinition"


def test_a_name_is_taken_once_by_a_closed_execution(aws: AwsEmulator, service: Service) -> None:
    arn = machine(aws, allow("ecs:UpdateService", service.arn))
    given: Any = {
        "stateMachineArn": arn,
        "name": "once",
        "input": json.dumps({"cluster": "shop", "arn": service.arn}),
    }
    states = aws.client("stepfunctions")
    first = states.start_execution(**given)["executionArn"]
    assert states.start_execution(**given)["executionArn"] == first
    eventually(lambda: executions(aws, arn))
    with pytest.raises(ClientError) as taken:
        states.start_execution(**given)
    assert refusal(taken) == "ExecutionAlreadyExists"


def failure(aws: AwsEmulator, arn: str) -> str:
    states = aws.client("stepfunctions")
    (failed,) = states.list_executions(stateMachineArn=arn, statusFilter="FAILED")["executions"]
    return str(states.describe_execution(executionArn=failed["executionArn"])["error"])


def counted(aws: AwsEmulator, namespace: str, metric: str, dimension: str, value: str) -> float:
    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": dimension, "Value": value}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(each["Sum"] for each in points))
