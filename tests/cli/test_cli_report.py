"""``report``: what the page says, that it is written whole or not at all, and that nothing secret is in it."""

import os
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from spapi_rotation_cli import report, report_page
from spapi_rotation_cli.answers import read_status
from spapi_rotation_cli.errors import CommandError
from spapi_rotation_cli.markup import Markup, element, joined
from spapi_rotation_cli.report_timeline import KINDS, spans
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.use_cases.history import EVENTS
from tests.cli.report_example import example
from tests.cli.terminal import Terminal
from tests.fakes.world import CLIENT_ID, World
from tests.unit.test_state import stuck, undated, unseeded

FULL, NOW = example()
VOID = {"meta", "br"}


class Read(HTMLParser):
    """The page's texts, and whether each element that is opened is closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and "style" not in self.open:
            self.texts.append(data.strip())


def written(terminal: Terminal, folder: Path, *words: str) -> Read:
    """Write a page, and read it."""
    file = folder / "report.html"
    typed = terminal.type("report", *words, "--html", str(file))
    assert (typed.code, typed.out) == (0, f"Written: {file}\n"), typed.err
    page = file.read_text(encoding="utf-8")
    terminal.said.append(page)
    return Read(page)


def test_the_page_tells_how_it_is_and_what_happened(terminal: Terminal, tmp_path: Path) -> None:
    terminal.type("rotate", "shop", "--yes", "--no-wait")
    terminal.world.clock.advance(minutes=1)
    terminal.world.drain()
    terminal.world.clock.advance(days=12)
    texts = written(terminal, tmp_path).texts
    assert texts[:2] == ["Client secret rotation", "Client secret rotation"]
    assert "167" in texts
    assert "days left, until 2026-08-29 12:00 UTC." in " ".join(texts)
    assert "not due before 2026-05-01T12:00:00.000Z." in texts
    assert "a rotation was requested; Amazon confirmed it" in texts
    assert "Amazon may send to arn:aws:sqs:us-east-1:123456789012:destination." in texts


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (stuck, "days left to replace it, until 2026-03-03 12:00 UTC."),
        (undated, "Nobody knows when the secret in use dies."),
        (unseeded, "The secret holds no credentials yet."),
    ],
    ids=["stuck", "undated", "unseeded"],
)
def test_the_life_of_the_secret_is_what_matters_first(terminal: Terminal, tmp_path: Path, step: Any, said: str) -> None:
    """A secret that has to be replaced tomorrow is not shown with the months it would live on paper."""
    step(terminal.world)
    assert said in " ".join(written(terminal, tmp_path).texts)


def test_it_shows_what_status_and_history_give_and_asks_for_nothing_else(terminal: Terminal, tmp_path: Path) -> None:
    written(terminal, tmp_path)
    asked = [each["operator"] for each in terminal.aws.function.events]
    assert sorted(asked) == ["applications", "doctor", "history", "last_accepted", "status"]
    assert not [each for each in terminal.aws.function.events if "who" in each]


def test_by_default_the_life_of_a_secret_is_told_and_since_tells_more(terminal: Terminal, tmp_path: Path) -> None:
    written(terminal, tmp_path)
    written(terminal, tmp_path, "shop", "--since", "2025-01-01")
    first, second = (each for each in terminal.aws.function.events if each["operator"] == "history")
    assert (first["since"], second["since"]) == ("2025-09-03", "2025-01-01")


def test_one_that_cannot_be_read_is_said_and_hides_nothing(terminal: Terminal, tmp_path: Path) -> None:
    other = World()
    other.seed()
    other.clock.time = terminal.world.clock.time
    terminal.aws.function.add("outlet", other)

    def break_one() -> None:
        if terminal.aws.function.events[-1].get("client_id") == CLIENT_ID:
            raise_it = StoreFailed("AWS failed.", remedy="Try again.")
            terminal.aws.function.answers["status"] = {
                "protocol": 1,
                "error": {"type": type(raise_it).__name__, "message": "AWS failed.", "remedy": "Try again."},
            }
        else:
            terminal.aws.function.answers.pop("status", None)

    terminal.aws.function.just_before["status"] = break_one
    texts = written(terminal, tmp_path).texts
    assert "✗ cannot be read" in texts
    assert "AWS failed." in texts
    assert "✓ CURRENT" in texts


def test_no_element_leads_elsewhere() -> None:
    page = Read(report_page.page(*FULL, NOW))
    assert {address[0] for address in page.addresses} == {"#"}
    template = (Path(report_page.__file__).parent / report_page.TEMPLATE).read_text()
    assert not re.search(r"url\(|@import|<script|<link|https?:", template)


# The timeline.


def test_each_secret_is_a_bar_from_its_use_to_its_death() -> None:
    found, history = FULL
    (shop,) = (each for each in found["applications"] if each["application"] == "shop")
    events = [each for each in history["events"] if each.get("client_id") == shop["client_id"]]
    first, second = spans(read_status(shop["status"]), events)
    requested = [each["at"] for each in events if each["event"] == "rotation_requested"]
    assert first.begins.isoformat()[:10] == requested[0][:10]
    assert first.ends == second.begins
    assert first.dies is not None
    assert second.dies is not None
    assert first.dies - second.begins < timedelta(days=7)
    assert second.dies - second.begins > timedelta(days=179)
    assert second.ends is None


def test_the_same_secret_in_another_version_is_the_same_bar() -> None:
    found, history = FULL
    (shop,) = (each for each in found["applications"] if each["application"] == "shop")
    labels = {**shop["status"]["labels"], "AWSCURRENT": "written-by-its-owner"}
    status = read_status({**shop["status"], "labels": labels, "in_use_since": "2026-05-20T00:00:00Z"})
    events = [each for each in history["events"] if each.get("client_id") == shop["client_id"]]
    assert [bar.version for bar in spans(status, events)][1:] == ["written-"]
    assert spans(status, events)[1].begins.isoformat()[:7] != "2026-05-20"


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_bar_dies_7_days_after_the_next_secret_was_made_whoever_promoted_that(by_hand: bool) -> None:
    found, _ = FULL
    (shop,) = (each for each in found["applications"] if each["application"] == "shop")
    events: list[dict[str, str]] = []
    for month in "345":
        made, at = f"2026-0{month}-01T00:00:00Z", f"2026-0{month}-02T00:00:00Z"
        events += [
            {"event": "secret_stored", "at": at, "notification_id": f"message-{month}", "issued_at": made},
            {"event": "secret_promoted", "at": at, "version_id": f"v{month}", "rotation_id": f"message-{month}"},
        ]
        if by_hand:
            events.append({"event": "promoted_by_hand", "at": at, "version_id": f"v{month}"})
    labels = {**shop["status"]["labels"], "AWSCURRENT": "v5"}
    status = read_status({**shop["status"], "labels": labels, "issued_at": made, "in_use_since": at})
    dies = [bar.dies.date().isoformat() if bar.dies else None for bar in spans(status, events)]
    assert dies[:2] == ["2026-04-08", "2026-05-08"]


def test_a_bar_ends_where_the_secret_really_dies() -> None:
    """While a newer one waits, that is 7 days after the rotation, whatever the secret's own expiry."""
    found, history = FULL
    (outlet,) = (each for each in found["applications"] if each["application"] == "outlet")
    status = read_status(outlet["status"])
    (bar,) = spans(status, [each for each in history["events"] if each.get("client_id") == outlet["client_id"]])
    assert bar.dies == status.old_secret_dies_at != status.expires_at


def test_every_event_with_a_sign_exists() -> None:
    assert set(KINDS) <= set(EVENTS)


# The file.


def test_what_was_there_stays_when_the_page_cannot_be_made(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("as before")
    terminal.aws.function.answers["history"] = {"protocol": 1, "events": "none"}
    assert terminal.type("report", "--html", str(file), "--json").error("UnexpectedAnswer")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    assert file.read_text() == "as before"


def test_what_was_there_stays_when_writing_fails_half_way(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report.html"
    file.write_text("as before")
    # A surrogate cannot be encoded; what precedes it can.
    monkeypatch.setattr(report, "page", lambda *_: "x" * 100_000 + "\ud800")
    assert terminal.type("report", "--html", str(file)).code == 1
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    assert file.read_text() == "as before"


def test_what_stands_in_the_way_of_writing_is_said_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    other = file.with_name(f".{file.name}.{os.getpid()}")
    other.write_text("another program's")
    with pytest.raises(CommandError, match="could not be written: File exists") as caught:
        report._write(file, "text")
    assert caught.value.kind == "NotWritten"
    assert (file.exists(), other.read_text()) == (False, "another program's")


@pytest.mark.parametrize(
    ("place", "kind"),
    [("", "IsAFolder"), ("no/such/report.html", "NoFolder"), ("/dev/null", "NoFile")],
)
def test_what_cannot_be_the_file_is_refused_before_anything_is_asked(
    terminal: Terminal, tmp_path: Path, place: str, kind: str
) -> None:
    typed = terminal.type("report", "--html", str(tmp_path / place), "--json")
    assert typed.code == 2
    said = typed.error(kind)
    assert terminal.aws.function.events == []
    if kind == "IsAFolder":
        assert f"--html {tmp_path / 'report.html'}" in said


def test_a_link_stays_a_link(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "real.html").write_text("as before")
    (tmp_path / "link.html").symlink_to("real.html")
    assert terminal.type("report", "--html", str(tmp_path / "link.html")).code == 0
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text().startswith("<!DOCTYPE html>")


def test_a_file_is_named(terminal: Terminal, tmp_path: Path) -> None:
    typed = terminal.type("report", "--json", "--html", str(tmp_path / "report.html"))
    assert typed.document == {"file": str(tmp_path / "report.html")}
    assert "--html" in terminal.type("report", "--json").error("Usage")


# Markup.


def test_whatever_is_no_markup_is_escaped() -> None:
    assert element("p", "<b>", element("i", "&"), None, class_='"') == '<p class="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    assert joined("\u202e<", 1) == "?&lt;1"
    assert type(Markup("<b>") + "<b>") is str
