"""The deployed policies, how one permission is taken away, and a whole round that shows what then fails."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from sandbox.session import App, fingerprint, new_app
from spapi_rotation_lambda.domain.daily_slot import daily_slot
from spapi_rotation_lambda.domain.times import LIFETIME, format_time
from tests.engine.fault_scenarios.deployment import World
from tests.engine.fault_scenarios.runs import of_a_stranger

FUNCTION, SCHEDULES, QUEUE = "function role", "schedule role", "queue policy"
KEY, QUEUE_KEY = "key policy", "queue key policy"

NO_LOG = "nothing is logged"
NO_REPORT = "failed event is lost: DestinationDeliveryFailures"
NO_SCHEDULE_REPORT = "failed schedule is not reported: InvocationsFailedToBeSentToDeadLetterCount"

UNREAD_SECONDS = 3.0
"""Lambda looks for messages every second."""


class Permission(NamedTuple):
    """One action of one statement of one policy."""

    policy: str
    statement: str
    action: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A deployed policy, and how it is written."""

    document: dict[str, Any]
    write: Callable[[str], object]

    def permissions(self, name: str) -> set[Permission]:
        """Every action of every statement."""
        return {
            Permission(name, statement["Sid"], action)
            for statement in self.document["Statement"]
            for action in _listed(statement["Action"])
        }

    def without(self, permission: Permission) -> "Policy":
        """The policy without one action, and without the statement if it was its only one."""
        statements = []
        for statement in self.document["Statement"]:
            actions = [action for action in _listed(statement["Action"]) if action != permission.action]
            if statement["Sid"] != permission.statement:
                statements.append(statement)
            elif permission.action == "kms:*":
                # AWS, too, wants somebody to be able to put it back.
                statements.append({**statement, "Action": "kms:PutKeyPolicy"})
            elif actions:
                statements.append({**statement, "Action": actions})
        return Policy({**self.document, "Statement": statements}, self.write)

    def put(self) -> None:
        """Write it."""
        self.write(json.dumps(self.document))


@dataclass
class Bench:
    """The stack with its policies, and a whole round.

    Attributes:
        base: an application whose secret the component made.
        adopted: applications with existing secrets; each round that comes so far uses up one of them.
    """

    world: World
    base: App
    adopted: list[App]
    policies: dict[str, Policy] = field(init=False)
    _unread_since: float | None = None

    def __post_init__(self) -> None:
        aws, world = self.world.box.aws, self.world
        outputs = world.box.stack.outputs()
        self.key_arn, self.queue_arn = str(outputs["key_arn"]), str(outputs["queue_arn"])
        self.queue_key_arn = str(outputs["queue_key_arn"])
        self.topic_arn = str(outputs["alarm_topic_arn"])
        configuration = world.lambda_.get_function_configuration(FunctionName=world.function)
        self.function_arn, self.log_group = configuration["FunctionArn"], configuration["LoggingConfig"]["LogGroup"]
        self.scheduler = aws.client("scheduler")
        found = self.scheduler.list_schedules()["Schedules"][0]
        self.schedule = self.scheduler.get_schedule(GroupName=found["GroupName"], Name=found["Name"])
        self._mapping = world.lambda_.list_event_source_mappings()["EventSourceMappings"][0]["UUID"]
        self.policies = {
            FUNCTION: self._role_policy(configuration["Role"]),
            SCHEDULES: self._role_policy(self.schedule["Target"]["RoleArn"]),
            QUEUE: self.queue_policy(world.queue_url),
            KEY: self._key_policy(self.key_arn),
            QUEUE_KEY: self._key_policy(self.queue_key_arn),
        }

    def _role_policy(self, role_arn: str) -> Policy:
        iam, role = self.world.box.aws.client("iam"), role_arn.rpartition("/")[2]
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        if iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            raise AssertionError("the role has policies besides its own")
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        return Policy(document, lambda text: iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text))

    def _key_policy(self, key_arn: str) -> Policy:
        kms = self.world.box.aws.client("kms")
        text = kms.get_key_policy(KeyId=key_arn, PolicyName="default")["Policy"]
        return Policy(
            json.loads(text), lambda text: kms.put_key_policy(KeyId=key_arn, PolicyName="default", Policy=text)
        )

    def queue_policy(self, url: str) -> Policy:
        """A queue's policy."""
        sqs = self.world.sqs
        text = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
        return Policy(
            json.loads(text), lambda text: sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
        )

    @contextmanager
    def lacking(self, *permissions: Permission) -> Iterator[None]:
        """Take permissions away, for as long as it is needed."""
        changed = dict(self.policies)
        for permission in permissions:
            changed[permission.policy] = changed[permission.policy].without(permission)
        names = {permission.policy for permission in permissions}
        try:
            for name in names:
                changed[name].put()
            yield
        finally:
            for name in names:
                self.policies[name].put()

    # --- the round ---

    def prepare(self) -> tuple[App, App]:
        """Empty queues, a new Amazon, and two new applications: one whose secret is due, one without dates."""
        amazon = self.world.box.amazon
        amazon.wait_until_delivered()
        for url in (
            self.world.queue_url,
            self.world.dead_letter_url,
            self.world.unclaimed_url,
            self.world.operations_url,
        ):
            self.world.sqs.purge_queue(QueueUrl=url)
        amazon.reset()
        dated, undated = new_app(f"dated-{uuid.uuid4()}"), new_app(f"undated-{uuid.uuid4()}")
        for app in (dated, undated):
            self.world.add(app)
        self.world.begin(dated)
        self._seed_without_dates(undated)
        return dated, undated

    def round(self, dated: App, undated: App) -> str | None:
        """Run everything; the first thing that is seen to fail, or None."""
        return (
            self._applications()
            or self._check(dated)
            or self._check_undated(undated)
            or self._delivery(dated)
            or self._unclaimed(undated)
            or self._history()
            or self._doctor()
            or self._adopted()
            or self._failed_event()
            or self._schedule(undated)
            or self._failing_schedule(undated)
            or self._dead_letters()
        )

    def _seed_without_dates(self, app: App) -> str:
        secret = str(self.world.box.amazon.register(app.client_id).client_secret)
        self._put(app, secret)
        return secret

    def _put(self, app: App, secret: str, **dates: str) -> None:
        text = json.dumps({"client_id": app.client_id, "client_secret": secret, **dates})
        self.world.secrets.put_secret_value(SecretId=self.world.arn(app), SecretString=text)

    def _invoke(self, app: App, **more: str) -> tuple[str | None, str]:
        """The state that a check answers, and the error that it raises."""
        event = {"action": "check", "application": app.name, "client_id": app.client_id, **more}
        answer = self.world.lambda_.invoke(FunctionName=self.world.function, Payload=json.dumps(event).encode())
        content = json.loads(answer["Payload"].read())
        return content.get("state"), _first_sentence(content.get("errorMessage", ""))

    def _applications(self) -> str | None:
        """The operator interface names the applications."""
        content = self.world.operate("applications")
        if "error" in content:
            return f"applications are not listed: {content['error']['message']}"
        listed = {each["application"] for each in content["applications"]}
        return None if self.base.name in listed else "applications are not listed"

    def _dead_letters(self) -> str | None:
        """The operator interface shows and discards dead letters."""
        sent = self.world.sqs.send_message(QueueUrl=self.world.dead_letter_url, MessageBody="a dead letter")
        for content in (
            self.world.operate("discard", message_id=sent["MessageId"]),
            self.world.operate("dead_letters"),
        ):
            if "error" in content:
                return f"dead letters: {content['error']['message']}"
        return None

    def _unclaimed(self, app: App) -> str | None:
        """A message of a stranger is moved away, and one of ours that lies there is taken back."""
        before, seen = len(self.world.unclaimed()), len(self.world.invocations())
        self.world.sqs.send_message(QueueUrl=self.world.queue_url, MessageBody=of_a_stranger("canary-stranger"))
        self.world.until(lambda: len(self.world.unclaimed()) > before or self._complaint(seen), 30)
        if complaint := self._complaint(seen):
            self.world.sqs.purge_queue(QueueUrl=self.world.queue_url)
            return f"a stranger's message comes back: {complaint}"
        ours = of_a_stranger("canary-stranger", app)
        self.world.sqs.send_message(QueueUrl=self.world.unclaimed_url, MessageBody=ours)
        self.world.operate("check", app)
        for entry in self.world.entries(app):
            if entry["message"] == "unclaimed_left_there":
                return f"unclaimed: {_first_sentence(entry['detail'])}"
        return None

    def _complaint(self, seen: int) -> str:
        """The error of an invocation after the first so many; empty if there is none."""
        for invocation in self.world.invocations()[seen:]:
            if "Traceback" in invocation.text:
                return _first_sentence(invocation.text.partition("spapi_rotation_lambda.domain.errors.")[2])
        return ""

    def _history(self) -> str | None:
        """The operator interface tells what the log holds."""
        content = self.world.operate("history")
        return f"history: {content['error']['message']}" if "error" in content else None

    def _doctor(self) -> str | None:
        """The doctor may look at everything."""
        findings = self.world.operate("doctor")["findings"]
        lacking = sorted({each["needs"] for each in findings if each["needs"]})
        return f"doctor lacks {', '.join(lacking)}" if lacking else None

    def _check(self, app: App) -> str | None:
        """A check on which the rotation is due, and the daily try of the current secret, too."""
        before = len(self.world.entries(app))
        state, error = self._invoke(app, scheduled_at=_time_of_daily_try(app))
        if error:
            return f"check fails: {error}"
        entries = {entry["message"]: entry for entry in self.world.entries(app)[before:]}
        if "check" not in entries:
            return NO_LOG
        if "key_policy_unreadable" in entries:
            return "check warns: key_policy_unreadable"
        if "event_not_published" in entries:
            return f"check tells nobody: {_first_sentence(entries['event_not_published']['detail'])}"
        if "rotation_declined" in entries:
            return f"check asks for nothing: {entries['rotation_declined']['reason']}"
        if (state, entries["current_secret_tried"]["answer"]) != ("REQUESTED", "accepted"):
            return f"check ends as {state}"
        return None if self.world.posts(app) == ("204",) else "check posts nothing"

    def _check_undated(self, app: App) -> str | None:
        """Checks of a secret whose dates nobody knows: by the schedule, and by hand."""
        return self._check_without_dates(app, schedule_arn=self.schedule["Arn"]) or self._check_without_dates(app)

    def _check_without_dates(self, app: App, **more: str) -> str | None:
        state, error = self._invoke(app, **more)
        if error:
            return f"check of an undated secret{'' if more else ' by hand'} fails: {error}"
        return None if state == "UNDATED" else f"check of an undated secret ends as {state}"

    def _adopted(self) -> str | None:
        """The same with the existing secret, whose key is another."""
        app = self.adopted.pop()
        secret = self._seed_without_dates(app)
        self.world.subscribe(app)
        if trouble := self._check_without_dates(app):
            return f"existing secret: {trouble}"
        issued = datetime.now(UTC) - timedelta(days=61)
        dates = {"client_secret_issued_at": issued, "client_secret_expires_at": issued + LIFETIME}
        told = {name: format_time(date) for name, date in dates.items()}
        self._put(app, secret, **told, client_secret_fingerprint=fingerprint(app, secret, issued))
        trouble = self._check(app) or self._delivery(app)
        return f"existing secret: {trouble}" if trouble else None

    def _delivery(self, app: App) -> str | None:
        """Amazon's message, up to the event on the bus and the empty queue."""
        self._unread_since = None
        before = len(self.world.invocations())
        self.world.until(lambda: self._trouble(app, before) or self._delivered(app))
        return self._trouble(app, before) or (None if self._delivered(app) else "nothing is delivered")

    def _delivered(self, app: App) -> bool:
        return self.world.rotated(app) and not any(self.world.messages_in(self.world.queue_url))

    def _trouble(self, app: App, before: int) -> str | None:
        """What is seen to be wrong with the message, in the invocations after the first so many and elsewhere."""
        for invocation in self.world.invocations()[before:]:
            if "Traceback" in invocation.text:
                error = invocation.text.partition("spapi_rotation_lambda.domain.errors.")[2]
                return f"message comes back: {_first_sentence(error)}"
        for entry in self.world.entries(app):
            if entry["message"] == "settle_left_to_next_check":
                return f"secret is not settled: {_first_sentence(entry['detail'])}"
        if failures := [each for each in self.world.box.amazon.delivery_failures() if each.client_id == app.client_id]:
            return f"Amazon's message is refused: {failures[0].error_code}"
        reading = self.world.lambda_.get_event_source_mapping(UUID=self._mapping)["LastProcessingResult"]
        if not reading.startswith("PROBLEM") or not self.world.messages_in(self.world.queue_url)[0]:
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = time.monotonic()
        # The result is that of the last try. A message that is taken does not lie there for long.
        unread = 0.0 if self._unread_since is None else time.monotonic() - self._unread_since
        return f"message stays: {reading}" if unread > UNREAD_SECONDS else None

    def _failed_event(self) -> str | None:
        """An event that fails is reported to the operations queue."""
        stranger = App("", f"failed-{uuid.uuid4()}")
        event = {"action": "unknown", "client_id": stranger.client_id}
        name = NO_REPORT.rpartition(" ")[2]
        before = self._metric("AWS/Lambda", name)
        self.world.lambda_.invoke(
            FunctionName=self.world.function, InvocationType="Event", Payload=json.dumps(event).encode()
        )
        self.world.until(lambda: self.world.reports(stranger) or self._metric("AWS/Lambda", name) > before)
        return None if self.world.reports(stranger) else NO_REPORT

    def _schedule(self, app: App) -> str | None:
        """A schedule of the component's group and role checks at once."""
        before = self.world.checks(app)
        with self._scheduled(self.function_arn, app) as arn:
            self.world.until(lambda: self.world.checks(app) > before or self._error_of(arn))
            return f"schedule fails: {self._error_of(arn)}" if self._error_of(arn) else None

    def _failing_schedule(self, app: App) -> str | None:
        """A schedule whose target is not there is reported to the operations queue."""
        name = NO_SCHEDULE_REPORT.rpartition(" ")[2]
        before = self._metric("AWS/Scheduler", name)
        with self._scheduled(f"{self.function_arn}:missing", app) as arn:
            self.world.until(lambda: self._error_of(arn) or self._metric("AWS/Scheduler", name) > before)
            return None if self._error_of(arn) else NO_SCHEDULE_REPORT

    @contextmanager
    def _scheduled(self, target: str, app: App) -> Iterator[str]:
        """A schedule, for as long as it is needed; its ARN. It fires at once."""
        where = {"Name": f"round-{uuid.uuid4()}", "GroupName": self.schedule["GroupName"]}
        event = {"action": "check", "application": app.name, "client_id": app.client_id}
        made = self.scheduler.create_schedule(
            **where,
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": target,
                "RoleArn": self.schedule["Target"]["RoleArn"],
                "Input": json.dumps(event),
                "RetryPolicy": {"MaximumRetryAttempts": 0},
                "DeadLetterConfig": self.schedule["Target"]["DeadLetterConfig"],
            },
        )
        yield str(made["ScheduleArn"])
        self.scheduler.delete_schedule(**where)

    def _error_of(self, schedule_arn: str) -> str | None:
        """The error with which the operations queue holds a schedule's event."""
        for message in self.world.operations():
            attributes = {name: each["StringValue"] for name, each in message.get("MessageAttributes", {}).items()}
            if attributes.get("SCHEDULE_ARN") == schedule_arn:
                return str(attributes["ERROR_CODE"])
        return None

    def _metric(self, namespace: str, name: str) -> float:
        """The sum of a metric over the last hour, whatever its dimensions."""
        now, cloudwatch = datetime.now(UTC), self.world.cloudwatch
        span = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=1), "Period": 60}
        points = [
            point["Sum"]
            for metric in cloudwatch.list_metrics(Namespace=namespace, MetricName=name)["Metrics"]
            for point in cloudwatch.get_metric_statistics(
                Namespace=namespace, MetricName=name, Dimensions=metric["Dimensions"], Statistics=["Sum"], **span
            )["Datapoints"]
        ]
        return float(sum(points))


def _listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else cast(list[str], value)


def _first_sentence(text: str) -> str:
    """The sentence that says what happened, without the name of the error's class and without the remedy."""
    sentence, found, _ = text.partition(". ")
    return sentence.rpartition("StoreFailed: ")[2] + (found and ".")


def _time_of_daily_try(app: App) -> str:
    """The hour of today on whose check the current secret is tried; it depends on the client id."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + daily_slot(app.client_id)).isoformat()
