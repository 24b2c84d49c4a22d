"""A client secret among the arguments: recognised, never shown, and what to do about it.

The arguments come from a program or a stack's configuration file, where no secret belongs.
"""

import re
from collections.abc import Mapping
from typing import Any

from spapi_rotation.errors import InvalidArgument
from spapi_rotation.validation.paths import Path

_CLIENT_SECRET = re.compile(r"amzn1\.oa2-cs\.", re.IGNORECASE)
"""How a client secret begins. Source: Amazon's sample of the notification APPLICATION_OAUTH_CLIENT_NEW_SECRET."""

_LEFT_IN = (
    "the stack's configuration file or the program, after `pulumi config set` in the shell's history, and after "
    "`pulumi up` in the backend's history"
)

_NAMES = re.compile(r"client_?secret|refresh_?token", re.IGNORECASE)


def holds_client_secret(text: str) -> bool:
    """Whether a client secret is in a text."""
    return _CLIENT_SECRET.search(text) is not None


def find_client_secret(value: object, path: Path = ()) -> Path | None:
    """Where in maps and lists the first client secret is; None if there is none in what is known already.

    A name that is one is not part of the path: that ends with what holds it.
    """
    if isinstance(value, str):
        return path if holds_client_secret(value) else None
    parts: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        parts = [(str(name), part) for name, part in value.items()]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    elif isinstance(value, list | tuple):
        parts = [(index, part) for index, part in enumerate(value)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    for name, part in parts:
        if holds_client_secret(str(name)):
            return path
        if (found := find_client_secret(part, (*path, name))) is not None:
            return found
    return None


def exposed(where: str, removal: str) -> InvalidArgument:
    """The error of a client secret that was given.

    Args:
        where: what holds it.
        removal: the command that takes it out of the configuration.
    """
    return InvalidArgument(
        f"{where} holds a client secret. It is now plain text in {_LEFT_IN}.",
        remedy=f"{_treatment(removal)} An application is named by its client id (amzn1.application-oa2-client.…); "
        "the client secret goes in by `spapi-rotation seed shop`.",
    )


def says_credential(name: str) -> bool:
    """Whether a name says that a client secret or a refresh token is meant."""
    return _NAMES.search(name) is not None


def not_taken(name: str, where: str) -> InvalidArgument:
    """The error of an argument for a credential; there is none."""
    return InvalidArgument(
        f"{name}: unknown in {where}. No argument takes a client secret or a refresh token.",
        remedy="The client secret goes in by `spapi-rotation seed shop`; a refresh token is not needed. If it was "
        f"given as plain text, it is now in {_LEFT_IN}. {_treatment('pulumi config rm')}",
    )


def _treatment(removal: str) -> str:
    return f"Take it out (`{removal}`), and create another one in the Developer Console: it counts as known to others."
