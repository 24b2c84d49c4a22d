"""What Amazon's sender needs on the destination queue and its key.

One definition, used to write the policies (component) and to check them before each request (preflight).

Source: Amazon's "Set up credential rotation notifications" page (principal and the two actions), and the KMS
paragraph of Amazon's SP-API notification documentation (the two key actions).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

AMAZON_ACCOUNT = "437568002678"
"""The AWS account from which Amazon sends SP-API notifications."""

AMAZON_PRINCIPAL = f"arn:aws:iam::{AMAZON_ACCOUNT}:root"

AWS_OWN_KEY = "alias/aws/sqs"

QUEUE_ACTIONS = ("sqs:GetQueueAttributes", "sqs:SendMessage")
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")

Statement = dict[str, Any]


def queue_statement(queue_arn: str) -> Statement:
    """The statement that lets Amazon send to the queue."""
    return {
        "Sid": "AllowAmazonToSend",
        "Effect": "Allow",
        "Principal": {"AWS": AMAZON_PRINCIPAL},
        "Action": list(QUEUE_ACTIONS),
        "Resource": queue_arn,
    }


def key_statement() -> Statement:
    """The key policy statement that lets Amazon encrypt what it sends (``*`` is this key in a key policy)."""
    return {
        "Sid": "AllowAmazonToEncrypt",
        "Effect": "Allow",
        "Principal": {"AWS": AMAZON_PRINCIPAL},
        "Action": list(KEY_ACTIONS),
        "Resource": "*",
    }


def is_aws_own_key(key: str | None) -> bool:
    """Whether a queue's ``KmsMasterKeyId`` is SQS's own key: it serves its own account alone, so no sender elsewhere.

    Source: the SQS developer guide, "Key management" (the policy of an AWS managed key cannot be edited).
    """
    return key is not None and key.rpartition(":")[2] == AWS_OWN_KEY


def missing_from_queue_policy(policy: str | None, queue_arn: str) -> tuple[str, ...]:
    """Statements (JSON texts) that a queue policy lacks for Amazon's sender; empty when it lets Amazon send.

    A statement with a condition does not count: which conditions Amazon's sender satisfies is unknown.
    """
    allowed = _allowed_actions(policy, queue_arn)
    if all(action.lower() in allowed for action in QUEUE_ACTIONS):
        return ()
    return (json.dumps(queue_statement(queue_arn), sort_keys=True),)


def missing_from_key_policy(policy: str, key_arn: str) -> tuple[str, ...]:
    """Statements that a key policy lacks for Amazon's sender, as JSON texts."""
    allowed = _allowed_actions(policy, key_arn)
    if all(action.lower() in allowed for action in KEY_ACTIONS):
        return ()
    return (json.dumps(key_statement(), sort_keys=True),)


def _allowed_actions(policy: str | None, resource: str) -> set[str]:
    """The exact lower-case actions, of those that matter here, that the policy allows and does not deny."""
    try:
        document = json.loads(policy) if policy else {}
    except ValueError:
        return set()
    allowed: set[str] = set()
    denied: set[str] = set()
    wanted = {action.lower() for action in (*QUEUE_ACTIONS, *KEY_ACTIONS)}
    for statement in _listed(document.get("Statement") if isinstance(document, Mapping) else None):
        if not isinstance(statement, Mapping) or statement.get("Condition"):
            continue
        if not _selects(statement, "Principal", _names_amazon):
            continue
        if not _selects(statement, "Resource", lambda value: _any_matches(value, resource)):
            continue
        actions = {
            action for action in wanted if _selects(statement, "Action", partial(_any_matches, text=action, fold=True))
        }
        (allowed if statement.get("Effect") == "Allow" else denied).update(actions)
    return allowed - denied


def _selects(statement: Mapping[str, Any], element: str, names: Callable[[object], bool]) -> bool:
    """Whether an element of a statement, or its negated form such as NotPrincipal, selects what ``names`` finds."""
    if f"Not{element}" in statement:
        return not names(statement[f"Not{element}"])
    return names(statement.get(element))


def _names_amazon(principal: object) -> bool:
    names = _listed(principal.get("AWS")) if isinstance(principal, Mapping) else _listed(principal)
    return any(name in (AMAZON_ACCOUNT, AMAZON_PRINCIPAL, "*") for name in names)


def _any_matches(patterns: object, text: str, fold: bool = False) -> bool:
    """IAM wildcard match (``*`` and ``?``); ``fold`` ignores case, as IAM does for actions."""
    for pattern in _listed(patterns):
        if isinstance(pattern, str):
            regex = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
            if re.fullmatch(regex, text, re.IGNORECASE if fold else 0):
                return True
    return False


def _listed(value: object) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else [value]
