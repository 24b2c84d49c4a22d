"""The pictures of terminals: what the demonstration showed when it was recorded, and what subcommands show."""

from collections.abc import Callable, Mapping

from docs.tools import recording
from docs.tools.pictures import DOCS
from docs.tools.terminal_picture import picture

FOLDER = DOCS / "pictures"

TERMINALS: Mapping[str, Callable[[], str]] = {
    "demo.svg": lambda: picture(recording.DEMO.read_text(encoding="utf-8"), "make demo"),
    "status.svg": lambda: picture(recording.status(), "spapi-rotation status"),
    "consumers-before.svg": lambda: picture(recording.consumers("before"), "spapi-rotation consumers"),
    "consumers-during.svg": lambda: picture(recording.consumers("during"), "spapi-rotation consumers"),
    "consumers-after.svg": lambda: picture(recording.consumers("after"), "spapi-rotation consumers"),
}
"""How each picture is made."""
