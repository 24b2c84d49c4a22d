"""The hourly look at one application: metrics, settle, request when due, overdue check, a daily try.

In state CURRENT it costs two API calls: one list, one value.
"""

from datetime import datetime, timedelta

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.errors import Declined, NotDue, NotSeeded
from spapi_rotation_lambda.domain.model import Application, Label, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.state import State, derive
from spapi_rotation_lambda.ports import CallAnswer, Metric, Ports
from spapi_rotation_lambda.use_cases import verification
from spapi_rotation_lambda.use_cases.request import request
from spapi_rotation_lambda.use_cases.settle import Outcome, settle

_DAY = timedelta(days=1)


def check(ports: Ports, application: Application, scheduled_at: datetime | None = None) -> State:
    """Look after one application and return its state.

    Args:
        scheduled_at: the schedule's own time, which decides on which check the daily try is made.

    Raises:
        MalformedSecret, StoreFailed: a defect. Everything else is an ordinary outcome with a metric.
    """
    ports.telemetry.count(Metric.CHECK)
    settlement = settle(ports, application)
    quiet = settlement.outcome in (Outcome.NOTHING_PENDING, Outcome.UNSEEDED)
    snapshot = settlement.snapshot if quiet else Snapshot(ports, application)
    changed = not quiet
    if snapshot.id_of(Label.PENDING) is None:
        changed = _request_if_due(ports, snapshot) or changed
    if changed:
        snapshot = Snapshot(ports, application)
    state = derive(snapshot, ports.clock.now(), ports.settings.delivery_deadline)
    if state not in (State.UNSEEDED, State.EXPIRED) and _daily_try_is_due(ports, application, scheduled_at):
        state = _try_current(ports, snapshot, state)
    _report(ports, snapshot, state)
    return state


def _request_if_due(ports: Ports, snapshot: Snapshot) -> bool:
    """Request when the interval is over, or repeat the one request that nothing has answered. True if asked."""
    application = snapshot.application
    try:
        if rules.repost_is_due(ports, snapshot):
            request(ports, application, Trigger.SCHEDULE, repost=True)
            return True
        current = snapshot.current
        if current is None or current.credentials is None:
            raise NotSeeded(
                f"{application.name}: the secret holds no credentials yet.", remedy="Seed it; see the README."
            )
        rules.require_due(ports, snapshot, Trigger.SCHEDULE)
        request(ports, application, Trigger.SCHEDULE)
        return True
    except NotDue:
        return False
    except Declined as declined:
        ports.telemetry.count(Metric.DECLINED)
        ports.telemetry.info("rotation_declined", application, reason=type(declined).__name__, detail=str(declined))
        return True


def _daily_try_is_due(ports: Ports, application: Application, scheduled_at: datetime | None) -> bool:
    """True on one check a day; which one depends on the client id, so that a fleet spreads over the day."""
    every = ports.settings.check_interval
    moment = (scheduled_at or ports.clock.now()).timestamp()
    offset = sum(application.client_id.encode()) % 24 * 3600
    return int((moment - offset) // _DAY.total_seconds()) != int(
        (moment - offset - every.total_seconds()) // _DAY.total_seconds()
    )


def _try_current(ports: Ports, snapshot: Snapshot, state: State) -> State:
    current = snapshot.current
    if current is None or current.credentials is None:
        return state
    answer = verification.alive(ports, current.credentials)
    ports.telemetry.info("current_secret_tried", snapshot.application, answer=answer.value)
    return State.EXPIRED if answer is CallAnswer.DENIED else state


def _report(ports: Ports, snapshot: Snapshot, state: State) -> None:
    metric = {
        State.UNSEEDED: Metric.UNSEEDED,
        State.EXPIRED: Metric.EXPIRED,
        State.OVERDUE: Metric.OVERDUE,
        State.REJECTED: Metric.REJECTED,
    }.get(state)
    if metric is not None:
        ports.telemetry.count(metric)
    current = snapshot.current
    expires = current.credentials.expires if current and current.credentials else None
    if expires is not None:
        days = (expires - ports.clock.now()) / _DAY
        ports.telemetry.count(Metric.DAYS_TO_EXPIRY, days)
    ports.telemetry.info("check", snapshot.application, state=state.value, expires_at=expires)
