"""The Amazon client against a real HTTP server: requests as documented, answers classified, nothing secret said."""

import json
import logging
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from spapi_rotation_lambda.adapters.amazon import USER_AGENT, AmazonClient
from spapi_rotation_lambda.adapters.telemetry import quiet_http_libraries
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import TokenNotIssued
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import Answer, CallAnswer, Destinations, RotateAnswer, Scope
from tests.fakes.world import CLIENT_ID
from tests.unit.scripted_server import Ending, Reply, ScriptedServer
from tests.unit.support import logged, shown

SECRET, TOKEN, BODY = "canary-secret", "canary-token", "canary-body"
CREDENTIALS = Credentials(CLIENT_ID, Sensitive(SECRET))
HEADERS = {"x-amzn-RequestId": "0a1b2c3d-0000-4000-8000-000000000000"}

MODEL = json.loads((Path(__file__).parents[1] / "data" / "application_2023-11-30.json").read_text())
OPERATION = MODEL["paths"]["/applications/2023-11-30/clientSecret"]["post"]
DOCUMENTED = {int(status) for status in OPERATION["responses"]}
DONE, REFUSING, UNCLEAR = {204}, {400, 403, 404, 413, 415, 429}, {500, 503}


def error(code: str = "InvalidInput", message: str = BODY, details: str = BODY) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message, "details": details}]}


@pytest.fixture(scope="module", autouse=True)
def surroundings() -> Iterator[None]:
    """No proxy and no certificates of the machine's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        yield


@pytest.fixture(scope="module")
def one_server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture(scope="module")
def client(one_server: ScriptedServer) -> Iterator[AmazonClient]:
    with AmazonClient(f"{one_server.url}/auth/o2/token", one_server.url) as made:
        yield made


@pytest.fixture
def server(one_server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> Iterator[ScriptedServer]:
    """A server, and the certainty that none of our own log lines held anything of what went over the wire."""
    caplog.set_level(logging.DEBUG)
    one_server.seen.clear()
    one_server.replies.clear()
    yield one_server
    assert "canary" not in logged(caplog, without=("httpx", "httpcore"))


def impatient(server: ScriptedServer) -> Iterator[AmazonClient]:
    """A client that waits 50 ms for an answer."""
    with httpx.Client(timeout=httpx.Timeout(5, read=0.05)) as http:
        yield AmazonClient(server.url, server.url, http)


def closed_port() -> str:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


def failing(kind: type[Exception]) -> AmazonClient:
    """A client whose transport fails as httpx does, with the request in hand."""

    def fail(request: httpx.Request) -> httpx.Response:
        if issubclass(kind, httpx.RequestError):
            raise kind(f"{request.headers} {request.content!r} {BODY}", request=request)
        raise kind(BODY)

    return AmazonClient(
        "https://lwa.invalid", "https://spapi.invalid", httpx.Client(transport=httpx.MockTransport(fail))
    )


def answers(client: AmazonClient, server: ScriptedServer, reply: Reply) -> RotateAnswer:
    server.replies.append(reply)
    answer = client.rotate(Sensitive(TOKEN))
    assert len(server.seen) == 1, "one request, never a second one"
    assert "canary" not in repr(answer)
    return answer


def refusal(mint: Callable[[], object]) -> TokenNotIssued:
    with pytest.raises(TokenNotIssued) as caught:
        mint()
    assert "canary" not in shown(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert caught.value.remedy
    return caught.value


# The requests.


def test_the_rotate_call_is_as_documented(client: AmazonClient, server: ScriptedServer) -> None:
    answers(client, server, Reply(204))
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", next(iter(MODEL["paths"])))
    assert seen.headers["x-amz-access-token"] == TOKEN
    assert (seen.body, seen.headers["content-length"]) == (b"", "0")
    assert seen.headers["accept"] in MODEL["produces"]
    assert seen.headers["user-agent"] == USER_AGENT
    assert "authorization" not in seen.headers


@pytest.mark.parametrize(
    ("scope", "text"),
    [
        (Scope.ROTATION, "sellingpartnerapi::client_credential:rotation"),
        (Scope.NOTIFICATIONS, "sellingpartnerapi::notifications"),
    ],
)
def test_the_token_request_is_as_documented(
    client: AmazonClient, server: ScriptedServer, scope: Scope, text: str
) -> None:
    odd = Credentials(CLIENT_ID, Sensitive("a&b=c+d/é %"))
    server.replies.append(Reply(200, {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600}))
    assert client.token(odd, scope) == Sensitive(TOKEN)
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("POST", "/auth/o2/token")
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.headers["user-agent"] == USER_AGENT
    assert dict(parse_qsl(seen.body.decode(), strict_parsing=True)) == {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": "a&b=c+d/é %",
        "scope": text,
    }


@pytest.mark.rule(id="VER-1")
def test_the_verification_call_is_a_get_of_the_destinations(client: AmazonClient, server: ScriptedServer) -> None:
    server.replies.append(Reply(200, {"payload": []}))
    assert client.verification_call(Sensitive(TOKEN)) is CallAnswer.ACCEPTED
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("GET", "/notifications/v1/destinations", b"")
    assert (seen.headers["x-amz-access-token"], seen.headers["user-agent"]) == (TOKEN, USER_AGENT)


def test_the_user_agent_has_amazons_shape_and_length() -> None:
    shape = r"[^/\\]+/[^(\\]+ \(Language=[^;)=\\]+(; ?[^=;)\\]+=[^;)\\]+)*\)"
    assert re.fullmatch(shape, USER_AGENT)
    assert len(USER_AGENT) <= 500


def test_no_connection_is_kept_for_the_next_call(client: AmazonClient, server: ScriptedServer) -> None:
    server.replies.extend([Reply(200, {"access_token": TOKEN}), Reply(200, "{}"), Reply(204)])
    client.verification_call(client.token(CREDENTIALS, Scope.NOTIFICATIONS))
    client.rotate(Sensitive(TOKEN))
    assert len({seen.port for seen in server.seen}) == 3


def test_a_callers_own_http_client_is_left_open(server: ScriptedServer) -> None:
    with httpx.Client() as http:
        with AmazonClient(server.url, server.url, http):
            pass
        assert not http.is_closed
    own = AmazonClient(server.url, server.url)
    with own:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        own.rotate(Sensitive(TOKEN))


# Rotate: every status.


def test_every_documented_status_is_classified_here() -> None:
    assert DONE | REFUSING | UNCLEAR == DOCUMENTED


@pytest.mark.rule(id="REQ-13")
@pytest.mark.parametrize("status", sorted(DOCUMENTED))
def test_a_documented_status(client: AmazonClient, server: ScriptedServer, status: int) -> None:
    answer = answers(client, server, Reply(status, b"" if status == 204 else error(), HEADERS))
    expected = Answer.DONE if status in DONE else Answer.REFUSED if status in REFUSING else Answer.UNKNOWN
    assert (answer.answer, answer.status) == (expected, status)
    assert answer.code == ("" if status == 204 else "InvalidInput")
    assert answer.request_id == HEADERS["x-amzn-RequestId"]
    assert answer.secret_expired is False


@pytest.mark.rule(id="REQ-13")
@pytest.mark.parametrize("status", [200, 201, 202, 206, 300, 304, 401, 402, 405, 408, 409, 418, 422, 502, 504, 599])
def test_an_unlisted_status_leaves_it_unknown(client: AmazonClient, server: ScriptedServer, status: int) -> None:
    body = b"" if status == 304 else error("Unauthorized")
    assert answers(client, server, Reply(status, body)).answer is Answer.UNKNOWN


@pytest.mark.rule(id="REQ-13")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_unknown_and_not_followed(client: AmazonClient, server: ScriptedServer, status: int) -> None:
    answer = answers(client, server, Reply(status, b"", {"Location": f"{server.url}/{BODY}"}))
    assert (answer.answer, answer.status) == (Answer.UNKNOWN, status)


@pytest.mark.rule(id="REQ-14")
@pytest.mark.parametrize(
    ("rate", "seconds"),
    [
        *((None, 60), ("0.0167", 60), ("1", 1), ("2.0", 1), ("0.3", 4), ("0.0001", 3600), ("5e-324", 3600)),
        *((text, 60) for text in ("", "abc", "-1", "0", "0.0", "inf", "-inf", "nan", "1,2", BODY)),
    ],
)
@pytest.mark.parametrize("status", [204, 429])
def test_the_wait_follows_from_a_usable_rate_header(
    client: AmazonClient, server: ScriptedServer, status: int, rate: str | None, seconds: float
) -> None:
    headers = {} if rate is None else {"x-amzn-RateLimit-Limit": rate}
    assert answers(client, server, Reply(status, b"", headers)).retry_after_seconds == seconds


NO_ERRORS: list[object] = [None, [], {}, BODY, [None], [[]], [BODY], [5]]


@pytest.mark.parametrize(
    "body",
    [
        *("", BODY, "<html>canary-body</html>", "[]", "null", "5", '"canary-body"', "[" * 100_000, "{" * 10),
        *({"errors": value} for value in NO_ERRORS),
        *(error(code) for code in ("", "canary code", "1canary", "canary.body.dotted", "canary" * 20, "canaryé")),
        *({"errors": [{"code": value}]} for value in (None, 5, [BODY], {"x": BODY})),
        {"error": BODY, "Errors": error()},
        b"\xff\xfe\x00canary-body",
        b"canary-body" * 300_000,
    ],
    ids=lambda body: str(body)[:30],
)
def test_an_error_body_that_is_not_amazons_changes_nothing(
    client: AmazonClient, server: ScriptedServer, body: object
) -> None:
    answer = answers(client, server, Reply(403, body))
    assert (answer.answer, answer.code, answer.secret_expired) == (Answer.REFUSED, "", False)


@pytest.mark.parametrize("field", ["message", "details"])
def test_an_expired_secret_is_known_by_its_text(client: AmazonClient, server: ScriptedServer, field: str) -> None:
    body = error("Unauthorized") | {}
    body["errors"][0][field] = "The LWA secret token you provided has expired."
    assert answers(client, server, Reply(403, body)).secret_expired


@pytest.mark.parametrize("value", ["", "canary request", "x" * 49, "canary_1", "canary;1"])
def test_a_request_id_of_another_shape_is_dropped(client: AmazonClient, server: ScriptedServer, value: str) -> None:
    assert answers(client, server, Reply(204, b"", {"x-amzn-RequestId": value})).request_id == ""


# Rotate: no whole answer.


def test_a_port_that_nobody_listens_on_had_no_effect() -> None:
    with AmazonClient(closed_port(), closed_port()) as client:
        answer = client.rotate(Sensitive(TOKEN))
    assert (answer.answer, answer.status, answer.code) == (Answer.REFUSED, 0, "ConnectError")


def test_a_tls_handshake_that_fails_had_no_effect(server: ScriptedServer) -> None:
    url = server.url.replace("http:", "https:")
    with AmazonClient(url, url) as client:
        answer = client.rotate(Sensitive(TOKEN))
    assert (answer.answer, server.seen) == (Answer.REFUSED, [])


@pytest.mark.parametrize("url", ["http://[::1", "http://host:port", "gopher://127.0.0.1", "no-scheme", "http://"])
def test_an_endpoint_that_is_no_url_had_no_effect(url: str) -> None:
    with AmazonClient(url, url) as client:
        assert client.rotate(Sensitive(TOKEN)).answer is Answer.REFUSED
        assert client.verification_call(Sensitive(TOKEN)) is CallAnswer.UNCLEAR
        refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))


@pytest.mark.rule(id="REQ-13")
def test_a_timeout_after_sending_leaves_it_unknown(server: ScriptedServer) -> None:
    for client in impatient(server):
        answer = answers(client, server, Reply(ending=Ending.SILENT))
        assert (answer.answer, answer.status, answer.code) == (Answer.UNKNOWN, 0, "ReadTimeout")


@pytest.mark.parametrize("ending", [Ending.CLOSED, Ending.CUT])
@pytest.mark.parametrize("status", [400, 500])
def test_a_connection_that_ends_early_leaves_it_unknown(
    client: AmazonClient, server: ScriptedServer, ending: Ending, status: int
) -> None:
    answer = answers(client, server, Reply(status, error(), ending=ending))
    assert (answer.answer, answer.status) == (Answer.UNKNOWN, 0)


def test_a_body_that_cannot_be_decoded_leaves_it_unknown(client: AmazonClient, server: ScriptedServer) -> None:
    answer = answers(client, server, Reply(400, b"canary-body", {"Content-Encoding": "gzip"}))
    assert answer.answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    "kind", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol]
)
def test_a_connection_that_never_opened_had_no_effect(kind: type[Exception]) -> None:
    answer = failing(kind).rotate(Sensitive(TOKEN))
    assert (answer.answer, answer.code) == (Answer.REFUSED, kind.__name__)


@pytest.mark.parametrize(
    "kind",
    [
        *(httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.WriteError, httpx.CloseError),
        *(httpx.RemoteProtocolError, httpx.LocalProtocolError, httpx.ProxyError, httpx.DecodingError),
        httpx.TooManyRedirects,
    ],
)
def test_any_other_failure_leaves_it_unknown(kind: type[Exception]) -> None:
    answer = failing(kind).rotate(Sensitive(TOKEN))
    assert (answer.answer, answer.status, answer.code) == (Answer.UNKNOWN, 0, kind.__name__)
    assert "canary" not in repr(answer)


def test_each_kind_of_failure_that_httpx_has_is_classified() -> None:
    def kinds(base: type[Exception]) -> Iterator[type[Exception]]:
        for kind in base.__subclasses__():
            yield kind
            yield from kinds(kind)

    for kind in set(kinds(httpx.RequestError)):
        assert failing(kind).rotate(Sensitive(TOKEN)).answer in (Answer.REFUSED, Answer.UNKNOWN)
        assert failing(kind).verification_call(Sensitive(TOKEN)) is CallAnswer.UNCLEAR
        assert refusal(lambda kind=kind: failing(kind).token(CREDENTIALS, Scope.ROTATION)).definite is False  # type: ignore[misc]


# Login with Amazon.


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    "code",
    [
        *("invalid_client", "invalid_grant", "invalid_request", "invalid_scope"),
        *("unauthorized_client", "access_denied"),
    ],
)
def test_lwa_says_that_the_credentials_are_wrong(
    client: AmazonClient, server: ScriptedServer, status: int, code: str
) -> None:
    server.replies.append(Reply(status, {"error": code, "error_description": f"{BODY} {SECRET}"}))
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.definite, refused.code) == (True, code)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((500, "invalid_client"), (503, "invalid_client"), (429, "invalid_client"), (302, "invalid_client")),
        *((400, "server_error"), (401, "temporarily_unavailable"), (403, "other"), (500, "server_error")),
    ],
)
def test_lwa_says_nothing_certain(client: AmazonClient, server: ScriptedServer, status: int, code: str) -> None:
    server.replies.append(Reply(status, {"error": code, "error_description": BODY}, {"Location": server.url}))
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.definite, refused.code) == (False, code)
    assert len(server.seen) == 1, "not repeated, not redirected"


@pytest.mark.parametrize(
    "body",
    [
        *("", BODY, "[]", "null", {}, {"access_token": None}, {"access_token": ""}, {"access_token": 5}),
        *({"access_token": [TOKEN]}, {"access_token": f"{TOKEN}\nx: y"}, {"access_token": f"{TOKEN}é"}),
        {"Access_Token": TOKEN},
    ],
    ids=str,
)
def test_an_answer_without_a_usable_token_is_no_token(
    client: AmazonClient, server: ScriptedServer, body: object
) -> None:
    server.replies.append(Reply(200, body))
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.definite, refused.code) == (False, "no_token_in_answer")


@pytest.mark.parametrize(
    "body",
    ["", BODY, "[]", "[" * 100_000, {"error": None}, {"error": [BODY]}, {"error": "canary.x"}, b"\xff" * 10],
    ids=lambda body: str(body)[:30],
)
def test_an_error_that_is_not_lwas_is_named_by_its_status(
    client: AmazonClient, server: ScriptedServer, body: object
) -> None:
    server.replies.append(Reply(401, body))
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.definite, refused.code) == (False, "http_401")


@pytest.mark.parametrize("status", [201, 204])
def test_only_200_brings_a_token(client: AmazonClient, server: ScriptedServer, status: int) -> None:
    server.replies.append(Reply(status, b"" if status == 204 else {"access_token": TOKEN}))
    assert refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION)).code == f"http_{status}"


@pytest.mark.parametrize("ending", [Ending.SILENT, Ending.CLOSED, Ending.CUT])
def test_lwa_that_does_not_answer_is_nothing_certain(server: ScriptedServer, ending: Ending) -> None:
    for client in impatient(server):
        server.replies.append(Reply(401, {"error": "invalid_client"}, ending=ending))
        refused = refusal(lambda client=client: client.token(CREDENTIALS, Scope.ROTATION))  # type: ignore[misc]
        assert not refused.definite
        assert len(server.seen) == 1


def test_lwa_that_cannot_be_reached_is_nothing_certain() -> None:
    with AmazonClient(closed_port(), closed_port()) as client:
        refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.definite, refused.code) == (False, "ConnectError")


# The verification call.


@pytest.mark.rule(id="VER-2")
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((200, CallAnswer.ACCEPTED), (401, CallAnswer.DENIED), (403, CallAnswer.DENIED)),
        *((status, CallAnswer.UNCLEAR) for status in (301, 302, 307, 400, 404, 408, 429, 500, 502, 503)),
    ],
)
def test_what_the_verification_call_says(
    client: AmazonClient, server: ScriptedServer, status: int, expected: CallAnswer
) -> None:
    server.replies.append(Reply(status, error(), {"Location": server.url}))
    assert client.verification_call(Sensitive(TOKEN)) is expected
    assert len(server.seen) == 1


DESTINATION = "arn:aws:sqs:eu-west-1:123456789012:destination"
DATE = "Sun, 01 Mar 2026 12:00:05 GMT"


def test_the_verification_call_tells_the_destinations_and_the_time(
    client: AmazonClient, server: ScriptedServer
) -> None:
    listed = [{"resource": {"sqs": {"arn": DESTINATION}}}, {"resource": {"eventBridge": {"name": "x"}}}]
    server.replies.append(Reply(200, {"payload": listed}, {"Date": DATE}))
    found = client.destinations(Sensitive(TOKEN))
    assert found == Destinations(CallAnswer.ACCEPTED, (DESTINATION,), datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"payload": None},
        {"payload": {"resource": 1}},
        {"payload": [1, {}, {"resource": 1}, {"resource": {"sqs": 1}}, {"resource": {"sqs": {"arn": TOKEN}}}]},
    ],
)
def test_odd_destinations_are_none(client: AmazonClient, server: ScriptedServer, body: Any) -> None:
    for odd in ("yesterday", "Sun, 01 Mar 2026 12:00:05 -0000"):  # the second has no time zone
        server.replies.append(Reply(200, body, {"Date": odd}))
        assert client.destinations(Sensitive(TOKEN)) == Destinations(CallAnswer.ACCEPTED)


def test_a_denied_call_tells_the_time_and_no_destinations(client: AmazonClient, server: ScriptedServer) -> None:
    listed = [{"resource": {"sqs": {"arn": DESTINATION}}}]
    server.replies.append(Reply(403, {"payload": listed}, {"Date": DATE}))
    found = client.destinations(Sensitive(TOKEN))
    assert (found.answer, found.queue_arns) == (CallAnswer.DENIED, ())
    assert found.at is not None


@pytest.mark.parametrize("ending", [Ending.SILENT, Ending.CLOSED, Ending.CUT])
def test_a_verification_call_without_an_answer_is_unclear(server: ScriptedServer, ending: Ending) -> None:
    for client in impatient(server):
        server.replies.append(Reply(403, error(), ending=ending))
        assert client.verification_call(Sensitive(TOKEN)) is CallAnswer.UNCLEAR


# Logs.


def test_the_http_libraries_log_nothing_once_they_are_quiet(
    client: AmazonClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        quiet_http_libraries()
        caplog.clear()
        server.replies.extend([Reply(200, {"access_token": TOKEN}), Reply(403, error(), {"x-echo": BODY}), Reply(204)])
        client.verification_call(client.token(CREDENTIALS, Scope.NOTIFICATIONS))
        client.rotate(Sensitive(TOKEN))
        assert caplog.records == []
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
