"""The client of the emulator's crash switch (``sandbox.aws.patches.crash``)."""

import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from sandbox.aws.emulator import AwsEmulator

PATH = "/_sandbox/crash"


class CrashRefused(Exception):
    """The switch refused what was asked; the text says why."""


class CrashSwitch:
    """Kills processes of functions in an emulator. Every method may raise CrashRefused."""

    def __init__(self, aws: AwsEmulator) -> None:
        """Speak to a running emulator."""
        context = ssl.create_default_context(cafile=aws.ca_file)
        self._http = httpx.Client(base_url=aws.endpoint, verify=context, trust_env=False, timeout=30)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def after(self, function: str, action: str, match: Mapping[str, object] | None = None, times: int = 1) -> None:
        """Kill the process that makes this call, as soon as AWS has carried it out and before it is answered.

        Args:
            function: its name.
            action: such as ``secretsmanager:PutSecretValue``.
            match: parameters that the call must have.
            times: for the first so many calls that fit.
        """
        self._ask("POST", {"function": function, "after": action, "match": dict(match or {}), "times": times})

    def now(self, function: str, handling: str) -> int:
        """Kill the processes that work on an event with this text in it; returns how many there were."""
        return int(self._ask("POST", {"function": function, "handling": handling})["killed"])

    def used(self, match: Mapping[str, object] | None = None) -> int:
        """How often armed crashes have struck; with ``match``, those armed with exactly these parameters."""
        switches = self._ask("GET")["switches"]
        return sum(switch["used"] for switch in switches if match is None or switch["match"] == dict(match))

    def disarm(self) -> None:
        """Forget every armed crash."""
        self._ask("DELETE")

    def _ask(self, method: str, content: object = None) -> dict[str, Any]:
        response = self._http.request(method, PATH, json=content)
        answer: dict[str, Any] = response.json()
        if response.status_code != 200:
            raise CrashRefused(answer["error"])
        return answer
