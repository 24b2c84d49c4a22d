"""The distribution: what it depends on, what it promises in its help, and that it stands alone."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import spapi_rotation_cli
import spapi_rotation_lambda
from spapi_rotation_cli.client_secret import ClientSecret
from spapi_rotation_cli.errors import ExitCode
from tests.cli.terminal import CANARY, Terminal, parsed

FOLDER = Path(spapi_rotation_cli.__file__).parent
ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "cli" / "pyproject.toml").read_text())["project"]
MODULES = sorted(FOLDER.glob("*.py"))
ALLOWED = {"boto3", "botocore", "mypy_boto3_lambda", "mypy_boto3_sts", "rich", "spapi_rotation_cli", "typer"}


def imported(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add((node.module or "").partition(".")[0])
    return found - sys.stdlib_module_names


def test_it_stands_alone() -> None:
    """No Pulumi, neither component nor function; botocore comes with boto3."""
    assert set().union(*(imported(module) for module in MODULES)) == ALLOWED
    assert [re.split("[<>=]", each)[0] for each in PROJECT["dependencies"]] == ["boto3", "typer", "rich"]


def test_it_says_its_version(terminal: Terminal) -> None:
    typed = terminal.type("--version", found=())
    assert (typed.code, typed.out) == (0, f"{spapi_rotation_lambda.__version__}\n"), "is .venv older than the version?"


def test_it_is_typed_and_its_modules_are_small() -> None:
    assert (FOLDER / "py.typed").exists()
    assert {module.name: lines for module in MODULES if (lines := len(module.read_text().splitlines())) > 250} == {}


def test_its_wheel_holds_all_that_is_in_its_folder(tmp_path: Path) -> None:
    """The report's template is no module, and easily left out."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT / "cli", check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    packed = {name.partition("/")[2] for name in zipfile.ZipFile(wheel).namelist() if name.startswith(FOLDER.name)}
    assert {file.name for file in FOLDER.iterdir() if file.is_file()} <= packed


def test_the_help_documents_every_exit_code(terminal: Terminal) -> None:
    typed = terminal.type("--help", found=())
    assert typed.code == 0
    documented = {int(code) for code in re.findall(r"^ *(\d+)  ", typed.out, re.MULTILINE)}
    assert documented == {int(code) for code in ExitCode}
    assert "SPAPI_ROTATION_FUNCTION" in typed.out


@pytest.mark.parametrize(
    "subcommand", ["status", "check", "seed", "rotate", "promote", "reject", "rollback", "register"]
)
def test_every_subcommand_has_the_common_options(terminal: Terminal, subcommand: str) -> None:
    shown = terminal.type(subcommand, "--help", found=()).out
    for option in ("--function", "--stack", "--profile", "--region", "--json", "--debug"):
        assert f"{option} " in shown
    assert ("--yes" in shown) is (subcommand in ("seed", "rotate", "promote", "reject", "rollback"))
    assert ("--client-id" in shown) is (subcommand != "register")


def test_every_command_in_its_readme_exists() -> None:
    readme = (ROOT / "cli" / "README.md").read_text()
    found = re.findall(r"^spapi-rotation [^#\n]*", readme, re.MULTILINE)
    assert len(found) == 2
    for command in found:
        parsed(command)


def test_a_client_secret_is_in_no_representation() -> None:
    secret = ClientSecret(CANARY)
    assert CANARY not in f"{secret} {secret!r} {[secret]} {vars(type(secret))}"
    assert secret.reveal() == CANARY
    with pytest.raises(TypeError):
        secret.__reduce__()
