"""Every `pulumi config set` of a page is taken by Pulumi: it refuses a value that it takes for a secret."""

import subprocess
from pathlib import Path

import pytest

from sandbox.engine import ensure_engine
from sandbox.processes import scrubbed_environment
from tests.installs.at_a_terminal import typed
from tests.installs.environments import own_environment

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *(page for each in ("docs", "examples") for page in (ROOT / each).rglob("*.md"))]

ACCOUNT = "210987654321"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:marketplace/production/sp-api-Xy12Za"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a1b2c3d-1234-5678-9abc-0123456789ab"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:sp-api-notifications"
VARIABLES = {"SECRET_ARN": SECRET, "KEY_ARN": KEY, "QUEUE_ARN": QUEUE, "QUEUE_KEY_ARN": KEY}
PLACEHOLDERS = {
    "amzn1.application-oa2-client.…": "amzn1.application-oa2-client.0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "arn:aws:secretsmanager:…": SECRET,
    "arn:aws:kms:…": KEY,
    "arn:aws:kms:us-east-1:ACCOUNT:key/…": KEY,
    "subnet-…": "subnet-0a1b2c3d4e5f60718",
    "sg-…": "sg-0a1b2c3d4e5f60718",
}


def lines() -> list[str]:
    """The lines, each once, with values of the right shape."""
    found: set[str] = set()
    for page in PAGES:
        for line in map(str.strip, typed(page.read_text())):
            if line.startswith("pulumi config set "):
                for written, value in PLACEHOLDERS.items():
                    line = line.replace(written, value)
                found.add(line)
    return sorted(found)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config")
    (folder / "Pulumi.yaml").write_text("name: spapi-rotation\nruntime: yaml\n")
    (folder / "backend").mkdir()
    assert _run(folder, "pulumi stack init production").returncode == 0
    return folder


def _run(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    own = own_environment(folder, [ensure_engine(print).bin], backend=folder / "backend")
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=scrubbed_environment() | own | VARIABLES,
        capture_output=True,
        text=True,
        check=False,
    )


def test_there_are_lines_and_none_leaves_something_open() -> None:
    assert len(lines()) > 25
    assert [line for line in lines() if "…" in line] == []


@pytest.mark.parametrize("line", lines())
def test_pulumi_takes_the_line(project: Path, line: str) -> None:
    done = _run(project, line)
    assert done.returncode == 0, done.stderr


def test_a_secrets_arn_would_be_refused_without_a_word_that_it_is_none(project: Path) -> None:
    """Why some lines have --plaintext."""
    assert "looks like a secret" in _run(project, 'pulumi config set secret_arn "$SECRET_ARN"').stderr
