"""Decisions about findings: what is left as it is has a reason, and something to leave."""

from pathlib import Path

import pytest

from tests.security.findings import DECISIONS, Decisions, Finding, Suppression, judge

QUEUE, TOPIC = Finding("checkov", "CKV_1", "all/aws_sqs_queue.q"), Finding("checkov", "CKV_1", "all/aws_sns_topic.t")
LEFT = Suppression("checkov", "CKV_1", "*/aws_sqs_queue.*", "It holds nothing.")


def decided(*suppressions: Suppression) -> Decisions:
    return Decisions(suppressions, ())


def test_a_finding_is_open_unless_a_suppression_is_about_it() -> None:
    judged = judge([QUEUE, TOPIC], decided(LEFT), ["checkov"])
    assert (judged.open, judged.suppressed, judged.idle) == ([TOPIC], [QUEUE], [])


@pytest.mark.parametrize(
    "other",
    [
        Suppression("cfn-lint", "CKV_1", "*", "Another tool."),
        Suppression("checkov", "CKV_2", "*", "Another rule."),
        Suppression("checkov", "CKV_1", "own/*", "Another place."),
    ],
)
def test_a_suppression_that_suppresses_nothing_is_told(other: Suppression) -> None:
    judged = judge([QUEUE], decided(LEFT, other), ["checkov", "cfn-lint"])
    assert (judged.open, judged.suppressed, judged.idle) == ([], [QUEUE], [other])


def test_a_suppression_of_a_tool_that_did_not_run_is_not_idle() -> None:
    assert judge([], decided(LEFT), ["cfn-lint"]).idle == []


@pytest.mark.parametrize(
    "text",
    [
        '[[suppressed]]\ntool = "checkov"\nrule = "CKV_1"\nwhere = "*"\n',
        '[[suppressed]]\ntool = "checkov"\nrule = "CKV_1"\nwhere = "*"\nreason = " "\n',
        '[[supressed]]\ntool = "checkov"\nrule = "CKV_1"\nwhere = "*"\nreason = "r"\n',
    ],
)
def test_an_entry_without_a_reason_or_misspelt_is_an_error(text: str, tmp_path: Path) -> None:
    file = tmp_path / "decisions.toml"
    file.write_text(text)
    with pytest.raises((TypeError, ValueError)):
        Decisions.read(file)


def test_the_decisions_can_be_read_and_say_each_thing_once() -> None:
    decisions = Decisions.read(DECISIONS)
    about = [(each.tool, each.rule, each.where) for each in decisions.suppressions]
    assert len(about) == len(set(about)) > 0
    assert {("checkov", "CKV2_AWS_57")} <= {each[:2] for each in about}
