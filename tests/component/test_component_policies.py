"""The policies, statement by statement: a change of any is a change of who may do what."""

from typing import Any

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from spapi_rotation.resources.iam import deny_plain_text
from spapi_rotation_lambda.domain.sender_policy import Access, key_access, queue_access
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Recording, client_id, deploy_component

AMAZON = "arn:aws:iam::437568002678:root"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/rotation-key-0000001"
QUEUE_KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/rotation-queue-key-0000001"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:rotation-function-0000001"
LOG_GROUP_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{PROJECT}/{STACK}/rotation"
OWN_ALARMS = {
    "StringEquals": {"aws:SourceAccount": ACCOUNT},
    "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{PROJECT}/{STACK}/rotation/*"},
}


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:rotation-{name}-0000001"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return deploy_component()


def tls_only(arn: str) -> dict[str, Any]:
    return {
        "Sid": "DenyPlainText",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_destination_queue_lets_amazon_send_and_nothing_else(recording: Recording) -> None:
    policy = recording.named("rotation-queue-policy")
    assert policy.policy() == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AllowAmazonToSend",
                "Effect": "Allow",
                "Principal": {"AWS": AMAZON},
                "Action": ["sqs:GetQueueAttributes", "sqs:SendMessage"],
                "Resource": queue_arn("queue"),
            },
            tls_only(queue_arn("queue")),
        ],
    }
    assert policy.inputs["queueUrl"].endswith("/rotation-queue-0000001")
    assert queue_access(policy.inputs["policy"], queue_arn("queue")) == Access()


@pytest.mark.parametrize("queue", ["dead-letter-queue", "unclaimed-queue", "operations-queue"])
def test_other_queues_only_demand_tls(recording: Recording, queue: str) -> None:
    policy = recording.named(f"rotation-{queue}-policy")
    assert policy.policy() == {"Version": "2012-10-17", "Statement": [tls_only(queue_arn(queue))]}
    assert policy.inputs["queueUrl"].endswith(f"/rotation-{queue}-0000001")


ACCOUNT_ADMINISTERS = {
    "Sid": "AccountAdministers",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}


def test_the_queues_own_key_lets_amazon_encrypt_and_nothing_else(recording: Recording) -> None:
    key = recording.named("rotation-queue-key")
    assert key.policy() == {
        "Version": "2012-10-17",
        "Statement": [
            ACCOUNT_ADMINISTERS,
            {
                "Sid": "AllowAmazonToEncrypt",
                "Effect": "Allow",
                "Principal": {"AWS": AMAZON},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": "*",
            },
        ],
    }
    assert key_access(key.inputs["policy"], QUEUE_KEY_ARN) == Access()


def test_the_secrets_key_is_never_granted_to_amazon(recording: Recording) -> None:
    key = recording.named("rotation-key")
    assert AMAZON not in key.inputs["policy"]
    assert key.policy() == {
        "Version": "2012-10-17",
        "Statement": [
            ACCOUNT_ADMINISTERS,
            {
                "Sid": "AllowLogGroup",
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
                "Action": [
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey*",
                    "kms:ReEncrypt*",
                ],
                "Resource": "*",
                "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": LOG_GROUP_ARN}},
            },
            {
                "Sid": "AllowAlarms",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": OWN_ALARMS,
            },
        ],
    }


@pytest.mark.parametrize("given", [{"alarms": False}, {"alarm_topic_arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:pager"}])
def test_alarms_have_no_use_of_the_key_without_a_topic_that_it_encrypts(given: dict[str, Any]) -> None:
    statements = deploy_component(**given).named("rotation-key").policy()["Statement"]
    assert [each["Sid"] for each in statements] == ["AccountAdministers", "AllowLogGroup"]


def test_topic_lets_its_own_alarms_publish_and_nobody_in_plain_text(recording: Recording) -> None:
    policy = recording.named("rotation-alarm-topic-policy")
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:rotation-alarm-topic-0000001"
    assert policy.inputs["arn"] == arn
    assert policy.policy() == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AllowAlarms",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": arn,
                "Condition": OWN_ALARMS,
            },
            {
                "Sid": "DenyPlainText",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "sns:Publish",
                "Resource": arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def test_function_role(recording: Recording) -> None:
    assert recording.named("rotation-function-role").policy("assumeRolePolicy") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    policy = recording.named("rotation-function-policy")
    assert policy.inputs["role"] == "rotation-function-role-0000001"
    secrets = f"secret:{PROJECT}/{STACK}/rotation/amzn1.application-oa2-client.*"
    assert {each["Sid"]: (each["Action"], each["Resource"]) for each in policy.policy()["Statement"]} == {
        "Secrets": (
            [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:ListSecretVersionIds",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:{secrets}",
        ),
        "Key": (["kms:Decrypt", "kms:GenerateDataKey"], KEY_ARN),
        "QueueKey": (["kms:Decrypt", "kms:GetKeyPolicy"], QUEUE_KEY_ARN),
        "Receive": (
            ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            queue_arn("queue"),
        ),
        "HandleDeadLetters": (
            ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            queue_arn("dead-letter-queue"),
        ),
        "KeepUnclaimed": (
            ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"],
            queue_arn("unclaimed-queue"),
        ),
        "ReportFailure": (["sqs:SendMessage"], queue_arn("operations-queue")),
        "Publish": (["events:PutEvents"], f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"),
        "ListApplications": (["scheduler:ListSchedules"], "*"),
        "LookUpAdoption": (
            ["scheduler:GetSchedule"],
            f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/rotation-schedules-0000001/*",
        ),
        "LookAtMapping": (["lambda:ListEventSourceMappings"], "*"),
        "LookAtAlarms": (["cloudwatch:DescribeAlarms"], "*"),
        "LookAtSubscribers": (
            ["sns:ListSubscriptionsByTopic"],
            f"arn:aws:sns:{REGION}:{ACCOUNT}:rotation-alarm-topic-0000001",
        ),
        "Log": (["logs:CreateLogStream", "logs:PutLogEvents"], f"{LOG_GROUP_ARN}:*"),
        "ReadLog": (["logs:FilterLogEvents"], f"{LOG_GROUP_ARN}:*"),
    }


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("account", [ACCOUNT, "999999999999"])
def test_the_function_publishes_on_the_given_bus_only(account: str, late: bool) -> None:
    bus = f"arn:aws:events:{REGION}:{account}:event-bus/shop"
    recording = deploy_component(event_bus_arn=pulumi.Output.from_input(bus) if late else bus)
    publish = [
        each for each in recording.named("rotation-function-policy").policy()["Statement"] if "events" in str(each)
    ]
    assert [(each["Action"], each["Resource"]) for each in publish] == [(["events:PutEvents"], bus)]
    assert recording.named("rotation-function").inputs["environment"]["variables"]["EVENT_BUS"] == bus


def test_a_bus_of_another_region_is_refused_in_the_preview() -> None:
    with pytest.raises(InvalidArgument, match=r"event_bus_arn is in the region eu-west-1.*us-east-1"):
        deploy_component(event_bus_arn=f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/shop", preview=True)


def test_schedule_role_serves_only_the_own_group(recording: Recording) -> None:
    group = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/rotation-schedules-0000001"
    assert recording.named("rotation-schedule-role").policy("assumeRolePolicy") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": group}},
            }
        ],
    }
    policy = recording.named("rotation-schedule-policy")
    assert policy.inputs["role"] == "rotation-schedule-role-0000001"
    assert {each["Sid"]: (each["Action"], each["Resource"]) for each in policy.policy()["Statement"]} == {
        "Check": (["lambda:InvokeFunction"], FUNCTION_ARN),
        "ReportFailure": (["sqs:SendMessage"], queue_arn("operations-queue")),
        "EncryptReport": (["kms:Decrypt", "kms:GenerateDataKey"], KEY_ARN),
    }


LISTS = (["scheduler:ListSchedules"], ["lambda:ListEventSourceMappings"], ["cloudwatch:DescribeAlarms"])
"""What knows no resources, or is asked for a list."""


def test_without_alarms_the_function_looks_at_none() -> None:
    policy = deploy_component(alarms=False).named("rotation-function-policy").policy()
    assert not {each["Sid"] for each in policy["Statement"]} & {"LookAtAlarms", "LookAtSubscribers"}


@pytest.mark.parametrize("policy", ["rotation-function-policy", "rotation-schedule-policy"])
def test_roles_have_no_star_and_only_allow(recording: Recording, policy: str) -> None:
    for statement in recording.named(policy).policy()["Statement"]:
        assert statement["Effect"] == "Allow"
        assert statement["Resource"] != "*" or statement["Action"] in LISTS
        assert not any("*" in action for action in statement["Action"])


def test_policies_do_not_grow_with_the_applications(recording: Recording) -> None:
    fleet = deploy_component(applications={f"app{n}": {"client_id": client_id(n)} for n in range(1, 41)})
    for name in (
        "rotation-function-policy",
        "rotation-schedule-policy",
        "rotation-key",
        "rotation-queue-key",
        "rotation-queue-policy",
    ):
        assert fleet.named(name).policy() == recording.named(name).policy()


def test_plain_text_is_denied_to_everyone() -> None:
    statement = deny_plain_text("sqs:*", "arn:queue")
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", {"AWS": "*"}, "sqs:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
