"""``python -m docs.tools.screenshots``: the report as a browser shows it, on a phone and on a desk, light and dark."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from docs.tools.pictures import DOCS
from spapi_rotation_cli.report_page import page
from tests.browser.chromium import DESKTOP, PHONE, running
from tests.browser.program import find
from tests.cli.report_example import example

FOLDER = DOCS / "pictures"
SCREENS = {
    f"report-{name}-{scheme}.png": replace(screen, scheme=scheme, scale=1)
    for name, screen in (("phone", PHONE), ("desktop", DESKTOP))
    for scheme in ("light", "dark")
}


def main() -> int:
    """Take them all; returns the exit code."""
    program = find()
    if program is None:
        sys.stderr.write("There is no Chromium on PATH, and the package that carries one is for Linux on x86_64.\n")
        return 1
    documents, now = example("shop")
    with tempfile.TemporaryDirectory() as folder, running(program) as browser:
        file = Path(folder) / "report.html"
        file.write_text(page(*documents, now), encoding="utf-8")
        for name, screen in SCREENS.items():
            browser.show(file.as_uri(), screen)
            (FOLDER / name).write_bytes(browser.picture())
    return 0


if __name__ == "__main__":
    sys.exit(main())
