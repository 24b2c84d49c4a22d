"""Serves the packaged component to the engine, and tells people what is wrong in one line."""

import sys
import traceback
from collections.abc import Callable
from typing import Any

import grpc
import pulumi
from pulumi.provider import server
from pulumi.runtime.proto import provider_pb2

from spapi_rotation.packaged.naming import in_camel_case
from spapi_rotation.packaged.provider import PackagedComponent


class Servicer(server.ProviderServicer):
    """Pulumi's own, but for what it answers when a component cannot be made.

    Pulumi's answers with a Python traceback, or begins with `Unexpected <class …>`.
    """

    async def Construct(self, request: provider_pb2.ConstructRequest, context: Any) -> provider_pb2.ConstructResponse:  # noqa: N802
        """Make the component. A mistake in an argument ends the call with one line, a defect with a traceback."""
        try:
            return await self._construct(request, context)  # pyright: ignore[reportUnknownMemberType]
        except Exception as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, told(error))
            raise


def told(error: BaseException) -> str:
    """What a person is told: of an error with a remedy its text, of any other its traceback."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, pulumi.RunError):
            return in_camel_case(str(cause))
        cause = cause.inner if isinstance(cause, server.ComponentInitError) else cause.__cause__
    return "".join(traceback.format_exception(error))


def main() -> None:
    """Serve until the engine ends it."""
    for level in ("info", "warn", "error"):
        setattr(pulumi.log, level, _renaming(getattr(pulumi.log, level)))
    server.ProviderServicer = Servicer  # type: ignore[misc]  # That is what Pulumi's main() makes.
    server.main(PackagedComponent(), sys.argv[1:])


def _renaming(log: Callable[..., None]) -> Callable[..., None]:
    """What the component says while it is made, with the names of other languages."""

    def run(message: str, *more: Any, **options: Any) -> None:
        log(in_camel_case(message), *more, **options)

    return run
