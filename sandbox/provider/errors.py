"""What goes wrong in the stand-in provider, in words for the person at the terminal."""

from collections.abc import Iterable
from typing import Any


class StandInError(Exception):
    """A clear refusal or failure; its text reaches the terminal as it is, without a stack trace.

    The text never holds the value of a property, only names, ranges and what AWS answered.
    """


class PartlyDone(StandInError):
    """The resource exists, but not as asked for.

    The engine records it with ``outputs``, marks it as failed, and finishes it at the next update.
    """

    def __init__(self, resource_id: str, outputs: dict[str, Any], reason: str) -> None:
        super().__init__(reason)
        self.resource_id = resource_id
        self.outputs = outputs


def not_known(what: str, known: Iterable[str] = ()) -> str:
    """The words of a refusal of what the stand-in does not know."""
    others = ", ".join(sorted(known))
    return f"the stand-in for pulumi-aws does not know {what}" + (f"; it knows {others}" if others else "")
