"""The long run: ``python -m tests.exploration [--singles] [--write]``. Exits with 1 on a violation or a missed defect.

``--singles`` walks single faults only. ``--write`` puts the figures into ``docs/faults.md``, between its markers.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path

from sandbox.aws.emulator import AwsEmulator
from tests.exploration import random_histories, store_contract
from tests.exploration.all_scenarios import scenarios
from tests.exploration.defects import DEFECTS, Verdict, look_for_all, require_that_all_apply
from tests.exploration.explore import Explorer, Figures
from tests.exploration.meetings import meetings
from tests.exploration.random_histories import RandomFigures
from tests.exploration.workers import Meetings
from tests.marked_block import renewed

WORKERS = 2
SWITCHES = 3
EXAMPLES, RULES = 600, 50
CONTRACT_SEQUENCES = 400
BEGIN = time.monotonic()
DOCS = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
FIRST, LAST = "<!-- figures: begin -->", "<!-- figures: end -->"


@dataclass
class Report:
    """Everything that a long run found."""

    alone: Figures = field(default_factory=Figures)
    together: Figures = field(default_factory=Figures)
    allowed: int = 0
    random: RandomFigures = field(default_factory=RandomFigures)
    differences: list[store_contract.Difference] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def survivors(self) -> list[Verdict]:
        """The defects that nothing caught."""
        return [verdict for verdict in self.verdicts if not verdict.caught]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        broken = self.alone.violated or self.together.violated or self.random.violation or self.differences
        return not broken and not self.survivors

    def rows(self, *, singles: bool) -> list[tuple[str, str]]:
        """The figures, as they stand in the documents."""
        faults = "one fault" if singles else "two faults, many with three, one with four"
        shared = "invocations of the real code in them (histories that reach the same world share the rest)"
        return [
            ("scenarios", f"{len(scenarios())}"),
            (f"histories with up to {faults}", f"{self.alone.histories:,}"),
            ("faults in them", f"{self.alone.faults:,}"),
            ("people's faults in them", f"{self.alone.people:,}"),
            (shared, f"{self.alone.invocations:,}"),
            ("external calls of these, the invariants checked after each", f"{self.alone.calls:,}"),
            ("different ends, run until quiet, cleared, and rotated again 61 days later", f"{self.alone.ends:,}"),
            ("histories with a violation", f"{self.alone.violated}"),
            ("meetings of two workers", f"{len(meetings())}"),
            (f"interleavings with up to {SWITCHES} switches", f"{self.together.histories:,}"),
            ("external calls of these", f"{self.together.calls:,}"),
            ("interleavings with a violation", f"{self.together.violated}"),
            ("interleavings with the violation that the design allows", f"{self.allowed:,}"),
            ("random histories", f"{self.random.examples:,}"),
            ("rules applied in them", f"{self.random.rules:,}"),
            ("people's faults among these", f"{self.random.people:,}"),
            ("external calls of these", f"{self.random.calls:,}"),
            ("random histories with a violation", f"{int(bool(self.random.violation))}"),
            ("sequences compared with the emulator's Secrets Manager", f"{CONTRACT_SEQUENCES:,}"),
            ("differences", f"{len(self.differences)}"),
            ("deliberate defects caught", f"{len(self.verdicts) - len(self.survivors)} of {len(DEFECTS)}"),
        ]


def explore(job: tuple[int, bool]) -> Figures:
    """Walk one scenario, given by its number."""
    number, singles = job
    scenario = scenarios()[number]
    return Explorer(scenario, min(scenario.faults, 1) if singles else scenario.faults).run()


def meet(number: int) -> tuple[Figures, int]:
    """Walk one meeting."""
    meetings_of_one = Meetings(meetings()[number], SWITCHES)
    return meetings_of_one.run(), meetings_of_one.allowed


def play(seed: int) -> RandomFigures:
    """Random histories."""
    return random_histories.run(EXAMPLES, RULES, seed)


def compare() -> list[store_contract.Difference]:
    """The modelled Secrets Manager against the emulator's."""
    with tempfile.TemporaryDirectory() as folder, AwsEmulator(Path(folder)) as aws:
        client = aws.client("secretsmanager")
        found = (store_contract.compare(client, store_contract.sequence(seed)) for seed in range(CONTRACT_SEQUENCES))
        return [difference for difference in found if difference is not None]


def run(*, singles: bool) -> Report:
    """Run everything, on two processes."""
    require_that_all_apply()
    report = Report()
    with Pool(WORKERS, maxtasksperchild=1) as pool:
        jobs = [(number, singles) for number in range(len(scenarios()))]
        for done, figures in enumerate(pool.imap_unordered(explore, jobs, chunksize=1), 1):
            report.alone.add(figures)
            _tell(figures)
            if done % 20 == 0:
                _say(f"{done} of {len(jobs)} scenarios, {report.alone.histories:,} histories so far")
        _say(f"{report.alone.histories:,} histories: {report.alone.violated} with a violation")
        for figures, allowed in pool.imap_unordered(meet, range(len(meetings())), chunksize=1):
            report.together.add(figures)
            _tell(figures)
            report.allowed += allowed
        _say(f"{report.together.histories:,} interleavings: {report.together.violated} with a violation")
        for played in pool.imap_unordered(play, range(2 * WORKERS), chunksize=1):
            report.random.add(played)
        _say(f"{report.random.examples:,} random histories: {'one' if report.random.violation else 'none'} violates")
    report.differences = compare()
    _say(f"{CONTRACT_SEQUENCES:,} sequences on both: {len(report.differences)} differ")
    report.verdicts = list(look_for_all(workers=WORKERS))
    _say(f"defects caught {len(report.verdicts) - len(report.survivors)} of {len(DEFECTS)}")
    return report


def _tell(figures: Figures) -> None:
    for line in figures.violations:
        _say(f"VIOLATION {line}")


def _say(line: str) -> None:
    sys.stdout.write(f"{time.monotonic() - BEGIN:6.0f} s  {line}\n")
    sys.stdout.flush()


def _write(rows: list[tuple[str, str]], report: Report) -> None:
    figures = ["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in rows)]
    caught = ["| deliberate defect | caught by |", "|---|---|"]
    for verdict in report.verdicts:
        where, _, what = verdict.caught_by.partition("] ")
        seen = what.partition(" <- ")[0].partition(" | ")[0]
        found = f"{where.lstrip('[')}: {seen}" if verdict.caught else "(survived)"
        caught.append(f"| {verdict.defect.name} | {found} |")
    DOCS.write_text(renewed(DOCS.read_text(), FIRST, LAST, "\n".join((*figures, "", *caught))))


def main(arguments: Sequence[str]) -> int:
    """Run everything and report."""
    if unknown := set(arguments) - {"--singles", "--write"}:
        _say(f"Unknown: {', '.join(sorted(unknown))}. There are --singles and --write.")
        return 2
    singles = "--singles" in arguments
    report = run(singles=singles)
    rows = report.rows(singles=singles)
    for what, figure in rows:
        _say(f"{what}: {figure}")
    for verdict in report.verdicts:
        _say(f"{verdict.defect.name}: {verdict.caught_by or 'SURVIVED'}")
    if report.random.violation:
        _say(f"VIOLATION {report.random.violation}")
    for difference in report.differences:
        _say(f"DIFFERENCE {difference}")
    _say(f"done, on {WORKERS} processes")
    if "--write" in arguments:
        _write(rows, report)
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
