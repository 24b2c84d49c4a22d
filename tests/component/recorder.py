"""Runs a Pulumi program under mocks and records what it registers, options included."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.sync_await import _ensure_event_loop

from spapi_rotation import ClientSecretRotation

ACCOUNT = "123456789012"
REGION = "us-east-1"
PROJECT = "orders"
STACK = "dev"

_ARNS = {
    "aws:kms/key:Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/",
    "aws:sqs/queue:Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:",
    "aws:secretsmanager/secret:Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:",
    "aws:iam/role:Role": f"arn:aws:iam::{ACCOUNT}:role/",
    "aws:cloudwatch/logGroup:LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:",
    "aws:cloudwatch/metricAlarm:MetricAlarm": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:",
    "aws:lambda/function:Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:",
    "aws:sns/topic:Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:",
    "aws:cloudwatch/eventRule:EventRule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/",
    "aws:sfn/stateMachine:StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:",
    "aws:scheduler/scheduleGroup:ScheduleGroup": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/",
}


@dataclass(frozen=True)
class Registered:
    """One registered resource, inputs as the engine gets them, and outputs as the mocks answer."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    protect: bool
    dependencies: frozenset[str]
    retained: bool = False
    ignored: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def policy(self, key: str = "policy") -> dict[str, Any]:
        """A JSON input, parsed."""
        document: dict[str, Any] = json.loads(self.inputs[key])
        return document


@dataclass
class Recording:
    """Everything that a program registered."""

    resources: list[Registered] = field(default_factory=list)
    invokes: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def named(self, name: str) -> Registered:
        """The one resource of a logical name."""
        (found,) = [each for each in self.resources if each.name == name]
        return found

    def of_type(self, token: str) -> list[Registered]:
        """All resources of a type."""
        return [each for each in self.resources if each.type == token]


class _Mocks(Mocks):
    def __init__(
        self, recording: Recording, partition: str, preview: bool, existing: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._recording, self._partition, self._preview = recording, partition, preview
        self._existing = existing

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.resource_id:
            return args.resource_id, dict(self._existing[args.resource_id])
        if self._preview:
            # As in a first preview: what AWS makes is not known yet.
            return "", dict(args.inputs)
        state = {"name": f"{args.name}-0000001", **args.inputs}
        if args.typ in _ARNS:
            state["arn"] = _ARNS[args.typ] + state["name"]
        if args.typ == "aws:sqs/queue:Queue":
            state["url"] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{state['name']}"
        if args.typ == "aws:kms/key:Key":
            state["keyId"] = state["name"]
        return f"{args.name}-id", state

    def call(self, args: MockCallArgs) -> Any:
        self._recording.invokes.append(args.token)
        if args.token == "aws:sqs/getQueue:getQueue":
            return {"url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{args.args['name']}"}
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getPartition:getPartition": {"partition": self._partition},
            "aws:index/getRegion:getRegion": {"region": REGION},
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
        }
        return answers[args.token]


class _Monitor(MockMonitor):
    def __init__(self, mocks: Mocks, recording: Recording) -> None:
        super().__init__(mocks)
        self._recording = recording

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            self._recording.resources.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    inputs=pulumi.runtime.rpc.deserialize_properties(request.object),
                    parent=request.parent,
                    protect=request.protect,
                    dependencies=frozenset(urn.rpartition("::")[2] for urn in request.dependencies),
                    retained=request.retainOnDelete,
                    ignored=tuple(request.ignoreChanges),
                    hooks=(*request.hooks.before_update, *request.hooks.on_error),
                    outputs=pulumi.runtime.rpc.deserialize_properties(answer.object),
                )
            )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if not request.urn.split("::")[2].endswith("pulumi:pulumi:Stack"):
            self._recording.outputs.update(pulumi.runtime.rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def client_id(number: int) -> str:
    """An obviously made-up client id."""
    return f"amzn1.application-oa2-client.example{number:013d}"


def deploy_component(
    *,
    name: str = "rotation",
    opts: pulumi.ResourceOptions | None = None,
    partition: str = "aws",
    stack: str = STACK,
    preview: bool = False,
    existing: Mapping[str, Mapping[str, Any]] | None = None,
    **args: Any,
) -> Recording:
    """Run a program that makes the component, with one application unless others are given.

    Args:
        existing: what AWS holds already, by its id.
    """
    given: Any = {"applications": {"storefront": {"client_id": client_id(1)}}, **args}
    return deploy(
        lambda: ClientSecretRotation(name, given, opts),
        partition=partition,
        stack=stack,
        preview=preview,
        existing=existing,
    )


def deploy(
    program: Callable[[], object],
    *,
    partition: str = "aws",
    stack: str = STACK,
    preview: bool = False,
    existing: Mapping[str, Mapping[str, Any]] | None = None,
) -> Recording:
    """Run a program to its end and return what it registered."""
    recording = Recording()
    mocks = _Mocks(recording, partition, preview, existing or {})
    # An earlier test's asyncio.run leaves the thread without a loop, and Pulumi's mocks want one.
    loop = _ensure_event_loop()  # type: ignore[no-untyped-call]
    pulumi.runtime.set_mocks(mocks, project=PROJECT, stack=stack, preview=preview, monitor=_Monitor(mocks, recording))

    # A program that fails fails once, here; asyncio would report it again for each Output that waited.
    loop.set_exception_handler(lambda _loop, _context: None)

    def run() -> None:
        # Its result is no Output to wait for.
        program()

    pulumi.runtime.test(run)()  # type: ignore[no-untyped-call]
    return recording
