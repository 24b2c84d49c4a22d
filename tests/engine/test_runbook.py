"""The runbook runs: each alarm sounds when its world is broken, and the commands of its section end it.

Each test breaks one thing, waits until the alarm sounds, types the commands that stand in the alarm's section of
``docs/runbook.md`` and nothing else, sees the alarm end, and rotates. What no command can do, a person does: subscribe
the queue in the Developer Console, make a secret there, decide which of two commands applies.
"""

import json
import re
import shlex
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sandbox.amazon.faults import AcceptLate, Lose
from sandbox.amazon.outbox import NotificationType, envelope, fresh_id, new_secret_payload
from sandbox.session import App, Sandbox, new_app
from spapi_rotation.resources.runbook import ALARM_SECTIONS
from spapi_rotation_lambda.domain.daily_slot import daily_slot
from spapi_rotation_lambda.domain.times import format_time
from spapi_rotation_lambda.settings import Env
from tests.cli.aws_cli import RUNS_HERE, ensure_aws_cli
from tests.engine.fault_scenarios.runs import garbage, of_a_stranger
from tests.engine.operating import Operator
from tests.engine.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.runbook]

PAGE = Path(__file__).parents[2] / "docs" / "runbook.md"
APPS = {name: new_app(name) for name in ALARM_SECTIONS}
ACCEPTED_AFTER = 40.0
"""Seconds after which Amazon accepts a new secret where it does so late: then the next rotation can work."""

CLUSTER, SERVICE = "cluster", "orders"

ASKING = {"seed", "rotate", "promote", "reject", "redrive", "discard"}
"""The subcommands that want a yes."""


def commands_of(alarm: str) -> list[str]:
    """The commands of an alarm's section, as they stand on the page."""
    section = re.search(rf"^### {alarm}\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert section is not None, alarm
    (block,) = re.findall(r"^```bash\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    return [line.partition("  #")[0].strip() for line in block.splitlines()]


def make_service(box: Sandbox) -> str:
    """A service of ECS that reads a secret; returns its ARN."""
    ecs = box.aws.client("ecs")
    ecs.create_cluster(clusterName=CLUSTER)
    ecs.register_task_definition(
        family="task", containerDefinitions=[{"name": "main", "image": "busybox", "memory": 64}]
    )
    made = ecs.create_service(cluster=CLUSTER, serviceName=SERVICE, taskDefinition="task", desiredCount=0)
    return str(made["service"]["serviceArn"])


@dataclass
class Scene:
    """The stack, who operates it, its owner, and the console at Amazon.

    Attributes:
        table: what is shown at the end: alarm, broken by, commands, hours until it was quiet.
        printed: what other words in capitals stand for, as the commands before print it.
    """

    box: Sandbox
    operator: Operator = field(init=False)
    table: list[tuple[str, str, int, str]] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.operator = Operator(self.box)
        self.outputs = self.operator.outputs
        self.function = str(self.outputs["function_name"])
        self.lambda_ = self.box.aws.client("lambda")
        self.sqs = self.box.aws.client("sqs")

    # --- the world ---

    def arn(self, app: App) -> str:
        return str(self.outputs["secret_arns"][app.name])

    def known(self, app: App, *, days: int = 10, subscribe: bool = True) -> None:
        self.box.seed(app, self.arn(app), age=timedelta(days=days))
        if subscribe:
            self.box.amazon.subscribe(app.client_id, self.outputs["queue_url"])

    def put(self, app: App, **value: str) -> None:
        text = json.dumps({"client_id": app.client_id, **value})
        self.box.aws.client("secretsmanager").put_secret_value(SecretId=self.arn(app), SecretString=text)

    def check(self, app: App, *, daily: bool = False) -> None:
        """The schedule's own event, as it comes each hour; once a day it is the one of the daily try."""
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        slot = midnight + daily_slot(app.client_id)
        at = slot if daily else slot + timedelta(hours=5)
        event = {
            "action": "check",
            "application": app.name,
            "client_id": app.client_id,
            "scheduled_at": format_time(at),
        }
        self.lambda_.invoke(FunctionName=self.function, InvocationType="Event", Payload=json.dumps(event).encode())

    def pass_hours(self, hours: float) -> None:
        """So many hours pass for what was measured, and for what waits in the queues."""
        context = ssl.create_default_context(cafile=self.box.aws.ca_file)
        with httpx.Client(base_url=self.box.aws.endpoint, verify=context, trust_env=False) as http:
            http.post("/_sandbox/pass", json={"hours": hours}).raise_for_status()

    def set_variable(self, name: Env, text: str) -> Callable[[], None]:
        """Somebody changes the function by hand; returns what undoes it."""
        found = self.lambda_.get_function_configuration(FunctionName=self.function)["Environment"]["Variables"]

        def write(variables: dict[str, str]) -> None:
            self.lambda_.update_function_configuration(FunctionName=self.function, Environment={"Variables": variables})

        write({**found, name.value: text})
        return lambda: write(found)

    def take_right_away(self, sid: str) -> None:
        """Somebody edits the function's role by hand."""
        iam = self.box.aws.client("iam")
        role = self.lambda_.get_function_configuration(FunctionName=self.function)["Role"].rpartition("/")[2]
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        document["Statement"] = [each for each in document["Statement"] if each["Sid"] != sid]
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))

    def new_secret_in_console(self, app: App) -> str:
        """A person makes one in the Developer Console, and sees it there; its message does not come."""
        before = set(self.box.amazon.canaries().secrets)
        self.box.amazon.rotate_by_hand(app.client_id, notify=False)
        (made,) = set(self.box.amazon.canaries().secrets) - before
        return made

    # --- the alarm ---

    def alarm_is(self, name: str, state: str, seconds: float = 20) -> bool:
        """Whether it is, or becomes so before long."""
        ends = time.monotonic() + seconds
        while True:
            pages = self.box.aws.client("cloudwatch").get_paginator("describe_alarms")
            alarms = [each for page in pages.paginate() for each in page["MetricAlarms"]]
            (found,) = [each for each in alarms if each["AlarmName"].endswith(f"/{name}")]
            if found["StateValue"] == state:
                return True
            if time.monotonic() > ends:
                return False
            time.sleep(0.3)

    def hours_until_quiet(self, name: str, app: App) -> float | None:
        """Let the hours pass, with the checks that come in them; None if it still sounds after days."""
        passed = 0.0
        for step in (0, 0.1, 3, 24, 24, 24, 24):
            if step:
                self.check(app, daily=passed + step >= 24)
                time.sleep(1)
                self.pass_hours(step)
                passed += step
            if self.alarm_is(name, "OK", 2.5):
                return passed
        return None

    # --- the commands ---

    def type(self, command: str, app: App, secret: str) -> None:
        """Type a command of the page in the stack's folder, with the application's name and a yes."""
        for word, printed in {"NAME": app.name, **self.printed}.items():
            command = command.replace(word, printed)
        program, *words = shlex.split(command)
        if program == "spapi-rotation":
            more = ["--yes"] if words[0] in ASKING else []
            if words[0] == "redrive":
                time.sleep(6)  # what was looked at is hidden for so long
            if words[0] == "rotate":
                more += ["--timeout", "120"]
            if words[0] == "seed":
                more += ["--from-stdin", "--issued-at", datetime.now(UTC).date().isoformat()]
            self.operator.run(*words, *more, stdin=f"{secret}\n", code=None)
        elif program == "pulumi":
            more = ["--yes", "--skip-preview"] if words[0] == "up" else []
            self.box.stack.run(*words, *more, check=words[0] == "up")
        else:
            self._aws(command)

    def _aws(self, command: str) -> None:
        for output in re.findall(r"\$\(pulumi stack output (\w+)\)", command):
            command = command.replace(f"$(pulumi stack output {output})", str(self.outputs[output]))
        environment = {**self.box.stack.environment, "AWS_PAGER": ""}
        _, *words = shlex.split(command)
        done = subprocess.run(
            [ensure_aws_cli(), *words], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr


Broken = Callable[[Scene, App], object]


@dataclass(frozen=True)
class Case:
    """One way to set an alarm off.

    Attributes:
        broken_by: in words.
        broken: does it. It may return what a person does at last to remove a cause that no command removes.
        passing: the commands whose condition does not hold, and that a person so passes over.
        needs_aws: whether a command is the AWS CLI's.
    """

    broken_by: str
    broken: Broken
    passing: tuple[str, ...] = ()
    needs_aws: bool = False


def expired(scene: Scene, app: App) -> None:
    scene.known(app)
    scene.put(app, client_secret="canary-dead", client_secret_expires_at=format_time(datetime.now(UTC) - timedelta(1)))
    scene.check(app)


def days_to_expiry(scene: Scene, app: App) -> object:
    scene.known(app, days=165)
    undo = scene.set_variable(Env.PAUSED, "true")
    scene.check(app)
    return undo


def denied(scene: Scene, app: App) -> object:
    scene.known(app)
    scene.box.amazon.lack_notifications_role(app.client_id)
    scene.check(app, daily=True)

    def given_back() -> None:
        scene.box.amazon.behave(app.client_id)
        scene.box.stack.run("config", "rm", "verification")
        scene.box.stack.up()

    return given_back


def rejected(scene: Scene, app: App) -> None:
    scene.known(app)
    scene.box.amazon.misbehave(app.client_id, AcceptLate(spapi_seconds=ACCEPTED_AFTER))
    scene.operator.run("rotate", app.name, "--yes", "--no-wait")
    until(lambda: state(scene, app) == "RECEIVED", 60)
    scene.operator.run("reject", app.name, "--yes")
    scene.check(app)


def contradictory(scene: Scene, app: App) -> None:
    scene.known(app)
    value = scene.box.value(scene.arn(app))
    issued, expires = (datetime.fromisoformat(value[f"client_secret_{name}"]) for name in ("issued_at", "expires_at"))
    payload = new_secret_payload(app.client_id, "canary-other", expires, issued + timedelta(days=7))
    body = envelope(NotificationType.NEW_SECRET, payload, "unknown", "unknown", fresh_id(), issued, datetime.now(UTC))
    scene.box.amazon.send_body(app.client_id, body)


def order_unknown(scene: Scene, app: App) -> None:
    scene.known(app)
    scene.put(app, client_secret=scene.new_secret_in_console(app))
    scene.operator.run("check", app.name, code=None)
    scene.box.amazon.rotate_by_hand(app.client_id)
    until(lambda: state(scene, app) == "RECEIVED", 60)
    scene.check(app)


def overwritten(scene: Scene, app: App) -> None:
    scene.known(app)
    old = scene.box.value(scene.arn(app))
    scene.operator.run("rotate", app.name, "--yes", "--timeout", "120")
    scene.put(app, **{key: str(text) for key, text in old.items() if key != "client_id"})
    scene.check(app)


def unseen_rotation(scene: Scene, app: App) -> None:
    scene.known(app)
    scene.box.amazon.expiry_notice(app.client_id, expires_at=datetime.now(UTC) + timedelta(days=3))


def unseeded(scene: Scene, app: App) -> None:
    for _ in range(2):
        scene.check(app)
        time.sleep(2)
        scene.pass_hours(24)
    scene.check(app)


def stuck(scene: Scene, app: App) -> None:
    scene.known(app, days=179)
    scene.box.amazon.misbehave(app.client_id, AcceptLate(spapi_seconds=ACCEPTED_AFTER))
    scene.operator.run("rotate", app.name, "--yes", "--no-wait")
    until(lambda: state(scene, app) == "STUCK", 60)
    scene.check(app)


def overdue(scene: Scene, app: App) -> object:
    scene.known(app, days=61)
    scene.box.amazon.misbehave(app.client_id, Lose())
    undo = scene.set_variable(Env.DELIVERY_DEADLINE_MINUTES, "0.01")
    scene.operator.run("rotate", app.name, "--yes", "--no-wait")
    time.sleep(1)
    scene.check(app)
    return undo


def refused(scene: Scene, app: App) -> None:
    scene.known(app, days=61, subscribe=False)
    scene.check(app)


def dead_letters(scene: Scene, app: App) -> None:
    scene.known(app)
    now = datetime.now(UTC)
    made = scene.new_secret_in_console(app)
    payload = new_secret_payload(app.client_id, made, now + timedelta(days=180), now + timedelta(days=7))
    body = envelope(NotificationType.NEW_SECRET, payload, "unknown", "unknown", fresh_id(), now, now)
    scene.sqs.send_message(QueueUrl=scene.outputs["dead_letter_queue_url"], MessageBody=body)


def unknown_messages(scene: Scene, app: App) -> object:
    scene.known(app)
    scene.box.amazon.send_body(app.client_id, garbage("canary-garbage"))
    return lambda: scene.sqs.purge_queue(QueueUrl=scene.outputs["queue_url"])


def queue_age(scene: Scene, app: App) -> None:
    scene.known(app)
    switch_off_mapping(scene)
    scene.box.amazon.rotate_by_hand(app.client_id)
    url = scene.outputs["queue_url"]
    name = "ApproximateNumberOfMessages"
    until(lambda: scene.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name] != "0", 60)
    scene.pass_hours(1)


def switch_off_mapping(scene: Scene) -> None:
    (mapping,) = scene.lambda_.list_event_source_mappings(FunctionName=scene.function)["EventSourceMappings"]
    scene.lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    until(lambda: scene.lambda_.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Disabled", 60)
    time.sleep(2)  # a look at the queue that was under way ends


def unclaimed(scene: Scene, app: App) -> None:
    scene.known(app)
    scene.box.amazon.send_body(app.client_id, of_a_stranger("canary-stranger"))


def heartbeat(scene: Scene, app: App) -> None:
    scene.known(app)
    scheduler = scene.box.aws.client("scheduler")
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    for each in scheduler.list_schedules()["Schedules"]:
        found = scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])
        scheduler.update_schedule(**{key: found[key] for key in kept}, State="DISABLED")
    scene.pass_hours(5)


def role_edited(scene: Scene, app: App) -> None:
    scene.known(app)
    scene.take_right_away("Secrets")
    scene.check(app)


def throttles(scene: Scene, app: App) -> None:
    scene.known(app)
    scene.lambda_.put_function_concurrency(FunctionName=scene.function, ReservedConcurrentExecutions=0)
    for _ in range(3):
        scene.check(app)
        time.sleep(1.5)
        scene.pass_hours(0.1)
    scene.lambda_.delete_function_concurrency(FunctionName=scene.function)


def look_failed(scene: Scene, app: App) -> None:
    scene.known(app)
    switch_off_mapping(scene)
    scene.check(app, daily=True)


def not_published(scene: Scene, app: App) -> None:
    scene.known(app)
    scene.take_right_away("Publish")
    scene.operator.run("rotate", app.name, "--yes", "--no-wait")


def restart_failed(scene: Scene, app: App) -> None:
    """The service is deleted, and somebody makes it again once it is noticed."""
    scene.known(app)
    ecs, states = scene.box.aws.client("ecs"), scene.box.aws.client("stepfunctions")
    ecs.delete_service(cluster=CLUSTER, service=SERVICE, force=True)
    scene.operator.run("rotate", app.name, "--yes", "--timeout", "120")
    machine = str(scene.outputs["restart_state_machine_arn"])

    def failed() -> list[dict[str, str]]:
        ended = states.list_executions(stateMachineArn=machine, statusFilter="FAILED")
        found: list[dict[str, str]] = ended["executions"]
        return found

    until(failed, 30)
    make_service(scene.box)
    scene.printed = {"EXECUTION_ARN": failed()[0]["executionArn"], "CLUSTER": CLUSTER, "SERVICE": SERVICE}


def restart_not_started(scene: Scene, app: App) -> None:
    """Somebody edits the role of the rules by hand."""
    scene.known(app)
    iam, events = scene.box.aws.client("iam"), scene.box.aws.client("events")
    for rule in events.list_rules()["Rules"]:
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            role = target["RoleArn"].rpartition("/")[2]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    scene.operator.run("rotate", app.name, "--yes", "--timeout", "120")
    scene.printed = {"CLUSTER": CLUSTER, "SERVICE": SERVICE}


CASES: dict[str, Case] = {
    "expired": Case("a dead secret is put in", expired, ("spapi-rotation promote NAME",)),
    "days-to-expiry": Case("paused, 15 days before the end", days_to_expiry),
    "denied": Case("the role for the call is taken away", denied),
    "rejected": Case("a person rejects the new secret", rejected, ("spapi-rotation rotate NAME --force",)),
    "contradictory": Case("another secret with the same dates", contradictory, ("spapi-rotation promote NAME",)),
    "order-unknown": Case("a secret put in by hand meanwhile", order_unknown, ("spapi-rotation reject NAME",)),
    "overwritten": Case("the owner writes the old secret back", overwritten),
    "unseen-rotation": Case("Amazon announces an unknown end", unseen_rotation),
    "unseeded": Case("no credentials for two days", unseeded),
    "stuck": Case("Amazon accepts the new secret a day late", stuck),
    "overdue": Case("Amazon's message is lost", overdue),
    "refused": Case("the queue is not subscribed", refused),
    "dead-letters": Case("a new secret was given up", dead_letters, ("spapi-rotation discard MESSAGE_ID",)),
    "unknown-messages": Case(
        "garbage in the queue",
        unknown_messages,
        ("spapi-rotation redrive", "spapi-rotation discard MESSAGE_ID"),
    ),
    "queue-age": Case("the mapping is switched off", queue_age),
    "unclaimed": Case("a stranger's message", unclaimed, ("pulumi up", "spapi-rotation check NAME"), needs_aws=True),
    "heartbeat": Case("the schedules are switched off", heartbeat),
    "operations": Case("the role's right to the secrets is taken away", role_edited),
    "errors": Case("the role's right to the secrets is taken away", role_edited),
    "throttles": Case("the concurrency is used up", throttles, needs_aws=True),
    "look-failed": Case("the mapping is switched off", look_failed),
    "not-published": Case("the role's right to the bus is taken away", not_published),
    "restart-failed": Case("the service is deleted", restart_failed, needs_aws=True),
    "restart-not-started": Case("the rules' right to start is taken away", restart_not_started, needs_aws=True),
}


ACCEPTED_LATE = ("rejected", "stuck")


def state(scene: Scene, app: App) -> str:
    found = json.loads(scene.operator.run("status", app.name, "--json", code=None))
    return str(found["applications"][0]["status"]["state"])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("runbook") / "box"
    show: Callable[[str], None] = print
    with Sandbox(folder, progress=show, hour_seconds=3600, rate_period_seconds=1) as box:
        readers = [APPS[name].name for name in ("restart-failed", "restart-not-started")]
        restart = {"orders": {"service_arn": make_service(box), "applications": readers}}
        box.stack.configure(box.config(list(APPS.values()), dashboard=True, restart=restart))
        box.stack.up()
        made = Scene(box)
        yield made
        lines = "\n".join(f"| {name} | {by} | {count} | {quiet} |" for name, by, count, quiet in made.table)
        with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            show(f"\n| alarm | broken by | commands | quiet after |\n|---|---|---|---|\n{lines}")
        box.stack.destroy()


def test_each_alarm_has_a_case() -> None:
    assert set(CASES) == set(ALARM_SECTIONS)


@pytest.mark.parametrize("name", CASES)
def test_the_commands_of_its_section_end_an_alarm(scene: Scene, name: str) -> None:
    case, app = CASES[name], APPS[name]
    if case.needs_aws and not RUNS_HERE:
        pytest.skip("The AWS CLI of the test is for Linux on x86_64.")
    undo = case.broken(scene, app)
    began = time.monotonic()
    assert scene.alarm_is(name, "ALARM", 150), "it never sounded"
    typed = [command for command in commands_of(name) if command not in case.passing]
    assert set(case.passing) <= set(commands_of(name))
    secret = current_secret(scene, app, name)
    for command in typed:
        if command == "spapi-rotation register":
            scene.box.amazon.subscribe(app.client_id, scene.outputs["queue_url"])
        scene.type(command, app, secret)
    quiet = scene.hours_until_quiet(name, app)
    if callable(undo):
        undo()
    scene.table.append((name, case.broken_by, len(typed), "never" if quiet is None else f"{quiet:g} h"))
    assert quiet is not None, "it did not end"
    time.sleep(max(0.0, began + ACCEPTED_AFTER - time.monotonic()) if name in ACCEPTED_LATE else 0)
    scene.operator.run("rotate", app.name, "--force", "--yes", "--timeout", "120")
    assert state(scene, app) == "CURRENT"


def current_secret(scene: Scene, app: App, name: str) -> str:
    """What a person puts in by `seed`: a new one from the console, or the one that is right already."""
    if name in ("expired", "unseen-rotation"):
        return scene.new_secret_in_console(app)
    if name == "contradictory":
        return str(scene.box.value(scene.arn(app))["client_secret"])
    if name == "unseeded":
        made = str(scene.box.amazon.register(app.client_id).client_secret)
        scene.box.amazon.subscribe(app.client_id, scene.outputs["queue_url"])
        return made
    return ""


def test_nothing_secret_was_said(scene: Scene) -> None:
    said: dict[str, str | bytes] = {str(number): text for number, text in enumerate(scene.operator.said)}
    assert scene.box.search_secrets(said) == []
    assert "canary-" not in "".join(scene.operator.said)
