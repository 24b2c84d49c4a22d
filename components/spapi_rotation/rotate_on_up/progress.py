"""What a person sees of a rotation during ``pulumi up``."""

import sys

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.ports import Metric


class Progress:
    """Progress lines, and the Telemetry port of an update: what the function would log, in a few words."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told: dict[str, str] = {}

    def line(self, text: str, *, error: bool = False) -> None:
        """Print one line that begins with the application's name; Pulumi shows it under the stack."""
        print(f"{self._name}: {text}", file=sys.stderr if error else sys.stdout, flush=True)

    def info(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Say what went as it should."""
        self._say(event, event.replace("_", " "))

    def warning(self, event: str, application: Application | None = None, **fields: object) -> None:
        """Say what a person may want to look at."""
        shown = ", ".join(f"{key} {value}" for key, value in fields.items() if value not in (None, ""))
        self._say(event, f"{event.replace('_', ' ')}{': ' + shown if shown else ''}", error=True)

    def count(self, metric: Metric, value: float = 1.0) -> None:
        """Ignore: metrics are the function's."""

    def _say(self, event: str, text: str, *, error: bool = False) -> None:
        """Print what is new: waiting comes to the same event again and again."""
        if self._told.get(event) != text:
            self._told[event] = text
            self.line(text, error=error)
