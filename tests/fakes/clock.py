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


class SkewedClock(VirtualClock):
    """Another party's clock: ours, moved by a constant."""

    def __init__(self, clock: VirtualClock, skew: timedelta) -> None:
        self._clock, self._skew = clock, skew

    def now(self) -> datetime:
        return self._clock.time + self._skew
