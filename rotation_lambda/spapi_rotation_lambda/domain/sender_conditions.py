"""Whether a policy's condition holds for Amazon's sender: yes, no, or it cannot be known.

What is taken to be known of it: a principal of Amazon's own account (not an AWS service), which belongs to no
organisation of ours and uses no network of ours, and calls over TLS. Its role, and whether it belongs to an
organisation at all, are not known.

Sources: IAM user guide, "AWS global condition context keys" (which requests carry which key), "IAM JSON policy
elements: Condition operators" (a key that is not there: negated operators and ...IfExists hold, others do not; Null)
and "Multivalued context keys" (ForAllValues holds for no value, ForAnyValue does not).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AMAZON_ACCOUNT = "437568002678"
"""The AWS account from which Amazon sends SP-API notifications."""

Answer = bool | None
"""None: it cannot be known."""


@dataclass(frozen=True, slots=True)
class _Value:
    """What is known of a key's value.

    Attributes:
        begins: how it begins.
        rest: whether something unknown follows that.
        foreign: whether it names what is not ours, so that no name in a policy of ours is it.
    """

    begins: str
    rest: bool = False
    foreign: bool = False


_ABSENT = None
_Possible = _Value | None

_ABSENT_OR_FOREIGN = (_ABSENT, _Value("", rest=True, foreign=True))

_KNOWN: Mapping[str, tuple[_Possible, ...]] = {
    "aws:principalaccount": (_Value(AMAZON_ACCOUNT),),
    "aws:principalarn": (
        _Value(f"arn:aws:iam::{AMAZON_ACCOUNT}:", rest=True),
        _Value(f"arn:aws:sts::{AMAZON_ACCOUNT}:", rest=True),
    ),
    "aws:principalisawsservice": (_Value("false"),),
    "aws:principalorgid": _ABSENT_OR_FOREIGN,
    "aws:principalorgpaths": _ABSENT_OR_FOREIGN,
    # Requests of a service's own principal alone carry these.
    "aws:principalservicename": (_ABSENT,),
    "aws:principalservicenameslist": (_ABSENT,),
    "aws:sourceaccount": (_ABSENT,),
    "aws:sourcearn": (_ABSENT,),
    "aws:sourceorgid": (_ABSENT,),
    "aws:sourceorgpaths": (_ABSENT,),
    "aws:sourcevpc": _ABSENT_OR_FOREIGN,
    "aws:sourcevpce": _ABSENT_OR_FOREIGN,
    "aws:securetransport": (_Value("true"),),
}
"""What each key may be, by its lower-case name; a key that is not here may be anything."""


def condition_holds(condition: object) -> Answer:
    """Whether a statement's whole Condition holds for Amazon's sender; one that is not there does."""
    if condition is None:
        return True
    if not isinstance(condition, Mapping):
        return None
    answers: list[Answer] = []
    for operator, keys in condition.items():
        if not isinstance(operator, str) or not isinstance(keys, Mapping):
            return None
        answers += [_holds(operator, str(key).lower(), wanted) for key, wanted in keys.items()]
    return all_of(answers)


def all_of(answers: Iterable[Answer]) -> Answer:
    """Whether all hold: no as soon as one does not."""
    found = list(answers)
    if False in found:
        return False
    return None if None in found else True


def _holds(operator: str, key: str, wanted: object) -> Answer:
    """One operator on one key, for everything that the key may be."""
    possible = _KNOWN.get(key)
    if possible is None:
        return None
    texts = [_text(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
    found = {_of_one(operator, value, texts) for value in possible}
    return found.pop() if len(found) == 1 else None


def _of_one(operator: str, value: _Possible, wanted: Sequence[str]) -> Answer:
    parts = re.fullmatch(r"(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?", operator)
    if parts is None:
        return None
    name = parts[2]
    if name == "Null":
        return None if wanted not in (["true"], ["false"]) else (value is None) is (wanted == ["true"])
    if name not in _OPERATORS:
        return None
    negated, compare = _OPERATORS[name]
    if value is None:
        # The set operators say for themselves what holds of no value at all.
        return {"ForAnyValue": False, "ForAllValues": True}.get(parts[1], negated or bool(parts[3]))
    equal = _any_of(compare(each, value) for each in wanted)
    return equal if not negated or equal is None else not equal


def _any_of(answers: Iterable[Answer]) -> Answer:
    found = list(answers)
    if True in found:
        return True
    return None if None in found else False


def _equals(wanted: str, value: _Value) -> Answer:
    if "${" in wanted:
        return None  # a policy variable
    if value.foreign:
        return False
    if value.rest:
        return None if wanted.startswith(value.begins) else False
    return wanted == value.begins


def _equals_folded(wanted: str, value: _Value) -> Answer:
    return _equals(wanted.lower(), _Value(value.begins.lower(), value.rest, value.foreign))


def _like(wanted: str, value: _Value) -> Answer:
    if "${" in wanted:
        return None
    if value.foreign:
        # The name of an organisation (or a network) that is written out is ours; a pattern of names could be any.
        return None if re.search(r"[*?]", wanted.partition("/")[0]) else False
    if not value.rest:
        return matches(wanted, value.begins)
    if not _may_begin(wanted, value.begins):
        return False
    return True if wanted.endswith("*") and matches(wanted, value.begins) else None


def matches(pattern: str, text: str, *, fold: bool = False) -> bool:
    """IAM's wildcard match (``*`` and ``?``); ``fold`` ignores case, as IAM does for actions."""
    regex = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(regex, text, re.IGNORECASE if fold else 0) is not None


def _may_begin(pattern: str, text: str) -> bool:
    """Whether something that begins with the text can match the pattern."""
    until_star, star, _ = pattern.partition("*")
    reaches = bool(star) or len(pattern) >= len(text)
    return reaches and all(c in ("?", known) for c, known in zip(until_star, text, strict=False))


_OPERATORS: Mapping[str, tuple[bool, Callable[[str, _Value], Answer]]] = {
    "StringEquals": (False, _equals),
    "StringNotEquals": (True, _equals),
    "StringEqualsIgnoreCase": (False, _equals_folded),
    "StringNotEqualsIgnoreCase": (True, _equals_folded),
    "StringLike": (False, _like),
    "StringNotLike": (True, _like),
    "ArnEquals": (False, _like),
    "ArnLike": (False, _like),
    "ArnNotEquals": (True, _like),
    "ArnNotLike": (True, _like),
    "Bool": (False, _equals_folded),
}
"""Each operator: whether it is a negation, and how one value is compared."""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
