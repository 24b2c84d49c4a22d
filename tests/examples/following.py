"""Somebody with a checkout who types what an example's README says, in the sandbox.

What the README leaves open is filled in, and what it has a person do at Amazon is done.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.aws.emulator import ACCOUNT, AwsEmulator
from sandbox.paths import CHECKOUT
from sandbox.session import App, Sandbox, new_app
from tests.installs.at_a_terminal import Terminal, typed
from tests.installs.environments import clone

EXAMPLES = CHECKOUT / "examples"
CLIENT_ID = "amzn1.application-oa2-client.…"
AGE = timedelta(days=10)


def commands(name: str) -> list[str]:
    """The lines that an example's README has typed."""
    return typed((EXAMPLES / name / "README.md").read_text())


class Follower:
    """One person with one example: a context manager, whose terminal closes at its end.

    Args:
        box: the sandbox, whose engine, AWS and Amazon these are.
        folder: for the checkout.
        name: the example's folder.
        endpoint: the program's file, and Amazon's endpoint as it has it and as it names the sandbox's (``SPAPI``,
            ``LWA``): all that is changed of it.
        apps: the applications whose client ids the README leaves open, in its order.
        not_typed: lines of the README that are left out.
        environment: for a checkout, all that the person has; that of the box's stack if not given.

    Attributes:
        apps: the applications by their names; Amazon knows them.
        place: the example in the checkout.
        placeholders: what else the README leaves open.
    """

    def __init__(
        self,
        box: Sandbox,
        folder: Path,
        name: str,
        *,
        endpoint: tuple[str, str, str],
        apps: tuple[str, ...] = ("shop",),
        not_typed: tuple[str, ...] = (),
        environment: Callable[[Path], Mapping[str, str]] | None = None,
    ) -> None:
        self.box, self.name, self.placeholders = box, name, dict[str, str]()
        self.apps = {each: new_app(each) for each in apps}
        issued = datetime.now(UTC) - AGE
        self.secrets = {app.name: self._known_to_amazon(app, issued) for app in self.apps.values()}
        self._client_ids = [app.client_id for app in self.apps.values()]
        self._not_typed = not_typed
        checkout = clone(folder / "checkout")
        environment = environment or (lambda _: box.stack.environment)
        self.place = checkout / "examples" / name
        _lead(self.place, box, *endpoint)
        self.terminal = Terminal(
            checkout,
            {
                **environment(checkout),
                # Its own question wants a terminal with a screen.
                "PULUMI_SKIP_CONFIRMATIONS": "true",
                "PULUMI_OPTION_COLOR": "never",
            },
            {"[y/N] ": "y\n", "Enter if unknown): ": f"{issued:%Y-%m-%d}\n"},
        )

    def _known_to_amazon(self, app: App, issued: datetime) -> str:
        made = self.box.amazon.register(app.client_id, issued_at=issued)
        assert made.client_secret
        return made.client_secret

    def follow(self, *, until: str | None = None, after: str | None = None) -> str:
        """Type the README's lines, or those before the first that begins with ``until``, or from ``after`` on.

        Returns:
            what they showed.
        """
        lines = commands(self.name)
        if after is not None:
            lines = lines[next(number for number, line in enumerate(lines) if line.startswith(after)) :]
        if until is not None:
            lines = lines[: next(number for number, line in enumerate(lines) if line.startswith(until))]
        return "".join(self._type(line) for line in lines if line not in self._not_typed)

    def _type(self, line: str) -> str:
        if CLIENT_ID in line:
            line = line.replace(CLIENT_ID, self._client_ids.pop(0))
        for written, value in self.placeholders.items():
            line = line.replace(written, value)
        assert "…" not in line, line
        if line.startswith("spapi-rotation seed "):
            self.terminal.answers["Client secret (not shown): "] = f"{self.secrets[line.split()[2]]}\n"
        return self.terminal.enter(line)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        found: dict[str, Any] = json.loads(self.terminal.enter("pulumi stack output --json"))
        return found

    def register(self, app: str, queue_arn: str) -> None:
        """What the README has a person do in Amazon's Developer Console, for one application."""
        queue = self.box.aws.client("sqs").get_queue_url(QueueName=queue_arn.rpartition(":")[2])
        self.box.amazon.subscribe(self.apps[app].client_id, queue["QueueUrl"])

    def in_use(self, secret_arn: str, credentials: dict[str, str] | None = None) -> dict[str, str]:
        """What is in use of a secret, read by the account's root if nobody else is given."""
        client = self.box.aws.client("secretsmanager", credentials=credentials)
        found: dict[str, str] = json.loads(client.get_secret_value(SecretId=secret_arn)["SecretString"])
        return found

    def newest(self, app: str, client_secret: str) -> bool:
        """Whether a client secret is Amazon's newest, and another one than before."""
        judged = self.box.amazon.judge(self.apps[app].client_id, client_secret)
        return judged is not None and judged.newest and client_secret != self.secrets[app]

    def shown(self) -> list[str]:
        """Which of the client secrets, old and new, were shown at the terminal or lie in the state."""
        state = self.terminal.enter("pulumi stack export --show-secrets")
        return [each for each in self.box.amazon.canaries().secrets if each in self.terminal.shown + state]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminal.__exit__(kind, error, trace)


@contextmanager
def assumed(aws: AwsEmulator, role: str) -> Iterator[dict[str, str]]:
    """Credentials of a role that a service of AWS takes, which trusts the account's root meanwhile.

    Args:
        role: its name.
    """
    iam = aws.client("iam")
    before = iam.get_role(RoleName=role)["Role"]
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)
    try:
        yield aws.client("sts").assume_role(RoleArn=before["Arn"], RoleSessionName="task")["Credentials"]
    finally:
        written = json.dumps(before["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=written)


def _lead(example: Path, box: Sandbox, file: str, written: str, here: str) -> None:
    program = example / file
    text = program.read_text()
    assert text.count(written) == 1, written
    here = here.replace("SPAPI", box.spapi_endpoint).replace("LWA", box.lwa_endpoint)
    program.write_text(text.replace(written, here))
