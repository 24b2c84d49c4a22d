"""What is looked at once a day, and by ``pulumi up``: what stops or spoils a rotation and shows itself nowhere else.

The doctor shows the same looks. Each answers by itself, and none stops a check or a request.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.ports import Metric, Ports
from spapi_rotation_lambda.use_cases.doctor import (
    Finding,
    Verdict,
    failed,
    look_at_log_level,
    look_at_mapping,
    ok,
    told,
)
from spapi_rotation_lambda.use_cases.history import PAGES, last_requested
from spapi_rotation_lambda.use_cases.version_quota import MANY, young_versions

SAME_REQUEST = timedelta(minutes=15)
"""How far the times of a request and of the line about it can be apart: the function is ended before."""

PAGES_A_DAY = 2
"""How much of the log a check searches: that of a large component is long, and all its applications look each day."""

KnownRequest = Callable[[], datetime | None]
"""Tells when a request was last made, as something else than the secret knows; may raise StoreFailed."""


def look_at_everything(ports: Ports, snapshot: Snapshot, known_request: KnownRequest) -> list[Finding]:
    """Look at the component and at one application."""
    return [
        told("mapping", lambda: look_at_mapping(ports)),
        told("log-level", lambda: look_at_log_level(ports)),
        *look_at_application(ports, snapshot.application),
        told("records", lambda: _records(ports, snapshot, known_request())),
    ]


def look_at_application(ports: Ports, application: Application) -> list[Finding]:
    """Look at what costs a call each."""
    return [
        told("versions", lambda: _versions(ports, application)),
        told("native-rotation", lambda: _native_rotation(ports, application)),
    ]


def look_at_records(ports: Ports, application: Application) -> Finding:
    """Whether the secret knows the last request of which the function's log tells."""
    return told("records", lambda: _records(ports, Snapshot(ports.store, application), from_log(ports, application)()))


def from_log(ports: Ports, application: Application, *, pages: int = PAGES) -> KnownRequest:
    """Searches so many pages of the function's log, for as long back as a request forbids another one."""
    since = ports.clock.now() - rules.UNANSWERED_BLOCKS
    return lambda: last_requested(ports, application.client_id, since, pages=pages)


def warn(ports: Ports, application: Application, findings: list[Finding]) -> None:
    """Log and count what is wrong; log what cannot be told."""
    for each in findings:
        if each.verdict is Verdict.FAILED:
            ports.telemetry.count(Metric.LOOK_FAILED)
            ports.telemetry.warning(
                "look_failed", application, look=each.look, detail=each.detail, remedy=_remedy(each)
            )
        elif each.verdict is Verdict.UNKNOWN:
            ports.telemetry.info("look_unknown", application, look=each.look, detail=each.detail, needs=each.needs)


def _remedy(finding: Finding) -> str:
    return f"{finding.remedy} {finding.command}".strip()


def _versions(ports: Ports, application: Application) -> Finding:
    young = young_versions(ports, application.secret_id)
    if young < MANY:
        return ok("versions", f"{young} were written within 24 hours.")
    return failed(
        "versions",
        f"{young} were written within 24 hours, and Secrets Manager allows about 100. What Amazon sends is still "
        "stored, but no rotation is requested until the secret in use dies within 30 days.",
        "Find what writes this secret so often, such as a job that sets its value at every run.",
    )


def _native_rotation(ports: Ports, application: Application) -> Finding:
    if not ports.store.described(application.secret_id).rotates_natively:
        return ok("native-rotation", "Secrets Manager's own rotation is switched off.")
    return failed(
        "native-rotation",
        "Secrets Manager's own rotation is switched on for this secret. It cannot rotate it, and puts AWSPENDING on "
        "versions of its own.",
        "Switch it off. The reason for it is met: this package rotates the secret.",
        f"aws secretsmanager cancel-rotate-secret --secret-id {application.secret_id}",
    )


def _records(ports: Ports, snapshot: Snapshot, known: datetime | None) -> Finding:
    now = ports.clock.now()
    if known is None or known + rules.UNANSWERED_BLOCKS <= now:
        return ok("records", "The secret has a record of every request of the last days that is known.")
    recorded = rules.last_request(snapshot)
    if recorded is not None and recorded >= known - SAME_REQUEST:
        return ok("records", f"The secret has the record of the request at {format_time(recorded)}.")
    made_at = ports.store.created_at(snapshot.application.secret_id)
    why = f"it was made at {format_time(made_at)}, after that" if made_at > known else "its record was taken away"
    return failed(
        "records",
        f"A rotation was requested at {format_time(known)}, but the secret has no record of it: {why}. So nothing "
        "keeps a second request from being made, and it is unknown what that does to the older secrets.",
        f"Ask for no rotation before {format_time(known + rules.UNANSWERED_BLOCKS)}, unless Amazon's message has come "
        "since: leave rotate_on_up alone, and set paused to true until then.",
    )
