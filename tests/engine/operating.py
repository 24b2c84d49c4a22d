"""Somebody who operates a deployed stack by the command, with nothing but the documented policy."""

import json
import re
import subprocess
import sys
from pathlib import Path

from sandbox.aws.emulator import ACCOUNT
from sandbox.processes import scrubbed_environment
from sandbox.session import Sandbox

DOCS = Path(__file__).parents[2] / "docs" / "operator-interface.md"


class Operator:
    """Somebody with the documented policy and the command.

    Attributes:
        said: everything that the command wrote.
        typed: every verb that was run.
    """

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.outputs = box.stack.outputs()
        self.said: list[str] = []
        self.typed: set[str] = set()
        self._environment = self._as_operator()

    def _as_operator(self) -> dict[str, str]:
        name = self.outputs["function_name"]
        arn = self.box.aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
        written = next(block for block in re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL))
        policy = json.loads(written)
        policy["Statement"][0]["Resource"] = arn
        iam = self.box.aws.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName="operator", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]["Arn"]
        iam.put_role_policy(RoleName="operator", PolicyName="operate", PolicyDocument=json.dumps(policy))
        given = self.box.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"]
        self.credentials = given
        return scrubbed_environment(
            **self.box.aws.environment()
            | {
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
