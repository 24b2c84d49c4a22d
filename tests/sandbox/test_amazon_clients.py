"""The published clients of SP-API can call the stand-in: what they send beside the contract is taken, as Amazon does.

Each client's calls are as its source makes them, or as a local server saw them. The journal notes what they add.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest

from sandbox.amazon import AmazonServer, Caller, Clock, Scope
from sandbox.amazon.contract import DESTINATIONS_PATH, ROTATE_PATH

CLIENT_ID = "amzn1.application-oa2-client.0123456789abcdef"
SECRET = "first-secret-of-the-test"
QUEUE_URL = "https://127.0.0.1:1/123456789012/queue"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:queue"
SPECIFICATION = {"resourceSpecification": {"sqs": {"arn": QUEUE_ARN}}, "name": "mine"}

FORM_ENCODED = "application/x-www-form-urlencoded;charset=UTF-8"
JSON = "application/json"
MARKETPLACES = {"marketplaceIds": ["ATVPDKIKX0DER"], "MarketplaceIds": ["ATVPDKIKX0DER"]}


@dataclass(frozen=True, slots=True)
class Client:
    """How a client calls.

    Attributes:
        name: with its version, where its calls were recorded.
        user_agent: its header.
        token_type: the content type of its token request; None for a library's default.
        more_of_token: fields beside the documented four.
        token_path: where it asks for tokens.
        body: what it sends with the rotate call.
        query: what it sends with getDestinations.
        content_type: of its calls to SP-API.
        more_of_destination: what it adds to createDestination's body.
        undocumented: what the journal is to say of its rotate call.
    """

    name: str
    user_agent: str
    token_type: str = FORM_ENCODED
    more_of_token: Mapping[str, str] = field(default_factory=dict)
    token_path: str = "/auth/o2/token"
    body: object = None
    query: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = JSON
    more_of_destination: Mapping[str, object] = field(default_factory=dict)
    undocumented: tuple[str, ...] = ("a User-Agent of another form",)


CLIENTS = (
    Client(
        "python-amazon-sp-api 2.1.35",
        "python-sp-api-2.1.35",
        body=MARKETPLACES,
        query=dict.fromkeys(("MarketplaceId", "MarketplaceIds", "marketplace_ids", "marketplaceIds"), "ATVPDKIKX0DER"),
        more_of_destination=MARKETPLACES,
        undocumented=("a body", "a User-Agent of another form"),
    ),
    Client(
        "amzn-sp-api 1.13.0 (Amazon's SDK for Python)",
        "amazon-selling-partner-api-sdk/1.13.0/python",
        body={},
        undocumented=("a body", "a User-Agent of another form"),
    ),
    Client(
        "amazon-sp-api of Node.js",
        "amazon-sp-api/1.1.0 (Language=Node.js/v20.0.0; Platform=Linux/6.1.0)",
        token_type=JSON,
        undocumented=(),
    ),
    Client("jlevers/selling-partner-api of PHP", "jlevers/selling-partner-api/v1.0.0/php", token_type=JSON),
    Client(
        "muffin_man of Ruby", "Typhoeus - https://github.com/typhoeus/typhoeus", content_type=f"{JSON};charset=UTF-8"
    ),
    Client("a tutorial's requests", "python-requests/2.32.3", token_path="/auth/O2/token"),
    Client(
        "axios with an empty object", "axios/1.7.0", body={}, undocumented=("a body", "a User-Agent of another form")
    ),
    Client(
        "an OAuth library that adds a parameter",
        "oauth/1",
        more_of_token={"audience": "x"},
        content_type=None,
    ),
)

published = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)


@pytest.fixture
def amazon() -> Iterator[AmazonServer]:
    """A stand-in with a registered and subscribed application; its clock stands still."""
    with AmazonServer(clock=Clock(lambda: datetime(2026, 1, 2, tzinfo=UTC))) as server:
        server.control.register(CLIENT_ID, SECRET)
        server.control.subscribe(CLIENT_ID, QUEUE_URL)
        yield server


@pytest.fixture
def caller(amazon: AmazonServer) -> Iterator[Caller]:
    with Caller(amazon.url, CLIENT_ID) as caller:
        yield caller


def buy_token(caller: Caller, client: Client, scope: Scope) -> str:
    fields = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": SECRET, "scope": scope.value}
    fields |= client.more_of_token
    headers = {"content-type": client.token_type, "user-agent": client.user_agent}
    content = json.dumps(fields) if client.token_type == JSON else str(httpx.QueryParams(fields))
    answer = caller.http.post(client.token_path, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def headers_of(client: Client, token: str) -> dict[str, str]:
    sent = {"x-amz-access-token": token, "x-amz-date": "20260102T030405Z", "user-agent": client.user_agent}
    return sent | ({"content-type": client.content_type} if client.content_type else {})


def undocumented(amazon: AmazonServer) -> list[str]:
    notes = amazon.control.journal()[-1].note.split(", ")
    return [note.removeprefix("undocumented: ") for note in notes if note.startswith("undocumented: ")]


@published
def test_a_published_client_rotates(amazon: AmazonServer, caller: Caller, client: Client) -> None:
    headers = headers_of(client, buy_token(caller, client, Scope.ROTATION))
    content = None if client.body is None else json.dumps(client.body)
    answer = caller.http.post(ROTATE_PATH, headers=headers, content=content)
    assert (answer.status_code, answer.content) == (204, b"")
    assert undocumented(amazon) == list(client.undocumented)
    assert len(amazon.world.application(CLIENT_ID).secrets) == 2


@published
def test_a_published_client_makes_and_lists_destinations(amazon: AmazonServer, caller: Caller, client: Client) -> None:
    headers = headers_of(client, buy_token(caller, client, Scope.NOTIFICATIONS))
    assert caller.http.get(DESTINATIONS_PATH, headers=headers, params=dict(client.query)).json() == {"payload": []}
    content = json.dumps({**SPECIFICATION, **client.more_of_destination})
    made = caller.http.post(DESTINATIONS_PATH, headers=headers, content=content)
    assert made.status_code == 200
    shown = made.json()["payload"]
    assert shown.pop("destinationId")
    assert shown == {"name": "mine", "resource": {"sqs": {"arn": QUEUE_ARN}, "eventBridge": None}}
    listed = caller.http.get(DESTINATIONS_PATH, headers=headers, params=dict(client.query))
    assert listed.json() == {"payload": [made.json()["payload"]]}
    assert listed.headers["x-amzn-RateLimit-Limit"] == "1.0"


def test_our_own_caller_sends_nothing_beside_the_contract(amazon: AmazonServer, caller: Caller) -> None:
    caller.rotate(caller.token(SECRET))
    assert undocumented(amazon) == []
    caller.destinations(caller.token(SECRET, Scope.NOTIFICATIONS))
    assert undocumented(amazon) == []


def test_a_destination_comes_once(caller: Caller) -> None:
    headers = headers_of(CLIENTS[0], caller.token(SECRET, Scope.NOTIFICATIONS))
    caller.http.post(DESTINATIONS_PATH, headers=headers, json=SPECIFICATION)
    again = caller.http.post(DESTINATIONS_PATH, headers=headers, json={**SPECIFICATION, "name": "other"})
    assert again.status_code == 409
    (error,) = again.json()["errors"]
    assert (error["code"], error["message"]) == (
        "Conflict",
        "The requested resource conflict with a resource in the server.",
    )
    assert error["details"].startswith(
        f"A destination with arn {QUEUE_ARN} already exists for the application amzn1.sp."
    )


def test_a_destination_is_no_subscription(amazon: AmazonServer, caller: Caller) -> None:
    amazon.control.reset()
    amazon.control.register(CLIENT_ID, SECRET)
    headers = headers_of(CLIENTS[0], caller.token(SECRET, Scope.NOTIFICATIONS))
    assert caller.http.post(DESTINATIONS_PATH, headers=headers, json=SPECIFICATION).status_code == 200
    assert caller.rotate(caller.token(SECRET)).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"name": "mine"},
        {"resourceSpecification": {"sqs": {"arn": QUEUE_ARN}}},
        {"name": "x" * 257, "resourceSpecification": {"sqs": {"arn": QUEUE_ARN}}},
        {"name": "mine", "resourceSpecification": {"sqs": {"arn": QUEUE_URL}}},
        {"name": "mine", "resourceSpecification": {"sqs": {"arn": 1}}},
        {"name": "mine", "resourceSpecification": {"sqs": {"arn": QUEUE_ARN + "x" * 1000}}},
        {
            "name": "mine",
            "resourceSpecification": {"eventBridge": {"accountId": "123456789012", "region": "us-east-1"}},
        },
    ],
)
def test_a_destination_of_another_form_is_refused(amazon: AmazonServer, caller: Caller, body: object) -> None:
    headers = headers_of(CLIENTS[0], caller.token(SECRET, Scope.NOTIFICATIONS))
    answer = caller.http.post(DESTINATIONS_PATH, headers=headers, content=b"" if body is None else json.dumps(body))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "InvalidInput")
    assert not amazon.world.application(CLIENT_ID).destinations
