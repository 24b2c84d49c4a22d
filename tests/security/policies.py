"""Every policy document that the component makes or the documentation gives, in the form of AWS's own grammar."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sandbox.paths import CHECKOUT
from tests.component.recorder import ACCOUNT, PROJECT, REGION, STACK, Recording
from tests.security.stacks import aws_resources

_BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)
_FOR_PLACEHOLDERS = {
    "ACCOUNT": ACCOUNT,
    "REGION": REGION,
    "IDENTITY": f"{PROJECT}/{STACK}/rotation",
    "COMPONENT": "rotation",
    "SECRET_ARN": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop-AbC123",
    "KEY_ARN": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}


class Kind(StrEnum):
    """What a policy document is for; each has a grammar of its own."""

    IDENTITY = "identity"
    """What a role may do."""

    TRUST = "trust"
    """Who may take a role."""

    RESOURCE = "resource"
    """Who may do what with a thing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document.

    Attributes:
        name: where it comes from.
        kind: what it is for.
        document: the document.
        of: the type of the resource whose policy it is; empty for those of the documentation.
    """

    name: str
    kind: Kind
    document: Mapping[str, Any]
    of: str = ""


def made(stack: str, recording: Recording) -> Iterator[Policy]:
    """Those that a component makes, or gives as an output."""
    for each in aws_resources(recording):
        kind = Kind.IDENTITY if each.type == "aws:iam/rolePolicy:RolePolicy" else Kind.RESOURCE
        if "policy" in each.inputs:
            yield Policy(f"{stack}/{each.name}", kind, each.policy(), each.type)
        if "assumeRolePolicy" in each.inputs:
            yield Policy(f"{stack}/{each.name}", Kind.TRUST, each.policy("assumeRolePolicy"), each.type)
    for application, text in recording.outputs["reader_policy_json"].items():
        yield Policy(f"{stack}/reader_policy_json.{application}", Kind.IDENTITY, json.loads(text))


def documented() -> Iterator[Policy]:
    """Those of ``docs/permissions``, and those that pages show, with values in place of what a person puts in."""
    for file in sorted((CHECKOUT / "docs" / "permissions").glob("*.json")):
        yield Policy(_path(file), Kind.IDENTITY, json.loads(_filled_in(file.read_text())))
    for page in sorted((CHECKOUT / "docs").rglob("*.md")):
        for number, block in enumerate(_BLOCK.findall(page.read_text()), start=1):
            found = json.loads(_filled_in(block))
            if isinstance(found, dict) and "Statement" in found:
                kind = Kind.RESOURCE if "Principal" in block else Kind.IDENTITY
                yield Policy(f"{_path(page)}#{number}", kind, found)


def _path(file: Path) -> str:
    return str(file.relative_to(CHECKOUT))


def _filled_in(text: str) -> str:
    for name, value in _FOR_PLACEHOLDERS.items():
        text = re.sub(rf"\b{name}\b", value, text)
    return text
