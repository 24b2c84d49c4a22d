"""Pictures that are drawn from text: DOT to SVG, the same bytes on every machine."""

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1]
PICTURES = tuple(sorted(DOCS.rglob("*.dot")))
"""The sources; each picture lies beside its source."""


def draw(source: Path) -> str:
    """The SVG of a DOT file.

    Raises:
        subprocess.CalledProcessError: it is no DOT.
    """
    program = Path(sys.executable).with_name("graphviz-pure")
    done = subprocess.run([program, "-Tsvg", source], capture_output=True, text=True, check=True)
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"
