"""The one definition of what Amazon's sender needs, and the judgement of a policy that somebody else wrote."""

import json
from typing import Any

import pytest

from spapi_rotation_lambda.domain import sender_policy

QUEUE = "arn:aws:sqs:us-east-1:123456789012:destination"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
OWNER = {"AWS": "arn:aws:iam::123456789012:root"}
OWN = sender_policy.queue_statement(QUEUE)

Statement = dict[str, Any]


def sends(*statements: Statement) -> bool:
    missing = sender_policy.missing_from_queue_policy(json.dumps({"Statement": list(statements)}), QUEUE)
    assert missing in ((), (json.dumps(OWN, sort_keys=True),))
    return not missing


def encrypts(*statements: Statement) -> bool:
    missing = sender_policy.missing_from_key_policy(json.dumps({"Statement": list(statements)}), KEY)
    assert missing in ((), (json.dumps(sender_policy.key_statement(), sort_keys=True),))
    return not missing


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
    denial = denial | {"Effect": "Deny"}
    assert not sends(OWN, denial)
    assert not sends(denial, OWN)


@pytest.mark.parametrize(
    "denial",
    [
        {"Principal": OWNER, "Action": "sqs:*", "Resource": QUEUE},
        {"NotPrincipal": {"AWS": ["437568002678", *OWNER.values()]}, "Action": "sqs:*", "Resource": QUEUE},
        {"Principal": "*", "NotAction": "sqs:*", "Resource": QUEUE},
        {"Principal": "*", "Action": "sqs:ReceiveMessage", "Resource": QUEUE},
        {"Principal": "*", "Action": "sqs:*", "NotResource": QUEUE},
        {"Principal": "*", "Action": "sqs:*", "Resource": QUEUE, "Condition": {"Bool": {"x": "false"}}},
    ],
)
def test_a_denial_of_something_else_changes_nothing(denial: Statement) -> None:
    assert sends(OWN, denial | {"Effect": "Deny"})


@pytest.mark.parametrize("policy", [None, "", "not json", "[]", "5", "{}", '{"Statement": null}', '{"Statement": [5]}'])
def test_a_policy_that_is_none_allows_nothing(policy: str | None) -> None:
    assert len(sender_policy.missing_from_queue_policy(policy, QUEUE)) == 1


def test_a_single_statement_needs_no_list() -> None:
    assert sender_policy.missing_from_queue_policy(json.dumps({"Statement": OWN}), QUEUE) == ()


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
