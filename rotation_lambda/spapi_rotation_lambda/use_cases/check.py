"""The scheduled look at one application: metrics, settle, request when due, overdue check, a daily try.

In state CURRENT it costs two API calls: one list, one value. What it does not need then is imported where it is used.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.daily_slot import is_daily_slot
from spapi_rotation_lambda.domain.deaths import days_left, replace_by, unanswered_requests
from spapi_rotation_lambda.domain.errors import Declined, NotDue, RotationError, UnreadMessages
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.state import State, derive
from spapi_rotation_lambda.ports import CallAnswer, Metric, Ports
from spapi_rotation_lambda.use_cases.asking import asked, report_declined

if TYPE_CHECKING:
    from spapi_rotation_lambda.domain.messages import ExpiryNotice


def check(
    ports: Ports, application: Application, scheduled_at: datetime | None = None, *, by_hand: bool = False
) -> State:
    """Look after one application and return its state.

    Args:
        scheduled_at: the schedule's own time, which decides on which check the daily try is made.
        by_hand: whether a person asks; then what is unclaimed is looked at, whatever the hour.

    Raises:
        MalformedSecret, StoreFailed: a defect. Everything else is an ordinary outcome with a metric.
    """
    ports.telemetry.count(Metric.CHECK)
    snapshot = _settled(ports, application)
    in_daily_slot = is_daily_slot(application.client_id, scheduled_at or ports.clock.now(), ports.policy.check_interval)
    current = snapshot.current
    may_be_new = current is None or current.credentials is None or in_daily_slot or by_hand
    if may_be_new and _claim(ports, application):
        snapshot = _settled(ports, application)
    if not snapshot.awaits_promotion:
        snapshot = _request_if_due(ports, snapshot)
    state = derive(snapshot, ports.clock.now(), ports.policy.delivery_deadline)
    if in_daily_slot and state not in (State.UNSEEDED, State.EXPIRED):
        state = _try_current(ports, snapshot, state)
    _report(ports, snapshot, state)
    if in_daily_slot or state is not State.CURRENT:
        from spapi_rotation_lambda.use_cases import announcing

        announcing.tell_state(ports, snapshot, state, at=scheduled_at or ports.clock.now(), daily=in_daily_slot)
    if in_daily_slot:
        from spapi_rotation_lambda.use_cases import daily_looks

        known_request = daily_looks.from_log(ports, application, pages=daily_looks.PAGES_A_DAY)
        daily_looks.warn(ports, application, daily_looks.look_at_everything(ports, snapshot, known_request))
    return state


def _settled(ports: Ports, application: Application) -> Snapshot:
    """Settle what is to be settled. Returns the secret as it is then."""
    snapshot = Snapshot(ports.store, application)
    if snapshot.is_settled:
        return snapshot
    from spapi_rotation_lambda.use_cases.settle import Outcome, settle

    settlement = settle(ports, application, snapshot)
    quiet = settlement.outcome in (Outcome.NOTHING_PENDING, Outcome.UNSEEDED)
    return settlement.snapshot if quiet else settlement.snapshot.again()


def _claim(ports: Ports, application: Application) -> bool:
    """Take back what came before the application was ours. What fails is left there, for the next check."""
    from spapi_rotation_lambda.use_cases.unclaimed import claim

    try:
        return claim(ports, application, _handle_notice) > 0
    except RotationError as error:
        ports.telemetry.warning("unclaimed_left_there", application, error=type(error).__name__, detail=str(error))
        return True  # some may have been taken before


def _handle_notice(ports: Ports, application: Application, notice: "ExpiryNotice") -> str:
    """Handle a notice that is not in the queue: of the messages there, none is the one that asks (REQ-9)."""
    from spapi_rotation_lambda.use_cases.expiry_notice import handle_expiry_notice

    if ports.queue.inspect().waiting:
        raise UnreadMessages(
            f"{application.name}: a message waits in the queue; a newer secret may be there.",
            remedy="Nothing: the next check handles the notice.",
        )
    return handle_expiry_notice(ports, application, notice).value


def _request_if_due(ports: Ports, snapshot: Snapshot) -> Snapshot:
    """Request when the interval is over, or make the one repost. Returns the secret as it is afterwards."""
    application, mode = snapshot.application, Mode.ORDINARY
    try:
        if rules.repost_is_due(snapshot, ports.clock.now(), ports.policy):
            mode = Mode.REPOST
        else:
            # Asked here too, so that a check at rest reads nothing more.
            rules.require_credentials(snapshot)
            rules.require_due(asked(ports, snapshot, Trigger.SCHEDULE))
        from spapi_rotation_lambda.use_cases.request import request

        requested = request(ports, application, Trigger.SCHEDULE, mode=mode, at_hand=snapshot)
        return requested.snapshot or snapshot.again()
    except NotDue:
        return snapshot
    except Declined as declined:
        report_declined(ports, application, declined)
        return snapshot.again()


def _try_current(ports: Ports, snapshot: Snapshot, state: State) -> State:
    current = snapshot.current
    if current is None or current.credentials is None:
        return state
    from spapi_rotation_lambda.use_cases import announcing, verification

    answer = verification.amazon_says(ports, current.credentials)
    ports.telemetry.info("current_secret_tried", snapshot.application, answer=answer.value)
    if answer is CallAnswer.EXPIRED:
        return State.EXPIRED
    if answer is CallAnswer.DENIED:
        # Counted in every state, for its alarm; named where nothing else is.
        ports.telemetry.count(Metric.DENIED)
        announcing.tell_denied(ports, snapshot)
        return State.DENIED if state in (State.REFUSED, State.UNDATED, State.CURRENT) else state
    return state


def _report(ports: Ports, snapshot: Snapshot, state: State) -> None:
    metric = {
        State.UNSEEDED: Metric.UNSEEDED,
        State.EXPIRED: Metric.EXPIRED,
        State.REJECTED: Metric.REJECTED,
    }.get(state)
    if metric is not None:
        ports.telemetry.count(metric)
    if state is State.OVERDUE:
        _report_overdue(ports, snapshot)
    current = snapshot.current
    expires = snapshot.expires(current) if current else None
    if expires is not None:
        ports.telemetry.count(Metric.DAYS_TO_EXPIRY, days_left(expires, ports.clock.now()))
    ports.telemetry.info("check", snapshot.application, state=state.value, expires_at=expires)


def _report_overdue(ports: Ports, snapshot: Snapshot) -> None:
    now = ports.clock.now()
    until = replace_by(snapshot, now)
    ports.telemetry.count(Metric.OVERDUE, days_left(until, now))
    ports.telemetry.warning(
        "delivery_overdue",
        snapshot.application,
        requested_at=next(iter(unanswered_requests(snapshot)), None),
        replace_by=until,
    )
