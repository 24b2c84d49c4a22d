"""``python -m tests.fleet``: many applications over virtual years. Exits with 1 when anything was lost or broken.

``--applications 10000`` for more than 1,000, ``--years`` and ``--seed`` for others. ``--write`` puts the figures into
``docs/fleet.md``, between its markers, and draws its picture.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from multiprocessing import Pool
from pathlib import Path

from docs.tools import due_to_live
from tests.fleet.fleet_figures import FleetFigures, binned
from tests.fleet.life import AS_PLANNED
from tests.fleet.shared_component import SharedComponent
from tests.marked_block import renewed

WORKERS = 2
MOST_IN_A_COMPONENT = 500
DOCS = Path(__file__).resolve().parents[2] / "docs" / "fleet.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
MOST_TOLD = 5


def live(number: int, *, size: int, seed: int, years: float) -> FleetFigures:
    """One component's years."""
    return SharedComponent(number, size, seed, AS_PLANNED, years).run()


def run(applications: int, *, seed: int, years: float) -> FleetFigures:
    """All of them, in components of the same size, on two processes. The same seed gives the same figures."""
    components = max(1, -(-applications // MOST_IN_A_COMPONENT))
    job = partial(live, size=-(-applications // components), seed=seed, years=years)
    figures = FleetFigures()
    with Pool(min(WORKERS, components), maxtasksperchild=1) as pool:
        for found in pool.imap(job, range(components), chunksize=1):
            figures.add(found)
            if components > WORKERS:
                _say(f"{figures.applications:,} applications: {figures.violated} broken, {figures.lost} lost")
    return figures


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def document(text: str, figures: FleetFigures) -> str:
    """The page with these figures between its markers."""
    lines = ["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in figures.rows())]
    lines += ["", due_to_live.HEAD, "|---|---|", *(f"| {what} | {count:,} |" for what, count in binned(figures.waits))]
    return renewed(text, BEGIN, END, "\n".join(lines))


def main(arguments: Sequence[str]) -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description="Many applications over virtual years.")
    parser.add_argument("--applications", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--years", type=float, default=2.0, help="how many virtual years (2)")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (1)")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/fleet.md")
    chosen = parser.parse_args(arguments)
    if chosen.applications < 1 or chosen.years <= 0:
        parser.error("it takes at least one application, and some time")
    begin = time.monotonic()
    figures = run(chosen.applications, seed=chosen.seed, years=chosen.years)
    for what, figure in figures.rows():
        _say(f"{what}: {figure}")
    for told in figures.violations[:MOST_TOLD]:
        _say(f"VIOLATION {told}")
    if len(figures.violations) > MOST_TOLD:
        _say(f"and {len(figures.violations) - MOST_TOLD} more")
    _say(f"{time.monotonic() - begin:.0f} s on {WORKERS} processes, seed {chosen.seed}")
    if chosen.write:
        DOCS.write_text(document(DOCS.read_text(), figures))
        due_to_live.FILE.write_text(due_to_live.picture(DOCS.read_text()), encoding="utf-8")
    return 0 if figures.is_clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
