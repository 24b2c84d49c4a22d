"""Every line of the AWS CLI in a text is read by the AWS CLI's own parser: alarms, errors, documentation."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from spapi_rotation.resources.alarm_catalog import EVERY_ALARM
from spapi_rotation_cli.target import Target
from tests.cli.aws_cli import CONFIGURATION, RUNS_HERE, AwsCli, aws_cli
from tests.cli.aws_lines import NAMED, Line, of_file, of_page, of_script, of_sentence, without_output
from tests.cli.test_texts import CODE, ROOT, pages

SETTINGS = ("__main__.py", "Pulumi.yaml", "Pulumi.example.yaml")
ARN = "arn:aws:secretsmanager:eu-west-1:1:secret:a/b-AbCdEf"
TARGETS = (Target("rotation"), Target("rotation", "eu-west-1", "operator", {"shop": ARN}))

SIGN_IN = Line(("sso", "login"))
"""It goes on to ask for a sign-in that the test's configuration does not have."""

needs_the_cli = pytest.mark.skipif(not RUNS_HERE, reason="The AWS CLI of the test is for Linux on x86_64.")


def files() -> list[Path]:
    modules = (file for folder in CODE for file in sorted((ROOT / folder).rglob("*.py")))
    return [*pages(), *(ROOT / name for name in SETTINGS), *modules]


def lines() -> Iterator[tuple[str, Line]]:
    """Every line, and where it stands."""
    for file in files():
        yield from ((str(file.relative_to(ROOT)), line) for line in of_file(file))
    for alarm in EVERY_ALARM:
        yield from ((f"alarm {alarm.name}", line) for line in of_sentence(alarm.description))
    for target in TARGETS:
        yield from (("Target", line) for line in of_script(target.without_the_function()))


DIFFERENT = {line: place for place, line in reversed(list(lines()))}
"""Each line once, with the first place where it stands."""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsCli]:
    with aws_cli(tmp_path_factory.mktemp("home")) as program:
        yield program


def refusal(aws: AwsCli, line: Line) -> str | None:
    """Why the AWS CLI does not take the line; None if it does."""
    ended = aws.run(*line.words)
    if ended.strays:
        return f"it would have asked {ended.strays}"
    if ended.code == 0:
        return None
    if line.mention and "the following arguments are required" in ended.err:
        return None
    if line.words == SIGN_IN.words and ended.code == CONFIGURATION and "sso_start_url" in ended.err:
        return None
    return f"exit code {ended.code}: {ended.err.strip()}"


# The lines of the texts.


@needs_the_cli
@pytest.mark.parametrize("line", DIFFERENT, ids=[f"{DIFFERENT[line]}: {line}"[:80] for line in DIFFERENT])
def test_the_aws_cli_takes_a_line(aws: AwsCli, line: Line) -> None:
    assert refusal(aws, line) is None, f"{DIFFERENT[line]}: {line}"


def test_the_lines_are_found() -> None:
    """The check of the check, by lines of each kind of text."""
    named = {" ".join(line.words[:2]) for line in DIFFERENT}
    assert named >= {
        "sts get-caller-identity",  # a code span
        "secretsmanager put-secret-value",  # a code block
        "sns subscribe",
        "lambda invoke",
        "secretsmanager describe-secret",  # errors' remedies
        "sso login",
        "configure list-profiles",
        "logs tail",  # made by the code
        "lambda get-function-configuration",
    }


@pytest.mark.parametrize("page", list(pages()), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_line_of_a_page_is_overlooked(page: Path) -> None:
    assert len(NAMED.findall(without_output(page.read_text()))) == len(of_file(page))


@needs_the_cli
def test_the_event_of_the_documented_invocation_arrives_as_it_is_written(aws: AwsCli) -> None:
    """The AWS CLI would take it for base64 without ``--cli-binary-format``."""
    (line,) = (line for line in of_file(ROOT / "docs" / "operator-interface.md") if line.words[1] == "invoke")
    ended = aws.run(*line.words)
    assert [json.loads(body) for body in ended.asked] == [{"operator": "applications", "protocol": 1}]
    words = [word for word in line.words if word not in ("--cli-binary-format", "raw-in-base64-out")]
    assert "Invalid base64" in aws.run(*words).err


# That the AWS CLI refuses what it should.

PUT = "secretsmanager put-secret-value --secret-id shop"


@needs_the_cli
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (f"{PUT} --secret-text x", "Unknown options: --secret-text"),
        (f"{PUT} --secret-string file://another.json", "Unable to load paramfile"),
        ("secretsmanager put-secret-values --secret-id shop", "Found invalid choice 'put-secret-values'"),
        ("secretmanager list-secrets", "Found invalid choice 'secretmanager'"),
        ("secretsmanager put-secret-value --secret-string x", "the following arguments are required: --secret-id"),
        ("sns tag-resource --resource-arn x --tags shop", "Error parsing parameter '--tags'"),
        ("""sns tag-resource --resource-arn x --tags '[{"Name": "a"}]'""", "Unknown parameter in Tags[0]"),
        ("secretsmanager list-secrets --max-results many", "invalid literal for int()"),
        ("secretsmanager list-secrets --query Secret[", "Bad value for --query"),
        ("logs tail shop --since-when 1h", "Unknown options: --since-when"),
        ("sso log-in", "Found invalid choice 'log-in'"),
        ("configure list-profile", "Found invalid choice 'list-profile'"),
    ],
)
def test_the_aws_cli_refuses_a_wrong_line(aws: AwsCli, command: str, says: str) -> None:
    (line,) = of_script(f"aws {command}")
    ended = aws.run(*line.words)
    assert says in ended.err
    assert ended.asked == []
    assert refusal(aws, line)


@needs_the_cli
def test_a_mention_may_lack_its_arguments_and_nothing_else(aws: AwsCli) -> None:
    assert refusal(aws, Line(("secretsmanager", "put-secret-value"), mention=True)) is None
    assert refusal(aws, Line(("secretsmanager", "put-secret-value")))
    assert refusal(aws, Line(("secretsmanager", "put-secret-text"), mention=True))


@needs_the_cli
def test_nothing_leaves_and_the_configuration_of_the_machine_is_not_read(
    aws: AwsCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that names an address of its own is caught; the machine's settings would fail every line."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[default]\nregion = nowhere\ncli_binary_format = nothing\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert refusal(aws, Line(("sts", "get-caller-identity"))) is None
    outside = Line(("sts", "get-caller-identity", "--endpoint-url", "https://sts.invalid"))
    assert "would have asked ['sts.invalid:443']" in str(refusal(aws, outside))
    unencrypted = Line(("sts", "get-caller-identity", "--endpoint-url", "http://sts.invalid"))
    assert "would have asked ['http://sts.invalid" in str(refusal(aws, unencrypted))


# How lines are found.


def texts(found: Iterable[Line]) -> list[str]:
    return [str(line) for line in found]


def test_lines_of_a_shell_block() -> None:
    block = """\
    $ aws one a --b "$(pulumi stack output | jq -r .shop)" \\
        --c '{"d": "e f"}' && rm x  # aws says nothing here
    KEY=value aws two "$NAME" > file; ( aws three ${OTHER} ) | aws four …
    aws five "$(aws six --query "a[?b]" )" --since 1h
    echo aws seven
    """
    assert texts(of_page(f"```bash\n{block}```\n")) == [
        "aws six --query 'a[?b]'",
        """aws one a --b shop --c '{"d": "e f"}'""",
        "aws two shop",
        "aws three shop",
        "aws four shop",
        "aws five shop --since 1h",
    ]


def test_lines_in_prose() -> None:
    text = "Type (aws sso login, or aws configure). `aws a b`, aws c d --e file://f.json, or\naws g\n--h 'i, j'. aws."
    found = list(of_sentence(text))
    assert texts(found) == [
        "aws sso login",
        "aws configure",
        "aws a b",
        "aws c d --e file://f.json",
        "aws g --h 'i, j'",
    ]
    assert [line.words[0] for line in found if line.mention] == ["sso", "a"]


def test_a_block_that_the_tests_cannot_read_fails() -> None:
    with pytest.raises(AssertionError, match="more than the tests can read"):
        list(of_script("aws a --b \"$(c '(' )\""))


def test_names_that_look_like_the_aws_cli_are_none() -> None:
    assert not re.findall(NAMED, "pulumi-aws is, boto.aws does, aws:region, AWS CLI, laws are")
