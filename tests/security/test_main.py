"""``make security`` as a whole: what makes it fail, and what it says, with tools that are played."""

from collections.abc import Callable
from functools import partial

import pytest

from sandbox.virtual_environment import EnvironmentFailed
from tests.security import __main__ as command
from tests.security.findings import Decisions, Finding, Suppression
from tests.security.table import Page, shown
from tests.security.tools import cfn_lint, checkov, dependencies, service_models
from tests.security.tools.scan import Scan, ToolFailed

LEFT = Suppression("checkov", "CKV_1", "*", "It holds nothing.")
FOUND = Finding("checkov", "CKV_1", "defaults/queue", "A queue.")
SCANS = {
    checkov: ("scan", Scan(checkov.NAME, "1 resource", [FOUND])),
    cfn_lint: ("scan_counterparts", Scan(cfn_lint.NAME, "1 counterpart")),
    service_models: ("scan", Scan(service_models.NAME, "each call")),
    dependencies: (
        "scan",
        Scan(dependencies.NAME, "1 of 2 packages", not_looked_at=["The index tells nothing of six."]),
    ),
}


class Run:
    """A run of the command, whose tools answer what a test wants."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.written: list[str] = []
        patch.setattr(command, "stacks", dict)
        patch.setattr(Page, "read", lambda: Page("", ""))
        patch.setattr(Page, "write", lambda _page, block: self.written.append(block))
        patch.setattr(cfn_lint, "scan_policies", lambda *_: Scan(cfn_lint.IAM, "1 document"))
        for module, (name, scan) in SCANS.items():
            self.play(module, name, partial(_answer, scan))
        self.decide(LEFT)

    def play(self, module: object, name: str, answer: Callable[[], Scan]) -> None:
        self._patch.setattr(module, name, lambda *_: answer())

    def decide(self, *suppressions: Suppression) -> None:
        self._patch.setattr(Decisions, "read", lambda: Decisions(suppressions, ()))

    def fail(self, error: Exception) -> None:
        def answer() -> Scan:
            raise error

        self.play(checkov, "scan", answer)


def _answer(scan: Scan) -> Scan:
    return scan


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


def test_with_everything_decided_it_passes_keeps_the_tables_and_says_what_was_not_seen(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([]) == 0
    told = capsys.readouterr().out
    assert "NOT LOOKED AT  The index tells nothing of six." in told
    (block,) = run.written
    assert f"| {shown('checkov')} | 1 resource | 1 | 1 | 0 |" in block
    assert "- The index tells nothing of six." in block
    assert "| Checkov `CKV_1` | `*` | It holds nothing. |" in block


def test_a_finding_that_was_not_decided_about_fails(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.decide()
    assert command.main([]) == 1
    assert "MISS CKV_1 defaults/queue: A queue." in capsys.readouterr().out


def test_a_suppression_of_nothing_fails(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.decide(LEFT, Suppression("checkov", "CKV_2", "*", "Long ago."))
    assert command.main([]) == 1
    assert "MISS the suppression of CKV_2 * suppresses something" in capsys.readouterr().out


@pytest.mark.parametrize("error", [EnvironmentFailed("no index"), ToolFailed("it ended with 2")])
def test_a_tool_that_did_not_run_is_named_and_the_tables_stay(
    error: Exception, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run.fail(error)
    assert command.main([]) == 1
    assert f"MISS {shown('checkov')} ran: {error}" in capsys.readouterr().out
    assert run.written == []


def test_one_tool_alone_looks_and_the_others_rows_stay(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.main([]) == 0
    monkeypatch.setattr(Page, "read", lambda: Page("", run.written[0]))
    run.play(checkov, "scan", partial(_answer, Scan(checkov.NAME, "2 resources", [FOUND])))
    run.play(dependencies, "scan", partial(pytest.fail, "it was not asked for"))
    assert command.main([checkov.NAME]) == 0
    assert run.written[1] == run.written[0].replace("| 1 resource |", "| 2 resources |")


def test_an_unknown_tool_is_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["chekov"])
    assert "there is no chekov; there are checkov, cfn-lint" in capsys.readouterr().err
    assert run.written == []
