"""The function's own entry over a modelled world, with its real log lines and metrics: for bad input of every kind."""

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from spapi_rotation_lambda import handler as module
from spapi_rotation_lambda.adapters.telemetry import LambdaTelemetry
from tests.fakes.world import World
from tests.unit.support import shown


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one invocation did.

    Attributes:
        answer: what it returned; None if it raised.
        error: what it raised; None if it returned. A queue message is acknowledged by returning.
        said: all that it wrote and logged at any level, what a runtime prints of the error, and the answer.
        written: whether a version, a value, a label or an event of the application is another one than before.
        posts: how many rotations it asked Amazon for.
    """

    answer: Any
    error: Exception | None
    said: str
    written: bool
    posts: int


class _All(logging.Handler):
    def __init__(self, stream: io.StringIO) -> None:
        super().__init__(logging.DEBUG)
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        self._stream.write(f"{record.getMessage()} {vars(record)}\n")


class Entry:
    """Invokes ``spapi_rotation_lambda.handler.handler``; made by ``entry``."""

    def __init__(self, output: io.StringIO, telemetry: LambdaTelemetry) -> None:
        self._output, self._telemetry, self._all = output, telemetry, _All(output)

    def __call__(self, world: World, event: object) -> Outcome:
        """Invoke it with an event in a world."""
        self._output.seek(0)
        self._output.truncate()
        before, posts = _stored(world), world.amazon.posts
        ports = replace(world.ports, telemetry=self._telemetry)
        answer, error = None, None
        with self._listening(), patch.object(module, "function_ports", lambda: ports):
            try:
                answer = module.handler(event, None)
            except Exception as raised:  # noqa: BLE001  (the caller judges its type)
                error = raised
        said = self._output.getvalue() + (shown(error) if error else json.dumps(answer))
        return Outcome(answer, error, said, _stored(world) != before, world.amazon.posts - posts)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Catch both outputs and every log line at every level; thousands of them are too much for pytest's own."""
        logger = logging.getLogger()
        handlers, level = logger.handlers, logger.level
        logger.handlers = [self._all]
        logger.setLevel(logging.DEBUG)
        try:
            with contextlib.redirect_stdout(self._output), contextlib.redirect_stderr(self._output):
                yield
        finally:
            logger.handlers = handlers
            logger.setLevel(level)

    def message(self, world: World, body: str) -> Outcome:
        """Invoke it with one queue message, as the event source mapping does."""
        record = {"eventSource": "aws:sqs", "messageId": "1", "receiptHandle": "handle", "body": body}
        return self(world, {"Records": [record]})


def _stored(world: World) -> object:
    versions = world.store.secrets[world.secret_id].versions
    return {vid: (version.text, sorted(version.labels)) for vid, version in versions.items()}, len(
        world.recorder.events
    )


@contextmanager
def entry() -> Iterator[Entry]:
    """The entry, with the telemetry that it keeps from one invocation to the next."""
    output = io.StringIO()
    yield Entry(output, LambdaTelemetry(f"entry-{id(output)}"))
