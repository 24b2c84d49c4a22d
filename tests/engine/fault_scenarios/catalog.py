"""The scenarios: what goes wrong, how it must end, and what is looked for at each run.

Each has an application of its own; all share one stack. The expected end is compared as a whole.
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum

from sandbox.amazon.faults import Answer, Close, Point, When
from spapi_rotation_lambda.domain.labels import Label
from spapi_rotation_lambda.domain.state import State
from spapi_rotation_lambda.ports import Metric
from tests.engine.fault_scenarios import runs
from tests.engine.fault_scenarios.deployment import NO_LABEL, End


class Stage(IntEnum):
    """When a scenario runs. Those of a stage run at the same time, but for the quiet ones: one after the other."""

    TOGETHER = 1
    QUIET = 2
    """It needs the function's deadlines shortened, or a queue without a neighbour's message."""
    REDRIVE = 3
    """It fills the dead-letter queue and empties it."""
    POISON = 4
    """It leaves messages behind that stop other requests."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that goes wrong.

    Attributes:
        name: short, unique; also the application's name in the stack.
        wrong: what goes wrong.
        ends: how it must end, for a person.
        expected: the same, as it must be seen.
        run: brings it about and returns what was seen.
        stage: when it runs.
    """

    name: str
    wrong: str
    ends: str
    expected: End
    run: runs.Run = field(repr=False)
    stage: Stage = Stage.TOGETHER


RECORD, SEEN = Label.REQUEST.value, f"{Label.CURRENT.value} {Label.FIRST_SEEN.value}"
RECEIVED = f"{SEEN} {Label.RECEIVED.value}"
PREVIOUS = Label.PREVIOUS.value
ROTATED = (PREVIOUS, RECORD, RECEIVED)
"""The versions after an ordinary rotation: the old secret, the request record, the new secret."""
REFUSED_BEFORE = (PREVIOUS, Label.REFUSED.value, RECORD, RECEIVED)
REPOSTED = (PREVIOUS, NO_LABEL, NO_LABEL, RECORD, RECEIVED)
"""Two records have lost their label to the next: that of the rotation before, and that of the unanswered request."""

NEW_SECRET = frozenset({Metric.RECEIVED.value, Metric.PROMOTED.value})
REQUESTED = frozenset({Metric.REQUESTED.value}) | NEW_SECRET


def current(
    *facts: str,
    posts: tuple[str, ...] = ("204",),
    versions: tuple[str, ...] = ROTATED,
    metrics: frozenset[str] = REQUESTED,
    alarms: tuple[str, ...] = (),
    announced: int = 1,
) -> End:
    """The end of most: the newest secret is in use and accepted; it was announced, if it is new."""
    return End(
        state=State.CURRENT.value,
        posts=posts,
        in_use="newest, accepted",
        versions=versions,
        announced=announced,
        metrics=metrics,
        alarms=frozenset(alarms),
        facts=facts,
    )


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "killed-storing",
        "The function is killed right after it has stored the received secret.",
        "The message comes again; the same version is found, and the rotation goes on. Nothing is stored twice.",
        current("killed", alarms=("errors",)),
        runs.killed_after("PutSecretValue", "VersionStages", Label.RECEIVED, "secret_stored"),
    ),
    Scenario(
        "killed-pending",
        "The function is killed right after it has moved AWSPENDING.",
        "The message comes again, is a duplicate, and the pending secret is put into use.",
        current(
            "killed",
            metrics=frozenset({Metric.REQUESTED, Metric.DUPLICATE, Metric.PROMOTED}),
            alarms=("errors",),
        ),
        runs.killed_after("UpdateSecretVersionStage", "VersionStage", Label.PENDING, "secret_duplicate"),
    ),
    Scenario(
        "killed-current",
        "The function is killed right after it has moved AWSCURRENT.",
        "The message comes again, is a duplicate; the rotation is announced, then AWSPENDING is taken off.",
        current(
            "killed",
            metrics=frozenset({Metric.REQUESTED, Metric.RECEIVED, Metric.DUPLICATE}),
            alarms=("errors",),
        ),
        runs.killed_after("UpdateSecretVersionStage", "VersionStage", Label.CURRENT, "secret_duplicate"),
    ),
    Scenario(
        "killed-request-record",
        "The function is killed after the request record, before the POST.",
        "Nothing is asked for again at once: the request record stands. After the delivery deadline it is OVERDUE with "
        "an alarm; the one repost after 5 days makes the rotation.",
        current(
            "killed",
            "reported",
            "was REQUESTED, then OVERDUE, then CURRENT",
            versions=REPOSTED,
            metrics=REQUESTED | {Metric.OVERDUE},
            alarms=("errors", "operations", "overdue"),
        ),
        runs.killed_before_the_post,
        Stage.QUIET,
    ),
    Scenario(
        "killed-post",
        "The function is killed right after the POST, while Amazon's answer is on its way.",
        "The request record stands, so nothing posts again; the message closes it.",
        current(
            "killed",
            "reported",
            posts=("none",),
            metrics=NEW_SECRET,
            alarms=("errors", "operations"),
        ),
        runs.killed_after_the_post,
    ),
    Scenario(
        "killed-up",
        "`pulumi up` is killed right after its POST, and run again with the same trigger.",
        "The second `up` finds the first one's request record, posts nothing and waits for the message.",
        current("the second up: not requested again", metrics=NEW_SECRET),
        runs.up_killed,
    ),
    Scenario(
        "500-after",
        "Amazon rotates and answers 500.",
        "The answer says nothing; the request record stands, nothing posts again, the message closes it.",
        current(posts=("500",)),
        runs.struck(Answer(at=Point.ROTATE, when=When.AFTER, status=500)),
    ),
    Scenario(
        "500-before",
        "Amazon answers 500 and has not rotated.",
        "It looks the same, so it is treated the same; OVERDUE with an alarm, then the one repost rotates.",
        current(
            "was REQUESTED, then OVERDUE, then CURRENT",
            versions=REPOSTED,
            posts=("500", "204"),
            metrics=REQUESTED | {Metric.OVERDUE},
            alarms=("overdue",),
        ),
        runs.failed_before_rotating,
        Stage.QUIET,
    ),
    Scenario(
        "429",
        "Amazon answers 429.",
        "Certainly nothing happened: REFUSED with an alarm. The schedule waits 6 hours; a person's request passes.",
        current(
            "was REFUSED, then CURRENT",
            "the schedule waits",
            "the log says what to do",
            posts=("429", "204"),
            versions=REFUSED_BEFORE,
            metrics=REQUESTED | {Metric.REFUSED},
            alarms=("refused",),
        ),
        runs.refused(Answer(at=Point.ROTATE, status=429), "Try again after"),
    ),
    Scenario(
        "400",
        "Amazon answers 400: the queue is not registered in the Developer Console.",
        "REFUSED with an alarm; the log has the steps of the registration. Registered and asked again, it rotates.",
        current(
            "was REFUSED, then CURRENT",
            "the schedule waits",
            "the log says what to do",
            posts=("400", "204"),
            versions=REFUSED_BEFORE,
            metrics=REQUESTED | {Metric.REFUSED},
            alarms=("refused",),
        ),
        runs.refused(None, "Developer Console"),
    ),
    Scenario(
        "broken",
        "The connection breaks after the POST was sent; Amazon has rotated.",
        "The effect is unknown; the request record stands, nothing posts again, the message closes it.",
        current(posts=("none",)),
        runs.struck(Close(at=Point.ROTATE, when=When.AFTER, reset=True)),
    ),
    Scenario(
        "lost",
        "Amazon rotates, and its message never comes.",
        "OVERDUE with an alarm; the old secret stays in use. After 5 days one repost, whose message comes.",
        current(
            "was REQUESTED, then OVERDUE, then CURRENT",
            versions=REPOSTED,
            posts=("204", "204"),
            metrics=REQUESTED | {Metric.OVERDUE},
            alarms=("overdue",),
        ),
        runs.message_lost,
        Stage.QUIET,
    ),
    Scenario(
        "lost-twice",
        "Amazon rotates, and neither its message nor that of the one repost ever comes.",
        "OVERDUE with an alarm; nothing posts a third time. Amazon's stand-in keeps only two secrets alive, so the one "
        "in use is dead by then; a person rotates in the console, and that message ends it.",
        replace(
            current("after a rotation in the console CURRENT"),
            state=State.OVERDUE.value,
            posts=("204", "204"),
            in_use="older, refused",
            versions=(SEEN, NO_LABEL, NO_LABEL, RECORD),
            announced=0,
            metrics=frozenset({Metric.REQUESTED, Metric.OVERDUE}),
            alarms=frozenset({"overdue"}),
        ),
        runs.message_lost_twice,
        Stage.QUIET,
    ),
    Scenario(
        "duplicates",
        "The message comes six times.",
        "One version, one rotation; the others are acknowledged as duplicates.",
        current("6 messages taken", metrics=REQUESTED | {Metric.DUPLICATE}),
        runs.duplicated,
    ),
    Scenario(
        "reordered",
        "Two rotations, the second by hand in the console; the older message comes after the newer.",
        "The newer secret stays in use; the older one is kept aside as superseded.",
        current(
            versions=(*ROTATED, f"{Label.SCRATCH.value} {Label.SUPERSEDED.value}"),
            metrics=REQUESTED | {Metric.SUPERSEDED},
        ),
        runs.out_of_order,
    ),
    Scenario(
        "late",
        "SP-API refuses the new secret for a while.",
        "It waits as AWSPENDING, and the old one stays in use, until a check finds it accepted.",
        current(
            "was RECEIVED with the secret in use older, accepted, then CURRENT",
            metrics=REQUESTED | {Metric.NOT_YET},
        ),
        runs.accepted_late,
    ),
    Scenario(
        "stuck",
        "SP-API goes on refusing the new secret, until the old one has a day left.",
        "STUCK with an alarm; the old secret stays in use, each check tries it again, a person can promote it.",
        replace(
            current(),
            state=State.STUCK.value,
            in_use="older, accepted",
            versions=(SEEN, RECORD, f"{Label.PENDING.value} {Label.RECEIVED.value}"),
            announced=0,
            metrics=frozenset({Metric.REQUESTED, Metric.RECEIVED, Metric.STUCK}),
            alarms=frozenset({"stuck"}),
        ),
        runs.never_accepted,
    ),
    Scenario(
        "expired",
        "The secret in use is past its date, and nobody has looked.",
        "EXPIRED with an alarm; the rotation that is tried is refused, which has its own alarm. A person seeds a new "
        "secret.",
        replace(
            current(),
            state=State.EXPIRED.value,
            posts=("403",),
            in_use="newest, refused",
            versions=(SEEN, f"{Label.REFUSED.value} {RECORD}"),
            announced=0,
            metrics=frozenset({Metric.REFUSED, Metric.EXPIRED}),
            alarms=frozenset({"expired", "refused"}),
        ),
        runs.expired_unnoticed,
    ),
    Scenario(
        "at-once",
        "Three checks and three requests on purpose in the same moment.",
        "One of them writes the request record and posts; the others stand back.",
        current("3 requests on purpose and 3 checks", "requested 1 time"),
        runs.asked_at_once,
        Stage.QUIET,
    ),
    Scenario(
        "redriven",
        "The message fails at every delivery: somebody has scheduled the application's secret for deletion.",
        "The dead-letter queue keeps the message, with alarms. With the secret restored and the message redriven, "
        "it is taken into use like any other.",
        current(
            "1 in the dead-letter queue",
            "in use meanwhile: older, accepted",
            "0 left there",
            posts=(),
            versions=(PREVIOUS, RECEIVED),
            metrics=NEW_SECRET,
            alarms=("dead-letters", "errors"),
        ),
        runs.redriven,
        Stage.REDRIVE,
    ),
    Scenario(
        "stranger",
        "A message for a client id that is not ours.",
        "Moved at once to the unclaimed queue, whole, with an alarm; it blocks nobody. Its text is nowhere else.",
        current(
            "1 in the unclaimed queue",
            posts=(),
            announced=0,
            versions=(Label.CURRENT.value,),
            metrics=frozenset(),
            alarms=("unclaimed",),
        ),
        runs.of_a_stranger_moved,
        Stage.POISON,
    ),
    Scenario(
        "garbage",
        "A message that is no JSON.",
        "Refused at every delivery; after the last in the dead-letter queue, whole. Its text is nowhere else.",
        current(
            "refused 10 times",
            "1 in the dead-letter queue",
            posts=(),
            announced=0,
            versions=(Label.CURRENT.value,),
            metrics=frozenset(),
            alarms=("dead-letters", "errors", "unknown-messages"),
        ),
        runs.poison(runs.garbage, "it is not JSON"),
        Stage.POISON,
    ),
    Scenario(
        "console",
        "Somebody rotates by Amazon's button.",
        "The message comes as for any rotation, and the secret is taken into use; nothing is posted.",
        current(posts=(), versions=(PREVIOUS, RECEIVED), metrics=NEW_SECRET),
        runs.rotated_in_console,
    ),
    Scenario(
        "notice",
        "Amazon announces the expiry of the secret in use.",
        "A rotation is requested, whatever the secret's age.",
        current(),
        runs.notice_of_current,
        Stage.QUIET,
    ),
    Scenario(
        "unseen",
        "Amazon announces the expiry of a secret that is not known here.",
        "Somebody has rotated elsewhere: an alarm says so. Nothing is posted, the message is acknowledged.",
        current(
            posts=(),
            announced=0,
            versions=(Label.CURRENT.value,),
            metrics=frozenset({Metric.UNSEEN_ROTATION}),
            alarms=("unseen-rotation",),
        ),
        runs.notice_of_unknown,
        Stage.QUIET,
    ),
)
"""Every scenario, in the order of the documentation's table."""
