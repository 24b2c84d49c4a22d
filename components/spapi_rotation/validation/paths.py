"""Places within the arguments, as `pulumi config set --path` writes them."""

import json
import re
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Names of a map's entries, and places in a list."""


def path_of(parts: Path) -> str:
    """A place as one text; empty for the whole."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z0-9_-]+", part):
            path += f".{part}" if path else part
        else:
            path += f"[{json.dumps(part, ensure_ascii=False)}]"
    return path
