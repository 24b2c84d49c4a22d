"""README's getting started, typed word for word in an empty environment, at a terminal.

What the reader fills in is in PLACEHOLDERS. What leads to the sandbox is in the environment, as far as it is about AWS;
Amazon's addresses are set by two more settings. What README shows must be shown, with other times, ids and numbers.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.amazon.delivery import SqsTarget
from sandbox.amazon.process import Amazon
from sandbox.aws.emulator import REGION, AwsEmulator
from sandbox.engine import ensure_engine
from sandbox.provider.install import install
from tests.cli.aws_cli import RUNS_HERE, ensure_aws_cli
from tests.installs.at_a_terminal import Terminal
from tests.installs.environments import ROOT, as_the_project_says, clone, own_environment, uv

README = (ROOT / "README.md").read_text()
CLIENT_ID = f"amzn1.application-oa2-client.{'0' * 32}"
PLACEHOLDERS = {"amzn1.application-oa2-client.…": CLIENT_ID}

pytestmark = [
    pytest.mark.engine,
    pytest.mark.installs,
    pytest.mark.slow,
    pytest.mark.skipif(not RUNS_HERE, reason="The AWS CLI of the tests is for Linux on x86_64."),
]

BLOCK = re.compile(r"^ *```(bash|text)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Commands, and what README says that they show."""

    commands: str
    shown: str = ""


def blocks(heading: str) -> list[Block]:
    """The commands of a section, in its order."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found: list[Block] = []
    for language, text in BLOCK.findall(section):
        text = re.sub("^   ", "", text, flags=re.MULTILINE)
        if language == "bash":
            found.append(Block(text))
        else:
            found[-1] = Block(found[-1].commands, text)
    return found


DEPLOY = blocks("Deploy it")
(SUBSCRIBE,) = blocks("What it does when things go wrong")


class Newcomer:
    """Somebody with README's prerequisites and nothing else, in a fresh clone; AWS and Amazon are the sandbox's.

    Attributes:
        secret: the client secret that Amazon's Developer Console shows for the application.
    """

    def __init__(self, folder: Path, aws: AwsEmulator, amazon: Amazon) -> None:
        self.aws, self.amazon = aws, amazon
        checkout = clone(folder / "clone")
        home, tools = folder / "home", folder / "tools"
        for each in (home, tools, folder / "backend"):
            each.mkdir()
        (tools / "aws").symlink_to(ensure_aws_cli())
        (tools / "uv").symlink_to(uv())
        _plugin(home, checkout)
        engine = as_the_project_says(ensure_engine(print), folder / "host", checkout)
        # pip and uv need the machine's authorities: of what leads to the emulator, only AWS's own settings.
        settings = {name: value for name, value in aws.environment().items() if name.startswith("AWS_")}
        issued = datetime.now(UTC) - timedelta(days=100)
        made = amazon.control.register(CLIENT_ID, issued_at=issued, expires_at=issued + timedelta(days=180))
        assert made.client_secret
        self.secret = made.client_secret
        self.terminal = Terminal(
            checkout,
            own_environment(
                home,
                [*engine, tools, f"{sys.base_prefix}/bin"],
                backend=folder / "backend",
                packages=("PIP_", "UV_", "SSL_CERT_"),
                AWS_PAGER="",
                # Its own question wants a terminal with a screen.
                PULUMI_SKIP_CONFIRMATIONS="true",
                **settings,
            ),
            {
                "[y/N] ": "y\n",
                "Enter if unknown): ": f"{issued:%Y-%m-%d}\n",
                "Client secret (not shown): ": f"{self.secret}\n",
                "Client secret: ": f"{self.secret}\n",
            },
        )

    def follows(self, block: Block, *, code: int = 0) -> None:
        """Type a block; it must show what README says, and end so."""
        commands = block.commands
        for placeholder, value in PLACEHOLDERS.items():
            commands = commands.replace(placeholder, value)
        said = self.terminal.paste(commands, code=code)
        assert missing(block.shown, said) == [], said
        if "pulumi config set spapi_endpoint NA" in commands:
            self.terminal.enter(f"pulumi config set spapi_endpoint {self.amazon.spapi_endpoint}")
            self.terminal.enter(f"pulumi config set lwa_endpoint {self.amazon.lwa_endpoint}")

    def registers_the_queue(self) -> None:
        """What README has a person do in Amazon's Developer Console."""
        self.amazon.control.subscribe(CLIENT_ID, self.terminal.enter("pulumi stack output queue_url").strip())

    def has_the_newest_secret_in_use(self) -> None:
        """What a rotation is for; and no client secret was shown on the way."""
        name = f"spapi-rotation/production/rotation/{CLIENT_ID}"
        in_use = json.loads(self.aws.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        judged = self.amazon.control.judge(CLIENT_ID, in_use["client_secret"])
        assert judged
        assert judged.newest
        assert judged.accepted_by_spapi
        assert in_use["client_secret"] != self.secret
        assert self.secret not in self.terminal.shown
        assert in_use["client_secret"] not in self.terminal.shown


def _plugin(home: Path, checkout: Path) -> None:
    """Have the stand-in where `pulumi install` would put the AWS plugin of the locked version."""
    locked = re.search(r"^pulumi-aws==(\S+)", (checkout / "requirements.txt").read_text(), re.MULTILINE)
    assert locked
    install(home / ".pulumi" / "plugins" / f"resource-aws-v{locked[1]}", Path(sys.executable))


VARIABLE = (
    (re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?)?"), "TIME"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"amzn1\.application-oa2-client\.\w+"), "CLIENT-ID"),
    (re.compile(r"…\w{8}\b"), "…CLIENT-ID"),
    (re.compile(r"-[0-9a-f]{7}\b"), "-ID"),
    (re.compile(r"\d+"), "N"),
)
"""What is another one each time."""


def alike(text: str) -> str:
    """A text without what is another one each time, and without its layout."""
    for pattern, name in VARIABLE:
        text = pattern.sub(name, text)
    return " ".join(text.split())


def missing(shown: str, said: str) -> list[str]:
    """Which lines of what README shows were not said, in this order. What it leaves out is `…`."""
    rest, found = alike(said), []
    for line in filter(None, (alike(line).removesuffix("…") for line in shown.splitlines())):
        _, met, after = rest.partition(line)
        if met:
            rest = after
        else:
            found.append(line)
    return found


@contextmanager
def newcomer(folder: Path) -> Iterator[Newcomer]:
    with (
        AwsEmulator(folder / "aws") as aws,
        Amazon(folder / "amazon", sqs=SqsTarget(aws.endpoint, REGION, str(aws.ca_file))) as amazon,
    ):
        person = Newcomer(folder, aws, amazon)
        with person.terminal:
            yield person


BY_PIP, BY_UV, CONFIGURE, UP, REGISTER, SEED, ROTATE, STATUS, LOG, BY_AWS_CLI, BY_UP = range(11)
"""The blocks of "Deploy it", in its order."""


def test_every_block_is_typed() -> None:
    beginnings = [each.commands.split("\n")[0][:40].rstrip() for each in DEPLOY]
    assert beginnings == [
        "pulumi install",
        "uv venv --seed .venv",
        "pulumi stack init production",
        "pulumi up",
        "spapi-rotation register",
        "spapi-rotation seed shop",
        "spapi-rotation rotate shop",
        "spapi-rotation status",
        'aws logs tail "$(pulumi stack output log',
        "( umask 077; python3 -c 'import getpass,",
        "pulumi config set --path 'applications.s",
    ]


def test_what_readme_shows_is_missed_if_it_is_not_said() -> None:
    """The comparison's own test."""
    shown = "2026-11-25 14:03 UTC  REQUESTED: asked\n…\nshop: in use: version 0\n"
    assert missing(shown, "2027-01-01 00:00 UTC  REQUESTED: asked\nand more\nshop: in use:\n version 1\n") == []
    assert missing(shown, "2027-01-01 00:00 UTC  REFUSED: asked\nshop: in use: version 1\n") == [
        "TIME REQUESTED: asked"
    ]
    assert missing("a\nb\n", "b\na\n") == ["b"]


def test_prerequisites_by_pip_and_the_command(tmp_path: Path) -> None:
    with newcomer(tmp_path) as person:
        for line in ("pulumi login", "aws sts get-caller-identity"):
            assert f"`{line}`" in README
            person.terminal.enter(line)
        for number in (BY_PIP, CONFIGURE, UP, REGISTER):
            person.follows(DEPLOY[number])
        person.registers_the_queue()
        for number in (SEED, ROTATE):
            person.follows(DEPLOY[number])
        person.follows(DEPLOY[STATUS], code=3)  # it needs attention: nobody hears the alarms
        person.follows(DEPLOY[LOG])
        person.follows(SUBSCRIBE)
        person.has_the_newest_secret_in_use()


def test_by_uv_and_the_aws_cli(tmp_path: Path) -> None:
    with newcomer(tmp_path) as person:
        for number in (BY_UV, CONFIGURE, UP):
            person.follows(DEPLOY[number])
        person.registers_the_queue()
        for number in (BY_AWS_CLI, BY_UP):
            person.follows(DEPLOY[number])
        person.has_the_newest_secret_in_use()
