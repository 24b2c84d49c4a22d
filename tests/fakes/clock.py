"""A virtual clock: sleeping takes no time but moves it."""

from datetime import UTC, datetime, timedelta


class VirtualClock:
    """The Clock port, under the test's control."""

    def __init__(self, start: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def advance(self, **delta: float) -> None:
        self.time += timedelta(**delta)
