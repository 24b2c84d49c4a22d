"""What the unit tests share: the search for canaries, and errors that are searched for them."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from spapi_rotation_lambda.domain.errors import RotationError
from tests.fakes.world import World

E = TypeVar("E", bound=BaseException)

_OF_MESSAGES = ("notificationVersion", "PERIODIC_ROTATION")
_OF_TOKENS = ("sellingpartnerapi::",)


def assert_silent(world: World, *texts: str) -> None:
    """No secret that Amazon ever made in this world, no token and no message body is in a text."""
    canaries = (*(issued.text for issued in world.amazon.ever), *_OF_MESSAGES, *_OF_TOKENS)
    for text in texts:
        assert not [canary for canary in canaries if canary in text]


def shown(error: BaseException) -> str:
    """Everything that a runtime prints of an exception, and its own representation."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(error)


def logged(caplog: pytest.LogCaptureFixture, *, without: tuple[str, ...] = ()) -> str:
    """All log records of a test that is over, with their extra fields, except those of the loggers named."""
    records = [*caplog.get_records("setup"), *caplog.get_records("call")]
    return "\n".join(f"{one.getMessage()} {vars(one)}" for one in records if one.name.split(".")[0] not in without)


@contextmanager
def raises(world: World, kind: type[E], match: str | None = None) -> Iterator[pytest.ExceptionInfo[E]]:
    """Like pytest.raises; the error must have a remedy, if it is one of ours, and hold no canary."""
    with pytest.raises(kind, match=match) as caught:
        yield caught
    assert type(caught.value) is kind
    assert_silent(world, shown(caught.value))
    if isinstance(caught.value, RotationError):
        assert caught.value.remedy
        assert caught.value.remedy in str(caught.value)
