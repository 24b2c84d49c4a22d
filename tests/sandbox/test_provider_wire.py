"""The stand-in provider's gRPC service, without an engine."""

import asyncio
from typing import Any

import grpc
import pulumi
import pytest
from google.protobuf import struct_pb2
from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto import provider_pb2, status_pb2

from sandbox.provider.errors import PartlyDone, StandInError
from sandbox.provider.plugin import StandIn
from sandbox.provider.servicer import StandInServicer
from sandbox.provider.values import SENTINEL, UNKNOWN, to_plain_map, to_property_map
from tests.sandbox.provider_support import FUNCTION, QUEUE, SEED, checked, minimal, urn

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"


class Aborted(Exception):
    """The call was ended with a status."""

    def __init__(self, status: grpc.Status) -> None:
        super().__init__(status.details)
        self.status = status


class Context:
    """What the service uses of gRPC's context."""

    async def abort_with_status(self, status: grpc.Status) -> None:
        """End the call."""
        raise Aborted(status)


def struct(given: dict[str, Any]) -> struct_pb2.Struct:
    """Properties for the wire."""
    return PropertyValue.marshal_map(to_property_map(given))


def bare(digest: str) -> struct_pb2.Value:
    """An archive as the engine sends it for a comparison: its hash alone."""
    fields = {_SIGNATURE: struct_pb2.Value(string_value=_ARCHIVE), "hash": struct_pb2.Value(string_value=digest)}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))


def servicer(provider: StandIn | None = None) -> StandInServicer:
    """The service."""
    return StandInServicer([], "0.0.0", provider or StandIn(), "127.0.0.1:1")


def function_state(digest: str) -> struct_pb2.Struct:
    """A function's state, with its archive's hash alone."""
    state = checked(FUNCTION)
    del state["__defaults"], state["code"]
    wire = struct({**state, "tags": {}, "sourceCodeHash": digest})
    wire.fields["code"].CopyFrom(bare(digest))
    return wire


@pytest.mark.parametrize(("digest", "changed"), [("old", False), ("new", True)])
def test_code_is_compared_by_the_engines_hash(digest: str, changed: bool) -> None:
    news = struct({name: value for name, value in checked(FUNCTION).items() if name != "code"})
    news.fields["code"].CopyFrom(bare(digest))
    olds = function_state("old")
    request = provider_pb2.DiffRequest(urn=urn(FUNCTION), id="f", olds=olds, news=news, old_inputs=news)
    answer = asyncio.run(servicer().Diff(request, Context()))
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    assert answer.changes == (some if changed else none)
    assert list(answer.diffs) == (["code"] if changed else [])


def test_an_archive_comes_back_as_it_was_sent() -> None:
    news = struct(minimal(FUNCTION))
    news.fields["code"].struct_value.fields["hash"].string_value = "a-hash"
    sent = struct_pb2.Value()
    sent.CopyFrom(news.fields["code"])
    request = provider_pb2.CheckRequest(urn=urn(FUNCTION), news=news, randomSeed=SEED)
    answer = asyncio.run(servicer().Check(request, Context()))
    assert answer.inputs.fields["code"] == sent
    made = provider_pb2.CreateRequest(urn=urn(FUNCTION), properties=answer.inputs, preview=True)
    planned = asyncio.run(servicer().Create(made, Context()))
    assert planned.properties.fields["code"] == sent
    assert planned.properties.fields["arn"].string_value == SENTINEL
    assert planned.id == ""


def test_failures_name_the_property() -> None:
    request = provider_pb2.CheckRequest(urn=urn(QUEUE), news=struct({"fifoQueue": True}), randomSeed=SEED)
    answer = asyncio.run(servicer().Check(request, Context()))
    assert [failure.property for failure in answer.failures] == ["fifoQueue"]


def test_a_refusal_reaches_the_engine_without_a_stack_trace() -> None:
    request = provider_pb2.CheckRequest(urn=urn("aws:s3/bucket:Bucket"), news=struct({}))
    with pytest.raises(Aborted) as aborted:
        asyncio.run(servicer().Check(request, Context()))
    assert aborted.value.status.details.startswith("the stand-in for pulumi-aws does not know the resource type")
    assert "Traceback" not in aborted.value.status.details


class Halfway(StandIn):
    """A provider whose creations stop halfway."""

    async def create(self, request: api.CreateRequest) -> api.CreateResponse:
        """Make the resource, and fail."""
        raise PartlyDone("an-id", {"name": "n", "arn": "a"}, "did not get further")

    async def invoke(self, request: api.InvokeRequest) -> api.InvokeResponse:
        """Refuse."""
        raise StandInError("not this one")


def test_a_resource_that_was_partly_made_is_recorded() -> None:
    request = provider_pb2.CreateRequest(urn=urn(QUEUE), properties=struct({}))
    with pytest.raises(Aborted) as aborted:
        asyncio.run(servicer(Halfway()).Create(request, Context()))
    ((name, raw),) = aborted.value.status.trailing_metadata
    assert name == "grpc-status-details-bin"
    assert isinstance(raw, bytes)
    rich = status_pb2.Status.FromString(raw)
    made = provider_pb2.ErrorResourceInitFailed()
    assert rich.details[0].Unpack(made)
    assert made.id == "an-id"
    assert list(made.reasons) == ["did not get further"]
    assert made.properties.fields["arn"].string_value == "a"


def test_a_refusal_through_the_sdks_own_methods_has_no_stack_trace_either() -> None:
    request = provider_pb2.InvokeRequest(tok="aws:index/getRegion:getRegion", args=struct({}))
    with pytest.raises(Aborted, match=r"^not this one$"):
        asyncio.run(servicer(Halfway()).Invoke(request, Context()))


@pytest.mark.parametrize(("region", "changed"), [("us-east-1", False), ("eu-west-1", True)])
def test_a_changed_configuration_is_noticed(region: str, changed: bool) -> None:
    request = provider_pb2.DiffRequest(olds=struct({"region": "us-east-1"}), news=struct({"region": region}))
    answer = asyncio.run(servicer().DiffConfig(request, Context()))
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    assert answer.changes == (some if changed else none)
    assert not answer.replaces


def test_plain_values_go_to_the_engine_and_back() -> None:
    values = {"t": "a", "n": 1, "f": 1.5, "b": True, "l": ["a", 1], "m": {"a": UNKNOWN}, "u": UNKNOWN}
    assert to_plain_map(to_property_map(values)) == values
    assert to_plain_map({"a": PropertyValue(None), "b": PropertyValue("x", is_secret=True)}) == {"b": "x"}
    assert isinstance(to_plain_map({"a": PropertyValue(pulumi.StringAsset("x"))})["a"], pulumi.StringAsset)
