"""The table of the component's outputs in ``README.md``, made from their descriptions."""

import re

from docs.tools.pictures import DOCS
from docs.tools.settings import described
from spapi_rotation.component import ClientSecretRotation

FILE = DOCS.parent / "README.md"

_HEAD = "| output | holds |\n|---|---|\n"
_TABLE = re.compile(re.escape(_HEAD) + r"(?:\|.*\n)*")


def with_outputs(text: str) -> str:
    """The page with its table of outputs made anew; the rest stays.

    Raises:
        ValueError: it has no such table, or several.
    """
    rows = "".join(f"| `{name}` | {what} |\n" for name, what in described(ClientSecretRotation).items())
    made, found = _TABLE.subn(lambda _: _HEAD + rows, text)
    if found != 1:
        raise ValueError(f"{FILE.name} has {found} tables of outputs.")
    return made
