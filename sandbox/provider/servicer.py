"""The gRPC service, where the SDK's experimental one falls short.

It adds what a real provider does and ``pulumi.provider.experimental`` (3.272) does not: errors without a Python stack
trace, resources that were only partly made, the old inputs of a diff, archives with their hash (of which the engine
often sends nothing else), and the right answer to whether a provider's configuration changed.
"""

import traceback
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import grpc
import pulumi
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2, status_pb2

from sandbox.provider.archive import SentArchive
from sandbox.provider.errors import PartlyDone, StandInError
from sandbox.provider.plugin import FullDiffRequest, StandIn
from sandbox.provider.values import to_plain_map, to_property_map

T = TypeVar("T")

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
"""The signature of an archive: ``sdk/go/common/resource/sig`` of pulumi/pulumi."""

_CONTENTS = frozenset({"assets", "path", "uri"})


class StandInServicer(ProviderServicer):
    """Serves a :class:`StandIn`."""

    _provider: StandIn

    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's names
        return await _clean(super().CheckConfig(request, context), context)

    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        asked = api.DiffRequest(request.urn, request.id, _read(request.olds), _read(request.news), [])
        answer = await _clean(self._provider.diff_config(asked), context)
        return provider_pb2.DiffResponse(changes=_changes(answer))

    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _clean(super().Configure(request, context), context)

    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _clean(super().Invoke(request, context), context)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        asked = api.CheckRequest(request.urn, _read(request.olds), _read(request.news), request.randomSeed)
        answer = await _clean(self._provider.check(asked), context)
        failures = [
            provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
            for failure in answer.failures or ()
        ]
        return provider_pb2.CheckResponse(inputs=_write(answer.inputs or {}), failures=failures)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        asked = FullDiffRequest(
            request.urn, request.id, _read(request.olds), _read(request.news), list(request.ignoreChanges)
        )
        asked.old_inputs = to_plain_map(_read(request.old_inputs))
        answer = await _clean(self._provider.diff(asked), context)
        return provider_pb2.DiffResponse(
            changes=_changes(answer),
            replaces=answer.replaces,
            stables=answer.stables,
            deleteBeforeReplace=answer.delete_before_replace,
            diffs=answer.diffs,
            detailedDiff={name: _wire_detail(detail) for name, detail in answer.detailed_diff.items()},
            hasDetailedDiff=True,
        )

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        asked = api.CreateRequest(request.urn, _read(request.properties), request.timeout, request.preview)
        answer = await _clean(self._provider.create(asked), context)
        return provider_pb2.CreateResponse(id=answer.resource_id or "", properties=_write(answer.properties))

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        asked = api.UpdateRequest(
            request.urn,
            request.id,
            _read(request.olds),
            _read(request.news),
            request.timeout,
            list(request.ignoreChanges),
            request.preview,
        )
        answer = await _clean(self._provider.update(asked), context)
        return provider_pb2.UpdateResponse(properties=_write(answer.properties))

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        asked = api.ReadRequest(request.urn, request.id, _read(request.properties), _read(request.inputs))
        answer = await _clean(self._provider.read(asked), context)
        return provider_pb2.ReadResponse(
            id=answer.resource_id or "", properties=_write(answer.properties), inputs=_write(answer.inputs)
        )

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        asked = api.DeleteRequest(request.urn, request.id, _read(request.properties), request.timeout)
        await _clean(self._provider.delete(asked), context)
        return empty_pb2.Empty()


def _changes(answer: api.DiffResponse) -> provider_pb2.DiffResponse.DiffChanges.ValueType:
    return provider_pb2.DiffResponse.DIFF_SOME if answer.changes else provider_pb2.DiffResponse.DIFF_NONE


def _wire_detail(detail: api.PropertyDiff) -> provider_pb2.PropertyDiff:
    kind = provider_pb2.PropertyDiff.Kind.Value(detail.kind.name)
    return provider_pb2.PropertyDiff(kind=kind, inputDiff=detail.input_diff)


async def _clean(call: Awaitable[T], context: Any) -> T:
    """Await the call; what the stand-in refuses reaches the engine as its words alone."""
    try:
        return await call
    except Exception as error:
        # The SDK's own methods wrap every error in one that carries the stack trace.
        cause = error if isinstance(error, StandInError) else error.__context__
        if isinstance(cause, StandInError):
            await context.abort_with_status(_status(cause))
        traceback.print_exc()
        raise


def _status(error: StandInError) -> "_Status":
    code = grpc.StatusCode.UNKNOWN
    rich = status_pb2.Status(code=code.value[0], message=str(error))
    if isinstance(error, PartlyDone):
        detail = any_pb2.Any()
        detail.Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=error.resource_id,
                properties=_write(to_property_map(error.outputs)),
                reasons=[str(error)],
            )
        )
        rich.details.append(detail)
    return _Status(code, str(error), (("grpc-status-details-bin", rich.SerializeToString()),))


class _Status(grpc.Status):
    """A status with details."""

    def __init__(self, code: grpc.StatusCode, details: str, trailing_metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.code = code
        self.details = details
        self.trailing_metadata = trailing_metadata


def _read(properties: struct_pb2.Struct) -> dict[str, PropertyValue]:
    """Properties from the wire. An archive keeps its hash; the SDK would drop it, or fail when there is no more."""
    return {name: _read_value(value) for name, value in properties.fields.items()}


def _read_value(value: struct_pb2.Value) -> PropertyValue:
    fields = value.struct_value.fields
    if _SIGNATURE not in fields or fields[_SIGNATURE].string_value != _ARCHIVE:
        return PropertyValue.unmarshal(value)
    inner = PropertyValue.unmarshal(value).value if _CONTENTS & set(fields) else None
    digest = fields["hash"].string_value if "hash" in fields else ""
    return PropertyValue(SentArchive(digest, inner if isinstance(inner, pulumi.Archive) else None, value))


def _write(properties: Mapping[str, PropertyValue]) -> struct_pb2.Struct:
    """Properties for the wire; an archive as it came."""
    return struct_pb2.Struct(
        fields={
            name: item.value.wire if isinstance(item.value, SentArchive) else item.marshal()
            for name, item in properties.items()
        }
    )
