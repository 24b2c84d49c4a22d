"""The report's timeline: which client secret was in use when, what was asked, what came, and when secrets die.

Places are percentages of the width, so that it fills a phone as well as a desk, and its texts keep their size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from spapi_rotation_cli import times
from spapi_rotation_cli.answers import Status, moment
from spapi_rotation_cli.history import CHANGES, WORDS
from spapi_rotation_cli.markup import Markup, element, joined

KINDS: Mapping[str, str] = {
    "rotation_requested": "request",
    "rotation_request_unclear": "request",
    "rotation_refused": "trouble",
    "secret_stored": "message",
    "secret_superseded": "message",
    "secret_contradictory": "trouble",
    "secret_stuck": "trouble",
    "newer_secret_overwritten": "trouble",
    "operator_action_failed": "trouble",
    "promoted_by_hand": "person",
    "rejected_by_hand": "person",
    "rolled_back_by_hand": "person",
    "seeded_by_hand": "person",
}
"""The events that have a sign; the others are in the table alone."""

SIGNS: Mapping[str, tuple[str, str]] = {
    "request": ("M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0", "request"),
    "message": ("M0,-6L6,0L0,6L-6,0Z", "message of Amazon"),
    "person": ("M-5,-5H5V5H-5Z", "a person acted"),
    "trouble": ("M-5,-5L5,5M5,-5L-5,5", "refused or failed"),
    "expiry": ("M0,6V-8L9,-4L0,0", "dies"),
}
"""Each sign's shape, which differs and not in colour alone, and what it says."""

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_BARS, _AXIS, _HEIGHT = 18, 86, 106
_HEIGHTS = {"request": 50, "message": 64, "person": 78, "trouble": 50, "expiry": _BARS + 11}


@dataclass(frozen=True, slots=True)
class Span:
    """One client secret: in use from when until when, and when it dies. Unknown times are None.

    Attributes:
        version: the first digits of its version's id.
    """

    version: str
    begins: datetime
    ends: datetime | None
    dies: datetime | None


def spans(status: Status, events: Sequence[Mapping[str, Any]]) -> list[Span]:
    """The secrets that were in use, as far as history and status tell, the oldest first."""
    issued = {each.get("notification_id"): moment(each.get("issued_at")) for each in events}
    began: dict[str, tuple[datetime, datetime | None]] = {}
    for event in events:
        at, version = moment(event.get("at")), event.get("version_id")
        if event.get("event") in CHANGES and at is not None and isinstance(version, str):
            began[version] = (at, issued.get(event.get("rotation_id")))
    if status.in_use is not None and status.in_use_since is not None:
        # The same client secret may have been written as another version since.
        same = [
            each
            for each, (_, made) in began.items()
            if each == status.in_use or (made is not None and made == status.issued_at)
        ]
        earlier = min((began.pop(each)[0] for each in same), default=status.in_use_since)
        began[status.in_use] = (earlier, status.issued_at)
    ordered = sorted(began.items(), key=lambda each: each[1][0])
    found: list[Span] = []
    for number, (version, (begins, made)) in enumerate(ordered):
        following = ordered[number + 1][1] if number + 1 < len(ordered) else None
        if following is None:
            dies = status.dies if version == status.in_use else None
        elif following[1] is not None:
            dies = following[1] + times.OVERLAP
        else:
            dies = made + times.LIFETIME if made is not None else None
        found.append(Span(version[:8], begins, following[0] if following else None, dies))
    return found


def timeline(status: Status, events: Sequence[Mapping[str, Any]], now: datetime) -> Markup:
    """The picture of one application."""
    known = [(at, event) for event in events if (at := moment(event.get("at"))) is not None]
    bars = spans(status, events)
    beginnings = [now - timedelta(days=30), *(at for at, _ in known), *(bar.begins for bar in bars)]
    ends = [now + timedelta(days=14), *(bar.dies for bar in bars if bar.dies is not None)]
    scale = _Scale(min(beginnings), max(ends))
    signs = [
        _sign(scale, KINDS[kind], at, WORDS[kind]) for at, event in known if (kind := str(event.get("event"))) in KINDS
    ]
    if status.dies is not None:
        signs.append(_sign(scale, "expiry", status.dies, "the secret in use dies"))
    picture = element(
        "svg",
        element("title", f"Timeline of {status.document.get('application') or 'the application'}"),
        *_axis(scale),
        *(each for bar in bars for each in _bar(scale, bar, now)),
        *_now(scale, now),
        *signs,
        role="img",
        class_="timeline",
        width="100%",
        height=_HEIGHT,
    )
    return joined(picture, _legend())


@dataclass(frozen=True, slots=True)
class _Scale:
    begins: datetime
    ends: datetime

    def at(self, when: datetime) -> str:
        """The place of a moment; a margin is left at both ends."""
        share = (when - self.begins) / (self.ends - self.begins)
        return f"{2 + 94 * min(max(share, 0.0), 1.0):.2f}%"

    def between(self, begins: datetime, ends: datetime) -> str:
        """A width."""
        return f"{max(float(self.at(ends)[:-1]) - float(self.at(begins)[:-1]), 0.3):.2f}%"


def _bar(scale: _Scale, bar: Span, now: datetime) -> list[Markup]:
    until = bar.ends or now
    words = f"version {bar.version} in use from {times.shown(bar.begins)}"
    words += f" until {times.shown(bar.ends)}" if bar.ends else ""
    words += f"; dies {times.shown(bar.dies)}" if bar.dies else ""
    shape = {"y": _BARS, "height": 22, "rx": 3}
    found = []
    if bar.dies is not None and bar.dies > until:
        tail = {"x": scale.at(until), "width": scale.between(until, bar.dies)}
        found.append(element("rect", element("title", words), class_="tail", **tail, **shape))
    place = {"x": scale.at(bar.begins), "width": scale.between(bar.begins, until)}
    kind = "used" if bar.ends else "in-use"
    return [*found, element("rect", element("title", words), class_=kind, **place, **shape)]


def _sign(scale: _Scale, kind: str, at: datetime, words: str) -> Markup:
    path, _ = SIGNS[kind]
    shape = element("path", element("title", f"{times.shown(at)}: {words}"), d=path, class_=kind)
    return element("svg", shape, x=scale.at(at), y=_HEIGHTS[kind], overflow="visible")


def _now(scale: _Scale, now: datetime) -> list[Markup]:
    place = scale.at(now)
    return [
        element("line", x1=place, x2=place, y1=12, y2=_AXIS, class_="now"),
        element("text", "today", x=place, y=9, text_anchor="middle", class_="now"),
    ]


def _axis(scale: _Scale) -> list[Markup]:
    """A line for each month; a phone shows the name of every third one."""
    found = [element("line", x1="2%", x2="96%", y1=_AXIS, y2=_AXIS, class_="axis")]
    month = scale.begins.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while (month := (month + timedelta(days=32)).replace(day=1)) < scale.ends:
        place = scale.at(month)
        found.append(element("line", x1=place, x2=place, y1=14, y2=_AXIS + 4, class_="month"))
        name = f"{_MONTHS[month.month - 1]} {month.year}" if month.month == 1 else _MONTHS[month.month - 1]
        kind = "month" if month.month % 3 == 1 else "month minor"
        found.append(element("text", name, x=place, y=_HEIGHT - 4, text_anchor="middle", class_=kind))
    return found


def _legend() -> Markup:
    bars = (("in-use", "in use"), ("used", "was in use"), ("tail", "until it dies"))
    entries = [
        element("li", element("svg", element("rect", class_=kind, width=18, height=12, y=2, rx=3), **_SMALL), words)
        for kind, words in bars
    ]
    entries += [
        element("li", element("svg", element("path", d=path, class_=kind, transform="translate(9 8)"), **_SMALL), words)
        for kind, (path, words) in SIGNS.items()
    ]
    return element("ul", *entries, class_="legend")


_SMALL: dict[str, object] = {"width": 20, "height": 16, "aria_hidden": "true"}
