"""The rotation function: its role, its environment, and what happens to its events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from spapi_rotation.function_archive.archive import function_code
from spapi_rotation.resources.adopted_secrets import AdoptedSecrets, secret_keys, validated_environment
from spapi_rotation.resources.existing import EncryptionKey
from spapi_rotation.resources.iam import allow, create_role, document, put_policy, trust_policy
from spapi_rotation.resources.queue import FUNCTION_TIMEOUT_SECONDS, Queues
from spapi_rotation.scope import Scope
from spapi_rotation.validation.arguments import ValidArgs
from spapi_rotation.validation.inputs import MaybeOutput, in_own_region, text_of
from spapi_rotation_lambda.settings import HANDLER, Env

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"
MEMORY_MB = 256
MAX_CONCURRENCY = 2
"""The lowest that Lambda allows for a queue. Source: Lambda guide, "Configuring maximum concurrency"."""

MAX_EVENT_AGE_SECONDS = 3600
"""A check that could not start for an hour is worth nothing: the next one is due."""

DEFAULT_BUS = "default"

SECRET_ACTIONS = (
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
QUEUE_ACTIONS = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
"""What Lambda needs to read a queue. Source: SQS developer guide, "Configuring an Amazon SQS queue to trigger an AWS
Lambda function", whose list of the execution role's permissions these are."""

KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
QUEUE_KEY_ACTIONS = ("kms:Decrypt", "kms:GetKeyPolicy")
NETWORK_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda needs of the role to bring the function into a VPC.

Source: Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC"."""

REPLICA_KEY_ACTIONS = ("kms:Encrypt", "kms:GenerateDataKey")
"""What it takes to encrypt a replica. Source: Secrets Manager API reference, ReplicateSecretToRegions, of who makes it;
for who writes the value later nothing is documented, so that the function has the same rights."""


@dataclass(frozen=True, slots=True)
class Function:
    """The function and what a caller must wait for before it works.

    Attributes:
        function: the Lambda function.
        role: its execution role.
        environment: its environment variables, which are also the settings of `pulumi up`'s own request.
        ready: role policy and mapping; without them a delivered secret would not be taken.
    """

    function: aws.lambda_.Function
    role: aws.iam.Role
    environment: Mapping[str, pulumi.Input[str]]
    ready: tuple[pulumi.Resource, ...]


def environment(
    scope: Scope,
    args: ValidArgs,
    *,
    queues: Queues,
    schedule_group: pulumi.Input[str],
    adopted: AdoptedSecrets | None,
    bus: pulumi.Input[str],
) -> dict[str, pulumi.Input[str]]:
    """The function's environment variables; texts only, no secret."""
    variables: dict[str, pulumi.Input[str]] = {
        Env.SECRET_PREFIX.value: args.secret_prefix,
        Env.QUEUE_URL.value: queues.destination.url,
        Env.DEAD_LETTER_QUEUE_URL.value: queues.dead_letter.url,
        Env.UNCLAIMED_QUEUE_URL.value: queues.unclaimed.url,
        Env.SPAPI_ENDPOINT.value: args.spapi_endpoint,
        Env.LWA_ENDPOINT.value: args.lwa_endpoint,
        Env.ROTATE_EVERY_DAYS.value: text_of(args.rotate_every_days),
        Env.PROMOTE_DELAY_MINUTES.value: text_of(args.promote_delay_minutes),
        Env.VERIFICATION.value: args.verification,
        Env.EVENT_BUS.value: bus,
        Env.SCHEDULE_GROUP.value: schedule_group,
        Env.CHECK_INTERVAL_HOURS.value: text_of(args.check_interval_hours),
        Env.PAUSED.value: text_of(args.paused),
        Env.EXPIRY_ALARM_DAYS.value: text_of(args.expiry_alarm_days),
        Env.ALARMS.value: text_of(args.alarms),
        Env.COMPONENT.value: scope.identity,
    }
    if args.rotation_window is not None:
        variables[Env.ROTATION_WINDOW.value] = args.rotation_window
    maps = {
        Env.ADOPTED_SECRETS: adopted.environment if adopted is not None else None,
        Env.SECRET_KEYS: secret_keys(args.applications),
    }
    return {**variables, **validated_environment(variables, maps)}


def function_policy(
    scope: Scope,
    *,
    secret_prefix: pulumi.Input[str],
    key_arn: pulumi.Input[str],
    queue_key_arn: pulumi.Input[str] | None,
    queues: Queues,
    log_group_arn: pulumi.Input[str],
    schedule_group: pulumi.Input[str],
    topic_arn: pulumi.Input[str] | None,
    adopted: AdoptedSecrets | None,
    bus_arn: pulumi.Input[str] | None,
    replica_regions: pulumi.Output[Mapping[str, str]] | None,
    network: bool,
) -> dict[str, Any]:
    """What the function may do. Only existing secrets make it longer; others are covered by their common name."""
    # Only names that end in a client id; Secrets Manager appends a hyphen and six characters to an ARN.
    secrets = scope.arn(
        "secretsmanager", pulumi.Output.concat("secret:", secret_prefix, "/amzn1.application-oa2-client.*")
    )
    return document(
        allow("Secrets", SECRET_ACTIONS, secrets),
        # Lambda decrypts the function's environment by the same right.
        allow("Key", KEY_ACTIONS, key_arn),
        # The function looks whether Amazon may use it.
        *([allow("QueueKey", QUEUE_KEY_ACTIONS, queue_key_arn)] if queue_key_arn is not None else []),
        allow("Receive", QUEUE_ACTIONS, queues.destination.arn),
        allow("HandleDeadLetters", QUEUE_ACTIONS, queues.dead_letter.arn),
        # What is for a stranger is moved there, and taken back when the application is added.
        allow("KeepUnclaimed", (*QUEUE_ACTIONS, "sqs:SendMessage"), queues.unclaimed.arn),
        allow("ReportFailure", ("sqs:SendMessage",), queues.operations.arn),
        allow("Publish", ("events:PutEvents",), bus_arn or scope.arn("events", f"event-bus/{DEFAULT_BUS}")),
        # The operator interface names the applications by their schedules. ListSchedules knows no resources.
        allow("ListApplications", ("scheduler:ListSchedules",), "*"),
        # The doctor looks whether Lambda reads the queue. ListEventSourceMappings knows no resources.
        allow("LookAtMapping", ("lambda:ListEventSourceMappings",), "*"),
        *_alarm_statements(topic_arn),
        # When a schedule was made is when its application was adopted.
        allow(
            "LookUpAdoption",
            ("scheduler:GetSchedule",),
            scope.arn("scheduler", pulumi.Output.concat("schedule/", schedule_group, "/*")),
        ),
        allow(
            "Log",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            pulumi.Output.concat(log_group_arn, ":*"),
        ),
        # The operator interface tells the history.
        allow("ReadLog", ("logs:FilterLogEvents",), pulumi.Output.concat(log_group_arn, ":*")),
        *_adopted_statements(scope, adopted),
        *_replica_statements(replica_regions),
        *(_network_statements() if network else ()),
    )


def create_function(
    scope: Scope,
    args: ValidArgs,
    *,
    key: EncryptionKey,
    queue_key: EncryptionKey | None,
    queues: Queues,
    log_group: aws.cloudwatch.LogGroup,
    schedule_group: pulumi.Input[str],
    topic_arn: pulumi.Input[str] | None,
    adopted: AdoptedSecrets | None,
    replica_regions: pulumi.Output[Mapping[str, str]] | None,
) -> Function:
    """Make the function and its role, and connect it to the destination queue.

    Args:
        key: encrypts the environment, too; the role may decrypt by it anyway.
        topic_arn: the alarms' topic, for whoever asks the function about the alarms; None if there are none.
    """
    bus_arn = bus_in_region(scope, args.event_bus_arn) if args.event_bus_arn is not None else None
    role = create_role(
        scope,
        args.roles,
        "function-role",
        description="SP-API secret rotation: the function.",
        trust=trust_policy("lambda.amazonaws.com"),
    )
    policy = function_policy(
        scope,
        secret_prefix=args.secret_prefix,
        key_arn=key.arn,
        queue_key_arn=queue_key.arn if queue_key is not None else None,
        queues=queues,
        log_group_arn=log_group.arn,
        schedule_group=schedule_group,
        topic_arn=topic_arn,
        adopted=adopted,
        bus_arn=bus_arn,
        replica_regions=replica_regions,
        network=args.network is not None,
    )
    role_policy = put_policy(scope, "function-policy", role, policy)
    variables = environment(
        scope, args, queues=queues, schedule_group=schedule_group, adopted=adopted, bus=bus_arn or DEFAULT_BUS
    )
    function = aws.lambda_.Function(
        f"{scope.name}-function",
        description="Rotates SP-API client secrets.",
        code=function_code(),
        handler=HANDLER,
        runtime=RUNTIME,
        architectures=[ARCHITECTURE],
        memory_size=MEMORY_MB,
        timeout=FUNCTION_TIMEOUT_SECONDS,
        role=role.arn,
        environment={"variables": variables},
        kms_key_arn=key.arn,
        reserved_concurrent_executions=_reserved(args.reserved_concurrency),
        vpc_config=None
        if args.network is None
        else {"subnet_ids": args.network.subnet_ids, "security_group_ids": args.network.security_group_ids},
        logging_config={
            "log_format": "JSON",
            "log_group": log_group.name,
            # Named, so that an update puts them back: from WARN on, Lambda drops the metrics, which are log lines.
            "application_log_level": "INFO",
            "system_log_level": "INFO",
        },
        tags=scope.tags,
        opts=scope.options(depends_on=[role_policy]),
    )
    mapping = _connect(scope, function, queues, role_policy)
    return Function(function, role, variables, (role_policy, mapping))


def bus_in_region(scope: Scope, arn: MaybeOutput[str]) -> pulumi.Output[str]:
    """The ARN of the given bus.

    Raises:
        InvalidArgument: from the output, during the preview: it lies in another region.
    """
    remedy = "Use a bus in the component's region, with a rule there that brings the events to the other one."
    return in_own_region("event_bus_arn", arn, scope.region, remedy)


def _connect(
    scope: Scope, function: aws.lambda_.Function, queues: Queues, role_policy: aws.iam.RolePolicy
) -> aws.lambda_.EventSourceMapping:
    """Messages come one at a time; a failed check is not repeated but reported."""
    mapping = aws.lambda_.EventSourceMapping(
        f"{scope.name}-function-source",
        event_source_arn=queues.destination.arn,
        function_name=function.name,
        batch_size=1,
        enabled=True,
        scaling_config={"maximum_concurrency": MAX_CONCURRENCY},
        tags=scope.tags,
        opts=scope.options(depends_on=[role_policy]),
    )
    aws.lambda_.FunctionEventInvokeConfig(
        f"{scope.name}-function-events",
        function_name=function.name,
        maximum_retry_attempts=0,
        maximum_event_age_in_seconds=MAX_EVENT_AGE_SECONDS,
        destination_config={"on_failure": {"destination": queues.operations.arn}},
        opts=scope.options(depends_on=[role_policy]),
    )
    return mapping


def _alarm_statements(topic_arn: pulumi.Input[str] | None) -> list[dict[str, Any]]:
    """For the doctor: which alarms sound, and who hears them."""
    if topic_arn is None:
        return []
    return [
        # By the beginning of their names, as a list; for that a narrower scope is not documented.
        allow("LookAtAlarms", ("cloudwatch:DescribeAlarms",), "*"),
        allow("LookAtSubscribers", ("sns:ListSubscriptionsByTopic",), topic_arn),
    ]


def _adopted_statements(scope: Scope, adopted: AdoptedSecrets | None) -> list[dict[str, Any]]:
    """The same rights on exactly the existing secrets, and their keys' use by Secrets Manager for these alone."""
    if adopted is None:
        return []
    statements = [allow("AdoptedSecrets", SECRET_ACTIONS, list(adopted.secret_arns.values()))]
    if adopted.key_arns is not None:
        service = pulumi.Output.concat("secretsmanager.", scope.region, ".amazonaws.com")
        condition = {"StringEquals": {"kms:ViaService": service}}
        statements.append(allow("AdoptedKeys", KEY_ACTIONS, adopted.key_arns) | {"Condition": condition})
    return statements


def _replica_statements(replica_regions: pulumi.Output[Mapping[str, str]] | None) -> list[dict[str, Any]]:
    """The replicas' keys' use by Secrets Manager, each in its region."""
    if replica_regions is None:
        return []
    keys = replica_regions.apply(lambda regions: sorted(regions.values()))
    services = replica_regions.apply(
        lambda regions: [f"secretsmanager.{each}.amazonaws.com" for each in sorted(regions)]
    )
    condition = {"StringEquals": {"kms:ViaService": services}}
    return [allow("EncryptReplicas", REPLICA_KEY_ACTIONS, keys) | {"Condition": condition}]


def _network_statements() -> list[dict[str, Any]]:
    """For Lambda, which makes network interfaces by the function's role, and not for the function's own code.

    Source: the same page of the Lambda developer guide; only calls of the code itself have this condition key.
    """
    inside = {"Null": {"lambda:SourceFunctionArn": "false"}}
    denied = {"Sid": "NoNetworkForCode", "Effect": "Deny", "Action": list(NETWORK_ACTIONS), "Resource": "*"}
    return [allow("Network", NETWORK_ACTIONS, "*"), denied | {"Condition": inside}]


def _reserved(runs: MaybeOutput[int]) -> pulumi.Input[int] | None:
    """As the provider wants it, which takes 0 for a function that never runs, and -1 for no limit."""
    if isinstance(runs, pulumi.Output):
        return runs.apply(lambda known: known or -1)
    return runs or None
