"""The part of Pulumi's Python host that runs a component package for a program in another language.

A built engine's Python host is of a version before such packages (``sandbox.engine``), and the current one is in no
package registry. This one does what that does for a package from a folder, as read in pulumi/pulumi
(sdk/python/cmd/pulumi-language-python and sdk/python/toolchain/pip.go of v3.259): it makes the virtual environment
beside ``PulumiPlugin.yaml``, installs ``requirements.txt`` there, says which plugins the environment needs, and runs
the folder. It runs no programs and generates nothing.
"""

import argparse
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox.engine import HOST, Engine
from sandbox.provider.install import write_launcher

_STANDARD_ENVIRONMENT = "venv"
_WATCH_SECONDS = 0.5

_REQUIRED = """
import json, pathlib
from importlib import metadata
for each in metadata.distributions():
    name = each.metadata["Name"].replace("-", "_")
    file = pathlib.Path(each.locate_file(name)) / "pulumi-plugin.json"
    about = json.loads(file.read_text()) if file.is_file() else {}
    if file.is_file() or (name.startswith("pulumi_") and name not in ("pulumi_policy", "pulumi_esc_sdk")):
        print(json.dumps({"name": name.removeprefix("pulumi_"), "version": each.version, **about}))
"""
"""Prints what the environment's packages say of their plugins. Each that is named `pulumi-…` counts as having one."""


def install(folder: Path, engine: Engine) -> list[Path]:
    """PATH's folders for a program in another language: the engine's, and this host before it where it is needed."""
    if engine.origin != "built":
        return [engine.bin]
    write_launcher(folder / HOST, "sandbox.plugin_host", Path(sys.executable))
    return [folder, engine.bin]


class PluginHost(language_pb2_grpc.LanguageRuntimeServicer):
    """What the engine asks of a host for a package in a folder; all else is not implemented, and says so."""

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802
        """The host has no version of its own."""
        return plugin_pb2.PluginInfo(version="")

    def GetRequiredPackages(  # noqa: N802
        self, request: language_pb2.GetRequiredPackagesRequest, context: Any
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The plugins that the packages of the environment name."""
        if not _python(request.info).exists():
            for _ in self._install(request.info):
                pass
        said = subprocess.run([_python(request.info), "-c", _REQUIRED], capture_output=True, text=True, check=True)
        found = [json.loads(line) for line in said.stdout.splitlines()]
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(kind="resource", name=each["name"], version=f"v{each['version']}")
                for each in found
                if each.get("resource", True)
            ]
        )

    def InstallDependencies(  # noqa: N802
        self, request: language_pb2.InstallDependenciesRequest, context: Any
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Make the environment and install the requirements into it."""
        for line in self._install(request.info):
            yield language_pb2.InstallDependenciesResponse(stdout=line.encode())

    def RunPlugin(  # noqa: N802
        self, request: language_pb2.RunPluginRequest, context: Any
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run the folder by its environment's Python, until it or the engine's call ends."""
        program = Path(request.info.program_directory)
        if not (program / "__main__.py").exists():
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "This host runs folders with a __main__.py only.")
        process = subprocess.Popen(
            [_python(request.info), program, *request.args],
            cwd=request.pwd,
            env=dict(each.split("=", 1) for each in request.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(process.terminate)
        for name, text in _streams(process):
            if name == "stdout":
                yield language_pb2.RunPluginResponse(stdout=text)
            else:
                yield language_pb2.RunPluginResponse(stderr=text)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())

    def _install(self, info: language_pb2.ProgramInfo) -> Iterator[str]:
        python, folder = _python(info), Path(info.program_directory)
        for command in (
            ["python3", "-m", "venv", str(python.parents[1])],
            [str(python), "-m", "pip", "install", "--upgrade", "pip", "setuptools", "wheel"],
            [str(python), "-m", "pip", "install", "-r", "requirements.txt"],
        ):
            done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            yield done.stdout
            if done.returncode:
                raise RuntimeError(f"{command} ended with code {done.returncode}.\n{done.stdout}")


def _python(info: language_pb2.ProgramInfo) -> Path:
    options: Mapping[str, Any] = json_format.MessageToDict(info.options)
    unknown = options.keys() - {"toolchain", "virtualenv"}
    if unknown or options.get("toolchain", "pip") != "pip":
        raise ValueError(f"This host knows the toolchain pip and its virtualenv only, not {options}.")
    return Path(info.root_directory) / str(options.get("virtualenv", _STANDARD_ENVIRONMENT)) / "bin" / "python"


def _streams(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """What a process says, with the name of the stream, until both have ended."""
    said: queue.Queue[tuple[str, bytes]] = queue.Queue()

    def read(name: str, stream: IO[bytes]) -> None:
        while text := os.read(stream.fileno(), 1 << 16):
            said.put((name, text))
        said.put((name, b""))

    streams = {"stdout": process.stdout, "stderr": process.stderr}
    for name, stream in streams.items():
        threading.Thread(target=read, args=(name, stream), daemon=True).start()
    while streams:
        name, text = said.get()
        if text:
            yield name, text
        else:
            del streams[name]


def main() -> None:
    """Serve until the engine has ended. It calls ``pulumi-language-python [flags] <engine address>``."""
    engine = os.getppid()
    parser = argparse.ArgumentParser(prog=HOST, description=__doc__)
    parser.add_argument("engine", nargs="?", help="address of the engine")
    parser.parse_known_args()
    server = grpc.server(ThreadPoolExecutor(16))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(PluginHost(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # At a terminal the engine ends its hosts by an interrupt.
    with contextlib.suppress(KeyboardInterrupt):
        while os.getppid() == engine:
            time.sleep(_WATCH_SECONDS)
    server.stop(grace=None).wait()
