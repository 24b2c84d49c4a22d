"""The pictures of terminals: what the demonstration showed when it was recorded, and what ``status`` shows."""

from collections.abc import Callable, Mapping

from docs.tools import recording
from docs.tools.pictures import DOCS
from docs.tools.terminal_picture import picture

FOLDER = DOCS / "pictures"

TERMINALS: Mapping[str, Callable[[], str]] = {
    "demo.svg": lambda: picture(recording.DEMO.read_text(encoding="utf-8"), "make demo"),
    "status.svg": lambda: picture(recording.status(), "spapi-rotation status"),
}
"""How each picture is made."""
