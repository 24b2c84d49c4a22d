"""The Amazon client against a real HTTP server: requests as documented, answers classified, nothing secret said."""

import base64
import json
import logging
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx
import pytest

from sandbox.tls import make_loopback_certificate
from spapi_rotation_lambda.adapters import amazon_answers
from spapi_rotation_lambda.adapters.amazon import USER_AGENT, AmazonClient
from spapi_rotation_lambda.adapters.telemetry import quiet_http_libraries
from spapi_rotation_lambda.domain.credentials import Credentials
from spapi_rotation_lambda.domain.errors import TokenFault, TokenNotIssued
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import Answer, CallAnswer, Destinations, Refusal, RotateAnswer, Scope
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
def client(one_server: ScriptedServer) -> AmazonClient:
    return AmazonClient(f"{one_server.url}/auth/o2/token", one_server.url)


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


# Rotate: every status.


def test_every_documented_status_is_classified_here() -> None:
    assert DONE | REFUSING | UNCLEAR == DOCUMENTED


@pytest.mark.rule(id="REQ-13")
@pytest.mark.parametrize("status", sorted(DOCUMENTED))
def test_a_documented_status(client: AmazonClient, server: ScriptedServer, status: int) -> None:
    said = "Said." if status == 400 else BODY  # a 400's message is shown; every other one would be found by ``answers``
    answer = answers(client, server, Reply(status, b"" if status == 204 else error("InvalidInput", said), HEADERS))
    expected = Answer.DONE if status in DONE else Answer.REFUSED if status in REFUSING else Answer.UNKNOWN
    assert (answer.answer, answer.status) == (expected, status)
    assert answer.code == ("" if status == 204 else "InvalidInput")
    assert answer.request_id == HEADERS["x-amzn-RequestId"]
    assert answer.refusal is not Refusal.EXPIRED


@pytest.mark.rule(id="REQ-13")
@pytest.mark.parametrize("status", [200, 201, 202, 206, 303, 408, 409, 425, 499, 500, 502, 504, 599])
def test_a_status_that_may_follow_an_effect_leaves_it_unknown(
    client: AmazonClient, server: ScriptedServer, status: int
) -> None:
    assert answers(client, server, Reply(status, error("Unauthorized"))).answer is Answer.UNKNOWN


@pytest.mark.rule(id="REQ-13")
@pytest.mark.parametrize("status", [401, 402, 405, 406, 407, 410, 418, 421, 422, 426, 431, 451, 498])
def test_any_other_refusing_status_had_no_effect(client: AmazonClient, server: ScriptedServer, status: int) -> None:
    assert answers(client, server, Reply(status, error("Unauthorized"))).answer is Answer.REFUSED


@pytest.mark.rule(id="REQ-13")
@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308])
def test_a_redirect_is_a_refusal_and_not_followed(client: AmazonClient, server: ScriptedServer, status: int) -> None:
    answer = answers(client, server, Reply(status, b"", {"Location": f"{server.url}/{BODY}"}))
    assert (answer.answer, answer.status, answer.refusal) == (Answer.REFUSED, status, Refusal.NOT_THE_API)


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
    assert (answer.answer, answer.code) == (Answer.REFUSED, "")
    assert answer.refusal in (Refusal.NOT_THE_API, Refusal.DENIED)
    assert answer.message == ""


EXPIRED_TEXT = "The LWA secret token you provided has expired."
NOT_ENROLLED_TEXT = OPERATION["responses"]["400"]["description"]


@pytest.mark.rule(id="REQ-14")
@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("field", ["message", "details"])
def test_an_expired_secret_is_known_by_its_text(
    client: AmazonClient, server: ScriptedServer, status: int, field: str
) -> None:
    body = error("Unauthorized")
    body["errors"][0][field] = EXPIRED_TEXT
    assert answers(client, server, Reply(status, body)).refusal is Refusal.EXPIRED


@pytest.mark.rule(id="REQ-14")
@pytest.mark.parametrize(
    "text", ["Access to requested resource is denied.", "The access token you provided has expired."]
)
@pytest.mark.parametrize("status", [401, 403])
def test_any_other_text_is_no_expired_secret(
    client: AmazonClient, server: ScriptedServer, status: int, text: str
) -> None:
    assert answers(client, server, Reply(status, error("Unauthorized", text, text))).refusal is Refusal.DENIED


@pytest.mark.rule(id="REQ-14")
@pytest.mark.parametrize(
    ("body", "refusal", "message"),
    [
        (error("InvalidInput", NOT_ENROLLED_TEXT, ""), Refusal.NOT_ENROLLED, NOT_ENROLLED_TEXT),
        (error("InvalidInput", "", NOT_ENROLLED_TEXT), Refusal.NOT_ENROLLED, ""),
        (error("InvalidInput", "The application is NOT ENROLLED.", ""), Refusal.NOT_ENROLLED, None),
        (error("InvalidInput", "Update your Notification Preferences.", ""), Refusal.NOT_ENROLLED, None),
        (error("InvalidInput", "It is Tuesday.", ""), Refusal.INVALID, "It is Tuesday."),
        (
            error("InvalidInput", "Es ist\u00a0T\u00fcsdag.\r\nX: y\x1b[1m", ""),
            Refusal.INVALID,
            "Es ist T sdag. X: y [1m",
        ),
        (error("InvalidInput", "long " * 60, ""), Refusal.INVALID, ("long " * 60)[:197] + "..."),
        ({"errors": [{"code": "InvalidInput", "message": 5}]}, Refusal.INVALID, ""),
        ("<html><body>canary-body: Bad Request</body></html>", Refusal.NOT_THE_API, ""),
        (b"", Refusal.NOT_THE_API, ""),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_400_is_told_apart(
    client: AmazonClient, server: ScriptedServer, body: object, refusal: Refusal, message: str | None
) -> None:
    answer = answers(client, server, Reply(400, body))
    assert answer.refusal is refusal
    assert message is None or answer.message == message
    assert len(answer.message) <= 200


def test_the_text_for_not_enrolled_is_the_models() -> None:
    assert "not enrolled" in NOT_ENROLLED_TEXT


LONG_SECRET, LONG_TOKEN = "amzn1.oa2-cs.v1.canary/0123+456789", "Atc|canary+MQEBIJ5aaaBBB/ccc012345=="


def in_disguise(text: str) -> list[str]:
    """A text as an answer may repeat it."""
    raw = text.encode()
    return [
        *(text, text.upper(), f"<{text}>", text[:14], text[-14:]),
        *(quote(text, safe=""), quote(quote(text, safe=""), safe=""), raw.hex(), raw.hex().upper()),
        *(base64.b64encode(before + raw + b" and more").decode() for before in (b"", b"x", b"xy")),
        *(base64.urlsafe_b64encode(before + raw).decode() for before in (b"", b"x", b"xy")),
        *("\u200b".join(text), f"{text[:9]}\n{text[9:]}"),
    ]


@pytest.mark.rule(id="P-4")
@pytest.mark.rule(id="REQ-14")
@pytest.mark.parametrize("disguise", range(len(in_disguise(LONG_SECRET))))
@pytest.mark.parametrize("which", [LONG_SECRET, LONG_TOKEN], ids=["secret", "token"])
def test_a_message_that_repeats_what_was_sent_is_not_shown(
    client: AmazonClient, server: ScriptedServer, which: str, disguise: int
) -> None:
    server.replies.append(Reply(200, {"access_token": LONG_TOKEN}))
    token = client.token(Credentials(CLIENT_ID, Sensitive(LONG_SECRET)), Scope.ROTATION)
    for message, shown_as in ((f"Not valid: {in_disguise(which)[disguise]}", ""), ("Not valid: x.", "Not valid: x.")):
        server.replies.append(Reply(400, error("InvalidInput", message, "")))
        answer = client.rotate(token)
        assert (answer.refusal, answer.message) == (Refusal.INVALID, shown_as)


@pytest.mark.rule(id="P-4")
def test_a_token_of_another_client_is_known_too(server: ScriptedServer) -> None:
    client = AmazonClient(server.url, server.url)
    assert answers(client, server, Reply(400, error("InvalidInput", f"Not valid: {TOKEN}", ""))).message == ""


@pytest.mark.rule(id="P-4")
@pytest.mark.parametrize("secret", ["a/b+c=d/e+f=g/h+i?j/k", "short/one", "~~>>??" * 4])
def test_a_secret_of_any_kind_is_found_in_each_disguise(secret: str) -> None:
    in_hand = [Sensitive("another-secret-altogether"), Sensitive(secret)]
    for form in in_disguise(secret):
        assert amazon_answers.shown(f"Not valid: {form}", in_hand) == "", form
    assert amazon_answers.shown("It is Tuesday.", in_hand) == "It is Tuesday."


@pytest.mark.rule(id="P-4")
def test_only_a_400_brings_amazons_message(client: AmazonClient, server: ScriptedServer) -> None:
    assert answers(client, server, Reply(404, error("NotFound", "It is Tuesday.", ""))).message == ""


@pytest.mark.parametrize("value", ["", "canary request", "x" * 49, "canary_1", "canary;1"])
def test_a_request_id_of_another_shape_is_dropped(client: AmazonClient, server: ScriptedServer, value: str) -> None:
    assert answers(client, server, Reply(204, b"", {"x-amzn-RequestId": value})).request_id == ""


# Rotate: no whole answer.


def test_a_port_that_nobody_listens_on_had_no_effect() -> None:
    client = AmazonClient(closed_port(), closed_port())
    answer = client.rotate(Sensitive(TOKEN))
    assert (answer.answer, answer.status, answer.code) == (Answer.REFUSED, 0, "ConnectError")
    assert (answer.refusal, answer.host) == (Refusal.UNREACHABLE, "127.0.0.1")


@pytest.mark.rule(id="REQ-13")
@pytest.mark.rule(id="REQ-14")
def test_a_tls_handshake_that_fails_had_no_effect_and_is_named(server: ScriptedServer) -> None:
    url = server.url.replace("http:", "https:")
    client = AmazonClient(url, url)
    answer = client.rotate(Sensitive(TOKEN))
    assert (answer.answer, answer.refusal, answer.code) == (Answer.REFUSED, Refusal.TLS, "TlsFailed")
    assert client.verification_call(Sensitive(TOKEN)) is CallAnswer.UNAVAILABLE
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.fault, refused.code) == (TokenFault.UNAVAILABLE, "TlsFailed")
    assert "TLS connection to 127.0.0.1" in refused.args[0]
    assert server.seen == []


@pytest.fixture(scope="module")
def untrusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a certificate that nobody trusts."""
    made = make_loopback_certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError), context.wrap_socket(listening.accept()[0], server_side=True) as caller:
                    caller.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/canary-path"
        over.set()
        thread.join()


@pytest.mark.rule(id="REQ-14")
def test_a_certificate_that_is_not_trusted_is_named_with_its_host(untrusted: str) -> None:
    client = AmazonClient(untrusted, untrusted)
    answer = client.rotate(Sensitive(TOKEN))
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (answer.answer, answer.refusal, answer.code) == (Answer.REFUSED, Refusal.TLS, "CertificateRefused")
    assert (answer.host, "certificate" in answer.message) == ("127.0.0.1", True)
    assert "canary" not in repr(answer)
    assert (refused.fault, refused.code) == (TokenFault.UNAVAILABLE, "CertificateRefused")
    assert f"TLS connection to 127.0.0.1 failed (CertificateRefused: {answer.message})" in refused.args[0]
    assert "proxy" in refused.remedy


@pytest.mark.parametrize("url", ["http://[::1", "http://host:port", "gopher://127.0.0.1", "no-scheme", "http://"])
def test_an_endpoint_that_is_no_url_had_no_effect(url: str) -> None:
    client = AmazonClient(url, url)
    assert client.rotate(Sensitive(TOKEN)).answer is Answer.REFUSED
    assert client.verification_call(Sensitive(TOKEN)) is CallAnswer.UNAVAILABLE
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
        assert failing(kind).verification_call(Sensitive(TOKEN)) is CallAnswer.UNAVAILABLE
        refused = refusal(lambda kind=kind: failing(kind).token(CREDENTIALS, Scope.ROTATION))  # type: ignore[misc]
        assert refused.fault is TokenFault.UNAVAILABLE


# Login with Amazon.


@pytest.mark.rule(id="LWA-1")
@pytest.mark.parametrize("status", [400, 401, 403])
def test_one_code_alone_says_that_the_secret_is_wrong(
    client: AmazonClient, server: ScriptedServer, status: int
) -> None:
    server.replies.append(Reply(status, {"error": "invalid_client", "error_description": f"{BODY} {SECRET}"}))
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.fault, refused.code) == (TokenFault.SECRET, "invalid_client")
    assert "not the cause" not in refused.args[0]
    assert len(server.seen) == 1


SETUP_CODES = {
    "invalid_scope": "does not give the scope sellingpartnerapi::client_credential:rotation",
    "unauthorized_client": "ask for a token by client_credentials",
    "invalid_request": "could not read the request",
    "invalid_grant": "refused the grant",
    "unsupported_grant_type": "does not know grant_type",
    "access_denied": "denied the application",
    "other": "gave no token (other)",
    "new_code": "gave no token (new_code)",
}


@pytest.mark.rule(id="LWA-1")
@pytest.mark.rule(id="LWA-2")
@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 422])
@pytest.mark.parametrize(("code", "words"), SETUP_CODES.items())
def test_every_other_code_is_a_matter_of_the_set_up(
    client: AmazonClient, server: ScriptedServer, status: int, code: str, words: str
) -> None:
    server.replies.append(Reply(status, {"error": code, "error_description": f"{BODY} {SECRET}"}))
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.fault, refused.code) == (TokenFault.SETUP, code)
    assert words in refused.args[0]
    assert "The secret is not the cause." in refused.args[0]
    assert "expired" not in str(refused)
    assert len(server.seen) == 1, "not repeated, not redirected"


@pytest.mark.rule(id="LWA-2")
def test_each_code_has_its_own_text_and_remedy(client: AmazonClient, server: ScriptedServer) -> None:
    said: dict[str, TokenNotIssued] = {}
    for code in ("invalid_client", *SETUP_CODES):
        server.replies.append(Reply(400, {"error": code}))
        said[code] = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    del said["new_code"]  # the same text as any other code that is not known
    assert len({error.args[0] for error in said.values()}) == len(said)
    assert len({error.remedy for error in said.values()}) == len(said)


@pytest.mark.rule(id="LWA-2")
def test_without_a_token_for_the_verification_call_the_way_around_it_is_named(
    client: AmazonClient, server: ScriptedServer
) -> None:
    for scope, named in ((Scope.NOTIFICATIONS, True), (Scope.ROTATION, False)):
        server.replies.append(Reply(400, {"error": "invalid_scope"}))
        refused = refusal(lambda scope=scope: client.token(CREDENTIALS, scope))  # type: ignore[misc]
        assert ("set verification to lwa" in refused.remedy) == named


@pytest.mark.rule(id="LWA-1")
@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        *((status, "invalid_client", TokenFault.UNAVAILABLE) for status in (408, 500, 502, 503, 504)),
        *((status, "server_error", TokenFault.UNAVAILABLE) for status in (400, 401, 500)),
        *((status, "temporarily_unavailable", TokenFault.UNAVAILABLE) for status in (400, 403, 503)),
        *((429, code, TokenFault.THROTTLED) for code in ("invalid_client", "other")),
        (302, "invalid_client", TokenFault.SETUP),
    ],
)
def test_lwa_that_is_busy_says_nothing_about_the_secret(
    client: AmazonClient, server: ScriptedServer, status: int, code: str, fault: TokenFault
) -> None:
    server.replies.append(Reply(status, {"error": code, "error_description": BODY}, {"Location": server.url}))
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.fault, refused.code) == (fault, code)
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
    assert (refused.fault, refused.code) == (TokenFault.UNAVAILABLE, "no_token_in_answer")


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
    assert (refused.fault, refused.code) == (TokenFault.SETUP, "http_401")


@pytest.mark.parametrize("status", [201, 204])
def test_only_200_brings_a_token(client: AmazonClient, server: ScriptedServer, status: int) -> None:
    server.replies.append(Reply(status, b"" if status == 204 else {"access_token": TOKEN}))
    assert refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION)).code == f"http_{status}"


@pytest.mark.parametrize("ending", [Ending.SILENT, Ending.CLOSED, Ending.CUT])
def test_lwa_that_does_not_answer_is_nothing_certain(server: ScriptedServer, ending: Ending) -> None:
    for client in impatient(server):
        server.replies.append(Reply(401, {"error": "invalid_client"}, ending=ending))
        refused = refusal(lambda client=client: client.token(CREDENTIALS, Scope.ROTATION))  # type: ignore[misc]
        assert refused.fault is TokenFault.UNAVAILABLE
        assert len(server.seen) == 1


def test_lwa_that_cannot_be_reached_is_nothing_certain() -> None:
    client = AmazonClient(closed_port(), closed_port())
    refused = refusal(lambda: client.token(CREDENTIALS, Scope.ROTATION))
    assert (refused.fault, refused.code) == (TokenFault.UNAVAILABLE, "ConnectError")


# The verification call.


@pytest.mark.rule(id="VER-5")
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((200, CallAnswer.ACCEPTED), (401, CallAnswer.DENIED), (403, CallAnswer.DENIED), (429, CallAnswer.THROTTLED)),
        *((status, CallAnswer.UNAVAILABLE) for status in (408, 500, 502, 503, 504, 599)),
        *((status, CallAnswer.OTHER) for status in (301, 302, 303, 307, 400, 404, 405, 409, 410, 418, 451)),
    ],
)
def test_what_the_verification_call_says(
    client: AmazonClient, server: ScriptedServer, status: int, expected: CallAnswer
) -> None:
    server.replies.append(Reply(status, error(), {"Location": server.url}))
    assert client.verification_call(Sensitive(TOKEN)) is expected
    assert len(server.seen) == 1


@pytest.mark.rule(id="VER-5")
@pytest.mark.parametrize("field", ["message", "details"])
@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (401, EXPIRED_TEXT, CallAnswer.EXPIRED),
        (403, EXPIRED_TEXT, CallAnswer.EXPIRED),
        (403, EXPIRED_TEXT.upper(), CallAnswer.EXPIRED),
        (403, "The access token you provided has expired.", CallAnswer.DENIED),
        (404, EXPIRED_TEXT, CallAnswer.OTHER),
        (500, EXPIRED_TEXT, CallAnswer.UNAVAILABLE),
    ],
)
def test_a_refusal_speaks_of_the_secret_only_by_its_text(
    client: AmazonClient, server: ScriptedServer, status: int, text: str, expected: CallAnswer, field: str
) -> None:
    body = error()
    body["errors"][0][field] = text
    body["errors"].insert(0, {"code": "Unauthorized", "message": BODY})
    server.replies.append(Reply(status, body))
    assert client.verification_call(Sensitive(TOKEN)) is expected


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
def test_a_verification_call_without_an_answer_says_nothing(server: ScriptedServer, ending: Ending) -> None:
    for client in impatient(server):
        server.replies.append(Reply(403, error(), ending=ending))
        assert client.verification_call(Sensitive(TOKEN)) is CallAnswer.UNAVAILABLE


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
