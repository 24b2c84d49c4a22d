"""The table: each figure beside its goal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from tests.bench import call_figures
from tests.bench.deploy_figures import Deployed
from tests.bench.function_figures import FunctionFigures


@dataclass(frozen=True, slots=True)
class Row:
    """A figure.

    Attributes:
        ours, floor: what was measured, as texts.
        figure: the ratio or the difference, as a text.
        goal: as a text; empty if there is none.
        met: whether the figure meets it; None if there is none.
    """

    what: str
    ours: str
    floor: str
    figure: str
    goal: str = ""
    met: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        verdict = "" if self.met is None else "met" if self.met else "**missed**"
        return self.what, self.ours, self.floor, self.figure, self.goal, verdict


HEAD = ("what", "ours", "floor", "figure", "goal", "")
COLD, CHECK_MS, ROTATION_MS = 1.15, 0.5, 3.0
CHECK_CALLS, REQUEST_CALLS, RECEIPT_CALLS = 2, 9, 11
VCPU_MB = 1769
"""The memory with which a function has one processor. Source: Lambda guide, "Configure Lambda function memory"."""

SIZES_MB = (128, 192, 256, 384, 512, 1024, VCPU_MB)


def function_rows(found: FunctionFigures) -> list[Row]:
    """The function's rows."""
    check, least = found.checks["ours"].whole, found.checks["floor"].whole
    rotation, straight = (found.requests[kind].whole + found.receipts[kind].whole for kind in ("ours", "floor"))
    requested, received, calls = found.warm_request, found.warm_receipt, call_figures.count()
    both = median(map(sum, zip(requested.shares, received.shares, strict=True)))
    inside = median(map(sum, zip(requested.inside, received.inside, strict=True)))
    return [
        _ratio("cold check", check, least, COLD),
        _ratio("the same, if the zip held bytecode", found.checks["compiled"].whole, least),
        _ratio("cold rotation: a request, and what Amazon sends, each in a fresh process", rotation, straight, COLD),
        *(
            _ratio(f"of it, the {part}", figures["ours"].whole, figures["floor"].whole)
            for part, figures in (("request", found.requests), ("receipt and settling", found.receipts))
        ),
        _ratio(
            "the same rotation, if the zip held bytecode",
            found.requests["compiled"].whole + found.receipts["compiled"].whole,
            straight,
        ),
        _share("warm check", median(found.warm_check.shares), median(found.warm_check.inside), CHECK_MS),
        _share("warm request and receipt", both, inside, ROTATION_MS),
        _calls("AWS calls of a check at rest", calls.check, CHECK_CALLS),
        _calls("AWS calls of a request, beside the two of its check", calls.request, REQUEST_CALLS),
        _calls("AWS calls of a received and settled secret", calls.receipt, RECEIPT_CALLS),
        Row("calls of Amazon, request and receipt", f"{requested.amazon + received.amazon}", "4", ""),
        Row("modules loaded after a check", f"{len(found.modules)}", f"{len(found.floor_modules)}", ""),
        *(Row(f"most memory of a process, {what}", f"{peak:.0f} MB", "", "") for what, peak in found.peak_mb.items()),
    ]


def start_rows(found: FunctionFigures) -> list[tuple[str, ...]]:
    """What runs in Lambda's start phase and what in the handler."""
    kinds = (("check", found.checks), ("request", found.requests), ("receipt and settling", found.receipts))
    return [
        (
            what,
            *(f"{_ms(part)} ms" for one in ("ours", "floor") for part in (cold[one].start, cold[one].invocation)),
        )
        for what, cold in kinds
    ]


def memory_rows(found: FunctionFigures) -> list[tuple[str, ...]]:
    """What the processor's share makes of the handler's time, and of the GB-seconds that are billed."""
    rows: list[tuple[str, ...]] = []
    for size in SIZES_MB:
        slower = max(1.0, VCPU_MB / size)
        check, receipt = found.checks["ours"], found.receipts["ours"]
        times = [
            found.checks["ours"].start,
            check.invocation * slower,
            receipt.invocation * slower,
            median(map(sum, zip(found.warm_check.shares, found.warm_check.inside, strict=True))) * slower,
        ]
        billed = (times[0] + times[1]) * size / 1024
        rows.append((f"{size} MB", *(f"{_ms(each)} ms" for each in times), f"{billed * 1000:.0f} MB-s"))
    return rows


def function_lines(found: FunctionFigures) -> list[str]:
    """Everything of the function, in Markdown."""
    return [
        *table(HEAD, (row.cells() for row in function_rows(found))),
        "",
        *table(
            ("start phase, and first invocation", "our start", "our invocation", "floor's start", "floor's invocation"),
            start_rows(found),
        ),
        "",
        *table(
            ("memory", "start", "cold check", "cold receipt", "warm check", "billed for a cold check"),
            memory_rows(found),
        ),
    ]


def deployment_lines(found: Mapping[int, Mapping[str, Deployed]]) -> list[str]:
    """Everything of the deployment, in Markdown."""
    rows: list[tuple[str, ...]] = []
    for size, programs in found.items():
        ours, floor = programs["ours"], programs["floor"]
        names = ("preview", "first `up`", "`up` without a change")
        for name, mine, by_hand in zip(names, ours.seconds(), floor.seconds(), strict=True):
            rows.append((f"{size:,}", name, f"{mine:.1f} s", f"{by_hand:.1f} s", f"{mine / by_hand:.2f}"))
        sizes = f"{ours.state_bytes / 1000:,.0f} KB", f"{floor.state_bytes / 1000:,.0f} KB"
        rows.append((f"{size:,}", "state", *sizes, f"{ours.state_bytes / floor.state_bytes:.2f}"))
        rows.append((f"{size:,}", "resources in it", f"{ours.resources:,}", f"{floor.resources:,}", ""))
    return table(("applications", "what", "the component", "by hand", "ratio"), rows)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table in Markdown."""
    first = tuple(head)
    lines = [first, tuple("---" for _ in first), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _ratio(what: str, ours: float, floor: float, goal: float | None = None) -> Row:
    ratio = round(ours / floor, 2)
    texts = f"{_ms(ours)} ms", f"{_ms(floor)} ms", f"{ratio:.2f}"
    return Row(what, *texts) if goal is None else Row(what, *texts, f"≤ {goal:.2f}", ratio <= goal)


def _share(what: str, ours: float, inside: float, goal_ms: float) -> Row:
    share = round(ours * 1000, 2)
    whole, calls = f"{(ours + inside) * 1000:.1f} ms", f"{inside * 1000:.1f} ms"
    return Row(what, whole, calls, f"+ {share:.2f} ms", f"≤ + {goal_ms:g} ms", share <= goal_ms)


def _calls(what: str, made: int, goal: int) -> Row:
    return Row(what, f"{made}", "", f"{made}", f"≤ {goal}", made <= goal)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"
