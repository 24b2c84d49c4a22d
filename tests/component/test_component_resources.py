"""What the component provisions: types, names, options, properties."""

import json
from typing import Any

import pulumi
import pytest

from spapi_rotation import ClientSecretRotation
from spapi_rotation.component import OUTPUTS, TYPE_TOKEN
from spapi_rotation.resources.alarm_catalog import ALARM_CATALOG
from spapi_rotation.resources.guards import TYPE_TOKEN as GUARD
from spapi_rotation.resources.schedule import rate
from spapi_rotation_lambda.settings import HANDLER, NEEDED, Env, Settings
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Registered, client_id, deploy, deploy_component
from tests.exploration import standard_queue

SUFFIX = client_id(1).rpartition(".")[2]
QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"

SHARED = {
    "rotation": TYPE_TOKEN,
    "rotation-key": "aws:kms/key:Key",
    "rotation-key-alias": "aws:kms/alias:Alias",
    "rotation-queue-key": "aws:kms/key:Key",
    "rotation-queue-key-alias": "aws:kms/alias:Alias",
    "rotation-queue": "aws:sqs/queue:Queue",
    "rotation-dead-letter-queue": "aws:sqs/queue:Queue",
    "rotation-unclaimed-queue": "aws:sqs/queue:Queue",
    "rotation-operations-queue": "aws:sqs/queue:Queue",
    "rotation-queue-policy": "aws:sqs/queuePolicy:QueuePolicy",
    "rotation-dead-letter-queue-policy": "aws:sqs/queuePolicy:QueuePolicy",
    "rotation-unclaimed-queue-policy": "aws:sqs/queuePolicy:QueuePolicy",
    "rotation-operations-queue-policy": "aws:sqs/queuePolicy:QueuePolicy",
    "rotation-dead-letter-queue-sources": "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
    "rotation-log": "aws:cloudwatch/logGroup:LogGroup",
    "rotation-function-role": "aws:iam/role:Role",
    "rotation-function-policy": "aws:iam/rolePolicy:RolePolicy",
    "rotation-function": "aws:lambda/function:Function",
    "rotation-function-source": "aws:lambda/eventSourceMapping:EventSourceMapping",
    "rotation-function-events": "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "rotation-schedules": "aws:scheduler/scheduleGroup:ScheduleGroup",
    "rotation-schedule-role": "aws:iam/role:Role",
    "rotation-schedule-policy": "aws:iam/rolePolicy:RolePolicy",
    "rotation-alarm-topic": "aws:sns/topic:Topic",
    "rotation-alarm-topic-policy": "aws:sns/topicPolicy:TopicPolicy",
    "rotation-guard": GUARD,
    "rotation-triggers-guard": GUARD,
    **{f"rotation-alarm-{each.name}": "aws:cloudwatch/metricAlarm:MetricAlarm" for each in ALARM_CATALOG},
}

NO_ARGUMENTS = {"DELIVERY_DEADLINE_MINUTES", "REPOST_AFTER_HOURS"}
"""Variables that only a sandbox sets."""

OF_EVERY_COMPONENT = {each.value for each in Env} - NO_ARGUMENTS - {"ROTATION_WINDOW", "ADOPTED_SECRETS", "SECRET_KEYS"}


def of_application(number: int) -> dict[str, str]:
    suffix = client_id(number).rpartition(".")[2]
    return {
        f"rotation-secret-{suffix}": "aws:secretsmanager/secret:Secret",
        f"rotation-schedule-{suffix}": "aws:scheduler/schedule:Schedule",
    }


def test_provisions_exactly_these_resources() -> None:
    recording = deploy_component()
    assert {each.name: each.type for each in recording.resources} == SHARED | of_application(1)


def test_a_further_application_costs_two_resources() -> None:
    recording = deploy_component(applications={"a": {"client_id": client_id(1)}, "b": {"client_id": client_id(2)}})
    expected = SHARED | of_application(1) | of_application(2)
    assert {each.name: each.type for each in recording.resources} == expected


@pytest.mark.parametrize("number", [1, 20, 200])
def test_a_further_application_changes_nothing_of_what_is_there(number: int) -> None:
    """With readers and replicas, too. Only what the guards wait for grows."""
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
    shared: dict[str, Any] = {"readers": [f"arn:aws:iam::{ACCOUNT}:role/task"], "replica_regions": {"eu-west-1": key}}
    one, more = (
        deploy_component(applications={f"app{each}": {"client_id": client_id(each)} for each in range(count)}, **shared)
        for count in (number, number + 1)
    )
    before, after = ({each.name: each for each in recording.resources} for recording in (one, more))
    suffix = client_id(number).rpartition(".")[2]
    new = {f"rotation-secret-{suffix}", f"rotation-secret-{suffix}-readers", f"rotation-schedule-{suffix}"}
    assert after.keys() - before.keys() == new
    assert before.keys() <= after.keys()

    def inputs(made: Registered) -> dict[str, object]:
        # The archive is an object of its own each time.
        return {name: value for name, value in made.inputs.items() if name != "code"}

    assert {name for name in before if inputs(before[name]) != inputs(after[name])} == set()


def test_every_child_has_the_component_as_its_parent() -> None:
    recording = deploy_component()
    stack = f"urn:pulumi:{STACK}::{PROJECT}::pulumi:pulumi:Stack"
    for each in recording.resources:
        if each.type != TYPE_TOKEN:
            assert each.parent == f"{stack}${TYPE_TOKEN}::rotation", each.name


def test_renaming_an_application_keeps_every_logical_and_physical_name() -> None:
    def names(application: str) -> set[tuple[str, object]]:
        recording = deploy_component(applications={application: {"client_id": client_id(1), "rotate_on_up": "1"}})
        return {(each.name, each.inputs.get("name")) for each in recording.resources}

    assert names("storefront") == names("renamed")


PROTECTED = {
    "rotation-key",
    "rotation-queue-key",
    "rotation-queue",
    "rotation-dead-letter-queue",
    "rotation-unclaimed-queue",
    "rotation-log",
    f"rotation-secret-{SUFFIX}",
    f"rotation-schedule-{SUFFIX}",
    "rotation-guard",
    "rotation-triggers-guard",
}


def test_protects_what_must_not_be_lost_by_default() -> None:
    recording = deploy_component()
    assert {each.name for each in recording.resources if each.protect} == PROTECTED


def test_deletion_protection_can_be_switched_off() -> None:
    assert not any(each.protect for each in deploy_component(deletion_protection=False).resources)


def test_protect_of_the_component_is_inherited_without_deletion_protection() -> None:
    recording = deploy_component(deletion_protection=False, opts=pulumi.ResourceOptions(protect=True))
    assert all(each.protect for each in recording.resources)


@pytest.mark.parametrize("name", ["rotation-key", "rotation-queue-key"])
def test_keeps_the_keys_as_long_as_the_secrets(name: str) -> None:
    recording = deploy_component()
    key = recording.named(name).inputs
    assert key["enableKeyRotation"] is True
    assert key["deletionWindowInDays"] == 30
    assert recording.named(f"rotation-secret-{SUFFIX}").inputs["recoveryWindowInDays"] == 30
    assert recording.named(f"{name}-alias").inputs == {"targetKeyId": f"{name}-0000001"}


KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/rotation-key-0000001"
QUEUE_KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/rotation-queue-key-0000001"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:rotation-queue-0000001"
DEAD_LETTER_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:rotation-dead-letter-queue-0000001"
OPERATIONS_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:rotation-operations-queue-0000001"


@pytest.mark.parametrize("queue", ["queue", "dead-letter-queue", "unclaimed-queue", "operations-queue"])
def test_queues_are_encrypted_and_keep_messages_for_14_days(queue: str) -> None:
    inputs = deploy_component().named(f"rotation-{queue}").inputs
    assert inputs["kmsMasterKeyId"] == (QUEUE_KEY_ARN if queue == "queue" else KEY_ARN)
    assert inputs["messageRetentionSeconds"] == 14 * 86_400
    assert "fifoQueue" not in inputs


def test_a_message_goes_to_the_dead_letter_queue_after_a_day_of_deliveries_and_only_from_the_queue() -> None:
    recording = deploy_component()
    assert recording.named("rotation-queue").policy("redrivePolicy") == {
        "deadLetterTargetArn": DEAD_LETTER_ARN,
        "maxReceiveCount": 240,
    }
    sources = recording.named("rotation-dead-letter-queue-sources")
    assert sources.inputs["queueUrl"] == f"{QUEUE_URL}/rotation-dead-letter-queue-0000001"
    assert sources.policy("redriveAllowPolicy") == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [QUEUE_ARN],
    }


@pytest.mark.rule(id="REC-12")
def test_240_deliveries_of_which_each_hides_a_message_for_six_minutes_last_a_day() -> None:
    queue = deploy_component().named("rotation-queue")
    assert queue.inputs["visibilityTimeoutSeconds"] == 360
    assert queue.inputs["visibilityTimeoutSeconds"] * queue.policy("redrivePolicy")["maxReceiveCount"] == 24 * 3600
    assert (standard_queue.MAX_RECEIVES, standard_queue.VISIBILITY.total_seconds()) == (240, 360)


def test_a_message_stays_hidden_for_longer_than_the_function_may_take() -> None:
    recording = deploy_component()
    timeout = recording.named("rotation-function").inputs["timeout"]
    assert timeout == 180
    assert recording.named("rotation-queue").inputs["visibilityTimeoutSeconds"] >= 2 * timeout


def test_secret_is_named_by_prefix_and_client_id_and_has_no_value() -> None:
    recording = deploy_component()
    secret = recording.named(f"rotation-secret-{SUFFIX}").inputs
    assert secret["name"] == f"{PROJECT}/{STACK}/rotation/{client_id(1)}"
    assert secret["kmsKeyId"] == KEY_ARN
    assert not recording.of_type("aws:secretsmanager/secretVersion:SecretVersion")


def test_secret_prefix_can_be_given_late() -> None:
    recording = deploy_component(secret_prefix=pulumi.Output.from_input("shop/eu"))
    assert recording.named(f"rotation-secret-{SUFFIX}").inputs["name"] == f"shop/eu/{client_id(1)}"
    variables = recording.named("rotation-function").inputs["environment"]["variables"]
    assert variables["SECRET_PREFIX"] == "shop/eu"


def test_no_prefix_and_none_mean_the_default() -> None:
    recording = deploy_component(secret_prefix=None)
    secret = recording.named(f"rotation-secret-{SUFFIX}")
    assert secret.inputs["name"].startswith(f"{PROJECT}/{STACK}/rotation/")


def test_function() -> None:
    function = deploy_component().named("rotation-function")
    inputs = dict(function.inputs)
    assert isinstance(inputs.pop("code"), pulumi.FileArchive)
    inputs.pop("environment")
    inputs.pop("tags")
    assert inputs == {
        "architectures": ["arm64"],
        "description": "Rotates SP-API client secrets.",
        "handler": HANDLER,
        "kmsKeyArn": KEY_ARN,
        "loggingConfig": {
            "logFormat": "JSON",
            "logGroup": f"/aws/lambda/{PROJECT}/{STACK}/rotation",
            "applicationLogLevel": "INFO",
            "systemLogLevel": "INFO",
        },
        "memorySize": 256,
        "role": f"arn:aws:iam::{ACCOUNT}:role/rotation-function-role-0000001",
        "runtime": "python3.13",
        "timeout": 180,
    }
    assert "rotation-function-policy" in function.dependencies


def test_log_group_is_encrypted_and_kept_for_a_year() -> None:
    inputs = dict(deploy_component().named("rotation-log").inputs)
    inputs.pop("tags")
    assert inputs == {
        "name": f"/aws/lambda/{PROJECT}/{STACK}/rotation",
        "retentionInDays": 365,
        "kmsKeyId": KEY_ARN,
    }


def test_environment_names_every_variable_that_the_function_knows() -> None:
    recording = deploy_component(
        spapi_endpoint="EU",
        lwa_endpoint="https://login.example/token",
        rotate_every_days=30.0,
        check_interval_hours=6.0,
        promote_delay_minutes=0,
        verification="lwa",
        rotation_window={"start": "22:00", "end": "04:00", "days": ["SUN", "SAT"], "time_zone": "Europe/Berlin"},
        paused=True,
    )
    variables = recording.named("rotation-function").inputs["environment"]["variables"]
    assert variables == {
        "ALARMS": "true",
        "SECRET_PREFIX": f"{PROJECT}/{STACK}/rotation",
        "QUEUE_URL": f"{QUEUE_URL}/rotation-queue-0000001",
        "DEAD_LETTER_QUEUE_URL": f"{QUEUE_URL}/rotation-dead-letter-queue-0000001",
        "UNCLAIMED_QUEUE_URL": f"{QUEUE_URL}/rotation-unclaimed-queue-0000001",
        "SPAPI_ENDPOINT": "https://sellingpartnerapi-eu.amazon.com",
        "LWA_ENDPOINT": "https://login.example/token",
        "ROTATE_EVERY_DAYS": "30",
        "CHECK_INTERVAL_HOURS": "6",
        "PROMOTE_DELAY_MINUTES": "0",
        "VERIFICATION": "lwa",
        "EVENT_BUS": "default",
        "SCHEDULE_GROUP": "rotation-schedules-0000001",
        "ROTATION_WINDOW": '{"days":["SAT","SUN"],"start":"22:00","end":"04:00","time_zone":"Europe/Berlin"}',
        "PAUSED": "true",
        "EXPIRY_ALARM_DAYS": "21",
        "COMPONENT": f"{PROJECT}/{STACK}/rotation",
    }
    assert set(variables) == {each.value for each in Env} - {"ADOPTED_SECRETS", "SECRET_KEYS"} - NO_ARGUMENTS


def test_default_environment_gives_the_functions_own_default_settings() -> None:
    variables = deploy_component().named("rotation-function").inputs["environment"]["variables"]
    needed = {name.value: variables[name] for name in (*NEEDED, Env.COMPONENT)}
    assert Settings.from_environment(variables) == Settings.from_environment(needed)


def test_queue_feeds_the_function_one_message_at_a_time() -> None:
    source = deploy_component().named("rotation-function-source")
    inputs = dict(source.inputs)
    inputs.pop("tags")
    assert inputs == {
        "batchSize": 1,
        "enabled": True,
        "eventSourceArn": QUEUE_ARN,
        "functionName": "rotation-function-0000001",
        "scalingConfig": {"maximumConcurrency": 2},
    }
    assert "rotation-function-policy" in source.dependencies


def test_a_failed_check_is_not_repeated_but_reported() -> None:
    assert deploy_component().named("rotation-function-events").inputs == {
        "functionName": "rotation-function-0000001",
        "maximumRetryAttempts": 0,
        "maximumEventAgeInSeconds": 3600,
        "destinationConfig": {"onFailure": {"destination": OPERATIONS_ARN}},
    }


def test_schedule() -> None:
    schedule = deploy_component(check_interval_hours=2.0).named(f"rotation-schedule-{SUFFIX}")
    assert schedule.inputs == {
        "name": SUFFIX,
        "groupName": "rotation-schedules-0000001",
        "description": f"Checks {client_id(1)}.",
        "scheduleExpression": "rate(2 hours)",
        "state": "ENABLED",
        "flexibleTimeWindow": {"mode": "FLEXIBLE", "maximumWindowInMinutes": 15},
        "target": {
            "arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:rotation-function-0000001",
            "roleArn": f"arn:aws:iam::{ACCOUNT}:role/rotation-schedule-role-0000001",
            "input": schedule.inputs["target"]["input"],
            "retryPolicy": {"maximumRetryAttempts": 10, "maximumEventAgeInSeconds": 3600},
            "deadLetterConfig": {"arn": OPERATIONS_ARN},
        },
    }
    assert json.loads(schedule.inputs["target"]["input"]) == {
        "action": "check",
        "application": "storefront",
        "client_id": client_id(1),
        "scheduled_at": "<aws.scheduler.scheduled-time>",
        "schedule_arn": "<aws.scheduler.schedule-arn>",
    }
    assert "rotation-schedule-policy" in schedule.dependencies


def test_schedule_name_fits_the_longest_client_id() -> None:
    longest = "amzn1.application-oa2-client." + "x" * 64
    recording = deploy_component(name="a" * 32, applications={"a": {"client_id": longest}})
    (schedule,) = recording.of_type("aws:scheduler/schedule:Schedule")
    assert len(schedule.inputs["name"]) == 64
    # Pulumi appends a hyphen and seven characters to a name that it makes.
    assert all(len(each.name) + 8 <= 64 for each in recording.of_type("aws:iam/role:Role"))


@pytest.mark.parametrize(("hours", "expression"), [(1, "rate(1 hour)"), (2, "rate(2 hours)"), (24, "rate(24 hours)")])
def test_rate(hours: int, expression: str) -> None:
    assert rate(hours) == expression


def test_tags_are_merged_over_the_components_own_on_every_taggable_resource() -> None:
    recording = deploy_component(tags={"team": "shop"})
    own = {
        "spapi-rotation:identity": f"{PROJECT}/{STACK}/rotation",
        "team": "shop",
    }
    untaggable = ("Alias", "Policy", "Schedule", "FunctionEventInvokeConfig", "ClientSecretRotation", "DeletionGuard")
    for each in recording.resources:
        if not each.type.endswith(untaggable):
            tags = dict(each.inputs["tags"])
            application = tags.pop("spapi-rotation:application", None)
            assert tags == own, each.name
            assert application == ("storefront" if each.type.endswith(":Secret") else None)


def test_a_tag_of_the_user_wins_over_the_components_own() -> None:
    recording = deploy_component(tags={"spapi-rotation:identity": "mine"})
    assert recording.named("rotation-queue").inputs["tags"] == {"spapi-rotation:identity": "mine"}


def test_tags_can_be_given_late() -> None:
    recording = deploy_component(tags=pulumi.Output.from_input({"team": "shop"}))
    assert recording.named("rotation-queue").inputs["tags"]["team"] == "shop"
    assert recording.named(f"rotation-secret-{SUFFIX}").inputs["tags"]["team"] == "shop"


def test_outputs() -> None:
    recording = deploy_component()
    steps = recording.outputs.pop("registration_steps")
    assert QUEUE_ARN in steps
    assert "Application Client New Secret" in steps
    assert set(recording.outputs.pop("reader_policy_json")) == {"storefront"}
    name = f"{PROJECT}/{STACK}/rotation/{client_id(1)}"
    assert recording.outputs == {
        "identity": f"{PROJECT}/{STACK}/rotation",
        "queue_arn": QUEUE_ARN,
        "queue_url": f"{QUEUE_URL}/rotation-queue-0000001",
        "dead_letter_queue_arn": DEAD_LETTER_ARN,
        "dead_letter_queue_url": f"{QUEUE_URL}/rotation-dead-letter-queue-0000001",
        "unclaimed_queue_url": f"{QUEUE_URL}/rotation-unclaimed-queue-0000001",
        "operations_queue_url": f"{QUEUE_URL}/rotation-operations-queue-0000001",
        "secret_arns": {"storefront": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}"},
        "function_name": "rotation-function-0000001",
        "function_role_arn": f"arn:aws:iam::{ACCOUNT}:role/rotation-function-role-0000001",
        "log_group_name": f"/aws/lambda/{PROJECT}/{STACK}/rotation",
        "schedule_names": {"storefront": SUFFIX},
        "key_arn": KEY_ARN,
        "queue_key_arn": QUEUE_KEY_ARN,
        "alarm_names": {each.name: f"{PROJECT}/{STACK}/rotation/{each.name}" for each in ALARM_CATALOG},
        "alarm_topic_arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:rotation-alarm-topic-0000001",
    }
    absent = {"restart_state_machine_arn", "restart_queue_url"}
    assert set(OUTPUTS) == {*recording.outputs, "reader_policy_json", "registration_steps", *absent}


def test_without_alarms_there_are_no_names_of_alarms() -> None:
    assert deploy_component(alarms=False).outputs["alarm_names"] == {}


def test_asks_aws_by_the_components_own_provider() -> None:
    assert sorted(deploy_component().invokes) == [
        "aws:index/getCallerIdentity:getCallerIdentity",
        "aws:index/getPartition:getPartition",
        "aws:index/getRegion:getRegion",
    ]


def test_two_components_live_in_one_stack() -> None:
    def both() -> None:
        ClientSecretRotation("one", {"applications": {"a": {"client_id": client_id(1)}}})
        ClientSecretRotation("two", {"applications": {"a": {"client_id": client_id(1)}}})

    recording = deploy(both)
    names = [each.name for each in recording.resources]
    assert len(names) == len(set(names))
    given = [
        each.inputs["name"] for each in recording.resources if "name" in each.inputs and "schedule-" not in each.name
    ]
    assert len(given) == len(set(given))
