"""The policy documents of ``docs/permissions``; the tests on the real engine prove what is in them."""

import json
import re

import pytest

from docs.tools import permissions
from docs.tools.permissions import DOCUMENTS, FOLDER, UNSEEN

PAGE = (FOLDER / "README.md").read_text()


def actions(name: str) -> set[str]:
    return {action for each in DOCUMENTS[name] for action in each.document()["Action"]}


def test_the_documents_are_made_from_their_source() -> None:
    assert {each.name: each.read_text() for each in FOLDER.glob("*.json")} == permissions.texts(), "run: make docs"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_fits_into_a_managed_policy(name: str) -> None:
    # IAM user guide, "IAM and AWS STS quotas": 6,144 characters, white space not counted.
    assert len(json.dumps(json.loads((FOLDER / name).read_text()), separators=(",", ":"))) <= 6144


def test_what_is_not_seen_is_in_a_document() -> None:
    assert UNSEEN.keys() <= set().union(*map(actions, DOCUMENTS))


def test_only_a_rotation_by_up_itself_reads_and_writes_secrets() -> None:
    values = {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"}
    assert {name for name in DOCUMENTS if values & actions(name)} == {"up-with-rotation.json"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_is_allowed_by_a_wildcard(name: str) -> None:
    assert not [action for action in actions(name) if "*" in action]


def test_the_page_names_every_document_and_everything_that_a_person_puts_in() -> None:
    assert set(re.findall(r"\(([a-z-]+\.json)\)", PAGE)) == DOCUMENTS.keys()
    written = "".join(permissions.texts().values())
    assert set(re.findall(r"`([A-Z]+)`", PAGE)) == set(re.findall(r"\b(ACCOUNT|REGION|IDENTITY|COMPONENT)\b", written))
