"""Checkov on the resources, as Terraform, and on each policy of the documentation."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.cache import Progress, silent
from tests.component.recorder import Recording
from tests.security.environment import python_of
from tests.security.findings import Finding
from tests.security.policies import Kind, Policy
from tests.security.terraform import terraform
from tests.security.tools.scan import Scan, ToolFailed, json_of

NAME = "checkov"


def scan(recordings: Mapping[str, Recording], policies: Sequence[Policy], progress: Progress = silent) -> Scan:
    """Have Checkov look at each recording, and at each policy of a role."""
    given = {stack: terraform(each) for stack, each in recordings.items()}
    given["documents"] = of_documents(policies)
    count = sum(len(named) for each in given.values() for named in each["resource"].values())
    return Scan(NAME, f"{count} resources and policies", findings(given, progress))


def of_documents(policies: Sequence[Policy]) -> dict[str, Any]:
    """Policies that are no resource's, as ones of their own."""
    identity = [each for each in policies if not each.of and each.kind is Kind.IDENTITY]
    return {"resource": {"aws_iam_policy": {each.name: {"policy": json.dumps(each.document)} for each in identity}}}


def findings(documents: Mapping[str, Mapping[str, Any]], progress: Progress = silent) -> list[Finding]:
    """What Checkov finds in some documents of Terraform's, by their names.

    Raises:
        ToolFailed: it did not read one of them.
    """
    python = python_of(NAME, progress)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for document, content in documents.items():
            (folder / f"{document}.tf.json").write_text(json.dumps(content, indent=1))
        # Nothing is asked for at Checkov's own service.
        options = ("--framework", "terraform_json", "--skip-download", "--output", "json", "--quiet", "--compact")
        answer = json_of(NAME, [python, "-m", "checkov.main", "--directory", folder, *options], (0, 1))
    if isinstance(answer, list):
        (answer,) = answer
    summary = answer.get("summary", answer)
    if summary["parsing_errors"]:
        raise ToolFailed(f"{NAME} could not read {summary['parsing_errors']} documents.")
    return [
        Finding(NAME, each["check_id"], _where(each), each["check_name"])
        for each in answer.get("results", {}).get("failed_checks", ())
    ]


def _where(check: Mapping[str, Any]) -> str:
    """The document and the resource; of that the name alone, since not every check tells its type."""
    document = Path(str(check["file_path"])).name.removesuffix(".tf.json")
    return f"{document}/{str(check['resource']).partition('.')[2]}"
