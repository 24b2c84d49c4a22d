"""boto3 as far as the command uses it, with the real function's code behind it: nothing but JSON passes."""

import io
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.handler import dispatch
from tests.cli.fake_trail import FakeTrail
from tests.fakes.world import CLIENT_ID, World

ARN = "arn:aws:sts::123456789012:assumed-role/operator/someone"

Failure = Exception | dict[str, Any]
"""What an invocation raises, or the payload of a FunctionError."""


def client_error(code: str, message: str = "", operation: str = "Invoke") -> ClientError:
    """As boto3 raises it."""
    metadata: Any = {"RequestId": "request-7", "HTTPStatusCode": 400}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, operation)


class FakeLambda:
    """The Lambda client. Every application has a world of its own, which all think to be the same application.

    Attributes:
        events: what was asked.
        failures: what the next invocations of an action come to.
        answers: what an action answers in place of the function.
        just_before: what happens in the world just before an action.
    """

    def __init__(self, world: World) -> None:
        self.name = "rotation"
        self.worlds = {CLIENT_ID: world}
        self.events: list[dict[str, Any]] = []
        self.failures: dict[str, deque[Failure]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.just_before: dict[str, Callable[[], object]] = {}
        self._lock = threading.Lock()

    def add(self, name: str, world: World) -> str:
        """Add an application with a world of its own; returns its client id."""
        client_id = f"amzn1.application-oa2-client.{len(self.worlds):016d}"
        self.worlds[client_id] = world
        world.ports.schedules.application = Application(name, client_id, "")  # type: ignore[attr-defined]
        return client_id

    def fail(self, action: str, *failures: Failure) -> None:
        """Have the next invocations of an action fail."""
        self.failures.setdefault(action, deque()).extend(failures)

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert (FunctionName, InvocationType) == (self.name, "RequestResponse")
        with self._lock:
            event = json.loads(Payload)
            self.events.append(event)
            action = event["operator"]
            self.just_before.get(action, lambda: None)()
            failure = self.failures[action].popleft() if self.failures.get(action) else None
            if isinstance(failure, Exception):
                raise failure
            answer = failure or self.answers.get(action) or self._answer(event)
            return self._response(answer, failed=failure is not None)

    def _answer(self, event: dict[str, Any]) -> dict[str, Any]:
        if event["operator"] == "applications":
            first, *others = (dispatch(world.ports, event) for world in self.worlds.values())
            if "error" in first:
                return first
            first["applications"] += [each for other in others for each in other["applications"]]
            return first
        client_id = event.get("client_id", CLIENT_ID)
        world = self.worlds.get(client_id) or next(iter(self.worlds.values()))
        as_world = json.loads(json.dumps(event).replace(client_id, CLIENT_ID)) if client_id in self.worlds else event
        found = json.loads(json.dumps(dispatch(world.ports, as_world)).replace(CLIENT_ID, client_id))
        assert isinstance(found, dict)
        return found

    def _response(self, answer: dict[str, Any], *, failed: bool) -> dict[str, Any]:
        now: datetime = next(iter(self.worlds.values())).clock.now()
        metadata = {"RequestId": "request-1", "HTTPHeaders": {"date": format_datetime(now, usegmt=True)}}
        found = {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode()), "ResponseMetadata": metadata}
        return found | ({"FunctionError": "Unhandled"} if failed else {})


@dataclass
class FakeSts:
    """The STS client."""

    failure: Exception | None = None
    calls: int = 0

    def get_caller_identity(self) -> dict[str, str]:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        return {"Arn": ARN}


@dataclass
class FakeAws:
    """What ``boto3.Session`` is replaced by: call it for a session."""

    function: FakeLambda
    sts: FakeSts = field(default_factory=FakeSts)
    trail: FakeTrail = field(default_factory=FakeTrail)
    sessions: list[tuple[str | None, str | None]] = field(default_factory=list)
    configs: dict[str, Config] = field(default_factory=dict)

    def __call__(self, *, profile_name: str | None, region_name: str | None) -> "FakeAws":
        self.sessions.append((profile_name, region_name))
        return self

    def client(self, service: str, *, config: Config) -> FakeLambda | FakeSts | FakeTrail:
        self.configs[service] = config
        clients: dict[str, FakeLambda | FakeSts | FakeTrail] = {
            "lambda": self.function,
            "sts": self.sts,
            "cloudtrail": self.trail,
        }
        return clients[service]
