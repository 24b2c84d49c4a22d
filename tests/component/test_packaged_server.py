"""How the packaged component is served: what the engine is answered, and what is said on the way."""

import asyncio
import sys
from typing import Any, NoReturn

import grpc
import pulumi
import pytest
from pulumi.provider import server as pulumis

from spapi_rotation import InvalidArgument
from spapi_rotation.packaged import server
from spapi_rotation.packaged.provider import PackagedComponent


class Context:
    """A call of the engine. In gRPC, too, ``abort`` raises."""

    def __init__(self) -> None:
        self.aborted: list[tuple[grpc.StatusCode, str]] = []

    async def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        self.aborted.append((code, details))
        raise grpc.RpcError


def answered(monkeypatch: pytest.MonkeyPatch, outcome: object) -> tuple[Any, Context]:
    """The answer to ``Construct`` where Pulumi's own has this outcome."""
    context = Context()

    async def construct(_self: object, request: object, handed_on: object) -> object:
        assert (request, handed_on) == ("request", context)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(server.Servicer, "_construct", construct)

    async def call() -> object:
        servicer: Any = server.Servicer.__new__(server.Servicer)
        return await servicer.Construct("request", context)

    if not isinstance(outcome, Exception):
        return asyncio.run(call()), context
    with pytest.raises(grpc.RpcError):
        asyncio.run(call())
    return None, context


def test_a_component_that_is_made_is_answered_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, context = answered(monkeypatch, "made")
    assert (answer, context.aborted) == ("made", [])


def test_a_mistake_ends_the_call_with_its_text_in_the_names_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    mistake = InvalidArgument("rotate_every_days is too small.", remedy="Set it higher.")
    _, context = answered(monkeypatch, mistake)
    text = "rotateEveryDays is too small. What to do: Set it higher."
    assert context.aborted == [(grpc.StatusCode.INVALID_ARGUMENT, text)]


def test_a_defect_ends_the_call_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    _, context = answered(monkeypatch, KeyError("shop"))
    ((code, text),) = context.aborted
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert text.startswith("Traceback")
    assert "KeyError: 'shop'" in text


def test_pulumi_serves_our_component_by_our_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    for level in ("info", "warn", "error"):
        monkeypatch.setattr(pulumi.log, level, said.append)
    served: list[Any] = []

    def main(provider: object, args: list[str]) -> None:
        served.extend([provider, args, pulumis.ProviderServicer])
        for level in ("info", "warn", "error"):
            getattr(pulumi.log, level)("see rotate_on_up")

    monkeypatch.setattr(pulumis, "ProviderServicer", pulumis.ProviderServicer)
    monkeypatch.setattr(pulumis, "main", main)
    monkeypatch.setattr(sys, "argv", ["program", "--logtostderr", "127.0.0.1:1"])
    server.main()
    provider, args, servicer = served
    assert isinstance(provider, PackagedComponent)
    assert args == ["--logtostderr", "127.0.0.1:1"]
    assert servicer is server.Servicer
    assert said == ["see rotateOnUp"] * 3
