"""What an acceptance run does, step by step. Each step looks at what AWS holds, not at what Pulumi printed.

A further step is a function of the scene and a line in STEPS. A step leaves the stack deployed, protected, with its
alarms and its application.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.acceptance.leftovers import KINDS, PENDING, Made
from tests.acceptance.scene import APPLICATION, Scene, an_application

TYPE = "spapi-rotation:index:ClientSecretRotation"
"""The component's, in Pulumi's state."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the run.

    Attributes:
        title: what a person reads.
        act: does it, and records what was observed.
        vital: whether the steps after it make no sense without it.
    """

    title: str
    act: Callable[[Scene], None]
    vital: bool = False


def deploy(scene: Scene) -> None:
    """The first ``up`` makes everything, and asks Amazon for nothing: the application has no secret yet."""
    scene.stack.init()
    scene.configure()
    scene.up()
    counted = [each for each in scene.made if each.kind in KINDS]
    there = scene.standing()
    scene.show.check("what Pulumi says it made is in the account", len(there) == len(counted) > 0, len(there))
    steps = str(scene.stack.outputs()["registration_steps"])
    scene.show.check("the steps at Amazon are printed", scene.stack.outputs()["queue_arn"] in steps)


def clean_preview(scene: Scene) -> None:
    """A preview finds nothing to do: the provider reads back what was asked for."""
    scene.stack.preview(unchanged=True)
    scene.show.check("preview --expect-no-changes", True)


def clean_refresh(scene: Scene) -> None:
    """A refresh finds no drift."""
    scene.stack.refresh(unchanged=True)
    scene.show.check("refresh --expect-no-changes", True)


def scheduled_check(scene: Scene) -> None:
    """The schedule calls the function; nobody else does. Its log and its metric both arrive."""
    lines = scene.wait("the schedule's first check", scene.checks_in_the_log)
    scene.show.check("the schedule made a check", bool(lines), f"state {lines[0].get('state')}" if lines else "")
    counted = scene.wait("its metric", lambda: _checks_counted(scene))
    scene.show.check("CloudWatch counts it (EMF)", bool(counted), counted)
    dropped = scene.account.client("sqs").get_queue_attributes(
        QueueUrl=scene.stack.outputs()["operations_queue_url"], AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]["ApproximateNumberOfMessages"]
    scene.show.check("the operations queue holds no failure", dropped == "0", dropped)


def _checks_counted(scene: Scene) -> float:
    metric = {"Namespace": "SpApiRotation", "MetricName": "Checks"}
    return _sum_of(scene, metric, {"service": scene.identity})


def _sum_of(scene: Scene, metric: dict[str, str], dimensions: dict[str, str]) -> float:
    points = scene.account.client("cloudwatch").get_metric_statistics(
        **metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime="2020-01-01T00:00:00Z",
        EndTime="2100-01-01T00:00:00Z",
        Period=86_400,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def alarm_through_topic(scene: Scene) -> None:
    """A report in the operations queue sets its alarm off, and a subscriber of the encrypted topic hears of it."""
    outputs = scene.stack.outputs()
    scene.listen(str(outputs["alarm_topic_arn"]))
    scene.account.client("sqs").send_message(
        QueueUrl=outputs["operations_queue_url"], MessageBody="An acceptance run says that a check failed."
    )
    expected = f"{scene.identity}/operations"
    heard: list[str] = []

    def came() -> bool:
        heard.extend(str(each["AlarmName"]) for each in scene.heard() if each["NewStateValue"] == "ALARM")
        return expected in heard

    scene.wait(f"the alarm {expected}", came)
    scene.show.check("the alarm reached the topic's subscriber", expected in heard, ", ".join(sorted(set(heard))))
    scene.stop_listening()


def guarded_destroy(scene: Scene) -> None:
    """While deletion protection is on, no way of asking for it takes anything away."""
    before = scene.standing()
    (component,) = (each["urn"] for each in scene.resources() if each["type"] == TYPE)
    for words, ends_well in (
        ((), False),
        (("--skip-preview",), False),
        (("--target", component, "--target-dependents"), False),
        (("--exclude-protected",), True),
    ):
        run = scene.stack.run("destroy", "--yes", "--non-interactive", "--color=never", *words, check=False)
        asked = " ".join(("destroy", *(word for word in words if word != component)))
        scene.show.check(f"{asked} ends as documented", (run.code == 0) is ends_well, f"exit code {run.code}")
        _nothing_is_gone(scene, before)


def _nothing_is_gone(scene: Scene, before: Mapping[Made, str | bool]) -> None:
    now = scene.standing()
    gone = sorted(each.resource_id for each, seen in before.items() if now.get(each) != seen)
    scene.show.check("nothing is gone from the account", not gone, ", ".join(gone))
    scene.stack.preview(unchanged=True)
    scene.show.check("nothing is gone from the state", True)


def second_deployment(scene: Scene) -> None:
    """Another backend with a stack of the same project and name: its ``up`` fails and touches nothing of the first."""
    before = scene.standing()
    scene.second = scene.another_stack("second", scene.stack.name)
    scene.second.init()
    scene.configure(scene.second)
    run = scene.second.run("up", "--yes", "--skip-preview", "--non-interactive", "--color=never", check=False)
    scene.remember(scene.second)
    refused = run.code != 0 and "ResourceAlreadyExistsException" in run.text
    scene.show.check("it is refused at the log group", refused, f"exit code {run.code}")
    scene.second.run("state", "unprotect", "--all", "--yes")
    scene.second.destroy()
    scene.second = None
    _nothing_is_gone(scene, before)


def rename_stack(scene: Scene) -> None:
    """Renamed as docs/living.md says, the stack has nothing to change."""
    before = scene.standing()
    new = f"{scene.stack.name}-renamed"
    scene.settings["identity"] = scene.identity
    scene.configure()
    scene.stack.run("stack", "rename", new, "--stack", scene.stack.name)
    scene.stack.name = new
    _nothing_is_gone(scene, before)


def leave_and_come_back(scene: Scene) -> None:
    """A further application retires, leaves its secret behind, and comes back by the commands that the error names."""
    scene.applications["guest"] = guest = an_application()
    scene.configure()
    scene.up()
    arn = str(scene.stack.outputs()["secret_arns"]["guest"])
    scene.applications["guest"] = {**guest, "retired": True}
    scene.configure()
    scene.up()
    del scene.applications["guest"]
    scene.configure()
    scene.up()
    secret = Made("aws:secretsmanager/secret:Secret", arn)
    scene.show.check("its secret stays when it has left", scene.standing().get(secret) is True)
    scene.applications["guest"] = guest
    scene.configure()
    run = scene.stack.run("up", "--yes", "--skip-preview", "--non-interactive", "--color=never", check=False)
    named = re.search(r"`pulumi (import [^`]*) ARN ([^`]*)`", run.text)
    scene.show.check("the error names the command that takes it back", run.code != 0 and named is not None)
    if named is not None:
        scene.stack.run(*shlex.split(f"{named[1]} {arn} {named[2]}"), "--yes", "--non-interactive")
    scene.up()
    scene.show.check("it is back with the same secret", scene.stack.outputs()["secret_arns"].get("guest") == arn)
    scene.stack.preview(unchanged=True)


def alarms_off_and_on(scene: Scene) -> None:
    """Alarms and their topic can be switched off, and on again, without lifting the protection."""
    scene.configure(alarms=False)
    scene.up()
    scene.show.check("switched off, no alarm is left", _alarms(scene) == 0, _alarms(scene))
    scene.configure()
    scene.up()
    scene.show.check("switched on, they are back", _alarms(scene) > 0, _alarms(scene))
    scene.stack.preview(unchanged=True)


def _alarms(scene: Scene) -> int:
    pages: Any = scene.account.client("cloudwatch").get_paginator("describe_alarms")
    found = pages.paginate(AlarmNamePrefix=f"{scene.identity}/")
    return sum(len(page["MetricAlarms"]) for page in found)


def owners_value(scene: Scene) -> None:
    """Whoever owns the application puts credentials in as the README says; the stack does not see a change."""
    arn = scene.stack.outputs()["secret_arns"][APPLICATION]
    versions = scene.account.client("secretsmanager").list_secret_version_ids(SecretId=arn)["Versions"]
    scene.show.check("the stack has put no value into the secret", not versions, len(versions))


STEPS: tuple[Step, ...] = (
    Step("pulumi up: the first one makes everything", deploy, vital=True),
    Step("pulumi preview: nothing to change", clean_preview),
    Step("pulumi refresh: no drift", clean_refresh),
    Step("the secret waits for its owner", owners_value),
    Step("the schedule checks the application", scheduled_check),
    Step("an alarm goes through the topic", alarm_through_topic),
    Step("pulumi destroy, with deletion protection on", guarded_destroy),
    Step("alarms off and on", alarms_off_and_on),
    Step("a second deployment of the same identity", second_deployment),
    Step("pulumi stack rename", rename_stack),
    Step("an application leaves and comes back", leave_and_come_back),
)
"""In this order. Beside these, the run ends with TEARDOWN, whatever happened."""


def lift_and_destroy(scene: Scene) -> None:
    """Lift the protection in one update, destroy in the next."""
    if scene.second is not None:
        scene.second.run("state", "unprotect", "--all", "--yes")
        scene.second.destroy()
        scene.second = None
    scene.configure(deletion_protection=False)
    scene.up()
    scene.stack.destroy()
    scene.stop_listening()


def nothing_left(scene: Scene) -> None:
    """The account holds nothing of it but what AWS deletes later by itself."""
    left = scene.standing()
    pending = sorted(each.resource_id for each, seen in left.items() if seen == PENDING)
    stays = sorted(each.resource_id for each, seen in left.items() if seen != PENDING)
    scene.show.check("nothing is left", not stays, ", ".join(stays))
    scene.show.note(f"deleted by AWS itself within 30 days, at no cost until then: {', '.join(pending) or 'nothing'}")


TEARDOWN: tuple[Step, ...] = (
    Step("lift the protection, then pulumi destroy", lift_and_destroy, vital=True),
    Step("look for what is left in the account", nothing_left),
)
