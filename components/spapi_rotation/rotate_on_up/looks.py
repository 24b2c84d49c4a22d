"""What ``pulumi up`` looks at before it requests a rotation; what it finds is told and stops nothing."""

from spapi_rotation.rotate_on_up.progress import Progress
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.times import parse_time
from spapi_rotation_lambda.ports import Ports
from spapi_rotation_lambda.use_cases.daily_looks import look_at_everything
from spapi_rotation_lambda.use_cases.doctor import Verdict


def look_around(ports: Ports, application: Application, last_requested_at: object, say: Progress) -> None:
    """Look, and print a warning for what is wrong.

    Args:
        last_requested_at: when this resource last requested a rotation, as Pulumi's state tells; None if it does not.

    Raises:
        StoreFailed: the secret could not be read.
    """
    try:
        known = parse_time(last_requested_at, "requested_at")
    except ValueError:
        known = None
    for each in look_at_everything(ports, Snapshot(ports.store, application), lambda: known):
        if each.verdict is Verdict.FAILED:
            remedy = f"{each.remedy} {each.command}".strip()
            say.line(f"WARNING: {each.look}: {each.detail} What to do: {remedy}", error=True)
        elif each.verdict is Verdict.UNKNOWN:
            say.line(f"{each.look} could not be looked at: {each.detail}")
