"""The one definition of what Amazon's sender needs, and the judgement of a policy that somebody else wrote."""

import json
from typing import Any

import pytest

from spapi_rotation_lambda.domain import sender_policy
from spapi_rotation_lambda.domain.sender_policy import Access

QUEUE = "arn:aws:sqs:us-east-1:123456789012:destination"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
OWNER = {"AWS": "arn:aws:iam::123456789012:root"}
OWN = sender_policy.queue_statement(QUEUE)

Statement = dict[str, Any]


def access(*statements: Statement) -> Access:
    return sender_policy.queue_access(json.dumps({"Statement": list(statements)}), QUEUE)


def sends(*statements: Statement) -> bool:
    found = access(*statements)
    assert found.missing in ((), (json.dumps(OWN, sort_keys=True),))
    return found == Access()


def encrypts(*statements: Statement) -> bool:
    found = sender_policy.key_access(json.dumps({"Statement": list(statements)}), KEY)
    assert found.missing in ((), (json.dumps(sender_policy.key_statement(), sort_keys=True),))
    return found == Access()


def test_amazons_account_gets_exactly_two_actions_on_the_queue() -> None:
    assert OWN == {
        "Sid": "AllowAmazonToSend",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::437568002678:root"},
        "Action": ["sqs:GetQueueAttributes", "sqs:SendMessage"],
        "Resource": QUEUE,
    }


def test_amazons_account_gets_exactly_two_actions_on_the_key() -> None:
    statement = sender_policy.key_statement()
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert (statement["Principal"], statement["Resource"]) == ({"AWS": "arn:aws:iam::437568002678:root"}, "*")
    assert "Condition" not in {**statement, **OWN}


def test_our_statements_have_names() -> None:
    """By which a person finds them in a policy."""
    assert sender_policy.queue_statement("arn")["Sid"] == "AllowAmazonToSend"
    assert sender_policy.key_statement()["Sid"] == "AllowAmazonToEncrypt"


def test_what_we_write_passes_the_preflight() -> None:
    plain_text = {"Bool": {"aws:SecureTransport": "false"}}
    denied = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "sqs:*",
        "Resource": QUEUE,
        "Condition": plain_text,
    }
    assert sends(OWN, denied)
    assert encrypts(sender_policy.key_statement())


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"AWS": "437568002678"}},
        {"Principal": {"AWS": ["arn:aws:iam::123456789012:root", "437568002678"]}},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Action": "SQS:*"},
        {"Action": "*"},
        {"Action": ["sqs:sendmessage", "sqs:Get*"]},
        {"Action": ["sqs:SendMessag?", "sqs:GetQueueAttributes"]},
        {"Resource": "*"},
        {"Resource": ["arn:aws:sqs:*:123456789012:*"]},
        {"Condition": {}},
    ],
)
def test_other_spellings_that_allow_as_much_are_taken(change: Statement) -> None:
    assert sends(OWN | change)


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Principal": OWNER},
        {"Principal": {"Service": "437568002678"}},
        {"Principal": {"AWS": "arn:aws:iam::437568002678:role/other"}},
        {"Principal": None},
        {"Action": "sqs:SendMessage"},
        {"Action": "sqs:GetQueueAttributes"},
        {"Action": ["sqs:SendMessages", "sqs:GetQueueAttributes"]},
        {"Action": 5},
        {"Resource": QUEUE + "-other"},
        {"Resource": QUEUE.upper()},
        {"Resource": "arn:aws:sqs:us-east-1:123456789012:destinatio"},
        {"Resource": QUEUE.replace("destination", "d.stination")},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "437568002678"}}},
    ],
)
def test_what_does_not_certainly_allow_amazon_is_missing(change: Statement) -> None:
    assert not sends(OWN | change)


def test_the_actions_may_come_from_two_statements() -> None:
    assert sends(OWN | {"Action": "sqs:SendMessage"}, OWN | {"Action": "sqs:GetQueueAttributes"})


@pytest.mark.parametrize(
    "denial",
    [
        OWN,
        {"Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"},
        {"NotPrincipal": OWNER, "Action": "sqs:*", "Resource": QUEUE},
        {"Principal": "*", "NotAction": "sqs:ReceiveMessage", "Resource": QUEUE},
        {"Principal": "*", "Action": "sqs:*", "NotResource": QUEUE + "-other"},
    ],
)
def test_a_denial_wins_in_either_order(denial: Statement) -> None:
    denial = denial | {"Effect": "Deny", "Sid": "Denial"}
    assert access(OWN, denial) == access(denial, OWN) == Access(denied=("Denial",))


@pytest.mark.parametrize(
    "denial",
    [
        {"Principal": OWNER, "Action": "sqs:*", "Resource": QUEUE},
        {"Principal": "*", "NotAction": "sqs:*", "Resource": QUEUE},
        {"Principal": "*", "Action": "sqs:ReceiveMessage", "Resource": QUEUE},
        {"Principal": "*", "Action": "sqs:*", "NotResource": QUEUE},
        {"NotPrincipal": "*", "Action": "sqs:*", "Resource": QUEUE},
        {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:*", "Resource": QUEUE},
    ],
)
def test_a_denial_of_something_else_changes_nothing(denial: Statement) -> None:
    assert sends(OWN, denial | {"Effect": "Deny"})


@pytest.mark.parametrize("policy", [None, "", "not json", "[]", "5", "{}", '{"Statement": null}', '{"Statement": [5]}'])
def test_a_policy_that_is_none_allows_nothing(policy: str | None) -> None:
    assert len(sender_policy.queue_access(policy, QUEUE).missing) == 1


def test_a_single_statement_needs_no_list() -> None:
    assert sender_policy.queue_access(json.dumps({"Statement": OWN}), QUEUE) == Access()


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"Resource": KEY}, True),
        ({"Action": "kms:*"}, True),
        ({"Action": ["kms:GenerateDataKey*", "kms:Decrypt"]}, True),
        ({"Action": "kms:Decrypt"}, False),
        ({"Action": "kms:GenerateDataKey"}, False),
        ({"Principal": OWNER}, False),
        ({"Condition": {"StringLike": {"kms:ViaService": "sqs.*"}}}, False),
    ],
)
def test_a_key_policy_is_judged_alike(change: Statement, allowed: bool) -> None:
    assert encrypts(sender_policy.key_statement() | change) is allowed


EVERYBODY = {"Sid": "Perimeter", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
OURS, PATHS = "o-ours", "o-ours/r-root/ou-any/*"

HOLDS: list[dict[str, dict[str, Any]]] = [
    {"StringNotEquals": {"aws:PrincipalOrgID": OURS}},
    {"StringNotEqualsIfExists": {"aws:principalorgid": [OURS, "o-sister"]}},
    {"StringNotLike": {"aws:PrincipalOrgID": OURS}},
    {"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": PATHS}},
    {"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}},
    {"StringEquals": {"aws:PrincipalAccount": ["123456789012", "437568002678"]}},
    {"StringLike": {"aws:PrincipalAccount": "4375*"}},
    {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:*"}},
    {"StringNotLike": {"aws:PrincipalArn": ["arn:aws:iam::1*:role/*", "arn:aws:iam::2?3456789012:root"]}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:*:437568002678:*"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:???::437568002678:*"}},
    {"StringLike": {"aws:PrincipalAccount": "?3756*800267?"}},
    {"StringEquals": {"aws:SecureTransport": "true"}},
    {"Bool": {"aws:SecureTransport": True}},
    {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}},
    {"StringNotEquals": {"aws:SourceAccount": "123456789012"}},
    {"ArnNotEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:123456789012:topic"}},
    {"StringNotEquals": {"aws:SourceVpce": "vpce-ours"}},
    {"Null": {"aws:SourceAccount": "true"}},
    {"Null": {"aws:SourceAccount": True}},
    {"Null": {"aws:PrincipalAccount": "false"}},
    {"StringNotEqualsIgnoreCase": {"aws:PrincipalAccount": "x"}, "Bool": {"aws:PrincipalIsAWSService": "false"}},
]
DOES_NOT: list[dict[str, dict[str, Any]]] = [
    {"StringEquals": {"aws:PrincipalOrgID": OURS}},
    {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": PATHS}},
    {"StringNotEquals": {"aws:PrincipalAccount": ["123456789012", "437568002678"]}},
    {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": OURS, "aws:PrincipalAccount": "437568002678"}},
    {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:*::437568002678:*"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"Bool": {"aws:PrincipalIsAWSService": "true"}},
    {"StringEquals": {"aws:SourceAccount": "437568002678"}},
    {"Null": {"aws:PrincipalArn": "true"}},
    {"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/sender"}},
    {"StringEqualsIgnoreCase": {"aws:PrincipalOrgID": OURS}},
    {"StringLike": {"aws:PrincipalAccount": ["43756800267.", "4*5*9", "?"]}},
    {"StringLike": {"aws:PrincipalArn": ["arn", "ARN:AWS:*", "arn:aws:i?m::437568002679:*"]}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::437568002678"}},
    {"StringNotEquals": {"aws:PrincipalOrgID": OURS}, "Bool": {"aws:SecureTransport": "false"}},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"aws:PrincipalAccount": "123456789012"}},
    {"StringEquals": {"aws:PrincipalAccount": "123456789012"}, "Bool": {"aws:SecureTransport": "true"}},
]
CANNOT_BE_KNOWN: list[dict[str, dict[str, Any]]] = [
    {"StringEqualsIfExists": {"aws:PrincipalOrgID": OURS}},
    {"StringNotLike": {"aws:PrincipalOrgID": "o-*"}},
    {"StringNotEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}},
    {"Null": {"aws:PrincipalOrgID": "true"}},
    {"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": PATHS}},
    {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": PATHS}},
    {"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": "*/r-root/*"}},
    {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/trusted-*"}},
    {"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::437568002678:role/sender"}},
    {"StringNotEqualsIgnoreCase": {"aws:PrincipalArn": "ARN:AWS:IAM::437568002678:ROLE/SENDER"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:*:role/sender"}},
    {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::437568002678:"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:*:role/*"}},
    {"StringLike": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}},
    {"not an operator": {"aws:PrincipalAccount": "437568002678"}},
    {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "ours"}},
    {"StringNotEquals": {"aws:PrincipalOrgID": OURS}, "NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"Invented": {"aws:PrincipalAccount": "437568002678"}},
    {"Null": {"aws:PrincipalAccount": "maybe"}},
]


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize("condition", HOLDS, ids=str)
def test_a_denial_whose_condition_certainly_holds_for_amazon_is_named(condition: Statement) -> None:
    assert access(OWN, EVERYBODY | {"Condition": condition}) == Access(denied_by_condition=("Perimeter",))
    assert sends(OWN | {"Condition": condition})


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize("condition", DOES_NOT, ids=str)
def test_a_denial_whose_condition_certainly_does_not_hold_is_none(condition: Statement) -> None:
    assert sends(OWN, EVERYBODY | {"Condition": condition})
    assert access(OWN | {"Condition": condition}).missing


@pytest.mark.rule(id="REQ-8")
@pytest.mark.parametrize("condition", CANNOT_BE_KNOWN, ids=str)
def test_a_denial_whose_condition_may_hold_is_told_apart_and_such_an_allowance_is_none(condition: Statement) -> None:
    assert access(OWN, EVERYBODY | {"Condition": condition}) == Access(unclear=("Perimeter",))
    assert access(OWN | {"Condition": condition}).missing


@pytest.mark.parametrize("condition", ["text", 5, ["list"], {"Bool": "text"}, {"Bool": ["list"]}])
def test_a_condition_that_is_none_cannot_be_known(condition: object) -> None:
    assert access(OWN, EVERYBODY | {"Condition": condition}) == Access(unclear=("Perimeter",))


@pytest.mark.rule(id="REQ-8")
def test_a_role_of_amazons_account_may_be_the_senders() -> None:
    role = {"AWS": "arn:aws:iam::437568002678:role/other"}
    assert access(OWN, EVERYBODY | {"Principal": role}) == Access(unclear=("Perimeter",))
    excepted = {each: EVERYBODY[each] for each in EVERYBODY if each != "Principal"}
    account = {"AWS": ["437568002678", *OWNER.values()]}
    assert access(OWN, excepted | {"NotPrincipal": account}) == Access(unclear=("Perimeter",))


@pytest.mark.parametrize("sid", [None, "", "no\nline", "x" * 129, "arn:aws:iam::1", 5])
def test_a_statement_without_a_plain_name_is_told_by_its_number(sid: object) -> None:
    assert access(OWN, EVERYBODY | {"Sid": sid}) == Access(denied=("no. 2",))
