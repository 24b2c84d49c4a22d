"""``restart``: the rule of each service, the one state machine, who may do what, and what is not usable."""

import json
from typing import Any

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from spapi_rotation.resources.restart import machine_definition
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Recording, client_id, deploy_component

ORDERS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop-cluster/orders"
REPORTS = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop-cluster/reports"
TWO = {"shop": {"client_id": client_id(1)}, "outlet": {"client_id": client_id(2)}}
SOURCE = f"spapi-rotation/{PROJECT}/{STACK}/rotation"
NEW = {
    "rotation-restart": "aws:sfn/stateMachine:StateMachine",
    "rotation-restart-role": "aws:iam/role:Role",
    "rotation-restart-policy": "aws:iam/rolePolicy:RolePolicy",
    "rotation-restart-rule-role": "aws:iam/role:Role",
    "rotation-restart-rule-policy": "aws:iam/rolePolicy:RolePolicy",
    "rotation-restart-queue": "aws:sqs/queue:Queue",
    "rotation-restart-queue-policy": "aws:sqs/queuePolicy:QueuePolicy",
    "rotation-alarm-restart-failed": "aws:cloudwatch/metricAlarm:MetricAlarm",
    "rotation-alarm-restart-not-started": "aws:cloudwatch/metricAlarm:MetricAlarm",
}


def deployed(**restart: Any) -> Recording:
    return deploy_component(applications=TWO, restart=restart)


def of_type(recording: Recording, kind: str) -> list[Any]:
    return [each for each in recording.resources if each.type == kind]


def rules(recording: Recording) -> dict[str, Any]:
    """What each rule's target gets, by the rule's pattern."""
    names = {each.name: json.loads(each.inputs["eventPattern"]) for each in of_type(recording, RULE)}
    return {name: names[name.removesuffix("-target")] for name in (each.name for each in of_type(recording, TARGET))}


MACHINE, ROLE = "aws:sfn/stateMachine:StateMachine", "aws:iam/role:Role"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"


@pytest.mark.parametrize("nothing", [None, {}])
def test_without_it_there_is_nothing_new(nothing: Any) -> None:
    names = {each.name for each in deploy_component(restart=nothing).resources}
    assert names == {each.name for each in deploy_component().resources}
    assert not names & NEW.keys()
    assert not {"restart_state_machine_arn", "restart_queue_url"} & deploy_component().outputs.keys()


def test_the_first_service_costs_eleven_resources_and_a_further_one_two() -> None:
    before = {each.name: each.type for each in deploy_component(applications=TWO).resources}
    one = {each.name: each.type for each in deployed(orders={"service_arn": ORDERS}).resources}
    two = deployed(orders={"service_arn": ORDERS}, reports={"service_arn": REPORTS})
    added = {name: kind for name, kind in one.items() if name not in before}
    assert {name: kind for name, kind in added.items() if kind not in (RULE, TARGET)} == NEW
    assert sorted(added.values()).count(RULE) == sorted(added.values()).count(TARGET) == 1
    more = [each.type for each in two.resources if each.name not in one]
    assert sorted(more) == [RULE, TARGET]


def test_names_stay_within_what_aws_takes() -> None:
    """Pulumi adds 8 characters; EventBridge and IAM take 64."""
    recording = deploy_component(name="n" * 32, restart={"s" * 64: {"service_arn": ORDERS}})
    made = [each for each in recording.resources if "restart" in each.name and each.type in (RULE, MACHINE, ROLE)]
    assert max(len(each.name) for each in made) <= 56


def test_a_rule_hears_the_rotations_of_its_component_and_of_its_applications() -> None:
    recording = deployed(
        orders={"service_arn": ORDERS}, reports={"service_arn": REPORTS, "applications": ["outlet", "outlet"]}
    )
    every = {"source": [SOURCE], "detail-type": ["SP-API client secret rotated"]}
    patterns = sorted(rules(recording).values(), key=len)
    assert patterns == [every, {**every, "detail": {"client_id": [client_id(2)]}}]


def test_a_target_tells_the_service_and_a_name_that_comes_once() -> None:
    recording = deployed(orders={"service_arn": ORDERS}, reports={"service_arn": REPORTS})
    told = [each.inputs["inputTransformer"] for each in of_type(recording, TARGET)]
    assert all(each["inputPaths"] == {"version": "$.detail.version_id"} for each in told)
    inputs = [json.loads(each["inputTemplate"]) for each in told]
    assert sorted((each["service"] for each in inputs), key=lambda each: str(each["arn"])) == [
        {"cluster": "shop-cluster", "arn": ORDERS},
        {"cluster": "shop-cluster", "arn": REPORTS},
    ]
    names = {each["name"] for each in inputs}
    assert len(names) == 2
    # A version's id has at most 64 characters, an execution's name 80.
    assert all(each.startswith("<version>-") and len(each.replace("<version>", "v" * 64)) <= 80 for each in names)


def test_the_state_machine_starts_itself_once_for_a_name_and_redeploys() -> None:
    states = machine_definition()["States"]
    assert states["Start"]["Resource"] == "arn:aws:states:::aws-sdk:sfn:startExecution"
    assert states["Start"]["Parameters"] == {
        "StateMachineArn.$": "$$.StateMachine.Id",
        "Name.$": "$.name",
        "Input.$": "States.JsonToString($.service)",
    }
    assert [each["ErrorEquals"] for each in states["Start"]["Catch"]] == [["Sfn.ExecutionAlreadyExistsException"]]
    assert states["Redeploy"]["Parameters"] == {
        "Cluster.$": "$.cluster",
        "Service.$": "$.arn",
        "ForceNewDeployment": True,
    }
    assert "Catch" not in states["Redeploy"]  # so that it fails, and the alarm sounds
    for state in ("Start", "Redeploy"):
        assert states[state]["Retry"][0]["MaxAttempts"] == 0
        assert states[state]["Retry"][1]["ErrorEquals"] == ["States.ALL"]


def policy(recording: Recording, name: str) -> dict[str, Any]:
    statements = json.loads(recording.named(name).inputs["policy"])["Statement"]
    return {each["Sid"]: (each["Action"], each["Resource"]) for each in statements}


def test_each_role_may_do_its_own_thing_only() -> None:
    recording = deployed(orders={"service_arn": ORDERS}, reports={"service_arn": REPORTS})
    machine = recording.outputs["restart_state_machine_arn"]
    assert policy(recording, "rotation-restart-policy") == {
        "Redeploy": (["ecs:UpdateService"], [ORDERS, REPORTS]),
        "StartOnce": (["states:StartExecution"], machine),
    }
    assert policy(recording, "rotation-restart-rule-policy") == {"Start": (["states:StartExecution"], machine)}


@pytest.mark.parametrize(
    ("role", "service", "on_behalf_of"),
    [
        ("rotation-restart-role", "states.amazonaws.com", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:*"),
        ("rotation-restart-rule-role", "events.amazonaws.com", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/*"),
    ],
)
def test_each_role_is_taken_by_its_service_on_behalf_of_this_account(
    role: str, service: str, on_behalf_of: str
) -> None:
    recording = deployed(orders={"service_arn": ORDERS})
    (statement,) = json.loads(recording.named(role).inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": service}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": on_behalf_of},
    }


def test_its_roles_are_bounded_and_placed_as_the_others() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    roles = {"path": "/platform/", "permissions_boundary": boundary}
    recording = deploy_component(restart={"orders": {"service_arn": ORDERS}}, roles=roles)
    made = of_type(recording, ROLE)
    assert len(made) == 4
    assert {(each.inputs["path"], each.inputs["permissionsBoundary"]) for each in made} == {("/platform/", boundary)}


def test_targets_wait_for_the_roles_rights() -> None:
    recording = deployed(orders={"service_arn": ORDERS})
    (target,) = of_type(recording, TARGET)
    waited = {"rotation-restart-policy", "rotation-restart-rule-policy", "rotation-restart-queue-policy"}
    assert waited <= target.dependencies


def test_an_event_that_starts_nothing_is_kept_and_sounds_an_alarm() -> None:
    recording = deployed(orders={"service_arn": ORDERS}, reports={"service_arn": REPORTS})
    queue = recording.named("rotation-restart-queue")
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:rotation-restart-queue-0000001"
    assert {each.inputs["deadLetterConfig"]["arn"] for each in of_type(recording, TARGET)} == {arn}
    assert (queue.inputs["messageRetentionSeconds"], "kmsMasterKeyId" in queue.inputs) == (1_209_600, False)
    assert queue.inputs["sqsManagedSseEnabled"] is True
    allowed, denied = recording.named("rotation-restart-queue-policy").policy()["Statement"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert len(allowed["Condition"]["ArnEquals"]["aws:SourceArn"]) == 2
    assert (denied["Effect"], denied["Sid"]) == ("Deny", "DenyPlainText")
    alarm = recording.named("rotation-alarm-restart-not-started").inputs
    assert (alarm["namespace"], alarm["metricName"]) == ("AWS/SQS", "NumberOfMessagesSent")
    assert alarm["dimensions"] == {"QueueName": "rotation-restart-queue-0000001"}
    # The secrets' key lets nobody in for it.
    assert recording.named("rotation-key").policy() == deploy_component(applications=TWO).named("rotation-key").policy()


def test_a_failed_redeployment_sounds_an_alarm() -> None:
    recording = deployed(orders={"service_arn": ORDERS})
    alarm = recording.named("rotation-alarm-restart-failed").inputs
    assert (alarm["namespace"], alarm["metricName"], alarm["statistic"]) == ("AWS/States", "ExecutionsFailed", "Sum")
    assert alarm["dimensions"] == {"StateMachineArn": recording.outputs["restart_state_machine_arn"]}
    assert (alarm["threshold"], alarm["evaluationPeriods"], alarm["datapointsToAlarm"]) == (1, 24, 1)
    assert alarm["alarmDescription"].endswith("#restart-failed")
    assert "restart-failed" in recording.outputs["alarm_names"]
    assert "rotation-alarm-restart-failed" not in {
        each.name for each in deploy_component(restart={"orders": {"service_arn": ORDERS}}, alarms=False).resources
    }


def test_the_dashboard_shows_the_alarm_only_where_it_is() -> None:
    def body(**args: Any) -> str:
        return str(deploy_component(dashboard=True, **args).named("rotation-dashboard").inputs["dashboardBody"])

    assert "restart-failed" in body(restart={"orders": {"service_arn": ORDERS}})
    assert "restart-failed" not in body()


def test_a_service_may_come_as_an_output() -> None:
    recording = deployed(orders={"service_arn": pulumi.Output.from_input(ORDERS)})
    (target,) = of_type(recording, TARGET)
    assert json.loads(target.inputs["inputTransformer"]["inputTemplate"])["service"]["arn"] == ORDERS


def test_the_rules_are_on_the_components_bus() -> None:
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/mine"
    recording = deploy_component(restart={"orders": {"service_arn": ORDERS}}, event_bus_arn=bus)
    assert [each.inputs["eventBusName"] for each in (*of_type(recording, RULE), *of_type(recording, TARGET))] == [
        bus
    ] * 2


WRONG: list[tuple[Any, str, str]] = [
    ([ORDERS], "restart must be a plain map", "service_arn"),
    ({"": {"service_arn": ORDERS}}, "A name in restart", "64 letters"),
    ({"orders": ORDERS}, "restart.orders must be a plain map", "service_arn"),
    ({"orders": {}}, "restart.orders.service_arn is missing", "ARN"),
    ({"orders": {"service": ORDERS}}, "service: unknown in restart.orders", "service_arn"),
    ({"orders": {"service_arn": "orders"}}, "is not the ARN of an ECS service", "docs/consumers.md"),
    ({"orders": {"service_arn": ORDERS.replace("shop-cluster/", "")}}, "does not name the cluster", "CLUSTER/NAME"),
    ({"orders": {"service_arn": ORDERS.replace("orders", "*")}}, "is not the ARN of an ECS service", "ecs"),
    (
        {"orders": {"service_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:orders"}},
        "is not the ARN of an ECS service",
        "rotation event",
    ),
    ({"a": {"service_arn": ORDERS}, "b": {"service_arn": ORDERS}}, "is also that of restart.a", "once"),
    ({"orders": {"service_arn": ORDERS, "applications": []}}, "a list of one or more names", "leave"),
    ({"orders": {"service_arn": ORDERS, "applications": "shop"}}, "a list of one or more names", "leave"),
    ({"orders": {"service_arn": ORDERS, "applications": ["shp"]}}, "not in applications", "Did you mean shop?"),
    ({"orders": {"service_arn": ORDERS, "applications": [7]}}, "not in applications", "shop, outlet"),
    (
        {"orders": {"service_arn": ORDERS.replace(ACCOUNT, "999999999999")}},
        "is in the AWS account 999",
        "another account",
    ),
    ({"orders": {"service_arn": ORDERS.replace(REGION, "ap-south-1")}}, "the region ap-south-1", "rotation event"),
]


@pytest.mark.parametrize(("restart", "message", "remedy"), WRONG)
def test_what_is_not_usable_is_refused(restart: Any, message: str, remedy: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        deploy_component(applications=TWO, restart=restart)
    assert message in str(refused.value)
    assert remedy in refused.value.remedy


def test_rules_cannot_be_made_on_another_accounts_bus() -> None:
    bus = f"arn:aws:events:{REGION}:999999999999:event-bus/central"
    with pytest.raises(InvalidArgument) as refused:
        deploy_component(restart={"orders": {"service_arn": ORDERS}}, event_bus_arn=bus)
    assert "event_bus_arn is in the account 999999999999" in str(refused.value)
