"""The subcommand ``report``: a page for people who would rather look."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spapi_rotation_cli import choosing, history, looking, times
from spapi_rotation_cli.answers import Application
from spapi_rotation_cli.errors import CommandError, ExitCode, UsageProblem
from spapi_rotation_cli.report_page import page
from spapi_rotation_cli.session import Session


def report(session: Session, name: str | None, client_id: str | None, file: Path, since: str | None) -> ExitCode:
    """Write the page about one application, or about every one. Raises CommandError; the file is as before then."""
    place = _place(file)
    applications = choosing.some(session, name, client_id)
    found = looking.look(session, applications)
    now = max(view.now for view in found.views)
    began = since or (now - times.LIFETIME).date().isoformat()
    told = _history(session, applications[0] if len(applications) == 1 else None, began)
    _write(place, page(found.as_json(session), told, now))
    if session.options.json:
        session.output.document({"file": str(place)})
    session.output.line(f"Written: {place}")
    return ExitCode.OK


def _history(session: Session, application: Application | None, since: str) -> Mapping[str, Any]:
    """What ``history --json`` gives."""
    began: object = since
    events: list[Mapping[str, Any]] = []
    with session.output.waiting("Reading the history"):
        for part in history.pages(session, application, since):
            began = part.since
            events += part.events
    return {"since": began, "events": events}


def _place(file: Path) -> Path:
    """Where to write. Raises UsageProblem where that cannot be a file."""
    place = file.resolve()
    if place.is_dir():
        raise UsageProblem(
            "IsAFolder", f"{file} is a folder.", remedy=f"Name a file in it: --html {file / 'report.html'}"
        )
    if place.exists() and not stat.S_ISREG(place.stat().st_mode):
        raise UsageProblem("NoFile", f"{file} is not a file that can be replaced.", remedy="Name another one.")
    if not place.parent.is_dir():
        raise UsageProblem("NoFolder", f"There is no folder {place.parent}.", remedy="Make it, or name another file.")
    return place


def _write(place: Path, text: str) -> None:
    """Write all of it or nothing: what was there stays until the new page is complete."""
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        unfinished = beside.open("x", encoding="utf-8")
        try:
            with unfinished:
                unfinished.write(text)
            beside.replace(place)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CommandError(
            "NotWritten",
            f"{place} could not be written: {error.strerror}.",
            remedy="Nothing was changed. Make room, or name a file in a folder where you may write.",
        ) from None
