"""What a person sees of a run: steps as they happen, checks with what was observed, and tables at the end."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.amazon.records import Call
from sandbox.canaries import Finding

QUIET_EVENTS = frozenset({"check"})


@dataclass
class Timeline:
    """Prints steps with the seconds since the start, and keeps every check."""

    console: Console = field(default_factory=lambda: _console())
    started: float = field(default_factory=time.monotonic)
    failed: list[str] = field(default_factory=list)
    passed: int = 0

    def _stamp(self) -> str:
        return f"{time.monotonic() - self.started:6.1f} s  "

    def step(self, text: str) -> None:
        """A step begins."""
        self.console.print(Text(f"{self._stamp()}{text}", style="bold"))

    def note(self, text: str) -> None:
        """A detail of the step."""
        self.console.print(Text(f"{self._stamp()}  {text}", style="dim"))

    def check(self, what: str, observed: bool, detail: object = "") -> bool:
        """Record and show whether something was observed."""
        if observed:
            self.passed += 1
        else:
            self.failed.append(what)
        mark, style = ("ok  ", "green") if observed else ("MISS", "bold red")
        line = Text(f"{self._stamp()}  ").append(mark, style=style).append(f" {what}")
        shown = str(detail)
        self.console.print(line.append(f": {shown}", style="dim") if shown else line)
        return observed

    def labels(self, title: str, rows: Mapping[str, Sequence[str]]) -> None:
        """Which versions carry which labels."""
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2))
        table.add_column("version")
        table.add_column("labels")
        for version, labels in rows.items():
            table.add_row(version, ", ".join(labels))
        self.console.print(table)

    def calls(self, calls: Sequence[Call], names: Mapping[str, str]) -> None:
        """The calls that Amazon's stand-in saw."""
        table = Table(title="Calls that Amazon's stand-in saw", title_justify="left", box=None, padding=(0, 2))
        for column in ("time (UTC)", "application", "call", "status", "note"):
            table.add_column(column)
        for call in calls:
            scope = f" [{call.scope}]" if call.scope else ""
            table.add_row(
                call.at.strftime("%H:%M:%S.%f")[:-3],
                names.get(call.client_id or "", call.client_id or "?"),
                Text(f"{call.method} {call.path}{scope}"),
                str(call.status or "none"),
                Text(call.note),
            )
        self.console.print(table)

    def function_events(self, lines: Sequence[str], names: Mapping[str, str]) -> None:
        """What the function logged about rotations, checks without news left out."""
        table = Table(title="What the function logged", title_justify="left", box=None, padding=(0, 2))
        for column in ("time (UTC)", "application", "event", "details"):
            table.add_column(column)
        for line in lines:
            entry = parse_log_line(line)
            if entry is None or entry.get("message") in QUIET_EVENTS:
                continue
            known = {"level", "message", "timestamp", "service", "application", "client_id", "location"}
            details = ", ".join(f"{key} {value}" for key, value in entry.items() if key not in known and value)
            table.add_row(
                str(entry.get("timestamp", ""))[11:23].replace(",", "."),
                names.get(str(entry.get("client_id")), str(entry.get("application"))),
                Text(str(entry["message"])),
                Text(details),
            )
        self.console.print(table)

    def secrets_found(self, findings: Sequence[Finding]) -> None:
        """Where secrets were found that should be nowhere."""
        for finding in findings:
            self.console.print(Text(f"          found ({finding.form}) in {finding.place}", style="bold red"))

    def verdict(self) -> int:
        """Print the result and return the exit code: 0 only if every check was observed."""
        total = self.passed + len(self.failed)
        if self.failed:
            self.console.print(Text(f"{self._stamp()}FAILED: {len(self.failed)} of {total} checks not observed:"))
            for what in self.failed:
                self.console.print(Text(f"            {what}", style="bold red"))
            return 1
        self.console.print(Text(f"{self._stamp()}PASSED: {total} of {total} checks observed.", style="bold green"))
        return 0


def _console() -> Console:
    """A console that does not break lines where there is no terminal to tell its width."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def parse_log_line(line: str) -> dict[str, object] | None:
    """A line of the function's log that it wrote itself (not a metric, not a platform line)."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "message" in entry and "service" in entry else None
