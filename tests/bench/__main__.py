"""Prints the figures: ``python -m tests.bench [--write] [--runs N] [--only PART] [--thousand]``."""

import argparse
import sys
from pathlib import Path

from tests.bench import bench_table, deploy_figures, function_figures
from tests.marked_block import renewed

DOCS = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
MARKERS = "<!-- {part}: begin -->", "<!-- {part}: end -->"


def main() -> int:
    """Measure and print. A goal that is missed is no failure of the command: it is shown."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=function_figures.RUNS, help="fresh processes of each kind")
    parser.add_argument("--only", choices=["function", "deployment"], help="one part of the measurements")
    parser.add_argument("--thousand", action="store_true", help="deploy 1,000 applications too, which takes long")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    asked = parser.parse_args()
    parts: dict[str, list[str]] = {}
    if asked.only != "deployment":
        parts["function"] = bench_table.function_lines(function_figures.measure(_say, asked.runs))
        _say("\n".join(parts["function"]))
    if asked.only != "function":
        sizes = (*deploy_figures.SIZES, *((1000,) if asked.thousand else ()))
        parts["deployment"] = bench_table.deployment_lines(deploy_figures.measure(_say, sizes))
        _say("\n".join(parts["deployment"]))
    if asked.write:
        _write(parts)
    return 0


def _write(parts: dict[str, list[str]]) -> None:
    text = DOCS.read_text()
    for part, lines in parts.items():
        begin, end = (marker.format(part=part) for marker in MARKERS)
        text = renewed(text, begin, end, "\n".join(lines))
    DOCS.write_text(text)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
