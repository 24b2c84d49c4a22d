"""What the scenarios act on and look at: one deployed stack, and what of it belongs to one application."""

import gzip
import json
import os
import secrets
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx

from sandbox.amazon.contract import ROTATE_PATH
from sandbox.amazon.records import Call
from sandbox.aws.emulator import ACCOUNT, REGION
from sandbox.session import App, Sandbox, new_app
from sandbox.timeline import parse_log_line
from spapi_rotation_lambda.adapters.secrets_manager import SecretsManagerStore
from spapi_rotation_lambda.domain.applications import Application
from spapi_rotation_lambda.domain.daily_slot import daily_slot
from spapi_rotation_lambda.domain.events import SOURCE, RotationEvent
from spapi_rotation_lambda.domain.labels import Label, derived_id
from spapi_rotation_lambda.domain.request_record import RequestRecord, Trigger
from spapi_rotation_lambda.domain.snapshot import Snapshot
from spapi_rotation_lambda.domain.state import State, derive
from spapi_rotation_lambda.ports import Metric
from spapi_rotation_lambda.settings import Env
from spapi_rotation_lambda.use_cases.operator_events import PROTOCOL
from tests.engine.fault_scenarios.crash import CrashSwitch
from tests.fakes.world import PLAIN

PATIENCE_SECONDS = 90.0

RATE_PERIOD = timedelta(seconds=1.5)
"""Amazon accepts one rotate call a minute; one a second in the scenarios."""
ALARM_PATIENCE_SECONDS = 30.0

DELIVERIES = 10

GZIP = b"\x1f\x8b"

NO_LABEL = "(none)"

UNTELLING = frozenset({Metric.CHECK, Metric.DAYS_TO_EXPIRY, Metric.DECLINED, Metric.DECLINED_ON_UP, Metric.UNSEEDED})
"""Metrics that are no part of an end: every check writes them, or those that wait for a neighbour's message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an application ended, as it was seen.

    Attributes:
        state: derived from labels and dates.
        posts: the answer of each rotate call that Amazon's stand-in saw; "none" for none.
        in_use: what Amazon's stand-in says of the secret under AWSCURRENT.
        versions: the labels of each version, oldest first.
        announced: how many different rotations were published.
        metrics: those of its invocations, without the untelling ones.
        alarms: those on these metrics, or on what else the scenario names, that went off.
        facts: what only this scenario looks at.
    """

    state: str
    posts: tuple[str, ...]
    in_use: str
    versions: tuple[str, ...]
    announced: int
    metrics: frozenset[str]
    alarms: frozenset[str]
    facts: tuple[str, ...] = ()

    def rows(self) -> dict[str, str]:
        """What a person reads of it."""
        return {
            "state": self.state,
            "posts": ", ".join(self.posts) or "no",
            "in use": self.in_use,
            "versions": " | ".join(self.versions),
            "announced": str(self.announced),
            "metrics": ", ".join(sorted(self.metrics)) or "none",
            "alarms": ", ".join(sorted(self.alarms)) or "none",
            **{f"fact {number}": fact for number, fact in enumerate(self.facts, 1)},
        }


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one invocation of the function logged."""

    entries: tuple[dict[str, Any], ...]
    metrics: frozenset[str]
    text: str

    def concerns(self, app: App) -> bool:
        """Whether it was about this application."""
        return any(entry.get("client_id") == app.client_id for entry in self.entries)


def steady_app(name: str, now: datetime) -> App:
    """An application whose daily try of the current secret falls into none of the next hours."""
    hours = {timedelta(hours=(now.hour + ahead) % 24) for ahead in (0, 1, 2)}
    while True:
        app = new_app(name)
        if daily_slot(app.client_id) not in hours:
            return app


@dataclass
class World:
    """One sandbox with a deployed stack; used by many scenarios at a time, each with an application of its own."""

    box: Sandbox
    apps: list[App]
    crash: CrashSwitch = field(init=False)
    deadline: timedelta = PLAIN.policy.delivery_deadline
    canaries: list[str] = field(default_factory=list)
    """Texts beside Amazon's secrets that must be found nowhere."""
    _making: threading.Lock = field(default_factory=threading.Lock)
    _reading: threading.Lock = field(default_factory=threading.Lock)
    _announced: dict[str, set[str]] = field(default_factory=dict)
    _operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    _dead: dict[str, str] = field(default_factory=dict)
    _unclaimed: dict[str, str] = field(default_factory=dict)
    _invocations: dict[str, Invocation] = field(default_factory=dict)
    _read_until: int = 0

    def __post_init__(self) -> None:
        client = self.box.aws.client
        self.secrets, self.sqs, self.lambda_ = client("secretsmanager"), client("sqs"), client("lambda")
        self.logs, self.cloudwatch = client("logs"), client("cloudwatch")
        self.crash = CrashSwitch(self.box.aws)
        outputs = self.box.stack.outputs()
        self.function = str(outputs["function_name"])
        self.queue_url = str(outputs["queue_url"])
        self.dead_letter_url = str(outputs["dead_letter_queue_url"])
        self.unclaimed_url = str(outputs["unclaimed_queue_url"])
        self.operations_url = str(outputs["operations_queue_url"])
        self._key_arn = str(outputs["key_arn"])
        self._arns: dict[str, str] = outputs["secret_arns"]
        configuration = self.lambda_.get_function_configuration(FunctionName=self.function)
        self._variables: dict[str, str] = configuration["Environment"]["Variables"]
        self._log_group = str(configuration["LoggingConfig"]["LogGroup"])
        self._inputs = self._read_inputs()
        self._events_url = self._listen()

    def close(self) -> None:
        """Close the connection to the crash switch."""
        self.crash.close()

    # --- what is done ---

    def add(self, app: App) -> None:
        """Make the secret of a further application, as the component would; it has no schedule."""
        made = self.secrets.create_secret(Name=self.secret_id(app), KmsKeyId=self._key_arn)
        self._arns[app.name] = made["ARN"]

    def begin(self, app: App, *, days: int = 61, subscribe: bool = True, answered_before: bool = False) -> None:
        """Put in a secret of that age, and register the queue at Amazon. From 60 days on it is due.

        Args:
            answered_before: leave the record of the request that this secret has answered, as a rotation does.
        """
        with self._making:
            self.box.seed(app, self.arn(app), age=timedelta(days=days))
        if answered_before:
            self._leave_record(app, datetime.now(UTC) - timedelta(days=days))
        if subscribe:
            self.subscribe(app)

    def age(self, app: App, *, days: float) -> None:
        """Have its schedule look as if it had been made so long ago: the application was adopted then."""
        arn = str(json.loads(self._inputs[app.client_id])["schedule_arn"])
        group, name = arn.split(":")[-1].split("/")[1:]
        context = ssl.create_default_context(cafile=self.box.aws.ca_file)
        with httpx.Client(base_url=self.box.aws.endpoint, verify=context, trust_env=False) as http:
            http.post("/_sandbox/age", json={"group": group, "name": name, "days": days}).raise_for_status()

    def _leave_record(self, app: App, requested_at: datetime) -> None:
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["QueueArn"])
        queue_arn = found["Attributes"]["QueueArn"]
        record = RequestRecord(requested_at, Trigger.SCHEDULE, nonce=secrets.token_hex(16), queue_arn=queue_arn)
        self.secrets.put_secret_value(
            SecretId=self.arn(app),
            ClientRequestToken=derived_id("request", self.arn(app)),
            SecretString=record.text().reveal(),
            VersionStages=[Label.REQUEST.value],
        )

    def subscribe(self, app: App) -> None:
        """Register the queue at Amazon."""
        self.box.amazon.subscribe(app.client_id, self.queue_url)

    def check(self, app: App) -> None:
        """Send the schedule's own event, asynchronously as the scheduler does."""
        self.lambda_.invoke(FunctionName=self.function, InvocationType="Event", Payload=self._scheduled(app))

    def check_through(self, app: App) -> None:
        """Run a check from its start to its end, whatever other one is under way; what it logs is there then."""
        answer = self.lambda_.invoke(FunctionName=self.function, Payload=self._scheduled(app))
        assert "FunctionError" not in answer, "a check that should have come to its end failed"

    def _scheduled(self, app: App) -> bytes:
        now = datetime.now(UTC).isoformat()
        return self._inputs[app.client_id].replace("<aws.scheduler.scheduled-time>", now).encode()

    def ask(self, app: App) -> bool:
        """Have the function request a rotation on purpose, as ``pulumi up`` does; whether it did."""
        event = {"action": "rotate_on_up", "client_id": app.client_id, "trigger": uuid.uuid4().hex}
        answer = self.lambda_.invoke(FunctionName=self.function, Payload=json.dumps(event).encode())
        return "FunctionError" not in answer

    def operate(self, action: str, app: App | None = None, **more: Any) -> dict[str, Any]:
        """What the operator interface answers. As the command does, the event names the application's schedule."""
        whose = {"application": app.name, "client_id": app.client_id} if app else {}
        if app and app.client_id in self._inputs:
            whose["schedule_arn"] = json.loads(self._inputs[app.client_id])["schedule_arn"]
        event = {"operator": action, "protocol": PROTOCOL, **whose, **more}
        answer = self.lambda_.invoke(FunctionName=self.function, Payload=json.dumps(event).encode())
        return cast(dict[str, Any], json.loads(answer["Payload"].read()))

    def set_deadlines(self, *, delivery_minutes: float | None = None, repost_hours: float | None = None) -> None:
        """Shorten what the function waits for; None is the product's own. It concerns every application."""
        changed = dict(self._variables)
        for name, value in ((Env.DELIVERY_DEADLINE_MINUTES, delivery_minutes), (Env.REPOST_AFTER_HOURS, repost_hours)):
            if value is not None:
                changed[name.value] = str(value)
        self.lambda_.update_function_configuration(FunctionName=self.function, Environment={"Variables": changed})
        own = PLAIN.policy.delivery_deadline
        self.deadline = own if delivery_minutes is None else timedelta(minutes=delivery_minutes)

    def set_visibility(self, seconds: int) -> None:
        """How long a message that the function did not take stays invisible. It must be longer than a run.

        It is delivered ten times at most: the component's 240 would take too long.
        """
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["RedrivePolicy"])
        redrive = json.loads(found["Attributes"]["RedrivePolicy"]) | {"maxReceiveCount": DELIVERIES}
        self.sqs.set_queue_attributes(
            QueueUrl=self.queue_url,
            Attributes={"VisibilityTimeout": str(seconds), "RedrivePolicy": json.dumps(redrive)},
        )

    def until(
        self, probe: Callable[[], object], seconds: float = PATIENCE_SECONDS, *, checking: App | None = None
    ) -> bool:
        """Wait until ``probe`` is true; False if it never was.

        Args:
            checking: send this application checks meanwhile, each after the one before has come to its end.
        """
        started = time.monotonic()
        sent = self.checks(checking) if checking else 0
        while not probe():
            if time.monotonic() - started > seconds:
                return False
            if checking is not None and (ended := self.checks(checking)) >= sent:
                self.check(checking)
                sent = ended + 1
            time.sleep(0.4)
        return True

    def checks(self, app: App) -> int:
        """How many of its checks have come to their end."""
        return self.events(app).count("check")

    # --- what is seen ---

    def arn(self, app: App) -> str:
        """Its secret's ARN."""
        return self._arns[app.name]

    def secret_id(self, app: App) -> str:
        """Its secret's name, as the function uses it."""
        return f"{self._variables[Env.SECRET_PREFIX]}/{app.client_id}"

    def snapshot(self, app: App) -> Snapshot:
        """A reading of its labels by the product's own code."""
        return Snapshot(SecretsManagerStore(self.secrets), Application(app.name, app.client_id, self.arn(app)))

    def state(self, app: App) -> State:
        """Its state, derived from labels and dates."""
        return derive(self.snapshot(app), datetime.now(UTC), self.deadline)

    def versions(self, app: App) -> tuple[str, ...]:
        """The labels of each version, oldest first."""
        listed = self.secrets.list_secret_version_ids(SecretId=self.arn(app), IncludeDeprecated=True)["Versions"]
        ordered = sorted(listed, key=lambda version: version["CreatedDate"])
        return tuple(" ".join(sorted(version["VersionStages"])) or NO_LABEL for version in ordered)

    def calls(self, app: App) -> list[Call]:
        """The rotate calls that Amazon's stand-in saw."""
        journal = self.box.amazon.journal()
        return [call for call in journal if (call.client_id, call.path) == (app.client_id, ROTATE_PATH)]

    def posts(self, app: App) -> tuple[str, ...]:
        """The answers to these calls."""
        return tuple(str(call.status or "none") for call in self.calls(app))

    def secret_text(self, app: App) -> str:
        """The text under AWSCURRENT."""
        return str(self.secrets.get_secret_value(SecretId=self.arn(app))["SecretString"])

    def in_use(self, app: App) -> str:
        """What Amazon's stand-in says of the secret under AWSCURRENT."""
        judged = self.box.amazon.judge(app.client_id, json.loads(self.secret_text(app))["client_secret"])
        if judged is None:
            return "unknown to Amazon"
        age = "newest" if judged.newest else "older"
        return f"{age}, {'accepted' if judged.accepted_by_spapi else 'refused'}"

    def rotated(self, app: App) -> bool:
        """Whether the newest secret is in use, announced, and nothing is left to do."""
        versions = " ".join(self.versions(app))
        return (
            Label.RECEIVED in versions
            and Label.PENDING not in versions
            and self.in_use(app) == "newest, accepted"
            and self.announced(app) > 0
            and self.state(app) is State.CURRENT
        )

    def announced(self, app: App) -> int:
        """How many different rotations of it were published on the event bus."""
        with self._reading:
            for message in self._all_messages(self._events_url):
                detail = json.loads(message["Body"])["detail"]
                self._announced.setdefault(detail["client_id"], set()).add(detail["rotation_id"])
            return len(self._announced.get(app.client_id, ()))

    def operations(self) -> list[dict[str, Any]]:
        """Every message that the operations queue has held: failed events of the function, and of schedules."""
        with self._reading:
            self._operations |= {each["MessageId"]: each for each in self._all_messages(self.operations_url)}
            return list(self._operations.values())

    def reports(self, app: App) -> int:
        """How many failed events of it the operations queue has held."""
        payloads = [json.loads(message["Body"]).get("requestPayload", {}) for message in self.operations()]
        return sum(payload.get("client_id") == app.client_id for payload in payloads)

    def dead_letters(self) -> list[str]:
        """The bodies of what has come into the dead-letter queue."""
        with self._reading:
            self._dead |= {each["MessageId"]: each["Body"] for each in self._all_messages(self.dead_letter_url)}
            return list(self._dead.values())

    def unclaimed(self) -> list[str]:
        """The bodies of what has come into the unclaimed queue."""
        with self._reading:
            self._unclaimed |= {each["MessageId"]: each["Body"] for each in self._all_messages(self.unclaimed_url)}
            return list(self._unclaimed.values())

    def messages_in(self, url: str) -> tuple[int, int]:
        """How many messages lie in a queue: visible, and taken by a reader for a while."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        counts = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        visible, taken = (int(counts[name]) for name in names)
        return visible, taken

    def _all_messages(self, url: str) -> list[dict[str, Any]]:
        """Every message that is visible; it is so again after a second."""
        found: list[dict[str, Any]] = []
        ask = {"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 1, "MessageAttributeNames": ["All"]}
        while more := self.sqs.receive_message(**ask).get("Messages"):
            found += more
        return found

    def invocations(self) -> list[Invocation]:
        """Every invocation of the function that could log. Each has a stream of its own, written at its end."""
        with self._reading:
            lines: dict[str, list[str]] = {}
            pages = self.logs.get_paginator("filter_log_events")
            since = max(0, self._read_until - 5000)
            for page in pages.paginate(logGroupName=self._log_group, startTime=since):
                for event in page["events"]:
                    lines.setdefault(event["logStreamName"], []).append(event["message"])
                    self._read_until = max(self._read_until, event["timestamp"])
            for stream in lines.keys() - self._invocations.keys():
                self._invocations[stream] = _invocation(lines[stream])
            return list(self._invocations.values())

    def entries(self, app: App) -> list[dict[str, Any]]:
        """What the function logged of it."""
        return [
            entry
            for invocation in self.invocations()
            for entry in invocation.entries
            if entry.get("client_id") == app.client_id
        ]

    def events(self, app: App) -> list[str]:
        """The names of these log entries."""
        return [str(entry["message"]) for entry in self.entries(app)]

    def evidence(self) -> dict[str, str | bytes]:
        """Every text that the run leaves: logs, reports, Pulumi's state and outputs, files; not the function's code."""
        stack = self.box.stack
        return {
            "function log": "\n".join(invocation.text for invocation in self.invocations()),
            "operations queue": json.dumps(self.operations(), default=str),
            "pulumi stack export --show-secrets": stack.export(),
            "pulumi stack output": json.dumps(stack.outputs()),
            "journal of Amazon's stand-in": "\n".join(map(repr, self.box.amazon.journal())),
            **self._files(),
        }

    def _files(self) -> dict[str, bytes]:
        """Every file of the sandbox, but for the function's archive, of which each of its processes has a copy."""
        found: dict[str, bytes] = {}
        for place, _, files in os.walk(self.box.folder):
            for file in (Path(place) / name for name in files if name != "code.zip"):
                if not file.is_symlink():
                    data = file.read_bytes()
                    found[str(file.relative_to(self.box.folder))] = gzip.decompress(data) if data[:2] == GZIP else data
        return found

    def end(self, app: App, *facts: str, also: Iterable[str] = ()) -> End:
        """Look at everything of it.

        Args:
            facts: what only this scenario has looked at.
            also: alarms that could be on its account, beside those on its metrics.
        """
        metrics = frozenset(
            metric
            for invocation in self.invocations()
            if invocation.concerns(app)
            for metric in invocation.metrics - UNTELLING
        )
        return End(
            state=self.state(app).value,
            posts=self.posts(app),
            in_use=self.in_use(app),
            versions=self.versions(app),
            announced=self.announced(app),
            metrics=metrics,
            alarms=self.gone_off(metrics, frozenset(also)),
            facts=facts,
        )

    def gone_off(self, metrics: frozenset[str], names: frozenset[str]) -> frozenset[str]:
        """Wait until every alarm on one of these metrics, or of one of these names, has gone off; those that did."""
        pages = self.cloudwatch.get_paginator("describe_alarms").paginate()
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
        wanted = {
            alarm["AlarmName"]
            for alarm in alarms
            if alarm.get("MetricName") in metrics or alarm["AlarmName"].rpartition("/")[2] in names
        }
        self.until(lambda: wanted <= self._history(), ALARM_PATIENCE_SECONDS)
        return frozenset(name.rpartition("/")[2] for name in wanted & self._history())

    def _history(self) -> set[str]:
        pages = self.cloudwatch.get_paginator("describe_alarm_history").paginate(HistoryItemType="StateUpdate")
        items = [
            (item["AlarmName"], json.loads(item["HistoryData"])) for page in pages for item in page["AlarmHistoryItems"]
        ]
        return {name for name, data in items if data["newState"]["stateValue"] == "ALARM"}

    def _read_inputs(self) -> dict[str, str]:
        """The input of each application's schedule, by its client id."""
        scheduler = self.box.aws.client("scheduler")
        inputs = {}
        for page in scheduler.get_paginator("list_schedules").paginate():
            for found in page["Schedules"]:
                schedule = scheduler.get_schedule(GroupName=found["GroupName"], Name=found["Name"])
                text = str(schedule["Target"]["Input"]).replace("<aws.scheduler.schedule-arn>", schedule["Arn"])
                inputs[str(json.loads(text)["client_id"])] = text
        return inputs

    def _listen(self) -> str:
        """Have the product's rotation events sent to a queue of the sandbox's own; returns its URL."""
        name, events = "scenario-events", self.box.aws.client("events")
        url = str(self.sqs.create_queue(QueueName=name)["QueueUrl"])
        pattern = {"source": [{"prefix": f"{SOURCE}/"}], "detail-type": [RotationEvent.DETAIL_TYPE]}
        bus = self._variables["EVENT_BUS"].rpartition("/")[2]
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(
            Rule=name, EventBusName=bus, Targets=[{"Id": name, "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"}]
        )
        return url


def _invocation(lines: list[str]) -> Invocation:
    entries = [entry for line in lines if (entry := parse_log_line(line)) is not None]
    metrics = {
        metric["Name"]
        for line in lines
        if '"_aws"' in line
        for directive in json.loads(line)["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }
    return Invocation(tuple(entries), frozenset(metrics), "\n".join(lines))
