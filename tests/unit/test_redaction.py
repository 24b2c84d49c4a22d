"""A sensitive text is never shown, whatever prints it."""

import copy
import json
import logging
import pickle
import pprint
import traceback
from dataclasses import asdict

import pytest

from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.credentials import Credentials, Document
from spapi_rotation_lambda.domain.redaction import Sensitive
from spapi_rotation_lambda.ports import Ports
from tests.fakes.world import CLIENT_ID

CANARY = "canary-of-redaction"
SECRET = Sensitive(CANARY)


def test_only_reveal_returns_the_text() -> None:
    assert SECRET.reveal() == CANARY


@pytest.mark.parametrize(
    "shown",
    [
        str(SECRET),
        repr(SECRET),
        f"{SECRET}",
        f"{SECRET:>40}",
        f"{SECRET!r} {SECRET!s} {SECRET!a}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031
        "{} {!r}".format(SECRET, [SECRET]),  # noqa: UP032
        repr({"x": (SECRET,)}),
        pprint.pformat([SECRET]),
        json.dumps({"x": SECRET}, default=str),
        repr(Credentials(CLIENT_ID, SECRET)),
        str(Exception(SECRET)),
        repr(Document.parse(Sensitive(json.dumps({"x": CANARY})), Application("a", CLIENT_ID, "s"))),
    ],
)
def test_whatever_prints_it_shows_stars(shown: str) -> None:
    assert CANARY not in shown


def test_it_is_not_in_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("%s %r", SECRET, SECRET, extra={"field": SECRET})
    assert "***" in caplog.text
    assert CANARY not in caplog.text


def test_a_failed_comparison_of_a_test_shows_stars() -> None:
    try:
        assert Sensitive("other") == SECRET
    except AssertionError as error:
        assert CANARY not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_neither_pickled_nor_copied(copying: object) -> None:
    assert callable(copying)
    with pytest.raises(TypeError, match="not pickled"):
        copying(SECRET)
    with pytest.raises(TypeError, match="not pickled"):
        asdict(Credentials(CLIENT_ID, SECRET))


def test_it_is_no_json_and_no_text() -> None:
    with pytest.raises(TypeError):
        json.dumps(SECRET)
    with pytest.raises(TypeError):
        "".join([SECRET])  # type: ignore[list-item]
    assert not hasattr(SECRET, "__dict__")
    assert not isinstance(SECRET, str)


def test_it_equals_only_another_one_with_the_same_text() -> None:
    assert Sensitive(CANARY) == SECRET
    assert Sensitive("other") != SECRET
    assert SECRET != CANARY
    assert hash(Sensitive(CANARY)) == hash(SECRET)
    assert Sensitive("\ud800") == Sensitive("\ud800")
    assert (bool(SECRET), bool(Sensitive(""))) == (True, False)


def test_no_port_shows_what_it_carries() -> None:
    """The ports take and give Sensitive values, so a frame that is printed with its arguments shows stars."""
    annotations = {name: str(kind) for name, kind in Ports.__annotations__.items()}
    assert set(annotations) == {
        "clock",
        "store",
        "queue",
        "dead_letters",
        "unclaimed",
        "amazon",
        "announcer",
        "telemetry",
        "policy",
        "applications",
        "schedules",
        "surroundings",
        "log",
    }
    from spapi_rotation_lambda import ports

    assert ports.SecretStore.write.__annotations__["text"] is Sensitive
    assert ports.SecretStore.read.__annotations__["return"] is Sensitive
    assert ports.Amazon.token.__annotations__["return"] is Sensitive
    assert ports.Amazon.rotate.__annotations__["token"] is Sensitive
    assert ports.Amazon.verification_call.__annotations__["token"] is Sensitive
