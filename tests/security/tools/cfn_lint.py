"""cfn-lint on the resources' CloudFormation counterparts, and its rules about IAM on each policy document."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.cache import Progress, silent
from tests.component.recorder import REGION, Recording
from tests.security.cloudformation import template
from tests.security.environment import python_of
from tests.security.findings import Finding
from tests.security.policies import Kind, Policy
from tests.security.tools.scan import Scan, ToolFailed, json_of

NAME = "cfn-lint"
IAM = "cfn-lint-iam"

_HARD_CODED = "I3042"
"""It wants pseudo parameters in ARNs. A recording is of one account and region, and has none."""

_PROGRAM = "import sys; from cfnlint.runner import main; sys.exit(main())"

_CODES = range(15)
"""cfn-lint adds 2 for errors, 4 for warnings and 8 for information."""


def scan_counterparts(recordings: Mapping[str, Recording], progress: Progress = silent) -> Scan:
    """Have cfn-lint look at the counterparts of each recording."""
    templates = {stack: template(each) for stack, each in recordings.items()}
    count = sum(len(each["Resources"]) for each in templates.values())
    return Scan(NAME, f"{count} counterparts in CloudFormation", findings(NAME, templates, progress))


def scan_policies(policies: Sequence[Policy], progress: Progress = silent) -> Scan:
    """Have its rules about IAM look at each policy document: grammar, actions that exist, resources that fit them."""
    templates = {
        str(number): {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Policy": _carrier(policy)}}
        for number, policy in enumerate(policies)
    }
    found = [
        Finding(IAM, each.rule, policies[int(stack)].name + rest.removeprefix("Policy"), each.text)
        for each in findings(IAM, templates, progress)
        for stack, _, rest in [each.where.partition("/")]
    ]
    return Scan(IAM, f"{len(policies)} policy documents", found)


def _carrier(policy: Policy) -> dict[str, Any]:
    """A resource of CloudFormation's that has such a policy."""
    match policy:
        case Policy(kind=Kind.TRUST):
            return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy.document}}
        case Policy(kind=Kind.IDENTITY):
            return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy.document}}
        case Policy(of="aws:sqs/queuePolicy:QueuePolicy"):
            properties = {"Queues": ["queue"], "PolicyDocument": policy.document}
            return {"Type": "AWS::SQS::QueuePolicy", "Properties": properties}
        case Policy(of="aws:sns/topicPolicy:TopicPolicy"):
            properties = {"Topics": ["topic"], "PolicyDocument": policy.document}
            return {"Type": "AWS::SNS::TopicPolicy", "Properties": properties}
    # Of the types whose policy cfn-lint reads, this one is bound to no service.
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return {"Type": "AWS::KMS::Key", **kept, "Properties": {"KeyPolicy": policy.document}}


def findings(tool: str, templates: Mapping[str, Mapping[str, Any]], progress: Progress = silent) -> list[Finding]:
    """What cfn-lint finds in some templates, by their names.

    Raises:
        ToolFailed: it did not read one of them.
    """
    python = python_of(NAME, progress)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each, content in templates.items():
            (folder / f"{each}.json").write_text(json.dumps(content, indent=1))
        options = ("--format", "json", "--regions", REGION, "--include-checks", "I", "--ignore-checks", _HARD_CODED)
        answer = json_of(NAME, [python, "-c", _PROGRAM, *options, "--template", *sorted(folder.glob("*.json"))], _CODES)
    unread = [each for each in answer if each["Rule"]["Id"].startswith("E0")]
    if unread:
        raise ToolFailed(f"{NAME} could not read {len(unread)} templates: {unread[0]['Message']}")
    return [Finding(tool, each["Rule"]["Id"], _where(each), each["Message"]) for each in answer]


def _where(match: Mapping[str, Any]) -> str:
    path = [str(part) for part in match["Location"]["Path"] or ()]
    return f"{Path(match['Filename']).stem}/{'.'.join(path[1:])}"
