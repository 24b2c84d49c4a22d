"""Everything that goes wrong on purpose, and how it ends, on the real engine.

``python -m tests.engine.fault_scenarios`` runs all of them, in one stack. The exit code is 0 only if each was seen to
end as expected, and no secret was found where none may be. ``--write-docs`` writes the table of ``docs/scenarios.md``
instead, and runs nothing.
"""

import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.canaries import Finding, search
from sandbox.paths import CHECKOUT, state_dir
from sandbox.session import App, Sandbox
from sandbox.timeline import Timeline
from tests.engine.fault_scenarios.catalog import SCENARIOS, Scenario, Stage
from tests.engine.fault_scenarios.deployment import End, World, steady_app
from tests.marked_block import renewed

DOCS = CHECKOUT / "docs" / "scenarios.md"
BEGIN, FINISH = "<!-- table: python -m tests.engine.fault_scenarios --write-docs -->", "<!-- end of the table -->"

AT_ONCE = 16
"""Scenarios at the same time."""

HOUR_SECONDS = 360.0
"""The schedules' hour: longer than a run, so that each check after the first is one that a scenario sends."""

VISIBILITY_SECONDS = {Stage.TOGETHER: 12, Stage.QUIET: 12, Stage.REDRIVE: 2, Stage.POISON: 2}
"""How long a message that was not taken stays invisible; 360 s in the component. A run takes a second or two."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a scenario ended; ``seen`` is None if it came to no end, for the reason in ``trouble``."""

    scenario: Scenario
    seen: End | None
    trouble: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether everything was seen as expected."""
        return self.seen == self.scenario.expected


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run.

    Attributes:
        results: one for each scenario.
        texts: how many texts were searched for secrets.
        findings: where one was found.
        control: whether the search finds a secret where one is.
    """

    results: tuple[Result, ...]
    texts: int
    findings: tuple[Finding, ...]
    control: bool

    @property
    def good(self) -> bool:
        """Whether nothing was seen that should not be."""
        return all(result.as_expected for result in self.results) and self.control and not self.findings


def run_all(folder: Path, show: Timeline, scenarios: Sequence[Scenario] = SCENARIOS) -> Report:
    """Run scenarios in a new sandbox.

    Args:
        folder: for the sandbox; emptied.
        show: is told how it goes.
    """
    with Sandbox(folder, progress=show.note, hour_seconds=HOUR_SECONDS, rate_period_seconds=1) as box:
        now = datetime.now(UTC)
        apps = {scenario.name: steady_app(scenario.name, now) for scenario in scenarios}
        show.step(f"pulumi up: one component, {len(apps)} applications")
        box.stack.configure(box.config(list(apps.values())))
        box.stack.up()
        world = World(box, list(apps.values()))
        # Each schedule checks once when it is made. So many at once take their time.
        world.until(lambda: all(world.checks(app) for app in world.apps))
        results: dict[str, Result] = {}
        for stage in Stage:
            chosen = [scenario for scenario in scenarios if scenario.stage is stage]
            show.step(f"{len(chosen)} scenarios {'one by one' if stage is Stage.QUIET else 'at the same time'}")
            world.set_visibility(VISIBILITY_SECONDS[stage])
            with ThreadPoolExecutor(1 if stage is Stage.QUIET else AT_ONCE) as pool:
                for result in pool.map(lambda each: _run(world, each, apps[each.name], show), chosen):
                    results[result.scenario.name] = result
        show.step("Search state, logs and outputs for every secret and token of this run")
        texts = world.evidence()
        show.note(f"{len(texts)} texts, {sum(map(len, texts.values())):,} characters")
        findings = box.search_secrets(texts) + (search(world.canaries, texts) if world.canaries else [])
        control = bool(box.search_secrets({"Secrets Manager": world.secret_text(next(iter(apps.values())))}))
        world.close()
    return Report(tuple(results[scenario.name] for scenario in scenarios), len(texts), tuple(findings), control)


def _run(world: World, scenario: Scenario, app: App, show: Timeline) -> Result:
    try:
        result = Result(scenario, scenario.run(world, app))
    except Exception:  # noqa: BLE001  (shown; the other scenarios go on)
        result = Result(scenario, None, traceback.format_exc(limit=-3))
    show.note(f"{scenario.name}: {'as expected' if result.as_expected else 'NOT as expected'}")
    return result


def show_report(report: Report, console: Console) -> int:
    """Print what was expected beside what was seen.

    Returns:
        the exit code: 0 only if nothing differs and no secret was found.
    """
    table = Table(title="Expected and observed", title_justify="left", show_lines=True)
    for column in ("scenario", "expected", "observed", ""):
        table.add_column(column, overflow="fold")
    for result in report.results:
        expected = result.scenario.expected.rows()
        seen = result.seen.rows() if result.seen else {}
        names = list(dict.fromkeys([*expected, *seen]))
        observed = Text("\n").join(
            Text(f"{name}: {seen.get(name, '(nothing)')}", style="" if seen.get(name) == expected.get(name) else "red")
            for name in names
        )
        table.add_row(
            Text(result.scenario.name),
            Text("\n".join(f"{name}: {expected.get(name, '(nothing)')}" for name in names)),
            observed if result.seen else Text(result.trouble, style="red"),
            Text("ok", style="green") if result.as_expected else Text("DIFFERS", style="bold red"),
        )
    console.print(table)
    for finding in report.findings:
        console.print(Text(f"A secret was found ({finding.form}) in {finding.place}", style="bold red"))
    different = [result.scenario.name for result in report.results if not result.as_expected]
    control = "" if report.control else "; the search finds nothing even where a secret is"
    console.print(
        f"{len(report.results)} scenarios, {len(different)} not as expected"
        f"{': ' + ', '.join(different) if different else ''}; "
        f"{len(report.findings)} secrets in {report.texts} texts{control}."
    )
    return 0 if report.good else 1


def table(scenarios: Sequence[Scenario] = SCENARIOS) -> str:
    """The table of the documentation."""
    lines = ["| scenario | what goes wrong | how it must end | what is looked for at each run |", "|---|---|---|---|"]
    for scenario in scenarios:
        seen = "<br>".join(f"{name}: {text}" for name, text in scenario.expected.rows().items())
        lines.append(
            " | ".join(
                ("| `" + scenario.name + "`", scenario.wrong, scenario.ends, seen.replace(" | ", " · ").strip() + " |")
            )
        )
    return "\n".join(lines) + "\n"


def docs_with_table(text: str) -> str:
    """The documentation with the present table in the place of the one that it has.

    Raises:
        ValueError: it has no place for one.
    """
    return renewed(text, BEGIN, FINISH, table().removesuffix("\n"))


def main(arguments: Sequence[str]) -> int:
    """Run all, or those named, or write the documentation; the exit code says whether all ended as expected."""
    if list(arguments) == ["--write-docs"]:
        DOCS.write_text(docs_with_table(DOCS.read_text()))
        return 0
    unknown = set(arguments) - {scenario.name for scenario in SCENARIOS}
    if unknown:
        print(f"There is no scenario {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2
    chosen = [scenario for scenario in SCENARIOS if not arguments or scenario.name in arguments]
    show = Timeline()
    show.step("Start the sandbox")
    report = run_all(state_dir() / "scenarios", show, chosen)
    return show_report(report, show.console)
