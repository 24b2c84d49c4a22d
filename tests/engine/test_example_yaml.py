"""The example in YAML, its README typed at a terminal: up, seed, and a secret rotated on `up` and in use.

The package comes from its folder, as `pulumi install` installs it there, but that its dependencies are this
environment's. What a person gets wrong in the program is seen as the person sees it.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.amazon.delivery import SqsTarget
from sandbox.amazon.process import Amazon
from sandbox.aws.emulator import REGION, AwsEmulator
from sandbox.engine import ensure_engine
from sandbox.plugin_host import install as install_host
from sandbox.provider.install import install as install_provider
from sandbox.provider.main import plugin_version
from sandbox.session import new_app
from tests.examples.languages import bring_dependencies
from tests.installs.at_a_terminal import Terminal
from tests.installs.environments import clone, own_environment
from tests.sandbox.aws_support import eventually

pytestmark = [
    pytest.mark.engine,
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.example("yaml", "run in the sandbox"),
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "yaml"
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (language, re.sub("^   ", "", text, flags=re.MULTILINE) if text.startswith("   ") and language == "bash" else text)
    for language, text in BLOCK.findall((EXAMPLE / "README.md").read_text())
]
UP, REGISTER, SEED, ROTATE, LIFT = (text for language, text in BLOCKS if language == "bash")


class Team:
    """Somebody with the example in a checkout; AWS and Amazon are the sandbox's.

    Attributes:
        secret: the client secret that Amazon's Developer Console shows for the application.
    """

    def __init__(self, folder: Path, aws: AwsEmulator, amazon: Amazon) -> None:
        self.aws, self.amazon, self.app = aws, amazon, new_app("orders")
        checkout = clone(folder / "checkout")
        self.program = checkout / "examples" / "yaml" / "Pulumi.yaml"
        bring_dependencies(checkout / "plugin" / "venv")
        home = folder / "home"
        for each in (home, folder / "backend"):
            each.mkdir()
        install_provider(home / ".pulumi" / "plugins" / f"resource-aws-v{plugin_version()}", Path(sys.executable))
        path = [*install_host(folder / "host", ensure_engine(print)), Path(sys.executable).parent]
        settings = {name: value for name, value in aws.environment().items() if name.startswith("AWS_")}
        issued = datetime.now(UTC) - timedelta(days=100)
        made = amazon.control.register(self.app.client_id, issued_at=issued, expires_at=issued + timedelta(days=180))
        assert made.client_secret
        self.secret = made.client_secret
        self.terminal = Terminal(
            checkout,
            own_environment(
                home,
                path,
                backend=folder / "backend",
                packages=("PIP_", "SSL_CERT_"),
                # Its own question wants a terminal with a screen.
                PULUMI_SKIP_CONFIRMATIONS="true",
                **settings,
            ),
            {
                "[y/N] ": "y\n",
                "Enter if unknown): ": f"{issued:%Y-%m-%d}\n",
                "Client secret (not shown): ": f"{self.secret}\n",
            },
        )
        endpoint = "      spapiEndpoint: NA\n"
        self.change(
            endpoint,
            f"      spapiEndpoint: {amazon.spapi_endpoint}\n      lwaEndpoint: {amazon.lwa_endpoint}\n"
            "      promoteDelayMinutes: 0\n",
        )

    def change(self, written: str, instead: str) -> None:
        """Change the program."""
        text = self.program.read_text()
        assert text.count(written) == 1, written
        self.program.write_text(text.replace(written, instead))

    def types(self, commands: str, *, code: int = 0) -> str:
        """Type a block; each command must end so. What it showed."""
        return self.terminal.paste(commands.replace("amzn1.application-oa2-client.…", self.app.client_id), code=code)

    def outputs(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.terminal.enter("pulumi stack output --json"))
        return found

    def in_use(self) -> str:
        """The client secret under AWSCURRENT, read as the account's root."""
        name = f"marketplace/production/rotation/{self.app.client_id}"
        value = self.aws.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        return str(json.loads(value)["client_secret"])


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    folder = tmp_path_factory.mktemp("yaml")
    with (
        AwsEmulator(folder / "aws") as aws,
        Amazon(folder / "amazon", sqs=SqsTarget(aws.endpoint, REGION, str(aws.ca_file))) as amazon,
    ):
        person = Team(folder, aws, amazon)
        with person.terminal:
            yield person


def test_up_brings_the_component_from_the_packages_own_environment(team: Team) -> None:
    said = team.types(UP)
    assert "+ spapi-rotation:index:ClientSecretRotation" in " ".join(said.split())
    state = team.terminal.enter("pulumi stack export")
    assert f"{team.program.parents[2]}/plugin/venv/lib/" in state
    assert "pulumi-python:" not in state


AT_LINE = ("  on Pulumi.yaml line LINE:", "  LINE: ")
"""How the YAML host says where it is."""

TOO_SMALL = (
    "rotateEveryDays must be a number of days from 8 to 150. What to do: Set rotateEveryDays within these limits."
)

MISTAKES = {
    "an argument is misspelt": (
        "rotateEveryDays: 60",
        "rotateEvryDays: 60",
        (*AT_LINE, "Property rotateEvryDays does not exist", "Existing properties are: rotateEveryDays, "),
    ),
    "an argument has the name of Python": (
        "rotateEveryDays: 60",
        "rotate_every_days: 60",
        (*AT_LINE, "Property rotate_every_days does not exist", "Existing properties are: rotateEveryDays, "),
    ),
    "an argument of the application is misspelt": (
        "orders:\n          clientId: ",
        "orders:\n          clientID: ",
        (*AT_LINE, "clientId: Missing required property 'clientId'", "Existing properties are: clientId, "),
    ),
    "a number is a text": (
        "rotateEveryDays: 60",
        "rotateEveryDays: often",
        (*AT_LINE, "rotateEveryDays: Cannot assign type 'string' to type 'integer'"),
    ),
    "a flag is a text": (
        "rotateEveryDays: 60",
        'alarms: "yes"',
        (*AT_LINE, "alarms: Cannot assign type 'string' to type 'boolean'"),
    ),
    "a choice is none": (
        "rotateEveryDays: 60",
        "verification: none",
        (*AT_LINE, 'Allowed values are CALL ("call"), LWA ("lwa")'),
    ),
    "the client id is missing": (
        "orders:\n          clientId: ${ordersClientId}",
        "orders:\n          retired: false",
        (*AT_LINE, "clientId: Missing required property 'clientId'"),
    ),
    "the applications are missing": (
        "      applications:\n        orders:\n          clientId: ${ordersClientId}\n",
        "",
        ("applications: Missing required property 'applications'",),
    ),
    "a number is too small": (
        "rotateEveryDays: 60",
        "rotateEveryDays: 5",
        (TOO_SMALL,),
    ),
    "a number that is known late is too small": (
        "rotateEveryDays: 60",
        "rotateEveryDays: {fn::secret: 5}",
        (TOO_SMALL,),
    ),
    "a time zone is none": (
        "rotateEveryDays: 60",
        'rotationWindow: {start: "22:00", end: "04:00", timeZone: Berlin}',
        (
            "rotationWindow.timeZone is not a time zone that the function knows. ",
            "What to do: Did you mean Europe/Berlin?",
        ),
    ),
    "a text is a number": (
        "clientId: ${ordersClientId}",
        "clientId: ${ordersClientId}\n          rotateOnUp: 1",
        (
            "applications.orders.rotateOnUp must be a text of 1 to 128 characters. ",
            "What to do: Use a date or a counter, ",
        ),
    ),
    "a rotation by up itself is asked for": (
        "rotateEveryDays: 60",
        "via: dynamic",
        (
            "via is dynamic, but only the package for Python can rotate in `pulumi up` itself. ",
            "What to do: Leave via out",
        ),
    ),
    "a client secret is in the program": (
        "clientId: ${ordersClientId}",
        "clientId: amzn1.oa2-cs.v1.canary",
        ("applications.orders.clientId holds a client secret.", "What to do: Take it out"),
    ),
}
"""What is written in the program, what in its place, and what a person is told."""

SHOWN = dict(
    zip(
        ("an argument is misspelt", "a number is a text", "the client id is missing", "a number is too small"),
        (text for language, text in BLOCKS if language == "text"),
        strict=True,
    )
)
"""What README shows of some of them."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_fails_the_preview_with_place_and_remedy(team: Team, mistake: str) -> None:
    written, instead, told = MISTAKES[mistake]
    good = team.program.read_text()
    team.change(written, instead)
    line = good[: good.index(written)].count("\n") + 1
    try:
        said = team.terminal.enter("pulumi preview", code=1)
    finally:
        team.program.write_text(good)
    said = said.partition("Diagnostics:")[2].partition("Resources:")[0]
    assert [each for each in told if each.replace("LINE", str(line)) not in said] == [], said
    assert "Traceback" not in said
    assert "<class" not in said
    assert "canary" not in said
    shown = [_anywhere(each.strip()) for each in SHOWN.get(mistake, "").splitlines() if each != "…"]
    assert [each for each in shown if each not in _anywhere(said)] == [], said


def _anywhere(text: str) -> str:
    """A text without the numbers of lines: the sandbox's addresses are lines that README's program does not have."""
    return re.sub(r"\b(line )?\d\d:", "LINE:", text)


def test_the_queue_is_registered_and_the_secret_put_in(team: Team) -> None:
    assert str(team.outputs()["queue_arn"]) in team.types(REGISTER)
    name = str(team.outputs()["queue_arn"]).rpartition(":")[2]
    team.amazon.control.subscribe(team.app.client_id, team.aws.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])
    team.types(SEED)
    assert team.in_use() == team.secret


def test_a_text_rotates_on_up_and_the_new_secret_is_in_use(team: Team) -> None:
    (text,) = (text for language, text in BLOCKS if language == "yaml")
    before, _, line = text.rstrip("\n").rpartition("\n")
    team.change(before, f"{before}\n{line}")
    up, status = ROTATE.splitlines()
    team.types(up)
    team.types(status, code=3)  # it needs attention: nobody hears the alarms
    eventually(lambda: team.in_use() != team.secret)
    judged = team.amazon.control.judge(team.app.client_id, team.in_use())
    assert judged
    assert judged.newest
    assert judged.accepted_by_spapi


def test_the_same_text_does_not_rotate_again_and_nothing_is_left_to_do(team: Team) -> None:
    now = team.in_use()
    team.terminal.enter("pulumi up --expect-no-changes")
    assert team.in_use() == now
    state = team.terminal.enter("pulumi stack export --show-secrets")
    for secret in (team.secret, now):
        assert secret not in state
        assert secret not in team.terminal.shown
