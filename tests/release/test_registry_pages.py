"""The two pages that Pulumi's registry shows: front matter as its generator wants it, and nothing that breaks there.

Sources: `tools/resourcedocsgen` and `scripts/ci/community-package` of the repository pulumi/registry; Pulumi's guide
"Publishing to the Pulumi Registry".
"""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.paths import CHECKOUT
from spapi_rotation.args import ClientSecretRotationArgs
from spapi_rotation.component import OUTPUTS

INDEX = CHECKOUT / "docs" / "_index.md"
INSTALLATION = CHECKOUT / "docs" / "installation-configuration.md"
PAGES = (INDEX, INSTALLATION)
SCHEMA = json.loads((CHECKOUT / "plugin" / "schema.json").read_text())
((TOKEN, COMPONENT),) = SCHEMA["resources"].items()

BREAKS_THERE = {
    "a picture of this repository": r"!\[[^\]]*\]\((\.|/)|<img[^>]+src=[\"'](\.|/|[^h])",
    "a page of this repository": r"\]\((?!https?://)[^)]*\.md[)#]|<a[^>]+href=\"(\.|/)",
}
"""What the registry's own check of documents refuses."""


def parts(page: Path) -> tuple[dict[str, Any], str]:
    """The front matter and the text below it."""
    _, front, text = page.read_text().split("---\n", 2)
    return yaml.safe_load(front), text


def example(language: str) -> str:
    """The one example of a language."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", parts(INDEX)[1], re.MULTILINE | re.DOTALL)
    (code,) = found
    return code


@pytest.mark.parametrize(("page", "suffix"), [(INDEX, ""), (INSTALLATION, " Installation & Configuration")])
def test_the_front_matter_is_what_the_registry_wants(page: Path, suffix: str) -> None:
    assert page.read_text().startswith("---\n")
    front, text = parts(page)
    assert front.keys() == {"title", "meta_desc", "layout"}
    assert front["title"] == SCHEMA["displayName"] + suffix
    assert front["layout"] == "package"
    assert 50 <= len(front["meta_desc"]) <= 160
    # The title is the heading of the page.
    assert not re.search("^# ", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("what", BREAKS_THERE)
def test_nothing_breaks_away_from_the_repository(page: Path, what: str) -> None:
    assert not re.search(BREAKS_THERE[what], page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_choice_of_language_is_offered_opened_and_closed(page: Path) -> None:
    text = page.read_text()
    (offered,) = re.findall(r'\{\{< chooser language "([a-z,]+)" >\}\}', text)
    opened = re.findall(r"\{\{% choosable language ([a-z]+) %\}\}", text)
    assert opened == offered.split(",")
    assert text.count("{{% /choosable %}}") == len(opened)
    assert text.count("{{< /chooser >}}") == 1


def test_the_python_example_names_what_there_is() -> None:
    tree = ast.parse(example("python"))
    (made,) = (node.value for node in ast.walk(tree) if isinstance(node, ast.Assign))
    assert isinstance(made, ast.Call)
    arguments = ast.literal_eval(made.args[1])
    assert arguments
    assert arguments.keys() <= ClientSecretRotationArgs.__annotations__.keys()
    read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr != "export"}
    assert read
    assert read <= set(OUTPUTS)


def test_the_yaml_example_names_what_there_is() -> None:
    program = yaml.safe_load(example("yaml"))
    ((name, resource),) = program["resources"].items()
    assert resource["type"] == TOKEN.replace(":index:", ":")
    assert resource["properties"].keys() <= COMPONENT["inputProperties"].keys()
    application = SCHEMA["types"]["spapi-rotation:index:Application"]["properties"]
    assert all(each.keys() <= application.keys() for each in resource["properties"]["applications"].values())
    outputs = {re.fullmatch(rf"\$\{{{name}\.(\w+)\}}", value) for value in program["outputs"].values()}
    assert {found[1] if found else None for found in outputs} <= COMPONENT["properties"].keys()


@pytest.mark.parametrize("language", ["typescript", "go"])
def test_the_examples_of_typed_languages_name_what_there_is(language: str) -> None:
    """The project's own examples in these languages are compiled; here the names are compared."""
    code = example(language)
    arguments = re.findall(r"^\s*(\w+):", code, re.MULTILINE)
    outputs = re.findall(r"\brotation\.(\w+)", code)
    assert {"applications", "spapiEndpoint"} <= {each[0].lower() + each[1:] for each in arguments}
    assert {each[0].lower() + each[1:] for each in arguments} <= COMPONENT["inputProperties"].keys()
    assert {each[0].lower() + each[1:] for each in outputs} <= COMPONENT["properties"].keys()
    assert re.search(r"\b[cC]lientId: ", code)


@pytest.mark.parametrize("language", ["python", "yaml", "typescript", "go"])
def test_every_example_exports_what_the_command_looks_for(language: str) -> None:
    code = example(language)
    assert [name for name in ("function_name", "queue_arn", "secret_arns") if name not in code] == []


def test_the_arguments_that_the_installation_names_are_there_and_needed_as_it_says() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \|", INSTALLATION.read_text(), re.MULTILINE)
    assert rows
    assert {name for name, _ in rows} <= COMPONENT["inputProperties"].keys()
    required = set(COMPONENT["requiredInputs"])
    assert {name for name, needed in rows if needed == "yes"} == required


def test_the_oldest_engine_is_the_projects() -> None:
    oldest = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())["requiredPulumiVersion"].removeprefix(">=")
    assert f"the Pulumi CLI, {oldest} or later" in INSTALLATION.read_text()
