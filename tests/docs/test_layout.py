"""What holds the project together beside the code: names, versions, commands."""

import re
import tomllib
from collections import defaultdict
from datetime import date
from importlib import metadata
from pathlib import Path

import pytest
import yaml

import spapi_rotation_lambda
from sandbox.engine import OLDEST

ROOT = Path(__file__).parents[2]


def test_no_two_helper_modules_of_the_tests_share_a_name() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for file in (ROOT / "tests").rglob("*.py"):
        if not file.name.startswith(("test_", "__", "conftest")):
            found[file.stem].append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in found.items() if len(files) > 1} == {}


@pytest.mark.parametrize("folder", [ROOT, ROOT / "cli"])
def test_both_distributions_have_the_version_of_the_functions_code(folder: Path) -> None:
    """So it is in one place. The same module says it to Amazon, in the User-Agent."""
    document = tomllib.loads((folder / "pyproject.toml").read_text())
    assert "version" not in document["project"]
    assert document["project"]["dynamic"] == ["version"]
    source = document["tool"]["hatch"]["version"]
    assert (folder / source.pop("path")).resolve() == Path(spapi_rotation_lambda.__file__)
    assert source == {}
    assert metadata.version(document["project"]["name"]) == spapi_rotation_lambda.__version__, "is .venv older than it?"


def test_the_example_names_the_wheel_of_this_version() -> None:
    wheel = f"./wheels/spapi_rotation-{spapi_rotation_lambda.__version__}-py3-none-any.whl\n"
    assert (ROOT / "examples" / "python_wheel" / "requirements.txt").read_text() == wheel


def test_the_newest_entry_of_the_changelog_is_the_version() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    newest = re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})", headings[1])
    assert newest
    assert newest[1] == spapi_rotation_lambda.__version__
    assert date.fromisoformat(newest[2])


def test_the_oldest_engine_is_the_same_everywhere() -> None:
    oldest = ".".join(map(str, OLDEST))
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert project["requiredPulumiVersion"] == f">={oldest}"
    assert f"[Pulumi CLI](https://www.pulumi.com/docs/install/), {oldest} or later" in (ROOT / "README.md").read_text()


def test_the_virtual_environment_of_the_project_is_that_of_the_readme_and_the_makefile() -> None:
    options = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["runtime"]["options"]
    assert options == {"toolchain": "pip", "virtualenv": ".venv"}
    assert ". .venv/bin/activate" in (ROOT / "README.md").read_text()
    assert "\nVENV := .venv\n" in (ROOT / "Makefile").read_text()


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) - {"help"}
    assert set(re.findall(r"make ([a-z-]+) ", makefile.partition("help:")[2].partition("\n\n")[0])) == targets


def test_ci_runs_the_commands_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "make lint test engine" in script
    assert "make test" in (ROOT / "README.md").read_text()
