"""Each misbehaviour of the stand-in Amazon has its effect, as often as asked, and on the named application only."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from sandbox.amazon import (
    AcceptLate,
    AmazonServer,
    Answer,
    Body,
    Caller,
    Clock,
    Close,
    ControlRefused,
    CutShort,
    Hang,
    Point,
    RateHeader,
    RefuseDeadAtLwa,
    Scope,
    Slow,
    When,
)
from sandbox.amazon.faults import LWA_CODES, Fault
from tests.sandbox.aws_support import eventually

CLIENT_ID = "amzn1.application-oa2-client.0123456789abcdef"
OTHER_ID = "amzn1.application-oa2-client.fedcba9876543210"
QUEUE_URL = "https://127.0.0.1:1/123456789012/queue"
SECRET = "first-secret-of-the-test"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def amazon() -> Iterator[AmazonServer]:
    with AmazonServer(clock=Clock(lambda: START)) as server:
        for client_id in (CLIENT_ID, OTHER_ID):
            server.control.register(client_id, SECRET)
            server.control.subscribe(client_id, QUEUE_URL)
        yield server


@pytest.fixture
def caller(amazon: AmazonServer) -> Iterator[Caller]:
    with Caller(amazon.url, CLIENT_ID) as caller:
        yield caller


def secrets_made(amazon: AmazonServer) -> int:
    return len(amazon.world.application(CLIENT_ID).secrets)


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 413, 415, 418, 429, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("when", When)
def test_any_status_before_or_after_rotating(amazon: AmazonServer, caller: Caller, status: int, when: When) -> None:
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=status, when=when))
    response = caller.rotate(caller.token(SECRET))
    assert response.status_code == status
    assert ("location" in response.headers) == (status == 302)
    assert secrets_made(amazon) == (2 if when is When.AFTER else 1)
    assert len(amazon.control.deliveries()) == (1 if when is When.AFTER else 0)


def test_204_without_rotating(amazon: AmazonServer, caller: Caller) -> None:
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=204))
    assert caller.rotate(caller.token(SECRET)).status_code == 204
    assert secrets_made(amazon) == 1


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("reset", [False, True])
def test_a_closed_connection(amazon: AmazonServer, caller: Caller, when: When, reset: bool) -> None:
    token = caller.token(SECRET)
    amazon.control.misbehave(CLIENT_ID, Close(at=Point.ROTATE, when=when, reset=reset))
    with pytest.raises(httpx.ReadError if reset else httpx.RemoteProtocolError):
        caller.rotate(token)
    assert secrets_made(amazon) == (2 if when is When.AFTER else 1)
    line = amazon.control.journal()[-1]
    assert (line.status, line.client_id) == (None, CLIENT_ID)


@pytest.mark.parametrize("when", When)
def test_no_answer_at_all(amazon: AmazonServer, when: When) -> None:
    amazon.control.misbehave(CLIENT_ID, Hang(at=Point.ROTATE, when=when))
    with Caller(amazon.url, CLIENT_ID, timeout_seconds=0.5) as caller, pytest.raises(httpx.ReadTimeout):
        caller.rotate(caller.token(SECRET))
    assert secrets_made(amazon) == (2 if when is When.AFTER else 1)


def test_a_hanging_call_ends_with_its_seconds(amazon: AmazonServer, caller: Caller) -> None:
    token = caller.token(SECRET)
    amazon.control.misbehave(CLIENT_ID, Hang(at=Point.ROTATE, seconds=0.05))
    with pytest.raises(httpx.RemoteProtocolError):
        caller.rotate(token)


@pytest.mark.parametrize("point", Point)
def test_an_answer_cut_in_the_middle(amazon: AmazonServer, caller: Caller, point: Point) -> None:
    token = caller.token(SECRET)
    harmless = caller.token(SECRET, Scope.NOTIFICATIONS)
    amazon.control.misbehave(CLIENT_ID, CutShort(at=point))
    with pytest.raises(httpx.RemoteProtocolError):
        if point is Point.TOKEN:
            caller.token_response(SECRET)
        elif point is Point.ROTATE:
            caller.rotate(token)
        else:
            caller.destinations(harmless)
    assert secrets_made(amazon) == (2 if point is Point.ROTATE else 1)


def test_a_slow_call_has_its_effect_though_the_caller_gave_up(
    amazon: AmazonServer, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    over = threading.Event()

    def pause(seconds: float) -> None:
        paused.append(seconds)
        assert over.wait(30)

    monkeypatch.setattr(amazon._http.contract, "_pause", pause)
    amazon.control.misbehave(CLIENT_ID, Slow(at=Point.ROTATE, seconds=1.0))
    token = caller.token(SECRET)
    with Caller(amazon.url, CLIENT_ID, timeout_seconds=0.3) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.rotate(token)
    assert eventually(lambda: paused) == [1.0]
    assert secrets_made(amazon) == 1
    over.set()
    eventually(lambda: secrets_made(amazon) == 2)


def test_slow_then_struck(amazon: AmazonServer, caller: Caller) -> None:
    token = caller.token(SECRET)
    amazon.control.misbehave(CLIENT_ID, Slow(at=Point.ROTATE, seconds=0.05))
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=503))
    assert caller.rotate(token).status_code == 503
    assert amazon.control.journal()[-1].note == "slow at=rotate seconds=0.05, answer at=rotate status=503"


def test_lwa_errors(amazon: AmazonServer, caller: Caller) -> None:
    expected = {500: "server_error", 503: "temporarily_unavailable", 401: "invalid_client", 418: "other"}
    for status, error in expected.items():
        amazon.control.misbehave(CLIENT_ID, Answer(at=Point.TOKEN, status=status))
        response = caller.token_response(SECRET)
        assert (response.status_code, response.json()["error"]) == (status, error)
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.TOKEN, status=400, body=Body.ECHO))
    assert SECRET in caller.token_response(SECRET).text
    assert caller.token_response(SECRET).status_code == 200


def test_lwa_without_an_answer(amazon: AmazonServer, caller: Caller) -> None:
    amazon.control.misbehave(CLIENT_ID, Close(at=Point.TOKEN))
    with pytest.raises(httpx.RemoteProtocolError):
        caller.token_response(SECRET)
    amazon.control.misbehave(CLIENT_ID, Slow(at=Point.TOKEN, seconds=0.01))
    assert caller.token_response(SECRET).status_code == 200
    assert amazon.control.journal()[-1].note.startswith("slow")


def test_an_application_that_lacks_the_notifications_role(amazon: AmazonServer, caller: Caller) -> None:
    amazon.control.lack_notifications_role(CLIENT_ID)
    for _ in range(3):
        refused = caller.destinations(caller.token(SECRET, Scope.NOTIFICATIONS))
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["message"] == "Access to requested resource is denied."
    assert caller.rotate(caller.token(SECRET)).status_code == 204
    with Caller(amazon.url, OTHER_ID) as other:
        assert other.accepted(SECRET)
    amazon.control.behave(CLIENT_ID)
    assert caller.accepted(SECRET)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("body", "expired"), [(Body.MODEL, False), (Body.EXPIRED, True)])
def test_a_refusal_with_and_without_the_expired_text(
    amazon: AmazonServer, caller: Caller, status: int, body: Body, expired: bool
) -> None:
    for point in (Point.ROTATE, Point.DESTINATIONS):
        amazon.control.misbehave(CLIENT_ID, Answer(at=point, status=status, body=body))
    for response in (
        caller.rotate(caller.token(SECRET)),
        caller.destinations(caller.token(SECRET, Scope.NOTIFICATIONS)),
    ):
        assert response.status_code == status
        assert ("LWA secret token you provided has expired" in response.json()["errors"][0]["details"]) == expired


def test_a_400_with_another_message_and_one_from_a_filter(amazon: AmazonServer, caller: Caller) -> None:
    said = {"code": "InvalidInput", "message": "It is Tuesday."}
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=400, code=said["code"], message=said["message"]))
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=400, body=Body.HTML))
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=400, body=Body.ECHO_IN_MESSAGE))
    token = caller.token(SECRET)
    assert caller.rotate(token).json() == {"errors": [said]}
    amazon.control.advance(60)
    page = caller.rotate(token)
    assert (page.status_code, page.headers["content-type"], page.text[:6]) == (400, "text/html", "<html>")
    amazon.control.advance(60)
    assert token in caller.rotate(token).json()["errors"][0]["message"]
    assert secrets_made(amazon) == 1


@pytest.mark.parametrize("code", LWA_CODES)
def test_each_code_of_lwa(amazon: AmazonServer, caller: Caller, code: str) -> None:
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.TOKEN, status=400, code=code))
    refused = caller.token_response(SECRET)
    assert (refused.status_code, refused.json()["error"]) == (400, code)


def test_a_verification_call_that_is_gone_for_good(amazon: AmazonServer, caller: Caller) -> None:
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.DESTINATIONS, status=404), times=None)
    for _ in range(3):
        assert caller.destinations(caller.token(SECRET, Scope.NOTIFICATIONS)).status_code == 404
    assert caller.rotate(caller.token(SECRET)).status_code == 204


@pytest.mark.parametrize("value", ["a few", "", "0", "-1", "nan", "1e400", "0.0167, 0.0167"])
def test_a_rate_header_that_is_no_rate(amazon: AmazonServer, caller: Caller, value: str) -> None:
    token = caller.token(SECRET)
    amazon.control.misbehave(CLIENT_ID, RateHeader(value=value), times=2)
    for status in (204, 429):
        response = caller.rotate(token)
        assert (response.status_code, response.headers["x-amzn-RateLimit-Limit"]) == (status, value)
    assert "x-amzn-RateLimit-Limit" not in caller.rotate(token).headers


def test_a_new_secret_that_lwa_accepts_late(amazon: AmazonServer, caller: Caller) -> None:
    amazon.control.misbehave(CLIENT_ID, AcceptLate(lwa_seconds=1800))
    view = amazon.control.rotate_by_hand(CLIENT_ID)
    new = amazon.world.application(CLIENT_ID).current.value
    assert (view.accepted_by_lwa, view.accepted_by_spapi) == (False, True)
    assert caller.token_response(new).json()["error"] == "invalid_client"
    assert caller.accepted(SECRET)
    amazon.control.advance(1800)
    assert caller.accepted(new)


def test_a_new_secret_that_spapi_accepts_late(amazon: AmazonServer, caller: Caller) -> None:
    amazon.control.misbehave(CLIENT_ID, AcceptLate(spapi_seconds=1800))
    amazon.control.rotate_by_hand(CLIENT_ID)
    new = amazon.world.application(CLIENT_ID).current.value
    refused = caller.destinations(caller.token(new, Scope.NOTIFICATIONS))
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["details"] == "The LWA secret token you provided has expired."
    amazon.control.advance(1800)
    assert caller.accepted(new)
    amazon.control.rotate_by_hand(CLIENT_ID)
    assert caller.accepted(amazon.world.application(CLIENT_ID).current.value), "once only"


def test_lwa_knows_a_dead_secret_unless_told_otherwise(amazon: AmazonServer, caller: Caller) -> None:
    amazon.control.expire_current(CLIENT_ID)
    assert caller.token_response(SECRET).status_code == 200
    amazon.control.misbehave(CLIENT_ID, RefuseDeadAtLwa(), times=None)
    for _ in range(2):
        refused = caller.token_response(SECRET)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_misbehaviours_come_in_their_order_and_are_counted(amazon: AmazonServer, caller: Caller) -> None:
    token = caller.token(SECRET, Scope.NOTIFICATIONS)
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.DESTINATIONS, status=500), times=2)
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.DESTINATIONS, status=429))
    assert [caller.destinations(token).status_code for _ in range(4)] == [500, 500, 429, 200]
    book = amazon.control.applications()[0].misbehaviours
    assert [(entry.used, entry.left) for entry in book] == [(2, 0), (1, 0)]
    assert amazon.control.applications()[1].misbehaviours == ()


def test_a_misbehaviour_after_rotating_waits_for_a_rotation(amazon: AmazonServer, caller: Caller) -> None:
    token = caller.token(SECRET)
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=500, when=When.AFTER))
    amazon.control.misbehave(CLIENT_ID, Answer(at=Point.ROTATE, status=503))
    assert caller.rotate(token).status_code == 503
    amazon.control.advance(60)
    assert caller.rotate(token).status_code == 500
    assert secrets_made(amazon) == 2


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (Answer(at=Point.ROTATE, status=500), 0),
        (Answer(at=Point.ROTATE, status=500), -1),
    ],
)
def test_a_count_below_one_is_refused(amazon: AmazonServer, fault: Fault, times: int) -> None:
    with pytest.raises(ControlRefused):
        amazon.control.misbehave(CLIENT_ID, fault, times=times)


def test_impossible_misbehaviours_cannot_be_written() -> None:
    for make in (
        lambda: Answer(at=Point.ROTATE, status=100),
        lambda: Answer(at=Point.ROTATE, status=600),
        lambda: Answer(at=Point.TOKEN, status=500, when=When.AFTER),
        lambda: Hang(at=Point.DESTINATIONS, when=When.AFTER),
        lambda: Slow(at=Point.ROTATE, seconds=-1),
        lambda: RateHeader(value="a\r\nb: c"),
        lambda: Answer(at=Point.TOKEN, status=400, code="invalid_tuesday"),
        lambda: Answer(at=Point.TOKEN, status=400, message="Only SP-API has messages."),
        lambda: Answer(at=Point.TOKEN, status=401, body=Body.EXPIRED),
        lambda: Answer(at=Point.TOKEN, status=400, body=Body.ECHO_IN_MESSAGE),
        lambda: Answer(at=Point.ROTATE, status=400, body=Body.EXPIRED),
        lambda: Answer(at=Point.ROTATE, status=400, body=Body.HTML, message="A page has none."),
        lambda: Answer(at=Point.ROTATE, status=400, code="two words"),
        lambda: Answer(at=Point.ROTATE, status=400, message="two\r\nlines"),
    ):
        with pytest.raises(ValueError, match=r"must be|is for the rotate call"):
            make()
