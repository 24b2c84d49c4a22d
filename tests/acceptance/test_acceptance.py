"""The acceptance run begins only where it was sent, and what it prints for a person can be typed."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from sandbox.provider import registry
from tests.acceptance import __main__ as script
from tests.acceptance.account import Account, NoAccount, open_account
from tests.acceptance.leftovers import KINDS, Made, commands
from tests.cli.aws_cli import RUNS_HERE, AwsCli, aws_cli

PARTS = {
    "aws:iam/rolePolicy:RolePolicy": "role:policy",
    "aws:sqs/queue:Queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/queue",
}
WITH_THEIR_OWNER = {
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    "aws:lambda/invocation:Invocation",
    "aws:scheduler/schedule:Schedule",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
    "aws:sqs/redrivePolicy:RedrivePolicy",
}
NOT_IN_THE_RUN = {
    # Made with `restart` alone, which the acceptance run does not set.
    "aws:cloudwatch/eventRule:EventRule",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:sfn/stateMachine:StateMachine",
    # The example's own.
    "aws:ecs/cluster:Cluster",
    "aws:ecs/service:Service",
    "aws:ecs/taskDefinition:TaskDefinition",
}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine with one profile, whose AWS answers nothing, and no other AWS settings."""
    config = tmp_path / "config"
    config.write_text(
        "[profile mine]\naws_access_key_id = a\naws_secret_access_key = b\nendpoint_url = http://127.0.0.1:1\n"
    )
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return monkeypatch


@pytest.mark.parametrize(
    "words", [(), ("--region", "eu-west-1"), ("--profile", "mine"), ("--prof", "mine", "--reg", "x")]
)
def test_profile_and_region_are_required_whatever_the_surroundings_say(
    words: tuple[str, ...], machine: pytest.MonkeyPatch
) -> None:
    machine.setenv("AWS_PROFILE", "mine")
    machine.setenv("AWS_REGION", "eu-west-1")
    with pytest.raises(SystemExit) as ended:
        script.main([*words, "--yes"])
    assert ended.value.code == 2


def test_keys_in_the_surroundings_are_refused(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("AWS_ACCESS_KEY_ID", "another account's")
    with pytest.raises(NoAccount, match="Unset AWS_ACCESS_KEY_ID") as refused:
        open_account("mine", "eu-west-1")
    assert "another account's" not in str(refused.value)


@pytest.mark.parametrize(("profile", "region"), [("", "eu-west-1"), ("mine", " "), ("nobody", "eu-west-1")])
def test_a_profile_that_is_not_there_is_refused(profile: str, region: str, machine: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoAccount):
        open_account(profile, region)


def account(**changed: object) -> Account:
    known = {
        "profile": "mine",
        "region": "eu-west-1",
        "account_id": "123456789012",
        "caller": "arn:aws:iam::123456789012:user/me",
        "rehearsal": True,
        "session": boto3.Session(),
    }
    return Account(**known | changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("typed", ["", "yes", "y", "123456789013", None])
def test_without_the_accounts_id_nothing_begins(
    typed: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        if typed is None:
            raise EOFError
        return typed

    def never(*_: object) -> None:
        raise AssertionError("it began")

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr(script, "open_account", lambda *_: account(rehearsal=False))
    monkeypatch.setattr(script, "ensure_engine", never)
    assert script.main(["--profile", "mine", "--region", "eu-west-1"]) == 2
    assert len(asked) == 1
    assert "123456789012" in asked[0]
    said = capsys.readouterr()
    assert "Acceptance run in the AWS account 123456789012" in said.out
    assert "REHEARSAL" not in said.out
    assert said.err == "Nothing was done.\n"


def test_pulumi_is_given_the_profile_and_no_other_credentials(machine: pytest.MonkeyPatch) -> None:
    mine = account()
    machine.setenv("AWS_PROFILE", "other")
    machine.setenv("AWS_SESSION_TOKEN", "other")
    machine.setenv("PULUMI_BACKEND_URL", "s3://the-real-one")
    given = mine.environment()
    assert (given["AWS_PROFILE"], given["AWS_REGION"]) == ("mine", "eu-west-1")
    assert not {"AWS_SESSION_TOKEN", "PULUMI_BACKEND_URL"} & given.keys()


def test_every_type_of_the_component_is_looked_for_or_goes_with_its_owner() -> None:
    types = set(registry.all_resources())
    assert set(KINDS) <= types
    assert types - set(KINDS) == WITH_THEIR_OWNER | NOT_IN_THE_RUN


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsCli]:
    with aws_cli(tmp_path_factory.mktemp("aws-cli")) as found:
        yield found


@pytest.mark.skipif(not RUNS_HERE, reason="The AWS CLI of the test is for Linux on x86_64.")
@pytest.mark.parametrize("kind", KINDS)
def test_the_aws_cli_takes_the_line_that_removes_a_resource(kind: str, cli: AwsCli) -> None:
    (line,) = commands(account(), [Made(kind, PARTS.get(kind, "a-name-of-36-characters-0123456789ab"))])
    program, *words = line.split()
    assert program == "aws"
    assert words[-4:] == ["--profile", "mine", "--region", "eu-west-1"]
    ended = cli.run(*words[:-4])
    assert ended.code == 0, ended.err
