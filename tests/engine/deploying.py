"""Whoever runs Pulumi: a role with a documented policy, of which actions can be taken away."""

import json
import re
from collections.abc import Collection
from typing import Any

from docs.tools.permissions import Statement, policy
from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.session import Sandbox
from sandbox.stack import Run

ROLE = "deployer"
FLAGS = ("--non-interactive", "--color=never", "--yes", "--skip-preview")

_DENIED = re.compile(
    r"not authorized to perform: (?P<by_aws>[a-z]+:[A-Za-z]+)"
    r"|AWS failed (?P<by_function>[a-z]+:[A-Za-z]+): \w*AccessDenied"
    r"|KMS key is invalid for (?P<of_key>[A-Za-z]+)\."
    r"|does not hold what was asked for in: (?P<encrypted>environment)"
)
"""What says that an action is denied: AWS, our own errors, Lambda of the key of a function's environment, and that this
environment cannot be read."""


def denied(text: str) -> set[str]:
    """The actions that a run was denied, by what it printed."""
    found = (each.groupdict() for each in _DENIED.finditer(text))
    return {each["by_aws"] or each["by_function"] or f"kms:{each['of_key'] or 'Decrypt'}" for each in found}


_KEYS_PART = {"secretsmanager:PutSecretValue": "kms:GenerateDataKey"}
"""What a call lacks that is denied although it is allowed: the use of the secret's key, by the caller's rights."""


class Deployer:
    """Runs Pulumi as a role whose policy is a document of ``docs/permissions``, or a part of one.

    Attributes:
        may: the actions that it has, of those that the document allows.
    """

    def __init__(self, box: Sandbox, statements: Collection[Statement], *, identity: str, component: str) -> None:
        self.box = box
        values = {"ACCOUNT": ACCOUNT, "REGION": REGION, "IDENTITY": identity, "COMPONENT": component}
        self.document = policy(tuple(statements), **values)
        self.actions = {action for each in self.document["Statement"] for action in each["Action"]}
        self.may: set[str] = set()
        self.progress = print
        self._iam = box.aws.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        role = self._iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
        given = box.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"]
        box.stack.environment |= {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def allow(self, actions: Collection[str]) -> None:
        """Have exactly these actions, on what the document allows them on and under its conditions."""
        self.may = set(actions)
        statements = [
            {**each, "Action": kept}
            for each in self.document["Statement"]
            if (kept := [action for action in each["Action"] if action in self.may])
        ]
        if statements:
            self._iam.put_role_policy(RoleName=ROLE, PolicyName="own", PolicyDocument=_document(*statements))
        elif self._iam.list_role_policies(RoleName=ROLE)["PolicyNames"]:
            self._iam.delete_role_policy(RoleName=ROLE, PolicyName="own")

    def run(self, command: str) -> Run:
        """Run ``pulumi up``, ``refresh`` or ``destroy``, to the end of what can be done."""
        more = () if command == "refresh" else ("--continue-on-error",)
        return self.box.stack.run(command, *FLAGS, *more, check=False)

    def grow(self, command: str) -> Run:
        """Repeat a command until it is denied nothing, and give it each time what it was denied.

        So each action is one without which something was seen to fail.

        Raises:
            AssertionError: it fails for another reason, or is denied what the document does not allow.
        """
        while True:
            run = self.run(command)
            lacking = denied(run.text)
            if not lacking:
                assert run.code == 0, run.text[-4000:]
                return run
            new = {_KEYS_PART.get(action, action) if action in self.may else action for action in lacking}
            new &= self.actions - self.may
            assert new, (sorted(lacking), run.text[-4000:])
            self.progress(f"{command} lacks {', '.join(sorted(new))}")
            self.allow(self.may | new)


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
