"""What Lambda's start phase makes, and that nothing in it can keep an invocation from telling what is wrong."""

import gc
import importlib
import sys
from types import ModuleType
from typing import NoReturn

import pytest

from spapi_rotation_lambda import handler
from spapi_rotation_lambda.domain.errors import BadSettings

START = "spapi_rotation_lambda.start"


def started(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as a fresh process loads it."""
    monkeypatch.delitem(sys.modules, START, raising=False)
    return importlib.import_module(START)


def test_the_ports_are_made_while_nothing_looks_for_garbage_and_the_handler_is_the_functions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[bool] = []
    monkeypatch.setattr(handler, "function_ports", lambda: looked.append(gc.isenabled()))
    assert started(monkeypatch).handler is handler.handler
    assert looked == [False]
    assert gc.isenabled()


def test_settings_that_are_wrong_are_left_to_each_invocation_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> NoReturn:
        raise BadSettings("QUEUE_URL is missing.", remedy="Set it.")

    monkeypatch.setattr(handler, "function_ports", refuse)
    assert started(monkeypatch).handler is handler.handler
    assert gc.isenabled()
