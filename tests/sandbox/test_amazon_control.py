"""The control API refuses what it does not know; journal and log never hold a secret; the process starts and ends."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from sandbox.amazon import (
    Amazon,
    AmazonControl,
    AmazonServer,
    Answer,
    Caller,
    Close,
    ControlRefused,
    Delay,
    Hang,
    NotificationType,
    Point,
    Scope,
    State,
    WorldSettings,
)
from sandbox.amazon.contract import ROTATE_PATH, TOKEN_PATH
from sandbox.processes import ChildFailed
from tests.sandbox.aws_support import eventually

CLIENT_ID = "amzn1.application-oa2-client.0123456789abcdef"
QUEUE_URL = "https://127.0.0.1:1/123456789012/queue"
SECRET = "first-secret-of-the-test"


@pytest.fixture
def amazon() -> Iterator[AmazonServer]:
    with AmazonServer(settings=WorldSettings(rate_period_seconds=0.001)) as server:
        server.control.register(CLIENT_ID, SECRET)
        server.control.subscribe(CLIENT_ID, QUEUE_URL)
        yield server


@pytest.fixture
def http(amazon: AmazonServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=amazon.url + "/_control/", trust_env=False) as client:
        yield client


MISBEHAVE: dict[str, Any] = {"client_id": CLIENT_ID, "fault": {"kind": "answer", "at": "rotate", "status": 500}}
WRONG_BODIES: list[tuple[str, Any, int]] = [
    ("applications", {"client_id": CLIENT_ID}, 409),
    ("applications", {"client_id": CLIENT_ID + "2", "colour": "red"}, 400),
    ("applications", {"client_id": "another.shape"}, 400),
    ("applications", {"client_id": CLIENT_ID + "/2"}, 400),
    ("applications", {"client_id": CLIENT_ID + "2", "client_secret": ""}, 400),
    ("applications", {"client_id": CLIENT_ID + "2", "issued_at": "yesterday"}, 400),
    ("applications", {"client_id": CLIENT_ID + "2", "issued_at": "2026-01-01T00:00:00+02:00"}, 400),
    ("applications", {}, 400),
    ("applications", [], 400),
    ("applications", "text", 400),
    ("subscriptions", {"client_id": "amzn1.application-oa2-client.none", "queue_url": QUEUE_URL}, 404),
    ("subscriptions", {"client_id": CLIENT_ID, "queue_url": QUEUE_URL + ".fifo"}, 400),
    ("subscriptions", {"client_id": CLIENT_ID, "queue_url": "arn:aws:sqs:us-east-1:123456789012:queue"}, 400),
    ("subscriptions", {"client_id": CLIENT_ID, "queue_url": QUEUE_URL, "types": []}, 400),
    ("subscriptions", {"client_id": CLIENT_ID, "queue_url": QUEUE_URL, "types": ["ORDER_CHANGE"]}, 400),
    ("subscriptions", {"client_id": CLIENT_ID, "queue_url": QUEUE_URL, "types": "ORDER_CHANGE"}, 400),
    ("misbehave", MISBEHAVE | {"fault": {"kind": "explode"}}, 400),
    ("misbehave", MISBEHAVE | {"fault": {"at": "rotate", "status": 500}}, 400),
    ("misbehave", MISBEHAVE | {"fault": {"kind": "answer", "at": "somewhere", "status": 500}}, 400),
    ("misbehave", MISBEHAVE | {"fault": {"kind": "answer", "at": "rotate", "status": "500"}}, 400),
    ("misbehave", MISBEHAVE | {"fault": {"kind": "answer", "at": "rotate", "status": True}}, 400),
    ("misbehave", MISBEHAVE | {"fault": {"kind": "answer", "at": "rotate", "status": 99}}, 400),
    ("misbehave", MISBEHAVE | {"fault": {"kind": "lose", "at": "rotate"}}, 400),
    ("misbehave", MISBEHAVE | {"fault": "lose"}, 400),
    ("misbehave", MISBEHAVE | {"times": 0}, 400),
    ("misbehave", MISBEHAVE | {"times": 1.5}, 400),
    ("misbehave", MISBEHAVE | {"client_id": CLIENT_ID + "2"}, 404),
    ("behave", {"client_id": CLIENT_ID + "2"}, 404),
    ("rotate-by-hand", {"client_id": CLIENT_ID, "notify": "yes"}, 400),
    ("expire-current", {"client_id": CLIENT_ID + "2"}, 404),
    ("expiry-notice", {"client_id": CLIENT_ID, "secret_number": 2}, 400),
    ("expiry-notice", {"client_id": CLIENT_ID, "secret_number": 0}, 400),
    ("judge", {"client_id": CLIENT_ID, "client_secret": 1}, 400),
    ("advance", {"seconds": -1}, 400),
    ("advance", {"seconds": "1"}, 400),
    ("advance", {"seconds": True}, 400),
    ("advance", {}, 400),
    ("reset", {"really": True}, 400),
    ("no-such-call", {}, 404),
    ("health", {}, 405),
]


@pytest.mark.parametrize(("path", "body", "status"), WRONG_BODIES)
def test_a_wrong_control_call_is_refused(
    amazon: AmazonServer, http: httpx.Client, path: str, body: Any, status: int
) -> None:
    before = amazon.control.applications()
    response = http.post(path, json=body)
    assert (response.status_code, set(response.json())) == (status, {"error"})
    assert amazon.control.applications() == before
    assert amazon.control.journal() == ()


def test_a_refusal_does_not_repeat_what_was_sent(http: httpx.Client) -> None:
    for body in ({SECRET: 1}, {"client_id": SECRET}, {"client_id": CLIENT_ID, "issued_at": SECRET}):
        response = http.post("applications", json=body)
        assert response.status_code == 400
        assert SECRET not in response.text


def test_control_calls_are_json_without_a_query(http: httpx.Client) -> None:
    assert http.post("reset", content=b"{}").status_code == 415
    assert http.post("reset", data={"a": "b"}).status_code == 415
    assert http.post("reset", content=b"{", headers={"content-type": "application/json"}).status_code == 400
    assert http.get("health", params={"after": "1"}).status_code == 400
    assert http.delete("applications").status_code == 405
    assert http.get("health").status_code == 200


def test_a_conflict_without_a_queue(amazon: AmazonServer) -> None:
    other = CLIENT_ID + "2"
    amazon.control.register(other)
    for refused in (
        lambda: amazon.control.rotate_by_hand(other),
        lambda: amazon.control.expiry_notice(other),
        lambda: amazon.control.send_body(other, "x"),
    ):
        with pytest.raises(ControlRefused) as error:
            refused()
        assert error.value.status == 409
    assert amazon.control.rotate_by_hand(other, notify=False).number == 2


def test_what_is_set_is_shown(amazon: AmazonServer) -> None:
    amazon.control.misbehave(CLIENT_ID, Delay(seconds=5), times=None)
    (application,) = amazon.control.applications()
    assert application.client_id == CLIENT_ID
    assert application.subscribed == tuple(NotificationType)
    assert [secret.number for secret in application.secrets] == [1]
    (entry,) = application.misbehaviours
    assert (entry.fault, entry.used, entry.left) == (Delay(seconds=5), 0, None)
    amazon.control.behave(CLIENT_ID)
    assert amazon.control.applications()[0].misbehaviours == ()


def test_the_clock_moves_and_resets(amazon: AmazonServer) -> None:
    amazon.control.advance(86_400 * 200)
    assert (amazon.control.health().now - datetime.now(UTC)).days >= 199
    amazon.control.reset()
    health = amazon.control.health()
    assert abs((health.now - datetime.now(UTC)).days) <= 1
    assert health.applications == 0


def test_reset_forgets_everything_but_the_canaries(amazon: AmazonServer) -> None:
    with Caller(amazon.url, CLIENT_ID) as caller:
        token = caller.token(SECRET)
        assert caller.rotate(token).status_code == 204
        secrets = amazon.control.canaries().secrets
        amazon.control.reset()
        assert caller.rotate(token).status_code == 403
        assert caller.token_response(SECRET).status_code == 401
    assert len(secrets) == 2
    assert amazon.control.deliveries() == ()
    assert len(amazon.control.journal()) == 2
    assert amazon.control.canaries().secrets == secrets
    assert amazon.control.canaries().tokens == (token,)


# --- the journal and the log ---


def test_the_journal_tells_what_was_seen(amazon: AmazonServer) -> None:
    with Caller(amazon.url, CLIENT_ID) as caller:
        token = caller.token(SECRET)
        caller.rotate(token)
        amazon.control.misbehave(CLIENT_ID, Close(at=Point.TOKEN))
        with pytest.raises(httpx.RemoteProtocolError):
            caller.token_response(amazon.world.application(CLIENT_ID).current.value, "some-scope")
        caller.destinations(token)
    seen = [(c.method, c.path, c.status, c.scope, c.secret_number, c.note) for c in amazon.control.journal()]
    assert seen == [
        ("POST", TOKEN_PATH, 200, Scope.ROTATION, 1, ""),
        ("POST", ROTATE_PATH, 204, Scope.ROTATION, 1, "rotated: secret 2"),
        ("POST", TOKEN_PATH, None, "(unknown scope)", 2, "close at=token"),
        ("GET", "/notifications/v1/destinations", 403, Scope.ROTATION, 1, ""),
    ]
    assert {call.client_id for call in amazon.control.journal()} == {CLIENT_ID}
    assert amazon.control.journal(after=3) == amazon.control.journal()[3:]


def provoke_leaks(base_url: str, client_id: str, secret: str, token: str) -> None:
    """Put a secret and a token wherever a caller by mistake could."""
    with Caller(base_url, client_id) as caller:
        for word in (secret, token):
            caller.token_response(secret, word)
            caller.token_response(word + "x")
            caller.http.post(TOKEN_PATH, data={"client_id": word, word: word})
            caller.http.post(TOKEN_PATH, data={"client_id": word, "client_secret": word, "scope": word})
            caller.http.post(f"/{word}")
            caller.http.post(ROTATE_PATH, params={"secret": word}, headers={"x-amz-access-token": word})
            caller.http.post(ROTATE_PATH, content=word, headers={"x-amz-access-token": token})
            caller.http.post(ROTATE_PATH, headers={"user-agent": word, "x-amz-access-token": token})
            caller.http.request("GET", TOKEN_PATH, params={"client_secret": word})
            caller.http.post("/_control/applications", json={word: word})
            caller.http.post(f"/_control/{word}", json={})
        # Not HTTP at all, and an unknown method.
        host, port = base_url.removeprefix("http://").split(":")
        for line in (f"{secret} / HTTP/1.1\r\n\r\n", f"GET /{token} HTTP/{secret}\r\n\r\n", f"{secret}\r\n\r\n"):
            with socket.create_connection((host, int(port)), timeout=10) as raw:
                raw.sendall(line.encode())
                with raw.makefile("rb") as answer:
                    text = answer.read().decode()
                assert text.startswith("HTTP/1.1 ")
                assert secret not in text
                assert token not in text


def test_neither_journal_nor_log_ever_holds_a_secret(tmp_path: Path) -> None:
    with Amazon(tmp_path, settings=WorldSettings(delivery_seconds=0, retry_seconds=())) as amazon:
        made = amazon.control.register(CLIENT_ID)
        assert made.client_secret
        amazon.control.subscribe(CLIENT_ID, QUEUE_URL)
        with Caller(amazon.url, CLIENT_ID) as caller:
            token = caller.token(made.client_secret)
            assert caller.rotate(token).status_code == 204
        provoke_leaks(amazon.url, CLIENT_ID, made.client_secret, token)
        assert amazon.control.wait_until_delivered()[0].state is State.FAILED
        canaries = amazon.control.canaries()
        shown = [
            httpx.get(f"{amazon.url}/_control/{name}", trust_env=False).text
            for name in ("journal", "deliveries", "applications", "health")
        ]
        assert len(amazon.control.journal()) > 20
    text = "\n".join([*shown, amazon.log_file.read_text()])
    assert "serves LWA and SP-API" in text
    assert (len(canaries.secrets), len(canaries.tokens) > 0) == (2, True)
    for canary in (*canaries.secrets, *canaries.tokens):
        assert canary not in text
    assert canaries.secrets[0] not in repr(canaries)


def test_a_defect_is_told_without_any_value(
    amazon: AmazonServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(SECRET)

    with Caller(amazon.url, CLIENT_ID) as caller:
        token = caller.token(SECRET)
        monkeypatch.setattr(amazon.world, "rotate", broken)
        with pytest.raises(httpx.RemoteProtocolError):
            caller.rotate(token)
    amazon.stop()
    told = capsys.readouterr().err
    assert "RuntimeError in broken" in told
    assert SECRET not in told


# --- the process ---


def test_the_process_ends_with_its_context(tmp_path: Path) -> None:
    with Amazon(tmp_path) as amazon:
        assert amazon.control.health().stand_in
        assert amazon.url.startswith("http://127.0.0.1:")
        assert (amazon.spapi_endpoint, amazon.lwa_endpoint) == (amazon.url, amazon.url + TOKEN_PATH)
        url = amazon.url
    amazon.stop()
    with pytest.raises(RuntimeError, match="does not run"):
        _ = amazon.control
    control = AmazonControl(url)
    with pytest.raises(httpx.ConnectError):
        control.health()
    control.close()


def test_the_process_ends_on_term_though_a_call_hangs(tmp_path: Path) -> None:
    with Amazon(tmp_path) as amazon:
        amazon.control.register(CLIENT_ID, SECRET)
        amazon.control.misbehave(CLIENT_ID, Hang(at=Point.TOKEN))
        form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": SECRET, "scope": "x"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        hanging = HTTPConnection("127.0.0.1", int(amazon.url.rsplit(":", 1)[1]), timeout=20)
        hanging.request("POST", TOKEN_PATH, urlencode(form), headers)
        eventually(amazon.control.journal)
        assert amazon.pid
        os.kill(amazon.pid, signal.SIGTERM)
        with pytest.raises(RemoteDisconnected):
            hanging.getresponse()
        hanging.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_inherits_nothing_but_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "/of/the/machine")
    with Amazon(tmp_path) as amazon:
        assert b"/of/the/machine" not in Path(f"/proc/{amazon.pid}/environ").read_bytes()


def test_a_process_that_cannot_start_says_why(tmp_path: Path) -> None:
    with AmazonServer() as first:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(ChildFailed, match="Address already in use"):
            Amazon(tmp_path, port=port).start()


def test_the_server_binds_loopback_only(amazon: AmazonServer) -> None:
    host = socket.gethostbyname(socket.gethostname())
    if not host.startswith("127."):
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((host, int(amazon.url.rsplit(":", 1)[1])), timeout=5)
    assert amazon.url.startswith("http://127.0.0.1:")


def test_concurrent_rotate_calls_yield_one_rotation() -> None:
    with AmazonServer() as amazon, Caller(amazon.url, CLIENT_ID) as caller, ThreadPoolExecutor(8) as pool:
        amazon.control.register(CLIENT_ID, SECRET)
        amazon.control.subscribe(CLIENT_ID, QUEUE_URL)
        amazon.control.misbehave(CLIENT_ID, Answer(at=Point.DESTINATIONS, status=500), times=3)
        token, harmless = caller.token(SECRET), caller.token(SECRET, Scope.NOTIFICATIONS)
        statuses = sorted(r.status_code for r in pool.map(lambda _: caller.rotate(token), range(8)))
        assert statuses == [204] + [429] * 7
        struck = [r.status_code for r in pool.map(lambda _: caller.destinations(harmless), range(8))]
        assert sorted(struck) == [200] * 5 + [500] * 3
        assert len(amazon.control.journal()) == 18
