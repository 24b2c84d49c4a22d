"""The examples' pages: each folder has one, the list has each, and what they set is what the programs read."""

import json
import re
from pathlib import Path

import pytest
import yaml

import spapi_rotation_lambda
from sandbox.engine import OLDEST

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(each.name for each in EXAMPLES.iterdir() if each.is_dir())

SET = re.compile(r"pulumi config set (?:--(?:path|plaintext) )*(?:--type \w+ )?'?([A-Za-z_:]+)")
READ = re.compile(r"\b[Cc]onf(?:ig)?(?:\(\))?\.(?:[Rr]equire|[Gg]et)\w*\((?:ctx, )?\"(\w+)\"")


def read_by(name: str) -> set[str]:
    """The settings that an example's program reads."""
    for file in map((EXAMPLES / name).joinpath, ("__main__.py", "index.ts", "main.go")):
        if file.exists():
            return set(READ.findall(file.read_text()))
    return set(yaml.safe_load((EXAMPLES / name / "Pulumi.yaml").read_text())["config"])


def test_the_list_has_every_example() -> None:
    listed = re.findall(r"^\| \[(\w+)\]\(\1/README\.md\)", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_page_sets_what_the_program_reads(name: str) -> None:
    page = EXAMPLES / name / "README.md"
    read = read_by(name)
    assert read
    assert set(SET.findall(page.read_text())) == {"aws:region", *read}


@pytest.mark.parametrize("name", NAMES)
def test_a_project_asks_for_an_engine_that_reads_it(name: str) -> None:
    project = yaml.safe_load((EXAMPLES / name / "Pulumi.yaml").read_text())
    assert project["requiredPulumiVersion"] == f">={'.'.join(map(str, OLDEST))}"


def test_the_lock_of_npm_names_no_place_and_the_version_of_this_package() -> None:
    """Packages come from wherever npm is set to get them. The SDK is the only one from a folder."""
    packages = json.loads((EXAMPLES / "typescript" / "package-lock.json").read_text())["packages"]
    sdk = "sdks/spapi-rotation"
    assert {each["resolved"] for each in packages.values() if "resolved" in each} == {sdk}
    assert packages[sdk]["version"] == spapi_rotation_lambda.__version__
    assert [
        name for name, each in packages.items() if name not in ("", sdk) and not each.keys() & {"integrity", "link"}
    ] == []
