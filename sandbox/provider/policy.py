"""When two JSON texts mean the same: plain JSON, and IAM policies.

A policy is the same whatever the order of its statements and of the members of its lists, whether a list of one
is written as a list, and whether an account is written as its number or as its root's ARN
(the rules of ``hashicorp/awspolicyequivalence``, which the real provider uses).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_ROOT = re.compile(r"arn:[\w-]+:iam::(\d{12}):root")


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON texts hold the same value; texts that are no JSON must be equal as texts."""
    try:
        return bool(json.loads(one or "null") == json.loads(other or "null"))
    except (TypeError, ValueError):
        return bool(one == other)


def same_policy(one: Any, other: Any) -> bool:
    """Whether two policy texts allow and deny the same."""
    try:
        return bool(_policy(json.loads(one or "null")) == _policy(json.loads(other or "null")))
    except (TypeError, ValueError):
        return bool(one == other)


def is_json(text: str) -> bool:
    """Whether a text is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def as_text(value: Any) -> Any:
    """A policy document as its text; a text stays as it is (policies may be given as objects)."""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, Mapping | list) else value


def _policy(document: Any) -> Any:
    if not isinstance(document, Mapping) or "Statement" not in document:
        return document
    statements = document["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    rest = {key: value for key, value in document.items() if key != "Statement"}
    return rest, sorted((_statement(item) for item in listed), key=repr)


def _statement(statement: Any) -> Any:
    if not isinstance(statement, Mapping):
        return statement
    return sorted((key, _member(key, value)) for key, value in statement.items())


def _member(key: str, value: Any) -> Any:
    if key in ("Action", "NotAction"):
        return sorted(str(item).lower() for item in _listed(value))
    if key in ("Resource", "NotResource"):
        return sorted(str(item) for item in _listed(value))
    if key in ("Principal", "NotPrincipal"):
        return _principals(value)
    if key == "Condition" and isinstance(value, Mapping):
        return sorted((operator, _condition(keys)) for operator, keys in value.items())
    return value


def _principals(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return [("AWS", [str(value)])]
    return sorted((kind, sorted(_account(str(item)) for item in _listed(names))) for kind, names in value.items())


def _account(name: str) -> str:
    root = _ROOT.fullmatch(name)
    if root:
        return root[1]
    return name


def _condition(keys: Any) -> Any:
    if not isinstance(keys, Mapping):
        return keys
    return sorted(
        (key.lower(), sorted(str(item).lower() if isinstance(item, bool) else str(item) for item in _listed(values)))
        for key, values in keys.items()
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
