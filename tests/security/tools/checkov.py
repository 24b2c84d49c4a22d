"""Checkov on the resources, as Terraform, and on each policy of the documentation."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.cache import Progress, silent
from tests.component.recorder import Recording
from tests.security.environment import python_of
from tests.security.findings import Finding
from tests.security.policies import Kind, Policy
from tests.security.terraform import Planned, plan, resources
from tests.security.tools.scan import Scan, ToolFailed, json_of

NAME = "checkov"


@dataclass(frozen=True, slots=True)
class Looked:
    """What Checkov says of some documents.

    Attributes:
        findings: what it does not like.
        checks: how many checks it made.
        resources: the resources of which it knows at least one check.
    """

    findings: list[Finding]
    checks: int
    resources: frozenset[str]


def scan(recordings: Mapping[str, Recording], policies: Sequence[Policy], progress: Progress = silent) -> Scan:
    """Have Checkov look at each recording, and at each policy of the documentation."""
    given = {stack: resources(each) for stack, each in recordings.items()}
    given["documents"] = of_documents(policies)
    looked = look(given, progress)
    count = sum(map(len, given.values()))
    known = f"{looked.checks} checks on those {len(looked.resources)} that it knows checks for"
    return Scan(NAME, f"{count} resources and policies; {known}", looked.findings)


def of_documents(policies: Sequence[Policy]) -> list[Planned]:
    """Policies of roles that are no resource's, as ones of their own."""
    identity = [each for each in policies if not each.of and each.kind is Kind.IDENTITY]
    return [Planned("aws_iam_policy", each.name, {"policy": json.dumps(each.document)}, {}) for each in identity]


def look(plans: Mapping[str, list[Planned]], progress: Progress = silent) -> Looked:
    """Have Checkov look at some plans, by their names.

    Raises:
        ToolFailed: there is one of which it says nothing at all, good or bad.
    """
    python = python_of(NAME, progress)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for plan_name, planned in plans.items():
            (folder / f"{plan_name}.json").write_text(json.dumps(plan(planned), indent=1))
        # Nothing is asked for at Checkov's own service.
        options = ("--framework", "terraform_plan", "--skip-download", "--output", "json", "--compact")
        answer = json_of(NAME, [python, "-m", "checkov.main", "--directory", folder, *options], (0, 1))
    results = answer.get("results", {})
    failed, passed = results.get("failed_checks", ()), results.get("passed_checks", ())
    resources = frozenset(_where(each) for each in (*failed, *passed))
    if unread := plans.keys() - {each.partition("/")[0] for each in resources}:
        raise ToolFailed(f"{NAME} looked at nothing in {', '.join(sorted(unread))}.")
    findings = [Finding(NAME, each["check_id"], _where(each), each["check_name"]) for each in failed]
    return Looked(findings, len(failed) + len(passed), resources)


def _where(check: Mapping[str, Any]) -> str:
    """The plan and the resource."""
    of_plan = Path(str(check["file_path"])).name.removesuffix(".json")
    return f"{of_plan}/{str(check['resource']).partition('.')[2]}"
