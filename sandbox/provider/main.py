"""The plugin's entry: started by the engine with its address, answers with the port that it serves on."""

import argparse
import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version

import grpc
import grpc.aio
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2_grpc

from sandbox.provider.plugin import StandIn
from sandbox.provider.servicer import StandInServicer

_MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit for one message (functions' code is in the state)."""

_THREADS = 16

_WATCH_SECONDS = 1.0
_GRACE_SECONDS = 5.0


def plugin_version() -> str:
    """The version of the installed ``pulumi_aws``: the engine asks for the plugin of that version."""
    try:
        return version("pulumi_aws")
    except PackageNotFoundError:
        return "0.0.0"


async def serve(engine_address: str) -> None:
    """Serve until the engine ends the process, or has itself ended without doing so (then what runs is finished)."""
    engine = os.getppid()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    options = [
        ("grpc.max_receive_message_length", _MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MESSAGE_BYTES),
    ]

    def announce(line: str) -> None:
        with grpc.insecure_channel(engine_address) as channel:
            engine_pb2_grpc.EngineStub(channel).Log(
                engine_pb2.LogRequest(severity=engine_pb2.INFO, message=line), timeout=10
            )

    server = grpc.aio.server(options=options)
    provider = StandIn(announce)
    servicer = StandInServicer([], plugin_version(), provider, engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == engine:
        await asyncio.sleep(_WATCH_SECONDS)
    await provider.cancel()
    await server.stop(_GRACE_SECONDS)


def main() -> None:
    """Run the plugin. The engine calls ``pulumi-resource-aws [flags] <engine address>``."""
    parser = argparse.ArgumentParser(prog="pulumi-resource-aws", description=__doc__)
    parser.add_argument("engine", help="address of the engine")
    parsed, _ = parser.parse_known_args()
    # The engine is on loopback; a proxy in the environment is for elsewhere.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    try:
        asyncio.run(serve(parsed.engine))
    except KeyboardInterrupt:
        sys.exit(0)
