"""Waiting, during ``pulumi up``, until the new secret is in use."""

from datetime import datetime, timedelta

from spapi_rotation.rotate_on_up.progress import Progress
from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases.request_conditions import Requested
from spapi_rotation_lambda.use_cases.settle import Outcome, settle

LOOK_EVERY_SECONDS = 3.0
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=2)
"""Between two verifications of the same secret: each is up to four calls to Amazon, and half an hour is usual."""


def wait_until_in_use(
    ports: Ports, application: Application, requested: Requested, seconds: float, say: Progress
) -> bool:
    """Wait until the requested secret is in use; False, with a warning, when the time is over."""
    deadline = ports.clock.now() + timedelta(seconds=seconds)
    wait = _Wait(ports, application, requested)
    told = ""
    while True:
        try:
            news = wait.look()
        except StoreFailed as error:
            news = str(error)
        if news != told:
            say.line(told := news)
        if wait.in_use:
            return True
        if ports.clock.now() >= deadline:
            break
        ports.clock.sleep(LOOK_EVERY_SECONDS)
    say.line(
        "WARNING: the new secret is not in use yet; the rotation continues without this update. The function promotes "
        "it when it arrives and Amazon accepts it; the old secret still works for 7 days.",
        error=True,
    )
    return False


class _Wait:
    """Looks at the labels each time, at values only when a label has moved, and asks Amazon ever more rarely.

    Attributes:
        in_use: whether the requested secret is.
    """

    def __init__(self, ports: Ports, application: Application, requested: Requested) -> None:
        self._ports, self._application, self._requested = ports, application, requested
        self._seen: Snapshot | None = None
        self._tried: str | None = None
        self._pause = FIRST_PAUSE
        self._try_again_at: datetime = ports.clock.now()
        self._unaccepted = False
        self.in_use = False

    def look(self) -> str:
        """Look once, and say how it stands. Raises StoreFailed, and MalformedSecret."""
        snapshot = Snapshot(self._ports.store, self._application)
        pending = snapshot.id_of(Label.PENDING)
        if pending is not None and self._is_time_for(pending):
            self._settle(pending)
            snapshot = Snapshot(self._ports.store, self._application)
        if self._seen is None or not snapshot.same_labels(self._seen):
            current = snapshot.current
            self.in_use = current is not None and rules.closes(snapshot.issued(current), self._requested.requested_at)
            self._seen = snapshot
        if self.in_use:
            return f"new secret in use (version {snapshot.id_of(Label.CURRENT)})"
        return "received; Amazon does not accept it yet" if pending and self._unaccepted else "waiting for its message"

    def _is_time_for(self, pending: str) -> bool:
        return pending != self._tried or self._ports.clock.now() >= self._try_again_at

    def _settle(self, pending: str) -> None:
        self._pause = FIRST_PAUSE if pending != self._tried else min(2 * self._pause, LONGEST_PAUSE)
        self._tried, self._try_again_at = pending, self._ports.clock.now() + self._pause
        outcome = settle(self._ports, self._application).outcome
        self._try_again_at = self._ports.clock.now() + self._pause  # it may have taken long
        self._unaccepted = outcome in (Outcome.NOT_YET, Outcome.STUCK)
