"""The scenarios: what goes wrong, how it must end, and how that is brought about and looked at.

Each has an application of its own; all share one stack. The expected end is compared as a whole.
"""

import os
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from rotation_lambda.model import Label
from rotation_lambda.ports import Metric
from rotation_lambda.state import State
from sandbox.amazon.faults import AcceptLate, Answer, Close, Delay, Duplicate, Hang, Lose, Point, When
from sandbox.amazon.outbox import NotificationType, envelope, fresh_id, new_secret_payload
from sandbox.processes import descendants
from sandbox.scenario_world import NO_LABEL, RATE_PERIOD, End, World
from sandbox.session import App, new_app


class Stage(IntEnum):
    """When a scenario runs. Those of a stage run at the same time, but for the quiet ones: one after the other."""

    TOGETHER = 1
    QUIET = 2
    """It needs the function's deadlines shortened, or a queue without a neighbour's message."""
    POISON = 3
    """It leaves messages behind that stop other requests."""


Run = Callable[[World, App], End]


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
    run: Run = field(repr=False)
    stage: Stage = Stage.TOGETHER


MARKER, RECEIVED = Label.MARKER.value, f"{Label.CURRENT.value} {Label.RECEIVED.value}"
PREVIOUS = Label.PREVIOUS.value
ROTATED = (PREVIOUS, MARKER, RECEIVED)
"""The versions after an ordinary rotation: the old secret, the request's marker, the new secret."""
REFUSED_BEFORE = (PREVIOUS, Label.REFUSED.value, MARKER, RECEIVED)
REPOSTED = (PREVIOUS, NO_LABEL, MARKER, RECEIVED)

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
    """The end of all: the newest secret is in use and accepted; it was announced, if it is new."""
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


# --- the function is killed between two steps ---


def killed_after(action: str, parameter: str, label: Label, again: str) -> Run:
    """The process dies right after AWS has carried out this call with this label.

    Args:
        again: what the function logs when the message comes again.
    """
    many = parameter == "VersionStages"

    def run(world: World, app: App) -> End:
        match = {"SecretId": world.secret_id(app), parameter: [label.value] if many else label.value}
        world.crash.after(world.function, f"secretsmanager:{action}", match)
        world.begin(app)
        world.until(lambda: world.posts(app), ticking=app)
        world.until(lambda: world.crash.used(match))
        world.until(lambda: again in world.events(app) and world.rotated(app))
        return world.end(app, whether("killed", world.crash.used(match)), also=["errors"])

    return run


def killed_before_the_post(world: World, app: App) -> End:
    """The marker stands for a request that was never made; the one repost makes it."""
    match = {"SecretId": world.secret_id(app), "VersionStages": [Label.MARKER.value]}
    world.crash.after(world.function, "secretsmanager:PutSecretValue", match)
    world.begin(app)
    world.until(lambda: world.crash.used(match), ticking=app)
    world.until(lambda: world.reports(app))
    facts = [whether("killed", world.crash.used(match)), whether("reported", world.reports(app))]
    world.tick_through(app)
    seen = wait_out_the_deadlines(world, app)
    return world.end(app, *facts, then(seen), also=["errors", "operations"])


def killed_after_the_post(world: World, app: App) -> End:
    """Amazon has rotated and has not answered yet."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, Hang(at=Point.ROTATE, when=When.AFTER))
    world.box.amazon.misbehave(app.client_id, Delay(seconds=6))
    world.until(lambda: world.posts(app), ticking=app)
    killed = world.crash.now(world.function, f'"{app.name}"')
    world.until(lambda: world.rotated(app))
    world.until(lambda: world.reports(app))
    return world.end(
        app, whether("killed", killed), whether("reported", world.reports(app)), also=["errors", "operations"]
    )


def up_killed(world: World, app: App) -> End:
    """``pulumi up`` with a trigger, killed after its POST together with all that it started, then run again."""
    box = world.box
    world.begin(app, days=10)
    box.amazon.misbehave(app.client_id, Delay(seconds=8))
    box.stack.configure(box.config(world.apps, {app.name: "first"}))
    with box.stack.start("up", "--yes", "--skip-preview", "--non-interactive") as process:
        world.until(lambda: world.posts(app))
        for pid in (process.pid, *descendants(process.pid)):
            os.kill(pid, signal.SIGKILL)
    box.stack.run("cancel", "--yes")
    text = box.stack.up().text
    world.until(lambda: world.rotated(app))
    said = "not requested again" if "not requested again" in text else "requested again"
    return world.end(app, f"the second up: {said}")


# --- Amazon misbehaves ---


def struck(fault: Answer | Close) -> Run:
    """The rotate call is answered in this way, once; ticks go on."""

    def run(world: World, app: App) -> End:
        world.begin(app)
        world.box.amazon.misbehave(app.client_id, fault)
        world.until(lambda: world.posts(app), ticking=app)
        world.until(lambda: world.rotated(app))
        world.tick_through(app)
        return world.end(app)

    return run


def failed_before_rotating(world: World, app: App) -> End:
    """The answer says nothing about the effect, so nothing is repeated before the queue has been watched."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, Answer(at=Point.ROTATE, when=When.BEFORE, status=500))
    world.until(lambda: world.posts(app), ticking=app)
    seen = wait_out_the_deadlines(world, app)
    return world.end(app, then(seen))


def message_lost(world: World, app: App) -> End:
    """Amazon has rotated, and its message never comes."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, Lose())
    world.until(lambda: world.posts(app), ticking=app)
    seen = wait_out_the_deadlines(world, app)
    return world.end(app, then(seen))


def wait_out_the_deadlines(world: World, app: App) -> list[str]:
    """Let the delivery deadline pass, then the time of the one repost; returns the states on the way."""
    world.until(lambda: world.state(app) is State.REQUESTED)
    seen = [world.state(app).value]
    try:
        world.set_deadlines(delivery_minutes=0.01)
        world.until(lambda: Metric.OVERDUE.value in metrics_of(world, app), ticking=app)
        seen.append(world.state(app).value)
        world.set_deadlines(delivery_minutes=0.01, repost_hours=0.001)
        before = len(world.posts(app))
        world.until(lambda: len(world.posts(app)) > before, ticking=app)
    finally:
        world.set_deadlines()
    world.until(lambda: world.rotated(app))
    seen.append(world.state(app).value)
    return seen


def refused(fault: Answer | None, remedy: str) -> Run:
    """Amazon refuses; the schedule waits; a person mends it and asks on purpose."""

    def run(world: World, app: App) -> End:
        world.begin(app, subscribe=fault is not None)
        if fault is not None:
            world.box.amazon.misbehave(app.client_id, fault)
        world.until(lambda: world.posts(app), ticking=app)
        world.until(lambda: world.state(app) is State.REFUSED)
        seen = [world.state(app).value]
        world.tick_through(app)
        declined = [entry for entry in world.entries(app) if entry["message"] == "rotation_declined"]
        waits = any(entry["reason"] == "TooSoon" for entry in declined)
        told = any(remedy in entry["detail"] for entry in declined)
        if fault is None:
            world.subscribe(app)
        world.until(lambda: datetime.now(UTC) - world.calls(app)[-1].at > RATE_PERIOD)
        world.until(lambda: world.ask(app)["requested"])
        world.until(lambda: world.rotated(app))
        seen.append(world.state(app).value)
        return world.end(
            app,
            then(seen),
            f"the schedule {'waits' if waits else 'does not wait'}",
            f"the log {'says' if told else 'does not say'} what to do",
        )

    return run


def accepted_late(world: World, app: App) -> End:
    """SP-API refuses the new secret at first, as is reported; the old one stays in use meanwhile."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, AcceptLate(spapi_seconds=12))
    world.until(lambda: world.posts(app), ticking=app)
    world.until(lambda: world.state(app) is State.RECEIVED)
    seen = [f"{world.state(app).value} with the secret in use {world.in_use(app)}"]
    world.until(lambda: world.rotated(app), ticking=app)
    seen.append(world.state(app).value)
    return world.end(app, then(seen))


# --- messages ---


def duplicated(world: World, app: App) -> End:
    """The same message six times."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, Duplicate(copies=5))
    world.until(lambda: world.posts(app), ticking=app)

    def taken() -> int:
        return sum(event in ("secret_stored", "secret_duplicate") for event in world.events(app))

    world.until(lambda: taken() == 6)
    world.until(lambda: world.rotated(app))
    return world.end(app, f"{taken()} messages taken")


def out_of_order(world: World, app: App) -> End:
    """Two rotations, the second in the console; the older message comes after the newer."""
    world.begin(app)
    world.box.amazon.misbehave(app.client_id, Delay(seconds=8))
    world.until(lambda: world.posts(app), ticking=app)
    world.box.amazon.rotate_by_hand(app.client_id)
    world.until(lambda: world.rotated(app))
    world.until(lambda: "secret_superseded" in world.events(app))
    return world.end(app)


def rotated_in_console(world: World, app: App) -> End:
    """Somebody presses Amazon's button; the message comes as for any rotation."""
    world.begin(app, days=10)
    world.box.amazon.rotate_by_hand(app.client_id)
    world.until(lambda: world.rotated(app))
    return world.end(app)


def notice_of_current(world: World, app: App) -> End:
    """Amazon announces the expiry of the secret in use."""
    world.begin(app, days=10)
    world.box.amazon.expiry_notice(app.client_id)
    world.until(lambda: world.rotated(app))
    return world.end(app)


def notice_of_unknown(world: World, app: App) -> End:
    """Amazon announces the expiry of a secret that nobody here has seen."""
    world.begin(app, days=10)
    world.box.amazon.expiry_notice(app.client_id, expires_at=datetime.now(UTC) + timedelta(days=3))
    world.until(lambda: Metric.UNSEEN_ROTATION.value in metrics_of(world, app))
    return world.end(app)


def poison(make: Callable[[str], str], complaint: str) -> Run:
    """A message that the function must not take. It holds a text that must be nowhere else."""

    def run(world: World, app: App) -> End:
        world.begin(app, days=10)
        canary = f"canary-{secrets.token_hex(16)}"
        world.canaries.append(canary)
        world.box.amazon.send_body(app.client_id, make(canary))

        def dead() -> list[str]:
            return [body for body in world.dead_letters() if canary in body]

        def refusals() -> int:
            return sum(complaint in invocation.text for invocation in world.invocations())

        world.until(dead)
        return world.end(
            app,
            f"refused {refusals()} times",
            f"{len(dead())} in the dead-letter queue",
            also=["errors", "dead-letters"],
        )

    return run


def of_a_stranger(canary: str) -> str:
    """A new secret for a client id that is not ours."""
    now = datetime.now(UTC)
    payload = new_secret_payload(new_app("stranger").client_id, canary, now + timedelta(days=180), now)
    return envelope(NotificationType.NEW_SECRET, payload, "unknown", "unknown", fresh_id(), now, now)


def garbage(canary: str) -> str:
    """Not JSON."""
    return f"{{{canary}"


def metrics_of(world: World, app: App) -> set[str]:
    """Every metric of its invocations so far."""
    return {metric for invocation in world.invocations() if invocation.concerns(app) for metric in invocation.metrics}


def whether(what: str, seen: object) -> str:
    """A fact that was seen or not."""
    return what if seen else f"not {what}"


def then(seen: list[str]) -> str:
    """States in their order."""
    return "was " + ", then ".join(seen)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "killed-storing",
        "The function is killed right after it has stored the received secret.",
        "The message comes again; the same version is found and goes on. Nothing is stored twice.",
        current("killed", alarms=("errors",)),
        killed_after("PutSecretValue", "VersionStages", Label.RECEIVED, "secret_stored"),
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
        killed_after("UpdateSecretVersionStage", "VersionStage", Label.PENDING, "secret_duplicate"),
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
        killed_after("UpdateSecretVersionStage", "VersionStage", Label.CURRENT, "secret_duplicate"),
    ),
    Scenario(
        "killed-marker",
        "The function is killed after the marker, before the POST.",
        "Nothing is asked for again at once: the marker stands. After the delivery deadline it is OVERDUE with an "
        "alarm; the one repost after 24 hours makes the rotation.",
        current(
            "killed",
            "reported",
            "was REQUESTED, then OVERDUE, then CURRENT",
            versions=REPOSTED,
            metrics=REQUESTED | {Metric.OVERDUE},
            alarms=("errors", "operations", "overdue"),
        ),
        killed_before_the_post,
        Stage.QUIET,
    ),
    Scenario(
        "killed-post",
        "The function is killed right after the POST, while Amazon's answer is on its way.",
        "The marker stands, so nothing posts again; the message closes it.",
        current(
            "killed",
            "reported",
            posts=("none",),
            metrics=NEW_SECRET,
            alarms=("errors", "operations"),
        ),
        killed_after_the_post,
    ),
    Scenario(
        "killed-up",
        "`pulumi up` is killed right after its POST, and run again with the same trigger.",
        "The second `up` finds the first one's marker, posts nothing and waits for the message.",
        current("the second up: not requested again", metrics=NEW_SECRET),
        up_killed,
    ),
    Scenario(
        "500-after",
        "Amazon rotates and answers 500.",
        "The answer says nothing; the marker stands, nothing posts again, the message closes it.",
        current(posts=("500",)),
        struck(Answer(at=Point.ROTATE, when=When.AFTER, status=500)),
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
        failed_before_rotating,
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
        refused(Answer(at=Point.ROTATE, status=429), "Try again after"),
    ),
    Scenario(
        "400",
        "Amazon answers 400: the queue is not registered in the Developer Console.",
        "REFUSED with an alarm; the log holds the steps in the portal. Registered and asked again, it rotates.",
        current(
            "was REFUSED, then CURRENT",
            "the schedule waits",
            "the log says what to do",
            posts=("400", "204"),
            versions=REFUSED_BEFORE,
            metrics=REQUESTED | {Metric.REFUSED},
            alarms=("refused",),
        ),
        refused(None, "Developer Console"),
    ),
    Scenario(
        "broken",
        "The connection breaks after the POST was sent; Amazon has rotated.",
        "The effect is unknown; the marker stands, nothing posts again, the message closes it.",
        current(posts=("none",)),
        struck(Close(at=Point.ROTATE, when=When.AFTER, reset=True)),
    ),
    Scenario(
        "lost",
        "Amazon rotates, and its message never comes.",
        "OVERDUE with an alarm; the old secret stays in use. After 24 hours one repost, whose message comes.",
        current(
            "was REQUESTED, then OVERDUE, then CURRENT",
            versions=REPOSTED,
            posts=("204", "204"),
            metrics=REQUESTED | {Metric.OVERDUE},
            alarms=("overdue",),
        ),
        message_lost,
        Stage.QUIET,
    ),
    Scenario(
        "duplicates",
        "The message comes six times.",
        "One version, one rotation; the others are acknowledged as duplicates.",
        current("6 messages taken", metrics=REQUESTED | {Metric.DUPLICATE}),
        duplicated,
    ),
    Scenario(
        "reordered",
        "Two rotations, the second by hand in the console; the older message comes after the newer.",
        "The newer secret stays in use; the older message is acknowledged as superseded.",
        current(metrics=REQUESTED | {Metric.SUPERSEDED}),
        out_of_order,
    ),
    Scenario(
        "late",
        "SP-API refuses the new secret for a while.",
        "It waits as AWSPENDING, and the old one stays in use, until a tick finds it accepted.",
        current(
            "was RECEIVED with the secret in use older, accepted, then CURRENT",
            metrics=REQUESTED | {Metric.NOT_YET},
        ),
        accepted_late,
    ),
    Scenario(
        "stranger",
        "A message for a client id that is not ours.",
        "Refused at every delivery; after the tenth in the dead-letter queue, whole. Its text is nowhere else.",
        current(
            "refused 10 times",
            "1 in the dead-letter queue",
            posts=(),
            announced=0,
            versions=(Label.CURRENT.value,),
            metrics=frozenset(),
            alarms=("dead-letters", "errors"),
        ),
        poison(of_a_stranger, "an application that is not ours"),
        Stage.POISON,
    ),
    Scenario(
        "garbage",
        "A message that is no JSON.",
        "Refused at every delivery; after the tenth in the dead-letter queue, whole. Its text is nowhere else.",
        current(
            "refused 10 times",
            "1 in the dead-letter queue",
            posts=(),
            announced=0,
            versions=(Label.CURRENT.value,),
            metrics=frozenset(),
            alarms=("dead-letters", "errors"),
        ),
        poison(garbage, "it is not JSON"),
        Stage.POISON,
    ),
    Scenario(
        "console",
        "Somebody rotates by Amazon's button.",
        "The message comes as for any rotation, and the secret is taken into use; nothing is posted.",
        current(posts=(), versions=(PREVIOUS, RECEIVED), metrics=NEW_SECRET),
        rotated_in_console,
    ),
    Scenario(
        "notice",
        "Amazon announces the expiry of the secret in use.",
        "A rotation is requested, whatever the secret's age.",
        current(),
        notice_of_current,
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
        notice_of_unknown,
        Stage.QUIET,
    ),
)
"""Every scenario, in the order of the documentation's table."""
