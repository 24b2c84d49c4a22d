"""The pieces that each part of the report is made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spapi_rotation_cli import times
from spapi_rotation_cli.answers import moment
from spapi_rotation_cli.errors import ExitCode
from spapi_rotation_cli.history import WORDS
from spapi_rotation_cli.markup import Markup, element, joined

CODES: Mapping[int, tuple[str, str, str]] = {
    ExitCode.OK: ("good", "✓", "healthy"),
    ExitCode.ATTENTION: ("warn", "!", "needs attention"),
    ExitCode.FAILURE: ("bad", "✗", "cannot be read"),
    ExitCode.BROKEN: ("bad", "✗", "broken"),
}
"""The colour, the sign and the words of each exit code."""

_UNKNOWN_CODE = ("warn", "?", "unknown")

_DETAILS = ("trigger", "status", "code", "cause", "result", "detail", "remedy", "claimed_by", "version_id")
"""What the table of events shows of one, beside when and what."""


def badge(code: object, words: str | None = None) -> Markup:
    """How it is, by an exit code; the words are those of the code, unless others are given."""
    kind, sign, meaning = CODES.get(code, _UNKNOWN_CODE) if isinstance(code, int) else _UNKNOWN_CODE
    return element("span", f"{sign} {words or meaning}", class_=f"badge {kind}")


def problems(warnings: Iterable[Mapping[str, Any]]) -> Markup | None:
    """What is wrong around an application."""
    lines = [element("li", f"{each.get('look')}: {each.get('detail')}", remedy(each)) for each in warnings]
    return element("ul", *lines, class_="problems") if lines else None


def remedy(finding: Mapping[str, Any]) -> Markup | None:
    """What to do about a finding."""
    text = finding.get("remedy")
    return joined(element("br"), element("em", text)) if text else None


def commands(typed: Sequence[str]) -> Markup | None:
    """What to type next."""
    if not typed:
        return None
    return joined(element("h3", "Next command"), element("pre", element("code", "\n".join(typed))))


def events_table(events: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Everything that happened, the newest first: also what the picture says without words."""
    if not events:
        return None
    rows = []
    for event in reversed(events):
        kind = str(event.get("event"))
        more = [f"{name.replace('_', ' ')} {event[name]}" for name in _DETAILS if event.get(name) not in (None, "")]
        words = joined(WORDS.get(kind, kind), element("div", ", ".join(more), class_="muted") if more else None)
        rows.append(element("tr", element("td", shown_time(event.get("at")), class_="when"), element("td", words)))
    summary = element("summary", f"{len(events)} events")
    return element("details", summary, table((("When", None), ("What", None)), rows))


def table(heads: Sequence[tuple[str, str | None]], rows: Sequence[Markup]) -> Markup:
    """A table that scrolls by itself where it is too wide."""
    head = element("tr", *(element("th", name, scope="col", class_=kind) for name, kind in heads))
    return element("div", element("table", element("thead", head), element("tbody", *rows)), class_="scroll")


def shown_time(text: object) -> str:
    """A time of an answer."""
    return times.shown(moment(text))
