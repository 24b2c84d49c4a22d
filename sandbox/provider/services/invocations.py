"""Lambda: calling a function as a resource.

Source: ``internal/service/lambda/invocation.go`` of terraform-provider-aws. With ``CREATE_ONLY`` the function is
called when the resource is created or replaced; with ``CRUD`` also on updates and deletion, and then the payload
carries the action and the input of the last time.
"""

import hashlib
import json
from collections.abc import Iterator

from sandbox.provider.aws import Aws
from sandbox.provider.errors import StandInError
from sandbox.provider.resource import Resource
from sandbox.provider.schema import Spec, choice, json_text, required, text, text_map
from sandbox.provider.values import UNKNOWN, Props

_CREATE_ONLY = "CREATE_ONLY"


class Invocation(Resource):
    """``aws.lambda_.Invocation``; its id is ``<function>,<qualifier>,<MD5 of the payload>``."""

    spec = Spec(
        "aws:lambda/invocation:Invocation",
        props={
            "functionName": text(required=True, replaces=True),
            "input": required(json_text(None)),
            "lifecycleScope": choice(_CREATE_ONLY, "CRUD", default=_CREATE_ONLY),
            "qualifier": text(default="$LATEST", replaces=True),
            "terraformKey": text(default="tf"),
            "triggers": text_map(replaces=True),
        },
        computed={"result": ("input", "lifecycleScope", "terraformKey")},
        autoname=None,
    )

    def __init__(self) -> None:
        self._results: dict[str, str] = {}

    def validate(self, inputs: Props) -> Iterator[tuple[str, str]]:
        given = inputs.get("input")
        if inputs.get("lifecycleScope") == _CREATE_ONLY or given is UNKNOWN or not isinstance(given, str):
            return
        if not (given.strip().startswith("{") and given.strip().endswith("}")):
            yield "input", 'lifecycle_scope other than "CREATE_ONLY" requires input to be a JSON object'

    def also_replaces(self, state: Props, news: Props, changed: frozenset[str]) -> frozenset[str]:
        return frozenset({"input"}) if news["lifecycleScope"] == _CREATE_ONLY else frozenset()

    def create(self, aws: Aws, inputs: Props) -> str:
        payload = _payload(inputs, "create", None)
        # MD5 only names the resource, as in the real provider.
        digest = hashlib.md5(payload, usedforsecurity=False).hexdigest()
        resource_id = f"{inputs['functionName']},{inputs['qualifier']},{digest}"
        self._results[resource_id] = self._invoke(aws, inputs, payload)
        return resource_id

    def read(self, aws: Aws, resource_id: str, prior: Props) -> Props | None:
        # There is nothing on AWS to look at: the call has been made.
        return {"result": self._results.pop(resource_id, prior.get("result"))}

    def update(self, aws: Aws, resource_id: str, state: Props, news: Props, changed: frozenset[str]) -> None:
        self._results[resource_id] = self._invoke(aws, news, _payload(news, "update", state.get("input")))

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        if state.get("lifecycleScope", _CREATE_ONLY) != _CREATE_ONLY:
            self._invoke(aws, state, _payload(state, "delete", state.get("input")))

    def _invoke(self, aws: Aws, inputs: Props, payload: bytes) -> str:
        name = inputs["functionName"]
        answer = aws.call(
            f"invoking lambda.Function ({name})",
            lambda: aws.client("lambda").invoke(
                FunctionName=name,
                InvocationType="RequestResponse",
                Qualifier=inputs["qualifier"],
                Payload=payload,
            ),
        )
        body: str = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise StandInError(f"invoking Lambda Function ({name}): {body}")
        return body


def _payload(inputs: Props, action: str, previous: str | None) -> bytes:
    given: str = inputs["input"]
    if inputs.get("lifecycleScope", _CREATE_ONLY) == _CREATE_ONLY:
        return given.encode()
    document = json.loads(given)
    document[inputs["terraformKey"]] = {"action": action, "prev_input": json.loads(previous) if previous else None}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
