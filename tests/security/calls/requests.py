"""What a recorded request asked for: the operation of a service's model, and its parameters.

The reverse of botocore's serializers, for the protocols in which the sandbox is spoken to: JSON, Query, EC2, REST-JSON
and CBOR.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.parsers import RpcV2CBORParser

_MODELS = {"monitoring": "cloudwatch", "states": "stepfunctions"}
"""botocore's names of services that sign by another one."""


class UnreadableRequest(ValueError):
    """A request that is none of a service's model."""


@dataclass(frozen=True, slots=True)
class Request:
    """One recorded request; see ``sandbox.aws.patches.recording``."""

    service: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read a line of the record."""
        known = json.loads(line)
        return cls(**{**known, "body": base64.b64decode(known["body"])})


@dataclass(frozen=True, slots=True)
class Call:
    """A request in the words of its service's model."""

    service: str
    operation: OperationModel
    parameters: dict[str, Any]

    @property
    def name(self) -> str:
        """Such as ``sqs.SendMessage``."""
        return f"{self.service}.{self.operation.name}"


def call_of(request: Request) -> Call:
    """What a request asked for.

    Raises:
        UnreadableRequest: it is signed for no service that botocore knows, or none of its operations fits.
    """
    service = _MODELS.get(request.service, request.service)
    model = _model(service)
    target, kind = request.headers.get("x-amz-target", ""), request.headers.get("content-type", "")
    if target:
        operation = _operation(model, target.rpartition(".")[2])
        return Call(service, operation, _of_json(operation.input_shape, _json(request.body)))
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        operation = _operation(model, request.path.rpartition("/")[2])
        return Call(service, operation, _cbor(request.body, operation))
    if "form-urlencoded" in kind:
        form = {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
        operation = _operation(model, form.pop("Action", ""))
        form.pop("Version", None)
        return Call(service, operation, _of_form(operation, form, ec2=model.metadata["protocol"] == "ec2"))
    return Call(service, *_of_rest(model, request))


@cache
def _model(service: str) -> ServiceModel:
    try:
        return botocore.session.get_session().get_service_model(service)
    except (botocore.session.UnknownServiceError, ValueError) as error:
        raise UnreadableRequest(f"There is no service {service or 'for an unsigned request'}.") from error


def _operation(model: ServiceModel, name: str) -> OperationModel:
    if name not in model.operation_names:
        raise UnreadableRequest(f"{model.service_name} has no operation {name}.")
    return model.operation_model(name)


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError as error:
        raise UnreadableRequest("A body is no JSON.") from error
    return found if isinstance(found, dict) else {"": found}


def _cbor(body: bytes, operation: OperationModel) -> dict[str, Any]:
    parser = RpcV2CBORParser()
    if not body or operation.input_shape is None:
        return {}
    found: dict[str, Any] = parser.parse_data_item(parser.get_peekable_stream_from_bytes(body))
    return found


def _of_json(shape: Shape | None, value: Any) -> Any:
    """The members of structures by their names in the model; what no model knows stays as it is."""
    match shape:
        case StructureShape() if isinstance(value, dict):
            names = {str(member.serialization.get("name", name)): name for name, member in shape.members.items()}
            own: dict[str, Any] = {names.get(str(sent), str(sent)): each for sent, each in value.items()}
            return {name: _of_json(shape.members.get(name), each) for name, each in own.items()}
        case ListShape() if isinstance(value, list):
            return [_of_json(shape.member, each) for each in value]
        case MapShape() if isinstance(value, dict):
            return {key: _of_json(shape.value, each) for key, each in value.items()}
    return value


# Query and EC2: the names of a form are the way to each value.


def _of_form(operation: OperationModel, form: Mapping[str, str], *, ec2: bool) -> dict[str, Any]:
    left = dict(form)
    found = _form_value(operation.input_shape, "", left, ec2=ec2) if operation.input_shape is not None else {}
    # What no member of the model took is kept, so that it is told.
    return {**(found or {}), **left}


def _form_value(shape: Shape, prefix: str, form: dict[str, str], *, ec2: bool) -> Any:
    """Take a value out of a form; None if it is not there."""
    match shape:
        case StructureShape():
            start = f"{prefix}." if prefix else ""
            members = {
                name: _form_value(member, start + _form_name(name, member, ec2=ec2), form, ec2=ec2)
                for name, member in shape.members.items()
            }
            return {name: value for name, value in members.items() if value is not None} or None
        case ListShape():
            if form.pop(prefix, None) == "":
                return []
            return _form_list(shape, prefix, form, ec2=ec2)
        case MapShape():
            start = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
            named = (shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value"))
            pairs = {
                form.pop(f"{start}.{number}.{named[0]}"): _form_value(
                    shape.value, f"{start}.{number}.{named[1]}", form, ec2=ec2
                )
                for number in _numbers(start, form)
            }
            return pairs or None
    return form.pop(prefix, None)


def _form_list(shape: ListShape, prefix: str, form: dict[str, str], *, ec2: bool) -> list[Any] | None:
    own = shape.member.serialization.get("name")
    if ec2:
        start = prefix
    elif shape.serialization.get("flattened"):
        start = ".".join([*prefix.split(".")[:-1], own]) if own else prefix
    else:
        start = f"{prefix}.{own or 'member'}"
    return [_form_value(shape.member, f"{start}.{n}", form, ec2=ec2) for n in _numbers(start, form)] or None


def _form_name(name: str, member: Shape, *, ec2: bool) -> str:
    given = member.serialization
    if ec2:
        if "queryName" in given:
            return str(given["queryName"])
        own = str(given.get("name", name))
        return own[0].upper() + own[1:]
    return str(given.get("name", name))


def _numbers(start: str, form: Mapping[str, str]) -> list[int]:
    pattern = re.compile(rf"{re.escape(start)}\.(\d+)(?:\.|$)")
    return sorted({int(found[1]) for name in form if (found := pattern.match(name))})


# REST-JSON: parts of the path, of the query and of the headers, and a body.


def _of_rest(model: ServiceModel, request: Request) -> tuple[OperationModel, dict[str, Any]]:
    for operation, path, query in _templates(model):
        if operation.http["method"] != request.method:
            continue
        found = path.fullmatch(request.path)
        asked = parse_qs(request.query, keep_blank_values=True)
        if found is None or any(asked.get(name) != [value] for name, value in query.items()):
            continue
        left = {name: values for name, values in asked.items() if name not in query}
        return operation, _rest_parameters(operation, found.groupdict(), left, request)
    raise UnreadableRequest(f"{model.service_name} has no operation for {request.method} {request.path}.")


@cache
def _templates(model: ServiceModel) -> list[tuple[OperationModel, re.Pattern[str], dict[str, str]]]:
    """Each operation with its path, those with the fewest parameters in it first."""
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, _, query = str(operation.http["requestUri"]).partition("?")
        parts = re.split(r"(\{[^}]+\})", path)
        pattern = "".join(_part(part, operation) for part in parts)
        found.append((operation, re.compile(pattern), {k: v[0] for k, v in parse_qs(query).items()}))
    return sorted(found, key=lambda each: (str(each[0].http["requestUri"]).count("{"), -len(each[2])))


def _part(part: str, operation: OperationModel) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    name = part.strip("{}")
    taken = ".+" if name.endswith("+") else "[^/]+"
    member = _located(operation, "uri")[name.rstrip("+")]
    return f"(?P<{member}>{taken})"


def _located(operation: OperationModel, location: str) -> dict[str, str]:
    """The members that lie in one place of a request, by the names that they have there."""
    members = operation.input_shape.members if operation.input_shape is not None else {}
    return {
        str(member.serialization.get("name", name)): name
        for name, member in members.items()
        if member.serialization.get("location") == location
    }


def _rest_parameters(
    operation: OperationModel, path: Mapping[str, str], query: Mapping[str, list[str]], request: Request
) -> dict[str, Any]:
    parameters: dict[str, Any] = {name: unquote(value) for name, value in path.items()}
    parameters |= dict(_of_query(operation, query))
    for name, given in _located(operation, "header").items():
        if name.lower() in request.headers:
            parameters[given] = request.headers[name.lower()]
    shape = operation.input_shape
    if shape is None or not request.body:
        return parameters
    payload = shape.serialization.get("payload")
    if payload is None:
        return {**parameters, **_of_json(shape, _json(request.body))}
    member = shape.members[payload]
    blob = member.type_name == "blob"
    return parameters | {payload: request.body if blob else _of_json(member, _json(request.body))}


def _of_query(operation: OperationModel, query: Mapping[str, list[str]]) -> Iterator[tuple[str, Any]]:
    named = _located(operation, "querystring")
    for name, values in query.items():
        member = named.get(name)
        shape = operation.input_shape.members[member] if member and operation.input_shape is not None else None
        yield member or name, values if isinstance(shape, ListShape) else values[0]
