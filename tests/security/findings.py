"""What the scanners find, and what was decided about it: mended, or left as it is with a reason."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

DECISIONS = Path(__file__).with_name("decisions.toml")
"""The one file of decisions."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that a tool does not like.

    Attributes:
        tool: the tool's name.
        rule: its rule.
        where: the resource, policy, call or package.
        text: what the tool says.
    """

    tool: str
    rule: str
    where: str
    text: str = field(compare=False, default="")


@dataclass(frozen=True, slots=True)
class Suppression:
    """A finding that is left as it is.

    Attributes:
        tool, rule: as in the finding.
        where: a pattern with ``*`` for the finding's.
        reason: why.
    """

    tool: str
    rule: str
    where: str
    reason: str

    def matches(self, finding: Finding) -> bool:
        """Whether it is about that finding."""
        return (self.tool, self.rule) == (finding.tool, finding.rule) and fnmatchcase(finding.where, self.where)


@dataclass(frozen=True, slots=True)
class Mended:
    """A finding that was right, and is gone.

    Attributes:
        tool, rule: of the finding.
        what: what was changed.
    """

    tool: str
    rule: str
    what: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided about every finding so far."""

    suppressions: Sequence[Suppression]
    mended: Sequence[Mended]

    @classmethod
    def read(cls, file: Path = DECISIONS) -> "Decisions":
        """Read the file. Raises TypeError if an entry has other keys, ValueError if one says nothing."""
        known = tomllib.loads(file.read_text())
        if extra := known.keys() - {"suppressed", "mended"}:
            raise ValueError(f"{file.name} has {', '.join(sorted(extra))}")
        decisions = cls(
            [Suppression(**each) for each in known.get("suppressed", ())],
            [Mended(**each) for each in known.get("mended", ())],
        )
        if any(not each.reason.strip() for each in decisions.suppressions):
            raise ValueError(f"{file.name} has a suppression without a reason")
        return decisions


@dataclass(frozen=True, slots=True)
class Judged:
    """Findings held against the decisions.

    Attributes:
        open: findings about which nothing was decided.
        suppressed: those that are left as they are.
        idle: suppressions of the tools that ran, of which nothing is left to suppress.
    """

    open: list[Finding]
    suppressed: list[Finding]
    idle: list[Suppression]


def judge(findings: Sequence[Finding], decisions: Decisions, tools: Sequence[str]) -> Judged:
    """Hold findings against the decisions.

    Args:
        tools: those that ran.
    """
    of_these = [each for each in decisions.suppressions if each.tool in tools]
    suppressed = [each for each in findings if any(one.matches(each) for one in of_these)]
    return Judged(
        open=sorted(each for each in findings if each not in suppressed),
        suppressed=suppressed,
        idle=[one for one in of_these if not any(one.matches(each) for each in findings)],
    )
