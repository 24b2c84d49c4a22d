"""Every permission of the deployed roles and policies is needed: without it something fails, and is seen.

One stack. Each permission is taken away in turn and a whole round is run: a check that requests a rotation and tries
the current secret, Amazon's delivery, receipt, promotion, event and log, undated secrets, a failed event, a schedule
and a schedule that fails. A round ends at the first thing that is seen to fail.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from sandbox.amazon.delivery import AMAZON_ACCOUNT, DeliveryRefused, SqsSender
from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.session import Sandbox, new_app
from tests.engine.fault_scenarios.deployment import World
from tests.engine.permissions import (
    FUNCTION,
    KEY,
    NO_LOG,
    NO_REPORT,
    NO_SCHEDULE_REPORT,
    QUEUE,
    QUEUE_KEY,
    SCHEDULES,
    Bench,
    Permission,
)

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]


def fails(operation: str, code: str = "AccessDeniedException") -> str:
    """The error of an AWS call, as the function tells it."""
    return f"AWS failed {operation}: {code}."


UNREADABLE = f"check fails: {fails('secretsmanager:GetSecretValue')}"
NO_COUNTS = f"check fails: {fails('sqs:GetQueueAttributes', 'AccessDenied')}"
NOT_TAKEN = "message stays: PROBLEM: the function's role may not read the queue."
NOT_READY = "check asks for nothing: QueueNotReady"

SYMPTOMS = {
    Permission(FUNCTION, "Secrets", "secretsmanager:DescribeSecret"): "check of an undated secret by hand fails: "
    + fails("secretsmanager:DescribeSecret"),
    Permission(FUNCTION, "Secrets", "secretsmanager:GetSecretValue"): UNREADABLE,
    Permission(FUNCTION, "Secrets", "secretsmanager:ListSecretVersionIds"): "check fails: "
    + fails("secretsmanager:ListSecretVersionIds"),
    Permission(FUNCTION, "Secrets", "secretsmanager:PutSecretValue"): "check fails: "
    + fails("secretsmanager:PutSecretValue"),
    Permission(FUNCTION, "Secrets", "secretsmanager:UpdateSecretVersionStage"): "check fails: "
    + fails("secretsmanager:UpdateSecretVersionStage"),
    Permission(FUNCTION, "Key", "kms:Decrypt"): UNREADABLE,
    Permission(FUNCTION, "Key", "kms:GenerateDataKey"): f"check fails: {fails('secretsmanager:PutSecretValue')}",
    Permission(FUNCTION, "QueueKey", "kms:Decrypt"): NOT_TAKEN,
    Permission(FUNCTION, "QueueKey", "kms:GetKeyPolicy"): "check warns: key_policy_unreadable",
    Permission(FUNCTION, "Receive", "sqs:DeleteMessage"): NOT_TAKEN,
    Permission(FUNCTION, "Receive", "sqs:GetQueueAttributes"): NO_COUNTS,
    Permission(FUNCTION, "Receive", "sqs:ReceiveMessage"): NOT_TAKEN,
    **{
        Permission(FUNCTION, "HandleDeadLetters", action): f"dead letters: {fails(action, 'AccessDenied')}"
        for action in ("sqs:DeleteMessage", "sqs:ReceiveMessage")
    },
    Permission(FUNCTION, "HandleDeadLetters", "sqs:GetQueueAttributes"): NO_COUNTS,
    Permission(FUNCTION, "KeepUnclaimed", "sqs:SendMessage"): "a stranger's message comes back: "
    + fails("sqs:SendMessage", "AccessDenied"),
    # Each request looks there before it posts.
    Permission(FUNCTION, "KeepUnclaimed", "sqs:ReceiveMessage"): "check fails: "
    + fails("sqs:ReceiveMessage", "AccessDenied"),
    Permission(FUNCTION, "KeepUnclaimed", "sqs:DeleteMessage"): "unclaimed: "
    + fails("sqs:DeleteMessage", "AccessDenied"),
    Permission(FUNCTION, "KeepUnclaimed", "sqs:GetQueueAttributes"): "doctor lacks sqs:GetQueueAttributes",
    Permission(FUNCTION, "ReportFailure", "sqs:SendMessage"): NO_REPORT,
    Permission(FUNCTION, "Publish", "events:PutEvents"): f"check tells nobody: {fails('events:PutEvents')}",
    Permission(FUNCTION, "ListApplications", "scheduler:ListSchedules"): "applications are not listed: "
    + fails("scheduler:ListSchedules"),
    Permission(FUNCTION, "LookUpAdoption", "scheduler:GetSchedule"): "applications are not listed: "
    + fails("scheduler:GetSchedule"),
    Permission(FUNCTION, "ReadLog", "logs:FilterLogEvents"): f"history: {fails('logs:FilterLogEvents')}",
    **{
        Permission(FUNCTION, sid, action): f"doctor lacks {action}"
        for sid, action in (
            ("LookAtMapping", "lambda:ListEventSourceMappings"),
            ("LookAtAlarms", "cloudwatch:DescribeAlarms"),
            ("LookAtSubscribers", "sns:ListSubscriptionsByTopic"),
        )
    },
    Permission(FUNCTION, "Log", "logs:CreateLogStream"): NO_LOG,
    Permission(FUNCTION, "Log", "logs:PutLogEvents"): NO_LOG,
    Permission(
        FUNCTION, "AdoptedSecrets", "secretsmanager:DescribeSecret"
    ): f"existing secret: check of an undated secret by hand fails: {fails('secretsmanager:DescribeSecret')}",
    Permission(
        FUNCTION, "AdoptedSecrets", "secretsmanager:GetSecretValue"
    ): f"existing secret: check of an undated secret by hand fails: {fails('secretsmanager:GetSecretValue')}",
    Permission(
        FUNCTION, "AdoptedSecrets", "secretsmanager:ListSecretVersionIds"
    ): f"existing secret: check of an undated secret by hand fails: {fails('secretsmanager:ListSecretVersionIds')}",
    Permission(FUNCTION, "AdoptedSecrets", "secretsmanager:PutSecretValue"): "existing secret: check fails: "
    + fails("secretsmanager:PutSecretValue"),
    Permission(
        FUNCTION, "AdoptedSecrets", "secretsmanager:UpdateSecretVersionStage"
    ): f"existing secret: check of an undated secret by hand fails: {fails('secretsmanager:UpdateSecretVersionStage')}",
    Permission(FUNCTION, "AdoptedKeys", "kms:Decrypt"): "existing secret: check of an undated secret by hand fails: "
    + fails("secretsmanager:GetSecretValue"),
    Permission(FUNCTION, "AdoptedKeys", "kms:GenerateDataKey"): "existing secret: check fails: "
    + fails("secretsmanager:PutSecretValue"),
    Permission(SCHEDULES, "Check", "lambda:InvokeFunction"): "schedule fails: AccessDeniedException",
    Permission(SCHEDULES, "ReportFailure", "sqs:SendMessage"): NO_SCHEDULE_REPORT,
    Permission(SCHEDULES, "EncryptReport", "kms:Decrypt"): NO_SCHEDULE_REPORT,
    Permission(SCHEDULES, "EncryptReport", "kms:GenerateDataKey"): NO_SCHEDULE_REPORT,
    Permission(QUEUE, "AllowAmazonToSend", "sqs:GetQueueAttributes"): NOT_READY,
    Permission(QUEUE, "AllowAmazonToSend", "sqs:SendMessage"): NOT_READY,
    Permission(KEY, "AccountAdministers", "kms:*"): UNREADABLE,
    Permission(QUEUE_KEY, "AccountAdministers", "kms:*"): "check warns: key_policy_unreadable",
    Permission(QUEUE_KEY, "AllowAmazonToEncrypt", "kms:Decrypt"): NOT_READY,
    Permission(QUEUE_KEY, "AllowAmazonToEncrypt", "kms:GenerateDataKey"): NOT_READY,
}
"""What is seen to fail without each permission that the emulator enforces."""

NO_TLS = "The emulator speaks TLS only, so that plain text cannot be tried; a Deny, without which nothing fails."
NO_LOG_KEY = "The emulator does not encrypt logs."
NO_TOPIC_KEY = "The emulator does not encrypt what alarms publish."

UNOBSERVABLE = {
    Permission(QUEUE, "DenyPlainText", "sqs:*"): NO_TLS,
    **{
        Permission(KEY, "AllowLogGroup", f"kms:{action}"): NO_LOG_KEY
        for action in ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey*", "ReEncrypt*")
    },
    **{Permission(KEY, "AllowAlarms", f"kms:{action}"): NO_TOPIC_KEY for action in ("Decrypt", "GenerateDataKey*")},
}
"""Permissions whose lack the emulator does not show, with the reason; their definition is checked instead."""


ADOPTED = 18
"""Existing secrets: more than there are rounds that use one."""


AMAZON_IS_REFUSED = {
    Permission(QUEUE, "AllowAmazonToSend", "sqs:GetQueueAttributes"): "GetQueueAttributes: AccessDenied",
    Permission(QUEUE, "AllowAmazonToSend", "sqs:SendMessage"): "SendMessage: AccessDenied",
    Permission(QUEUE_KEY, "AllowAmazonToEncrypt", "kms:Decrypt"): "SendMessage: KMS.AccessDeniedException",
    Permission(QUEUE_KEY, "AllowAmazonToEncrypt", "kms:GenerateDataKey"): "SendMessage: KMS.AccessDeniedException",
}
"""What Amazon's sender itself is told without each of its permissions; the function notices before it asks Amazon."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder: Path = tmp_path_factory.mktemp("permissions") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        base, adopted = new_app("base"), [new_app(f"adopted-{number}") for number in range(ADOPTED)]
        key_arn = box.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        config = box.config([base, *adopted])
        config["event_bus_arn"] = box.aws.client("events").create_event_bus(Name="own")["EventBusArn"]
        for app in adopted:
            secret = box.aws.client("secretsmanager").create_secret(Name=app.name, KmsKeyId=key_arn)["ARN"]
            config["applications"][app.name] |= {"secret_arn": secret, "secret_key_arn": key_arn}
        box.stack.configure(config)
        box.stack.up()
        world = World(box, [base, *adopted])
        yield Bench(world, base, adopted)
        world.close()


def test_with_every_permission_a_round_is_whole(bench: Bench) -> None:
    assert bench.round(*bench.prepare()) is None


def test_every_permission_is_looked_at(bench: Bench) -> None:
    deployed = {permission for name, policy in bench.policies.items() for permission in policy.permissions(name)}
    assert deployed == set(SYMPTOMS) | set(UNOBSERVABLE)


@pytest.mark.parametrize("permission", SYMPTOMS, ids="/".join)
def test_without_it_something_is_seen_to_fail(bench: Bench, permission: Permission) -> None:
    prepared = bench.prepare()
    with bench.lacking(permission):
        assert bench.round(*prepared) == SYMPTOMS[permission]


@pytest.mark.parametrize("permission", AMAZON_IS_REFUSED, ids="/".join)
def test_without_it_amazon_cannot_deliver(bench: Bench, permission: Permission) -> None:
    sender = SqsSender(bench.world.box.aws.client("sqs", AMAZON_ACCOUNT))
    with bench.lacking(permission), pytest.raises(DeliveryRefused) as refused:
        sender.check(bench.world.queue_url)
        sender.send(bench.world.queue_url, "{}")
    assert str(refused.value) == AMAZON_IS_REFUSED[permission]


def test_the_lack_of_the_unobservable_ones_is_not_seen(bench: Bench) -> None:
    """If this fails, one of them is enforced by now, and belongs to the others."""
    prepared = bench.prepare()
    with bench.lacking(*UNOBSERVABLE):
        assert bench.round(*prepared) is None


# --- the definitions, compared with what AWS's documentation asks for ---

OWN_SECRET, ADOPTED_SECRET = "a secret of the component", "an existing secret"
OTHERS_SECRET, NEIGHBOUR = "another secret", "another secret of the same prefix"
OWN_KEY, OWN_QUEUE_KEY, ADOPTED_KEY, OTHERS_KEY = (
    "the key",
    "the queue's key",
    "the existing secret's key",
    "another key",
)
DESTINATION, DEAD_LETTERS, OPERATIONS, OTHERS_QUEUE = "the queue", "dead letters", "operations", "another queue"
UNCLAIMED = "unclaimed"
BUS, OTHERS_BUS, LOG, OTHERS_LOG = "the bus", "another bus", "the log", "another log"
TOPIC, OTHERS_TOPIC = "the alarms' topic", "another topic"
ITSELF, OTHERS_FUNCTION, SCHEDULE, OTHERS_SCHEDULE = (
    "the function",
    "another function",
    "a schedule",
    "another schedule",
)

SECRET_OPERATIONS = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)

NEEDED = {
    FUNCTION: {
        # Secrets Manager API reference, the five operations of the function. Developer guide, "Secret encryption and
        # decryption": reading needs kms:Decrypt, writing kms:GenerateDataKey and kms:Decrypt.
        *product((OWN_SECRET, ADOPTED_SECRET), SECRET_OPERATIONS),
        *product((OWN_KEY, ADOPTED_KEY), ("kms:Decrypt", "kms:GenerateDataKey")),
        # SQS developer guide, "Configuring an Amazon SQS queue to trigger an AWS Lambda function": these three, and
        # kms:Decrypt if the queue is encrypted. No ChangeMessageVisibility: what failed comes back when its time runs
        # out (Lambda developer guide, "Handling errors for an SQS event source"). The function reads both queues'
        # attributes itself, too.
        (DESTINATION, "sqs:ReceiveMessage"),
        (DESTINATION, "sqs:DeleteMessage"),
        (DESTINATION, "sqs:GetQueueAttributes"),
        (DEAD_LETTERS, "sqs:GetQueueAttributes"),
        # The operator interface shows, handles again and discards dead letters. SQS API reference.
        (DEAD_LETTERS, "sqs:ReceiveMessage"),
        (DEAD_LETTERS, "sqs:DeleteMessage"),
        # It moves strangers' messages to the unclaimed queue, counts them, and takes back what is ours.
        (UNCLAIMED, "sqs:SendMessage"),
        (UNCLAIMED, "sqs:GetQueueAttributes"),
        (UNCLAIMED, "sqs:ReceiveMessage"),
        (UNCLAIMED, "sqs:DeleteMessage"),
        (OWN_QUEUE_KEY, "kms:Decrypt"),
        # The function looks whether Amazon may use the key. KMS API reference, GetKeyPolicy.
        (OWN_QUEUE_KEY, "kms:GetKeyPolicy"),
        # Lambda developer guide, "Retaining records of asynchronous invocations"; SQS developer guide, "Key
        # management": a producer needs kms:GenerateDataKey and kms:Decrypt.
        (OPERATIONS, "sqs:SendMessage"),
        # EventBridge API reference, PutEvents; Scheduler API reference, GetSchedule.
        (BUS, "events:PutEvents"),
        (SCHEDULE, "scheduler:GetSchedule"),
        # Lambda developer guide, "Sending Lambda function logs to CloudWatch Logs", for a group that is there.
        (LOG, "logs:CreateLogStream"),
        (LOG, "logs:PutLogEvents"),
        # The operator interface tells the history and who hears the alarms. CloudWatch Logs API reference,
        # FilterLogEvents; SNS API reference, ListSubscriptionsByTopic.
        (LOG, "logs:FilterLogEvents"),
        (TOPIC, "sns:ListSubscriptionsByTopic"),
    },
    SCHEDULES: {
        # Scheduler user guide, "Setting up the execution role" and "Configuring a dead-letter queue"; for an
        # encrypted one kms:GenerateDataKey and kms:Decrypt, as for every producer.
        (ITSELF, "lambda:InvokeFunction"),
        (OPERATIONS, "sqs:SendMessage"),
        (OWN_KEY, "kms:Decrypt"),
        (OWN_KEY, "kms:GenerateDataKey"),
    },
}
"""What each role needs, on what. Written from AWS's documentation, not from the policies."""

ON_EVERYTHING = {
    # The first two know no resources: whoever may list, may list them all. Alarms are asked for by the beginning of
    # their names, for which a narrower scope is not documented.
    FUNCTION: {"scheduler:ListSchedules", "lambda:ListEventSourceMappings", "cloudwatch:DescribeAlarms"},
    SCHEDULES: set[str](),
}
"""What each role may do on every resource, since the action cannot be limited to some."""

SERVICES = ("secretsmanager", "sqs", "kms", "events", "logs", "lambda", "scheduler", "sns", "iam", "sts", "cloudwatch")


def every_action() -> list[str]:
    """Every operation of these services as an action, by the AWS SDK's own models, and Lambda's one of another name."""
    session = botocore.session.Session()
    named = {f"{each}:{name}" for each in SERVICES for name in session.get_service_model(each).operation_names}
    return sorted(named | {"lambda:InvokeFunction"})


def resources(bench: Bench) -> dict[str, str]:
    """The ARNs of what there is, and of what belongs to somebody else."""
    here, world, schedule = f"{REGION}:{ACCOUNT}", bench.world, str(bench.schedule["Arn"])
    return {
        OWN_SECRET: world.arn(bench.base),
        ADOPTED_SECRET: world.arn(bench.adopted[0]),
        OTHERS_SECRET: f"arn:aws:secretsmanager:{here}:secret:other/{bench.base.client_id}-AbCdEf",
        NEIGHBOUR: f"{world.arn(bench.base).rpartition('/')[0]}/database-AbCdEf",
        OWN_KEY: bench.key_arn,
        OWN_QUEUE_KEY: bench.queue_key_arn,
        ADOPTED_KEY: world.secrets.describe_secret(SecretId=world.arn(bench.adopted[0]))["KmsKeyId"],
        OTHERS_KEY: f"arn:aws:kms:{here}:key/{uuid.uuid4()}",
        DESTINATION: bench.queue_arn,
        DEAD_LETTERS: f"arn:aws:sqs:{here}:{world.dead_letter_url.rpartition('/')[2]}",
        UNCLAIMED: f"arn:aws:sqs:{here}:{bench.world.unclaimed_url.rpartition('/')[2]}",
        OPERATIONS: f"arn:aws:sqs:{here}:{world.operations_url.rpartition('/')[2]}",
        OTHERS_QUEUE: f"arn:aws:sqs:{here}:other",
        BUS: f"arn:aws:events:{here}:event-bus/own",
        OTHERS_BUS: f"arn:aws:events:{here}:event-bus/default",
        LOG: f"arn:aws:logs:{here}:log-group:{bench.log_group}:log-stream:any",
        OTHERS_LOG: f"arn:aws:logs:{here}:log-group:/aws/lambda/other:log-stream:any",
        TOPIC: bench.topic_arn,
        OTHERS_TOPIC: f"arn:aws:sns:{here}:other",
        ITSELF: bench.function_arn,
        OTHERS_FUNCTION: f"arn:aws:lambda:{here}:function:other",
        SCHEDULE: schedule,
        OTHERS_SCHEDULE: f"arn:aws:scheduler:{here}:schedule/default/{schedule.rpartition('/')[2]}",
    }


def allowed(bench: Bench, document: Mapping[str, Any], resource: str, verdict: str = "allowed") -> set[str]:
    """The actions on a resource that a policy allows (or whatever the verdict is), by IAM's simulation."""
    answer = bench.world.box.aws.client("iam").simulate_custom_policy(
        PolicyInputList=[json.dumps(document)], ActionNames=every_action(), ResourceArns=[resource]
    )
    return {each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] == verdict}


@pytest.mark.parametrize("role", NEEDED)
def test_a_role_may_do_exactly_what_is_needed(bench: Bench, role: str) -> None:
    # The simulation knows no keys of conditions: those of the existing secret's key are looked at by themselves.
    statements = [{**each, "Condition": {}} for each in bench.policies[role].document["Statement"]]
    document = {**bench.policies[role].document, "Statement": statements}
    assert not [each for each in bench.policies[role].permissions(role) if "*" in each.action]
    may = {(name, action) for name, arn in resources(bench).items() for action in allowed(bench, document, arn)}
    assert may == NEEDED[role] | set(product(resources(bench), ON_EVERYTHING[role]))


def test_the_existing_secrets_key_serves_secrets_manager_alone(bench: Bench) -> None:
    conditions = {
        each["Sid"]: each["Condition"] for each in bench.policies[FUNCTION].document["Statement"] if "Condition" in each
    }
    assert conditions == {"AdoptedKeys": {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}}}


def test_the_queues_refuse_plain_text_to_everyone(bench: Bench) -> None:
    for url in (
        bench.world.queue_url,
        bench.world.dead_letter_url,
        bench.world.unclaimed_url,
        bench.world.operations_url,
    ):
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"
        document = bench.queue_policy(url).document
        (deny,) = (each for each in document["Statement"] if each["Effect"] == "Deny")
        assert (deny["Principal"], deny["Condition"]) == ({"AWS": "*"}, {"Bool": {"aws:SecureTransport": "false"}})
        # The simulation's caller comes without TLS.
        everything = {action for action in every_action() if action.startswith("sqs:")}
        assert allowed(bench, {**document, "Statement": [deny]}, arn, "explicitDeny") == everything


KEY_SERVICES = {
    # CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS KMS": Encrypt*, Decrypt*, ReEncrypt*,
    # GenerateDataKey* and Describe*, of which the operations on a key, for one log group by its encryption context.
    "AllowLogGroup": (
        f"logs.{REGION}.amazonaws.com",
        {"Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncrypt"},
        {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn"}},
    ),
    # SNS developer guide, "Key management": kms:GenerateDataKey* and kms:Decrypt for the service that publishes.
    "AllowAlarms": (
        "cloudwatch.amazonaws.com",
        {"Decrypt", "GenerateDataKey"},
        {"StringEquals": {"aws:SourceAccount"}, "ArnLike": {"aws:SourceArn"}},
    ),
}


@pytest.mark.parametrize("sid", KEY_SERVICES)
def test_the_key_serves_a_service_as_documented(bench: Bench, sid: str) -> None:
    service, operations, conditions = KEY_SERVICES[sid]
    (statement,) = (each for each in bench.policies[KEY].document["Statement"] if each["Sid"] == sid)
    assert statement["Principal"] == {"Service": service}
    assert {name: set(keys) for name, keys in statement["Condition"].items()} == conditions
    plain = {"Effect": "Allow", "Action": statement["Action"], "Resource": "*"}
    may = allowed(bench, {"Version": "2012-10-17", "Statement": [plain]}, bench.key_arn)
    variants = {"WithoutPlaintext", "Pair", "PairWithoutPlaintext"}
    generated = {f"GenerateDataKey{variant}" for variant in variants}
    assert may - {f"kms:{name}" for name in generated} == {f"kms:{name}" for name in operations}
    assert {f"kms:{name}" for name in generated} <= may


def test_amazons_sender_may_do_exactly_what_amazon_documents(bench: Bench) -> None:
    # "Set up credential rotation notifications" (queue), and the notifications guide on encrypted queues (key).
    for policy, resource, actions in (
        (QUEUE, bench.queue_arn, {"sqs:GetQueueAttributes", "sqs:SendMessage"}),
        (QUEUE_KEY, bench.queue_key_arn, {"kms:Decrypt", "kms:GenerateDataKey"}),
        (KEY, bench.key_arn, set[str]()),
    ):
        statements = [
            each
            for each in bench.policies[policy].document["Statement"]
            if each["Principal"] == {"AWS": f"arn:aws:iam::{AMAZON_ACCOUNT}:root"}
        ]
        assert allowed(bench, {"Version": "2012-10-17", "Statement": statements}, resource) == actions
