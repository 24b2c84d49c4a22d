"""Somebody who operates a deployed stack by the command, with nothing but the documented policy."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.processes import scrubbed_environment
from sandbox.session import Sandbox

DOCS = Path(__file__).parents[2] / "docs" / "operator-interface.md"


class Operator:
    """Somebody with the documented policy and the command.

    Args:
        box: where the function is.
        function: its name; that of the box's own stack if not given.
        region: the function's.

    Attributes:
        role: their role's name, one for each region.
        said: everything that the command wrote.
        typed: every subcommand that was run.
    """

    def __init__(self, box: Sandbox, function: str | None = None, region: str = REGION) -> None:
        self.box = box
        self.outputs: dict[str, Any] = {"function_name": function} if function else box.stack.outputs()
        self.role = "operator" if region == REGION else f"operator-{region}"
        self._region = region
        self.said: list[str] = []
        self.typed: set[str] = set()
        self._environment = self._as_operator()

    def _as_operator(self) -> dict[str, str]:
        name = self.outputs["function_name"]
        arn = self.box.aws.client("lambda", region=self._region).get_function_configuration(FunctionName=name)[
            "FunctionArn"
        ]
        written = next(block for block in re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL))
        policy = json.loads(written)
        policy["Statement"][0]["Resource"] = arn
        iam = self.box.aws.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName=self.role, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]["Arn"]
        iam.put_role_policy(RoleName=self.role, PolicyName="operate", PolicyDocument=json.dumps(policy))
        given = self.box.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"]
        self.credentials = given
        return scrubbed_environment(
            **self.box.aws.environment()
            | {
                "AWS_REGION": self._region,
                "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
                "AWS_SESSION_TOKEN": given["SessionToken"],
                "SPAPI_ROTATION_FUNCTION": name,
            }
        )

    def run(self, *words: str, stdin: str = "", code: int | None = 0) -> str:
        """Run the command as a process of its own; returns what it wrote on stdout.

        Args:
            code: the exit code that it must have; None for any.
        """
        program = Path(sys.executable).with_name("spapi-rotation")
        done = subprocess.run(
            [program, *words], input=stdin, capture_output=True, text=True, check=False, env=self._environment
        )
        self.said += [done.stdout, done.stderr]
        self.typed.add(words[0])
        assert code in (None, done.returncode), (words, done.stdout, done.stderr)
        return done.stdout
