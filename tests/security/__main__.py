"""``make security``: run every tool, judge what it finds by the decisions, and show and keep the result.

The exit code is 0 only if every tool ran, nothing is found that was not decided about, and every suppression still
suppresses something.
"""

import sys
from collections.abc import Callable

from rich.table import Table
from rich.text import Text

from sandbox.timeline import Timeline
from sandbox.virtual_environment import EnvironmentFailed
from tests.security import policies
from tests.security.findings import Decisions, judge
from tests.security.stacks import stacks
from tests.security.table import Page, Row, shown, tables
from tests.security.tools import aws_calls, cfn_lint, checkov, dependencies
from tests.security.tools.scan import Scan, ToolFailed


def main() -> int:
    """Run."""
    show = Timeline()
    decisions = Decisions.read()
    show.step("Record what the component makes")
    recordings = stacks()
    documents = [
        *policies.documented(),
        *(each for name, one in recordings.items() for each in policies.made(name, one)),
    ]
    tools: dict[str, Callable[[], Scan]] = {
        checkov.NAME: lambda: checkov.scan(recordings, documents, show.note),
        cfn_lint.NAME: lambda: cfn_lint.scan_counterparts(recordings, show.note),
        cfn_lint.IAM: lambda: cfn_lint.scan_policies(documents, show.note),
        aws_calls.NAME: lambda: aws_calls.scan(show.note),
        dependencies.NAME: lambda: dependencies.scan(show.note),
    }
    rows: list[Row] = []
    missed: list[str] = []
    for name, look in tools.items():
        show.step(shown(name))
        try:
            scan = look()
        except (EnvironmentFailed, ToolFailed) as problem:
            show.check(f"{shown(name)} ran", False, problem)
            continue
        rows.append(_judged(show, scan, decisions))
        missed += scan.not_looked_at
    _summary(show, rows, missed)
    if len(rows) == len(tools):
        Page.read().write(tables(rows, missed, decisions))
        show.note("docs/security.md has the tables of this run")
    return show.verdict()


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
