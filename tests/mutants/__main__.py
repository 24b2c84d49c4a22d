"""``python -m tests.mutants``: small changes of the modules that decide, and whether the unit tests notice them.

Exits with 1 when a change that nobody notices is not named in ``survivors.toml``, when one that is named there is
noticed or gone, when too few are noticed, or when the run did not come to its end. ``--write`` puts the figures into
``docs/testing.md``; ``--keep`` goes on with what an earlier run found, and tries again what nobody noticed then;
``--only rules`` changes the modules whose paths contain that, and looks at their survivors only.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.results import Results, document, entries, found, named
from tests.mutants.work_folder import FOLDER, ROOT, TESTER, lay_out, modules

WORKERS = 2
DOCS = ROOT / "docs" / "testing.md"
SURVIVORS = Path(__file__).with_name("survivors.toml")
UNNAMED = FOLDER / "unnamed.toml"
TOLD_EVERY_SECONDS = 60


class TesterFailed(Exception):
    """mutmut did not come to its end; the text is what it said last."""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def try_changes(workers: int, *, again: bool) -> None:
    """Let mutmut try all changes; again also those that nobody noticed. Raises TesterFailed."""
    log = FOLDER / "mutmut.log"
    program = [sys.executable, str(TESTER)]
    if again:
        subprocess.run([*program, "forget"], cwd=FOLDER, check=True)
    run = [*program, "run", "--max-children", str(workers)]
    with log.open("w") as output, subprocess.Popen(run, cwd=FOLDER, stdout=output, stderr=output) as tester:
        while tester.poll() is None:
            try:
                tester.wait(TOLD_EVERY_SECONDS)
            except subprocess.TimeoutExpired:
                _say(_last_lines(log, 1))
    if tester.returncode != 0:
        raise TesterFailed(_last_lines(log, 40))


def _last_lines(log: Path, count: int) -> str:
    """mutmut writes its progress over itself."""
    lines = [line for line in log.read_text().replace("\r", "\n").splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def results(only: str) -> Results:
    """What mutmut has found, and the survivors that are named."""
    told = subprocess.run(
        [sys.executable, str(TESTER), "found"], cwd=FOLDER, check=True, capture_output=True, text=True
    )
    survivors = {change: why for change, why in named(SURVIVORS.read_text()).items() if only in change.module}
    return Results(found(json.loads(told.stdout)), survivors)


def try_all(only: str, workers: int, *, again: bool) -> Results:
    """Try all changes, and once more those whose tests crashed. Raises TesterFailed."""
    try_changes(workers, again=again)
    tried = results(only)
    if tried.crashed:
        _say(f"{tried.crashed} test processes crashed, which says nothing of the change: what is left is tried again")
        try_changes(workers, again=True)
        tried = results(only)
    return tried


def main(arguments: Sequence[str]) -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Small changes, and who notices them.")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/testing.md")
    parser.add_argument("--keep", action="store_true", help="go on with what an earlier run found")
    parser.add_argument("--only", default="", help="a part of a module's path; changes these modules only")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"processes at the same time ({WORKERS})")
    chosen = parser.parse_args(arguments)
    if chosen.only and chosen.write:
        parser.error("--write needs all modules")
    changed = modules(chosen.only)
    if not changed:
        parser.error(f"no module that is changed has {chosen.only} in its path")
    begin = time.monotonic()
    lay_out(changed, keep=chosen.keep)
    try:
        tried = try_all(chosen.only, chosen.workers, again=chosen.keep and (FOLDER / "mutants").exists())
    except TesterFailed as failed:
        _say(f"mutmut failed:\n{failed}")
        return 1
    minutes = (time.monotonic() - begin) / 60
    for name, changes, noticed, survive in tried.rows():
        _say(f"{name.strip('`')}: {noticed} of {changes} noticed, {survive} survive")
    complaints = list(tried.complaints())
    for complaint in complaints:
        _say(complaint)
    if tried.unnamed:
        UNNAMED.write_text(entries(tried.unnamed))
        _say(f"{UNNAMED.relative_to(ROOT)} has those that are not named, as entries without a reason")
    _say(f"{tried.share:.1%} noticed, {minutes:.0f} min on {chosen.workers} processes")
    if chosen.write:
        DOCS.write_text(document(DOCS.read_text(), tried, None if chosen.keep else minutes))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
