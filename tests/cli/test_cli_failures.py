"""A function that does not answer as it should: the cause, the remedy, and how to look without it."""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from botocore.config import Config
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
    SSOTokenLoadError,
)

from spapi_rotation_cli import client
from spapi_rotation_lambda.domain.errors import BadSettings
from spapi_rotation_lambda.handler import dispatch
from tests.cli.fake_aws import Failure, FakeAws, client_error
from tests.cli.terminal import CANARY, Terminal
from tests.fakes.world import World
from tests.unit.scripted_server import Ending, Reply, ScriptedServer
from tests.unit.test_state import unseeded

DENIED = (
    "User: arn:aws:iam::123456789012:user/someone is not authorized to perform: lambda:InvokeFunction on resource: "
    "arn:aws:lambda:us-east-1:123456789012:function:rotation because no identity-based policy allows it"
)
URL = "https://lambda.us-east-1.amazonaws.com"
LOOK = "aws secretsmanager list-secret-version-ids --secret-id SECRET"

BEFORE_THE_FUNCTION: list[tuple[Failure, str, str, int]] = [
    (client_error("AccessDeniedException", DENIED), "AccessDenied", "Get lambda:InvokeFunction on this function", 1),
    (client_error("ResourceNotFoundException"), "FunctionMissing", "There is no function rotation", 1),
    (client_error("ExpiredTokenException"), "NotSignedIn", "aws sso login", 1),
    (client_error("AccessDenied", operation="AssumeRole"), "NotSignedIn", "does not accept your credentials", 1),
    (client_error("TooManyRequestsException"), "Throttled", "Nothing was asked of the function", 1),
    (EndpointConnectionError(endpoint_url=URL), "NoConnection", "Nothing was asked of the function", 1),
    (ConnectTimeoutError(endpoint_url=URL), "NoConnection", "Nothing was asked of the function", 1),
    (ProxyConnectionError(proxy_url="http://proxy"), "NoConnection", "Check the network, the proxy", 1),
    (NoCredentialsError(), "NoCredentials", "--profile NAME", 1),
    (PartialCredentialsError(provider="env", cred_var="x"), "NoCredentials", "--profile NAME", 1),
    (SSOTokenLoadError(error_msg="gone"), "AwsFailed", "aws sso login", 1),
]

MAY_HAVE_ACTED: list[tuple[Failure, str, str, int]] = [
    (ReadTimeoutError(endpoint_url=URL), "NoAnswer", "did not answer within 195 seconds", 1),
    (ResponseStreamingError(error="cut"), "ConnectionBroken", "broke before the answer came", 1),
    (SSLError(endpoint_url=URL, error=OSError("self-signed certificate")), "ConnectionBroken", "AWS_CA_BUNDLE", 1),
    ({"errorMessage": "2026 1b Task timed out after 60.00 seconds"}, "FunctionTimedOut", "did not end", 1),
    (
        {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: 1 Error: Task timed out after 60.00 seconds"},
        "FunctionTimedOut",
        "did not end within its time",
        1,
    ),
    ({"errorType": "Runtime.ExitError", "errorMessage": CANARY}, "FunctionFailed", "Runtime.ExitError", 1),
    ({"unheard": "of"}, "FunctionFailed", "The function failed: unknown", 1),
    (client_error("ServiceException"), "AwsFailed", "ServiceException, request id request-7", 1),
]


@pytest.mark.parametrize(("failure", "kind", "text", "code"), [*BEFORE_THE_FUNCTION, *MAY_HAVE_ACTED])
def test_each_failure_has_its_cause_and_its_remedy(
    terminal: Terminal, failure: Failure, kind: str, text: str, code: int
) -> None:
    terminal.aws.function.fail("applications", failure, failure)
    assert text in terminal.type("status", "--json", "--debug").error(kind)
    typed = terminal.type("status")
    assert (typed.code, typed.out) == (code, "")
    assert text in typed.err
    assert "\nWhat to do: " in typed.err


@pytest.mark.parametrize(("failure", "kind", "text", "code"), MAY_HAVE_ACTED)
def test_what_may_have_acted_says_so_and_holds_nothing_of_the_payload(
    terminal: Terminal, failure: Failure, kind: str, text: str, code: int
) -> None:
    unseeded(terminal.world)
    terminal.aws.function.fail("seed", failure)
    typed = terminal.type("seed", "shop", "--from-stdin", "--yes", "--json", "--debug", answers=CANARY)
    message = typed.error(kind)
    assert text in message
    assert re.search("may have (done|been called)|may have done a part", message)
    assert typed.code == code
    assert CANARY in str(terminal.aws.function.events[-1])


@pytest.mark.parametrize("failure", [client_error("AccessDeniedException", DENIED), ReadTimeoutError(endpoint_url=URL)])
def test_the_lines_that_look_without_the_function_name_region_and_profile(terminal: Terminal, failure: Failure) -> None:
    terminal.aws.function.fail("applications", failure, failure)
    assert f"  {LOOK}\n" in terminal.type("status").err
    typed = terminal.type("status", "--region", "eu-west-1", "--profile", "operator")
    assert "  aws --region eu-west-1 --profile operator secretsmanager list-secret-version-ids" in typed.err
    assert terminal.aws.sessions == [(None, None), ("operator", "eu-west-1")]


def test_what_aws_says_of_a_missing_right_is_repeated(terminal: Terminal) -> None:
    terminal.aws.function.fail("applications", client_error("AccessDeniedException", DENIED))
    typed = terminal.type("status", "--debug")
    assert f"AWS says: {DENIED}" in typed.err
    assert "debug: applications: AccessDeniedException, request id request-7\n" in typed.err
    assert "debug: CommandError\n" in typed.err
    assert "client.py" in typed.err


# Versions.


def test_an_older_function_is_named_so(terminal: Terminal) -> None:
    with pytest.raises(BadSettings) as raised:
        dispatch(terminal.world.ports, {"unknown": "event"})
    payload = {"errorType": "BadSettings", "errorMessage": str(raised.value), "stackTrace": ["x"]}
    terminal.aws.function.fail("applications", payload, payload)
    typed = terminal.type("status")
    assert typed.code == 1
    assert "is older than this command: it has no operator interface" in typed.err
    assert "run pulumi up" in typed.err
    assert terminal.type("status", "--json").error("OlderFunction")


def test_a_function_that_speaks_another_version_refuses(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PROTOCOL", 2)
    assert "this command version 2" in terminal.type("status", "--json").error("ProtocolMismatch")
    terminal.aws.function.answers["registration"] = {"protocol": 2, "steps": "x"}
    assert terminal.type("register").out == "x\n"


@pytest.mark.parametrize(("theirs", "upgrade"), [(2, "pip install --upgrade spapi-rotation-cli"), (0, "run pulumi up")])
def test_an_answer_of_another_version_names_what_to_upgrade(terminal: Terminal, theirs: int, upgrade: str) -> None:
    terminal.aws.function.answers["applications"] = {"protocol": theirs, "applications": []}
    typed = terminal.type("status", "--json")
    assert upgrade in typed.error("ProtocolMismatch")
    assert typed.code == 1


def test_the_functions_own_refusal_of_a_version_is_shown(terminal: Terminal) -> None:
    error = dispatch(terminal.world.ports, {"operator": "status", "protocol": 7})["error"]
    terminal.aws.function.answers["applications"] = {"protocol": 1, "error": error}
    assert "Upgrade the older one" in terminal.type("status", "--json").error("ProtocolMismatch")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"state": "CURRENT"},
        {"protocol": "1"},
        {"protocol": 1},
        {"protocol": 1, "applications": {}},
        {"protocol": 1, "applications": [7]},
        {"protocol": 1, "applications": [{"application": "shop"}]},
    ],
)
def test_another_functions_answer_is_not_taken_for_one(terminal: Terminal, answer: dict[str, object]) -> None:
    terminal.aws.function.fail("applications")
    terminal.aws.function.answers["applications"] = answer or {"x": 1}
    assert "--function" in terminal.type("status", "--json").error("UnexpectedAnswer")


@pytest.mark.parametrize("status", [None, 7, {}, {"state": "CURRENT", "seen": "x"}])
def test_a_status_that_is_none_is_said_so(terminal: Terminal, status: object) -> None:
    terminal.aws.function.answers["status"] = {"protocol": 1, "status": status}
    assert terminal.type("status", "--json").error("UnexpectedAnswer")


def test_an_unexpected_failure_of_the_command_tells_its_place_and_no_text(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr("spapi_rotation_cli.actions.perform", broken)
    unseeded(terminal.world)
    typed = terminal.type("seed", "shop", "--from-stdin", "--yes", "--debug", answers=CANARY)
    assert typed.code == 1
    assert "Unexpected RuntimeError at broken, line" in typed.err
    assert "spapi_rotation_cli/seeding.py" in typed.err
    assert CANARY not in typed.err + typed.out


# The real boto3, against a server on loopback.


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as made:
        yield made


@pytest.fixture
def real(world: World, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    for name, value in {
        "AWS_ENDPOINT_URL_LAMBDA": server.url,
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return Terminal(world, FakeAws(function=None), monkeypatch)  # type: ignore[arg-type]


def test_a_real_answer_is_read(real: Terminal, server: ScriptedServer) -> None:
    server.replies.append(Reply(body={"protocol": 1, "queue_arn": "arn", "steps": "1. Do it."}))
    typed = real.type("register")
    assert (typed.code, typed.out) == (0, "1. Do it.\n")
    assert server.seen[0].path == "/2015-03-31/functions/rotation/invocations"
    assert server.seen[0].body == b'{"operator": "registration", "protocol": 1}'


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(500, {"Type": "Service"}, {"x-amzn-ErrorType": "ServiceException"}), "AwsFailed"),
        (Reply(503), "AwsFailed"),
        (Reply(429, {"Type": "User"}, {"x-amzn-ErrorType": "TooManyRequestsException"}), "Throttled"),
        (Reply(403, {"Message": DENIED}, {"x-amzn-ErrorType": "AccessDeniedException"}), "AccessDenied"),
        (Reply(404, {"Type": "User"}, {"x-amzn-ErrorType": "ResourceNotFoundException"}), "FunctionMissing"),
        (Reply(200, {"errorType": "X"}, {"X-Amz-Function-Error": "Unhandled"}), "FunctionFailed"),
        (Reply(200, "no JSON"), "UnexpectedAnswer"),
        (Reply(200, {"protocol": 1}, ending=Ending.CUT), "ConnectionBroken"),
        (Reply(ending=Ending.CLOSED), "ConnectionBroken"),
        (Reply(ending=Ending.SILENT), "NoAnswer"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.status}-{value.ending.value}",
)
def test_a_real_failure_is_named_and_never_repeated(
    real: Terminal, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, reply: Reply, kind: str
) -> None:
    monkeypatch.setattr(client, "INVOKE", client.INVOKE.merge(Config(read_timeout=1)))
    applications = [{"application": "shop", "client_id": "amzn1.application-oa2-client.0123456789"}]
    status = {"state": "UNSEEDED", "seen": "x", "labels": {}}
    server.replies += [
        Reply(body={"protocol": 1, "applications": applications}),
        Reply(body={"protocol": 1, "status": status}),
        reply,
    ]
    typed = real.type("seed", "--from-stdin", "--yes", "--debug", "--json", answers=CANARY)
    assert typed.error(kind)
    assert len(server.seen) == 3
    assert CANARY in server.seen[2].body.decode()
    assert not [text for text in real.said if CANARY in text]


def test_one_invocation_waits_longer_than_the_function_runs(terminal: Terminal) -> None:
    terminal.type("status")
    config = terminal.aws.configs["lambda"]
    assert config.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]
    assert config.read_timeout == 195  # type: ignore[attr-defined]


def test_without_credentials_and_region_the_real_session_says_so(
    real: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert real.type("status", "--json").error("NoCredentials")
    monkeypatch.delenv("AWS_REGION")
    assert "--region NAME" in real.type("status", "--json").error("NoRegion")
    typed = real.type("status", "--json", "--profile", "nobody")
    assert typed.error("NoProfile")
    assert typed.code == 2


def test_no_region_error_is_one_of_boto3(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object, **__: object) -> None:
        raise NoRegionError

    monkeypatch.setattr("spapi_rotation_cli.client.boto3.Session", without)
    assert terminal.type("status", "--json").error("NoRegion")


@pytest.mark.parametrize("header", [None, "", "yesterday", "Tue, 99 Xyz 2026"])
def test_a_date_that_aws_does_not_tell_is_this_machines(header: object) -> None:
    assert client._date(header).tzinfo is not None
    assert client._date("Sun, 01 Mar 2026 12:00:00 GMT") == parsedate_to_datetime("Sun, 01 Mar 2026 12:00:00 GMT")
