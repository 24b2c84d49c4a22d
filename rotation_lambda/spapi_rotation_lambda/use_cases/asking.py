"""What every request for a rotation needs, even one that is declined: a check at rest loads no more of a request."""

from datetime import datetime

from spapi_rotation_lambda.domain import rules
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.errors import Declined
from spapi_rotation_lambda.domain.request_record import Mode, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.ports import Metric, Ports


def asked(ports: Ports, snapshot: Snapshot, trigger: Trigger, mode: Mode = Mode.ORDINARY) -> rules.Asked:
    """What the rules look at, now."""
    return rules.Asked(
        snapshot, trigger, mode, ports.clock.now(), ports.policy, lambda: _adopted_at(ports, snapshot.application)
    )


def report_declined(ports: Ports, application: Application, declined: Declined) -> None:
    """Log and count a rotation that did not start."""
    ports.telemetry.count(Metric.DECLINED)
    ports.telemetry.info("rotation_declined", application, reason=type(declined).__name__, detail=str(declined))


def _adopted_at(ports: Ports, application: Application) -> datetime:
    """When this package began to look after the application; an owner's edits do not change it."""
    if application.schedule_arn is not None:
        return ports.schedules.made_at(application.schedule_arn)
    return ports.store.created_at(application.secret_id)
