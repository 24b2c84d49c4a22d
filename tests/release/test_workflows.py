"""The workflows: what they run is pinned, nothing is published untested, and no job may do more than it must."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.paths import CHECKOUT

FOLDER = CHECKOUT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
RELEASE = FOLDER / "release.yml"
USES = re.compile(r"^\s*(?:- )?uses: (.+)$", re.MULTILINE)
PINNED = re.compile(r"([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)")


def jobs(file: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())["jobs"]
    return found


JOBS = jobs(RELEASE)


def needed(job: str) -> set[str]:
    """All jobs that must have succeeded before this one begins."""
    needs = JOBS[job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(needed(each) for each in direct))


def steps(job: str) -> list[dict[str, Any]]:
    return list(JOBS[job].get("steps", []))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_by_commit_and_says_its_version(file: Path) -> None:
    used = USES.findall(file.read_text())
    assert used
    assert [each for each in used if not each.startswith("./") and not PINNED.fullmatch(each)] == []


def test_an_action_is_the_same_commit_everywhere() -> None:
    pins = {
        match.groups() for file in FILES for each in USES.findall(file.read_text()) if (match := PINNED.match(each))
    }
    assert len({action for action, _, _ in pins}) == len(pins), sorted(pins)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_workflow_has_more_than_the_right_to_read_by_default(file: Path) -> None:
    assert yaml.safe_load(file.read_text())["permissions"] in ({}, {"contents": "read"})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_checkout_leaves_no_credentials_behind(file: Path) -> None:
    found = [step for job in jobs(file).values() for step in job.get("steps", []) if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_text_from_outside_becomes_part_of_a_script(file: Path) -> None:
    """The name of a tag or a branch is anybody's text: it comes by the environment."""
    scripts = [step["run"] for job in jobs(file).values() for step in job.get("steps", []) if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


def test_a_tag_alone_releases() -> None:
    # YAML takes the key `on` for true.
    assert yaml.safe_load(RELEASE.read_text())[True] == {"push": {"tags": ["v*"]}}


def test_nothing_is_signed_or_published_before_the_tests_have_passed() -> None:
    assert JOBS["test"]["uses"] == "./.github/workflows/ci.yml"
    assert "workflow_call" in yaml.safe_load((FOLDER / "ci.yml").read_text())[True]
    for job in ("attest", "publish", "release"):
        assert {"consistent", "test", "build"} <= needed(job)
    assert "attest" in needed("publish")
    assert "publish" in needed("release")


def test_each_job_has_the_rights_that_it_must_have() -> None:
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "consistent": {"contents": "read"},
        "test": {"contents": "read"},
        "build": {"contents": "read"},
        "attest": {"attestations": "write", "id-token": "write"},
        "publish": {"id-token": "write"},
        "release": {"contents": "write"},
    }


@pytest.mark.parametrize("job", ["attest", "publish", "release"])
def test_a_job_with_a_right_to_write_runs_no_code_of_the_repository(job: str) -> None:
    assert not [step for step in steps(job) if "checkout" in step.get("uses", "")]
    assert "python" not in " ".join(step.get("run", "") for step in steps(job))


def test_both_distributions_are_published_each_from_an_environment_of_its_own() -> None:
    publish = JOBS["publish"]
    assert publish["strategy"]["matrix"] == {"distribution": ["spapi-rotation", "spapi-rotation-cli"]}
    assert publish["environment"] == "pypi-${{ matrix.distribution }}"
    (upload,) = (step["with"] for step in steps("publish") if "gh-action-pypi-publish" in step["uses"])
    assert upload == {"packages-dir": "dist/${{ matrix.distribution }}", "attestations": True}


def test_no_password_is_used() -> None:
    assert "secrets." not in RELEASE.read_text()


def test_what_is_built_is_what_is_attested_and_released() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    recipe = makefile.partition("\ndist: ")[2].partition("\n\n")[0]
    folders = set(re.findall(r"dist/[\w-]+", recipe))
    assert folders == {"dist/spapi-rotation", "dist/spapi-rotation-cli", "dist/function"}
    provenance, bill = (step["with"] for step in steps("attest") if "actions/attest@" in step["uses"])
    assert set(provenance["subject-path"].split()) == {f"{folder}/*" for folder in folders}
    assert bill == {"subject-path": "dist/function/function.zip", "sbom-path": "dist/function/function.cdx.json"}
    (released,) = (step["run"] for step in steps("release") if "run" in step)
    assert set(re.findall(r"dist/[\w-]+/\*", released)) == {f"{folder}/*" for folder in folders}
    assert "--notes-file dist/notes.md" in released
    assert "--verify-tag" in released


def test_the_page_tells_of_each_job() -> None:
    page = (CHECKOUT / "docs" / "releasing.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(JOBS)
    for each in JOBS["publish"]["strategy"]["matrix"]["distribution"]:
        assert f"`pypi-{each}`" in page
