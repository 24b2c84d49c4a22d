"""The check of the check: every deliberate defect is caught, in the scenarios and meetings that are named for it."""

from collections.abc import Mapping

import pytest

from tests.docs.test_protocol import DEFINED
from tests.exploration.defects import DEFECTS, Defect, look_for

OF_PEOPLES_RULES: Mapping[str, tuple[str, ...]] = {
    "SEC-6": ("Amazon's dates are forgotten when the owner rewrites the secret",),
    "SEC-7": (
        "an owner's date is taken for Amazon's",
        "what an owner says of the end of the secret before counts for as long as it says",
        "a date that cannot be is believed of its owner",
    ),
    "SEC-8": (
        "nobody remembers since when the value in use is known",
        "an edit before the first check makes a value look as new as the edit",
    ),
    "SEC-9": (
        "a typed expiry lets a request pass an unread message",
        "a typed expiry brings the repost early",
    ),
    "REQ-2": ("the next request forgets the trigger text",),
    "REQ-4": ("an undated secret is due as if its owner had not replaced it",),
    "REQ-6": ("the schedule rotates a secret that somebody has just put in",),
    "REQ-8": ("a Deny with a condition is not looked at", "an organisation is taken for Amazon's own"),
    "REQ-13": ("a gateway's timeout counts as a refusal",),
    "REQ-15": ("a request is overdue although its owner has put another secret in", "Amazon's clock is taken for ours"),
    "REQ-16": (
        "a request is repeated through a queue that has never answered",
        "a request is repeated through another queue",
        "a refused request makes its queue the one that has answered",
        "a request is repeated after a day",
    ),
    "REQ-17": ("a request does not look at what is unclaimed",),
    "REQ-18": (
        "a record that has lost its label is not looked for",
        "a record gets its label back, and the request goes on",
    ),
    "REQ-19": (
        "many young versions hold back no request",
        "many young versions hold back a request however soon the secret dies",
    ),
    "REC-4": (
        "a secret that only its owner has put in counts as received",
        "what a person has rejected comes back with its message",
    ),
    "REC-5": ("a superseded secret is dropped", "a superseded message does not date the secret in use"),
    "REC-6": ("a contradictory secret is dropped", "what is rejected is dropped when another one is"),
    "REC-8": ("a received secret loses its last label to the next one",),
    "REC-13": (
        "a stranger's message is acknowledged and kept nowhere",
        "a stranger's message is tried again and again",
    ),
    "REC-15": (
        "what is unclaimed is deleted before it is stored",
        "a seeded application never takes back what is unclaimed",
    ),
    "REC-17": ("an unreadable value in use stops the storing",),
    "REC-18": ("a time far ahead is believed", "a message without eventTime is not known"),
    "REC-19": (
        "AWSPENDING on an empty version keeps every message out",
        "AWSPENDING is taken from a native rotation at work",
    ),
    "NOT-1": (
        "an expiry that is its owner's hides an earlier notice",
        "a notice of a secret that was just put in asks at once",
    ),
    "NOT-2": (
        "a notice of the pending secret is not expected",
        "a notice of what a standing request brings about is not expected",
    ),
    "SET-1": (
        "what is replaced is not remembered",
        "what a tool has overwritten stays away",
        "a secret comes back over whatever its owner has put in",
        "a refusal of the value in use counts as soon as it was put in",
    ),
    "SET-4": (
        "a pending secret of unknown order is promoted at once",
        "what Amazon lets die of unknown order stays in use",
        "a secret of unknown order is pending for ever",
    ),
    "SET-10": ("a secret of unknown order is called stuck",),
    "SET-11": ("a pending version that no message brought is believed",),
    "SET-12": ("a single refusal decides between two secrets",),
    "VER-2": ("an accepted control does not keep a secret pending",),
    "VER-3": (
        "a 404 of the verification call keeps a secret pending",
        "LWA's patience counts from the issue, however late the message came",
    ),
    "VER-6": (
        "LWA decides at once while the verification call is unavailable",
        "LWA decides at once where both secrets are called expired",
    ),
    "LWA-1": ("every code of LWA's speaks about the secret",),
    "CHK-4": ("a denied daily try counts as a dead secret", "the secret in use is never tried"),
    "CHK-7": (
        "nobody warns of a second reader of the queue",
        "nobody warns of native rotation",
        "nobody warns of a request that the secret does not tell of",
        "nobody warns of many young versions",
    ),
    "OPS-4": (
        "seed drops what was rejected",
        "seed goes over a pending secret",
        "a seed over a malformed value drops its owner's keys",
    ),
}
"""The rules about people's faults, and about an Amazon that differs, with the defects that break each of them."""


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_exploration_catches(defect: Defect) -> None:
    assert look_for(defect).caught


def test_each_rule_about_peoples_faults_has_a_defect_of_its_own() -> None:
    named = [name for names in OF_PEOPLES_RULES.values() for name in names]
    assert len(named) == len(set(named))
    assert set(named) <= {defect.name for defect in DEFECTS}
    assert set(OF_PEOPLES_RULES) <= set(DEFINED)
