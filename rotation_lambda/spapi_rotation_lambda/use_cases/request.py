"""The use case *request*: ask Amazon for a new secret, at most once, and leave a record before asking."""

import secrets

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import AlreadyRequested, StoreFailed
from spapi_rotation_lambda.domain.events import RotationRefused, RotationRequested
from spapi_rotation_lambda.domain.labels import Label, derived_id
from spapi_rotation_lambda.domain.request_record import Mode, RequestRecord, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import (
    Answer,
    LabelMoved,
    Metric,
    Ports,
    RotateAnswer,
    Scope,
    VersionExists,
)
from spapi_rotation_lambda.use_cases.announcing import tell
from spapi_rotation_lambda.use_cases.asking import asked
from spapi_rotation_lambda.use_cases.label_moves import reading, until_labels_stand_still
from spapi_rotation_lambda.use_cases.refusals import refused
from spapi_rotation_lambda.use_cases.request_conditions import CONDITIONS, Attempt, Requested

_ROUNDS = 3


def request(
    ports: Ports,
    application: Application,
    trigger: Trigger,
    *,
    reference: str | None = None,
    mode: Mode = Mode.ORDINARY,
    at_hand: Snapshot | None = None,
) -> Requested:
    """Request a rotation.

    Args:
        reference: the trigger text of ``pulumi up``; a standing request with the same text is not repeated.
        mode: what the request may pass.
        at_hand: a reading of the secret, for the first attempt; the labels are still read again (REQ-10).

    Raises:
        Declined: (its subclasses) nothing was requested, and that is no defect.
        MalformedSecret, StoreFailed: a defect.
    """
    read = reading(ports, application, at_hand)

    def attempt() -> Requested | None:
        snapshot = read()
        this = Attempt(ports, asked(ports, snapshot, trigger, mode), reference)
        for condition in CONDITIONS:
            if mode in condition.modes and (earlier := condition.require(this)) is not None:
                return earlier
        # REQ-10. A message that left the queue since the labels were read is in them by now: store comes before
        # acknowledge. Only an unchanged secret has met all conditions.
        return _post(this) if snapshot.same_labels(this.latest or snapshot.again()) else None

    return until_labels_stand_still(
        attempt,
        AlreadyRequested(
            f"{application.name}: the secret keeps changing while it is looked at.",
            remedy="Nothing. Another request or a delivery is in progress; try again in a minute.",
        ),
        rounds=_ROUNDS,
    )


def describe(requested: Requested) -> str:
    """One line for a person about a request that was made."""
    at = format_time(requested.requested_at)
    if requested.earlier:
        return f"already requested at {at} by an earlier run; not requested again"
    if requested.certain:
        return f"requested at {at}; Amazon confirmed it (204)"
    return f"requested at {at}; Amazon's answer was unclear, so it is not repeated until the queue has been watched"


def _post(attempt: Attempt) -> Requested | None:
    """Token, record, POST, in this order; then what the answer says. None: start over."""
    ports, application, snapshot = attempt.ports, attempt.application, attempt.snapshot
    token = ports.amazon().token(rules.require_credentials(snapshot), Scope.ROTATION)
    record = _next_record(attempt)
    record_id = derived_id("request", snapshot.id_of(Label.REQUEST) or snapshot.versions.arn)
    text = record.text()
    try:
        ports.store.write(application.secret_id, record_id, text, Label.REQUEST)
    except VersionExists:
        _label_again(ports, snapshot, record_id)
        return None
    answer = ports.amazon().rotate(token)
    if answer.answer is Answer.REFUSED:
        _note_refusal(ports, snapshot, record_id, answer)
        raise refused(application, answer, attempt.queue.arn)
    ports.telemetry.count(Metric.REQUESTED)
    certain = answer.answer is Answer.DONE
    (ports.telemetry.info if certain else ports.telemetry.warning)(
        "rotation_requested" if certain else "rotation_request_unclear",
        application,
        trigger=record.trigger.value,
        status=answer.status,
        code=answer.code,
        request_id=answer.request_id,
        mode=attempt.asked.mode.value,
    )
    tell(
        ports,
        RotationRequested(
            application,
            snapshot.versions.arn,
            record.requested_at,
            record.trigger,
            attempt.asked.mode,
            certain,
            answer.request_id,
        ),
    )
    now_there = snapshot.after(record_id, text, (Label.REQUEST,), record.requested_at)
    return Requested(record.requested_at, certain, request_id=answer.request_id, snapshot=now_there)


def _label_again(ports: Ports, snapshot: Snapshot, record_id: str) -> None:
    """Put the label back onto a record that has lost it; what it forbids is asked for in the next round.

    Raises:
        AlreadyRequested: it has not lost it: another requester has just written it.
    """
    application, holder = snapshot.application, snapshot.id_of(Label.REQUEST)
    if ports.store.versions(application.secret_id).id_of(Label.REQUEST) != holder:
        raise AlreadyRequested(
            f"{application.name}: another requester was quicker.", remedy="Nothing. Its request goes on."
        )
    ports.store.move(application.secret_id, Label.REQUEST, to=record_id, away_from=holder)
    ports.telemetry.warning("request_record_labelled_again", application, record_id=record_id)


def _next_record(attempt: Attempt) -> RequestRecord:
    snapshot, mode = attempt.snapshot, attempt.asked.mode
    last = snapshot.request_record()
    refusal = last if snapshot.request_refused else None
    reposts = refusal.reposts if refusal is not None else 0
    refused_itself = refusal is not None and refusal.trigger is Trigger.PULUMI_UP
    earlier_text = last.reference if last is not None and not refused_itself else None
    return RequestRecord(
        requested_at=attempt.ports.clock.now(),
        trigger=attempt.asked.trigger,
        nonce=secrets.token_hex(16),
        reference=attempt.reference or earlier_text,
        reposts=reposts if mode is Mode.ORDINARY else max(reposts, 1),
        refusals=refusal.refusals + 1 if refusal is not None else 0,
        standing_since=rules.last_request(snapshot),
        queue_arn=attempt.queue.arn,
        answered_through=rules.answered_through(snapshot),
    )


def _note_refusal(ports: Ports, snapshot: Snapshot, record_id: str, answer: RotateAnswer) -> None:
    application = snapshot.application
    ports.telemetry.count(Metric.REFUSED)
    ports.telemetry.warning(
        "rotation_refused",
        application,
        status=answer.status,
        code=answer.code,
        cause=answer.refusal.value,
        request_id=answer.request_id,
    )
    try:
        ports.store.move(application.secret_id, Label.REFUSED, to=record_id, away_from=snapshot.id_of(Label.REFUSED))
    except (LabelMoved, StoreFailed):
        # Then the record stands as if the answer were unknown: slower, never wrong. The refusal is what to tell.
        ports.telemetry.warning("refusal_not_labelled", application, record_id=record_id)
    refusal = answer.refusal.value
    tell(
        ports,
        RotationRefused(application, snapshot.versions.arn, answer.status, answer.code, refusal, answer.request_id),
    )
