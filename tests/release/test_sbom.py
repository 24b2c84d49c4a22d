"""The bill of materials says what is in the function's zip, no less and no more, and under which licences."""

import json
import re
import zipfile
from importlib.metadata import distribution
from pathlib import PurePosixPath
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from docs.tools import licences
from release import sbom
from spapi_rotation.function_archive import function_zip, third_party
from spapi_rotation_lambda import __version__

KEPT = json.loads(sbom.FILE.read_text())
COMPONENTS: dict[str, dict[str, Any]] = {each["name"]: each for each in KEPT["components"]}

TELLS = {
    "Apache-2.0": "Apache License",
    "BSD-3-Clause": "Neither the name of",
    "MIT": "The above copyright notice and this permission notice shall be included",
    "MPL-2.0": "Mozilla Public License",
    "PSF-2.0": "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2",
}
"""What stands in the text of each licence that may be in the zip, and in that of no other one here."""


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    with zipfile.ZipFile(function_zip.ZIP_FILE) as made:
        return {path: made.read(path) for path in made.namelist()}


@pytest.fixture(scope="module")
def by_distribution(contents: dict[str, bytes]) -> dict[str, dict[str, bytes]]:
    """The zip's files by whose they are, told by the records of what is installed here, not by the locks."""
    owners = {
        path: name
        for name in COMPONENTS
        for recorded in distribution(name).files or ()
        if (path := third_party.archive_path(name, PurePosixPath(str(recorded)))) is not None
    }
    found: dict[str, dict[str, bytes]] = {}
    for path, content in contents.items():
        owner = sbom.OWN if path.startswith("spapi_rotation_lambda/") else owners[path]
        found.setdefault(owner, {})[path] = content
    return found


def prop(component: dict[str, Any], name: str) -> str:
    (found,) = (each["value"] for each in component["properties"] if each["name"] == name)
    return str(found)


def test_it_is_valid_against_the_schema_of_cyclonedx() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.FILE.read_text()) is None
    assert KEPT["specVersion"] == "1.6"


def test_an_invalid_one_is_noticed() -> None:
    """The check of the check."""
    broken = json.dumps({**KEPT, "components": [{**KEPT["components"][0], "type": "thing"}]})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_it_is_current_and_has_the_same_bytes_each_time() -> None:
    assert sbom.document() == sbom.document() == sbom.FILE.read_text(), "run: make docs"


def test_every_file_of_the_zip_belongs_to_what_it_names_and_all_of_these_are_there(
    by_distribution: dict[str, dict[str, bytes]],
) -> None:
    assert by_distribution.keys() == {*COMPONENTS, sbom.OWN}


def test_the_files_of_each_are_those_that_it_says(by_distribution: dict[str, dict[str, bytes]]) -> None:
    for name, component in COMPONENTS.items():
        assert third_party.digest(by_distribution[name]) == prop(component, sbom.FILES_SHA256), name
        assert component["version"] == third_party.Lock.read().distributions[name].version
        assert component["purl"] == f"pkg:pypi/{name}@{component['version']}"


def test_it_describes_this_version() -> None:
    described = KEPT["metadata"]["component"]
    assert (described["name"], described["version"]) == ("spapi-rotation", __version__)
    assert described["licenses"] == [{"expression": "Apache-2.0"}]


def test_it_says_nothing_of_time_or_machine() -> None:
    assert "timestamp" not in KEPT["metadata"]


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_licence_is_the_one_whose_text_is_in_the_zip(name: str, contents: dict[str, bytes]) -> None:
    ((licence,),) = (entry.values() for entry in COMPONENTS[name]["licenses"])
    folder = prop(COMPONENTS[name], sbom.LICENCE_TEXTS)
    text = "\n".join(content.decode() for path, content in contents.items() if path.startswith(folder))
    plain = re.sub(r"\s+", " ", text)
    assert [known for known, words in TELLS.items() if words in plain] == [licence]


def test_who_requires_what_is_as_the_distributions_say() -> None:
    names = {each["bom-ref"]: each["name"] for each in [KEPT["metadata"]["component"], *KEPT["components"]]}
    told = {names[each["ref"]]: {names[ref] for ref in each.get("dependsOn", ())} for each in KEPT["dependencies"]}
    assert told.keys() == set(names.values())
    assert told[sbom.OWN] == {"httpx", "tzdata"}
    for name in COMPONENTS:
        required = {
            re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-")
            for line in distribution(name).requires or ()
            if "extra ==" not in line
        }
        # What the zip lacks is for other Pythons or systems only.
        assert told[name] == required & COMPONENTS.keys(), name


@pytest.mark.parametrize(("locked", "expected"), [("0.0.1", "is 0.16.0 here and 0.0.1 in the zip")])
def test_a_licence_is_not_taken_from_another_version(locked: str, expected: str) -> None:
    with pytest.raises(sbom.UnknownLicence, match=re.escape(expected)):
        sbom.licence("h11", locked)


def test_what_is_not_here_has_no_licence() -> None:
    with pytest.raises(sbom.UnknownLicence, match="not-here is not installed"):
        sbom.licence("not-here", "1")


def test_the_page_lists_each_distribution_with_version_and_licence() -> None:
    assert licences.document() == licences.FILE.read_text(), "run: make docs"
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|", licences.FILE.read_text(), re.MULTILINE)
    assert {(name, version, licence) for name, version, licence in rows} == {
        (name, each["version"], each["licenses"][0]["expression"]) for name, each in COMPONENTS.items()
    }
