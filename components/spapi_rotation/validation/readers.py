"""Validates who may read a secret beside the function: roles and accounts, by what policies call them."""

import re
from collections.abc import Sequence

from spapi_rotation.validation.inputs import is_list
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.domain.sender_policy import AMAZON_ACCOUNT

_ACCOUNT = re.compile(r"\d{12}")
_ROOT = re.compile(r"arn:aws:iam::(\d{12}):root")
_ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/([\x21-\x29\x2b-\x3e\x40-\x7e]{1,510}/)?[\w+=,.@-]{1,64}", re.ASCII)
"""With a path, which holds neither wildcard. Source: IAM API reference, CreateRole."""

_SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([\w+=,.@-]{1,64})/.+", re.ASCII)
_OTHER_PARTITION = re.compile(r"arn:(?!aws:)[a-z-]+:(iam|sts)::")
_OTHER_KIND = re.compile(r"arn:aws:(iam|sts)::\d{12}:([a-z-]+)/.+")

_HOW = "Name a role by its ARN (arn:aws:iam::ACCOUNT:role/NAME), or an account by its 12 digits, in quotes."


def validate_readers(value: object, argument: str) -> Sequence[str]:
    """The principals of a policy, sorted, each once; an account is written as its root's ARN.

    Raises:
        BadSettings: naming the one that is neither a role nor an account.
    """
    if not is_list(value) or not value:
        raise BadSettings(
            f"{argument} must be a list with at least one entry.",
            remedy=f"Give a list, even for a single reader, or leave {argument} out. {_HOW}",
        )
    return sorted({_principal(each, f"{argument}[{index}]") for index, each in enumerate(value)})


def _principal(value: object, argument: str) -> str:
    text = value if isinstance(value, str) else ""
    account = text if _ACCOUNT.fullmatch(text) else None
    if account is None and (match := _ROOT.fullmatch(text) or _ROLE.fullmatch(text)):
        account = match[1]
    if account is None:
        raise _refusal(text, argument)
    if account == AMAZON_ACCOUNT:
        raise BadSettings(
            f"{argument} is Amazon's account, which sends the new secrets and reads none.",
            remedy="Leave it out: the queue's policy lets it send.",
        )
    return f"arn:aws:iam::{account}:root" if text == account else text


def _refusal(text: str, argument: str) -> BadSettings:
    if "*" in text or "?" in text:
        return BadSettings(
            f"{argument} has a wildcard: everybody who matches it could read the secret.",
            remedy=f"{_HOW} An account decides with its own IAM policies which of its roles read.",
        )
    if match := _SESSION.fullmatch(text):
        return BadSettings(
            f"{argument} is a session of a role, which expires.",
            remedy=f"Name the role: arn:aws:iam::{match[1]}:role/{match[2]}, with its path if it has one.",
        )
    if _OTHER_PARTITION.match(text):
        return BadSettings(
            f"{argument} is in another AWS partition, from which the secret cannot be read.",
            remedy="Name a role or an account of the partition aws.",
        )
    if match := _OTHER_KIND.fullmatch(text):
        return BadSettings(
            f"{argument} is neither a role nor an account, but of the kind {match[2]}.",
            remedy=f"{_HOW} Whatever is not a role can assume one.",
        )
    if text.endswith(".amazonaws.com"):
        return BadSettings(
            f"{argument} is an AWS service, which reads for every account.",
            remedy=f"Name the role that it uses for you. {_HOW}",
        )
    return BadSettings(f"{argument} is neither the ARN of a role nor an account's id.", remedy=_HOW)
