"""Waiting, during ``pulumi up``, until the new secret is in use."""

from datetime import timedelta

from spapi_rotation.rotate_on_up.progress import Progress
from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import StoreFailed
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases.request_conditions import Requested
from spapi_rotation_lambda.use_cases.settle import Outcome, settle

LOOK_EVERY_SECONDS = 3.0


def wait_until_in_use(
    ports: Ports, application: Application, requested: Requested, seconds: float, say: Progress
) -> bool:
    """Wait until the requested secret is in use; False, with a warning, when the time is over."""
    deadline = ports.clock.now() + timedelta(seconds=seconds)
    told = ""
    while True:
        try:
            outcome = settle(ports, application).outcome
            snapshot = Snapshot(ports.store, application)
            current = snapshot.current
            if current is not None and rules.closes(snapshot.issued(current), requested.requested_at):
                say.line(f"new secret in use (version {current.version.id})")
                return True
            news = (
                "received; Amazon does not accept it yet" if outcome is Outcome.NOT_YET else "waiting for its message"
            )
        except StoreFailed as error:
            news = str(error)
        if news != told:
            say.line(told := news)
        if ports.clock.now() >= deadline:
            break
        ports.clock.sleep(LOOK_EVERY_SECONDS)
    say.line(
        "WARNING: the new secret is not in use yet; the rotation goes on without this update. The function promotes "
        "it when it arrives and Amazon accepts it; the old secret still works for 7 days.",
        error=True,
    )
    return False
