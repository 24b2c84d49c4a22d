"""What a run of the fleet found, added up over its components."""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes.aws_calls import amazons_calls, aws_calls

BINS = (
    ("up to 15 minutes", 15.0),
    ("up to 30 minutes", 30.0),
    ("up to 45 minutes", 45.0),
    ("up to an hour", 60.0),
    ("up to 2 hours", 120.0),
    ("up to 6 hours", 360.0),
    ("up to 12 hours", 720.0),
    ("up to a day", 1440.0),
    ("up to 3 days", 4320.0),
    ("up to 6 days", 8640.0),
    ("longer", math.inf),
)
"""How long rotations took, and the most minutes of each."""

OURS = "ours"
"""Of a time without a live credential: neither a person nor a stated exception has brought it about."""


@dataclass
class FleetFigures:
    """Added up over all applications.

    Attributes:
        years: virtual years.
        rotations: secrets that a request brought into use.
        posts: requests that were made, refused ones among them.
        waits: for each rotation that was due, how long until the new secret was in use, in seconds.
        late: by the client id and the day, the longest of these.
        open: rotations that were due at the end and had not come, and for how long they were, in seconds.
        dark: by whose doing, for each time without a live credential, how long it lasted, in seconds.
        dark_applications: by whose doing, how many applications were ever without one.
        lost: applications of which a secret that Amazon sent was lost.
        violated: applications of which anything was found broken.
        violations: what was broken, each with the application's history before it.
        checks, skipped: checks that were run, and those that could not matter.
        messages: deliveries of messages.
        calls: calls of the ports, by method, those of skipped checks among them.
        faults: what went wrong, by its name.
        states: of the applications at the end.
    """

    applications: int = 0
    years: float = 0.0
    rotations: int = 0
    posts: int = 0
    waits: list[float] = field(default_factory=list)
    open: list[float] = field(default_factory=list)
    dark: dict[str, list[float]] = field(default_factory=dict)
    dark_applications: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    violated: int = 0
    violations: list[str] = field(default_factory=list)
    checks: int = 0
    skipped: int = 0
    messages: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    def add(self, other: "FleetFigures") -> None:
        """Add another component's figures."""
        self.applications += other.applications
        self.years = max(self.years, other.years)
        self.rotations += other.rotations
        self.posts += other.posts
        self.waits += other.waits
        self.open += other.open
        for cause, lasted in other.dark.items():
            self.dark.setdefault(cause, []).extend(lasted)
        self.dark_applications += other.dark_applications
        self.lost += other.lost
        self.violated += other.violated
        self.violations += other.violations
        self.checks += other.checks
        self.skipped += other.skipped
        self.messages += other.messages
        self.calls += other.calls
        self.faults += other.faults
        self.states += other.states

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, nobody was without a live credential by our doing, and nothing else was broken."""
        return not (self.lost or self.violated or self.dark_applications[OURS])

    def rows(self) -> list[tuple[str, str]]:
        """The figures, as they are printed and stand in the documents."""
        made, application_years = self.checks + self.skipped, self.applications * self.years
        others = {cause: lasted for cause, lasted in sorted(self.dark.items()) if cause != OURS}
        aws = sum(aws_calls(self.calls).values()) / application_years
        return [
            ("applications, virtual years", f"{self.applications:,}, {self.years:g}"),
            ("secrets lost", f"{self.lost}"),
            ("applications ever without a live credential", f"{self.dark_applications[OURS]}"),
            ("applications of which a promise was broken", f"{self.violated}"),
            ("rotations", f"{self.rotations:,}"),
            ("posts per rotation", f"{self.posts / max(1, self.rotations):.3f}"),
            ("from due to live: p50", spell(quantile(self.waits, 0.5))),
            ("from due to live: p99", spell(quantile(self.waits, 0.99))),
            ("from due to live: worst", spell(max((*self.waits, *self.open), default=0.0))),
            ("AWS's calls for an application in a year", f"{aws:,.0f}"),
            ("Amazon's calls for an application in a year", f"{amazons_calls(self.calls) / application_years:,.0f}"),
            ("scheduled checks; of these run, since they could matter", f"{made:,}; {self.checks:,}"),
            ("deliveries of messages", f"{self.messages:,}"),
            *((what, f"{times:,}") for what, times in sorted(self.faults.items())),
            *(
                (
                    f"applications without a live credential: {cause}",
                    f"{self.dark_applications[cause]}, {_told(lasted)}",
                )
                for cause, lasted in others.items()
            ),
            ("states at the end", ", ".join(f"{state} {n:,}" for state, n in sorted(self.states.items()))),
        ]


def binned(waits: list[float]) -> list[tuple[str, int]]:
    """How many rotations took how long."""
    counts = Counter(next(name for name, minutes in BINS if wait <= 60 * minutes) for wait in waits)
    return [(name, counts[name]) for name, _ in BINS]


def _told(lasted: list[float]) -> str:
    return f"{len(lasted)} times, p50 {spell(quantile(lasted, 0.5))}, worst {spell(max(lasted))}"


def quantile(values: list[float], share: float) -> float:
    """The smallest of the values that this share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def spell(seconds: float) -> str:
    """A duration for a person."""
    lasted = timedelta(seconds=round(seconds))
    if lasted < timedelta(minutes=2):
        return f"{lasted.seconds} s"
    if lasted < timedelta(hours=2):
        return f"{round(lasted / timedelta(minutes=1))} min"
    if lasted < timedelta(days=2):
        return f"{lasted / timedelta(hours=1):.1f} h"
    return f"{lasted / timedelta(days=1):.1f} days"
