"""What Amazon's sender needs on the destination queue and its key.

One definition, used to write the policies (component) and to check them before each request (preflight).

Source: Amazon's "Set up credential rotation notifications" page (principal and the two actions), and the KMS
paragraph of Amazon's SP-API notification documentation (the two key actions).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from spapi_rotation_lambda.domain.sender_conditions import AMAZON_ACCOUNT as AMAZON_ACCOUNT
from spapi_rotation_lambda.domain.sender_conditions import Answer, all_of, condition_holds, matches

AMAZON_PRINCIPAL = f"arn:aws:iam::{AMAZON_ACCOUNT}:root"

AWS_OWN_KEY = "alias/aws/sqs"

QUEUE_ACTIONS = ("sqs:GetQueueAttributes", "sqs:SendMessage")
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")

_SID = re.compile(r"[A-Za-z0-9 _-]{1,128}")
"""Of a statement in somebody's policy no more is told than this name."""

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


@dataclass(frozen=True, slots=True)
class Access:
    """What a policy means for Amazon's sender. Statements of it are named by their Sid, or else by their number.

    Attributes:
        missing: statements (JSON texts) that the policy lacks.
        denied: statements that deny it, whatever its sender is like.
        denied_by_condition: those whose condition holds for it, by what is known of Amazon's sender.
        unclear: those that may deny it: that depends on what is not known.
    """

    missing: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    denied_by_condition: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()

    @property
    def denials(self) -> tuple[str, ...]:
        """Every statement that certainly denies it."""
        return (*self.denied, *self.denied_by_condition)


def queue_access(policy: str | None, queue_arn: str) -> Access:
    """What a queue's policy means for Amazon's sender."""
    return _access(policy, queue_arn, queue_statement(queue_arn), QUEUE_ACTIONS)


def key_access(policy: str, key_arn: str) -> Access:
    """What a key's policy means for Amazon's sender."""
    return _access(policy, key_arn, key_statement(), KEY_ACTIONS)


def _access(policy: str | None, resource: str, needed: Statement, actions: Sequence[str]) -> Access:
    allowed = set[str]()
    denials: dict[Answer, list[str]] = {True: [], None: []}
    conditional: list[str] = []
    for number, statement in enumerate(statements_of(policy), 1):
        if not _selects(statement, "Resource", lambda value: any_matches(value, resource)):
            continue
        its = {each for each in actions if _selects(statement, "Action", partial(any_matches, text=each, fold=True))}
        concerns, holds = _concerns_amazon(statement), condition_holds(statement.get("Condition") or None)
        if statement.get("Effect") == "Allow":
            # One that holds only perhaps is no use: nobody could rely on it.
            allowed |= its if concerns and holds else set()
        elif its and (denies := all_of((concerns, holds))) is not False:
            by_condition = denies and bool(statement.get("Condition"))
            (conditional if by_condition else denials[denies]).append(_name(statement, number))
    missing = () if allowed.issuperset(actions) else (json.dumps(needed, sort_keys=True),)
    return Access(missing, tuple(denials[True]), tuple(conditional), tuple(denials[None]))


def statements_of(policy: str | None) -> Iterator[Mapping[str, Any]]:
    """The statements of a policy as JSON; none of what is not one."""
    try:
        document = json.loads(policy) if policy else {}
    except ValueError:
        return
    for statement in listed(document.get("Statement") if isinstance(document, Mapping) else None):
        yield statement if isinstance(statement, Mapping) else {}


def _name(statement: Mapping[str, Any], number: int) -> str:
    sid = statement.get("Sid")
    return sid if isinstance(sid, str) and _SID.fullmatch(sid) else f"no. {number}"


def _selects(statement: Mapping[str, Any], element: str, names: Callable[[object], bool]) -> bool:
    """Whether an element of a statement, or its negated form such as NotAction, selects what ``names`` finds."""
    if f"Not{element}" in statement:
        return not names(statement[f"Not{element}"])
    return names(statement.get(element))


def _concerns_amazon(statement: Mapping[str, Any]) -> Answer:
    """Whether a statement is about Amazon's sender. Its role is unknown, so whether one that names a role is, too.

    Source: IAM user guide, "NotPrincipal": with Deny it excepts a role only if that is named beside its account.
    """
    if "NotPrincipal" not in statement:
        return _names_amazon(statement.get("Principal"))
    excepted = statement["NotPrincipal"]
    if _names(excepted) & {"*"}:
        return False
    return None if _names(excepted) & {AMAZON_ACCOUNT, AMAZON_PRINCIPAL} else True


def _names_amazon(principal: object) -> Answer:
    names = _names(principal)
    if names & {AMAZON_ACCOUNT, AMAZON_PRINCIPAL, "*"}:
        return True
    return None if any(f"::{AMAZON_ACCOUNT}:" in name for name in names) else False


def _names(principal: object) -> set[str]:
    names = listed(principal.get("AWS")) if isinstance(principal, Mapping) else listed(principal)
    return {name for name in names if isinstance(name, str)}


def any_matches(patterns: object, text: str, fold: bool = False) -> bool:
    """Whether one of the patterns of an element matches, as ``matches`` says."""
    return any(isinstance(each, str) and matches(each, text, fold=fold) for each in listed(patterns))


def listed(value: object) -> Sequence[Any]:
    """An element of a policy, which may be one value or a list of them."""
    if value is None:
        return ()
    return value if isinstance(value, list) else [value]
