"""SQS's queue as a component of many applications meets it: its counts are never quite of now."""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta

from spapi_rotation_lambda.ports import QueueState
from tests.exploration.explored_world import World
from tests.exploration.standard_queue import StandardQueue

COUNTS_LAG = timedelta(minutes=1)
"""How long SQS counts a message that is gone: its API reference tells of a minute (GetQueueAttributes)."""


class LaggingQueue(StandardQueue):
    """A queue whose counts lag: what has left it is counted for a minute more."""

    def __init__(self, of: World) -> None:
        super().__init__(of.clock)
        self._gone: deque[datetime] = deque(maxlen=200)

    def delete(self, number: int) -> None:
        """DeleteMessage."""
        super().delete(number)
        self._gone.append(self._clock.time)

    def inspect(self) -> QueueState:
        """GetQueueAttributes."""
        state, now = super().inspect(), self._clock.time
        return replace(state, waiting=state.waiting + sum(now - at < COUNTS_LAG for at in self._gone))
