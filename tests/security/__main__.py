"""``make security``: run every tool, judge what it finds by the decisions, and show and keep the result.

``python -m tests.security checkov cfn-lint`` has only these two look; of the others the last run's rows stay. The exit
code is 0 only if every tool ran, nothing is found that was not decided about, and every suppression still suppresses
something.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from sandbox.timeline import Timeline
from sandbox.virtual_environment import EnvironmentFailed
from tests.security import policies
from tests.security.findings import Decisions, judge
from tests.security.stacks import stacks
from tests.security.table import Page, Row, shown, tables
from tests.security.tools import cfn_lint, checkov, dependencies, service_models
from tests.security.tools.scan import Scan, ToolFailed

TOOLS = (checkov.NAME, cfn_lint.NAME, cfn_lint.IAM, service_models.NAME, dependencies.NAME)


def main(words: Sequence[str] | None = None) -> int:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m tests.security", description="Have scanners look.")
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=f"one of {', '.join(TOOLS)}; all if none is given")
    asked = parser.parse_args(words).tools or TOOLS
    if unknown := set(asked) - set(TOOLS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(TOOLS)}")
    show, page, decisions = Timeline(), Page.read(), Decisions.read()
    show.step("Record what the component makes")
    rows = {row.tool: row for row in page.rows()}
    missed = [] if dependencies.NAME in asked else page.missed()
    failed = False
    for name, look in _looks(show).items():
        if name not in asked:
            continue
        show.step(shown(name))
        try:
            scan = look()
        except (EnvironmentFailed, ToolFailed) as problem:
            failed = not show.check(f"{shown(name)} ran", False, problem)
            continue
        rows[shown(name)] = _judged(show, scan, decisions)
        missed += scan.not_looked_at
    now = [rows[shown(name)] for name in TOOLS if shown(name) in rows]
    _summary(show, now, missed)
    if not failed:
        page.write(tables(now, missed, decisions))
        show.note("docs/security.md has the tables of this run")
    return show.verdict()


def _looks(show: Timeline) -> Mapping[str, Callable[[], Scan]]:
    """What each tool does."""
    recordings = stacks()
    documents = [
        *policies.documented(),
        *(each for name, one in recordings.items() for each in policies.made(name, one)),
    ]
    return {
        checkov.NAME: lambda: checkov.scan(recordings, documents, show.note),
        cfn_lint.NAME: lambda: cfn_lint.scan_counterparts(recordings, show.note),
        cfn_lint.IAM: lambda: cfn_lint.scan_policies(documents, show.note),
        service_models.NAME: lambda: service_models.scan(show.note),
        dependencies.NAME: lambda: dependencies.scan(show.note),
    }


def _judged(show: Timeline, scan: Scan, decisions: Decisions) -> Row:
    judged = judge(scan.findings, decisions, [scan.tool])
    for finding in judged.open:
        show.check(f"{finding.rule} {finding.where}", False, finding.text)
    for idle in judged.idle:
        show.check(f"the suppression of {idle.rule} {idle.where} suppresses something", False)
    show.check(
        f"looked at {scan.looked_at}: {len(scan.findings)} findings, each decided about",
        not judged.open,
        f"{len(judged.suppressed)} left as they are",
    )
    mended = sum(each.tool == scan.tool for each in decisions.mended)
    return Row(shown(scan.tool), scan.looked_at, len(scan.findings), len(judged.suppressed), mended)


def _summary(show: Timeline, rows: list[Row], missed: list[str]) -> None:
    table = Table(title="What the tools looked at", title_justify="left", box=None, padding=(0, 2))
    for column in ("tool", "looked at", "findings", "left as they are", "mended"):
        table.add_column(column)
    for row in rows:
        table.add_row(row.tool, row.looked_at, str(row.found), str(row.suppressed), str(row.mended))
    show.console.print(table)
    for each in missed:
        show.console.print(Text(f"NOT LOOKED AT  {each}", style="bold yellow"))


if __name__ == "__main__":
    sys.exit(main())
