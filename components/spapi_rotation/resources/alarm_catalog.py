"""Every alarm: its metric, threshold, how far back, and its description for whoever is woken by it.

One set for all applications of a component: its own metrics carry no application, so the texts say where to find it.
Every metric but the heartbeat is written only when there is something to say, so missing data is no breach.

Sources: CloudWatch user guide, "Using Amazon CloudWatch alarms" (M out of N, missing data, sliding windows);
PutMetricAlarm API reference (limits); SQS and Lambda guides, pages on CloudWatch metrics.
"""

from dataclasses import dataclass
from enum import StrEnum

from spapi_rotation_lambda.ports import Metric

MINUTE, HOUR, DAY = 60, 3600, 86_400

QUEUE_AGE_SECONDS = 30 * MINUTE
"""A message is taken within seconds. One that is received and not deleted leaves this metric at its third delivery or,
read strictly, at its fourth (the SQS guide says both): before half an hour is over. What is older was not delivered."""


MORE_DAYS_THAN_EVER = 1000
"""More days than any client secret has left."""


class Source(StrEnum):
    """Whose metric it is."""

    OWN = "own"
    QUEUE = "queue"
    DEAD_LETTER = "dead-letter"
    UNCLAIMED = "unclaimed"
    OPERATIONS = "operations"
    FUNCTION = "function"
    RESTART = "restart"
    RESTART_QUEUE = "restart-queue"


class Operator(StrEnum):
    """CloudWatch's comparisons."""

    AT_LEAST = "GreaterThanOrEqualToThreshold"
    LESS = "LessThanThreshold"


class Missing(StrEnum):
    """CloudWatch's treatment of a period without data."""

    NOT_BREACHING = "notBreaching"
    BREACHING = "breaching"


@dataclass(frozen=True, slots=True)
class Span:
    """How far back an alarm looks.

    CloudWatch allows 7 days for periods of an hour or more, else one day; beyond a day it looks once an hour.

    Attributes:
        more: periods beside those of the check intervals.
        intervals: check intervals; only with a period of an hour.
        period_seconds: length of a period.
    """

    more: int
    intervals: int = 0
    period_seconds: int = HOUR

    def periods(self, check_hours: int) -> int:
        """The number of periods when there is a check every so many hours."""
        return self.intervals * check_hours + self.more


NEXT_CHECK = Span(intervals=1, more=2)
"""Until the next check has surely been made: its flexible window and its retries end within two hours.
A state that each check reports anew so keeps its alarm, and a mended one ends it."""

NEXT_DAILY = Span(intervals=1, more=26)
"""The same for what is reported once a day: the daily try, the repetition of a refused request."""

ONE_DAY = Span(more=24)
"""For a single event: long enough to be seen."""

AT_ONCE = Span(more=1, period_seconds=5 * MINUTE)


@dataclass(frozen=True, slots=True)
class AlarmDefinition:
    """One alarm.

    Attributes:
        name: last part of its name.
        source: whose metric.
        metric: its name.
        description: the state, then what to do. At most 1024 characters; never a secret.
        span: how far back it looks.
        threshold: what the statistic is compared with; None stands for `expiry_alarm_days`.
        statistic: of each period.
        operator: how it is compared.
        breaches: periods that must breach; None stands for all of them.
        less: a metric of the function's own that is subtracted.
        missing: what a period without data counts as.
    """

    name: str
    source: Source
    metric: str
    description: str
    span: Span
    threshold: float | None = 1
    statistic: str = "Sum"
    operator: Operator = Operator.AT_LEAST
    breaches: int | None = 1
    missing: Missing = Missing.NOT_BREACHING
    less: Metric | None = None


def _own(name: str, metric: Metric, span: Span, description: str) -> AlarmDefinition:
    return AlarmDefinition(name, Source.OWN, metric.value, description, span)


def _days_left(name: str, metric: Metric, description: str) -> AlarmDefinition:
    """Of a state in which a secret dies soon: any value is a breach, and CloudWatch puts it into the alarm's reason."""
    return AlarmDefinition(
        name,
        Source.OWN,
        metric.value,
        description,
        NEXT_CHECK,
        threshold=MORE_DAYS_THAN_EVER,
        statistic="Minimum",
        operator=Operator.LESS,
    )


ALARM_CATALOG = (
    AlarmDefinition(
        "queue-age",
        Source.QUEUE,
        "ApproximateAgeOfOldestMessage",
        "A message from Amazon has been waiting for more than half an hour: Lambda does not read it from the queue. It "
        "may be a new client secret; the old one dies 7 days after a rotation. What to do: `spapi-rotation doctor` "
        "says whether Lambda reads the queue. Nothing is lost: the message stays for 14 days. A message that Lambda "
        "has received three times no longer counts in this alarm's metric, so this alarm may end while the message is "
        "still there: the alarms errors, throttles and unknown-messages cover that case.",
        AT_ONCE,
        threshold=QUEUE_AGE_SECONDS,
        statistic="Maximum",
    ),
    AlarmDefinition(
        "dead-letters",
        Source.DEAD_LETTER,
        "ApproximateNumberOfMessagesVisible",
        "A message from Amazon could not be handled and is in the dead-letter queue. It may be the newest client "
        "secret. No rotation starts while it is there, and it is deleted 14 days after it was sent. What to do: find "
        "the reason in the function's log and remove it, then run `spapi-rotation redrive`. If the message is not from "
        "Amazon: `spapi-rotation discard`. Do not print or copy the message: it may hold a live secret.",
        AT_ONCE,
        statistic="Maximum",
    ),
    AlarmDefinition(
        "unclaimed",
        Source.UNCLAIMED,
        "ApproximateNumberOfMessagesVisible",
        "A message from Amazon is for an application that this component does not know. Amazon sends for every "
        "developer, so it may be for somebody else's application; or you subscribed an application that is missing "
        "here, and the message is its newest client secret. It holds nothing up, and is deleted 14 days after it "
        "arrived. What to do: `spapi-rotation history` (or message_unclaimed in the log) names the client id. If it is "
        "yours, add the application: its checks take the message back within a day. Otherwise purge the queue (output "
        "unclaimed_queue_url). Do not print or copy the message: it may hold a live secret.",
        AT_ONCE,
        statistic="Maximum",
    ),
    AlarmDefinition(
        "operations",
        Source.OPERATIONS,
        "NumberOfMessagesSent",
        "A check of an application failed or could not start. The next check tries again, and this alarm ends two "
        "hours after the first check interval without a failure. What to do: if it does not end, read the messages in "
        "the operations queue (they name the application and hold no secret) and the function's log, and remove the "
        "cause. The queue needs no purge: each message is deleted after 14 days.",
        NEXT_CHECK,
    ),
    AlarmDefinition(
        "errors",
        Source.FUNCTION,
        "Errors",
        "The function failed. A failed message stays in its queue and is delivered again every 6 minutes for a day, "
        "and no rotation starts meanwhile; a failed check is repeated by the schedule. What to do: read the errors in "
        "the function's log; each says what to do. If AWS failed, for less than a day, nothing needs to be done and "
        "this alarm ends. A rotation of `pulumi up` that was declined is not counted.",
        NEXT_CHECK,
        less=Metric.DECLINED_ON_UP,
    ),
    _own(
        "unknown-messages",
        Metric.UNKNOWN,
        Span(more=2),
        "A message in the queue is not one that the function knows, or is garbled. It may be a new client secret. It "
        "is retried for a day, and no scheduled rotation starts meanwhile; then it becomes a dead letter. What to do: "
        "`spapi-rotation history` (or message_unknown in the log) says what is wrong with it and names its id. If "
        "Amazon's format has changed, upgrade this package. `spapi-rotation rotate --force` does not wait for the "
        "message. Once it is a dead letter: `spapi-rotation redrive`, or `spapi-rotation discard` if it is not from "
        "Amazon. Do not print or copy the message.",
    ),
    AlarmDefinition(
        "throttles",
        Source.FUNCTION,
        "Throttles",
        "Lambda has throttled the function repeatedly within an hour: the account's concurrency is used up. Messages "
        "and checks wait, and may fail. What to do: find what uses the concurrency of this account and region, or have "
        "the quota raised.",
        Span(more=12, period_seconds=5 * MINUTE),
        breaches=3,
    ),
    AlarmDefinition(
        "heartbeat",
        Source.OWN,
        Metric.CHECK.value,
        "No application has been checked for more than two check intervals: nothing is rotated, and the other alarms "
        "cannot see anything. What to do: `spapi-rotation doctor` says whether the schedules are enabled and whether "
        "Lambda keeps the metrics; if both are so, read the operations queue and the function's log. After the first "
        "deployment this alarm ends by itself within two hours.",
        Span(intervals=2, more=2),
        operator=Operator.LESS,
        breaches=None,
        missing=Missing.BREACHING,
    ),
    _days_left(
        "overdue",
        Metric.OVERDUE,
        "A rotation was requested more than an hour ago, and Amazon's message has not come. The number in this alarm's "
        "reason is how many days were left, when the alarm began, to put a newer secret into use; of several "
        "applications, the fewest. What to do: `spapi-rotation status` (or replace_by of delivery_overdue in the log) "
        "names application and day. A late message is handled automatically, and one more request may be made "
        "automatically. Check that Application Client New Secret is subscribed in Amazon's Developer Console, and to "
        "this queue: `spapi-rotation register`. `spapi-rotation dead-letters` shows a message that came but could not "
        "be handled. Before that day: `spapi-rotation rotate --force`; or create a secret by hand in the Developer "
        "Console: its message comes to the queue, or you put it in with `spapi-rotation seed`.",
    ),
    _days_left(
        "stuck",
        Metric.STUCK,
        "Amazon does not accept a secret that it sent, and the one in use dies within 24 hours. Act now. The number in "
        "this alarm's reason is how many days the one in use had left when the alarm began (0.5 is 12 hours, below 0 "
        "means that it has died); of several applications, the fewest. What to do: `spapi-rotation status` (or "
        "old_secret_dies_at of secret_stuck in the log) names application and day. Each check tries again, and puts "
        "the new secret into use when Amazon accepts it. `spapi-rotation promote` does so without verification. With "
        "verification set to lwa, a token from Login with Amazon is proof enough. Or `spapi-rotation reject` it; then "
        "create one by hand in Amazon's Developer Console and `spapi-rotation seed` it, or "
        "`spapi-rotation rotate --force`, which may end the one in use at once.",
    ),
    _own(
        "expired",
        Metric.EXPIRED,
        NEXT_DAILY,
        "A client secret in use is dead: it is past its date, or Amazon says so. Calls to SP-API fail. What to do: "
        "`spapi-rotation status` (or state EXPIRED in the log) names the application. If a newer secret is pending: "
        "`spapi-rotation promote`. Otherwise create one by hand in Amazon's Developer Console and "
        "`spapi-rotation seed` it. If the application was deleted at Amazon: set retired for it and run `pulumi up`.",
    ),
    _own(
        "denied",
        Metric.DENIED,
        NEXT_DAILY,
        "Amazon denies the daily verification call to an application without saying anything about its secret, so it "
        "is unknown whether that works. What to do: `spapi-rotation history` (or current_secret_tried with answer "
        "denied in the log) names the application. If its calls to SP-API work, it lacks the right to this one call: "
        "set verification to lwa, and this alarm ends within a day. If they fail too, find out in Amazon's Developer "
        "Console whether the application is still authorized; `spapi-rotation doctor` tries again.",
    ),
    _own(
        "contradictory",
        Metric.CONTRADICTORY,
        ONE_DAY,
        "Amazon sent a secret that contradicts what is known: it has the same dates as another one but a different "
        "value, or for eight days nothing showed which of the two is newer. It is kept under the label REJECTED and "
        "not used. What to do: `spapi-rotation status` (or secret_contradictory in the log) names the application. "
        "`spapi-rotation promote` puts it into use; if the secret in use is the right one, `spapi-rotation seed` it "
        "again.",
    ),
    _own(
        "order-unknown",
        Metric.ORDER_UNKNOWN,
        NEXT_CHECK,
        "Somebody put a secret in by hand while another one from Amazon was on its way, and it is unknown which of the "
        "two is newer. Amazon lets the older one die within 7 days; the next check then keeps the one that works, so "
        "calls may fail for an hour. What to do: `spapi-rotation status` (or order_unknown in the log) names the "
        "application. If you know which is newer: `spapi-rotation promote` puts the received secret into use, "
        "`spapi-rotation reject` keeps the one in use.",
    ),
    _own(
        "overwritten",
        Metric.OVERWRITTEN,
        ONE_DAY,
        "Something wrote an older client secret over the newer one that Amazon had sent. The newer one is put back "
        "into use automatically, each time. What to do: newer_secret_overwritten in the log names the application. "
        "Find what writes this secret, such as a deployment that sets its value at every run, and make it leave "
        "client_secret alone. `spapi-rotation status` shows what is in use.",
    ),
    _own(
        "rejected",
        Metric.REJECTED,
        NEXT_CHECK,
        "A secret at least as new as the one in use is rejected (label REJECTED), so the one in use may die soon. What "
        "to do: `spapi-rotation status` (or state REJECTED in the log) names the application. `spapi-rotation promote` "
        "puts the rejected secret into use; `spapi-rotation rotate --force` gets a newer one; `spapi-rotation seed` "
        "puts in one that was created by hand.",
    ),
    _own(
        "unseen-rotation",
        Metric.UNSEEN_ROTATION,
        ONE_DAY,
        "Amazon announced the expiry of a secret that is not known here: somebody rotated elsewhere, and the secret in "
        "use may die within days. What to do: expiry_notice_of_unknown_secret in the log names the application. Put in "
        "the secret that was created elsewhere with `spapi-rotation seed`.",
    ),
    _own(
        "refused",
        Metric.REFUSED,
        NEXT_DAILY,
        "Amazon refused a rotation. Nothing was changed; the schedule requests it again after 6 hours, then every 24 "
        "hours. What to do: `spapi-rotation history` (or rotation_refused in the log) names the application, Amazon's "
        "code and the cause. Most often (not-enrolled) the queue is not subscribed in Amazon's Developer Console: see "
        "the output registration_steps. `spapi-rotation rotate` tries at once.",
    ),
    _own(
        "look-failed",
        Metric.LOOK_FAILED,
        NEXT_DAILY,
        "The daily look found a problem that stops or spoils rotations and shows nowhere else: the queue has another "
        "reader, or none; a log level at which Lambda drops the metrics; 60 versions of a secret written within a day; "
        "Secrets Manager's own rotation switched on; a secret without the record of the last request, so that nothing "
        "prevents a second one. What to do: `spapi-rotation doctor` (or look_failed in the log) names the application "
        "and the remedy. This alarm ends within two days after the problem is fixed.",
    ),
    _own(
        "not-published",
        Metric.NOT_PUBLISHED,
        NEXT_CHECK,
        "EventBridge did not accept an event, so whatever listens to the events was not told, for example, that "
        "another secret is in use. Rotations continue. What to do: `spapi-rotation history` (or event_not_published in "
        "the log) names the application and the cause. Make sure that the component's event bus exists, and that its "
        "policy lets the function's role put events. Each check publishes again that another secret is in use, until "
        "EventBridge accepts it; other events are not repeated.",
    ),
    AlarmDefinition(
        "unseeded",
        Source.OWN,
        Metric.UNSEEDED.value,
        "An application has had no credentials on two of three days: nothing rotates it, and its secret may die "
        "unnoticed. What to do: `spapi-rotation status` (or state UNSEEDED in the log) names the application. Put its "
        "credentials in with `spapi-rotation seed`, or take it out of the stack.",
        Span(more=3, period_seconds=DAY),
        breaches=2,
    ),
    AlarmDefinition(
        "days-to-expiry",
        Source.OWN,
        Metric.DAYS_TO_EXPIRY.value,
        "A client secret is close to its expiry and has not been renewed. When it dies, calls to SP-API fail. What to "
        "do: `spapi-rotation status` (or expires_at in the log) names the application; rotation_declined in the log "
        "says why it is not renewed: queue not ready, unread messages, refused. Rotation may be paused, or its window "
        "too narrow. Then `spapi-rotation rotate`.",
        NEXT_CHECK,
        threshold=None,
        statistic="Minimum",
        operator=Operator.LESS,
    ),
)
"""Every alarm of a component."""

RESTART_ALARMS = (
    AlarmDefinition(
        "restart-failed",
        Source.RESTART,
        "ExecutionsFailed",
        "A service of `restart` was not redeployed after the secret in use changed: every try within twenty minutes "
        "failed, or no retry could help. The secret that it read when it started dies 7 days after the rotation. What "
        "to do: the failed execution of the state machine (output restart_state_machine_arn) says why. Remove the "
        "cause and redeploy the service; `spapi-rotation consumers` shows who has not read the new secret, and until "
        "when the old one works.",
        ONE_DAY,
    ),
    AlarmDefinition(
        "restart-not-started",
        Source.RESTART_QUEUE,
        "NumberOfMessagesSent",
        "A service of `restart` was not redeployed after the secret in use changed: EventBridge could not start the "
        "state machine. The secret that the service read when it started dies 7 days after the rotation. What to do: "
        "the message in the queue (output restart_queue_url; it holds no secret) says why. `pulumi up --refresh` puts "
        "back what was changed by hand. Redeploy the service; `spapi-rotation consumers` shows who has not read the "
        "new secret.",
        ONE_DAY,
    ),
)
"""Made only where `restart` names services."""

EVERY_ALARM = (*ALARM_CATALOG, *RESTART_ALARMS)
"""What can be made."""
