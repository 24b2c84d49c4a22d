"""The deployed checkpoint: a stack's state as this version leaves it, kept so that later ones preview it.

``python -m tests.engine.checkpoint`` deploys two applications into the sandbox with the defaults (one of them adopted,
with its owner's key and names), rotates the other once by ``pulumi up``, and writes what Pulumi then has into
``tests/data/checkpoint.json``. Run it at a release, and not to make a test pass.
"""

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import yaml

import spapi_rotation_lambda
from sandbox.aws.emulator import REGION
from sandbox.paths import CHECKOUT
from sandbox.session import App, Sandbox
from sandbox.stack import Stack

FILE = CHECKOUT / "tests" / "data" / "checkpoint.json"

SHOP = App("shop", f"amzn1.application-oa2-client.{1:032x}")
ADOPTED = App("wholesale", f"amzn1.application-oa2-client.{2:032x}")

ELSEWHERE = "/home/somebody/spapi-rotation"
"""In place of where this checkout lies."""

SQS = f"https://sqs.{REGION}.amazonaws.com"
"""In place of the emulator, in the queues' URLs."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state and its configuration.

    Attributes:
        version: of the component that left it.
        config: the stack's configuration.
        state: what ``pulumi stack export --show-secrets`` gave.
    """

    version: str
    config: Mapping[str, Any]
    state: Mapping[str, Any]

    @classmethod
    def kept(cls) -> Self:
        """The one that the tests keep."""
        return cls(**json.loads(FILE.read_text(encoding="utf-8")))

    def put_into(self, stack: Stack) -> None:
        """Make it the state and the configuration of a stack of the same project and name."""
        stack.configure(self.config)
        # Pulumi encrypts anew what it keeps secret, by the passphrase of this stack.
        settings = yaml.safe_load((stack.project / f"Pulumi.{stack.name}.yaml").read_text())
        encryption = {"type": "passphrase", "state": {"salt": settings["encryptionsalt"]}}
        deployment = {**self.state["deployment"], "secrets_providers": encryption}
        file = stack.folder / "checkpoint.json"
        file.write_text(json.dumps({**self.state, "deployment": deployment}))
        stack.run("stack", "import", "--stack", stack.name, "--file", str(file))

    def keep(self) -> None:
        """Make it the one that the tests keep."""
        document = {"version": self.version, "config": self.config, "state": self.state}
        FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8", newline="\n")


def make(box: Sandbox) -> Checkpoint:
    """Deploy, rotate, and look at the state.

    Raises:
        RuntimeError: something in it must not be kept.
    """
    applications = {SHOP.name: {"client_id": SHOP.client_id}, ADOPTED.name: _adopted(box)}
    config = {"aws:region": REGION, "applications": applications}
    # For the rotation alone, so that the state that is kept has the defaults.
    here = {"spapi_endpoint": box.spapi_endpoint, "lwa_endpoint": box.lwa_endpoint, "promote_delay_minutes": 0}
    box.stack.configure({**config, **here})
    box.stack.up()
    outputs = box.stack.outputs()
    box.seed(SHOP, outputs["secret_arns"][SHOP.name], age=timedelta(days=10))
    box.amazon.subscribe(SHOP.client_id, outputs["queue_url"])
    applications[SHOP.name]["rotate_on_up"] = "first"
    box.stack.configure({**config, **here})
    box.stack.up()
    box.stack.configure(config)
    box.stack.up()
    box.stack.preview(unchanged=True)
    return Checkpoint(spapi_rotation_lambda.__version__, config, _state(box))


def _adopted(box: Sandbox) -> dict[str, Any]:
    """An application whose owner has its credentials in a secret and under a key and names of its own."""
    key_arn = box.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    names = {"client_id": "LWA_CLIENT_ID", "client_secret": "LWA_CLIENT_SECRET"}
    value = {"LWA_CLIENT_ID": ADOPTED.client_id, "LWA_CLIENT_SECRET": "made up"}
    made = box.aws.client("secretsmanager").create_secret(
        Name="amazon/wholesale", KmsKeyId=key_arn, SecretString=json.dumps(value)
    )
    return {
        "client_id": ADOPTED.client_id,
        "secret_arn": made["ARN"],
        "secret_key_arn": key_arn,
        "secret_keys": names,
    }


def _state(box: Sandbox) -> dict[str, Any]:
    """The state, without what names this machine and without how Pulumi encrypts it."""
    state = json.loads(box.stack.export())
    del state["deployment"]["secrets_providers"]
    for resource in state["deployment"]["resources"]:
        for where_declared in ("sourcePosition", "stackTrace"):
            resource.pop(where_declared, None)
    text = json.dumps(state).replace(str(CHECKOUT), ELSEWHERE).replace(box.aws.endpoint, SQS)
    if box.search_secrets({"the state": text}):
        raise RuntimeError("A client secret or a token is in the state.")
    if found := re.search(r"127\.0\.0\.1[^\"]*|/(?:tmp|root|home)/[^\"]*", text.replace(ELSEWHERE, "")):
        raise RuntimeError(f"The state names something of this machine: {found[0]}")
    scrubbed: dict[str, Any] = json.loads(text)
    return scrubbed


def main() -> int:
    """Make the checkpoint and keep it."""
    with (
        tempfile.TemporaryDirectory(prefix="spapi-rotation-checkpoint-") as folder,
        Sandbox(Path(folder), progress=print, rate_period_seconds=1) as box,
    ):
        make(box).keep()
    return 0


if __name__ == "__main__":
    sys.exit(main())
