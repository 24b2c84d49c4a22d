"""The acceptance run as a rehearsal on the emulator: that the script works, and cleans up, and says what is left.

It is no acceptance: that needs a real account, and was not done by any test.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws.emulator import ACCOUNT, REGION, AwsEmulator
from sandbox.engine import ensure_engine
from sandbox.paths import CHECKOUT
from sandbox.processes import scrubbed_environment
from sandbox.provider.install import install
from tests.acceptance.steps import STEPS, TEARDOWN

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

PROFILE = "rehearsal"


class Rehearsal:
    """An emulator, and a machine whose only AWS profile leads to it."""

    def __init__(self, folder: Path, emulator: AwsEmulator) -> None:
        self.aws = emulator
        config = folder / "config"
        config.write_text(
            f"[profile {PROFILE}]\naws_access_key_id = test\naws_secret_access_key = test\nregion = nowhere-1\n"
            f"endpoint_url = {emulator.endpoint}\nca_bundle = {emulator.ca_file}\n"
        )
        plugins = folder / "plugins"
        install(plugins, Path(sys.executable))
        (folder / "tmp").mkdir()
        self.environment = scrubbed_environment(
            AWS_CONFIG_FILE=str(config),
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
            AWS_EC2_METADATA_DISABLED="true",
            HOME=str(folder),
            TMPDIR=str(folder / "tmp"),
            **{name: os.environ[name] for name in ("SPAPI_ROTATION_CACHE",) if name in os.environ},
        ) | {"PATH": ensure_engine(print).search_path(plugins)}
        self.temporary = folder / "tmp"

    def run(
        self, *words: str, code: str = "from tests.acceptance.__main__ import main"
    ) -> subprocess.CompletedProcess[str]:
        """Run the script as a process of its own; both its outputs are in stdout."""
        program = f"import sys; {code}; sys.exit(main(sys.argv[1:]))"
        return subprocess.run(
            [sys.executable, "-c", program, "--profile", PROFILE, "--region", REGION, *words],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=900,
        )

    def left(self) -> dict[str, list[str]]:
        """What the emulator holds, by what it is called there."""
        return {
            "queues": self.aws.client("sqs").list_queues().get("QueueUrls", []),
            "functions": [each["FunctionName"] for each in self.aws.client("lambda").list_functions()["Functions"]],
            "secrets": [each["Name"] for each in self.aws.client("secretsmanager").list_secrets()["SecretList"]],
            "alarms": [each["AlarmName"] for each in self.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]],
            "topics": [each["TopicArn"] for each in self.aws.client("sns").list_topics()["Topics"]],
            "roles": [each["RoleName"] for each in self.aws.client("iam").list_roles()["Roles"]],
            "log groups": [each["logGroupName"] for each in self.aws.client("logs").describe_log_groups()["logGroups"]],
        }


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    with AwsEmulator(tmp_path / "aws", hour_seconds=20) as emulator:
        yield Rehearsal(tmp_path, emulator)


def test_a_run_passes_and_leaves_nothing(rehearsal: Rehearsal) -> None:
    before = rehearsal.left()
    done = rehearsal.run("--yes", "--patience-minutes", "3")
    assert "MISS" not in done.stdout, done.stdout
    assert done.returncode == 0, done.stdout
    assert "A REHEARSAL" in done.stdout
    assert f"account {ACCOUNT}" in done.stdout
    for step in (*STEPS, *TEARDOWN):
        assert f"  {step.title}\n" in done.stdout
    assert "state UNSEEDED" in done.stdout
    assert rehearsal.left() == before
    assert list(rehearsal.temporary.iterdir()) == []


FAILING = """
import tests.acceptance.__main__ as script
from tests.acceptance.steps import STEPS, Step
def fails(scene):
    raise ValueError("on purpose")
script.STEPS, script.TEARDOWN = (STEPS[0], Step("a step that fails", fails, vital=True), STEPS[1]), ()
main = script.main
"""


def test_a_run_that_fails_says_what_is_left_and_the_printed_lines_remove_it(rehearsal: Rehearsal) -> None:
    before = rehearsal.left()
    done = rehearsal.run("--yes", code=f"exec({FAILING!r})")
    assert done.returncode == 1, done.stdout
    assert "MISS a step that fails: ValueError: on purpose" in done.stdout
    assert STEPS[1].title not in done.stdout
    made = rehearsal.left()
    for name in ("queues", "functions", "secrets", "alarms", "topics", "roles", "log groups"):
        assert len(made[name]) > len(before[name]), name
    told = done.stdout.splitlines()
    by_hand = told[next(n for n, line in enumerate(told) if line.startswith("export ")) :]
    script = [line for line in by_hand if line.startswith(("cd ", "export ", "pulumi "))]
    one_by_one = [line for line in by_hand if line.startswith("aws ")]
    for url in set(made["queues"]) - set(before["queues"]):
        assert any(url in line and line.startswith("aws sqs delete-queue") for line in one_by_one)
    pasted = subprocess.run(
        ["bash", "-e", "-c", "\n".join(script)],
        env=rehearsal.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert pasted.returncode == 0, pasted.stdout + pasted.stderr
    assert rehearsal.left() == before
