"""Keys and a destination queue of the user's: what they must be, what is shown of their policies, what is not made."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from spapi_rotation import InvalidArgument
from spapi_rotation.resources.existing import lacking
from spapi_rotation_lambda.domain.sender_policy import key_statement, queue_statement
from tests.component.recorder import ACCOUNT, REGION, Recording, deploy_component
from tests.component.test_component_misuse import refusal
from tests.component.test_component_policies import LOG_GROUP_ARN, OWN_ALARMS

KEY, QUEUE_KEY = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
KEY_ARN, QUEUE_KEY_ARN = (f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{each}" for each in (KEY, QUEUE_KEY))
QUEUE_ARN, URL = (
    f"arn:aws:sqs:{REGION}:{ACCOUNT}:registered",
    f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/registered",
)
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ADMINISTERS = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
LOGS = {
    "Effect": "Allow",
    "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
    "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
    "Resource": "*",
    "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": LOG_GROUP_ARN}},
}
ALARMS = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": KEY_ARN,
    "Condition": OWN_ALARMS,
}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def key(arn: str, *statements: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    state = {"keyUsage": "ENCRYPT_DECRYPT", "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "isEnabled": True}
    return {"arn": arn, "policy": document(*statements), **state, **more}


def queue(*statements: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    times = {"visibilityTimeoutSeconds": 360, "messageRetentionSeconds": 1_209_600}
    named = {"arn": QUEUE_ARN, "url": URL, "name": "registered"}
    return {**named, **times, "policy": document(*statements), **more}


GOOD_KEY = key(KEY_ARN, ADMINISTERS, LOGS, ALARMS)
GOOD_QUEUE_KEY = key(QUEUE_KEY_ARN, ADMINISTERS, key_statement())
GOOD_QUEUE = queue(queue_statement(QUEUE_ARN))
DENYING = document(queue_statement(QUEUE_ARN), {**queue_statement(QUEUE_ARN), "Effect": "Deny", "Sid": "No"})
BOTH_KEYS = {"secrets": KEY_ARN, "queue": QUEUE_KEY_ARN}
EXISTING = {KEY: GOOD_KEY, QUEUE_KEY: GOOD_QUEUE_KEY, URL: GOOD_QUEUE}


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown as a warning."""
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", lambda text, *_: said.append(text))
    return said


def names(recording: Recording) -> set[str]:
    return {each.name for each in recording.resources}


def sids(recording: Recording) -> set[str]:
    return {each["Sid"] for each in recording.named("rotation-function-policy").policy()["Statement"]}


def deploy(existing: Mapping[str, Mapping[str, Any]], **args: Any) -> Recording:
    return deploy_component(existing={**EXISTING, **existing}, **args)


def refused(existing: Mapping[str, Mapping[str, Any]], **args: Any) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as error:
        deploy(existing, preview=True, **args)
    return error.value


# --- keys ---


def test_keys_of_the_user_are_used_and_none_is_made(warnings: list[str]) -> None:
    recording = deploy({}, keys=BOTH_KEYS)
    assert recording.of_type("aws:kms/key:Key") == []
    assert recording.of_type("aws:kms/alias:Alias") == []
    assert (recording.outputs["key_arn"], recording.outputs["queue_key_arn"]) == (KEY_ARN, QUEUE_KEY_ARN)
    (secret,) = recording.of_type("aws:secretsmanager/secret:Secret")
    assert secret.inputs["kmsKeyId"] == KEY_ARN
    assert recording.named("rotation-log").inputs["kmsKeyId"] == KEY_ARN
    assert recording.named("rotation-alarm-topic").inputs["kmsMasterKeyId"] == KEY_ARN
    assert recording.named("rotation-function").inputs["kmsKeyArn"] == KEY_ARN
    assert recording.named("rotation-queue").inputs["kmsMasterKeyId"] == QUEUE_KEY_ARN
    assert recording.named("rotation-dead-letter-queue").inputs["kmsMasterKeyId"] == KEY_ARN
    statements = {each["Sid"]: each for each in recording.named("rotation-function-policy").policy()["Statement"]}
    assert (statements["Key"]["Resource"], statements["QueueKey"]["Resource"]) == (KEY_ARN, QUEUE_KEY_ARN)
    assert warnings == []


@pytest.mark.parametrize(("given", "made"), [("secrets", "rotation-queue-key"), ("queue", "rotation-key")])
def test_one_key_may_be_the_users_and_the_other_the_components(given: str, made: str) -> None:
    recording = deploy({}, keys={given: BOTH_KEYS[given]})
    assert [each.name for each in recording.of_type("aws:kms/key:Key")] == [made]


def shown(warnings: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """The arguments, and the statements that their policies lack."""
    found = [(text.partition(":")[0], text[text.index("{") : text.rindex("}") + 1]) for text in warnings]
    return [(argument, json.loads(statement)) for argument, statement in found]


def test_what_the_keys_policies_lack_is_shown_word_for_word(warnings: list[str]) -> None:
    reader = f"arn:aws:iam::{ACCOUNT}:role/task"
    deploy({KEY: key(KEY_ARN), QUEUE_KEY: key(QUEUE_KEY_ARN, key_statement())}, keys=BOTH_KEYS, readers=[reader])
    usage = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
    delegation = {
        "Sid": "AllowUseByPoliciesOfTheAccount",
        "Effect": "Allow",
        "Principal": {"AWS": ROOT},
        "Action": usage,
        "Resource": "*",
    }
    found = shown(warnings)
    of_queue = {**delegation, "Action": sorted([*usage, "kms:GetKeyPolicy"])}
    assert [each for argument, each in found if argument == "keys.queue"] == [of_queue]
    of_secrets = [each for argument, each in found if argument == "keys.secrets"]
    assert of_secrets[0] == delegation
    assert of_secrets[1] == {**LOGS, "Sid": "AllowLogGroup"}
    assert of_secrets[2] == {**ALARMS, "Sid": "AllowAlarms", "Resource": "*"}
    assert (of_secrets[3]["Sid"], of_secrets[3]["Principal"]) == ("AllowReaders", {"AWS": reader})


def test_with_what_is_shown_nothing_is_lacking(warnings: list[str]) -> None:
    reader = f"arn:aws:iam::{ACCOUNT}:role/task"
    deploy({KEY: key(KEY_ARN)}, keys={"secrets": KEY_ARN}, readers=[reader])
    added = [statement for _, statement in shown(warnings)]
    warnings.clear()
    deploy({KEY: key(KEY_ARN, *added)}, keys={"secrets": KEY_ARN}, readers=[reader])
    assert warnings == []


def test_alarms_that_need_no_key_are_not_asked_for(warnings: list[str]) -> None:
    deploy({KEY: key(KEY_ARN, ADMINISTERS, LOGS)}, keys={"secrets": KEY_ARN}, alarms=False)
    assert warnings == []


NEEDED = {"Effect": "Allow", "Principal": {"AWS": [ROOT]}, "Action": ["kms:Decrypt"], "Resource": "*"}
IF_HERE = {"StringEquals": {"kms:ViaService": ["a", "b"]}}


@pytest.mark.parametrize(
    ("given", "needed", "says"),
    [
        (NEEDED, NEEDED, True),
        ({**NEEDED, "Principal": {"AWS": ACCOUNT}}, NEEDED, True),
        ({**NEEDED, "Action": "KMS:De*"}, NEEDED, True),
        ({**NEEDED, "Resource": [KEY_ARN]}, NEEDED, True),
        ({**NEEDED, "Condition": IF_HERE}, {**NEEDED, "Condition": IF_HERE}, True),
        (
            {**NEEDED, "Condition": {"stringequals": {"KMS:viaservice": ["b", "a"]}}},
            {**NEEDED, "Condition": IF_HERE},
            True,
        ),
        (NEEDED, {**NEEDED, "Condition": IF_HERE}, True),
        ({**NEEDED, "Condition": IF_HERE}, NEEDED, False),
        ({**NEEDED, "Condition": {"StringEquals": {"kms:ViaService": "a"}}}, {**NEEDED, "Condition": IF_HERE}, False),
        ({**NEEDED, "Effect": "Deny"}, NEEDED, False),
        ({**NEEDED, "Action": "kms:Encrypt"}, NEEDED, False),
        ({**NEEDED, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}}, NEEDED, False),
        ({**NEEDED, "Principal": {"Service": ROOT}}, NEEDED, False),
        ({**NEEDED, "Resource": QUEUE_KEY_ARN}, NEEDED, False),
    ],
)
def test_when_a_statement_says_what_is_needed(given: dict[str, Any], needed: dict[str, Any], says: bool) -> None:
    assert (lacking(document(given), KEY_ARN, [needed]) == []) is says


def test_a_policy_that_is_none_says_nothing() -> None:
    assert lacking("{", KEY_ARN, [NEEDED]) == [{**NEEDED, "Principal": {"AWS": ROOT}}]


@pytest.mark.parametrize("which", ["secrets", "queue"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"isEnabled": False}, "is disabled"),
        (
            {"keyUsage": "SIGN_VERIFY", "customerMasterKeySpec": "RSA_2048"},
            "is a key for SIGN_VERIFY of the kind RSA_2048",
        ),
    ],
)
def test_a_key_that_cannot_encrypt_is_refused(which: str, change: dict[str, Any], said: str) -> None:
    arn, good = (KEY_ARN, GOOD_KEY) if which == "secrets" else (QUEUE_KEY_ARN, GOOD_QUEUE_KEY)
    error = refused({arn.rpartition("/")[2]: {**good, **change}}, keys={which: arn})
    assert error.args[0].startswith(f"keys.{which} {said}")


def test_a_queue_key_that_keeps_amazon_out_is_refused_with_the_statement() -> None:
    error = refused({QUEUE_KEY: key(QUEUE_KEY_ARN, ADMINISTERS)}, keys={"queue": QUEUE_KEY_ARN})
    assert json.dumps(key_statement(), sort_keys=True) in error.args[0]
    denies = {**key_statement(), "Effect": "Deny", "Sid": "Strangers"}
    error = refused(
        {QUEUE_KEY: key(QUEUE_KEY_ARN, ADMINISTERS, key_statement(), denies)}, keys={"queue": QUEUE_KEY_ARN}
    )
    assert "in the statement Strangers" in error.args[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"keys": {"secrets": KEY_ARN.replace(REGION, "eu-west-1")}}, "keys.secrets is in the region eu-west-1"),
        ({"keys": {"queue": KEY_ARN.replace(ACCOUNT, "210987654321")}}, "keys.queue is in the AWS account 2109"),
        ({"queue": {"arn": QUEUE_ARN.replace(REGION, "eu-west-1")}}, "queue.arn is in the region eu-west-1"),
        ({"queue": {"arn": QUEUE_ARN.replace("arn:aws:", "arn:aws-cn:")}}, "queue.arn is in the partition aws-cn"),
    ],
)
def test_what_lies_elsewhere_is_refused(given: dict[str, Any], said: str) -> None:
    error = refused({}, **given)
    assert error.args[0].startswith(said)
    assert f"where the {'queue' if 'queue.arn' in said else 'key'} is" in error.remedy


# --- the queue ---


def test_a_queue_of_the_user_is_used_and_none_is_made(warnings: list[str]) -> None:
    recording = deploy({}, queue={"arn": QUEUE_ARN})
    assert not {"rotation-queue", "rotation-queue-policy", "rotation-queue-key"} & names(recording)
    assert (recording.outputs["queue_arn"], recording.outputs["queue_url"]) == (QUEUE_ARN, URL)
    assert recording.outputs.get("queue_key_arn") is None
    assert QUEUE_ARN in recording.outputs["registration_steps"]
    assert recording.named("rotation-function-source").inputs["eventSourceArn"] == QUEUE_ARN
    assert recording.named("rotation-function").inputs["environment"]["variables"]["QUEUE_URL"] == URL
    assert "QueueKey" not in sids(recording)
    dead_letters = recording.outputs["dead_letter_queue_arn"]
    redrive = recording.named("rotation-own-queue-redrive")
    assert (redrive.type, redrive.inputs["queueUrl"]) == ("aws:sqs/redrivePolicy:RedrivePolicy", URL)
    assert redrive.policy("redrivePolicy") == {"deadLetterTargetArn": dead_letters, "maxReceiveCount": 240}
    sources = recording.named("rotation-dead-letter-queue-sources").policy("redriveAllowPolicy")
    assert sources["sourceQueueArns"] == [QUEUE_ARN]
    assert warnings == []


@pytest.mark.parametrize("named", [QUEUE_KEY_ARN, QUEUE_KEY, "alias/mine"])
def test_a_queue_with_a_key_of_its_own(named: str) -> None:
    recording = deploy(
        {URL: {**GOOD_QUEUE, "kmsMasterKeyId": named}}, queue={"arn": QUEUE_ARN}, keys={"queue": QUEUE_KEY_ARN}
    )
    assert recording.outputs["queue_key_arn"] == QUEUE_KEY_ARN
    assert "QueueKey" in sids(recording)


@pytest.mark.parametrize(
    ("change", "keys", "said", "remedy"),
    [
        ({"policy": ""}, {}, "queue.arn: Amazon cannot deliver. Its policy lacks", "Add the statement"),
        (
            {
                "policy": document(
                    queue_statement(QUEUE_ARN), {**queue_statement(QUEUE_ARN), "Effect": "Deny", "Sid": "No"}
                )
            },
            {},
            "queue.arn: Amazon cannot deliver. Its policy denies it, in the statement No.",
            "Exempt Amazon's account",
        ),
        (
            {"kmsMasterKeyId": "alias/aws/sqs"},
            {},
            "queue.arn is encrypted with alias/aws/sqs",
            "name that by keys.queue",
        ),
        (
            {"kmsMasterKeyId": QUEUE_KEY},
            {},
            f"queue.arn is encrypted with the key {QUEUE_KEY}, which",
            "Set keys.queue",
        ),
        ({}, {"queue": QUEUE_KEY_ARN}, "keys.queue is given, but queue.arn is not encrypted", "Leave keys.queue out"),
        (
            {"kmsMasterKeyId": KEY},
            {"queue": QUEUE_KEY_ARN},
            f"queue.arn is encrypted with the key {KEY}, but",
            "Set keys",
        ),
        (
            {"visibilityTimeoutSeconds": 30},
            {},
            "queue.arn has a visibility timeout of 30 seconds, but the function may run 180",
            f"--queue-url {URL} --attributes VisibilityTimeout=360",
        ),
    ],
)
def test_a_queue_that_does_not_fit_is_refused(
    change: dict[str, Any], keys: dict[str, Any], said: str, remedy: str
) -> None:
    error = refused({URL: {**GOOD_QUEUE, **change}}, queue={"arn": QUEUE_ARN}, keys=keys)
    assert error.args[0].startswith(said)
    assert remedy in error.remedy


def test_the_missing_statement_of_the_queue_is_shown() -> None:
    error = refused({URL: queue()}, queue={"arn": QUEUE_ARN})
    assert json.dumps(queue_statement(QUEUE_ARN), sort_keys=True) in error.args[0]


def test_times_that_differ_from_the_components_own_queue_are_shown(warnings: list[str]) -> None:
    deploy(
        {URL: {**GOOD_QUEUE, "visibilityTimeoutSeconds": 900, "messageRetentionSeconds": 345_600}},
        queue={"arn": QUEUE_ARN},
    )
    assert [text.partition(":")[0].partition(",")[0] for text in warnings] == [
        "queue.arn has a visibility timeout of 900 seconds",
        "queue.arn keeps a message for 345600 seconds",
    ]
    assert "--attributes VisibilityTimeout=360" in warnings[0]
    assert "--attributes MessageRetentionPeriod=1209600" in warnings[1]


def test_what_may_deny_amazon_is_shown(warnings: list[str]) -> None:
    perhaps = {**queue_statement(QUEUE_ARN), "Effect": "Deny", "Sid": "Perhaps"}
    condition = {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "x"}}}
    deploy({URL: queue(queue_statement(QUEUE_ARN), {**perhaps, **condition})}, queue={"arn": QUEUE_ARN})
    assert warnings == ["queue.arn: its policy may deny what Amazon needs, in the statement Perhaps."]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"keys": KEY_ARN}, "keys must be a plain map"),
        ({"keys": {"secret": KEY_ARN}}, "secret: unknown in keys"),
        ({"keys": {"secrets": "alias/mine"}}, "keys.secrets is not the ARN of a key"),
        ({"keys": {"queue": QUEUE_ARN}}, "keys.queue is not the ARN of a key"),
        ({"keys": pulumi.Output.from_input({})}, "keys is an Output"),
        ({"queue": QUEUE_ARN}, "queue must be a plain map"),
        ({"queue": {"url": URL}}, "url: unknown in queue"),
        ({"queue": {"arn": URL}}, "queue.arn is not the ARN of a queue"),
        ({"queue": {"arn": f"{QUEUE_ARN}.fifo"}}, "queue.arn is a FIFO queue"),
        ({"queue": {"arn": None}}, "queue.arn is missing"),
    ],
)
def test_what_is_neither_a_key_nor_a_queue(given: dict[str, Any], said: str) -> None:
    assert refusal(**given).args[0].startswith(said)
