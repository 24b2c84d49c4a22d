"""The tables of docs/security.md are those of the tools, decisions and recordings at hand, as far as that is cheap.

What a tool finds is known after ``make security`` alone; that the number of its findings is that of its suppressed
ones is seen here, since a run that leaves anything open fails.
"""

import re

from tests.security import policies
from tests.security.cloudformation import template
from tests.security.findings import Decisions
from tests.security.stacks import stacks
from tests.security.table import Page, shown, tables
from tests.security.terraform import resources
from tests.security.tools import cfn_lint, checkov, dependencies, service_models


def test_the_tables_are_made_of_the_decisions_at_hand() -> None:
    page = Page.read()
    assert page.block == tables(page.rows(), page.missed(), Decisions.read()), "run: make security"


def test_each_tool_is_there_in_its_version_and_nothing_is_open() -> None:
    rows = Page.read().rows()
    tools = (checkov.NAME, cfn_lint.NAME, cfn_lint.IAM, service_models.NAME, dependencies.NAME)
    assert [each.tool for each in rows] == [shown(each) for each in tools], "run: make security"
    assert [each.found - each.suppressed for each in rows] == [0] * len(rows)
    decisions = Decisions.read()
    assert [each.mended for each in rows] == [sum(one.tool == name for one in decisions.mended) for name in tools]


def test_they_looked_at_what_the_component_makes_now() -> None:
    looked_at = {each.tool: each.looked_at for each in Page.read().rows()}
    recordings = stacks()
    documents = [
        *policies.documented(),
        *(each for name, one in recordings.items() for each in policies.made(name, one)),
    ]
    in_terraform = [*map(resources, recordings.values()), checkov.of_documents(documents)]
    of = re.search(r"of (\d+) packages", looked_at[shown(dependencies.NAME)])
    assert of is not None
    assert int(of[1]) == len(dependencies.packages()), "run: make security"
    counts = {
        checkov.NAME: sum(map(len, in_terraform)),
        cfn_lint.NAME: sum(len(template(each)["Resources"]) for each in recordings.values()),
        cfn_lint.IAM: len(documents),
    }
    assert {name: looked_at[shown(name)].split()[0] for name in counts} == {
        name: str(count) for name, count in counts.items()
    }, "run: make security"
