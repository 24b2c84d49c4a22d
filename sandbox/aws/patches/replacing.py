"""Replacing parts of MiniStack, loudly."""

from typing import Any


def replace(module: Any, name: str, value: Any) -> None:
    """Set an attribute that must exist already.

    Raises:
        RuntimeError: MiniStack has no such part: its version is not the one that the corrections were written
            for.
    """
    if not hasattr(module, name):
        raise RuntimeError(f"MiniStack's {module.__name__} has no {name}: the sandbox's corrections do not fit it.")
    setattr(module, name, value)
