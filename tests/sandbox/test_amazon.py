"""The stand-in Amazon keeps the documented contract: LWA, the rotate call by its API model, the rotation's rules."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.amazon import (
    AmazonServer,
    Answer,
    Body,
    Caller,
    Clock,
    ControlRefused,
    NotificationType,
    Point,
    Scope,
    When,
    WorldSettings,
)
from sandbox.amazon.contract import DESTINATIONS_PATH, MAX_BODY_BYTES, ROTATE_PATH, TOKEN_PATH, documented_user_agent
from sandbox.amazon.records import Secret
from sandbox.amazon.world import World

CLIENT_ID = "amzn1.application-oa2-client.0123456789abcdef"
QUEUE_URL = "https://127.0.0.1:1/123456789012/queue"
SECRET = "first-secret-of-the-test"
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": SECRET,
    "scope": "sellingpartnerapi::client_credential:rotation",
}
MODEL: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "application_2023-11-30.json").read_text())
RESPONSES: dict[str, Any] = MODEL["paths"][ROTATE_PATH]["post"]["responses"]


@pytest.fixture
def amazon() -> Iterator[AmazonServer]:
    """A stand-in whose clock moves only by ``advance``; deliveries wait for it, too."""
    with AmazonServer(clock=Clock(lambda: START)) as server:
        yield server


@pytest.fixture
def caller(amazon: AmazonServer) -> Iterator[Caller]:
    """A registered and subscribed application."""
    amazon.control.register(CLIENT_ID, SECRET)
    amazon.control.subscribe(CLIENT_ID, QUEUE_URL)
    with Caller(amazon.url, CLIENT_ID) as caller:
        yield caller


def values(amazon: AmazonServer) -> list[str]:
    """The values of the application's secrets, oldest first."""
    return [secret.value for secret in amazon.world.application(CLIENT_ID).secrets]


# --- a validator for the few words of JSON schema that the model uses ---


def check_schema(schema: dict[str, Any], data: object, where: str = "body") -> None:
    if "$ref" in schema:
        schema = MODEL["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    assert set(schema) <= {"type", "description", "required", "properties", "items"}, "a word that is not checked"
    if schema["type"] == "object":
        assert isinstance(data, dict), where
        assert set(schema["required"]) <= set(data) <= set(schema["properties"]), where
        for name, value in data.items():
            check_schema(schema["properties"][name], value, f"{where}.{name}")
    elif schema["type"] == "array":
        assert isinstance(data, list), where
        for item in data:
            check_schema(schema["items"], item, f"{where}[]")
    else:
        assert schema["type"] == "string", where
        assert isinstance(data, str), where


def check_documented(response: httpx.Response) -> None:
    """The answer is one that the API model declares: status, headers (no less, no more), body."""
    declared = RESPONSES[str(response.status_code)]
    amazons = {name for name in response.headers if name.startswith("x-amzn-")}
    assert amazons == {name.lower() for name in declared["headers"]}
    if "schema" in declared:
        assert response.headers["content-type"] == "application/json"
        check_schema(declared["schema"], response.json())
    else:
        assert response.content == b""


def fault(status: int) -> Callable[[AmazonServer, Caller], httpx.Response]:
    def provoke(amazon: AmazonServer, caller: Caller) -> httpx.Response:
        amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=status))
        return caller.rotate(caller.token(SECRET))

    return provoke


def rotate_raw(caller: Caller, **request: Any) -> httpx.Response:
    headers = {"x-amz-access-token": caller.token(SECRET)} | request.pop("headers", {})
    return caller.http.request(request.pop("method", "POST"), ROTATE_PATH, headers=headers, **request)


def second_call(amazon: AmazonServer, caller: Caller) -> httpx.Response:
    caller.rotate(caller.token(SECRET))
    return caller.rotate(caller.token(SECRET))


def not_enrolled(amazon: AmazonServer, caller: Caller) -> httpx.Response:
    amazon.control.reset()
    amazon.control.register(CLIENT_ID, SECRET)
    return caller.rotate(caller.token(SECRET))


NATURALLY: dict[str, Callable[[AmazonServer, Caller], httpx.Response]] = {
    "204": lambda amazon, caller: caller.rotate(caller.token(SECRET)),
    "400": not_enrolled,
    "403": lambda amazon, caller: caller.rotate("no-such-token"),
    "404": lambda amazon, caller: rotate_raw(caller, method="GET"),
    "413": lambda amazon, caller: rotate_raw(caller, content=b"x" * (MAX_BODY_BYTES + 1)),
    "415": lambda amazon, caller: rotate_raw(caller, data={"a": "b"}),
    "429": second_call,
    "500": fault(500),
    "503": fault(503),
}


def test_every_declared_status_is_provoked() -> None:
    assert set(NATURALLY) == set(RESPONSES)


@pytest.mark.parametrize("status", NATURALLY)
def test_rotate_answers_as_the_model_declares(amazon: AmazonServer, caller: Caller, status: str) -> None:
    response = NATURALLY[status](amazon, caller)
    assert response.status_code == int(status)
    check_documented(response)


@pytest.mark.parametrize("status", sorted(RESPONSES))
@pytest.mark.parametrize("when", When)
def test_a_scripted_status_is_as_the_model_declares(
    amazon: AmazonServer, caller: Caller, status: str, when: When
) -> None:
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=int(status), when=when))
    response = caller.rotate(caller.token(SECRET))
    assert response.status_code == int(status)
    check_documented(response)
    assert len(values(amazon)) == (2 if when is When.AFTER else 1)


def test_rotate_gives_204_with_the_documented_rate(caller: Caller) -> None:
    response = caller.rotate(caller.token(SECRET))
    assert response.headers["x-amzn-RateLimit-Limit"] == "0.0167"
    assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["x-amzn-RequestId"])


def test_not_enrolled_is_said_in_the_words_of_the_model(amazon: AmazonServer, caller: Caller) -> None:
    stated = RESPONSES["400"]["x-amzn-api-sandbox"]["static"][0]["response"]
    assert not_enrolled(amazon, caller).json() == stated


def test_a_queue_for_expiry_notices_alone_is_not_enough(amazon: AmazonServer) -> None:
    amazon.control.register(CLIENT_ID, SECRET)
    amazon.control.subscribe(CLIENT_ID, QUEUE_URL, types=(NotificationType.SECRET_EXPIRY,))
    with Caller(amazon.url, CLIENT_ID) as caller:
        assert caller.rotate(caller.token(SECRET)).status_code == 400
    assert len(values(amazon)) == 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b"hello"}, 400),
        ({"content": b'{"a": '}, 400),
        ({"content": iter([b"chunked"])}, 400),
        ({"content": b"<a/>", "headers": {"content-type": "text/xml"}}, 415),
        ({"method": "PUT"}, 404),
        ({"method": "DELETE"}, 404),
    ],
)
def test_rotate_refuses_a_body_that_is_no_json_and_another_method(
    amazon: AmazonServer, caller: Caller, request_: dict[str, Any], status: int
) -> None:
    response = rotate_raw(caller, **request_)
    assert response.status_code == status
    check_documented(response)
    assert len(values(amazon)) == 1


@pytest.mark.parametrize(
    "user_agent",
    [
        "My Selling Tool/2.0 (Language=Java/1.8.0.221; Platform=Windows/10)",
        "MyCompanyName/build1611 (Language=Perl; Host=jane.desktop.example.com)",
        r"A\/B/1\(2 (Host=a\;b; Language=Python/3.13)",
        "a/b (Language=" + "x" * 485 + ")",
    ],
)
def test_a_documented_user_agent_is_taken(user_agent: str) -> None:
    assert len(user_agent) <= 500
    assert documented_user_agent(user_agent)


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "python-httpx/0.28.1",
        "name (Language=Python)",
        "name/1 (Platform=Linux)",
        "name/1 (XLanguage=Python)",
        "name/1 (Host=a; Language)",
        "name/1 Language=Python",
        "name/1 (Language=Python) more",
        r"name/1 (Host=a\; Language=Python)",
        "a/b (Language=" + "x" * 486 + ")",
        "a/b (" + "c=d; " * 98 + "x",
    ],
)
def test_another_user_agent_is_not_documented(user_agent: str) -> None:
    assert not documented_user_agent(user_agent)


@pytest.mark.parametrize("user_agent", ["", "a/b (Language=" + "x" * 486 + ")"])
def test_no_user_agent_and_one_that_is_too_long_are_refused(
    amazon: AmazonServer, caller: Caller, user_agent: str
) -> None:
    response = rotate_raw(caller, headers={"user-agent": user_agent})
    assert response.status_code == 400
    check_documented(response)
    assert response.json()["errors"][0]["message"].startswith("The User-Agent header")
    assert len(values(amazon)) == 1


# --- LWA ---


def test_a_token_is_issued_in_the_documented_form(caller: Caller) -> None:
    response = caller.token_response(SECRET)
    answer = response.json()
    assert response.status_code == 200
    assert set(answer) == {"access_token", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)


def changed(**fields: str | None) -> dict[str, str]:
    form = dict(FORM) | {name: value for name, value in fields.items() if value is not None}
    return {name: value for name, value in form.items() if fields.get(name, "") is not None}


@pytest.mark.parametrize(
    ("request_", "status", "error"),
    [
        ({"data": changed(client_secret="another")}, 401, "invalid_client"),
        ({"data": changed(client_id="amzn1.application-oa2-client.none")}, 401, "invalid_client"),
        ({"data": changed(scope="sellingpartnerapi::client_credentials:rotation")}, 400, "invalid_scope"),
        ({"data": changed(scope="sellingpartnetapi::client_credential:rotation")}, 400, "invalid_scope"),
        ({"data": changed(scope="misspelt", client_secret="another")}, 401, "invalid_client"),
        ({"data": changed(grant_type="refresh_token", refresh_token="x")}, 400, "unsupported_grant_type"),
        ({"data": changed(grant_type=None)}, 400, "invalid_request"),
        ({"data": changed(scope=None)}, 400, "invalid_request"),
        ({"data": changed(client_secret=None)}, 400, "invalid_request"),
        ({"data": FORM | {"scope": [FORM["scope"], FORM["scope"]]}}, 400, "invalid_request"),
        ({"data": FORM, "params": {"a": "b"}}, 400, "invalid_request"),
        ({"json": changed(client_secret="another")}, 401, "invalid_client"),
        ({"json": changed(scope=None)}, 400, "invalid_request"),
        ({"json": FORM | {"scope": None}}, 400, "invalid_request"),
        ({"json": FORM | {"scope": [FORM["scope"]]}}, 400, "invalid_request"),
        ({"json": [FORM]}, 400, "invalid_request"),
        ({"json": "text"}, 400, "invalid_request"),
        ({"content": b'{"scope": "a", "scope": "b"}', "headers": {"content-type": "application/json"}}, 400, None),
        ({"content": json.dumps(FORM)}, 400, "invalid_request"),
        ({"content": b"\xff=\xff", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 400, None),
        ({"method": "GET"}, 400, "invalid_request"),
        ({"method": "GET", "params": FORM}, 400, "invalid_request"),
        ({"data": changed(client_secret="x" * MAX_BODY_BYTES)}, 400, "invalid_request"),
    ],
)
def test_lwa_refuses_what_it_does_not_know(
    amazon: AmazonServer, caller: Caller, request_: dict[str, Any], status: int, error: str | None
) -> None:
    response = caller.http.request(**{"method": "POST", "url": TOKEN_PATH} | request_)
    assert response.status_code == status
    assert set(response.json()) == {"error", "error_description"}
    assert response.json()["error"] == (error or "invalid_request")
    assert SECRET not in response.text
    assert not amazon.world.canaries()[1], "no token may have been made"


def test_a_wrong_secret_is_refused_in_amazons_words(caller: Caller) -> None:
    assert caller.token_response("another").json() == {
        "error_description": "Client authentication failed",
        "error": "invalid_client",
    }


# --- tokens at SP-API ---


def test_each_call_needs_its_own_scope(caller: Caller) -> None:
    rotation, notifications = caller.token(SECRET), caller.token(SECRET, Scope.NOTIFICATIONS)
    denied = {"code": "Unauthorized", "message": "Access to requested resource is denied.", "details": ""}
    for refused in (caller.rotate(notifications), caller.destinations(rotation), caller.destinations("")):
        assert (refused.status_code, refused.json()) == (403, {"errors": [denied]})
    assert caller.destinations(notifications).json() == {"payload": []}
    assert caller.rotate(rotation).status_code == 204


def test_destinations_wants_a_user_agent_and_get_or_post(caller: Caller) -> None:
    headers = {"x-amz-access-token": caller.token(SECRET, Scope.NOTIFICATIONS)}
    assert caller.http.get(DESTINATIONS_PATH, headers=headers | {"user-agent": ""}).status_code == 400
    assert caller.http.delete(DESTINATIONS_PATH, headers=headers).status_code == 404


def test_a_token_lives_an_hour(amazon: AmazonServer, caller: Caller) -> None:
    token = caller.token(SECRET, Scope.NOTIFICATIONS)
    amazon.control.advance(3599)
    assert caller.destinations(token).status_code == 200
    amazon.control.advance(1)
    assert caller.destinations(token).status_code == 403


def test_the_token_of_a_dead_secret_is_refused_as_expired(amazon: AmazonServer, caller: Caller) -> None:
    before = caller.token(SECRET, Scope.NOTIFICATIONS)
    amazon.control.expire_current(CLIENT_ID)
    for token in (before, caller.token(SECRET, Scope.NOTIFICATIONS)):
        refused = caller.destinations(token)
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["details"] == "The LWA secret token you provided has expired."
    refused = caller.rotate(caller.token(SECRET))
    check_documented(refused)
    assert (refused.status_code, len(values(amazon))) == (403, 1)


def test_one_rotate_call_a_minute(amazon: AmazonServer, caller: Caller) -> None:
    token = caller.token(SECRET)
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=500))
    assert caller.rotate(token).status_code == 500
    refused = caller.rotate(token)
    assert refused.json()["errors"][0]["code"] == "QuotaExceeded"
    amazon.control.advance(59)
    assert caller.rotate(token).status_code == 429
    amazon.control.advance(1)
    assert caller.rotate(token).status_code == 204


def test_the_minute_can_be_shorter_and_is_each_applications_own() -> None:
    with AmazonServer(settings=WorldSettings(rate_period_seconds=2), clock=Clock(lambda: START)) as amazon:
        other = CLIENT_ID + "2"
        for client_id in (CLIENT_ID, other):
            amazon.control.register(client_id, SECRET)
            amazon.control.subscribe(client_id, QUEUE_URL)
        with Caller(amazon.url, CLIENT_ID) as caller, Caller(amazon.url, other) as second:
            answer = caller.rotate(caller.token(SECRET))
            assert answer.headers["x-amzn-RateLimit-Limit"] == "0.5"
            assert second.rotate(second.token(SECRET)).status_code == 204
            assert caller.rotate(caller.token(SECRET)).status_code == 429
            amazon.control.advance(2)
            assert caller.rotate(caller.token(SECRET)).status_code == 204


def test_an_unknown_path_is_refused(caller: Caller) -> None:
    for path in ("/", "/auth/O2/tokens", ROTATE_PATH + "/", "/applications/2023-11-30", "/_controls/health"):
        response = caller.http.post(path)
        assert response.status_code == 404
        assert response.json()["errors"][0]["code"] == "NotFound"


# --- the rules of a rotation ---


@pytest.fixture
def world() -> World:
    world = World(clock=Clock(lambda: START))
    world.register(CLIENT_ID, SECRET)
    world.subscribe(CLIENT_ID, QUEUE_URL, tuple(NotificationType))
    return world


def alive(world: World) -> list[int]:
    now = world.clock.now()
    return [secret.number for secret in world.application(CLIENT_ID).secrets if secret.alive(now)]


def rotated(world: World) -> Secret:
    return world.rotate(world.application(CLIENT_ID))


def test_a_new_secret_lives_180_days_and_the_old_one_7(world: World) -> None:
    new = rotated(world)
    old = world.application(CLIENT_ID).secrets[0]
    assert re.fullmatch(r"amzn1\.oa2-cs\.v1\.[0-9a-f]{64}", new.value)
    assert (new.issued_at, new.expires_at) == (START, START + timedelta(days=180))
    assert old.expires_at == START + timedelta(days=7)
    world.clock.advance(7 * 86_400 - 1)
    assert alive(world) == [1, 2]
    world.clock.advance(1)
    assert alive(world) == [2]


def test_a_rotation_never_lengthens_the_old_secrets_life(world: World) -> None:
    world.clock.advance(178 * 86_400)
    rotated(world)
    assert world.application(CLIENT_ID).secrets[0].expires_at == START + timedelta(days=180)


def test_at_most_two_secrets_are_alive(world: World) -> None:
    rotated(world)
    assert alive(world) == [1, 2]
    rotated(world)
    assert alive(world) == [2, 3]
    world.rotate_by_hand(CLIENT_ID, notify=False)
    assert alive(world) == [3, 4]


def test_the_new_secret_is_accepted_and_the_displaced_one_refused(amazon: AmazonServer, caller: Caller) -> None:
    for _ in range(2):
        amazon.control.rotate_by_hand(CLIENT_ID)
    first, second, third = values(amazon)
    assert (caller.accepted(first), caller.accepted(second), caller.accepted(third)) == (False, True, True)


def test_a_rotation_by_hand_needs_no_token_and_no_minute(amazon: AmazonServer, caller: Caller) -> None:
    view = amazon.control.rotate_by_hand(CLIENT_ID, notify=False)
    assert (view.number, view.alive, view.newest) == (2, True, True)
    assert amazon.control.deliveries() == ()
    assert caller.rotate(caller.token(SECRET)).status_code == 204
    assert len(amazon.control.deliveries()) == 1


def test_judge_tells_dead_alive_newest_and_never_had(amazon: AmazonServer, caller: Caller) -> None:
    amazon.control.rotate_by_hand(CLIENT_ID)
    amazon.control.rotate_by_hand(CLIENT_ID)
    seen = [amazon.control.judge(CLIENT_ID, value) for value in values(amazon)]
    assert [(s.alive, s.newest) for s in seen if s] == [(False, False), (True, False), (True, True)]
    assert amazon.control.judge(CLIENT_ID, "never") is None
    with pytest.raises(ControlRefused):
        amazon.control.judge(CLIENT_ID + "x", SECRET)


def test_a_registered_secret_has_the_dates_it_is_given(amazon: AmazonServer) -> None:
    issued, expires = START - timedelta(days=100), START + timedelta(seconds=10)
    made = amazon.control.register(CLIENT_ID, issued_at=issued, expires_at=expires)
    assert (made.issued_at, made.expires_at) == (issued, expires)
    assert made.client_secret
    assert made.client_secret not in repr(made)
    amazon.control.advance(10)
    judged = amazon.control.judge(CLIENT_ID, made.client_secret)
    assert judged
    assert not judged.alive


def test_the_body_of_an_error_can_be_spoilt(amazon: AmazonServer, caller: Caller) -> None:
    token = caller.token(SECRET)
    for body in Body:
        status = 403 if body is Body.EXPIRED else 400
        amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=status, body=body))
        response = caller.rotate(token)
        amazon.control.advance(60)
        assert response.status_code == status
        if body is Body.MODEL:
            check_documented(response)
        elif body is Body.MALFORMED:
            with pytest.raises(json.JSONDecodeError):
                response.json()
            assert response.content
        elif body is Body.WRONG_SHAPE:
            assert isinstance(response.json(), list)
        elif body is Body.EMPTY:
            assert response.content == b""
        elif body is Body.HTML:
            assert response.headers["content-type"] == "text/html"
        elif body is Body.EXPIRED:
            check_documented(response)
        else:
            assert token in response.text
