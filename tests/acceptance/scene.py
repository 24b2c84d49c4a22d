"""The throw-away stack of an acceptance run, and who listens to its alarms."""

import json
import secrets
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.engine import Engine
from sandbox.stack import PROJECT, Stack
from sandbox.timeline import Timeline, parse_log_line
from tests.acceptance.account import Account
from tests.acceptance.leftovers import Made, standing

APPLICATION = "acceptance"
COMPONENT = "rotation"
"""What the program calls its component."""

PAUSE_SECONDS = 2.0
REAL_PAUSE_SECONDS = 15.0


def an_application() -> dict[str, Any]:
    """One that Amazon does not know."""
    return {"client_id": f"amzn1.application-oa2-client.{secrets.token_hex(16)}"}


class Scene:
    """What the steps act on.

    Attributes:
        account: where.
        show: what the steps print to.
        stack: the throw-away stack; its backend is in the run's own folder.
        made: everything that the stack ever held.
        applications: those of its configuration, at first one; Amazon knows none of them.
        settings: what else is configured, beside what is always.
        second: another stack that was begun and is not destroyed yet.
        identity: first part of the names of what has a given name.
    """

    def __init__(
        self, account: Account, show: Timeline, folder: Path, engine: Engine, *, patience_seconds: float
    ) -> None:
        self.account = account
        self.show = show
        self.folder = folder
        self.made: set[Made] = set()
        self.passphrase_file = folder / "passphrase"
        self._patience_seconds = patience_seconds
        self.applications: dict[str, dict[str, Any]] = {APPLICATION: an_application()}
        self.settings: dict[str, Any] = {}
        self.second: Stack | None = None
        self._listener: str | None = None
        self._engine = engine
        self._passphrase = secrets.token_urlsafe(24)
        self.passphrase_file.touch(mode=0o600)
        self.passphrase_file.write_text(self._passphrase)
        self.stack = self.another_stack("pulumi", f"acceptance-{secrets.token_hex(3)}")
        self.identity = f"{PROJECT}/{self.stack.name}/{COMPONENT}"

    def another_stack(self, folder: str, name: str) -> Stack:
        """A stack of the same program, with a backend of its own."""
        environment = self.account.environment() | {
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "false",
            "PULUMI_CONFIG_PASSPHRASE": self._passphrase,
        }
        # The engine looks for plugins on PATH and, if none is there, gets the real one from its own site.
        bin_ = self._engine.bin
        return Stack(self.folder / folder, engine=bin_, plugins=bin_, environment=environment, name=name)

    def configure(self, stack: Stack | None = None, **more: Any) -> None:
        """Set the configuration of a stack, if not this one's: these applications, and what costs least to remove."""
        (stack or self.stack).configure(
            {
                "aws:region": self.account.region,
                "aws:profile": self.account.profile,
                "applications": self.applications,
                "deletion_protection": True,
                "secret_recovery_window_days": 0,
                "key_deletion_window_days": 7,
                "log_retention_days": 1,
                "tags": {"spapi-rotation:purpose": "acceptance run - to be deleted"},
                **self.settings,
                **more,
            }
        )

    def up(self) -> None:
        """Run ``pulumi up``, and remember what it made."""
        try:
            self.stack.up()
        finally:
            self.remember()

    def remember(self, stack: Stack | None = None) -> None:
        """Note everything that the state of a stack, if not this one's, names."""
        for resource in self.resources(stack):
            if resource.get("custom") and resource.get("id") and resource["type"].startswith("aws:"):
                self.made.add(Made(resource["type"], str(resource["id"])))

    def resources(self, stack: Stack | None = None) -> list[dict[str, Any]]:
        """What the state of a stack, if not this one's, holds."""
        stack = stack or self.stack
        state = json.loads(stack.run("stack", "export", "--stack", stack.name).text)
        return list(state["deployment"].get("resources", ()))

    def standing(self) -> dict[Made, str | bool]:
        """What of all that is in the account now."""
        return standing(self.account, self.made)

    def wait(self, what: str, probe: Callable[[], Any]) -> Any:
        """Look again and again until the probe returns something true; what it returned last when patience ends."""
        pause = PAUSE_SECONDS if self.account.rehearsal else REAL_PAUSE_SECONDS
        ends = time.monotonic() + self._patience_seconds
        self.show.note(f"waiting for {what}, at most {self._patience_seconds / 60:g} minutes")
        while not (found := probe()) and time.monotonic() < ends:
            time.sleep(pause)
        return found

    def checks_in_the_log(self) -> list[dict[str, object]]:
        """What the function logged of its checks of the application."""
        group = f"/aws/lambda/{self.identity}"
        pages = self.account.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = (parse_log_line(event["message"]) for page in pages for event in page["events"])
        client_id = self.applications[APPLICATION]["client_id"]
        return [line for line in lines if line and line["message"] == "check" and line["client_id"] == client_id]

    def listen(self, topic_arn: str) -> None:
        """Make a queue of the run's own and subscribe it to the topic."""
        sqs, sns = self.account.client("sqs"), self.account.client("sns")
        name = f"{PROJECT}-{self.stack.name}-listener"
        arn = f"arn:aws:sqs:{self.account.region}:{self.account.account_id}:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._listener = str(sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"])
        self.made.add(Made("aws:sqs/queue:Queue", self._listener))
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)

    def heard(self) -> list[dict[str, Any]]:
        """Alarms that have come since the last look."""
        if self._listener is None:
            return []
        sqs = self.account.client("sqs")
        found = sqs.receive_message(QueueUrl=self._listener, MaxNumberOfMessages=10, WaitTimeSeconds=5)
        messages = found.get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=self._listener, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in messages]

    def stop_listening(self) -> None:
        """Delete the run's own queue."""
        if self._listener is not None:
            self.account.client("sqs").delete_queue(QueueUrl=self._listener)
            self._listener = None

    def by_hand(self) -> list[str]:
        """The lines that lift the protection and destroy the stack, for somebody with a shell of this machine."""
        kept = ("PULUMI_HOME", "PYTHONPATH", "AWS_PROFILE", "AWS_REGION")
        exports = {name: self.stack.environment[name] for name in kept}
        exports["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(self.passphrase_file)
        exports["PATH"] = self.stack.environment["PATH"]
        second = []
        if self.second is not None:
            second = [
                f"cd {shlex.quote(str(self.second.project))}",
                f"export PULUMI_BACKEND_URL={shlex.quote(self.second.environment['PULUMI_BACKEND_URL'])}",
                f"pulumi state unprotect --all --yes --stack {self.second.name}",
                f"pulumi destroy --yes --stack {self.second.name}",
            ]
        return [
            *(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
            *second,
            f"cd {shlex.quote(str(self.stack.project))}",
            f"export PULUMI_BACKEND_URL={shlex.quote(self.stack.environment['PULUMI_BACKEND_URL'])}",
            f"pulumi cancel --yes --stack {self.stack.name}  # if it was interrupted",
            f"pulumi config set deletion_protection false --stack {self.stack.name}",
            f"pulumi up --yes --stack {self.stack.name} && pulumi destroy --yes --stack {self.stack.name}",
        ]
