"""The use case *request*: ask Amazon for a new secret, at most once, and leave a record before asking."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.errors import AlreadyRequested, NotSeeded, RequestRefused, StoreFailed
from spapi_rotation_lambda.domain.model import (
    Application,
    Credentials,
    Label,
    RequestRecord,
    Trigger,
    derived_id,
    format_time,
)
from spapi_rotation_lambda.domain.registration import registration_steps
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Answer, LabelMoved, Metric, Ports, RotateAnswer, Scope, VersionExists
from spapi_rotation_lambda.use_cases import preflight

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that was made.

    Attributes:
        requested_at: its record's time (UTC).
        record_id: its record's version id.
        certain: whether Amazon confirmed it (204); False when the answer left it open.
        earlier: whether an earlier run of the same ``pulumi up`` trigger had made it already.
        request_id: ``x-amzn-RequestId``, if there was an answer.
    """

    requested_at: datetime
    record_id: str
    certain: bool
    earlier: bool = False
    request_id: str = ""


def request(
    ports: Ports,
    application: Application,
    trigger: Trigger,
    *,
    reference: str | None = None,
    force: bool = False,
    repost: bool = False,
) -> Requested:
    """Request a rotation.

    Args:
        reference: the trigger text of ``pulumi up``; a standing request with the same text is not repeated.
        force: pass the 7 days and unread messages; a person's decision.
        repost: this is the one automatic repetition of an unanswered request.

    Raises:
        Declined: (its subclasses) nothing was requested, and that is no defect.
        MalformedSecret, StoreFailed: a defect.
    """
    for _ in range(_ROUNDS):
        snapshot = Snapshot(ports, application)
        credentials = _usable_credentials(snapshot)
        if reference is not None and (earlier := _earlier(snapshot, reference)) is not None:
            return earlier
        if repost:
            rules.require_repost_due(ports, snapshot)
        elif not force:
            rules.require_due(ports, snapshot, trigger)
        if not force:
            rules.require_open_window(ports, snapshot, trigger)
            rules.require_no_rotation_in_flight(ports, snapshot, repost=repost)
            rules.require_patience_after_refusal(ports, snapshot, trigger)
        queue = preflight.require_ready_queue(ports, snapshot)
        if not force:
            preflight.require_empty_queues(ports, snapshot, credentials, trigger, queue)
        # A message that left the queue since the labels were read is in them by now: store comes before
        # acknowledge. Only an unchanged secret has passed all rules.
        if snapshot.same_labels(Snapshot(ports, application)):
            return _post(ports, snapshot, credentials, trigger, reference, queue.arn, repost=repost, force=force)
    raise AlreadyRequested(
        f"{application.name}: the secret keeps changing while it is looked at.",
        remedy="Nothing. Another requester or a delivery is at work; try again in a minute.",
    )


def _post(
    ports: Ports,
    snapshot: Snapshot,
    credentials: Credentials,
    trigger: Trigger,
    reference: str | None,
    queue_arn: str,
    *,
    repost: bool,
    force: bool,
) -> Requested:
    application = snapshot.application
    token = ports.amazon().token(credentials, Scope.ROTATION)
    record = _next_record(ports, snapshot, trigger, reference, spent=force or repost)
    record_id = derived_id("request", snapshot.id_of(Label.REQUEST) or snapshot.versions.arn)
    try:
        ports.store.write(application.secret_id, record_id, record.text(), Label.REQUEST)
    except VersionExists:
        raise AlreadyRequested(
            f"{application.name}: another requester was quicker.", remedy="Nothing. Its request goes on."
        ) from None
    answer = ports.amazon().rotate(token)
    if answer.answer is Answer.REFUSED:
        _note_refusal(ports, snapshot, record_id, answer)
        raise _refused(application, answer, queue_arn)
    ports.telemetry.count(Metric.REQUESTED)
    certain = answer.answer is Answer.DONE
    (ports.telemetry.info if certain else ports.telemetry.warning)(
        "rotation_requested" if certain else "rotation_request_unclear",
        application,
        trigger=trigger.value,
        status=answer.status,
        code=answer.code,
        request_id=answer.request_id,
        repost=repost,
        forced=force,
    )
    return Requested(record.requested_at, record_id, certain, request_id=answer.request_id)


def _usable_credentials(snapshot: Snapshot) -> Credentials:
    current = snapshot.current
    if current is None or current.credentials is None:
        name = snapshot.application.secret_id
        raise NotSeeded(
            f"{snapshot.application.name}: the secret holds no credentials yet.",
            remedy="Put them in: aws secretsmanager put-secret-value "
            f"--secret-id {name} --secret-string file://credentials.json, where the file is a JSON object with "
            "client_id and client_secret. Delete the file afterwards.",
        )
    return current.credentials


def _earlier(snapshot: Snapshot, reference: str) -> Requested | None:
    """The standing request that an earlier, interrupted run of the same trigger made."""
    if snapshot.request_version is None or snapshot.request_refused:
        return None
    record = snapshot.request_record()
    if record is None or record.trigger is not Trigger.PULUMI_UP or record.reference != reference:
        return None
    return Requested(record.requested_at, snapshot.request_version.id, certain=False, earlier=True)


def _next_record(
    ports: Ports, snapshot: Snapshot, trigger: Trigger, reference: str | None, *, spent: bool
) -> RequestRecord:
    last = snapshot.request_record()
    after_refusal = last is not None and snapshot.request_refused
    reposts = last.reposts if last is not None and after_refusal else 0
    return RequestRecord(
        requested_at=ports.clock.now(),
        trigger=trigger,
        nonce=secrets.token_hex(16),
        reference=reference,
        reposts=max(reposts, 1) if spent else reposts,
        refusals=last.refusals + 1 if last is not None and after_refusal else 0,
        standing_since=rules.last_request(snapshot),
    )


def _note_refusal(ports: Ports, snapshot: Snapshot, record_id: str, answer: RotateAnswer) -> None:
    application = snapshot.application
    ports.telemetry.count(Metric.REFUSED)
    ports.telemetry.warning(
        "rotation_refused",
        application,
        status=answer.status,
        code=answer.code,
        request_id=answer.request_id,
    )
    try:
        ports.store.move(application.secret_id, Label.REFUSED, to=record_id, away_from=snapshot.id_of(Label.REFUSED))
    except (LabelMoved, StoreFailed):
        # Then the record stands as if the answer were unknown: slower, never wrong. The refusal is what to tell.
        ports.telemetry.warning("refusal_not_labelled", application, record_id=record_id)


def _refused(application: Application, answer: RotateAnswer, queue_arn: str) -> RequestRefused:
    wait = answer.retry_after_seconds
    if answer.secret_expired:
        remedy = (
            "The current secret has expired. Make a new one by hand in the Developer Console and put it into the "
            "secret."
        )
    elif answer.status == 400:
        remedy = f"Register the queue in Amazon's Developer Console:\n{registration_steps(queue_arn)}"
    elif answer.status == 429:
        remedy = f"Try again after {wait:.0f} seconds; Amazon accepts one request a minute."
    elif answer.status == 0:
        remedy = "SP-API could not be reached. Check the endpoint and the network, then try again."
    else:
        remedy = (
            "Check that the client id belongs to a production application and that the endpoint is that of its "
            "region. Give the request id to Amazon's support if it goes on."
        )
    return RequestRefused(
        f"{application.name}: SP-API refused the rotation ({answer.status or 'no connection'}"
        f"{', ' + answer.code if answer.code else ''}"
        f"{', request id ' + answer.request_id if answer.request_id else ''}). Nothing was changed.",
        remedy=remedy,
        status=answer.status,
        code=answer.code,
        retry_after_seconds=wait,
    )


def describe(requested: Requested) -> str:
    """One line for a person about a request that was made."""
    at = format_time(requested.requested_at)
    if requested.earlier:
        return f"already requested at {at} by an earlier run; not requested again"
    if requested.certain:
        return f"requested at {at}; Amazon confirmed it (204)"
    return f"requested at {at}; Amazon's answer was unclear, so it is not repeated until the queue has been watched"
