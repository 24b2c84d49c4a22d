"""What is broken in a deployed stack: ``status`` names it, ``doctor`` its cause, and the printed command mends it.

Each test breaks one thing, as a person or Amazon would, and types what ``status`` prints, word for word.
"""

import io
import json
import shlex
import subprocess
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.amazon.contract import ROTATE_PATH
from sandbox.amazon.delivery import AMAZON_ACCOUNT, DeliveryRefused, SqsSender
from sandbox.amazon.faults import AcceptLate, Answer, Lose, Point
from sandbox.session import App, Sandbox, new_app
from spapi_rotation_lambda.domain.daily_slot import daily_slot
from spapi_rotation_lambda.domain.times import format_time, parse_time
from spapi_rotation_lambda.settings import Env
from tests.cli.aws_cli import RUNS_HERE, ensure_aws_cli
from tests.engine.operating import Operator

pytestmark = [pytest.mark.engine, pytest.mark.sandbox, pytest.mark.slow]

NAMES = (
    "unseeded",
    "undated",
    "expired",
    "malformed",
    "stuck",
    "rejected",
    "overdue",
    "call-gone",
    "dead-letter",
    "perimeter",
)
APPS = {name: new_app(name) for name in NAMES}
MEND = "pulumi up --refresh"


class Repairs:
    """The stack, who operates it, and what its owner may do."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.operator = box, Operator(box)
        self.outputs = self.operator.outputs
        self.function = str(self.outputs["function_name"])

    def arn(self, app: App) -> str:
        return str(self.outputs["secret_arns"][app.name])

    def known(self, app: App, *, days: int = 10) -> None:
        """The application has a dated secret, and Amazon sends to the queue."""
        self.box.seed(app, self.arn(app), age=timedelta(days=days))
        self.box.amazon.subscribe(app.client_id, self.outputs["queue_url"])

    def put(self, app: App, text: str) -> None:
        """The owner's own value."""
        self.box.aws.client("secretsmanager").put_secret_value(SecretId=self.arn(app), SecretString=text)

    def application(self, app: App) -> dict[str, Any]:
        """What ``status`` says of an application."""
        (found,) = json.loads(self.operator.run("status", app.name, "--json", code=None))["applications"]
        assert isinstance(found, dict)
        return found

    def component(self) -> dict[str, Any]:
        """What ``status`` says of the component."""
        found = json.loads(self.operator.run("status", "--json", code=None))["component"]
        assert isinstance(found, dict)
        return found

    def doctor(self, app: App | None = None) -> dict[str, dict[str, str]]:
        """What ``doctor`` found, by what it looked at."""
        words = (app.name,) if app else ()
        found = json.loads(self.operator.run("doctor", *words, "--json", code=None))
        findings = found["applications"][0]["findings"] if app else found["component"]
        return {each["look"]: each for each in findings}

    def broken(self, app: App, state: str, code: int, look: str) -> list[list[str]]:
        """Status and doctor agree that it is broken; the words of the commands that status prints."""
        found = self.application(app)
        assert (found["status"]["state"], found["exit_code"]) == (state, code)
        assert state in self.operator.run("status", app.name, code=max(code, 3))
        cause = self.doctor(app)[look]
        assert cause["verdict"] == "failed", cause
        assert cause["command"] == found["next"][-1]
        commands = [shlex.split(command) for command in found["next"]]
        assert {words.pop(0) for words in commands} == {"spapi-rotation"}
        return commands

    def mended(self, app: App, look: str) -> None:
        """Both say that it is well again, and the newest secret is in use."""
        found = self.application(app)
        assert (found["status"]["state"], found["exit_code"], found["next"]) == ("CURRENT", 0, [])
        assert self.doctor(app).get(look, {"verdict": "ok"})["verdict"] == "ok"
        in_use = self.box.amazon.judge(app.client_id, self.box.value(self.arn(app))["client_secret"])
        assert in_use is not None
        assert in_use.newest

    def until(self, app: App, state: str) -> None:
        """Wait for Amazon's message and what comes of it."""
        for _ in range(200):
            if self.application(app)["status"]["state"] == state:
                return
            time.sleep(0.1)
        raise AssertionError(f"{app.name} never became {state}")

    def component_broken(self, look: str, words: str, command: str) -> None:
        """Status and doctor agree that the component is broken, and status prints the command."""
        found = self.component()
        named = {each["look"]: each for each in found["findings"]}[look]
        assert (named["verdict"], found["exit_code"]) == ("failed", 3)
        assert words in named["detail"]
        assert self.doctor()[look] == named
        assert command in found["next"]
        assert f"problem        {look}: " in self.operator.run("status", code=None)

    def the_alarm_says_how_many_days_are_left(self, app: App) -> None:
        """The figure in the reason of the alarm overdue is that of the day which status names."""
        self.operator.run("check", app.name, code=None)
        until = parse_time(self.application(app)["status"]["replace_by"], "replace_by")
        assert f"replace by     in 6 days ({until:%Y-%m-%d %H:%M} UTC)" in self.operator.run("status", app.name, code=3)
        overdue = self.alarm("overdue")
        figure = float(overdue["StateReason"].partition("[")[2].partition("]")[0])
        assert figure == pytest.approx((until - datetime.now(UTC)) / timedelta(days=1), abs=0.01)
        assert "how many days were left" in overdue["AlarmDescription"]

    def alarm(self, name: str) -> Any:
        """An alarm of the component, once it sounds; after ten seconds as it is."""
        pages = self.box.aws.client("cloudwatch").get_paginator("describe_alarms")
        for _ in range(100):
            alarms = [each for page in pages.paginate() for each in page["MetricAlarms"]]
            (found,) = [each for each in alarms if each["AlarmName"].endswith(f"/{name}")]
            if found["StateValue"] == "ALARM":
                break
            time.sleep(0.1)
        return found

    def component_mended(self, look: str) -> None:
        """Both say that it is well again."""
        assert self.doctor()[look]["verdict"] == "ok"

    def mend(self) -> None:
        """The owner types ``pulumi up --refresh`` and agrees."""
        self.box.stack.run(*shlex.split(MEND)[1:], "--yes")


@pytest.fixture(scope="module")
def repairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repairs]:
    folder: Path = tmp_path_factory.mktemp("repairs") / "box"
    with Sandbox(folder, progress=print, hour_seconds=3600, rate_period_seconds=1) as box:
        box.stack.configure(box.config(list(APPS.values())))
        box.stack.up()
        yield Repairs(box)
        box.stack.destroy()


# The applications.


def seeded_by(repairs: Repairs, app: App, state: str, code: int, look: str) -> None:
    """It is mended by seeding what Amazon's console shows."""
    newest = str(repairs.box.amazon.register(app.client_id).client_secret)
    (words,) = repairs.broken(app, state, code, look)
    today = datetime.now(UTC).date().isoformat()
    repairs.operator.run(*words, "--from-stdin", "--issued-at", today, "--yes", stdin=f"{newest}\n")
    repairs.mended(app, look)


def test_unseeded(repairs: Repairs) -> None:
    seeded_by(repairs, APPS["unseeded"], "UNSEEDED", 3, "secret")


def test_expired(repairs: Repairs) -> None:
    app = APPS["expired"]
    dead = {"client_id": app.client_id, "client_secret": "canary-dead", "owner_note": "kept as it is"}
    repairs.put(
        app, json.dumps({**dead, "client_secret_expires_at": format_time(datetime.now(UTC) - timedelta(days=1))})
    )
    seeded_by(repairs, app, "EXPIRED", 4, "accepted")
    assert repairs.box.value(repairs.arn(app))["owner_note"] == "kept as it is"


def test_malformed(repairs: Repairs) -> None:
    repairs.put(APPS["malformed"], "no JSON")
    seeded_by(repairs, APPS["malformed"], "MALFORMED", 3, "secret")


def test_undated(repairs: Repairs) -> None:
    app = APPS["undated"]
    made = repairs.box.amazon.register(app.client_id)
    repairs.box.amazon.subscribe(app.client_id, repairs.outputs["queue_url"])
    repairs.put(app, json.dumps({"client_id": app.client_id, "client_secret": made.client_secret}))
    (words,) = repairs.broken(app, "UNDATED", 3, "dates")
    repairs.operator.run(*words, "--yes", "--timeout", "120")
    repairs.mended(app, "dates")


def test_stuck(repairs: Repairs) -> None:
    app = APPS["stuck"]
    repairs.known(app, days=179)
    repairs.box.amazon.misbehave(app.client_id, AcceptLate(spapi_seconds=timedelta(days=1).total_seconds()))
    repairs.operator.run("rotate", app.name, "--yes", "--no-wait")
    repairs.until(app, "STUCK")
    (words,) = repairs.broken(app, "STUCK", 4, "pending")
    repairs.operator.run(*words, "--yes")
    repairs.mended(app, "pending")


def test_rejected(repairs: Repairs) -> None:
    app = APPS["rejected"]
    repairs.known(app)
    repairs.box.amazon.misbehave(app.client_id, AcceptLate(spapi_seconds=timedelta(days=1).total_seconds()))
    repairs.operator.run("rotate", app.name, "--yes", "--no-wait")
    repairs.until(app, "RECEIVED")
    repairs.operator.run("reject", app.name, "--yes")
    (words,) = repairs.broken(app, "REJECTED", 3, "rejected")
    repairs.operator.run(*words, "--yes")
    repairs.mended(app, "rejected")


def test_overdue(repairs: Repairs) -> None:
    """The message is lost. The deadline of an hour is shortened, which changes the function, and put back."""
    app, functions = APPS["overdue"], repairs.box.aws.client("lambda")
    repairs.known(app, days=61)
    repairs.box.amazon.misbehave(app.client_id, Lose())
    repairs.operator.run("rotate", app.name, "--yes", "--no-wait")
    variables = functions.get_function_configuration(FunctionName=repairs.function)["Environment"]["Variables"]
    impatient = {**variables, Env.DELIVERY_DEADLINE_MINUTES.value: "0.01"}
    functions.update_function_configuration(FunctionName=repairs.function, Environment={"Variables": impatient})
    register, words = repairs.broken(app, "OVERDUE", 3, "request")
    repairs.the_alarm_says_how_many_days_are_left(app)
    assert repairs.outputs["queue_arn"] in repairs.operator.run(*register)
    functions.update_function_configuration(FunctionName=repairs.function, Environment={"Variables": variables})
    repairs.operator.run(*words, "--yes", "--timeout", "120")
    repairs.mended(app, "request")


@pytest.mark.rule(id="VER-3")
def test_the_verification_call_is_gone_for_good(repairs: Repairs) -> None:
    """It answers 404 to everybody. LWA's rule puts the new secret into use, its delay shortened to seconds."""
    app, functions = APPS["call-gone"], repairs.box.aws.client("lambda")
    repairs.known(app, days=61)
    repairs.box.amazon.misbehave(app.client_id, Answer(at=Point.DESTINATIONS, status=404), times=None)
    variables = functions.get_function_configuration(FunctionName=repairs.function)["Environment"]["Variables"]
    patient = {**variables, Env.PROMOTE_DELAY_MINUTES.value: "0.4"}
    functions.update_function_configuration(FunctionName=repairs.function, Environment={"Variables": patient})
    repairs.operator.run("rotate", app.name, "--yes", "--no-wait")
    repairs.until(app, "RECEIVED")
    repairs.operator.run("check", app.name, code=None)
    stored_at = parse_time(repairs.application(app)["status"]["pending_since"], "stored")
    for _ in range(60):
        repairs.operator.run("check", app.name, code=None)
        if (status := repairs.application(app)["status"])["state"] != "RECEIVED":
            break
    assert status["state"] == "CURRENT"
    assert datetime.now(UTC) - stored_at > timedelta(minutes=0.4)
    repairs.mended(app, "pending")
    old = next(each for each in repairs.box.amazon.applications() if each.client_id == app.client_id).secrets[0]
    assert old.alive
    assert repairs.doctor(app)["accepted"]["verdict"] == "unknown"
    functions.update_function_configuration(FunctionName=repairs.function, Environment={"Variables": variables})
    repairs.box.amazon.behave(app.client_id)
    assert repairs.doctor(app)["accepted"]["verdict"] == "ok"


# The component.


def test_dead_letter(repairs: Repairs) -> None:
    """A new secret that the function could not take lies there; its cause is gone."""
    app = APPS["dead-letter"]
    repairs.known(app)
    before = set(repairs.box.amazon.canaries().secrets)
    repairs.box.amazon.rotate_by_hand(app.client_id, notify=False)
    (made,) = set(repairs.box.amazon.canaries().secrets) - before
    url = repairs.outputs["dead_letter_queue_url"]
    repairs.box.aws.client("sqs").send_message(QueueUrl=url, MessageBody=_message(app, made))
    repairs.component_broken("dead-letters", "1 message(s)", "spapi-rotation redrive")
    repairs.operator.run("redrive", "--yes")
    repairs.component_mended("dead-letters")
    repairs.mended(app, "dead-letters")


def _message(app: App, secret: str) -> str:
    """As Amazon sends it. Source: its sample, ``tests/data/new-secret-notification.json``."""
    sample = Path(__file__).parents[1] / "data" / "new-secret-notification.json"
    body, now = json.loads(sample.read_text()), datetime.now(UTC)
    body["eventTime"] = format_time(now)
    body["payload"]["applicationOAuthClientNewSecret"] |= {
        "clientId": app.client_id,
        "newClientSecret": secret,
        "newClientSecretExpiryTime": format_time(now + timedelta(days=180)),
        "oldClientSecretExpiryTime": format_time(now + timedelta(days=7)),
    }
    return json.dumps(body)


def test_queue_policy_removed(repairs: Repairs) -> None:
    repairs.box.aws.client("sqs").set_queue_attributes(QueueUrl=repairs.outputs["queue_url"], Attributes={"Policy": ""})
    repairs.component_broken("queue", "AllowAmazonToSend", MEND)
    repairs.mend()
    repairs.component_mended("queue")


def test_the_queues_policy_denies_whoever_is_not_of_the_organisation(repairs: Repairs) -> None:
    """Sending only: nobody belongs to an organisation in the emulator, so that a Deny of all would hold for us, too."""
    app, sqs = APPS["perimeter"], repairs.box.aws.client("sqs")
    repairs.known(app, days=61)
    url = repairs.outputs["queue_url"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    policy = json.loads(found)
    policy["Statement"].append(
        {
            "Sid": "OurOrganisation",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:SendMessage",
            "Resource": repairs.outputs["queue_arn"],
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-canary"}},
        }
    )
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sender = SqsSender(repairs.box.aws.client("sqs", AMAZON_ACCOUNT))
    with pytest.raises(DeliveryRefused):
        sender.send(url, "{}")
    repairs.component_broken("queue", "in the statement OurOrganisation", MEND)
    repairs.operator.run("rotate", app.name, "--yes", "--no-wait", code=None)
    said = "".join(repairs.operator.said[-2:])
    assert "in the statement OurOrganisation" in said
    assert "o-canary" not in said
    assert [
        call for call in repairs.box.amazon.journal() if (call.client_id, call.path) == (app.client_id, ROTATE_PATH)
    ] == []
    repairs.mend()
    repairs.component_mended("queue")


def test_schedule_disabled(repairs: Repairs) -> None:
    scheduler = repairs.box.aws.client("scheduler")
    each = next(one for one in scheduler.list_schedules()["Schedules"])
    found = scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{key: found[key] for key in kept}, State="DISABLED")
    name = json.loads(found["Target"]["Input"])["application"]
    repairs.component_broken("schedules", f"for {name}", MEND)
    assert "disabled" in repairs.operator.run("status", name, code=None)
    repairs.mend()
    repairs.component_mended("schedules")


def test_mapping_disabled(repairs: Repairs) -> None:
    functions = repairs.box.aws.client("lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName=repairs.function)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    repairs.component_broken("mapping", "does not read the queue", MEND)
    repairs.mend()
    repairs.component_mended("mapping")


OTHER = "other-reader"


@pytest.mark.skipif(not RUNS_HERE, reason="The AWS CLI of the test is for Linux on x86_64.")
def test_another_function_reads_the_queue(repairs: Repairs) -> None:
    """The daily look tells of it by log, metric and alarm; the AWS CLI runs the printed command."""
    app, functions = APPS["undated"], repairs.box.aws.client("lambda")
    role = functions.get_function_configuration(FunctionName=repairs.function)["Role"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("other.py", "def handler(event, context):\n    raise SystemExit\n")
    functions.create_function(
        FunctionName=OTHER, Role=role, Runtime="python3.13", Handler="other.handler", Code={"ZipFile": code.getvalue()}
    )
    made = functions.create_event_source_mapping(
        FunctionName=OTHER, EventSourceArn=repairs.outputs["queue_arn"], BatchSize=1
    )
    command = f"aws lambda delete-event-source-mapping --uuid {made['UUID']}"
    repairs.component_broken("mapping", f"function:{OTHER}", command)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = format_time(midnight + daily_slot(app.client_id))
    event = {"action": "check", "application": app.name, "client_id": app.client_id, "scheduled_at": at}
    functions.invoke(FunctionName=repairs.function, Payload=json.dumps(event).encode())
    events = json.loads(repairs.operator.run("history", app.name, "--json", code=None))["events"]
    (told,) = [each for each in events if each["event"] == "look_failed"]
    assert (told["look"], command in told["remedy"]) == ("mapping", True)
    assert repairs.alarm("look-failed")["StateValue"] == "ALARM"
    _aws(repairs, command)
    functions.delete_function(FunctionName=OTHER)
    repairs.component_mended("mapping")


def test_log_level_changed(repairs: Repairs) -> None:
    functions = repairs.box.aws.client("lambda")
    logging = functions.get_function_configuration(FunctionName=repairs.function)["LoggingConfig"]
    functions.update_function_configuration(
        FunctionName=repairs.function, LoggingConfig={**logging, "ApplicationLogLevel": "WARN"}
    )
    repairs.component_broken("log-level", "It is WARN", MEND)
    repairs.mend()
    repairs.component_mended("log-level")


@pytest.mark.skipif(not RUNS_HERE, reason="The AWS CLI of the test is for Linux on x86_64.")
def test_no_subscriber(repairs: Repairs) -> None:
    """The AWS CLI runs the printed command; then it is typed for an address that needs no confirmation."""
    topic = repairs.outputs["alarm_topic_arn"]
    command = f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint you@example.com"
    repairs.component_broken("subscribers", "has no subscriber", command)
    _aws(repairs, command)
    assert "wait to be confirmed" in repairs.doctor()["subscribers"]["detail"]
    queue = repairs.outputs["operations_queue_url"].rpartition("/")[2]
    arn = repairs.outputs["queue_arn"].rpartition(":")[0] + f":{queue}"
    _aws(repairs, command.replace("email", "sqs").replace("you@example.com", arn))
    repairs.component_mended("subscribers")


def _aws(repairs: Repairs, command: str) -> None:
    program, *words = shlex.split(command)
    assert program == "aws"
    environment = {**repairs.box.stack.environment, "AWS_PAGER": ""}
    done = subprocess.run(
        [ensure_aws_cli(), *words], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_nothing_secret_was_said(repairs: Repairs) -> None:
    said: dict[str, str | bytes] = {str(number): text for number, text in enumerate(repairs.operator.said)}
    assert repairs.box.search_secrets(said) == []
    assert "canary-dead" not in "".join(repairs.operator.said)
    value = json.dumps(repairs.box.value(repairs.arn(APPS["stuck"])))
    assert repairs.box.search_secrets({"control": value})
