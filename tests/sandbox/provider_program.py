"""A Pulumi program that uses every resource type of the stand-in provider, with every property it knows.

Copied as ``__main__.py`` into a project. Stack configuration: ``variant`` (``first`` or ``second``: the second changes
one property of each resource in place), ``code`` (a folder with the function's code), ``invoke`` (a trigger).
"""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
second = config.require("variant") == "second"
code_folder = Path(config.require("code"))
account = aws.get_caller_identity().account_id
region = aws.get_region().region
partition = aws.get_partition().partition


def policy(*statements: dict[str, object]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2)


def allow(service: str) -> str:
    """A policy that lets a service assume a role."""
    return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


tags = {"kind": "test", **({"more": "yes"} if second else {})}
seconds = 90 if second else 60
key = aws.kms.Key(
    "key",
    description=f"Version {seconds}",
    deletion_window_in_days=7,
    enable_key_rotation=True,
    policy=policy(
        {
            "Sid": "Owner",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
            "Action": ["kms:*"],
            "Resource": "*",
        }
    ),
    tags=tags,
)
alias = aws.kms.Alias("alias", name="alias/provider-test", target_key_id=key.arn)
dead = aws.sqs.Queue("dead", message_retention_seconds=1_209_600, kms_master_key_id=key.arn, tags=tags)
queue = aws.sqs.Queue(
    "queue",
    message_retention_seconds=1_209_600,
    visibility_timeout_seconds=seconds * 6,
    kms_master_key_id=key.arn,
    kms_data_key_reuse_period_seconds=600,
    redrive_policy=dead.arn.apply(lambda arn: json.dumps({"maxReceiveCount": 10, "deadLetterTargetArn": arn})),
    receive_wait_time_seconds=10,
    max_message_size=262_144,
    delay_seconds=1 if second else 0,
    tags=tags,
)
queue_policy = aws.sqs.QueuePolicy(
    "queue",
    queue_url=queue.url,
    policy=queue.arn.apply(
        lambda arn: policy(
            {
                "Sid": "Second" if second else "First",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": ["sqs:SendMessage"],
                "Resource": arn,
            }
        )
    ),
)
redrive = aws.sqs.RedriveAllowPolicy(
    "dead",
    queue_url=dead.id,
    redrive_allow_policy=queue.arn.apply(
        lambda arn: json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn]})
    ),
)
own_dead, own_redrive = aws.sqs.Queue("own-dead", tags=tags), aws.sqs.Queue("own-redrive", tags=tags)
redrive_policy = aws.sqs.RedrivePolicy(
    "own-redrive",
    queue_url=own_redrive.url,
    redrive_policy=own_dead.arn.apply(
        lambda arn: json.dumps({"maxReceiveCount": 9 if second else 10, "deadLetterTargetArn": arn})
    ),
)
secret = aws.secretsmanager.Secret(
    "secret",
    name="provider-test/secret",
    description=f"Version {seconds}",
    kms_key_id=key.arn,
    recovery_window_in_days=0,
    force_overwrite_replica_secret=True,
    replicas=[
        aws.secretsmanager.SecretReplicaArgs(region=each)
        for each in ("eu-west-1", *(("ap-northeast-1",) if second else ()))
    ],
    tags=tags,
)
secret_policy = aws.secretsmanager.SecretPolicy(
    "secret",
    secret_arn=secret.arn,
    policy=policy(
        {
            "Sid": "Second" if second else "First",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "*",
        }
    ),
    block_public_policy=True,
)
role = aws.iam.Role(
    "role",
    description=f"Version {seconds}",
    assume_role_policy=allow("lambda.amazonaws.com"),
    path="/provider-test/",
    max_session_duration=7200,
    force_detach_policies=True,
    tags=tags,
)
role_policy = aws.iam.RolePolicy(
    "role",
    role=role.id,
    policy=pulumi.Output.all(queue.arn, secret.arn).apply(
        lambda arns: policy(
            {
                "Effect": "Allow",
                "Action": [
                    "sqs:ReceiveMessage",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:SendMessage",
                    "logs:*",
                    "kms:*",
                    "ec2:*",
                    *(["sqs:ChangeMessageVisibility"] if second else []),
                ],
                "Resource": "*",
            },
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arns[1]},
        )
    ),
)
logs = aws.cloudwatch.LogGroup(
    "logs",
    name="/provider-test/function",
    retention_in_days=60 if second else 30,
    kms_key_id=key.arn,
    log_group_class="STANDARD",
    skip_destroy=False,
    tags=tags,
)
function = aws.lambda_.Function(
    "function",
    description=f"Version {seconds}",
    code=pulumi.AssetArchive(
        {
            "handler.py": pulumi.FileAsset(str(code_folder / "handler.py")),
            "generated.py": pulumi.StringAsset(f"VERSION = {seconds}\n"),
            "nested": pulumi.FileArchive(str(code_folder / "nested")),
        }
    ),
    handler="handler.handler",
    runtime="python3.13",
    architectures=["arm64"],
    memory_size=256 if second else 128,
    timeout=30,
    role=role.arn,
    environment={"variables": {"SECRET_ARN": secret.arn, "HIDDEN": pulumi.Output.secret("obviously-fake")}},
    logging_config={
        "log_format": "JSON",
        "log_group": logs.name,
        "application_log_level": "INFO",
        "system_log_level": "WARN",
    },
    kms_key_arn=key.arn,
    reserved_concurrent_executions=6 if second else 5,
    vpc_config={"subnet_ids": [config.require("subnet")], "security_group_ids": [config.require("group")]},
    package_type="Zip",
    publish=False,
    skip_destroy=False,
    tags=tags,
    opts=pulumi.ResourceOptions(depends_on=[role_policy]),
)
mapping = aws.lambda_.EventSourceMapping(
    "mapping",
    event_source_arn=queue.arn,
    function_name=function.name,
    batch_size=1,
    enabled=not second,
    scaling_config={"maximum_concurrency": 3 if second else 2},
    function_response_types=["ReportBatchItemFailures"],
    maximum_batching_window_in_seconds=0,
    tags=tags,
)
failures = aws.lambda_.FunctionEventInvokeConfig(
    "failures",
    function_name=function.name,
    maximum_retry_attempts=1 if second else 0,
    maximum_event_age_in_seconds=3600,
    destination_config={"on_failure": {"destination": dead.arn}},
)
call = aws.lambda_.Invocation(
    "call",
    function_name=function.name,
    input=json.dumps({"from": "up"}),
    triggers={"asked": config.require("invoke")},
    lifecycle_scope="CREATE_ONLY",
)
every_change = aws.lambda_.Invocation(
    "every-change",
    function_name=function.name,
    input=json.dumps({"version": seconds}),
    lifecycle_scope="CRUD",
    qualifier="$LATEST",
    terraform_key="pulumi",
)
group = aws.scheduler.ScheduleGroup("group", tags=tags)
scheduler_role = aws.iam.Role("scheduler", assume_role_policy=allow("scheduler.amazonaws.com"))
schedule = aws.scheduler.Schedule(
    "schedule",
    group_name=group.name,
    description=f"Version {seconds}",
    schedule_expression="rate(2 hours)" if second else "rate(1 hours)",
    schedule_expression_timezone="Europe/Berlin",
    flexible_time_window={"mode": "FLEXIBLE", "maximum_window_in_minutes": 5},
    state="DISABLED",
    kms_key_arn=key.arn,
    target={
        "arn": function.arn,
        "role_arn": scheduler_role.arn,
        "input": json.dumps({"action": "check"}),
        "retry_policy": {"maximum_retry_attempts": 2, "maximum_event_age_in_seconds": 3600},
        "dead_letter_config": {"arn": dead.arn},
    },
)
machine_role = aws.iam.Role("machine", assume_role_policy=allow("states.amazonaws.com"))
machine = aws.sfn.StateMachine(
    "machine",
    role_arn=machine_role.arn,
    definition=json.dumps({"Comment": f"Version {seconds}", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}),
    type="STANDARD",
    tags=tags,
)
rule_role = aws.iam.Role("rule", assume_role_policy=allow("events.amazonaws.com"))
rule = aws.cloudwatch.EventRule(
    "rule",
    description=f"Version {seconds}",
    event_bus_name="default",
    event_pattern=json.dumps({"source": ["provider-test"]}),
    state="ENABLED",
    tags=tags,
)
target = aws.cloudwatch.EventTarget(
    "target",
    rule=rule.name,
    event_bus_name="default",
    target_id="machine",
    arn=machine.arn,
    role_arn=rule_role.arn,
    input_transformer={"input_paths": {"of": "$.source"}, "input_template": f'{{"of": "<of>", "version": {seconds}}}'},
    retry_policy={"maximum_retry_attempts": 2, "maximum_event_age_in_seconds": 3600},
    dead_letter_config={"arn": dead.arn},
)
cluster = aws.ecs.Cluster("cluster", tags=tags)
task_role = aws.iam.Role("task", assume_role_policy=allow("ecs-tasks.amazonaws.com"))
task = aws.ecs.TaskDefinition(
    "task",
    family="provider-test",
    container_definitions=json.dumps([{"name": "main", "image": "busybox"}]),
    cpu="256",
    memory="512",
    execution_role_arn=task_role.arn,
    task_role_arn=task_role.arn,
    network_mode="awsvpc",
    requires_compatibilities=["FARGATE"],
    tags=tags,
)
service = aws.ecs.Service(
    "service",
    cluster=cluster.name,
    task_definition=task.arn,
    desired_count=0,
    launch_type="FARGATE",
    network_configuration={
        "subnets": [config.require("subnet")],
        "security_groups": [config.require("group")],
        "assign_public_ip": second,
    },
    tags=tags,
)
topic = aws.sns.Topic("topic", display_name=f"Version {seconds}", kms_master_key_id=key.key_id, tags=tags)
topic_policy = aws.sns.TopicPolicy(
    "topic",
    arn=topic.arn,
    policy=topic.arn.apply(
        lambda arn: policy(
            {
                "Sid": "Second" if second else "First",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": arn,
            }
        )
    ),
)
alarm = aws.cloudwatch.MetricAlarm(
    "alarm",
    alarm_description=f"Version {seconds}",
    comparison_operator="GreaterThanThreshold",
    evaluation_periods=1,
    datapoints_to_alarm=1,
    metric_name="Failures",
    namespace="ProviderTest",
    dimensions={"Kind": "test"},
    period=60,
    statistic="Sum",
    threshold=0.5,
    treat_missing_data="notBreaching",
    alarm_actions=[topic.arn],
    ok_actions=[topic.arn],
    insufficient_data_actions=[topic.arn],
    actions_enabled=True,
    tags=tags,
)
dashboard = aws.cloudwatch.Dashboard(
    "dashboard",
    dashboard_name="provider-test",
    dashboard_body=json.dumps({"widgets": [], "start": f"-PT{seconds}M"}, indent=1),
)
explicit = aws.Provider(
    "explicit",
    region=region,
    default_tags={"tags": {"owner": "platform"}},
    allowed_account_ids=[account],
    skip_metadata_api_check=True,
)
tagged = aws.sqs.Queue("tagged", tags={"own": "yes"}, region=region, opts=pulumi.ResourceOptions(provider=explicit))

pulumi.export("queue", queue.url)
pulumi.export("dead", dead.name)
pulumi.export("key", key.key_id)
pulumi.export("secret", secret.arn)
pulumi.export("function", function.name)
pulumi.export("code", function.code_sha256)
pulumi.export("version", function.version)
pulumi.export("result", call.result)
pulumi.export("every-change", every_change.result)
pulumi.export("tagged", tagged.tags_all)
pulumi.export("schedule", schedule.arn)
pulumi.export("mapping", mapping.uuid)
pulumi.export("role", role.unique_id)
