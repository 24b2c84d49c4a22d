"""The report: one HTML page from what ``status --json`` and ``history --json`` give, and nothing else."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from string import Template
from typing import Any

from spapi_rotation_cli import advice, screen, times
from spapi_rotation_cli.answers import Application, Status, moment, read_status
from spapi_rotation_cli.errors import ExitCode
from spapi_rotation_cli.markup import Markup, element, joined
from spapi_rotation_cli.report_parts import CODES, badge, commands, events_table, problems, remedy, shown_time, table
from spapi_rotation_cli.report_timeline import timeline

TEMPLATE = "report.html"

VERDICTS: Mapping[str, tuple[str, str]] = {"ok": ("✓", "good"), "failed": ("✗", "bad"), "unknown": ("?", "warn")}
"""The sign and the colour of a finding."""


def page(found: Mapping[str, Any], history: Mapping[str, Any], now: datetime) -> str:
    """The whole page.

    Args:
        found: the document of ``status --json``.
        history: the document of ``history --json``.
        now: when they were made.

    Raises:
        CommandError: a status is none.
    """
    applications: Sequence[Mapping[str, Any]] = found["applications"]
    known = {each["client_id"] for each in applications}
    events: Sequence[Mapping[str, Any]] = history["events"]
    parts = [
        _header(found, history, now),
        _overview(applications, now),
        *(
            _application(each, [event for event in events if event.get("client_id") == each["client_id"]], now)
            for each in applications
        ),
        _component(found["component"], [event for event in events if event.get("client_id") not in known]),
    ]
    template = Template(files("spapi_rotation_cli").joinpath(TEMPLATE).read_text(encoding="utf-8"))
    return template.substitute(content=joined(*parts))


def _header(found: Mapping[str, Any], history: Mapping[str, Any], now: datetime) -> Markup:
    since = moment(history.get("since"))
    told = f"; what happened since {times.shown(since)}" if since else ""
    return element(
        "header",
        element("h1", "Client secret rotation ", badge(found.get("exit_code"))),
        element("p", f"As of {times.shown(now)}{told}.", class_="muted"),
    )


def _overview(applications: Sequence[Mapping[str, Any]], now: datetime) -> Markup:
    """One line for each application: the table of their health."""
    rows = []
    for each in applications:
        status = _status(each)
        state = status.state if status else "cannot be read"
        cells = [
            element("th", element("a", each["application"], href=f"#{_anchor(each)}"), scope="row"),
            element("td", badge(each.get("exit_code"), state)),
            element("td", _days_left(status, now), class_="number"),
            element("td", times.shown(status.expires_at) if status else "unknown", class_="wide"),
            element("td", shown_time(each.get("last_accepted")), class_="wide"),
        ]
        rows.append(element("tr", *cells))
    heads = (
        ("Application", None),
        ("State", None),
        ("Days left", "number"),
        ("Expires", "wide"),
        ("Last accepted", "wide"),
    )
    return element("section", element("h2", "Applications"), table(heads, rows))


def _application(each: Mapping[str, Any], events: Sequence[Mapping[str, Any]], now: datetime) -> Markup:
    status = _status(each)
    title = element("h2", f"{each['application']} ", badge(each.get("exit_code"), status.state if status else None))
    which = element("p", each["client_id"], class_="muted id")
    if status is None:
        error: Mapping[str, Any] = each.get("error") or {}
        words = element("p", error.get("message", ""), element("br"), error.get("remedy", ""))
        return element("section", title, which, words, id=_anchor(each))
    return element(
        "section",
        title,
        which,
        element("p", advice.meaning(status.state).words.capitalize() + "."),
        _life(status, now),
        timeline(status, events, now),
        _facts(each, status),
        problems(each.get("warnings") or []),
        commands(each.get("next") or []),
        events_table(events),
        id=_anchor(each),
    )


def _life(status: Status, now: datetime) -> Markup:
    """How much time is left, as a number and as a bar."""
    end = status.dies
    if end is None:
        latest = (
            status.replace_by and f" It has to be replaced by {times.shown(status.replace_by)}, and may die sooner."
        )
        unknown = element("strong", "Nobody knows when the secret in use dies.")
        return element("p", unknown, latest, class_="life")
    left = end - now
    code = ExitCode.BROKEN if left <= timedelta(0) else ExitCode.OK
    if code is ExitCode.OK and left < advice.EXPIRY_IS_NEAR:
        code = ExitCode.ATTENTION
    share = min(max(left / times.LIFETIME, 0.0), 1.0)
    bar = element(
        "svg",
        element("rect", width="100%", height=10, rx=5, class_="track"),
        element("rect", width=f"{share:.1%}", height=10, rx=5, class_=CODES[code][0]),
        width="100%",
        height=10,
        aria_hidden="true",
    )
    number = element("strong", _days_left(status, now), class_="days")
    words = " days left to replace it, until " if end != status.expires_at else " days left, until "
    return element("div", element("p", number, words, times.shown(end), "."), bar, class_="life")


def _facts(each: Mapping[str, Any], status: Status) -> Markup:
    last = status.last_request
    enabled: bool | None = each.get("enabled")
    asked = "none"
    if last is not None:
        asked = f"{last.outcome}; {times.shown(last.requested_at)}, by {last.trigger}"
    old = status.old_secret_dies_at
    facts = {
        "Issued": times.shown(status.issued_at),
        "In use since": times.shown(status.in_use_since),
        "Replace by": times.shown(status.replace_by),
        "Old secret dies": times.shown(old) if old else None,
        "Pending since": times.shown(status.pending_since) if status.pending else None,
        "Next rotation": screen.next_rotation(Application(each["application"], each["client_id"]), status),
        "Last request": asked,
        "Last accepted by Amazon": shown_time(each.get("last_accepted")),
        "Schedule": _SCHEDULE[enabled],
        "Messages of Amazon": "seen" if status.subscription_seen else "none seen yet",
        "Problem": status.problem or None,
    }
    lines = [element("div", element("dt", name), element("dd", text)) for name, text in facts.items() if text]
    return element("dl", *lines)


def _component(component: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Markup:
    title = element("h2", "Component ", badge(component.get("exit_code")))
    error = component.get("error")
    if isinstance(error, Mapping):
        return element("section", title, element("p", error.get("message"), " ", error.get("remedy")))
    queue, sounding = component.get("queue") or {}, component.get("sounding")
    counts = ", ".join(f"{queue.get(key, 'unknown')} {words}" for key, words in _QUEUE.items())
    alarms = "unknown" if sounding is None else ", ".join(map(str, sounding)) or "none"
    facts = [
        element("div", element("dt", name), element("dd", text))
        for name, text in (("Queue", counts), ("Alarms that sound", alarms))
    ]
    rows = []
    for each in component.get("findings") or []:
        sign, kind = VERDICTS.get(str(each.get("verdict")), VERDICTS["unknown"])
        needs = f"Needs {each['needs']}. " if each.get("needs") else ""
        cells = [
            element("td", element("span", sign, class_=f"badge {kind}")),
            element("th", each.get("look"), scope="row"),
            element("td", needs, each.get("detail"), remedy(each)),
        ]
        rows.append(element("tr", *cells))
    heads = (("", None), ("Looked at", None), ("Found", None))
    health = table(heads, rows) if rows else None
    return element(
        "section", title, element("dl", *facts), health, commands(component.get("next") or []), events_table(events)
    )


_SCHEDULE = {True: "enabled", False: "disabled", None: "none found"}
_QUEUE = {"waiting": "waiting", "in_flight": "in flight", "dead": "dead letters"}


def _status(each: Mapping[str, Any]) -> Status | None:
    document = each.get("status")
    return None if document is None else read_status(document)


def _days_left(status: Status | None, now: datetime) -> str:
    end = status.dies if status is not None else None
    return str(max((end - now) // timedelta(days=1), 0)) if end is not None else "unknown"


def _anchor(each: Mapping[str, Any]) -> str:
    return f"application-{each['client_id']}"
