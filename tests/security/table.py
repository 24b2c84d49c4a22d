"""The tables of ``docs/security.md``: what each tool looked at and found, and what was decided about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sandbox.paths import CHECKOUT
from tests.security.environment import versions
from tests.security.findings import Decisions
from tests.security.tools import cfn_lint, checkov, dependencies, service_models

DOCS = CHECKOUT / "docs" / "security.md"

BEGIN, END = "<!-- scanners: made by `make security` -->\n", "<!-- end -->"
_BLOCK = re.compile(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", re.DOTALL)
_MISSED = "- "
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Row:
    """A tool's row.

    Attributes:
        tool: as it is shown, with its version.
        looked_at: what it looked at.
        found: findings of the last run.
        suppressed: how many of them are left as they are.
        mended: how many more were right, and are gone.
    """

    tool: str
    looked_at: str
    found: int
    suppressed: int
    mended: int

    def __str__(self) -> str:
        return f"| {self.tool} | {self.looked_at} | {self.found} | {self.suppressed} | {self.mended} |"


def shown(tool: str) -> str:
    """A tool's name for a person, with its version."""
    known = versions()
    names: Mapping[str, str] = {
        checkov.NAME: f"Checkov {known['checkov']}",
        cfn_lint.NAME: f"cfn-lint {known['cfn-lint']}",
        cfn_lint.IAM: f"cfn-lint {known['cfn-lint']}, its rules about IAM",
        service_models.NAME: f"botocore {service_models.version()}, its models of AWS's services",
        dependencies.NAME: f"pip-audit {known['pip-audit']}",
    }
    return names[tool]


def tables(rows: Sequence[Row], missed: Sequence[str], decisions: Decisions) -> str:
    """What stands between the markers.

    Args:
        missed: what no tool could look at, with the reason.
    """
    lines = [
        "| tool | looked at | findings | left as they are | mended |",
        "|---|---|---|---|---|",
        *map(str, rows),
        "",
    ]
    if missed:
        lines += ["Not looked at in the last run:", "", *(f"{_MISSED}{each}" for each in missed), ""]
    lines += ["| left as it is | where: stack/resource | why |", "|---|---|---|"]
    lines += [
        f"| {shown(each.tool).split()[0]} `{each.rule}` | `{each.where}` | {each.reason} |"
        for each in decisions.suppressions
    ]
    if decisions.mended:
        lines += ["", "| mended | what was changed |", "|---|---|"]
        lines += [f"| {shown(each.tool).split()[0]} `{each.rule}` | {each.what} |" for each in decisions.mended]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Page:
    """The page, and what stands in its block."""

    text: str
    block: str

    @classmethod
    def read(cls) -> Self:
        """Read it. Raises ValueError if it has no place for the tables, or several."""
        text = DOCS.read_text()
        blocks = _BLOCK.findall(text)
        if len(blocks) != 1:
            raise ValueError(f"{DOCS.name} has {len(blocks)} places for the scanners' tables")
        return cls(text, blocks[0])

    def rows(self) -> list[Row]:
        """The tools' rows as they stand there."""
        return [Row(tool, at, int(a), int(b), int(c)) for tool, at, a, b, c in _ROW.findall(self.block)]

    def missed(self) -> list[str]:
        """What no tool could look at, as it stands there."""
        return [line.removeprefix(_MISSED) for line in self.block.splitlines() if line.startswith(_MISSED)]

    def write(self, block: str) -> None:
        """Put another block in."""
        DOCS.write_text(self.text.replace(BEGIN + self.block + END, BEGIN + block + END))
