"""The long run: ``python -m tests.faults [--singles] [--write]``. Exits with 1 on any violation or survivor.

``--singles`` leaves the pairs of faults out. ``--write`` puts the figures into ``docs/faults.md``, between its markers.
"""

import sys
import time
from collections.abc import Sequence
from multiprocessing import Pool
from pathlib import Path

from tests.faults.explore import Explorer, Figures
from tests.faults.meetings import meetings
from tests.faults.mutants import MUTANTS, hunt_all
from tests.faults.scenarios import scenarios
from tests.faults.workers import Meetings

WORKERS = 2
SWITCHES = 3
MOST_FAULTS = 2
DOCS = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def explore(job: tuple[int, int]) -> Figures:
    """Walk one scenario, given by its number, with at most so many faults."""
    number, most = job
    scenario = scenarios()[number]
    return Explorer(scenario, min(scenario.faults, most)).run()


def meet(number: int) -> Figures:
    """Walk one meeting."""
    return Meetings(meetings()[number], SWITCHES).run()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run everything and report."""
    begin = time.monotonic()
    most = 1 if "--singles" in arguments else MOST_FAULTS
    up_to = "one fault" if most == 1 else f"up to {most} faults"
    faults, together = Figures(), Figures()
    with Pool(WORKERS) as pool:
        for figures in pool.imap_unordered(explore, [(number, most) for number in range(len(scenarios()))]):
            faults.add(figures)
        _say(f"{faults.histories:,} histories with {up_to}: {faults.violated} with a violation")
        for figures in pool.imap_unordered(meet, range(len(meetings()))):
            together.add(figures)
        _say(f"{together.histories:,} interleavings of two workers: {together.violated} with a violation")
    verdicts = list(hunt_all(workers=WORKERS))
    caught = sum(verdict.caught for verdict in verdicts)
    rows = [
        ("scenarios", f"{len(scenarios()):,}"),
        (f"histories with {up_to}", f"{faults.histories:,}"),
        ("faults injected in them", f"{faults.faults:,}"),
        ("histories with a violation", f"{faults.violated:,}"),
        ("meetings of two workers", f"{len(meetings()):,}"),
        (f"interleavings with up to {SWITCHES} switches", f"{together.histories:,}"),
        ("interleavings with a violation", f"{together.violated:,}"),
        ("external calls after which the invariants were checked", f"{faults.calls + together.calls:,}"),
        ("deliberate defects caught", f"{caught} of {len(MUTANTS)}"),
    ]
    for what, figure in rows:
        _say(f"{what}: {figure}")
    for line in (*faults.violations, *together.violations):
        _say(f"VIOLATION {line}")
    for verdict in verdicts:
        _say(f"{verdict.mutant.name}: {verdict.caught_by or 'SURVIVED'}")
    _say(f"{time.monotonic() - begin:.0f} s on {WORKERS} processes")
    if "--write" in arguments:
        table = "\n".join(["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)])
        before, _, rest = DOCS.read_text().partition(BEGIN)
        DOCS.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    return 1 if faults.violated or together.violated or caught < len(MUTANTS) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
